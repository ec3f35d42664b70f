//! Any bytes as a body under any Content-Type: no panic, and text that is text stays what it is.

#![no_main]

use libfuzzer_sys::fuzz_target;
use whimbrel_proto::text::{Charset, Content, charset_of, classify, decode, encode};

fuzz_target!(|input: &[u8]| {
    // The first line is the Content-Type; without one, there is none.
    let (content_type, body) = match input.iter().position(|&byte| byte == b'\n') {
        Some(end) => (Some(&input[..end]), &input[end + 1..]),
        None => (None, input),
    };
    let text = decode(body, content_type, 200);
    assert!(text.is_none() || matches!(classify(content_type, 200, body), Content::Text { .. }));
    let declared = content_type.and_then(|value| std::str::from_utf8(value).ok()).and_then(charset_of);
    if let Some(charset) = declared {
        let text = String::from_utf8_lossy(body);
        assert_eq!(encode(&text, charset).is_ok(), Charset::for_label(charset).is_some());
    }
    if let Ok(text) = std::str::from_utf8(body) {
        assert_eq!(encode(text, "utf-8").unwrap(), body);
    }
});
