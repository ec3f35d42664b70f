//! The receiving half: heads until the final one, then body bytes, by the shortest way that the framing allows.

use std::io;

use whimbrel_proto::coding::Decoder;
use whimbrel_proto::exchange::DRAIN_LIMIT;
use whimbrel_proto::h1::{Event, Framing};
use whimbrel_proto::{Error, Kind, Phase, Result};

use super::{Answer, Live, Read, Step};
use crate::pool::Connection;
use crate::stream::{Received, Stream};
use crate::tls;

impl Live {
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
                        // A socket that takes nothing more says so when it is read; a stream of the caller's own may not.
                        if self.is_own()
                            && let Some(error) = self.send_error.take()
                        {
                            return Err(error);
                        }
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
        let Connection { stream, input, .. } = &mut *self.connection;
        let space = input.space();
        let room = space.len();
        let received = receive(stream, space, patient).map_err(|error| receive_failed(phase, error));
        match received {
            Ok(Received::Bytes(read)) => {
                self.is_dry = read < room;
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
                        self.is_dry = false;
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

    /// As [`Live::read`], decoded; `taken` counts the bytes as they came.
    pub(crate) fn read_decoded(
        &mut self,
        decoder: &mut Decoder,
        buffer: &mut [u8],
        taken: &mut u64,
    ) -> Result<Step<Read>> {
        loop {
            // What the decoder still holds comes first: it needs no new input for that.
            let decoded = decoder.decode_into(&[], buffer)?;
            if decoded.produced > 0 {
                return Ok(Step::Done(Read::Bytes(decoded.produced)));
            }
            let data = match self.peek()? {
                Step::Blocked => return Ok(Step::Blocked),
                Step::Done(data) => data,
            };
            if data.is_empty() {
                decoder.finish()?;
                return Ok(Step::Done(Read::End));
            }
            let decoded = decoder.decode_into(data, buffer)?;
            self.take(decoded.consumed);
            *taken += decoded.consumed as u64;
            if decoded.produced > 0 {
                return Ok(Step::Done(Read::Bytes(decoded.produced)));
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

    /// Bytes that came, whatever the framing says they are: for who reads the stream itself. 0: nothing now.
    ///
    /// # Errors
    /// The stream has ended or failed.
    pub(crate) fn read_raw(&mut self, buffer: &mut [u8]) -> Result<usize> {
        (self.data, self.framing) = (0, 0);
        self.connection.read_raw(buffer)
    }

    /// How many bytes of body data are here at least, without another receive; 0 where only a receive can tell.
    pub(crate) fn at_hand(&self) -> usize {
        let filled = self.connection.input.filled().len();
        match self.call.direct() {
            _ if self.data > 0 => self.data,
            Some(left) => usize::try_from(left).map_or(filled, |left| left.min(filled)),
            None => filled,
        }
    }

    /// Receives once, if nothing is at hand.
    pub(crate) fn fetch(&mut self) -> Result<()> {
        if self.connection.input.filled().is_empty() {
            match self.fill()? {
                Received::Bytes(_) | Received::Blocked => {}
                Received::End { clean } => {
                    self.call.receive_eof(clean, &[])?;
                }
            }
        }
        Ok(())
    }

    /// Whether a receive that gives less than it could has taken all there was. Other streams than the system's give pieces.
    pub(crate) fn tells_when_dry(&self) -> bool {
        matches!(self.connection.stream, Stream::Plain(_))
    }

    /// Whether received bytes wait to be read.
    pub(crate) fn has_input(&self) -> bool {
        !self.connection.input.filled().is_empty()
    }

    /// Whether the response is known to be complete, with nothing left to read.
    pub(crate) fn is_complete(&mut self) -> bool {
        self.data == 0
            && (self.call.is_finished()
                || matches!(self.call.framing(), Framing::None | Framing::Length(_))
                    && self.call.direct().is_none()
                    && self.settle())
    }

    /// Lets the codec see that a body of known length which was taken whole is at its end.
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
}

fn receive(stream: &mut Stream, buffer: &mut [u8], patient: bool) -> io::Result<Received> {
    if patient { stream.recv_patiently(buffer) } else { stream.recv(buffer) }
}

#[cold]
fn receive_failed(phase: Phase, error: io::Error) -> Error {
    let kind = if tls::is_tls(&error) { Kind::Tls } else { Kind::Receive };
    Error::new(kind, phase, error.to_string()).with_source(error)
}
