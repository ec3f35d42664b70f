//! What a lenient call takes beyond a strict one, and what it refuses as well: every reply with both verdicts, whole and
//! byte by byte.

use whimbrel_proto::h1::{Call, Event, Framing, Limits, SendBody};
use whimbrel_proto::{Kind, Result};

/// The framing and the lines of the head, fed in pieces of `step` bytes.
fn head(reply: &str, lenient: bool, step: usize) -> Result<(Framing, Vec<String>)> {
    let mut call = Call::new("GET", SendBody::None, false, Limits::default());
    if lenient {
        call.be_lenient();
    }
    let mut end = 0;
    loop {
        end = (end + step).min(reply.len());
        if let (_, Event::Head(head)) = call.receive(&reply.as_bytes()[..end])? {
            let lines = head.lines().map(|line| String::from_utf8_lossy(line).into_owned()).collect();
            return Ok((call.framing(), lines));
        }
        assert!(end < reply.len(), "the head is not over");
    }
}

#[test]
fn two_things_are_taken_that_are_refused_otherwise() {
    for (fields, strict, framing, lines) in [
        ("Stray line\r\nContent-Length: 2\r\n", Kind::Protocol, Framing::Length(2), "Stray line|Content-Length: 2"),
        ("Content-Length: 2\r\nStray\n", Kind::Protocol, Framing::Length(2), "Content-Length: 2|Stray"),
        ("Transfer-Encoding: gzip, chunked\r\n", Kind::Coding, Framing::Chunked, "Transfer-Encoding: gzip, chunked"),
        (
            "Transfer-Encoding: gzip\r\nTransfer-Encoding: Chunked\r\n",
            Kind::Coding,
            Framing::Chunked,
            "Transfer-Encoding: gzip|Transfer-Encoding: Chunked",
        ),
    ] {
        let reply = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
        for step in [1, 7, reply.len()] {
            assert_eq!(head(&reply, false, step).unwrap_err().kind(), strict, "{fields:?}");
            let lines: Vec<_> = lines.split('|').map(str::to_owned).collect();
            assert_eq!(head(&reply, true, step).unwrap(), (framing, lines), "{fields:?}");
        }
    }
}

#[test]
fn what_could_hide_a_field_is_refused_either_way() {
    for fields in [
        "X-F: one\r\n two\r\n",
        "X-F: one\r\n\tContent-Length: 2\r\n",
        "Content-Length : 2\r\n",
        " Content-Length: 2\r\n",
        ": no name\r\n",
        "Na me: x\r\n",
        "Stray\r\nContent-Length : 2\r\n",
        "Stray\0\r\n",
        "Stray\rContent-Length: 2\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: gzip, chunked, chunked\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: , chunked\r\n",
        "Transfer-Encoding: \r\n",
    ] {
        let reply = format!("HTTP/1.1 200 OK\r\n{fields}\r\n");
        for (lenient, step) in [(false, 1), (false, reply.len()), (true, 1), (true, reply.len())] {
            assert!(head(&reply, lenient, step).is_err(), "{fields:?} {lenient}");
        }
    }
    assert!(head("HTTP/1.0 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", true, 100).is_err());
}
