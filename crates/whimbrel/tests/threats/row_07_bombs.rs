//! Row 7: small bodies that decode to huge ones. What a decoder needs in memory is measured in `whimbrel-proto`
//! (tests/bombs.rs); here it is where a bomb may lie, and what stops it.

use std::io::{Read, Write};

use whimbrel::Kind;
use whimbrel_testkit::{Origin, RawServer, Script};

use crate::world::{self, always};

/// 64 MiB of nothing, decoded.
const EXPLODED: u64 = 64 << 20;

fn gzip(size: u64) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::copy(&mut std::io::repeat(0).take(size), &mut encoder).unwrap();
    encoder.finish().unwrap()
}

fn brotli() -> Vec<u8> {
    let mut coded = Vec::new();
    {
        let mut encoder = brotli::CompressorWriter::new(&mut coded, 1 << 16, 5, 20);
        std::io::copy(&mut std::io::repeat(0).take(EXPLODED), &mut encoder).unwrap();
        encoder.flush().unwrap();
    }
    coded
}

fn zstd() -> Vec<u8> {
    let mut coded = vec![0; 1 << 20];
    let length = zstd_safe::compress(&mut coded[..], &vec![0; EXPLODED as usize], 1).unwrap();
    coded.truncate(length);
    coded
}

fn bombs() -> [(&'static str, Vec<u8>); 3] {
    [("gzip", gzip(EXPLODED)), ("br", brotli()), ("zstd", zstd())]
}

fn reply(start: &str, coding: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("{start}Content-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[test]
fn row_07_a_bomb_stops_at_the_callers_limit() {
    const LIMIT: u64 = 1 << 20;
    for (coding, bomb) in bombs() {
        for start in ["HTTP/1.1 200 OK\r\n", "HTTP/1.1 401 No\r\nWWW-Authenticate: Basic realm=\"x\"\r\n"] {
            let server = RawServer::start([always(reply(start, coding, &bomb))]);
            let mut response = world::client().get(&server.url("/")).max_body(LIMIT).send().unwrap();
            let mut body = Vec::new();
            let error = response.read_to_end(&mut body).unwrap_err();
            // Brotli and zstd explode so fast that the ratio may stop them first.
            let stopped = [Kind::BodyLimit, Kind::TooLarge].contains(&error.kind());
            assert!(stopped && (coding != "gzip" || error.kind() == Kind::BodyLimit), "{coding}: {error}");
            assert!(body.len() as u64 <= LIMIT, "{coding}: {} bytes", body.len());
        }
    }
}

#[test]
fn row_07_what_no_honest_body_decodes_to_stops_without_a_limit() {
    for (coding, bomb) in bombs() {
        assert!(bomb.len() < EXPLODED as usize / 500, "{coding} is no bomb: {} bytes", bomb.len());
        let server = RawServer::start([always(reply("HTTP/1.1 200 OK\r\n", coding, &bomb))]);
        let result = world::client().get(&server.url("/")).send().unwrap().into_bytes();
        match coding {
            // Deflate can't do worse than 1 : 1032, which a limit of the caller's is for.
            "gzip" => assert_eq!(result.unwrap().len() as u64, EXPLODED),
            _ => assert_eq!(result.unwrap_err().kind(), Kind::TooLarge, "{coding}"),
        }
    }
}

#[test]
fn row_07_the_body_of_a_redirect_is_never_decoded_and_dropped_when_it_is_large() {
    let home = Origin::http();
    let next = home.url("/get");
    let large = vec![0; 8 << 20];
    let (small_bomb, large_bomb) = (gzip(8 << 20), gzip(2 * EXPLODED));
    for (name, body, kept) in [
        ("small bomb", &small_bomb[..], true),
        ("large bomb", &large_bomb, false),
        ("no gzip at all", b"not gzip", true),
        ("large", &large, false),
    ] {
        let start = format!("HTTP/1.1 302 Found\r\nLocation: {next}\r\n");
        let server = RawServer::start([always(reply(&start, "gzip", body))]);
        let client = world::client();
        for round in 0..2 {
            let response = client.get(&server.url("/")).max_body(1 << 20).send().unwrap();
            assert_eq!((response.status(), response.url()), (200, next.as_str()), "{name}");
            assert_eq!(server.accepted(), if kept { 1 } else { round + 1 }, "{name}");
        }
    }
}

#[test]
fn row_07_an_endless_body_of_a_redirect_is_dropped() {
    let home = Origin::http();
    let head = format!("HTTP/1.1 302 Found\r\nLocation: {}\r\nTransfer-Encoding: chunked\r\n\r\n", home.url("/get"));
    let server = RawServer::start([Script::new().expect_head().send(head).send_endlessly("5\r\nhello\r\n")]);
    let response = world::client().get(&server.url("/")).send().unwrap();
    assert_eq!((response.status(), response.redirects()), (200, 1));
    assert!(server.wait_finished(1, world::PATIENCE), "the connection was not closed");
}

#[test]
fn row_07_a_tower_of_codings_is_refused_in_one_field_and_in_many() {
    let tower = vec!["gzip"; 1000].join(", ");
    let one = format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Encoding: {tower}\r\n\r\nx");
    let many = "Content-Encoding: gzip\r\n".repeat(1000);
    let many = format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n{many}\r\nx");
    for (reply, kind) in [(one, Kind::Coding), (many, Kind::TooLarge)] {
        let server = RawServer::start([always(reply)]);
        assert_eq!(world::client().get(&server.url("/")).send().unwrap_err().kind(), kind);
    }
}
