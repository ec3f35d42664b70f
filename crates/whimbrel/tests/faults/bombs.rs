//! Bodies that decode to far more than what was sent.

use std::io::Write;

use whimbrel::{Kind, Phase};
use whimbrel_testkit::{RawServer, Script};

use crate::outcome::{client, failure, whole};

/// What each bomb decodes to.
const SIZE: usize = 64 << 20;

fn gzip() -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    write_zeros(&mut encoder);
    encoder.finish().unwrap()
}

fn brotli() -> Vec<u8> {
    let mut coded = Vec::new();
    let mut encoder = brotli::CompressorWriter::new(&mut coded, 1 << 16, 5, 22);
    write_zeros(&mut encoder);
    drop(encoder);
    coded
}

fn zstd() -> Vec<u8> {
    let mut coded = vec![0; 1 << 20];
    let size = zstd_safe::compress(&mut coded[..], &vec![0; SIZE], 1).unwrap();
    coded.truncate(size);
    coded
}

fn write_zeros(to: &mut dyn Write) {
    let block = vec![0; 1 << 20];
    for _ in 0..SIZE / block.len() {
        to.write_all(&block).unwrap();
    }
}

fn serving(coding: &str, body: &[u8]) -> RawServer {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n", body.len());
    RawServer::start([Script::new().expect_head().send([head.as_bytes(), body].concat())])
}

#[test]
fn a_bomb_of_each_coding_stops_at_max_body() {
    for (coding, body) in [("gzip", gzip()), ("br", brotli()), ("zstd", zstd())] {
        assert!(body.len() < SIZE / 500, "{coding} is no bomb: {}", body.len());
        let server = serving(coding, &body);
        let text = "Response body exceeded its limit: it is over 500000 bytes (max_body)";
        failure(Kind::BodyLimit, Phase::Body, "body-limit", text)
            .of(|| whole(client().get(&server.url("/")).max_body(500_000)));
    }
}

#[test]
fn a_bomb_without_max_body_stops_at_the_ratio() {
    for (coding, body) in [("br", brotli()), ("zstd", zstd())] {
        let server = serving(coding, &body);
        let text = "Weird server reply: the body decodes to more than 1100 times its size";
        failure(Kind::TooLarge, Phase::Body, "too-large", text).of(|| whole(client().get(&server.url("/"))));
    }
}

#[test]
fn an_endless_body_that_decodes_to_nothing_ends_without_a_limit_or_a_deadline() {
    let empty = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best()).finish().unwrap();
    let head = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n";
    let server = RawServer::start([Script::new().expect_head().send(head).send_endlessly(empty.repeat(3000))]);
    let text = "Weird server reply: over 1048576 bytes of the body decode to nothing";
    failure(Kind::TooLarge, Phase::Body, "too-large", text).of(|| whole(client().get(&server.url("/"))));
}

#[test]
fn a_coded_body_that_is_malformed_or_cut_is_an_error() {
    let text = "Unrecognized or bad HTTP Content or Transfer-Encoding: ";
    for (coding, body) in [("gzip", gzip()), ("br", brotli()), ("zstd", zstd())] {
        let server = serving(coding, b"this is not coded at all, whatever the field says");
        failure(Kind::Coding, Phase::Body, "coding", text).of(|| whole(client().get(&server.url("/"))));
        // Complete as HTTP tells, but the coding's own end is missing.
        let server = serving(coding, &body[..40]);
        let error = whole(client().get(&server.url("/"))).unwrap_err();
        assert!(matches!(error.kind(), Kind::Coding | Kind::Truncated | Kind::TooLarge), "{coding}: {error}");
    }
}
