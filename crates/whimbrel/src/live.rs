//! One request on one connection: moves bytes between the socket, the codec, the body's source and the consumer. Decides
//! nothing about HTTP; waits for nothing.

use std::io;

use whimbrel_proto::exchange::DRAIN_LIMIT;
use whimbrel_proto::exchange::retry::Reached;
use whimbrel_proto::h1::{Call, Event, Framing, ResponseHead};
use whimbrel_proto::{Error, Fields, Kind, Phase, Result};

use crate::body::Body;
use crate::pool::Connection;
use crate::stream::{Received, Stream};
use crate::sys::Interests;
use crate::tls;

/// How much memory for requests a kept connection holds on to, in bytes.
const KEPT_OUTPUT: usize = 16 << 10;

/// From how many bytes on a body counts as large.
const LARGE: u64 = 4 << 20;

/// A request under way.
pub(crate) struct Live {
    connection: Connection,
    call: Call,
    /// How many bytes at the front of the received ones are body data that the codec has passed already.
    data: usize,
    /// How many bytes of framing behind `data` the codec has passed as well.
    framing: usize,
    /// Framed and not yet sent: the head, small bodies, chunks.
    out: Vec<u8>,
    out_at: usize,
    reached: Reached,
    /// Why sending ended early; a response that came nevertheless is worth more.
    send_error: Option<Error>,
    /// Something may have come: set when a wait ended, so that no receive is tried on a socket that was just written to.
    may_receive: bool,
    /// The driver has nothing else to wait for: one receive of this step may wait itself.
    is_patient: bool,
}

/// What a step gave.
pub(crate) enum Step<T> {
    /// Nothing can be done until something moves.
    Blocked,
    Done(T),
}

/// What looking for the final head gave.
pub(crate) enum Answer {
    /// Nothing can be done until something moves.
    Blocked,
    /// An interim response has opened the body: send it.
    GoOn,
    Head(ResponseHead),
}

/// What a read of the body gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Bytes(usize),
    End,
}

impl Live {
    /// A call whose head is in `out`, on a connection that nothing was sent on since its last response.
    pub(crate) fn new(connection: Connection, call: Call, out: Vec<u8>, reused: bool) -> Self {
        Self {
            connection,
            call,
            data: 0,
            framing: 0,
            out,
            out_at: 0,
            reached: Reached { reused, ..Reached::default() },
            send_error: None,
            may_receive: false,
            is_patient: false,
        }
    }

    pub(crate) fn call(&mut self) -> &mut Call {
        &mut self.call
    }

    pub(crate) fn reached(&self) -> &Reached {
        &self.reached
    }

    pub(crate) fn framing(&self) -> Framing {
        self.call.framing()
    }

    pub(crate) fn trailers(&mut self) -> Fields {
        self.call.take_trailers()
    }

    /// Whether the whole request is on its way.
    pub(crate) fn is_sent(&self) -> bool {
        self.out.is_empty() && self.call.body_complete()
    }

    /// Lets one receive of this step wait itself, if the driver says that it may and it is worth its price: two system
    /// calls for a connection that was made for this call, which a large body repays.
    pub(crate) fn be_patient(&mut self, may: bool) -> bool {
        let is_large = self.call.direct().is_some_and(|left| left >= LARGE);
        self.is_patient = may && (self.reached.reused || is_large) && self.is_sent();
        self.is_patient
    }

    /// A wait is over: reading may be worth a try.
    pub(crate) fn woke(&mut self) {
        self.may_receive = true;
    }

    pub(crate) fn interests<'a>(&'a self, interests: &mut Interests<'a>) {
        let sending = self.send_error.is_none() && (!self.out.is_empty() || self.call.wants_body());
        self.connection.stream.interests(interests, true, sending);
    }

    // ── sending ──

    /// Sends what can be sent. A failure to send is kept: the peer may have answered before it closed.
    pub(crate) fn send(&mut self, body: &mut Body) -> Result<()> {
        if self.send_error.is_some() {
            return Ok(());
        }
        self.send_all(body).or_else(|error| {
            if error.kind() != Kind::Send {
                return Err(error);
            }
            self.send_error = Some(error);
            self.out.clear();
            self.out_at = 0;
            self.may_receive = true;
            Ok(())
        })
    }

    fn send_all(&mut self, body: &mut Body) -> Result<()> {
        loop {
            if !self.send_out()? {
                return Ok(());
            }
            if !self.call.wants_body() {
                return self.flush();
            }
            match self.call.body_left() {
                Some(left) => {
                    let piece = body.piece()?;
                    if piece.is_empty() {
                        self.call.end_body()?;
                        return self.flush();
                    }
                    let step = usize::try_from(left).map_or(piece.len(), |left| left.min(piece.len()));
                    let sent = self.connection.stream.send(&piece[..step]).map_err(send_failed)?;
                    if sent == 0 {
                        return Ok(());
                    }
                    self.call.frame_body(&piece[..sent])?;
                    body.sent(sent);
                    self.reached.sent += sent as u64;
                    self.reached.body_taken += sent as u64;
                }
                None => self.frame_chunk(body)?,
            }
        }
    }

    /// Sends `out`. True when it is empty.
    fn send_out(&mut self) -> Result<bool> {
        while self.out_at < self.out.len() {
            let sent = self.connection.stream.send(&self.out[self.out_at..]).map_err(send_failed)?;
            if sent == 0 {
                return Ok(false);
            }
            self.out_at += sent;
            self.reached.sent += sent as u64;
        }
        if !self.out.is_empty() {
            self.out.clear();
            self.out_at = 0;
            self.call.head_sent();
        }
        Ok(true)
    }

    fn flush(&mut self) -> Result<()> {
        self.connection.stream.flush().map(drop).map_err(send_failed)
    }

    fn frame_chunk(&mut self, body: &mut Body) -> Result<()> {
        let piece = body.piece()?;
        if piece.is_empty() {
            self.out.extend_from_slice(self.call.end_body()?);
            return Ok(());
        }
        // A file may have grown: what was announced is sent, no more.
        let left = self.call.body_left().and_then(|left| usize::try_from(left).ok()).unwrap_or(usize::MAX);
        let framed = self.call.frame_body(&piece[..left.min(piece.len())])?;
        self.out.extend_from_slice(framed.prefix());
        self.out.extend_from_slice(framed.data);
        self.out.extend_from_slice(framed.suffix);
        let taken = framed.data.len();
        body.sent(taken);
        self.reached.body_taken += taken as u64;
        Ok(())
    }

    /// Puts a body that is at hand behind the head, so that both go out in one write.
    pub(crate) fn join_body(&mut self, body: &mut Body, limit: usize) -> Result<()> {
        if !self.call.wants_body() || self.call.body_left().is_none_or(|left| left > limit as u64) {
            return Ok(());
        }
        self.frame_chunk(body)
    }

    // ── receiving the head ──

    /// Goes on until a final head, passing over interim ones.
    pub(crate) fn receive_head(&mut self) -> Result<Answer> {
        loop {
            let held_back = self.call.awaits_continue();
            let (consumed, event) = self.call.receive(self.connection.input.filled())?;
            self.connection.input.consume(consumed);
            match event {
                Event::Head(head) => return Ok(Answer::Head(head)),
                Event::Informational(_) if held_back && self.call.wants_body() => return Ok(Answer::GoOn),
                Event::Informational(_) => {}
                _ if !(self.may_receive || self.is_patient) => return Ok(Answer::Blocked),
                _ => match self.fill()? {
                    Received::Bytes(_) => {}
                    Received::Blocked => {
                        self.may_receive = false;
                        return Ok(Answer::Blocked);
                    }
                    Received::End { clean } => {
                        let ended = self.call.receive_eof(clean, self.connection.input.filled());
                        return Err(match (ended, self.send_error.take()) {
                            (_, Some(error)) if self.connection.input.filled().is_empty() => error,
                            (Err(error), _) => error,
                            (Ok(_), _) => {
                                Error::new(Kind::Empty, Phase::Wait, "the connection ended before a response")
                            }
                        });
                    }
                },
            }
        }
    }

    fn fill(&mut self) -> Result<Received> {
        let phase = if self.call.framing() == Framing::None { Phase::Wait } else { Phase::Body };
        let patient = std::mem::take(&mut self.is_patient);
        let Connection { stream, input, .. } = &mut self.connection;
        let received = receive(stream, input.space(), patient).map_err(|error| receive_failed(phase, error));
        match received {
            Ok(Received::Bytes(read)) => {
                self.connection.input.filled_more(read);
                self.reached.received += read as u64;
                Ok(Received::Bytes(read))
            }
            Ok(other) => Ok(other),
            Err(error) => Err(match self.send_error.take() {
                Some(send_error) if self.reached.received == 0 => send_error,
                _ => error,
            }),
        }
    }

    // ── receiving the body ──

    /// Body bytes as they were sent, straight into the consumer's buffer where the framing allows it.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> Result<Step<Read>> {
        loop {
            if self.data > 0 {
                let count = self.data.min(buffer.len());
                buffer[..count].copy_from_slice(&self.connection.input.filled()[..count]);
                self.take(count);
                return Ok(Step::Done(Read::Bytes(count)));
            }
            if self.connection.input.filled().is_empty()
                && let Some(direct) = self.call.direct()
            {
                let room = usize::try_from(direct).map_or(buffer.len(), |direct| direct.min(buffer.len()));
                let patient = std::mem::take(&mut self.is_patient);
                match receive(&mut self.connection.stream, &mut buffer[..room], patient) {
                    Ok(Received::Bytes(read)) => {
                        self.reached.received += read as u64;
                        self.call.received_direct(read as u64);
                        return Ok(Step::Done(Read::Bytes(read)));
                    }
                    Ok(Received::Blocked) => return Ok(Step::Blocked),
                    Ok(Received::End { clean }) => {
                        self.call.receive_eof(clean, &[])?;
                        continue;
                    }
                    Err(error) => return Err(receive_failed(Phase::Body, error)),
                }
            }
            match self.advance()? {
                Step::Done(Read::Bytes(_)) => {}
                other => return Ok(other),
            }
        }
    }

    /// Body data at the front of the input, for a decoder: take what was used with [`Live::take`].
    pub(crate) fn peek(&mut self) -> Result<Step<&[u8]>> {
        while self.data == 0 {
            match self.advance()? {
                Step::Done(Read::Bytes(_)) => {}
                Step::Done(Read::End) => return Ok(Step::Done(&[])),
                Step::Blocked => return Ok(Step::Blocked),
            }
        }
        Ok(Step::Done(&self.connection.input.filled()[..self.data]))
    }

    pub(crate) fn take(&mut self, count: usize) {
        self.data -= count;
        self.connection.input.consume(count);
        if self.data == 0 {
            self.connection.input.consume(std::mem::take(&mut self.framing));
        }
    }

    /// Lets the codec look at what came, or receives more. `Bytes` says that `data` has grown.
    fn advance(&mut self) -> Result<Step<Read>> {
        loop {
            let (consumed, event) = self.call.receive(self.connection.input.filled())?;
            match event {
                Event::Data(range) => {
                    self.connection.input.consume(range.start);
                    self.data = range.len();
                    self.framing = consumed - range.end;
                    return Ok(Step::Done(Read::Bytes(self.data)));
                }
                Event::End | Event::Upgraded => {
                    self.connection.input.consume(consumed);
                    return Ok(Step::Done(Read::End));
                }
                Event::NeedMore | Event::Informational(_) | Event::Head(_) => self.connection.input.consume(consumed),
            }
            match self.fill()? {
                Received::Bytes(_) => {}
                Received::Blocked => return Ok(Step::Blocked),
                Received::End { clean } => {
                    self.call.receive_eof(clean, self.connection.input.filled())?;
                }
            }
        }
    }

    /// Whether received bytes wait to be read.
    pub(crate) fn has_input(&self) -> bool {
        !self.connection.input.filled().is_empty()
    }

    /// Whether the response is known to be complete, with nothing left to read.
    pub(crate) fn is_complete(&mut self) -> bool {
        self.data == 0
            && (self.call.is_finished()
                || matches!(self.call.framing(), Framing::Length(_)) && self.call.direct().is_none() && self.settle())
    }

    /// Lets the codec see that a `Content-Length` body which was taken whole is at its end.
    fn settle(&mut self) -> bool {
        matches!(self.call.receive(self.connection.input.filled()), Ok((0, Event::End)))
    }

    /// Reads on without looking, so that the connection can be kept: true when the end was reached. Gives up (an error
    /// or `false` for ever would be worse than a new connection) over the limit.
    pub(crate) fn drain(&mut self) -> Step<bool> {
        if !self.is_sent() || matches!(self.call.framing(), Framing::Close | Framing::Upgraded) {
            return Step::Done(false);
        }
        // What TLS still holds of the request.
        if self.flush().is_err() {
            return Step::Done(false);
        }
        loop {
            if self.reached.received > DRAIN_LIMIT {
                return Step::Done(false);
            }
            let seen = match self.peek() {
                Ok(Step::Done(data)) => data.len(),
                Ok(Step::Blocked) => return Step::Blocked,
                Err(_) => return Step::Done(false),
            };
            if seen == 0 {
                return Step::Done(true);
            }
            self.take(seen);
        }
    }

    /// The connection, if it may carry another request.
    pub(crate) fn into_reusable(mut self) -> Option<Connection> {
        self.connection.input.recycle();
        if self.out.capacity() <= KEPT_OUTPUT {
            self.out.clear();
            self.connection.output = self.out;
        }
        (self.call.may_reuse() && self.data == 0 && self.send_error.is_none()).then_some(self.connection)
    }
}

fn receive(stream: &mut Stream, buffer: &mut [u8], patient: bool) -> io::Result<Received> {
    if patient { stream.recv_patiently(buffer) } else { stream.recv(buffer) }
}

#[cold]
fn send_failed(error: io::Error) -> Error {
    Error::new(Kind::Send, Phase::Send, error.to_string()).with_source(error)
}

#[cold]
fn receive_failed(phase: Phase, error: io::Error) -> Error {
    let kind = if tls::is_tls(&error) { Kind::Tls } else { Kind::Receive };
    Error::new(kind, phase, error.to_string()).with_source(error)
}
