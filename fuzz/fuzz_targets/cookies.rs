//! Any Set-Cookie from any URL: no panic, and what is sent back is one sound field, and only to who may have it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use whimbrel::Client;

fuzz_target!(|input: &str| {
    // One cookie a line, from a.b.test; the session is a fresh one.
    let client = Client::new();
    let jar = client.cookies();
    for line in input.lines() {
        let _ = jar.set("https://a.b.test/x/y", line);
    }
    for cookie in jar.list() {
        assert!(!cookie.name.is_empty() || !cookie.value.is_empty());
    }
    for url in ["https://a.b.test/x/y", "https://c.a.b.test/x/y", "http://b.test/"] {
        let Some(field) = jar.header_for(url) else { continue };
        assert!(!field.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t'), "{field:?}");
    }
    for url in ["https://test/", "https://other.test/x/y", "https://ba.b.test.example/x/y"] {
        assert_eq!(jar.header_for(url), None);
    }
});
