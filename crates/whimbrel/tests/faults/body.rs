//! Response bodies that are cut, reset, malformed, slow or followed by what nobody asked for.

use std::io::Read;
use std::thread;

use whimbrel::{Kind, Phase};
use whimbrel_testkit::{RawServer, Script};

use crate::outcome::{SLACK, client, failure, millis, whole};

const LENGTH: &str = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n";
const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
const CHUNKS: &str = "5;ext=1\r\nhello\r\n6\r\n world\r\n0\r\nX-Trailer: a\r\n\r\n";
const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

fn answer(bytes: &str) -> Script {
    Script::new().expect_head().send(bytes)
}

#[test]
fn a_body_shorter_than_its_length_is_an_error_of_kind_truncated() {
    let server = RawServer::start([answer(&(LENGTH.to_owned() + "hello")).close()]);
    let text = "Transferred a partial file: the connection closed 5 bytes before the body's end";
    failure(Kind::Truncated, Phase::Body, "truncated", text).of(|| whole(client().get(&server.url("/"))));
}

#[test]
fn a_chunked_body_cut_at_any_byte_is_an_error_of_kind_truncated() {
    let server = RawServer::start_each(|index| answer(&(CHUNKED.to_owned() + &CHUNKS[..index])).close());
    let client = client();
    let text = "Transferred a partial file: the connection closed inside the chunked body";
    for _ in 0..CHUNKS.len() {
        failure(Kind::Truncated, Phase::Body, "truncated", text).of(|| whole(client.get(&server.url("/"))));
    }
    let response = client.get(&server.url("/")).send().unwrap();
    assert_eq!(response.into_text().unwrap(), "hello world", "uncut");
}

#[test]
fn a_reset_inside_the_body_is_an_error_of_kind_receive() {
    for bytes in [LENGTH.to_owned() + "hello", CHUNKED.to_owned() + &CHUNKS[..20]] {
        let server = RawServer::start([answer(&bytes).reset()]);
        let text = "Failure when receiving data from the peer: Connection reset";
        failure(Kind::Receive, Phase::Body, "receive", text).of(|| whole(client().get(&server.url("/"))));
    }
}

#[test]
fn a_reset_inside_a_body_that_only_the_close_ends_is_an_error_too() {
    let server = RawServer::start([answer("HTTP/1.1 200 OK\r\n\r\nhello").reset()]);
    let text = "Failure when receiving data from the peer: Connection reset";
    failure(Kind::Receive, Phase::Body, "receive", text).of(|| whole(client().get(&server.url("/"))));
    let server = RawServer::start([answer("HTTP/1.1 200 OK\r\n\r\nhello").close()]);
    assert_eq!(whole(client().get(&server.url("/"))).unwrap().1, b"hello");
}

#[test]
fn a_reset_after_the_body_harms_neither_this_response_nor_the_next() {
    let server = RawServer::start([answer(HELLO).reset()]);
    let client = client();
    for round in 1..=3 {
        assert_eq!(whole(client.get(&server.url("/"))).unwrap(), (200, b"hello".to_vec()));
        assert!(server.wait_finished(round, SLACK));
    }
}

#[test]
fn a_malformed_chunk_is_an_error_of_kind_protocol() {
    for chunk in ["xyz\r\n", "-1\r\n", "0x10\r\n", "10000000000000000\r\n", "5\r\nhelloXX", "5 5\r\nhello"] {
        let server = RawServer::start([answer(&(CHUNKED.to_owned() + chunk)).hold_open()]);
        failure(Kind::Protocol, Phase::Body, "protocol", "Weird server reply: ")
            .of(|| whole(client().get(&server.url("/"))));
    }
}

#[test]
fn endless_chunk_extensions_and_trailers_are_refused() {
    for (start, endless) in [("5;", "a"), ("0\r\n", "X-Trailer: a\r\n")] {
        let server = RawServer::start([answer(&(CHUNKED.to_owned() + start)).send_endlessly(endless)]);
        failure(Kind::TooLarge, Phase::Body, "too-large", "Weird server reply: the ")
            .of(|| whole(client().get(&server.url("/"))));
    }
}

#[test]
fn an_endless_body_ends_at_max_body_or_the_total_timeout() {
    let server = RawServer::start([answer("HTTP/1.1 200 OK\r\n\r\n").send_endlessly("x")]);
    let text = "Response body exceeded its limit: it is over 1000000 bytes (max_body)";
    failure(Kind::BodyLimit, Phase::Body, "body-limit", text)
        .of(|| whole(client().get(&server.url("/")).max_body(1_000_000)));
    let text = "Timeout was reached: total timeout of 0.3 s while receiving the body";
    failure(Kind::Timeout, Phase::Body, "body-timeout", text).after(millis(300), || {
        let mut response = client().get(&server.url("/")).total_timeout(millis(300)).send()?;
        response.copy_to(&mut std::io::sink())
    });
}

#[test]
fn a_length_over_max_body_is_refused_before_a_byte_of_it_is_read() {
    let server =
        RawServer::start([answer("HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\n").hold_open()]);
    let text = "Response body exceeded its limit: it is over 10 bytes (max_body)";
    failure(Kind::BodyLimit, Phase::Body, "body-limit", text).of(|| client().get(&server.url("/")).max_body(10).send());
}

#[test]
fn a_body_that_stalls_ends_at_the_idle_timeout_and_one_that_drips_does_not() {
    let server = RawServer::start([answer(&(LENGTH.to_owned() + "hello")).hold_open()]);
    let text = "Timeout was reached: idle timeout of 0.3 s while receiving the body";
    failure(Kind::Timeout, Phase::Body, "body-timeout", text)
        .after(millis(300), || whole(client().get(&server.url("/")).idle_timeout(millis(300))));

    let server = RawServer::start([answer(LENGTH).send_slowly("0123456789", millis(60))]);
    let body = whole(client().get(&server.url("/")).idle_timeout(millis(500))).unwrap().1;
    assert_eq!(body, b"0123456789");
}

#[test]
fn a_consumer_that_pauses_is_not_an_idle_peer() {
    let server = RawServer::start([answer(&(LENGTH.to_owned() + "hello")).expect_head().send("world").hold_open()]);
    let mut response = client().get(&server.url("/")).idle_timeout(millis(400)).send().unwrap();
    let mut buffer = [0; 10];
    assert_eq!(response.read(&mut buffer).unwrap(), 5);
    // The pause itself is what is tested: it is over twice the idle timeout.
    thread::sleep(millis(900));
    let error = response.read(&mut buffer).unwrap_err();
    let error = error.get_ref().and_then(|error| error.downcast_ref::<whimbrel::Error>()).unwrap();
    assert_eq!(error.code(), "body-timeout");

    let server = RawServer::start([answer(&(LENGTH.to_owned() + "hello")).pause(millis(1000)).send("world")]);
    let mut response = client().get(&server.url("/")).idle_timeout(millis(700)).send().unwrap();
    assert_eq!(response.read(&mut buffer).unwrap(), 5);
    thread::sleep(millis(900));
    let mut rest = Vec::new();
    response.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"world");
}

#[test]
fn a_connection_with_bytes_after_its_response_is_not_used_again() {
    for script in [
        // In the same segment, and later.
        answer(&(HELLO.to_owned() + "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad")).close(),
        answer(HELLO).pause(millis(50)).send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad").close(),
    ] {
        let server = RawServer::start([script, answer(HELLO)]);
        let client = client();
        assert_eq!(whole(client.get(&server.url("/1"))).unwrap().1, b"hello");
        assert!(server.wait_finished(1, SLACK), "all of it has come");
        assert_eq!(whole(client.get(&server.url("/2"))).unwrap().1, b"hello");
        assert_eq!(server.accepted(), 2);
    }
}

#[test]
fn a_body_dropped_half_way_costs_its_connection_and_nothing_else() {
    let server = RawServer::start([answer(&(LENGTH.to_owned() + "hello")).wait_for_close(), answer(HELLO)]);
    let client = client();
    drop(client.get(&server.url("/")).send().unwrap());
    assert_eq!(client.idle_connections(), 0);
    assert_eq!(whole(client.get(&server.url("/"))).unwrap().1, b"hello");
}
