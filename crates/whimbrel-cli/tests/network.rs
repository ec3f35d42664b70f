//! `network` in `whimbrel run`, from outside: scripts in the style of Solar2D, as they are, against the test origin.

mod tool;

use std::fs;
use std::path::Path;
use std::process::Output;

use tool::{directory, stderr, stdout, whimbrel};
use whimbrel_testkit::{Origin, bytes_of_seed};

const SAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/samples/");

/// Runs a script with its files in `folder`, `api.example.com` being the origin.
fn run(origin: &Origin, folder: &Path, options: &[&str], script: &Path) -> Output {
    let mut command = whimbrel();
    command.arg("run").arg("--base").arg(folder.join("base")).args(options);
    command.args(["--resolve", &format!("api.example.com:80={}", origin.addr())]);
    command.arg(script).output().expect("the tool runs")
}

fn run_source(test: &str, origin: &Origin, options: &[&str], source: &str) -> Output {
    let folder = directory(test);
    let script = folder.join("main.lua");
    fs::write(&script, source).expect("the script can be written");
    run(origin, &folder, options, &script)
}

/// Runs one of the samples, which must end well.
fn sample(name: &str, origin: &Origin) -> (String, std::path::PathBuf) {
    let folder = directory(&format!("network_{name}"));
    let output = run(origin, &folder, &[], &Path::new(SAMPLES).join(name).with_extension("lua"));
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    assert_eq!(stderr(&output), "");
    (stdout(&output), folder.join("base"))
}

#[test]
fn a_login_form_is_posted_and_its_answer_decoded() {
    let origin = Origin::http();
    let (text, _) = sample("login", &origin);
    assert_eq!(text, "waiting\nALERT: Login: Welcome back, alice [OK]\nclosed\tclicked\n");
    let request = &origin.requests()[0];
    assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/post"));
    assert_eq!(request.field("X-API-Key"), Some("13b6ac91a2"));
}

#[test]
fn images_are_fetched_one_after_the_other_into_the_sandbox() {
    let origin = Origin::http();
    let (text, base) = sample("images", &origin);
    let expected = "1\tlevel1.bin\t1000\n2\tlevel2.bin\t2000\n3\tlevel3.bin\t3000\nall there\t6000\n";
    assert_eq!(text, expected);
    let stored = fs::read(base.join("Documents/level3.bin")).expect("the file is in the sandbox");
    assert_eq!(stored, bytes_of_seed(0, 3000));
}

#[test]
fn a_leaderboard_polls_until_it_has_seen_enough() {
    let origin = Origin::http();
    let (text, _) = sample("leaderboard", &origin);
    assert_eq!(text, "score\t1\nscore\t2\nscore\t3\nstopped\n");
    assert_eq!(origin.requests().len(), 3);
}

#[test]
fn a_remote_image_comes_as_the_target_of_its_event() {
    let origin = Origin::http();
    let (text, base) = sample("avatar", &origin);
    assert_eq!(text, "avatar\tavatar.png\t40\t60\nmissing\t404\tnil\n");
    assert!(base.join("TemporaryFiles/avatar.png").is_file());
}

#[test]
fn the_loop_ends_when_the_last_request_has_and_waiting_costs_no_time_of_the_processor() {
    let source = "
        network.request('http://api.example.com/delay/1', 'GET', function(event)
          print(event.status, event.phase, os.clock() < 0.5)
        end)";
    let output = run_source("network_idle", &Origin::http(), &[], source);
    assert_eq!(stdout(&output), "200\tended\ttrue\n", "{}", stderr(&output));
    assert!(output.status.success());
}

#[test]
fn a_timer_that_a_listener_sets_does_not_wait_for_other_requests() {
    let source = "
        local slow = network.request('http://api.example.com/delay/10', 'GET', function() print('slow') end)
        network.request('http://api.example.com/get', 'GET', function(event)
          timer.performWithDelay(20, function() print('timer') network.cancel(slow) end)
        end)";
    let output = run_source("network_timer", &Origin::http(), &[], source);
    assert_eq!(stdout(&output), "timer\n", "{}", stderr(&output));
}

#[test]
fn frames_go_on_while_requests_are_under_way() {
    let source = "
        local frames = 0
        local function frame() frames = frames + 1 end
        Runtime:addEventListener('enterFrame', frame)
        network.request('http://api.example.com/delay/0.5', 'GET', function(event)
          Runtime:removeEventListener('enterFrame', frame)
          print(event.status, frames >= 5 and frames <= 60)
        end)";
    let output = run_source("network_frames", &Origin::http(), &["--fps", "50"], source);
    assert_eq!(stdout(&output), "200\ttrue\n", "{}", stderr(&output));
}

#[test]
fn fetch_waits_in_the_main_chunk_while_timers_go_on() {
    let source = "
        timer.performWithDelay(10, function() print('timer') end)
        local response = assert(network.fetch('http://api.example.com/delay/0.3'))
        print(response.status)
        local ok, message = network.fetch('http://nobody.invalid:1/')
        print(ok, type(message))
        error('after a fetch')";
    let output = run_source("network_fetch", &Origin::http(), &["--resolve", "nobody.invalid:1=127.0.0.1:1"], source);
    assert_eq!(stdout(&output), "timer\n200\nnil\tstring\n", "{}", stderr(&output));
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    assert_eq!(told.matches("main.lua:7: after a fetch").count(), 1, "{told}");
}

#[test]
fn an_error_in_a_listener_is_told_once_and_other_requests_go_on() {
    let source = "
        network.request('http://api.example.com/get', 'GET', function() error('in a listener') end)
        network.request('http://api.example.com/delay/0.3', 'GET', function(event) print(event.status) end)";
    let output = run_source("network_error", &Origin::http(), &[], source);
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(1), "200\n"));
    let told = stderr(&output);
    assert_eq!(told.matches("main.lua:2: in a listener\nstack traceback:\n").count(), 1, "{told}");
    assert!(!told.contains("whimbrel/") && !told.contains("whimbrel."), "only the script's frames are told: {told}");
}

#[test]
fn os_exit_in_a_network_listener_ends_the_run() {
    for (index, phase) in ["began", "progress", "ended"].iter().enumerate() {
        for close in ["false", "true"] {
            let source = format!(
                "network.download('http://api.example.com/bytes/300000', 'GET', function(event)
                   if event.phase == '{phase}' then io.write('{phase}') os.exit(5, {close}) end
                 end, {{ progress = true }}, 'file.bin')"
            );
            let output = run_source(&format!("network_exit_{index}_{close}"), &Origin::http(), &[], &source);
            assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(5), *phase), "{}", stderr(&output));
        }
    }
}

#[test]
fn os_exit_in_every_other_callback_of_a_request_ends_the_run() {
    let url = "'http://api.example.com/bytes/300000'";
    for (index, source) in [
        format!("network.request({url}, 'GET', print, {{ onChunk = function() os.exit(5, true) end }})"),
        format!("network.request({url}, 'GET', print, {{ onProgress = function() os.exit(5, true) end }})"),
        format!("network.fetch({url}) os.exit(5, true)"),
        format!("coroutine.wrap(function() network.fetch({url}) os.exit(5, true) end)()"),
        format!("network.onError = function() os.exit(5, true) end network.request({url}, 'GET', error)"),
        format!("display.loadRemoteImage({url}, 'GET', function() os.exit(5, true) end, 'image.png')"),
    ]
    .iter()
    .enumerate()
    {
        let output = run_source(&format!("network_exit_from_{index}"), &Origin::http(), &[], source);
        assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(5), ""), "{source}: {}", stderr(&output));
    }
}

#[test]
fn a_script_may_suspend_its_requests_itself() {
    let source = "
        local suspended
        network.request('http://api.example.com/get', 'GET', function(event) print(event.status, suspended) end)
        network.suspend()
        suspended = true
        timer.performWithDelay(300, function()
          print('resumed', os.clock() < 0.2)
          suspended = false
          network.unsuspend()
        end)";
    let output = run_source("network_suspended", &Origin::http(), &[], source);
    assert_eq!(stdout(&output), "resumed\ttrue\n200\tfalse\n", "{}", stderr(&output));
}

#[test]
fn the_base_folder_has_the_directories_and_the_scripts_folder_is_the_resources() {
    let source = "
        for _, name in ipairs({ 'Documents', 'Temporary', 'Caches', 'ApplicationSupport' }) do
          local constant = system[name .. 'Directory']
          assert(type(constant) == 'userdata', name)
          local path = system.pathForFile('note.txt', constant)
          local file = assert(io.open(path, 'w'))
          file:write(name)
          file:close()
          assert(path:sub(1, #whimbrel.base) == whimbrel.base, path)
        end
        local own = assert(io.open(system.pathForFile('main.lua')))
        print(#own:read('*a') > 0)
        network.upload('http://api.example.com/put', 'PUT', function(event) print(event.status) end,
          'note.txt', system.CachesDirectory, 'text/plain')";
    let origin = Origin::http();
    let output = run_source("network_base", &origin, &[], source);
    assert_eq!(stdout(&output), "true\n200\n", "{}", stderr(&output));
    assert_eq!(origin.requests()[0].body_length, "Caches".len() as u64);
}

#[test]
fn without_a_base_each_script_has_a_folder_among_the_users_data() {
    let folder = directory("network_sandbox");
    let script = folder.join("game.lua");
    fs::write(&script, "io.write(system.pathForFile('save.json', system.DocumentsDirectory))").expect("a script");
    let output = whimbrel().arg("run").arg(&script).env("XDG_DATA_HOME", &folder).output().expect("the tool runs");
    let path = stdout(&output);
    let start = folder.join("whimbrel/game-");
    assert!(path.starts_with(&*start.to_string_lossy()), "{path}{}", stderr(&output));
    assert!(path.ends_with("/Documents/save.json"), "{path}");
    assert!(Path::new(&path).parent().expect("a folder").is_dir(), "a script may write there at once");
}

#[test]
fn form_posts_are_as_solar2d_sends_them_when_asked_for() {
    let source = "network.request('http://api.example.com/post', 'POST', print, { body = 'color=red' })";
    for (option, content_type) in [
        (None, "text/plain; charset=UTF-8"),
        (Some("--form-posts"), "application/x-www-form-urlencoded; charset=UTF-8"),
    ] {
        let origin = Origin::http();
        let options: Vec<&str> = option.into_iter().collect();
        let output = run_source("network_forms", &origin, &options, source);
        assert!(output.status.success(), "{}", stderr(&output));
        assert_eq!(origin.requests()[0].field("Content-Type"), Some(content_type));
    }
}
