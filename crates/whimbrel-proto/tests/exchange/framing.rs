//! Length, transfer coding and expectation are the engine's to say (RFC 9112 §6, RFC 9110 §10.1.1); the caller may repeat
//! them but not contradict (threats row 6).

use whimbrel_proto::Kind;
use whimbrel_proto::exchange::Verdict;
use whimbrel_proto::exchange::spec::{BodyShape, EXPECT_CONTINUE_OVER};

use crate::scenario::Draft;

const fn sized(len: u64) -> BodyShape {
    BodyShape::Sized { len, replayable: true }
}

const STREAM: BodyShape = BodyShape::Unsized { replayable: false };

#[test]
fn row_06_framing_fields_that_contradict_the_body_are_refused() {
    let five = || Draft::post("http://a.test/");
    let none = || Draft::get("http://a.test/");
    for (name, draft) in [
        ("another length", five().field("Content-Length", "6")),
        ("a sign", five().field("Content-Length", "-5")),
        ("no number", five().field("content-length", "five")),
        ("a list", five().field("Content-Length", "5, 5")),
        ("2^64", five().field("Content-Length", "18446744073709551616")),
        ("twice", five().field("Content-Length", "5").field("content-length", "5")),
        ("a length and no body", none().field("Content-Length", "5")),
        ("a length and a stream", five().body(STREAM).field("Content-Length", "5")),
        ("chunked", five().field("Transfer-Encoding", "chunked")),
        ("chunked without a body", none().field("transfer-encoding", "chunked")),
        ("two hosts", none().field("Host", "a.test").field("hOST", "b.test")),
    ] {
        assert_eq!(draft.refused().kind(), Kind::Input, "{name}");
    }
}

#[test]
fn a_length_that_is_the_bodys_is_sent_once() {
    Draft::post("http://a.test/").field("content-LENGTH", "5").start().with("Content-Length", "5");
    Draft::get("http://a.test/").field("Content-Length", "0").start().without("Content-Length");
    Draft::new("POST", "http://a.test/").field("Content-Length", "0").start().with("Content-Length", "0");
}

#[test]
fn the_body_says_how_it_is_framed() {
    for (method, body, length, coding) in [
        ("GET", BodyShape::None, None, None),
        ("DELETE", BodyShape::None, None, None),
        ("PURGE", BodyShape::None, None, None),
        ("POST", BodyShape::None, Some("0"), None),
        ("PUT", BodyShape::None, Some("0"), None),
        ("PATCH", BodyShape::None, Some("0"), None),
        ("DELETE", sized(5), Some("5"), None),
        ("POST", sized(u64::MAX), Some("18446744073709551615"), None),
        ("POST", STREAM, None, Some("chunked")),
        ("PURGE", STREAM, None, Some("chunked")),
    ] {
        let scenario = Draft::new(method, "http://a.test/").body(body).start();
        assert_eq!(scenario.values("Content-Length"), Vec::from_iter(length), "{method} {body:?}");
        assert_eq!(scenario.values("Transfer-Encoding"), Vec::from_iter(coding), "{method} {body:?}");
    }
}

#[test]
fn large_and_endless_bodies_ask_first_unless_the_caller_says_otherwise() {
    let post = |body| Draft::new("POST", "http://a.test/").body(body);
    let over = sized(EXPECT_CONTINUE_OVER + 1);
    for (name, draft, asks) in [
        ("at the limit", post(sized(EXPECT_CONTINUE_OVER)), false),
        ("over the limit", post(over), true),
        ("a stream", post(STREAM), true),
        ("told not to", post(over).set(|spec| spec.expect_continue = Some(false)), false),
        ("told to", post(sized(5)).set(|spec| spec.expect_continue = Some(true)), true),
        ("told to, without a body", post(BodyShape::None).set(|spec| spec.expect_continue = Some(true)), false),
        ("left out", post(over).omit("eXpect"), false),
        ("given as a field", post(sized(5)).field("expect", "100-Continue"), true),
    ] {
        let scenario = draft.start();
        assert_eq!(scenario.hop().expects_continue(scenario.exchange.spec()), asks, "{name}");
        assert_eq!(scenario.values("Expect").len(), usize::from(asks), "{name}");
    }
    post(over).start().follows(307, "/b").with("Expect", "100-continue").follows(303, "/c").without("Expect");
    let given = post(sized(5)).field("Expect", "100-continue").start().follows(303, "/c").without("Expect");
    assert!(!given.hop().expects_continue(given.exchange.spec()));
    post(BodyShape::None).field("Expect", "100-continue").start().without("Expect");
}

#[test]
fn defaults_stand_where_the_caller_has_not_spoken_and_can_be_left_out() {
    let scenario = Draft::get("http://a.test/").start();
    assert_eq!(
        scenario.head(),
        "GET / HTTP/1.1\r\nHost: a.test\r\nUser-Agent: scenario/1\r\nAccept: */*\r\nAccept-Encoding: gzip, br, zstd\r\n\r\n"
    );
    let bare = Draft::get("http://a.test/").omit("USER-AGENT").omit("accept").omit("Accept-Encoding").start();
    assert_eq!(bare.head(), "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n");
    let own = Draft::get("http://a.test/").field("accept", "text/css").field("USER-agent", "").start();
    own.with("Accept", "text/css").with("User-Agent", "");
}

/// RFC 9110 §10.1.1: a refused expectation is no answer to the request.
#[test]
fn a_refused_expectation_is_asked_once_and_then_left_out() {
    let refused = Draft::post("http://a.test/").body(STREAM).start().with("Expect", "100-continue");
    let again = refused.early(417, &[], Verdict::Follow).without("Expect").sends("POST http://a.test/");
    assert_eq!(again.exchange.redirects(), 0);
    again.delivers(417, &[]);
    let own = Draft::post("http://a.test/").field("expect", "100-continue").start().with("expect", "100-continue");
    own.early(417, &[], Verdict::Follow).without("expect");
    Draft::post("http://a.test/").start().without("Expect").early(417, &[], Verdict::Deliver);
    Draft::post("http://a.test/").body(STREAM).start().delivers(417, &[]);
}
