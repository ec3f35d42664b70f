//! Which content codings are asked for, and when what comes is decoded (RFC 9110 §12.5.3, §8.4).

use whimbrel_proto::Kind;
use whimbrel_proto::exchange::spec::Decoding;

use crate::scenario::{Draft, fields};

#[test]
fn codings_are_asked_for_and_decoded_unless_the_caller_takes_them_over() {
    let gzip = fields(&[("Content-Encoding", "gzip")]);
    for (name, draft, asked, decodes) in [
        ("by default", Draft::get("http://a.test/"), Some("gzip, br, zstd"), true),
        ("the caller's own", Draft::get("http://a.test/").field("accept-encoding", "gzip"), Some("gzip"), false),
        ("left out", Draft::get("http://a.test/").omit("accept-ENCODING"), None, false),
        ("off", Draft::get("http://a.test/").set(|spec| spec.decode = Decoding::Off), None, false),
    ] {
        let scenario = draft.start();
        assert_eq!(scenario.values("Accept-Encoding"), Vec::from_iter(asked), "{name}");
        assert_eq!(scenario.exchange.decoder(&gzip).unwrap().is_some(), decodes, "{name}");
        let scenario = scenario.follows(302, "http://b.test/");
        assert_eq!(scenario.values("Accept-Encoding"), Vec::from_iter(asked), "{name}, after a redirect");
        assert_eq!(scenario.exchange.decoder(&gzip).unwrap().is_some(), decodes, "{name}, after a redirect");
    }
}

#[test]
fn a_coding_that_nobody_asked_for_is_left_as_it_is() {
    let scenario = Draft::get("http://a.test/").start();
    for coding in ["compress", "deflate", "x-mine", "gzip, x-mine", "identity", ""] {
        let decoder = scenario.exchange.decoder(&fields(&[("Content-Encoding", coding)])).unwrap();
        assert!(decoder.is_none(), "{coding}");
    }
    assert!(scenario.exchange.decoder(&fields(&[])).unwrap().is_none());
}

#[test]
fn row_07_a_tower_of_codings_is_refused_in_one_field_and_in_many() {
    let scenario = Draft::get("http://a.test/").start();
    let tower = ["gzip"; 1000].join(", ");
    let error = scenario.exchange.decoder(&fields(&[("Content-Encoding", &tower)])).unwrap_err();
    assert_eq!(error.kind(), Kind::Coding);
    let error = scenario.exchange.decoder(&fields(&[("Content-Encoding", "gzip"); 1000])).unwrap_err();
    assert_eq!(error.kind(), Kind::Coding);
}
