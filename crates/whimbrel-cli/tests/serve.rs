//! `whimbrel serve`, from outside: what it prints is where it answers.

mod tool;

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};

use tool::{directory, stderr, stdout, whimbrel};

/// A serving tool that is ended with the test.
struct Serving {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Serving {
    fn start(options: &[&str]) -> Self {
        let mut child = whimbrel().arg("serve").args(options).stdout(Stdio::piped()).spawn().expect("the tool runs");
        let lines = BufReader::new(child.stdout.take().expect("a pipe"));
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.lines.read_line(&mut line).expect("a line of text");
        line.trim_end().to_owned()
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn the_url_that_is_printed_answers() {
    let mut serving = Serving::start(&[]);
    let url = serving.line();
    assert!(url.starts_with("http://127.0.0.1:"), "{url}");
    let output = whimbrel().args(["get", &format!("{url}get?a=1")]).output().expect("the tool runs");
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).contains(r#""a": "1""#), "{}", stdout(&output));
}

#[test]
fn with_tls_the_ca_that_is_written_verifies_every_name() {
    let ca = directory("serve_tls").join("ca.pem");
    let ca = ca.to_str().expect("an ASCII path");
    let mut serving = Serving::start(&["--tls", "--ca-out", ca, "--name", "api.example.com"]);
    let url = serving.line();
    let named = serving.line();
    let address = url.trim_start_matches("https://").trim_end_matches('/');
    let port = address.rsplit(':').next().expect("a port");
    assert_eq!(named, format!("https://api.example.com:{port}/"));

    let redirect = format!("api.example.com:{port}={address}");
    for url in [url.as_str(), &named, &format!("https://localhost:{port}/")] {
        let mut get = whimbrel();
        get.args(["get", url, "--ca", ca, "--resolve", &redirect]);
        let output = get.args(["--resolve", &format!("localhost:{port}={address}")]).output().expect("the tool runs");
        assert!(output.status.success(), "{url}: {}", stderr(&output));
    }
}

#[test]
fn a_port_in_use_is_told_and_exits_1() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let output = whimbrel().args(["serve", "--port", &port]).output().expect("the tool runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains(&format!("can't listen on 127.0.0.1:{port}")), "{}", stderr(&output));
}

#[test]
fn a_ca_file_without_tls_is_a_wrong_command_line() {
    let output = whimbrel().args(["serve", "--ca-out", "ca.pem"]).output().expect("the tool runs");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("--tls"), "{}", stderr(&output));
}
