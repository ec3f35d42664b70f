//! Connections that carry several requests, and those that turn out to be dead.

use whimbrel::{PollError, PollMethod, PollStatus};
use whimbrel_testkit::{RawServer, Script};

use crate::{PATIENCE, ask, connected, poll_while, read_all};

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

#[test]
fn one_connection_carries_many_requests() {
    let server = RawServer::start([Script::new().expect_head().send(HELLO).again()]);
    let mut client = connected(&server);
    for _ in 0..5 {
        ask(&mut client, PollMethod::Get, "/").unwrap();
        assert_eq!(read_all(&mut client), b"hello");
        assert_eq!(client.status(), PollStatus::Connected);
        client.poll().unwrap();
    }
    assert_eq!(server.accepted(), 1);
}

#[test]
fn a_dead_kept_connection_is_replaced_unseen_for_what_may_be_sent_twice() {
    let first = Script::new().expect_head().send(HELLO).close();
    for method in [PollMethod::Get, PollMethod::Put, PollMethod::Post] {
        let server = RawServer::start([first.clone(), Script::new().expect_head().send(HELLO).wait_for_close()]);
        let mut client = connected(&server);
        ask(&mut client, PollMethod::Get, "/").unwrap();
        read_all(&mut client);
        assert!(server.wait_finished(1, PATIENCE));
        // A POST too: the dead connection is seen before anything is sent on it.
        ask(&mut client, method, "/").unwrap();
        assert_eq!(read_all(&mut client), b"hello", "{}", method.name());
        assert_eq!(server.accepted(), 2);
    }
}

#[test]
fn a_poll_that_sees_the_end_of_an_idle_connection_says_so() {
    let server = RawServer::start([Script::new().expect_head().send(HELLO).close()]);
    let mut client = connected(&server);
    ask(&mut client, PollMethod::Get, "/").unwrap();
    read_all(&mut client);
    assert!(server.wait_finished(1, PATIENCE));
    assert_eq!(poll_while(&mut client, &[PollStatus::Connected]), Err(PollError::ConnectionError));
    assert_eq!(client.status(), PollStatus::ConnectionError);
    assert!(client.has_connection());
    assert_eq!(client.response_code(), 200);
    assert_eq!(client.request(PollMethod::Get, "/", [""; 0], ""), Err(PollError::InvalidParameter));
}

#[test]
fn a_connection_that_must_not_be_used_again_is_replaced() {
    for reply in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ] {
        let server = RawServer::start([
            Script::new().expect_head().send(reply).wait_for_close(),
            Script::new().expect_head().send(HELLO).wait_for_close(),
        ]);
        let mut client = connected(&server);
        ask(&mut client, PollMethod::Get, "/").unwrap();
        assert_eq!(read_all(&mut client), b"hello");
        assert_eq!(client.status(), PollStatus::Connected);
        ask(&mut client, PollMethod::Get, "/again").unwrap();
        assert_eq!(read_all(&mut client), b"hello");
        assert_eq!(server.accepted(), 2);
    }
}

#[test]
fn what_a_server_sends_unasked_never_answers_the_next_request() {
    let forged = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged";
    let server = RawServer::start([
        Script::new().expect_head().send(format!("{HELLO}{forged}")).wait_for_close(),
        Script::new().expect_head().send(HELLO).wait_for_close(),
    ]);
    let mut client = connected(&server);
    ask(&mut client, PollMethod::Get, "/").unwrap();
    assert_eq!(read_all(&mut client), b"hello");
    ask(&mut client, PollMethod::Get, "/again").unwrap();
    assert_eq!(read_all(&mut client), b"hello");
    assert_eq!(server.accepted(), 2);
}

#[test]
fn a_second_failure_and_one_after_the_first_byte_are_failures() {
    let died = Script::new().expect_head().close();
    let server = RawServer::start([Script::new().expect_head().send(HELLO).expect_head().close(), died]);
    let mut client = connected(&server);
    ask(&mut client, PollMethod::Get, "/").unwrap();
    read_all(&mut client);
    client.request(PollMethod::Get, "/", [""; 0], "").unwrap();
    assert_eq!(poll_while(&mut client, &[PollStatus::Requesting]), Err(PollError::ConnectionError));
    assert_eq!(server.accepted(), 2);
    let server = RawServer::start([Script::new().expect_head().send(HELLO).expect_head().send("HTTP/1.1 2").close()]);
    let mut client = connected(&server);
    ask(&mut client, PollMethod::Get, "/").unwrap();
    read_all(&mut client);
    assert_eq!(ask(&mut client, PollMethod::Get, "/"), Err(PollError::ConnectionError));
    assert_eq!(server.accepted(), 1);
    // Nor is a POST sent twice whose connection died with it.
    let server = RawServer::start([Script::new().expect_head().send(HELLO).expect_head().close()]);
    let mut client = connected(&server);
    ask(&mut client, PollMethod::Get, "/").unwrap();
    read_all(&mut client);
    assert_eq!(ask(&mut client, PollMethod::Post, "/"), Err(PollError::ConnectionError));
    assert_eq!(server.accepted(), 1);
}
