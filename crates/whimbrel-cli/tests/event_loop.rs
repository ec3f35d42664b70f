//! The loop of `whimbrel run`, from outside: timers, frames, `Runtime`, `system`, `native`, errors and exit codes.

mod tool;

use std::fs;
use std::process::Output;

use tool::{directory, stderr, stdout, whimbrel};

/// Runs `source` as a script of this test, with its files in a folder of its own.
fn run(test: &str, options: &[&str], source: &str) -> Output {
    let folder = directory(test);
    let path = folder.join("main.lua");
    fs::write(&path, source).expect("the script can be written");
    whimbrel()
        .arg("run")
        .arg("--base")
        .arg(folder.join("base"))
        .args(options)
        .arg(path)
        .output()
        .expect("the tool runs")
}

/// Runs a script that must end well, and gives what it printed.
fn printed(test: &str, source: &str) -> String {
    let output = run(test, &[], source);
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    assert_eq!(stderr(&output), "");
    stdout(&output)
}

#[test]
fn the_loop_ends_by_itself_when_nothing_is_left() {
    assert_eq!(
        printed("loop_ends", "timer.performWithDelay(5, function() print('once') end) print('main')"),
        "main\nonce\n"
    );
}

#[test]
fn timers_come_in_order_of_their_time_and_then_of_their_making() {
    let source = "
        for _, delay in ipairs({ 300, 100, 200, 100 }) do
          local name = delay .. (seen and 'b' or 'a')
          seen = seen or delay == 100
          timer.performWithDelay(delay, function() print(name) end)
        end";
    assert_eq!(printed("loop_order", source), "100a\n100b\n200b\n300a\n");
}

#[test]
fn a_timer_repeats_as_often_as_it_is_told_and_counts() {
    let source = "
        local mine
        local function listener(event)
          print(event.name, event.count, event.source == mine, event.source.params.tint, event.time > 0)
        end
        mine = timer.performWithDelay(1, listener, 3)
        mine.params = { tint = 'red' }";
    let line = |count| format!("timer\t{count}\ttrue\tred\ttrue\n");
    assert_eq!(printed("loop_repeats", source), format!("{}{}{}", line(1), line(2), line(3)));
}

#[test]
fn a_timer_for_ever_ends_when_it_is_cancelled_in_its_listener() {
    let source = "
        for _, endless in ipairs({ 0, -1 }) do
          local object = { endless = endless }
          function object:timer(event)
            print(self.endless, event.count)
            if event.count == 4 then timer.cancel(event.source) end
          end
          timer.performWithDelay(1, object, endless)
        end";
    let text = printed("loop_for_ever", source);
    assert_eq!(text.lines().filter(|line| line.starts_with("0\t")).count(), 4, "{text}");
    assert_eq!(text.lines().filter(|line| line.starts_with("-1\t")).count(), 4, "{text}");
}

#[test]
fn a_paused_timer_keeps_its_time_and_no_loop_alive() {
    let source = "
        local paused = timer.performWithDelay(20, function() print('resumed') end)
        local forgotten = timer.performWithDelay(1, function() print('never') end)
        timer.pause(forgotten)
        local left = timer.pause(paused)
        assert(left <= 20, left)
        timer.performWithDelay(60, function() print('later') print(timer.resume(paused) == left) end)";
    assert_eq!(printed("loop_pause", source), "later\ntrue\nresumed\n");
}

#[test]
fn a_tag_names_all_its_timers() {
    let source = "
        timer.performWithDelay(1, function() print('a') timer.cancelAll() end, 'first')
        timer.performWithDelay(1, function() print('b') end, 2, 'second')
        timer.performWithDelay(1, function() print('c') end)
        timer.cancel('second')
        timer.pause('first')
        timer.performWithDelay(5, function() timer.resume('first') end)
        timer.performWithDelay(3600000, function() print('d') end)";
    assert_eq!(printed("loop_tags", source), "c\na\n");
}

#[test]
fn a_timer_that_another_cancels_at_the_same_moment_does_not_come() {
    let source = "
        local other
        timer.performWithDelay(10, function() print('first') timer.cancel(other) end)
        other = timer.performWithDelay(10, function() print('second') end)
        assert(timer.cancel(timer.performWithDelay(0, print)) <= 0)";
    assert_eq!(printed("loop_cancels", source), "first\n");
}

#[test]
fn frames_come_while_somebody_listens_and_at_the_rate_that_is_set() {
    let source = "
        local first
        local function frame(event)
          first = first or event.time
          if event.frame == 11 then
            Runtime:removeEventListener('enterFrame', frame)
            print(event.name, event.frame, event.time - first >= 99)
          end
        end
        Runtime:addEventListener('enterFrame', frame)";
    let output = run("loop_frames", &["--fps", "100"], source);
    assert_eq!(stdout(&output), "enterFrame\t11\ttrue\n", "{}", stderr(&output));
}

#[test]
fn a_listener_is_a_function_or_a_table_and_may_come_and_go() {
    let source = "
        local object = {}
        function object:ping(event) print('object', self == object, event.value) end
        local function another(event) print('function', event.value) return true end
        assert(not Runtime:hasEventListener('ping'))
        Runtime:addEventListener('ping', object)
        Runtime:addEventListener('ping', another)
        assert(Runtime:hasEventListener('ping') and Runtime:hasEventListener('ping', object))
        assert(Runtime:dispatchEvent({ name = 'ping', value = 1 }))
        Runtime:removeEventListener('ping', another)
        assert(not Runtime:dispatchEvent({ name = 'ping', value = 2 }))
        local own = system.newEventDispatcher()
        own:addEventListener('ping', another)
        own:dispatchEvent({ name = 'ping', value = 3 })";
    assert_eq!(printed("loop_runtime", source), "object\ttrue\t1\nfunction\t1\nobject\ttrue\t2\nfunction\t3\n");
}

#[test]
fn a_run_tells_of_its_start_and_its_end() {
    let source = "
        Runtime:addEventListener('system', function(event) print(event.name, event.type) end)
        timer.performWithDelay(1, function() print('timer') end)
        print('main')";
    let expected = "main\nsystem\tapplicationStart\ntimer\nsystem\tapplicationExit\n";
    assert_eq!(printed("loop_system", source), expected);
}

#[test]
fn an_error_in_a_listener_is_told_stops_nothing_and_exits_1() {
    let source = "
        timer.performWithDelay(1, function() error('in a timer') end)
        timer.performWithDelay(1, function() error({}) end)
        Runtime:addEventListener('system', function(event)
          local nothing
          if event.type == 'applicationStart' then print(nothing.field) end
        end)
        local function frame(event)
          Runtime:removeEventListener('enterFrame', frame)
          error('in a frame')
        end
        Runtime:addEventListener('enterFrame', frame)
        timer.performWithDelay(50, function() print('still here') end)";
    let output = run("loop_errors", &[], source);
    let told = stderr(&output);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), "still here\n"), "{told}");
    for part in [
        "main.lua:2: in a timer\nstack traceback:\n",
        "(error object is a table value)",
        "main.lua:6: attempt to index local 'nothing' (a nil value)\nstack traceback:\n",
        "main.lua:10: in a frame\n",
    ] {
        assert!(told.contains(part), "{part} is missing in {told}");
    }
    assert!(!told.contains("xpcall") && !told.contains("whimbrel/"), "the runner's own frames are cut: {told}");
}

#[test]
fn an_error_of_the_main_chunk_ends_the_run_also_after_it_waited() {
    let source = "
        local main = coroutine.running()
        timer.performWithDelay(1, function() coroutine.resume(main, 'woken') end)
        timer.performWithDelay(60000, function() print('never') end)
        print(coroutine.yield())
        error('late')";
    let output = run("loop_late_error", &[], source);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), "woken\n"));
    assert!(stderr(&output).contains("main.lua:6: late\nstack traceback:\n"), "{}", stderr(&output));
}

#[test]
fn a_main_chunk_that_nothing_is_left_to_resume_is_told_where_it_waits() {
    let output = run("loop_forgotten", &[], "\ncoroutine.yield()");
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    assert!(told.contains("nothing is left to resume it") && told.contains("main.lua:2: in main chunk"), "{told}");
}

#[test]
fn os_exit_ends_the_run_in_every_kind_of_callback() {
    for (index, source) in [
        "timer.performWithDelay(1, function() os.exit(9) end, 0)",
        "Runtime:addEventListener('enterFrame', function() os.exit(9) end)",
        "Runtime:addEventListener('system', function() os.exit(9, true) end)",
        "native.showAlert('Title', 'Text', { 'OK' }, function() os.exit(9) end)",
        "timer.performWithDelay(1, coroutine.wrap(function() os.exit(9, true) end))",
    ]
    .iter()
    .enumerate()
    {
        let output = run(&format!("loop_exit_{index}"), &[], &format!("io.write('written') {source}"));
        assert_eq!(output.status.code(), Some(9), "{source}: {}", stderr(&output));
        assert!(stdout(&output).starts_with("written"), "{source}");
    }
}

#[test]
fn a_script_may_ask_for_its_end() {
    let source = "
        timer.performWithDelay(1, function() native.requestExit() print('asked') end)
        timer.performWithDelay(60000, function() print('never') end)";
    assert_eq!(printed("loop_request_exit", source), "asked\n");
}

#[test]
fn an_alert_is_printed_and_answered_by_its_first_button() {
    let source = "
        native.showAlert('Update', 'Get it now?', { 'Yes', 'No' }, function(event) print(event.action, event.index) end)
        local second = native.showAlert('Bye', 'Gone', { 'OK' }, function(event) print(event.action, event.index) end)
        native.cancelAlert(second)
        print('main')";
    let expected = "ALERT: Update: Get it now? [Yes] [No]\nALERT: Bye: Gone [OK]\nmain\nclicked\t1\ncancelled\t0\n";
    assert_eq!(printed("loop_alert", source), expected);
}

#[test]
fn a_script_knows_where_it_runs() {
    let source = "
        assert(whimbrel == require('whimbrel'))
        print(whimbrel.version, whimbrel.args == arg, whimbrel.script == arg[0])
        print(system.getInfo('appName'), system.getInfo('environment'), system.getInfo('no such key') == '')
        print(#system.getInfo('platform') > 0, #system.getInfo('architectureInfo') > 0, system.getTimer() >= 0)
        io.write(whimbrel.base)";
    let output = run("loop_where", &[], source);
    let version = env!("CARGO_PKG_VERSION");
    let text = stdout(&output);
    let expected = format!("{version}\ttrue\ttrue\nmain\tdevice\ttrue\ntrue\ttrue\ttrue\n");
    assert!(text.starts_with(&expected), "{text}{}", stderr(&output));
    assert!(text.ends_with("loop_where/base"), "{text}");
}

#[test]
fn a_mistake_in_a_call_says_what_to_write() {
    let source = "
        for _, call in ipairs({
          function() timer.performWithDelay('soon', print) end,
          function() timer.performWithDelay(1) end,
          function() timer.cancel(nil) end,
          function() Runtime.addEventListener('enterFrame', print) end,
          function() Runtime:addEventListener('enterFrame', nil) end,
          function() Runtime:dispatchEvent('enterFrame') end,
        }) do
          local _, problem = pcall(call)
          print(problem)
        end";
    let text = printed("loop_mistakes", source);
    let lines: Vec<&str> = text.lines().collect();
    for (line, part) in lines.iter().zip([
        "main.lua:3: bad argument #1 to 'performWithDelay' (milliseconds expected, got string)",
        "main.lua:4: bad argument #2 to 'performWithDelay' (a function or a table with a method 'timer' expected",
        "main.lua:5: bad argument #1 to 'cancel' (what timer.performWithDelay gave, or a tag, expected, got nil)",
        "main.lua:6: addEventListener is a method: write a colon",
        "main.lua:7: bad argument #2 to 'addEventListener' (a function or a table with a method 'enterFrame' expected",
        "main.lua:8: bad argument #1 to 'dispatchEvent' (a table with the event's name expected, got enterFrame)",
    ]) {
        assert!(line.contains(part), "{line}");
    }
    assert_eq!(lines.len(), 6);
}

#[test]
fn a_frame_rate_out_of_range_says_what_to_give() {
    for rate in ["0", "-1", "fast", "nan", "100000"] {
        let output = whimbrel().args(["run", &format!("--fps={rate}"), "x.lua"]).output().expect("the tool runs");
        assert_eq!(output.status.code(), Some(2), "{rate}");
        assert!(stderr(&output).contains("--fps"), "{}", stderr(&output));
    }
}
