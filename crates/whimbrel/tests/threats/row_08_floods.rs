//! Row 8, for HTTP/1.1: peers that never stop talking are cut off soon. How much memory each may take is measured in
//! `whimbrel-proto` (tests/floods.rs).

use std::time::{Duration, Instant};

use whimbrel::Kind;
use whimbrel_testkit::{RawServer, Script};

use crate::world;

#[test]
fn row_08_every_flood_ends_in_an_error_soon_and_the_connection_closes() {
    const OK: &str = "HTTP/1.1 200 OK\r\n";
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (name, start, again) in [
        ("fields", OK.to_owned(), "X-n: y\r\n"),
        ("one line", format!("{OK}X: "), "y"),
        ("Set-Cookie", OK.to_owned(), "Set-Cookie: a=b\r\n"),
        ("early hints", String::new(), "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
        ("a reason", "HTTP/1.1 200 ".to_owned(), "OK"),
        ("an extension", format!("{CHUNKED}5;"), "x"),
        ("trailers", format!("{CHUNKED}0\r\n"), "X-n: y\r\n"),
    ] {
        let server = RawServer::start([Script::new().expect_head().send(start).send_endlessly(again)]);
        let started = Instant::now();
        let response = world::client().get(&server.url("/")).send();
        let error = response.and_then(|response| response.into_bytes()).unwrap_err();
        assert_eq!(error.kind(), Kind::TooLarge, "{name}: {error}");
        assert!(started.elapsed() < Duration::from_secs(2), "{name} took {:?}", started.elapsed());
        assert!(server.wait_finished(1, world::PATIENCE), "{name}: the connection stays open");
    }
}

#[test]
fn row_08_an_endless_body_ends_at_the_callers_limit() {
    let head = "HTTP/1.1 200 OK\r\n\r\n";
    let server = RawServer::start([Script::new().expect_head().send(head).send_endlessly("hello")]);
    let mut response = world::client().get(&server.url("/")).max_body(1 << 20).send().unwrap();
    let mut body = Vec::new();
    assert_eq!(response.read_to_end(&mut body).unwrap_err().kind(), Kind::BodyLimit);
    assert!(body.len() <= 1 << 20);
    assert!(server.wait_finished(1, world::PATIENCE), "the connection stays open");
}

#[test]
fn row_08_endless_redirects_end_at_the_limit() {
    let server =
        RawServer::start([world::always("HTTP/1.1 302 Found\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n")]);
    let error = world::client().get(&server.url("/")).send().unwrap_err();
    assert_eq!(error.kind(), Kind::Redirects);
    let asked = String::from_utf8(server.received().concat()).unwrap().matches("GET ").count();
    assert_eq!((asked, server.accepted()), (31, 1));
}
