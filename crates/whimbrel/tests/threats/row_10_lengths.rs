//! Row 10: lengths that lie. The end of every body is certain or an error, nothing is reserved on a peer's word, and a file
//! is replaced by a whole one or not at all.

use whimbrel::Kind;
use whimbrel_testkit::{RawServer, Script};

use crate::world::{self, Folder};

const LIES: [(&str, &str); 7] = [
    ("2^64 - 1", "Content-Length: 18446744073709551615\r\n\r\nshort"),
    ("2^63", "Content-Length: 9223372036854775808\r\n\r\nshort"),
    ("1 TiB", "Content-Length: 1099511627776\r\n\r\nshort"),
    ("one byte more", "Content-Length: 6\r\n\r\nshort"),
    ("a chunk of 2^64 - 1", "Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\nshort"),
    ("a chunk of one byte more", "Transfer-Encoding: chunked\r\n\r\n6\r\nshort"),
    ("no last chunk", "Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n"),
];

fn liar(rest: &str) -> RawServer {
    RawServer::start([Script::new().expect_head().send(format!("HTTP/1.1 200 OK\r\n{rest}")).close()])
}

#[test]
fn row_10_a_body_shorter_than_announced_is_an_error_and_nothing_is_reserved_for_it() {
    for (name, rest) in LIES {
        let server = liar(rest);
        let mut response = world::client().get(&server.url("/")).send().unwrap();
        let mut body = Vec::new();
        assert_eq!(response.read_to_end(&mut body).unwrap_err().kind(), Kind::Truncated, "{name}");
        assert_eq!(body, b"short", "{name}");
        assert!(body.capacity() <= 2 << 20, "{name}: {} bytes were reserved", body.capacity());
    }
}

#[test]
fn row_10_a_limit_of_the_callers_refuses_an_announced_length_before_it_is_read() {
    for (name, rest) in &LIES[..3] {
        let server = liar(rest);
        let error = world::client().get(&server.url("/")).max_body(1 << 30).send().unwrap_err();
        assert_eq!(error.kind(), Kind::BodyLimit, "{name}");
    }
}

#[test]
fn row_10_a_download_that_is_cut_leaves_the_target_as_it_was_and_nothing_else() {
    let folder = Folder::new("lengths");
    let target = folder.0.join("file");
    for (name, rest) in LIES {
        let server = liar(rest);
        for before in [None, Some("old")] {
            match before {
                Some(text) => std::fs::write(&target, text).unwrap(),
                None => drop(std::fs::remove_file(&target)),
            }
            let error = world::client().get(&server.url("/")).download(&target).unwrap_err();
            assert_eq!(error.kind(), Kind::Truncated, "{name}");
            assert_eq!(std::fs::read_to_string(&target).ok().as_deref(), before, "{name}");
            assert_eq!(folder.names(), Vec::from_iter(before.map(|_| "file")), "{name}");
        }
    }
}

#[test]
fn row_10_a_length_beyond_every_number_is_no_length() {
    for length in ["18446744073709551616", "99999999999999999999999999", "0x10", "1e3", "-1"] {
        let server = liar(&format!("Content-Length: {length}\r\n\r\nshort"));
        assert_eq!(world::client().get(&server.url("/")).send().unwrap_err().kind(), Kind::Protocol, "{length}");
    }
}
