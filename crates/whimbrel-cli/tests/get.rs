//! `whimbrel get`, from outside: output, files, statuses, errors, exit codes.

mod tool;

use std::fs;
use std::io::Read;
use std::process::Stdio;

use tool::{directory, run_with_input, stderr, stdout, whimbrel};
use whimbrel_testkit::{Authority, Origin, RawServer, Script, refused_addr};

#[test]
fn the_body_goes_to_standard_output_byte_for_byte() {
    let origin = Origin::http();
    let output = whimbrel().args(["get", &origin.url("/bytes/100000?seed=7")]).output().expect("the tool runs");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(output.stdout, whimbrel_testkit::bytes_of_seed(7, 100_000));
    assert_eq!(stderr(&output), "", "no bar and no word where stderr is no terminal");
}

#[test]
fn a_file_appears_when_it_is_complete() {
    let origin = Origin::http();
    let file = directory("get_file").join("data.bin");
    let output = whimbrel().args(["get", &origin.url("/bytes/5000"), "-o"]).arg(&file).output().expect("the tool runs");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(fs::read(&file).expect("the file").len(), 5000);
    assert!(output.stdout.is_empty());
}

#[test]
fn an_error_status_exits_22_and_still_shows_the_body() {
    let server =
        RawServer::start([Script::new().expect_head().send("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone")]);
    let output = whimbrel().args(["get", &server.url("/")]).output().expect("the tool runs");
    assert_eq!(output.status.code(), Some(22));
    assert_eq!(stdout(&output), "gone");
    assert!(stderr(&output).contains("404 Not Found"), "{}", stderr(&output));
}

#[test]
fn an_error_status_leaves_no_file_and_keeps_an_old_one() {
    let origin = Origin::http();
    let here = directory("get_status_file");
    let new = here.join("new");
    let old = here.join("old");
    fs::write(&old, "kept").expect("a file");
    for file in [&new, &old] {
        let output =
            whimbrel().args(["get", &origin.url("/status/500"), "-o"]).arg(file).output().expect("the tool runs");
        assert_eq!(output.status.code(), Some(22), "{}", stderr(&output));
        assert!(stderr(&output).contains("500"), "{}", stderr(&output));
    }
    assert_eq!(fs::read_to_string(&old).expect("the old file"), "kept");
    assert_eq!(fs::read_dir(&here).expect("the directory").count(), 1, "neither a new file nor a part of one");
}

#[test]
fn a_transport_error_exits_1_with_one_sentence() {
    let output = whimbrel().args(["get", &format!("http://{}/", refused_addr())]).output().expect("the tool runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).starts_with("whimbrel: Could not connect to server"), "{}", stderr(&output));
    assert_eq!(stderr(&output).lines().count(), 1);
}

#[test]
fn a_body_that_breaks_off_exits_1_and_leaves_no_file() {
    let cut = Script::new().expect_head().send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").close();
    let server = RawServer::start([cut]);
    let here = directory("get_cut");
    let to_file = whimbrel().args(["get", &server.url("/"), "-o"]).arg(here.join("f")).output().expect("the tool runs");
    let to_stdout = whimbrel().args(["get", &server.url("/")]).output().expect("the tool runs");
    for output in [&to_file, &to_stdout] {
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(output).contains("Transferred a partial file"), "{}", stderr(output));
    }
    assert_eq!(fs::read_dir(&here).expect("the directory").count(), 0);
}

#[test]
fn a_url_that_is_none_exits_1() {
    let output = whimbrel().args(["get", "http://"]).output().expect("the tool runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("URL"), "{}", stderr(&output));
}

#[test]
fn the_timeout_ends_a_request() {
    let server = RawServer::start([Script::new().hold_open()]);
    let output = whimbrel().args(["get", "--timeout", "0.2", &server.url("/")]).output().expect("the tool runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("Timeout was reached"), "{}", stderr(&output));
}

#[test]
fn fields_and_data_are_sent_as_given() {
    let origin = Origin::http();
    let output = whimbrel()
        .args(["get", "-H", "X-Mine: one", "-H", "Accept:", "-d", "a=1&b=2", &origin.url("/post")])
        .output()
        .expect("the tool runs");
    assert!(output.status.success(), "{}", stderr(&output));
    let seen = &origin.requests()[0];
    assert_eq!((seen.method.as_str(), &seen.body[..]), ("POST", &b"a=1&b=2"[..]));
    assert_eq!(seen.field("X-Mine"), Some("one"));
    assert_eq!(seen.field("Accept"), None, "`Accept:` leaves the default out");
    assert_eq!(seen.field("Content-Type"), Some("application/x-www-form-urlencoded"));
}

#[test]
fn data_comes_from_a_file_or_from_standard_input() {
    let origin = Origin::http();
    let file = directory("get_data").join("body.json");
    fs::write(&file, "{\"a\": 1}\n").expect("a file");
    let mut from_file = whimbrel();
    from_file.args(["get", "-X", "PUT", "-H", "content-type: application/json", &origin.url("/put"), "-d"]);
    let output = from_file.arg(format!("@{}", file.display())).output().expect("the tool runs");
    assert!(output.status.success(), "{}", stderr(&output));
    let output = run_with_input(whimbrel().args(["get", "-d", "@-", &origin.url("/post")]), b"from stdin");
    assert!(output.status.success(), "{}", stderr(&output));

    let seen = origin.requests();
    assert_eq!((seen[0].method.as_str(), &seen[0].body[..]), ("PUT", &b"{\"a\": 1}\n"[..]));
    assert_eq!(seen[0].field_values("Content-Type"), ["application/json"]);
    assert_eq!((seen[1].method.as_str(), &seen[1].body[..]), ("POST", &b"from stdin"[..]));
}

#[test]
fn include_prints_the_head_first() {
    let server = RawServer::start([Script::new()
        .expect_head()
        .send("HTTP/1.1 200 Fine\r\nX-A: b\r\ncontent-length: 2\r\n\r\nok")]);
    let output = whimbrel().args(["get", "-i", &server.url("/")]).output().expect("the tool runs");
    assert_eq!(stdout(&output), "HTTP/1.1 200 Fine\nX-A: b\ncontent-length: 2\n\nok", "{}", stderr(&output));
}

#[test]
fn a_certificate_is_verified_unless_told_otherwise() {
    let authority = Authority::new();
    let origin = Origin::https(&authority, &["api.example.com"]);
    let ca = directory("get_ca").join("ca.pem");
    authority.write_ca(&ca).expect("the CA can be written");
    let redirect = format!("api.example.com:443={}", origin.addr());
    let run = |options: &[&str]| {
        let mut command = whimbrel();
        command.args(["get", "https://api.example.com/get", "--resolve", &redirect]).args(options);
        command.output().expect("the tool runs")
    };
    let refused = run(&[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("SSL peer certificate"), "{}", stderr(&refused));
    for options in [&["--ca", ca.to_str().expect("an ASCII path")][..], &["--insecure"]] {
        let output = run(options);
        assert!(output.status.success(), "{options:?}: {}", stderr(&output));
    }
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let origin = Origin::http();
    let mut child = whimbrel()
        .args(["get", &origin.url("/bytes/50000000")])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the tool runs");
    let mut pipe = child.stdout.take().expect("a pipe");
    pipe.read_exact(&mut [0; 10]).expect("the first bytes");
    drop(pipe);
    let output = child.wait_with_output().expect("the tool ends");
    assert!(output.status.success(), "{:?}", output.status);
    assert_eq!(stderr(&output), "");
}
