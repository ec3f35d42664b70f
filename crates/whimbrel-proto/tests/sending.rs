//! The sending side of a call, and what responses that come early do to it (RFC 9110 §10.1.1, RFC 9112 §9).

use whimbrel_proto::Kind;
use whimbrel_proto::h1::{Call, Event, Framing, Limits, SendBody};

fn call(send: SendBody, expect_continue: bool) -> Call {
    let mut call = Call::new("POST", send, expect_continue, Limits::default());
    call.head_sent();
    call
}

/// Receives a whole response that has no body or an empty one.
fn receive(call: &mut Call, reply: &str) {
    let mut input = reply.as_bytes();
    while !call.is_finished() {
        let (used, event) = call.receive(input).unwrap();
        assert_ne!(event, Event::NeedMore, "{reply:?}");
        input = &input[used..];
    }
}

#[test]
fn the_body_is_held_back_until_the_100() {
    let mut call = call(SendBody::Length(2), true);
    assert!(call.awaits_continue() && !call.wants_body());
    assert_eq!(call.frame_body(b"hi").unwrap_err().kind(), Kind::Input);
    let (used, event) = call.receive(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
    assert!(used == 25 && matches!(event, Event::Informational(_)));
    assert!(!call.awaits_continue() && call.wants_body());
    call.frame_body(b"hi").unwrap();
    receive(&mut call, "HTTP/1.1 204 No Content\r\n\r\n");
    assert!(call.may_reuse());
}

#[test]
fn other_informational_responses_do_not_end_the_wait_for_a_100() {
    let mut call = call(SendBody::Length(2), true);
    call.receive(b"HTTP/1.1 103 Early Hints\r\n\r\n").unwrap();
    assert!(call.awaits_continue());
}

#[test]
fn a_peer_that_ignores_the_expectation_gets_the_body_after_the_wait() {
    let mut call = call(SendBody::Length(2), true);
    call.stop_awaiting_continue();
    assert!(!call.awaits_continue() && call.wants_body());
    call.frame_body(b"hi").unwrap();
    receive(&mut call, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert!(call.may_reuse());
}

#[test]
fn a_final_response_instead_of_the_100_keeps_the_body_back_and_ends_the_connection() {
    for status in [200, 302, 417] {
        let mut call = call(SendBody::Chunked, true);
        receive(&mut call, &format!("HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n"));
        assert!(!call.awaits_continue() && !call.wants_body() && !call.body_complete(), "{status}");
        call.stop_awaiting_continue();
        assert!(!call.wants_body() && !call.may_reuse(), "{status}");
    }
}

#[test]
fn an_early_error_or_close_stops_the_body_and_an_early_success_does_not() {
    let table = [
        ("HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n", false),
        ("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", false),
        ("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", false),
        ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true),
        ("HTTP/1.1 303 See Other\r\nContent-Length: 0\r\n\r\n", true),
    ];
    for (reply, goes_on) in table {
        let mut call = call(SendBody::Length(4), false);
        call.frame_body(b"hi").unwrap();
        receive(&mut call, reply);
        assert_eq!(call.wants_body(), goes_on, "{reply:?}");
        assert!(!call.may_reuse(), "{reply:?}: half a request was sent");
        if goes_on {
            call.frame_body(b"ho").unwrap();
        }
        assert_eq!(call.may_reuse(), goes_on, "{reply:?}");
    }
}

#[test]
fn an_error_after_the_whole_body_lets_the_connection_live() {
    let mut call = call(SendBody::Length(2), false);
    call.frame_body(b"hi").unwrap();
    receive(&mut call, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    assert!(call.may_reuse());
}

#[test]
fn a_response_before_the_whole_head_was_sent_ends_the_connection() {
    let mut call = Call::new("GET", SendBody::None, false, Limits::default());
    receive(&mut call, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert!(!call.may_reuse());
}

#[test]
fn a_request_that_says_close_is_the_connections_last() {
    let mut call = call(SendBody::None, false);
    call.set_close();
    receive(&mut call, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert!(call.is_finished() && !call.may_reuse());
}

#[test]
fn bytes_received_directly_end_a_body_with_a_length() {
    let mut call = call(SendBody::None, false);
    assert_eq!(call.direct(), None);
    let input = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhel";
    let (used, _) = call.receive(input).unwrap();
    assert_eq!((call.framing(), call.direct()), (Framing::Length(10), Some(10)));
    assert_eq!(call.receive(&input[used..]).unwrap(), (3, Event::Data(0..3)));
    assert_eq!((call.direct(), call.received_direct(4)), (Some(7), None));
    assert_eq!((call.direct(), call.received_direct(3)), (Some(3), Some(Event::End)));
    assert!(call.direct().is_none() && call.is_finished() && call.may_reuse());
}

#[test]
fn chunked_bodies_and_bodiless_responses_are_never_received_directly() {
    for reply in ["HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n"] {
        let mut call = call(SendBody::None, false);
        call.receive(reply.as_bytes()).unwrap();
        assert_eq!(call.direct(), None, "{reply:?}");
    }
}

#[test]
fn a_body_until_the_close_ends_cleanly_or_not_at_all() {
    for clean in [true, false] {
        let mut call = call(SendBody::None, false);
        call.receive(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
        assert_eq!((call.direct(), call.received_direct(1 << 40)), (Some(u64::MAX), None));
        let end = call.receive_eof(clean, b"").map_err(|error| error.kind());
        assert_eq!(end, if clean { Ok(Event::End) } else { Err(Kind::Truncated) });
        assert!(!call.may_reuse());
    }
}

#[test]
fn a_close_without_a_single_byte_is_empty_and_after_a_100_it_is_truncated() {
    assert_eq!(call(SendBody::None, false).receive_eof(true, b"").unwrap_err().kind(), Kind::Empty);
    let mut call = call(SendBody::Length(1), true);
    call.receive(b"HTTP/1.1 100 Continue\r\n\r\n").unwrap();
    assert_eq!(call.receive_eof(true, b"").unwrap_err().kind(), Kind::Truncated);
}

#[test]
fn a_close_after_the_end_changes_nothing_but_the_connection() {
    let mut call = call(SendBody::None, false);
    receive(&mut call, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    assert!(call.may_reuse());
    assert_eq!(call.receive_eof(false, b"").unwrap(), Event::End);
    assert!(!call.may_reuse());
}

#[test]
fn an_error_is_final() {
    let mut call = call(SendBody::None, false);
    assert!(call.receive(b"SSH-2.0").is_err());
    assert!(call.receive(b"HTTP/1.1 204 No Content\r\n\r\n").is_err());
    assert!(call.receive_eof(true, b"").is_err() && !call.may_reuse() && !call.is_finished());
}
