//! Replies, and the states and bodies that they are.

use whimbrel::{PollClient, PollMethod, PollStatus};
use whimbrel_testkit::{RawServer, Script};

use crate::{ask, connected, lines, read, read_all, read_pieces};

/// The client after one request that was answered so, when its head has come or failed to.
fn answered(method: PollMethod, reply: impl AsRef<[u8]>) -> (PollClient, RawServer) {
    let server = RawServer::start([Script::new().expect_head().send(reply).close()]);
    let mut client = connected(&server);
    let _ = ask(&mut client, method, "/");
    (client, server)
}

#[test]
fn every_framing_gives_its_body_and_ends_in_its_state() {
    let big = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1000001\r\n{}\r\n0\r\n\r\n",
        "x".repeat(0x100_0001)
    );
    for (reply, length, body, end) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 5, "hello", PollStatus::Connected),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0, "", PollStatus::Connected),
        ("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", 0, "", PollStatus::Connected),
        ("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 0, "", PollStatus::Connected),
        ("HTTP/1.1 200 OK\r\nX: y\r\n\r\nno length", -1, "no length", PollStatus::Disconnected),
        ("HTTP/1.1 200 OK\r\nConnection:close\r\n\r\nuntil the end", -1, "until the end", PollStatus::Disconnected),
        ("HTTP/1.1 200 OK\r\nCONNECTION: Close\r\n\r\nuntil the end", -1, "until the end", PollStatus::Disconnected),
        ("HTTP/1.0 200 OK\r\nX: y\r\n\r\nold style", -1, "old style", PollStatus::Disconnected),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n",
            -1,
            "hello world",
            PollStatus::Connected,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            -1,
            "hello",
            PollStatus::Connected,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\n\r\n",
            -1,
            "hello",
            PollStatus::Connected,
        ),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            -1,
            "hello",
            PollStatus::Connected,
        ),
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
            -1,
            "hello",
            PollStatus::Connected,
        ),
        (
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            5,
            "hello",
            PollStatus::Connected,
        ),
        ("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello", 5, "hello", PollStatus::Connected),
        (&big, -1, &"x".repeat(0x100_0001), PollStatus::Connected),
    ] {
        let (mut client, _server) = answered(PollMethod::Get, reply);
        let name = &reply[..reply.len().min(80)];
        assert_eq!(client.status(), PollStatus::Body, "{name}: {:?}", client.error());
        assert_eq!(client.response_body_length(), length, "{name}");
        assert!(read_all(&mut client) == body.as_bytes(), "{name}");
        assert_eq!(client.status(), end, "{name}: {:?}", client.error());
        assert_eq!(client.response_code() == 0, end == PollStatus::Disconnected, "{name}");
    }
}

#[test]
fn heads_that_say_that_there_is_no_body_are_waited_for_no_longer() {
    for (method, reply, status, length) in [
        (PollMethod::Get, "HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", PollStatus::Connected, -1),
        (PollMethod::Get, "HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n", PollStatus::Connected, -1),
        (PollMethod::Head, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", PollStatus::Body, 0),
        (PollMethod::Head, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", PollStatus::Body, 0),
        (PollMethod::Head, "HTTP/1.1 204 No Content\r\n\r\n", PollStatus::Body, 0),
        (PollMethod::Head, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", PollStatus::Body, 0),
    ] {
        let (mut client, _server) = answered(method, reply);
        assert_eq!((client.status(), client.response_body_length()), (status, length), "{reply}");
        assert!(read_all(&mut client).is_empty());
        assert_eq!(client.status(), PollStatus::Connected, "{reply}");
    }
}

#[test]
fn what_is_not_a_whole_response_is_a_connection_error_with_a_reason() {
    for reply in [
        "",
        "HTTP/1.1 200 OK\r\nCont",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 3\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nX-F: one\r\n two\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked, gzip\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: rot13, chunked\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n",
        "Weird 299 Hmm\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nwo",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ] {
        let (mut client, _server) = answered(PollMethod::Get, reply);
        read_all(&mut client);
        assert_eq!(client.status(), PollStatus::ConnectionError, "{reply:?}");
        assert!(!client.error().unwrap().to_string().is_empty());
        assert!(client.poll().is_err());
        assert!(client.request(PollMethod::Get, "/", [""; 0], "").is_err());
    }
}

#[test]
fn bytes_that_came_before_a_body_broke_off_are_given() {
    let (mut client, _server) = answered(PollMethod::Get, "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello");
    assert_eq!(read_all(&mut client), b"hello");
    assert_eq!((client.status(), client.response_code()), (PollStatus::ConnectionError, 200));
}

#[test]
fn headers_are_given_once_and_code_and_length_stay() {
    let reply = "HTTP/1.1 299 A long reason\r\nX-A: 1\r\nX-A: 2\r\nx-b:  spaced  \r\nNoColonLine\r\nContent-Length: 2\r\n\r\nok";
    let (mut client, _server) = answered(PollMethod::Get, reply);
    assert!(client.has_response());
    assert_eq!(lines(&mut client), ["X-A: 1", "X-A: 2", "x-b:  spaced", "NoColonLine", "Content-Length: 2"]);
    assert!(!client.has_response() && lines(&mut client).is_empty());
    assert_eq!((client.response_code(), client.response_body_length()), (299, 2));
    assert_eq!(read_all(&mut client), b"ok");
    assert_eq!((client.response_code(), client.response_body_length()), (299, 2));
    client.close();
    assert_eq!((client.response_code(), client.response_body_length()), (0, -1));
}

#[test]
fn a_chunked_body_gives_what_is_there_and_ends_with_a_read_of_nothing() {
    let (mut client, _server) = answered(
        PollMethod::Get,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nX-T: 1\r\n\r\n",
    );
    let mut whole = read(&mut client);
    while client.status() == PollStatus::Body && whole.len() < 11 {
        whole.extend(read(&mut client));
    }
    assert_eq!(whole, b"hello world");
    assert_eq!(client.status(), PollStatus::Body);
    while client.status() == PollStatus::Body {
        assert!(read(&mut client).is_empty());
    }
    assert_eq!(client.status(), PollStatus::Connected);
    assert_eq!(client.trailers().get_str("x-t"), Some("1"));
}

#[test]
fn whole_chunks_are_given_to_who_asks_for_them() {
    let script = Script::new()
        .expect_head()
        .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe")
        .pause(std::time::Duration::from_millis(20))
        .send("llo\r")
        .pause(std::time::Duration::from_millis(20))
        .send("\n6\r\n world\r\n0\r\n\r\n")
        .wait_for_close();
    let server = RawServer::start([script]);
    let mut client = connected(&server);
    client.set_preserve_chunks(true);
    assert!(client.set_read_chunk_size(256));
    ask(&mut client, PollMethod::Get, "/").unwrap();
    assert_eq!(read_pieces(&mut client), [b"hello".to_vec(), b" world".to_vec()]);
    assert_eq!(client.status(), PollStatus::Connected);
}

#[test]
fn codings_are_undone_where_they_were_asked_for() {
    let gzip = |text: &str| {
        use std::io::Write as _;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    let coded = gzip("hello gzip");
    let plain = [
        format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", coded.len()).as_bytes(),
        &coded,
    ]
    .concat();
    for (asks, body, length) in [(false, coded.clone(), coded.len() as i64), (true, b"hello gzip".to_vec(), -1)] {
        let server = RawServer::start([Script::new().expect_head().send(&plain).wait_for_close()]);
        let mut client = connected(&server);
        client.set_accept_encoding(asks);
        ask(&mut client, PollMethod::Get, "/").unwrap();
        assert_eq!(client.response_body_length(), length);
        assert_eq!(read_all(&mut client), body);
        assert_eq!(client.status(), PollStatus::Connected);
        let seen = String::from_utf8(server.received()[0].clone()).unwrap();
        assert_eq!(seen.contains("Accept-Encoding: gzip, br, zstd\r\n"), asks);
    }
    // A transfer coding is undone whether it was asked for or not (RFC 9112 §6.1).
    let chunk = [
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n{:x}\r\n", coded.len()).as_bytes(),
        &coded,
        b"\r\n0\r\n\r\n",
    ]
    .concat();
    let server = RawServer::start([Script::new().expect_head().send(chunk).wait_for_close()]);
    let mut client = connected(&server);
    ask(&mut client, PollMethod::Get, "/").unwrap();
    assert_eq!(read_all(&mut client), b"hello gzip");
    assert_eq!(client.status(), PollStatus::Connected);
}
