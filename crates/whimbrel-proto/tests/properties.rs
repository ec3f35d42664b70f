//! What holds for any request and any reply: fields come out as they went in, and the pieces that bytes come in change
//! nothing.

mod outcome;
mod reply;

use outcome::{drive, sent};
use proptest::collection::vec;
use proptest::prelude::*;
use reply::Random;
use whimbrel_proto::Fields;
use whimbrel_proto::h1::{Call, Event, Limits, SendBody, encode_head};

fn name() -> impl Strategy<Value = String> {
    "[!#$%&'*+.^_`|~0-9A-Za-z-]{1,24}".prop_filter("the framing is the test's own", |name| {
        !["connection", "content-length", "host", "transfer-encoding"].contains(&name.to_ascii_lowercase().as_str())
    })
}

/// Any bytes that a value may hold, without space around them.
fn value() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => b' '..=b'~', 1 => Just(b'\t'), 2 => 0x80..=0xffu8];
    vec(byte, 0..40).prop_map(|value| value.trim_ascii().to_vec())
}

fn fields(list: &[(String, Vec<u8>)]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in list {
        fields.append(name, value).unwrap();
    }
    fields
}

proptest! {
    #[test]
    fn fields_come_out_of_a_response_as_they_went_into_a_request(
        mut list in vec((name(), value()), 0..80),
        version in prop_oneof![Just("HTTP/1.1"), Just("HTTP/1.0")],
        status in 200..1000u16,
    ) {
        list.push(("Host".into(), b"a.test".to_vec()));
        let given = fields(&list);
        let mut head = Vec::new();
        encode_head(&mut head, "GET", "/", &given).unwrap();
        // The fields of a request, under a status line.
        let line = head.iter().position(|&byte| byte == b'\n').unwrap() + 1;
        head.splice(..line, format!("{version} {status} Some Reason\r\n").bytes());

        let mut call = Call::new("HEAD", SendBody::None, false, Limits::default());
        let (used, event) = call.receive(&head).unwrap();
        let Event::Head(parsed) = event else { panic!("{event:?}") };
        prop_assert_eq!(used, head.len());
        prop_assert_eq!((parsed.status, parsed.reason()), (status, &b"Some Reason"[..]));
        prop_assert_eq!(parsed.version.to_string(), version);
        prop_assert_eq!(parsed.fields.iter().collect::<Vec<_>>(), given.iter().collect::<Vec<_>>());
    }

    #[test]
    fn the_pieces_that_a_reply_comes_in_change_nothing(
        seed in any::<u64>(),
        breaks in any::<bool>(),
        sizes in vec(1..40usize, 1..30),
    ) {
        let mut random = Random::new(seed);
        let method = random.pick(&["GET", "POST", "HEAD", "CONNECT"]);
        let mut bytes = reply::valid(&mut random, method);
        if breaks {
            reply::mutate(&mut random, &mut bytes);
        }
        let (mut rest, mut pieces) = (&*bytes, Vec::new());
        for size in sizes.iter().cycle() {
            if rest.is_empty() {
                break;
            }
            let (piece, tail) = rest.split_at(rest.len().min(*size));
            pieces.push(piece);
            rest = tail;
        }
        prop_assert_eq!(drive(sent(method), pieces), drive(sent(method), [&bytes]));
    }

    #[test]
    fn a_chunked_upload_is_a_chunked_body_that_decodes_to_the_same_bytes(pieces in vec(vec(any::<u8>(), 0..600), 0..8)) {
        let mut sending = Call::new("POST", SendBody::Chunked, false, Limits::default());
        let mut wire = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        for piece in &pieces {
            let framed = sending.frame_body(piece).unwrap();
            wire.extend([framed.prefix(), framed.data, framed.suffix].concat());
        }
        wire.extend(sending.end_body().unwrap());
        prop_assert!(sending.body_complete());
        let outcome = drive(sent("GET"), [wire]);
        prop_assert_eq!((outcome.body, outcome.reuse), (pieces.concat(), true));
    }

    #[test]
    fn any_bytes_at_all_are_answered_without_a_panic(bytes in vec(any::<u8>(), 0..300), framed in any::<bool>()) {
        let mut reply = if framed { b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec() } else { Vec::new() };
        reply.extend(bytes);
        prop_assert_eq!(drive(sent("GET"), reply.chunks(3)), drive(sent("GET"), [&reply]));
    }
}
