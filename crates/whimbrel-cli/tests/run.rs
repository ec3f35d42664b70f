//! `whimbrel run`, from outside: arguments, modules, errors, exit codes, redirected names.

mod tool;

use std::fs;
use std::path::PathBuf;

use tool::{directory, run_with_input, stderr, stdout, whimbrel};
use whimbrel_testkit::{Authority, Origin};

/// Writes `source` as `main.lua` into a directory of the test's own.
fn script(test: &str, source: &str) -> PathBuf {
    let path = directory(test).join("main.lua");
    fs::write(&path, source).expect("the script can be written");
    path
}

#[test]
fn a_script_gets_its_arguments_as_arg_and_as_dots() {
    let path = script("run_arguments", "print(arg[0], #arg, arg[1], arg[2]) print(...)");
    let output = whimbrel().arg("run").arg(&path).args(["one", "--two"]).output().expect("the tool runs");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(stdout(&output), format!("{}\t2\tone\t--two\none\t--two\n", path.display()));
}

#[test]
fn options_behind_the_script_are_the_scripts() {
    let path = script("run_options_behind", "print(...)");
    let output = whimbrel().arg("run").arg(&path).args(["--resolve", "-h", "--ca"]).output().expect("the tool runs");
    assert_eq!(stdout(&output), "--resolve\t-h\t--ca\n", "{}", stderr(&output));
}

#[cfg(unix)]
#[test]
fn arguments_are_bytes() {
    use std::os::unix::ffi::OsStrExt;
    let path = script("run_bytes", "io.write((...):byte(1, -1))");
    let argument = std::ffi::OsStr::from_bytes(b"a\xff");
    let output = whimbrel().arg("run").arg(&path).arg(argument).output().expect("the tool runs");
    assert_eq!(stdout(&output), "97255", "{}", stderr(&output));
}

#[test]
fn the_modules_are_preloaded() {
    let source = "
        for _, name in ipairs({ 'http', 'json', 'cjson', 'cjson.safe', 'whimbrel', 'whimbrel.http', 'httpclient' }) do
          assert(type(require(name)) == 'table', name)
        end
        assert(require('httpclient') == require('whimbrel.httpclient'))
        assert(require('http') == require('whimbrel.http'))
        assert(require('cjson').encode({ 1, 2 }) == '[1,2]')
        assert(require('cjson.safe').decode('{') == nil)
        print(jit.version)";
    let output = whimbrel().arg("run").arg(script("run_modules", source)).output().expect("the tool runs");
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).starts_with("LuaJIT 2.1"));
}

#[test]
fn a_module_beside_the_script_is_found_first() {
    let path = script("run_beside", "print(require('mine'), require('deep'))");
    let here = path.parent().expect("a directory");
    fs::write(here.join("mine.lua"), "return 'beside'").expect("a module");
    fs::create_dir(here.join("deep")).expect("a directory");
    fs::write(here.join("deep/init.lua"), "return 'deep'").expect("a module");
    let elsewhere = directory("run_beside_elsewhere");
    fs::write(elsewhere.join("mine.lua"), "return 'elsewhere'").expect("a module");
    let output = whimbrel().current_dir(elsewhere).arg("run").arg(&path).output().expect("the tool runs");
    assert_eq!(stdout(&output), "beside\tdeep\n", "{}", stderr(&output));
}

#[test]
fn an_error_prints_message_and_traceback_and_exits_1() {
    let path = script("run_error", "#!/usr/bin/env whimbrel\nlocal function inner()\n  error('boom')\nend\ninner()");
    let output = whimbrel().arg("run").arg(&path).output().expect("the tool runs");
    assert_eq!(output.status.code(), Some(1));
    let told = stderr(&output);
    assert!(told.contains("main.lua:3: boom\nstack traceback:\n"), "{told}");
    assert!(told.contains("main.lua:3: in function 'inner'"), "{told}");
    assert!(told.contains("main.lua:5: in main chunk"), "{told}");
    assert!(!told.contains("xpcall"), "the runner's own frames are cut: {told}");
}

#[test]
fn a_traceback_begins_where_the_error_is() {
    let output = run_with_input(whimbrel().args(["run", "-"]), b"local nothing\nprint(nothing.field)");
    let told = stderr(&output);
    assert!(told.contains("stack traceback:\n\tstdin:2: in main chunk\n"), "{told}");
    assert_eq!(told.lines().count(), 3, "{told}");
}

#[test]
fn an_error_that_is_no_string_is_described() {
    for (thrown, told) in [
        ("{}", "(error object is a table value)"),
        ("setmetatable({}, { __tostring = function() return 'custom' end })", "whimbrel: custom"),
        ("nil", "(error object is a nil value)"),
    ] {
        let output = run_with_input(whimbrel().args(["run", "-"]), format!("error({thrown})").as_bytes());
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(told), "{thrown}: {}", stderr(&output));
    }
}

#[test]
fn a_syntax_error_names_file_and_line() {
    let path = script("run_syntax", "local x\nx = = 1");
    let output = whimbrel().arg("run").arg(&path).output().expect("the tool runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("main.lua:2: unexpected symbol"), "{}", stderr(&output));
}

#[test]
fn os_exit_gives_the_exit_code_and_flushes_output() {
    let path = script("run_exit", "io.write('written') os.exit(7)");
    let output = whimbrel().arg("run").arg(&path).output().expect("the tool runs");
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(7), "written"));
}

#[test]
fn a_script_that_can_t_be_read_is_named() {
    let output = whimbrel().args(["run", "no-such-file.lua"]).output().expect("the tool runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("can't read no-such-file.lua"), "{}", stderr(&output));
}

#[test]
fn a_wrong_override_says_how_to_write_it() {
    let output = whimbrel().args(["run", "--resolve", "a.test", "x.lua"]).output().expect("the tool runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("HOST:PORT=ADDR"), "{}", stderr(&output));
}

#[test]
fn resolve_leads_a_name_elsewhere_and_host_stays() {
    let origin = Origin::http();
    let source = "local res = assert(require('http').get('http://api.example.com/headers')) io.write(res.body)";
    let output = whimbrel()
        .args(["run", "--resolve", &format!("api.example.com:80={}", origin.addr())])
        .arg(script("run_resolve", source))
        .output()
        .expect("the tool runs");
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).contains(r#""Host": "api.example.com""#), "{}", stdout(&output));
    assert_eq!(origin.requests()[0].field("Host"), Some("api.example.com"));
}

#[test]
fn a_ca_given_to_the_tool_is_trusted_by_every_request() {
    let authority = Authority::new();
    let origin = Origin::https(&authority, &["api.example.com"]);
    let path = script("run_ca", "print(require('http').get('https://api.example.com/get'))");
    let ca = path.with_file_name("ca.pem");
    authority.write_ca(&ca).expect("the CA can be written");
    let redirect = format!("api.example.com:443={}", origin.addr());

    let output = whimbrel().args(["run", "--resolve", &redirect]).arg(&path).output().expect("the tool runs");
    assert!(stdout(&output).starts_with("nil\tSSL peer certificate"), "{}", stdout(&output));

    let mut trusting = whimbrel();
    trusting.args(["run", "--resolve", &redirect, "--ca"]).arg(&ca).arg(&path);
    let output = trusting.output().expect("the tool runs");
    assert!(stdout(&output).starts_with("table:"), "{}", stdout(&output));
    assert_eq!(origin.requests().len(), 1);
}

#[test]
fn the_polled_client_of_a_script_goes_where_the_tool_leads_it_and_trusts_whom_it_trusts() {
    let authority = Authority::new();
    let origin = Origin::https(&authority, &["api.example.com"]);
    let source = "
        local HTTPClient = require('httpclient')
        local client = HTTPClient.new()
        assert(client:connect_to_host('https://api.example.com') == HTTPClient.OK)
        local function until_status_is_not(...)
          local left = {}
          for _, status in ipairs({ ... }) do left[status] = true end
          while left[client:get_status()] do client:poll() end
        end
        until_status_is_not(HTTPClient.STATUS_RESOLVING, HTTPClient.STATUS_CONNECTING)
        if client:get_status() ~= HTTPClient.STATUS_CONNECTED then
          print(HTTPClient.Status[client:get_status()])
          return
        end
        assert(client:request(HTTPClient.METHOD_GET, '/get') == HTTPClient.OK)
        until_status_is_not(HTTPClient.STATUS_REQUESTING)
        print(client:get_response_code())";
    let path = script("run_polled", source);
    let ca = path.with_file_name("ca.pem");
    authority.write_ca(&ca).expect("the CA can be written");
    let redirect = format!("api.example.com:443={}", origin.addr());

    let output = whimbrel().args(["run", "--resolve", &redirect]).arg(&path).output().expect("the tool runs");
    assert_eq!(stdout(&output), "STATUS_TLS_HANDSHAKE_ERROR\n", "{}", stderr(&output));

    let mut trusting = whimbrel();
    trusting.args(["run", "--resolve", &redirect, "--ca"]).arg(&ca).arg(&path);
    let output = trusting.output().expect("the tool runs");
    assert_eq!(stdout(&output), "200\n", "{}", stderr(&output));
    assert_eq!(origin.requests()[0].field("Host"), Some("api.example.com"));
}
