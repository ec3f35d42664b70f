//! What signals do to `whimbrel run`, from outside: suspend, resume, the end.
#![cfg(target_os = "linux")]

mod tool;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tool::{directory, whimbrel};
use whimbrel_testkit::Origin;

/// Longer than anything here takes on the slowest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A script that runs, and what it prints.
struct Running {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Running {
    fn start(test: &str, arguments: &[&str], source: &str) -> Self {
        let folder = directory(test);
        let path = folder.join("main.lua");
        fs::write(&path, format!("io.stdout:setvbuf('line') {source}")).expect("the script can be written");
        let mut command = whimbrel();
        command.arg("run").arg("--base").arg(folder.join("base")).arg(path).args(arguments);
        let mut child = command.stdout(Stdio::piped()).spawn().expect("the tool can be started");
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("the script prints text");
        line.truncate(line.trim_end().len());
        line
    }

    fn rest(&mut self) -> String {
        let mut text = String::new();
        self.lines.read_to_string(&mut text).expect("the script prints text");
        text
    }

    fn signal(&self, name: &str) {
        let command = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &command]).status().expect("a shell").success(), "{command}");
    }

    /// Waits until the system says that the process is stopped.
    fn await_stop(&self) {
        let begun = Instant::now();
        loop {
            let stat = fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("the process is there");
            let state = stat.rsplit_once(") ").map(|(_, rest)| rest.as_bytes()[0]);
            if state == Some(b'T') {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "the process should stop: {stat}");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended, but where the test failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

const TELL: &str = "Runtime:addEventListener('system', function(event) print(event.type) end) ";

#[test]
fn ctrl_z_suspends_really_stops_and_goes_on_when_continued() {
    let source = format!(
        "{TELL}
        local before
        Runtime:addEventListener('system', function(event)
          if event.type == 'applicationSuspend' then before = system.getTimer() end
          if event.type == 'applicationResume' then
            print(system.getTimer() - before < 1000)
            timer.performWithDelay(1, function() print('timer') native.requestExit() end)
          end
        end)
        timer.performWithDelay(3600000, print)"
    );
    let mut script = Running::start("signals_suspend", &[], &source);
    assert_eq!(script.line(), "applicationStart");
    script.signal("TSTP");
    assert_eq!(script.line(), "applicationSuspend");
    script.await_stop();
    thread::sleep(Duration::from_millis(1200));
    script.signal("CONT");
    assert_eq!(script.line(), "applicationResume");
    assert_eq!(script.line(), "true", "the clock stands still while suspended");
    assert_eq!(script.rest(), "timer\napplicationExit\n");
    assert_eq!(script.child.wait().expect("an end").code(), Some(0));
}

#[test]
fn a_request_survives_a_suspend_and_is_told_of_afterwards() {
    let origin = Origin::http();
    let source = format!(
        "{TELL}
        network.request(arg[1], 'GET', function(event) print(event.phase, event.status) end, {{ timeout = 2 }})"
    );
    let mut script = Running::start("signals_request", &[&origin.url("/delay/1")], &source);
    assert_eq!(script.line(), "applicationStart");
    script.signal("TSTP");
    assert_eq!(script.line(), "applicationSuspend");
    script.await_stop();
    // Longer than the request's timeout: while suspended, no clock runs.
    thread::sleep(Duration::from_millis(2500));
    script.signal("CONT");
    assert_eq!(script.rest(), "applicationResume\nended\t200\napplicationExit\n");
    assert_eq!(script.child.wait().expect("an end").code(), Some(0));
}

#[test]
fn a_signal_to_end_tells_of_the_exit_and_gives_its_exit_code() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let origin = Origin::http();
        let source = format!(
            "{TELL}
            Runtime:addEventListener('system', function(event)
              if event.type == 'applicationExit' then
                print(network.request(arg[1], 'GET', function() print('never') end))
              end
            end)
            network.request(arg[1], 'GET', function() print('never') end)
            timer.performWithDelay(3600000, print)"
        );
        let mut script = Running::start(&format!("signals_{name}"), &[&origin.url("/delay/10")], &source);
        assert_eq!(script.line(), "applicationStart");
        script.signal(name);
        assert_eq!(script.rest(), "applicationExit\n\n", "{name}");
        assert_eq!(script.child.wait().expect("an end").code(), Some(code));
    }
}

#[test]
fn a_script_that_is_busy_ends_with_the_second_signal() {
    let source = "timer.performWithDelay(1, function() print('busy') while true do end end)";
    let mut script = Running::start("signals_busy", &[], source);
    assert_eq!(script.line(), "busy");
    let begun = Instant::now();
    let status = loop {
        // Two that come at once may be one: more of them follow.
        if let Some(status) = script.child.try_wait().expect("a child") {
            break status;
        }
        script.signal("INT");
        assert!(begun.elapsed() < PATIENCE, "the process should end");
        thread::sleep(Duration::from_millis(5));
    };
    assert_eq!(status.signal(), Some(2));
}

#[test]
fn a_signal_before_the_loop_does_what_it_does_by_default() {
    let mut script = Running::start("signals_before", &[], "print('here') while true do end");
    assert_eq!(script.line(), "here");
    script.signal("TERM");
    assert_eq!(script.child.wait().expect("an end").signal(), Some(15));
}
