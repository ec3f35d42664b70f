//! The sending side of a call: when body bytes may go out, and how they are framed (RFC 9112 §6, §7.1; RFC 9110
//! §10.1.1). Copies no body byte.

use crate::error::{Error, Kind, Phase, Result};

/// How the body of the request is framed. The caller gives the head the fields that say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendBody {
    /// No body.
    None,
    /// Exactly this many bytes, announced by `Content-Length`.
    Length(u64),
    /// Chunks of any number, announced by `Transfer-Encoding: chunked`.
    Chunked,
}

/// A piece of the body as it goes on the wire: [`prefix`](Framed::prefix), [`data`](Framed::data),
/// [`suffix`](Framed::suffix), in this order.
#[derive(Clone, Copy, Debug)]
pub struct Framed<'a> {
    size_line: [u8; 18],
    start: u8,
    /// What the caller gave, untouched.
    pub data: &'a [u8],
    /// The CRLF after a chunk's data, or nothing.
    pub suffix: &'static [u8],
}

impl<'a> Framed<'a> {
    /// The chunk's size line, or nothing.
    pub fn prefix(&self) -> &[u8] {
        &self.size_line[usize::from(self.start)..]
    }

    /// How many bytes go on the wire.
    pub fn size(&self) -> usize {
        self.prefix().len() + self.data.len() + self.suffix.len()
    }

    fn bare(data: &'a [u8]) -> Self {
        Self { size_line: [0; 18], start: 18, data, suffix: b"" }
    }

    fn chunk(data: &'a [u8]) -> Self {
        // Written from its end: at most 16 digits, then CRLF.
        let mut size_line = *b"0000000000000000\r\n";
        let mut start = 16;
        let mut rest = data.len();
        while rest > 0 {
            start -= 1;
            size_line[start] = b"0123456789abcdef"[rest & 0xf];
            rest >>= 4;
        }
        Self { size_line, start: start as u8, data, suffix: b"\r\n" }
    }
}

/// Where the request's body stands.
#[derive(Debug)]
pub(super) struct Sender {
    body: SendBody,
    /// Bytes of a `Length` body that are still to be given.
    left: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    AwaitsContinue,
    Open,
    Complete,
    /// A final response made the rest of the body pointless.
    Stopped,
}

impl Sender {
    pub(super) fn new(body: SendBody, expect_continue: bool) -> Self {
        let left = if let SendBody::Length(length) = body { length } else { 0 };
        let state = match body {
            SendBody::None | SendBody::Length(0) => State::Complete,
            _ if expect_continue => State::AwaitsContinue,
            _ => State::Open,
        };
        Self { body, left, state }
    }

    pub(super) fn wants_body(&self) -> bool {
        self.state == State::Open
    }

    pub(super) fn awaits_continue(&self) -> bool {
        self.state == State::AwaitsContinue
    }

    pub(super) fn is_complete(&self) -> bool {
        self.state == State::Complete
    }

    pub(super) fn left(&self) -> Option<u64> {
        matches!(self.body, SendBody::Length(_)).then_some(self.left)
    }

    /// Goes on with the body if it was held back for a 100.
    pub(super) fn open(&mut self) {
        if self.state == State::AwaitsContinue {
            self.state = State::Open;
        }
    }

    /// Sends no more of the body, which leaves the request incomplete unless it was complete.
    pub(super) fn stop(&mut self) {
        if self.state != State::Complete {
            self.state = State::Stopped;
        }
    }

    pub(super) fn frame<'a>(&mut self, data: &'a [u8]) -> Result<Framed<'a>> {
        if data.is_empty() {
            // An empty chunk would end the body.
            return Ok(Framed::bare(data));
        }
        if self.state != State::Open {
            return Err(match self.state {
                State::Complete => self.over_length(),
                _ => misused("body bytes were given while none are wanted; ask wants_body first"),
            });
        }
        if self.body == SendBody::Chunked {
            return Ok(Framed::chunk(data));
        }
        self.left = self.left.checked_sub(data.len() as u64).ok_or_else(|| self.over_length())?;
        if self.left == 0 {
            self.state = State::Complete;
        }
        Ok(Framed::bare(data))
    }

    pub(super) fn end(&mut self) -> Result<&'static [u8]> {
        match (self.state, self.body) {
            (State::Complete, _) => Ok(b""),
            (State::Open, SendBody::Chunked) => {
                self.state = State::Complete;
                Ok(b"0\r\n\r\n")
            }
            (State::Open, _) => Err(Error::new(
                Kind::File,
                Phase::Send,
                format!("the upload ended {} bytes short of the length that was announced", self.left),
            )),
            _ => Err(misused("the body was ended while none is wanted; ask wants_body first")),
        }
    }

    #[cold]
    fn over_length(&self) -> Error {
        Error::new(Kind::File, Phase::Send, "the upload is longer than the length that was announced")
    }
}

#[cold]
fn misused(detail: &'static str) -> Error {
    Error::new(Kind::Input, Phase::Send, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wire(framed: &Framed<'_>) -> Vec<u8> {
        let wire = [framed.prefix(), framed.data, framed.suffix].concat();
        assert_eq!(wire.len(), framed.size());
        wire
    }

    #[test]
    fn chunks_carry_their_size_in_hexadecimal() {
        let mut sender = Sender::new(SendBody::Chunked, false);
        for (size, line) in [(1, "1\r\n"), (9, "9\r\n"), (10, "a\r\n"), (16, "10\r\n"), (65_535, "ffff\r\n")] {
            let data = vec![b'x'; size];
            let framed = sender.frame(&data).unwrap();
            assert_eq!(framed.prefix(), line.as_bytes());
            assert_eq!(framed.data.as_ptr(), data.as_ptr());
            assert_eq!(wire(&framed), [line.as_bytes(), &data, b"\r\n"].concat());
        }
        assert!(wire(&sender.frame(b"").unwrap()).is_empty());
        assert!(sender.wants_body() && !sender.is_complete());
        assert_eq!(sender.end().unwrap(), b"0\r\n\r\n");
        assert!(sender.is_complete() && !sender.wants_body());
        assert_eq!(sender.end().unwrap(), b"");
    }

    #[test]
    fn a_body_with_a_length_goes_out_bare_and_is_held_to_it() {
        let mut sender = Sender::new(SendBody::Length(5), false);
        assert_eq!(wire(&sender.frame(b"hel").unwrap()), b"hel");
        assert_eq!((sender.left(), sender.is_complete()), (Some(2), false));
        let short = sender.end().unwrap_err();
        assert_eq!((short.kind(), short.phase()), (Kind::File, Phase::Send));
        assert_eq!(sender.frame(b"lo!").unwrap_err().kind(), Kind::File);
        assert_eq!(wire(&sender.frame(b"lo").unwrap()), b"lo");
        assert!(sender.is_complete() && !sender.wants_body());
        assert_eq!(sender.frame(b"!").unwrap_err().kind(), Kind::File);
        assert_eq!(sender.end().unwrap(), b"");
    }

    #[test]
    fn no_body_and_an_empty_one_are_complete_from_the_start() {
        for body in [SendBody::None, SendBody::Length(0)] {
            let mut sender = Sender::new(body, true);
            assert!(sender.is_complete() && !sender.wants_body() && !sender.awaits_continue());
            assert_eq!(sender.end().unwrap(), b"");
        }
    }
}
