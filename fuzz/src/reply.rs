//! Drives a call over bytes in pieces and keeps all that it tells.

use whimbrel_proto::Kind;
use whimbrel_proto::h1::{Call, Event, Limits, SendBody};

/// What a reply became.
#[derive(Debug, PartialEq)]
pub struct Received {
    /// Heads, in order.
    pub events: Vec<Event>,
    pub body: Vec<u8>,
    pub trailers: Vec<(String, Vec<u8>)>,
    /// How it ended, and whether the connection may go on.
    pub end: Result<bool, Kind>,
}

/// Receives `bytes` in pieces of `size`, then the peer's close, as the reply to a sent request without a body.
pub fn receive(method: &str, lenient: bool, bytes: &[u8], size: usize) -> Received {
    let mut call = Call::new(method, SendBody::None, false, Limits::default());
    call.head_sent();
    if lenient {
        call.be_lenient();
    }
    let mut received = Received { events: Vec::new(), body: Vec::new(), trailers: Vec::new(), end: Ok(false) };
    received.end =
        feed(&mut call, &mut received.events, &mut received.body, bytes.chunks(size.min(bytes.len().max(1))));
    received.trailers = call.trailers().iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect();
    received
}

fn feed<'a>(
    call: &mut Call,
    events: &mut Vec<Event>,
    body: &mut Vec<u8>,
    pieces: impl Iterator<Item = &'a [u8]>,
) -> Result<bool, Kind> {
    let mut input = Vec::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        loop {
            let (used, event) = call.receive(&input).map_err(|error| error.kind())?;
            match event {
                Event::NeedMore | Event::End => {
                    input.drain(..used);
                    break;
                }
                Event::Upgraded => return Ok(call.may_reuse()),
                Event::Data(range) => {
                    assert!(!range.is_empty() && range.end <= used);
                    body.extend_from_slice(&input[range]);
                }
                head => events.push(head),
            }
            assert!(used > 0, "an event that consumes nothing would be told for ever");
            input.drain(..used);
        }
    }
    let reuse = call.may_reuse();
    if !call.is_finished() {
        call.receive_eof(true, &input).map_err(|error| error.kind())?;
    }
    Ok(reuse)
}
