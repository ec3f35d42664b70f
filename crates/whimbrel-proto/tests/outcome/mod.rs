//! Drives a `Call` over received bytes in given pieces, as a driver does, and tells everything a caller could see.

use whimbrel_proto::h1::{Call, Event, Limits, SendBody};
use whimbrel_proto::{Error, Kind};

/// All that a caller can tell about a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) informational: Vec<u16>,
    pub(crate) status: Option<u16>,
    pub(crate) fields: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<(String, Vec<u8>)>,
    /// How it ended: completely, by leaving HTTP, or by an error of this kind.
    pub(crate) end: Result<Ended, Kind>,
    /// Whether the connection may carry another request, before the peer's close is seen.
    pub(crate) reuse: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Complete,
    Upgraded,
}

/// Feeds a call that has sent its request with `pieces`, then the peer's close.
pub(crate) fn drive<P: AsRef<[u8]>>(mut call: Call, pieces: impl IntoIterator<Item = P>) -> Outcome {
    let mut outcome = Outcome {
        informational: Vec::new(),
        status: None,
        fields: Vec::new(),
        body: Vec::new(),
        trailers: Vec::new(),
        end: Ok(Ended::Complete),
        reuse: false,
    };
    let result = outcome.run(&mut call, pieces.into_iter());
    outcome.end = result.map_err(|error| error.kind());
    outcome.trailers = owned(call.trailers());
    outcome
}

/// A call with that method whose request has no body and is sent.
pub(crate) fn sent(method: &str) -> Call {
    let mut call = Call::new(method, SendBody::None, false, Limits::default());
    call.head_sent();
    call
}

impl Outcome {
    fn run<P: AsRef<[u8]>>(&mut self, call: &mut Call, pieces: impl Iterator<Item = P>) -> Result<Ended, Error> {
        let mut input = Vec::new();
        for piece in pieces {
            input.extend_from_slice(piece.as_ref());
            loop {
                let (used, event) = call.receive(&input)?;
                let more = self.note(event, &input);
                input.drain(..used);
                match more {
                    None => break,
                    Some(Ended::Complete) => {}
                    Some(Ended::Upgraded) => return Ok(Ended::Upgraded),
                }
            }
        }
        self.reuse = call.may_reuse();
        if call.is_finished() {
            return Ok(Ended::Complete);
        }
        match call.receive_eof(true, &input)? {
            Event::Upgraded => Ok(Ended::Upgraded),
            event => {
                assert_eq!(event, Event::End);
                Ok(Ended::Complete)
            }
        }
    }

    /// `None` when nothing more can be had from what is there.
    fn note(&mut self, event: Event, input: &[u8]) -> Option<Ended> {
        match event {
            Event::NeedMore | Event::End => return None,
            Event::Informational(head) => self.informational.push(head.status),
            Event::Head(head) => {
                self.status = Some(head.status);
                self.fields = owned(&head.fields);
            }
            Event::Data(range) => {
                assert!(!range.is_empty(), "an empty range tells nothing");
                self.body.extend_from_slice(&input[range]);
            }
            Event::Upgraded => return Some(Ended::Upgraded),
        }
        Some(Ended::Complete)
    }
}

fn owned(fields: &whimbrel_proto::Fields) -> Vec<(String, Vec<u8>)> {
    fields.iter().map(|(name, value)| (name.to_owned(), value.to_vec())).collect()
}
