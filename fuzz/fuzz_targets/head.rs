//! Any bytes as the reply to a request: no panic, sound fields, and the same outcome in whatever pieces they come.

#![no_main]

#[path = "../src/reply.rs"]
mod reply;

use libfuzzer_sys::fuzz_target;
use reply::receive;
use whimbrel_proto::fields::is_token;
use whimbrel_proto::h1::{Event, ResponseHead, encode_head};

fuzz_target!(|input: &[u8]| {
    // The first byte chooses the method, whether strays are passed over, and the size of the pieces.
    let Some((&choice, bytes)) = input.split_first() else { return };
    let method = ["GET", "HEAD", "CONNECT", "POST"][usize::from(choice) % 4];
    let lenient = choice & 4 != 0;
    let whole = receive(method, lenient, bytes, usize::MAX);
    let pieces = receive(method, lenient, bytes, 1 + usize::from(choice / 8));
    assert_eq!(whole, pieces);
    for event in &whole.events {
        if let Event::Informational(head) | Event::Head(head) = event {
            check(head);
        }
    }
});

fn check(head: &ResponseHead) {
    assert!((100..1000).contains(&head.status));
    let unsound = |byte: &u8| byte.is_ascii_control() && *byte != b'\t';
    assert!(!head.reason().iter().any(unsound));
    for (name, value) in head.fields.iter() {
        assert!(is_token(name.as_bytes()));
        assert!(!value.iter().any(unsound));
        assert_eq!(value.trim_ascii(), value);
    }
    // What a peer's fields say can be said again without splitting a message.
    let mut fields = head.fields.clone();
    for name in ["Content-Length", "Transfer-Encoding"] {
        fields.remove(name);
    }
    fields.set("Host", "a.test").unwrap();
    let mut request = Vec::new();
    encode_head(&mut request, "GET", "/", &fields).unwrap();
    let lines = request.iter().filter(|&&byte| byte == b'\n').count();
    assert_eq!(lines, fields.len() + 2);
}
