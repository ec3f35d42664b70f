//! The modules in real Lua: every script of `tests/lua`, `tests/lua/network` and `tests/lua/httpclient`, in each interpreter
//! that a user may have, against servers on loopback. Each interpreter is one test for each of the three modules. It loads
//! what `cargo xtask modules` built, as a user's Lua would.

mod hosts {
    mod literal;
    mod nginx;
    pub(crate) mod servers;
}

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use hosts::servers::Servers;

#[test]
fn every_script_passes_in_lua_5_1() {
    run_all("tests/lua", "lua5.1", "5.1");
}

#[test]
fn every_script_passes_in_lua_5_2() {
    run_all("tests/lua", "lua5.2", "5.2");
}

#[test]
fn every_script_passes_in_lua_5_3() {
    run_all("tests/lua", "lua5.3", "5.3");
}

#[test]
fn every_script_passes_in_lua_5_4() {
    run_all("tests/lua", "lua5.4", "5.4");
}

#[test]
fn every_script_passes_in_luajit() {
    run_all("tests/lua", "luajit", "5.1");
}

#[test]
fn every_script_of_network_passes_in_lua_5_1() {
    run_all("tests/lua/network", "lua5.1", "5.1");
}

#[test]
fn every_script_of_network_passes_in_lua_5_2() {
    run_all("tests/lua/network", "lua5.2", "5.2");
}

#[test]
fn every_script_of_network_passes_in_lua_5_3() {
    run_all("tests/lua/network", "lua5.3", "5.3");
}

#[test]
fn every_script_of_network_passes_in_lua_5_4() {
    run_all("tests/lua/network", "lua5.4", "5.4");
}

#[test]
fn every_script_of_network_passes_in_luajit() {
    run_all("tests/lua/network", "luajit", "5.1");
}

#[test]
fn every_script_of_httpclient_passes_in_lua_5_1() {
    run_all("tests/lua/httpclient", "lua5.1", "5.1");
}

#[test]
fn every_script_of_httpclient_passes_in_lua_5_2() {
    run_all("tests/lua/httpclient", "lua5.2", "5.2");
}

#[test]
fn every_script_of_httpclient_passes_in_lua_5_3() {
    run_all("tests/lua/httpclient", "lua5.3", "5.3");
}

#[test]
fn every_script_of_httpclient_passes_in_lua_5_4() {
    run_all("tests/lua/httpclient", "lua5.4", "5.4");
}

#[test]
fn every_script_of_httpclient_passes_in_luajit() {
    run_all("tests/lua/httpclient", "luajit", "5.1");
}

#[test]
fn a_thousand_states_open_request_and_close_at_constant_memory_and_descriptors() {
    run_luajit("reopen");
}

#[test]
fn both_sides_of_a_fork_go_on() {
    run_luajit("fork");
}

/// The times of its frames are printed, for whoever runs it with `--nocapture`.
#[test]
fn a_game_in_love_downloads_while_its_frames_go_on() {
    run_love("tests/love");
}

/// The parts of the example, in frames, with no window around them.
#[test]
fn a_game_in_love_steps_its_own_clients_in_its_frames() {
    run_love("tests/love/polled");
}

fn run_love(game: &str) {
    let servers = Servers::start(&game.replace('/', "-"));
    let mut command = Command::new("love");
    command
        .arg(root().join(game))
        .env("XDG_DATA_HOME", servers.work_dir())
        .env("HOME", servers.work_dir())
        .env("SDL_VIDEODRIVER", "dummy")
        .env("SDL_AUDIODRIVER", "dummy");
    let lua = root().join("tests/lua");
    let folders = [lua.join("httpclient"), lua.join("network"), lua, root().join("examples/love-httpclient")];
    let output = finish(command, &folders, &modules_dir().join("5.1"), &servers);
    print!("{}", String::from_utf8_lossy(&output.stdout));
    judge(&output).unwrap_or_else(|why| panic!("{why}"));
}

#[test]
fn both_sides_of_a_fork_go_on_with_network() {
    run_luajit("fork_network");
}

/// A script that needs LuaJIT's ffi, to do what a host does.
fn run_luajit(name: &str) {
    let servers = Servers::start(&format!("luajit-{name}"));
    let script = root().join("tests/luajit").join(name).with_extension("lua");
    let output = run("luajit", &script, &modules_dir().join("5.1"), &servers);
    assert!(output.status.success(), "{output:?}");
}

fn run_all(folder: &str, interpreter: &str, abi: &str) {
    let modules = modules_dir().join(abi);
    assert!(
        modules.join("http.so").exists(),
        "there is no module for Lua {abi} in {}: run `cargo xtask modules`",
        modules.display()
    );
    let scripts = scripts(folder);
    let mut told = String::new();
    for script in &scripts {
        let name = script.file_stem().unwrap_or_default().to_string_lossy();
        // Servers of its own for each script, so that none sees what another left.
        let label = format!("{}-{interpreter}-{name}", folder.replace('/', "-"));
        let text = std::fs::read_to_string(script).expect("the script can be read");
        let servers =
            if text.contains("\"NGINX_") { Servers::start_with_nginx(&label) } else { Servers::start(&label) };
        let output = run(interpreter, script, &modules, &servers);
        if let Err(why) = judge(&output) {
            told.push_str(&format!("--- {name}.lua in {interpreter}: {why}\n"));
        }
    }
    assert!(told.is_empty(), "\n{told}");
}

/// threats row 15
#[test]
fn a_state_may_end_inside_a_callback() {
    for (interpreter, abi) in HOSTS {
        let ending = if interpreter == "lua5.1" { "os.exit(7)" } else { "os.exit(7, true)" };
        let script = format!(
            r#"
            local http = require("http")
            http.get(os.getenv("ORIGIN_URL") .. "/bytes/100000", {{ on_progress = function() {ending} end }})
            error("the callback came back")
            "#
        );
        let output = run_text(interpreter, abi, "exit", &script);
        assert_eq!(output.status.code(), Some(7), "{interpreter}: {output:?}");
    }
}

/// threats row 15
#[test]
fn a_finalizer_may_make_requests_while_the_state_is_closed() {
    for (interpreter, abi) in HOSTS {
        let script = r#"
            local url = os.getenv("ORIGIN_URL") .. "/get"
            local function at_the_end()
              local http = require("http")
              local response, err = http.get(url)
              io.write(response and "came" or tostring(err), "\n")
            end
            local before, after
            local function object()
              local proxy = newproxy and newproxy(true) or setmetatable({}, { __gc = at_the_end })
              if newproxy then getmetatable(proxy).__gc = at_the_end end
              return proxy
            end
            before = object()
            assert(require("http").get(url))
            after = object()
        "#;
        let output = run_text(interpreter, abi, "finalizer", script);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{interpreter}: {output:?}");
        assert_eq!(text.lines().count(), 2, "{interpreter}: {text}");
        let expected = |line: &str| line == "came" || line.ends_with("this Lua state is being closed");
        assert!(text.lines().all(expected), "{interpreter}: {text}");
    }
}

const HOSTS: [(&str, &str); 5] =
    [("lua5.1", "5.1"), ("lua5.2", "5.2"), ("lua5.3", "5.3"), ("lua5.4", "5.4"), ("luajit", "5.1")];

fn run_text(interpreter: &str, abi: &str, name: &str, text: &str) -> Output {
    let servers = Servers::start(&format!("{interpreter}-{name}"));
    let script = servers.work_dir().join("script.lua");
    std::fs::write(&script, text).expect("the script can be written");
    run(interpreter, &script, &modules_dir().join(abi), &servers)
}

fn run(interpreter: &str, script: &Path, modules: &Path, servers: &Servers) -> Output {
    let folder = script.parent().expect("a script lies in a folder");
    let mut command = Command::new(interpreter);
    command.arg(script).env("SEED_DIR", folder.join("seed"));
    let polled = root().join("examples/love-httpclient");
    finish(command, &[folder.to_owned(), folder.join(".."), folder.join("../network"), polled], modules, servers)
}

/// How long one script may take, in seconds: one that waits for ever fails, rather than all that come after it.
const LIMIT: &str = "240";

/// Runs a host of Lua that finds scripts in these folders, and nothing that a user of this machine has set.
fn finish(host: Command, folders: &[PathBuf], modules: &Path, servers: &Servers) -> Output {
    let mut command = Command::new("timeout");
    command.args(["--kill-after=5", LIMIT]).arg(host.get_program()).args(host.get_args());
    for (name, value) in host.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    for version in ["", "_5_2", "_5_3", "_5_4"] {
        command.env_remove(format!("LUA_INIT{version}"));
        command.env_remove(format!("LUA_PATH{version}")).env_remove(format!("LUA_CPATH{version}"));
    }
    for proxy in ["http_proxy", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(proxy);
    }
    let path: Vec<String> = folders.iter().map(|folder| folder.join("?.lua").display().to_string()).collect();
    command
        .env("LUA_PATH", path.join(";"))
        .env("LUA_CPATH", modules.join("?.so"))
        .envs(servers.environment())
        .current_dir(servers.work_dir());
    let host = host.get_program().to_string_lossy().into_owned();
    command.output().unwrap_or_else(|error| panic!("{host} does not start ({error}): run `cargo xtask setup`"))
}

/// A script has passed when it ended well and said how many tests there were, none of them failed.
fn judge(output: &Output) -> Result<(), String> {
    let text = String::from_utf8_lossy(&output.stdout);
    let passed = text.lines().filter(|line| line.starts_with("ok ")).count();
    if output.status.success() && passed > 0 && text.ends_with(&format!("done {passed} 0\n")) {
        return Ok(());
    }
    let failures: Vec<&str> = text.lines().filter(|line| !line.starts_with("ok ")).collect();
    Err(format!("{}\n{}\n{}", output.status, failures.join("\n"), String::from_utf8_lossy(&output.stderr)))
}

/// What the scripts share.
const SHARED: [&str; 5] = ["check", "events", "polled", "served", "specs"];

/// The scripts in a folder, none of those below it.
fn scripts(folder: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(folder)).expect("the folder of the scripts can be read");
    // To run a few: WHIMBREL_LUA_TESTS=json,tls.
    let only = std::env::var("WHIMBREL_LUA_TESTS").unwrap_or_default();
    let mut scripts: Vec<PathBuf> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "lua"))
        .filter(|path| {
            let name = path.file_stem().unwrap_or_default().to_string_lossy();
            !SHARED.contains(&&*name) && (only.is_empty() || only.split(',').any(|one| one == name))
        })
        .collect();
    scripts.sort();
    assert!(!scripts.is_empty() || !only.is_empty(), "{folder} holds no script");
    scripts
}

fn modules_dir() -> PathBuf {
    std::env::var_os("WHIMBREL_LUA_DIR").map_or_else(|| root().join("dist/lua"), PathBuf::from)
}

fn root() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    root.canonicalize().expect("the workspace is there")
}
