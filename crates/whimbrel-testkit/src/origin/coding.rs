//! Replies under a content coding (RFC 9110 §8.4): gzip, deflate, br, zstd.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{GzEncoder, ZlibEncoder};
use serde_json::{Map, Value};

use super::inspect;
use super::reply::Reply;
use super::request::Request;

/// The reply says under which coding it came, whatever the client accepts: that is what the endpoint is for.
pub(super) fn coded(request: &Request, name: &str) -> Reply {
    let key = match name {
        "gzip" => "gzipped",
        "deflate" => "deflated",
        other => other,
    };
    let mut object = Map::new();
    object.insert(key.to_owned(), true.into());
    object.insert("headers".to_owned(), inspect::fields(request));
    object.insert("method".to_owned(), request.method.as_str().into());
    object.insert("origin".to_owned(), request.peer.to_string().into());
    object.sort_keys();
    let text = serde_json::to_vec_pretty(&Value::Object(object)).expect("a JSON value can be written");
    let (token, content) = match name {
        "gzip" => ("gzip", gzip(&text)),
        "deflate" => ("deflate", zlib(&text)),
        "brotli" => ("br", brotli(&text)),
        _ => ("zstd", zstd(&text)),
    };
    Reply::whole("application/json", content).field("Content-Encoding", token)
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).and_then(|()| encoder.finish()).expect("writing into memory")
}

/// `deflate` is the zlib format (RFC 9110 §8.4.1.2), not the bare one.
fn zlib(text: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).and_then(|()| encoder.finish()).expect("writing into memory")
}

fn brotli(text: &[u8]) -> Vec<u8> {
    let mut content = Vec::new();
    let params = ::brotli::enc::BrotliEncoderParams { quality: 5, ..Default::default() };
    ::brotli::BrotliCompress(&mut &text[..], &mut content, &params).expect("writing into memory");
    content
}

fn zstd(text: &[u8]) -> Vec<u8> {
    let mut content = vec![0; zstd_safe::compress_bound(text.len())];
    let length = zstd_safe::compress(&mut content[..], text, 3).expect("the bound holds");
    content.truncate(length);
    content
}
