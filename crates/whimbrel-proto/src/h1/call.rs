//! The state machine of one request and its response on one connection. Decides what the received bytes mean, what may
//! be sent, and whether the connection may be used again. It moves no bytes.

use std::ops::Range;

use super::chunked::{Decoder, Step};
use super::framing::{Framing, MethodClass};
use super::head::{self, HeadScan, Parsed, ResponseHead};
use super::limits::Limits;
use super::send::{Framed, SendBody, Sender};
use crate::error::{Error, Kind, Phase, Result};
use crate::fields::Fields;

/// One request and its response on one connection, as a state machine over bytes.
///
/// The driver writes the head that [`encode_head`](super::encode_head) made and calls [`head_sent`](Call::head_sent),
/// frames the body with [`frame_body`](Call::frame_body) and [`end_body`](Call::end_body) while
/// [`wants_body`](Call::wants_body), and hands whatever arrives, at any time, to [`receive`](Call::receive) until it
/// gives [`Event::End`] or [`Event::Upgraded`]. See the [module](super) for the diagram.
#[derive(Debug)]
pub struct Call {
    method: MethodClass,
    upgrade: bool,
    lenient: bool,
    /// The request said `Connection: close`.
    close: bool,
    head_sent: bool,
    send: Sender,
    limits: Limits,
    receive: Receive,
    informational: usize,
    framing: Framing,
    /// The final head lets the connection persist.
    persistent: bool,
    /// Something was off: the connection isn't used again, whatever the head says.
    doubtful: bool,
    trailers: Fields,
}

#[derive(Debug)]
enum Receive {
    Head(HeadScan),
    /// Bytes of a `Content-Length` body that are still to come; 0 too where there is no body.
    Length(u64),
    Chunked(Decoder),
    Close,
    Done,
    Upgraded,
    Failed,
}

/// What received bytes turned out to be.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// Nothing to tell until more bytes are received. Some may have been consumed nevertheless.
    NeedMore,
    /// An interim response (1xx, not 101). The final one is still to come.
    Informational(ResponseHead),
    /// The head of the final response. [`Call::framing`] now says how its body is framed.
    Head(ResponseHead),
    /// Body bytes, at this range of the input. They count as consumed: use them before dropping the input.
    Data(Range<usize>),
    /// The response is complete. [`Call::trailers`] and [`Call::may_reuse`] have their final answers, the latter once
    /// the request is sent completely too.
    End,
    /// The connection no longer carries HTTP (101, or 2xx to CONNECT): every byte not consumed belongs to what was
    /// asked for.
    Upgraded,
}

impl Call {
    /// A call whose request has this method and body. `expect_continue` says that the request has
    /// `Expect: 100-continue`: its body is held back until the peer answers or
    /// [`stop_awaiting_continue`](Call::stop_awaiting_continue).
    pub fn new(method: &str, send: SendBody, expect_continue: bool, limits: Limits) -> Self {
        Self {
            method: MethodClass::of(method),
            upgrade: false,
            lenient: false,
            close: false,
            head_sent: false,
            send: Sender::new(send, expect_continue),
            limits,
            receive: Receive::Head(HeadScan::default()),
            informational: 0,
            framing: Framing::None,
            persistent: false,
            doubtful: false,
            trailers: Fields::new(),
        }
    }

    /// Says that the request has an `Upgrade` field, so that 101 is a legal answer. Without it, 101 is an error.
    pub fn set_upgrade(&mut self) {
        self.upgrade = true;
    }

    /// Takes two things that are refused otherwise: lines without a colon in the response head, which mean nothing and
    /// stand in [`ResponseHead::lines`] only; and a list of transfer codings that ends in `chunked`, of which the caller
    /// decodes those before (RFC 9112 §6.1).
    pub fn be_lenient(&mut self) {
        self.lenient = true;
    }

    /// Says that the request has `Connection: close`, so that its connection isn't used again.
    pub fn set_close(&mut self) {
        self.close = true;
    }

    // ── sending ──

    /// The head is written completely. Without this, the connection isn't used again. Body bytes may be framed before,
    /// so that head and body can go out in one write.
    pub fn head_sent(&mut self) {
        self.head_sent = true;
    }

    /// Whether body bytes may be sent now: false while a 100 is awaited, after the body's end, and after a final
    /// response that makes the rest of the body pointless.
    pub fn wants_body(&self) -> bool {
        self.send.wants_body()
    }

    /// Whether the body is held back for a 100 (Continue).
    pub fn awaits_continue(&self) -> bool {
        self.send.awaits_continue()
    }

    /// The wait for a 100 is over: the body is sent without it (RFC 9110 §10.1.1).
    pub fn stop_awaiting_continue(&mut self) {
        self.send.open();
    }

    /// Bytes that a [`SendBody::Length`] body still needs; `None` for other bodies.
    pub fn body_left(&self) -> Option<u64> {
        self.send.left()
    }

    /// Frames `chunk` for the wire. An empty one stays empty and ends nothing.
    ///
    /// # Errors
    /// [`Kind::File`] in [`Phase::Send`] if the body gets longer than its length; [`Kind::Input`] if no body is wanted
    /// now.
    pub fn frame_body<'a>(&mut self, chunk: &'a [u8]) -> Result<Framed<'a>> {
        self.send.frame(chunk)
    }

    /// Ends the body and gives the last bytes to write.
    ///
    /// # Errors
    /// [`Kind::File`] in [`Phase::Send`] if the body is shorter than its length; [`Kind::Input`] if no body is wanted
    /// now.
    pub fn end_body(&mut self) -> Result<&'static [u8]> {
        self.send.end()
    }

    /// Whether the body was framed completely. True from the start if there is none.
    pub fn body_complete(&self) -> bool {
        self.send.is_complete()
    }

    // ── receiving ──

    /// Looks at received bytes: `input` is everything received and not yet consumed. Gives how many bytes at its front
    /// are now consumed, and what was found. Ranges are indices into `input`. To be called again until it answers
    /// [`Event::NeedMore`], [`Event::End`] or [`Event::Upgraded`]; the latter two are given again when asked again.
    ///
    /// # Errors
    /// [`Kind::Protocol`] for what is no HTTP/1.x response or contradicts itself, [`Kind::Coding`] for a transfer
    /// coding other than chunked, [`Kind::TooLarge`] over a limit. Every error is final.
    pub fn receive(&mut self, input: &[u8]) -> Result<(usize, Event)> {
        let result = self.advance(input);
        if result.is_err() {
            self.receive = Receive::Failed;
        }
        result
    }

    fn advance(&mut self, input: &[u8]) -> Result<(usize, Event)> {
        match self.receive {
            Receive::Head(ref mut scan) => match scan.advance(input, &self.limits, self.lenient)? {
                None => Ok((0, Event::NeedMore)),
                Some(parsed) => {
                    let size = parsed.size;
                    Ok((size, self.accept_head(parsed)?))
                }
            },
            Receive::Length(0) => Ok((0, self.finish(input))),
            Receive::Length(_) | Receive::Close if input.is_empty() => Ok((0, Event::NeedMore)),
            Receive::Length(ref mut left) => {
                let taken = usize::try_from(*left).map_or(input.len(), |left| left.min(input.len()));
                *left -= taken as u64;
                Ok((taken, Event::Data(0..taken)))
            }
            Receive::Close => Ok((input.len(), Event::Data(0..input.len()))),
            Receive::Chunked(ref mut decoder) => {
                let (consumed, step) = decoder.advance(input, &self.limits)?;
                let event = match step {
                    Step::NeedMore => Event::NeedMore,
                    Step::Data(range) => Event::Data(range),
                    Step::End(trailers) => {
                        self.doubtful |= decoder.doubtful();
                        self.trailers = trailers;
                        self.finish(&input[consumed..])
                    }
                };
                Ok((consumed, event))
            }
            Receive::Done => Ok((0, self.finish(input))),
            Receive::Upgraded => Ok((0, Event::Upgraded)),
            Receive::Failed => Err(protocol("the response has failed before")),
        }
    }

    /// The response is complete. What the peer sent beyond it answers nothing we asked.
    fn finish(&mut self, surplus: &[u8]) -> Event {
        self.doubtful |= !surplus.is_empty();
        self.receive = Receive::Done;
        Event::End
    }

    fn accept_head(&mut self, Parsed { head, framing: fields, .. }: Parsed) -> Result<Event> {
        if head.is_informational() {
            self.informational += 1;
            if self.informational > self.limits.max_informational {
                return Err(Error::new(Kind::TooLarge, Phase::Wait, "the peer sends informational responses on end"));
            }
            self.doubtful |= fields.odd_for_informational();
            if head.status == 100 {
                self.send.open();
            }
            self.receive = Receive::Head(HeadScan::default());
            return Ok(Event::Informational(head));
        }
        if head.status == 101 && !self.upgrade {
            return Err(protocol("the peer switches protocols (101) though no Upgrade was asked for"));
        }
        let verdict = fields.verdict(self.method, head.version, head.status, self.lenient)?;
        self.framing = verdict.framing;
        self.persistent = verdict.persistent;
        self.receive = match verdict.framing {
            Framing::None => Receive::Length(0),
            Framing::Length(length) => Receive::Length(length),
            Framing::Chunked => Receive::Chunked(Decoder::new()),
            Framing::Close => Receive::Close,
            Framing::Upgraded => Receive::Upgraded,
        };
        // A final response to a request that is still being sent: after an error, or where the connection ends anyway,
        // nobody reads the rest (RFC 9112 §9.3, §9.5). A body that was held back for a 100 isn't wanted any more either.
        if head.status >= 400 || verdict.closes || self.send.awaits_continue() {
            self.send.stop();
        }
        Ok(Event::Head(head))
    }

    /// The peer closed the connection, with `input` received and not yet consumed. `clean` is false where the end may
    /// be forged or forced: TLS without close_notify, or a reset.
    ///
    /// # Errors
    /// [`Kind::Empty`] before the first byte of a response, [`Kind::Truncated`] inside one, [`Kind::Protocol`] if what
    /// was received so far is no HTTP.
    pub fn receive_eof(&mut self, clean: bool, input: &[u8]) -> Result<Event> {
        // The connection is gone, whatever the response says.
        self.doubtful = true;
        match self.receive {
            Receive::Head(_) if input.is_empty() && self.informational == 0 => {
                Err(Error::new(Kind::Empty, Phase::Wait, "the peer closed the connection before it answered"))
            }
            Receive::Head(_) => Err(head::error_at_eof(input, &self.limits)),
            Receive::Length(0) | Receive::Done => Ok(self.finish(input)),
            Receive::Close if clean => Ok(self.finish(input)),
            Receive::Length(left) => {
                Err(truncated(format!("the connection closed {left} bytes before the body's end")))
            }
            Receive::Chunked(_) => Err(truncated("the connection closed inside the chunked body")),
            Receive::Close => Err(truncated("the connection broke off inside the body")),
            Receive::Upgraded => Ok(Event::Upgraded),
            Receive::Failed => Err(protocol("the response has failed before")),
        }
        .inspect_err(|_| self.receive = Receive::Failed)
    }

    /// For a body whose bytes need no look: how many of them, at most, may be received straight into the consumer's
    /// buffer; [`u64::MAX`] for a body that the close ends. `None` where bytes must go through
    /// [`receive`](Call::receive): all those received already, and whatever comes next.
    pub fn direct(&self) -> Option<u64> {
        match self.receive {
            Receive::Length(left) if left > 0 => Some(left),
            Receive::Close => Some(u64::MAX),
            _ => None,
        }
    }

    /// `n` body bytes, no more than [`direct`](Call::direct) allowed, went straight to the consumer. Gives
    /// [`Event::End`] if the response is complete now.
    pub fn received_direct(&mut self, n: u64) -> Option<Event> {
        let Receive::Length(ref mut left) = self.receive else { return None };
        debug_assert!(n <= *left, "more bytes were received directly than allowed");
        self.doubtful |= n > *left;
        *left = left.saturating_sub(n);
        (*left == 0).then(|| self.finish(b""))
    }

    /// Whether the data given last was the end of its chunk. True for every body that is not chunked.
    pub fn ends_chunk(&self) -> bool {
        match &self.receive {
            Receive::Chunked(decoder) => !decoder.is_in_chunk(),
            _ => true,
        }
    }

    /// How the body of the final response is framed; [`Framing::None`] before its head.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// The trailer fields, once the response is complete; those that must not come in a trailer (RFC 9110 §6.5.1) are
    /// left out.
    pub fn trailers(&self) -> &Fields {
        &self.trailers
    }

    /// Takes the trailer fields out.
    pub fn take_trailers(&mut self) -> Fields {
        std::mem::take(&mut self.trailers)
    }

    /// Whether the response is complete: [`Event::End`] was given.
    pub fn is_finished(&self) -> bool {
        matches!(self.receive, Receive::Done)
    }

    /// Whether the connection may carry another request (RFC 9112 §9.3): both messages are complete, both sides keep
    /// it, the framing was beyond doubt, and no byte came after the response. The driver need not look at what is left
    /// of its input (`receive` did), but must see that the connection is still silent before it uses it again.
    pub fn may_reuse(&self) -> bool {
        self.is_finished()
            && self.head_sent
            && self.send.is_complete()
            && self.persistent
            && !self.close
            && !self.doubtful
    }
}

#[cold]
fn protocol(detail: &'static str) -> Error {
    Error::new(Kind::Protocol, Phase::Wait, detail)
}

#[cold]
fn truncated(detail: impl Into<Box<str>>) -> Error {
    Error::new(Kind::Truncated, Phase::Body, detail)
}
