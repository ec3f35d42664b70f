//! What goes on the wire, and what is refused before it could.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use whimbrel::{Body, PollClient, PollError, PollMethod, PollStatus};
use whimbrel_testkit::{RawServer, Script};

use crate::{PATIENCE, ask, connected, poll_while, read_all};

const EMPTY: &str = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

#[test]
fn nothing_is_sent_before_the_first_poll_and_that_poll_ends_in_requesting() {
    let server = RawServer::start([Script::new().expect_head().send(EMPTY).wait_for_close()]);
    let mut client = connected(&server);
    client.set_user_agent("Curlew/1");
    client.request(PollMethod::Get, "/a b#c", ["X-A: 1", "x-b:2"], "").unwrap();
    assert!(server.received().iter().all(Vec::is_empty));
    client.poll().unwrap();
    assert_eq!(client.status(), PollStatus::Requesting);
    poll_while(&mut client, &[PollStatus::Requesting]).unwrap();
    let port = server.addr().port();
    let head = format!(
        "GET /a%20b HTTP/1.1\r\nX-A: 1\r\nx-b: 2\r\nHost: 127.0.0.1:{port}\r\nUser-Agent: Curlew/1\r\nAccept: */*\r\n\r\n"
    );
    assert_eq!(String::from_utf8(server.received()[0].clone()).unwrap(), head);
}

#[test]
fn mistakes_are_refused_in_connected_and_every_other_state_with_a_sentence() {
    let server = RawServer::start([Script::new()
        .expect_head()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        .wait_for_close()]);
    let mut client = connected(&server);
    for (url, line) in [("", ""), ("x", ""), ("/", "NoColon"), ("/", ":x"), ("/", "A: b\r\nC: d"), ("/\r\n", "")] {
        let lines = Some(line).filter(|line| !line.is_empty());
        assert_eq!(
            client.request(PollMethod::Get, url, lines, ""),
            Err(PollError::InvalidParameter),
            "{url:?} {line:?}"
        );
        assert_eq!(client.status(), PollStatus::Connected);
        assert!(client.error().is_some());
    }
    let refused = |client: &mut PollClient| {
        assert_eq!(client.request(PollMethod::Get, "/", [""; 0], ""), Err(PollError::InvalidParameter));
        client.error().unwrap().to_string()
    };
    client.request(PollMethod::Get, "/", [""; 0], "").unwrap();
    assert!(refused(&mut client).contains("under way"));
    poll_while(&mut client, &[PollStatus::Requesting]).unwrap();
    assert!(refused(&mut client).contains("body"));
    assert_eq!(read_all(&mut client), b"hello");
    client.close();
    assert!(refused(&mut client).contains("connect_to_host"));
    assert_eq!(client.poll(), Err(PollError::Unconfigured));
}

/// Bytes whose owner tells when it is dropped.
struct Owned(Vec<u8>, Arc<AtomicBool>);

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        self.1.store(true, Ordering::SeqCst);
    }
}

#[test]
fn a_shared_body_is_sent_whole_and_let_go_when_the_request_is_over() {
    let bytes: Vec<u8> = (0..3_000_000u32).map(|number| number as u8).collect();
    let server = RawServer::start([Script::new().expect_head().expect_bytes(bytes.len()).send(EMPTY).wait_for_close()]);
    let mut client = connected(&server);
    let dropped = Arc::new(AtomicBool::new(false));
    client.request(PollMethod::Post, "/", [""; 0], Body::shared(Owned(bytes.clone(), dropped.clone()))).unwrap();
    poll_while(&mut client, &[PollStatus::Requesting]).unwrap();
    assert_eq!(client.progress().sent, bytes.len() as u64);
    assert_eq!(client.progress().send_total, Some(bytes.len() as u64));
    read_all(&mut client);
    assert!(dropped.load(Ordering::SeqCst));
    let seen = server.received()[0].clone();
    assert!(seen.ends_with(&bytes) && seen.starts_with(b"POST / HTTP/1.1\r\nHost: "));
    // Closed in the middle, it is let go as well.
    let server = RawServer::start([Script::new().expect_head().hold_open()]);
    let mut client = connected(&server);
    let dropped = Arc::new(AtomicBool::new(false));
    client.request(PollMethod::Post, "/", [""; 0], Body::shared(Owned(vec![0; 64 << 20], dropped.clone()))).unwrap();
    client.poll().unwrap();
    client.close();
    assert!(dropped.load(Ordering::SeqCst));
}

#[test]
fn an_answer_that_comes_before_the_body_was_sent_is_the_answer() {
    let script = Script::new()
        .expect_head()
        .send("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno")
        .close();
    let server = RawServer::start([script]);
    let mut client = connected(&server);
    client.request(PollMethod::Put, "/", [""; 0], vec![0; 64 << 20]).unwrap();
    poll_while(&mut client, &[PollStatus::Requesting]).unwrap();
    assert_eq!(client.response_code(), 413);
    assert_eq!(read_all(&mut client), b"no");
}

#[test]
fn a_body_waits_for_100_continue_where_the_caller_expects_it() {
    let script =
        Script::new().expect_head().send("HTTP/1.1 100 Continue\r\n\r\n").expect_bytes(5).send(EMPTY).wait_for_close();
    let server = RawServer::start([script]);
    let mut client = connected(&server);
    client.request(PollMethod::Post, "/", ["Expect: 100-continue"], "hello").unwrap();
    poll_while(&mut client, &[PollStatus::Requesting]).unwrap();
    assert_eq!(client.response_code(), 200);
    assert!(server.wait_received(PATIENCE, |seen| seen[0].ends_with(b"\r\n\r\nhello")));
}

#[test]
fn every_method_is_its_own_word() {
    for method in PollMethod::ALL {
        if method == PollMethod::Connect {
            continue;
        }
        let server = RawServer::start([Script::new().expect_head().send(EMPTY).wait_for_close()]);
        let mut client = connected(&server);
        ask(&mut client, method, "/").unwrap();
        let seen = String::from_utf8(server.received()[0].clone()).unwrap();
        assert!(seen.starts_with(&format!("{} / HTTP/1.1\r\n", method.name())));
        let says_so = seen.contains("Content-Length: 0\r\n");
        assert_eq!(
            says_so,
            matches!(method, PollMethod::Post | PollMethod::Put | PollMethod::Patch),
            "{}",
            method.name()
        );
    }
}
