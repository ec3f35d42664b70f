//! Blocking mode, chunk sizes, and what may be set when.

use std::time::Duration;

use whimbrel::{PollClient, PollMethod, PollStatus};
use whimbrel_testkit::{Origin, RawServer, Script};

use crate::{ask, connected, connected_to, read, read_all, read_pieces};

#[test]
fn a_fresh_client_is_as_godot_has_it() {
    let mut client = PollClient::new();
    assert_eq!(client.status(), PollStatus::Disconnected);
    assert_eq!((client.response_code(), client.response_body_length()), (0, -1));
    assert!(!client.has_response() && !client.is_response_chunked() && !client.has_connection());
    assert!(client.take_response_headers().is_empty());
    assert_eq!((client.read_chunk_size(), client.blocking_mode()), (65536, false));
    assert_eq!((client.read_room(), client.read_body(&mut [0; 8])), (0, 0));
    for (bytes, taken) in
        [(0, false), (255, false), (256, true), (16 << 20, true), ((16 << 20) + 1, false), (-1, false)]
    {
        assert_eq!(client.set_read_chunk_size(bytes), taken, "{bytes}");
    }
    assert_eq!(client.read_chunk_size(), 16 << 20);
    client.close();
}

#[test]
fn a_read_gives_no_more_than_the_chunk_size() {
    let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{}", "x".repeat(1000));
    let server = RawServer::start([Script::new().expect_head().send(reply).wait_for_close()]);
    let mut client = connected(&server);
    assert!(client.set_read_chunk_size(256));
    ask(&mut client, PollMethod::Get, "/").unwrap();
    let pieces = read_pieces(&mut client);
    assert_eq!(pieces.concat().len(), 1000);
    assert!(pieces.iter().all(|piece| piece.len() <= 256));
}

#[test]
fn blocking_mode_sends_waits_and_fills_in_one_call_each() {
    let mut script = Script::new().expect_head().send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n");
    for _ in 0..5 {
        script = script.pause(Duration::from_millis(20)).send("ab");
    }
    let server = RawServer::start([script.wait_for_close()]);
    let mut client = connected(&server);
    client.set_blocking_mode(true);
    client.request(PollMethod::Get, "/", [""; 0], "").unwrap();
    client.poll().unwrap();
    assert_eq!(client.status(), PollStatus::Body);
    assert_eq!(read(&mut client), b"ababababab");
    assert_eq!(client.status(), PollStatus::Connected);
}

#[test]
fn blocking_mode_ends_with_the_connection() {
    let script = Script::new()
        .expect_head()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nab")
        .pause(Duration::from_millis(20))
        .close();
    let server = RawServer::start([script]);
    let mut client = connected(&server);
    client.set_blocking_mode(true);
    ask(&mut client, PollMethod::Get, "/").unwrap();
    assert_eq!(read_all(&mut client), b"ab");
    assert_eq!(client.status(), PollStatus::ConnectionError);
    let server = RawServer::start([Script::new().expect_head().pause(Duration::from_millis(20)).close()]);
    let mut client = connected(&server);
    client.set_blocking_mode(true);
    client.request(PollMethod::Get, "/", [""; 0], "").unwrap();
    assert!(client.poll().is_err());
}

#[test]
fn a_large_body_comes_whole_and_is_counted() {
    let origin = Origin::http();
    let mut client = connected_to(origin.addr().port());
    ask(&mut client, PollMethod::Get, "/bytes/3000000").unwrap();
    let body = read_all(&mut client);
    assert_eq!(body.len(), 3_000_000);
    let progress = client.progress();
    assert_eq!((progress.received, progress.receive_total), (3_000_000, Some(3_000_000)));
    let timings = client.timings();
    assert!(timings.connected().is_some() && timings.sent() <= timings.head() && timings.head() <= timings.finished());
}
