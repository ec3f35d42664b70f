//! Any bytes as a chunked body: the same outcome in whatever pieces they come, and what is taken is what a plain
//! reader of RFC 9112 §7.1 takes.

#![no_main]

#[path = "../src/reply.rs"]
mod reply;

use libfuzzer_sys::fuzz_target;
use reply::receive;

fuzz_target!(|input: &[u8]| {
    let Some((&choice, body)) = input.split_first() else { return };
    let bytes = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", body].concat();
    let whole = receive("GET", false, &bytes, usize::MAX);
    assert_eq!(whole, receive("GET", false, &bytes, 1 + usize::from(choice)));
    match plain(body) {
        Some(data) => assert_eq!((whole.body, whole.end.is_ok()), (data, true)),
        // The plain reader takes no extension, no space and no trailer, so it may refuse more.
        None if whole.end == Ok(true) => assert!(body.contains(&b';') || body.contains(&b':')),
        None => {}
    }
});

/// Chunks without extensions and trailers, up to the last one; what follows is none of its business.
fn plain(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut data = Vec::new();
    loop {
        let line = rest.windows(2).position(|pair| pair == b"\r\n")?;
        let digits = std::str::from_utf8(&rest[..line]).ok()?;
        if digits.is_empty() || digits.len() > 16 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let size = usize::from_str_radix(digits, 16).ok()?;
        rest = &rest[line + 2..];
        let chunk = rest.get(..size)?;
        data.extend_from_slice(chunk);
        rest = rest[size..].strip_prefix(b"\r\n")?;
        if size == 0 {
            return Some(data);
        }
    }
}
