//! Response heads that are slow, cut, reset, endless or no HTTP at all.

use std::time::Duration;

use whimbrel::{Kind, Phase};
use whimbrel_testkit::{RawServer, Script};

use crate::outcome::{client, failure, millis};

const HEAD: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Name: a\r\n\r\n";

fn answering(bytes: impl AsRef<[u8]>) -> RawServer {
    RawServer::start([Script::new().expect_head().send(bytes).close()])
}

#[test]
fn a_head_that_drips_ends_at_the_total_timeout() {
    let server = RawServer::start([Script::new().expect_head().send_slowly(HEAD, millis(100)).hold_open()]);
    let text = "Timeout was reached: total timeout of 1 s while waiting for the response";
    failure(Kind::Timeout, Phase::Wait, "wait-timeout", text)
        .after(millis(1000), || client().get(&server.url("/")).total_timeout(Duration::from_secs(1)).send());
}

#[test]
fn a_head_that_drips_is_not_idle() {
    let server = RawServer::start([Script::new().expect_head().send_slowly(HEAD, millis(20)).send("hello")]);
    let response = client().get(&server.url("/")).idle_timeout(millis(500)).send().unwrap();
    assert_eq!(response.into_text().unwrap(), "hello");
}

#[test]
fn a_server_that_says_nothing_ends_at_the_idle_timeout() {
    let server = RawServer::start([Script::new().expect_head().hold_open()]);
    let text = "Timeout was reached: idle timeout of 0.3 s while waiting for the response";
    failure(Kind::Timeout, Phase::Wait, "wait-timeout", text)
        .after(millis(300), || client().get(&server.url("/")).idle_timeout(millis(300)).send());
}

#[test]
fn a_close_before_the_head_is_an_error_of_kind_empty() {
    let text = "Server returned nothing (no headers, no data): the peer closed the connection before it answered";
    let server = answering("");
    failure(Kind::Empty, Phase::Wait, "empty", text).of(|| client().get(&server.url("/")).send());
    assert_eq!(server.accepted(), 1, "a fresh connection is not tried again");
}

#[test]
fn a_reset_before_the_head_is_an_error_of_kind_receive() {
    let server = RawServer::start([Script::new().expect_head().reset()]);
    let text = "Failure when receiving data from the peer: Connection reset";
    failure(Kind::Receive, Phase::Wait, "receive", text).of(|| client().get(&server.url("/")).send());
    assert_eq!(server.accepted(), 1, "a fresh connection is not tried again");
}

#[test]
fn a_reset_at_any_byte_of_the_head_is_an_error_of_kind_receive() {
    let server = RawServer::start_each(|index| Script::new().expect_head().send(&HEAD[..index + 1]).reset());
    let client = client();
    let text = "Failure when receiving data from the peer: Connection reset";
    for _ in 1..HEAD.len() {
        failure(Kind::Receive, Phase::Wait, "receive", text).of(|| client.get(&server.url("/")).send());
    }
    assert_eq!(server.accepted(), HEAD.len() - 1);
}

#[test]
fn a_close_at_any_byte_of_the_head_is_an_error_of_kind_truncated() {
    let server = RawServer::start_each(|index| Script::new().expect_head().send(&HEAD[..index + 1]).close());
    let client = client();
    let text = "Transferred a partial file: the connection closed inside the response head";
    for _ in 1..HEAD.len() {
        failure(Kind::Truncated, Phase::Wait, "truncated", text).of(|| client.get(&server.url("/")).send());
    }
}

#[test]
fn what_is_no_http_is_an_error_of_kind_protocol_though_the_connection_stays_open() {
    for (reply, text) in [
        ("<html>Hello from 1991</html>\r\n", "Weird server reply: the reply is not HTTP"),
        ("\0\u{1}\u{2}garbage", "Weird server reply: the reply is not HTTP"),
        ("SSH-2.0-OpenSSH_9.2\r\n", "Weird server reply: the reply is not HTTP"),
        ("HTTP/0.9 200 OK\r\n\r\n", "Weird server reply: the reply's version is not HTTP/1.x"),
        ("HTTP/2.0 200 OK\r\n\r\n", "Weird server reply: the reply's version is not HTTP/1.x"),
        ("\u{15}\u{3}\u{1}\0\u{2}\u{2}F", "Weird server reply: the reply is TLS, not HTTP; use https"),
        ("HTTP/1.1 2x0 OK\r\n\r\n", "Weird server reply: the response's status line is malformed"),
        ("HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", "Weird server reply: a response field's name is malformed"),
        ("HTTP/1.1 200 OK\r\nA: b\0\r\n\r\n", "Weird server reply: a response field's value holds a control character"),
        ("HTTP/1.1 101 Switching\r\n\r\n", "Weird server reply: the peer switches protocols (101)"),
        ("HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello", "Weird server reply: the response's Content-Length"),
    ] {
        let server = RawServer::start([Script::new().expect_head().send(reply).hold_open()]);
        failure(Kind::Protocol, Phase::Wait, "protocol", text).of(|| client().get(&server.url("/")).send());
    }
}

#[test]
fn a_reply_without_a_head_that_closes_is_no_body() {
    let server = answering("hello");
    failure(Kind::Protocol, Phase::Wait, "protocol", "Weird server reply: the reply is not HTTP")
        .of(|| client().get(&server.url("/")).send());
}

#[test]
fn endless_interim_responses_are_refused() {
    let script = Script::new().expect_head().send_endlessly("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    let server = RawServer::start([script]);
    let text = "Weird server reply: the peer sends informational responses on end";
    failure(Kind::TooLarge, Phase::Wait, "too-large", text).of(|| client().get(&server.url("/")).send());
}

#[test]
fn endless_heads_are_refused() {
    for (start, endless) in
        [("HTTP/1.1 200 OK\r\n", "X-Name: value\r\n"), ("HTTP/1.1 200 OK\r\nX: ", "a"), ("HTTP/1.1 200 ", "O")]
    {
        let server = RawServer::start([Script::new().expect_head().send(start).send_endlessly(endless)]);
        failure(Kind::TooLarge, Phase::Wait, "too-large", "Weird server reply: the response ")
            .of(|| client().get(&server.url("/")).send());
    }
}

#[test]
fn an_unknown_transfer_coding_is_refused() {
    let server = answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n");
    let text = "Unrecognized or bad HTTP Content or Transfer-Encoding: the response's Transfer-Encoding";
    failure(Kind::Coding, Phase::Wait, "coding", text).of(|| client().get(&server.url("/")).send());
}
