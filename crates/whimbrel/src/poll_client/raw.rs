//! The bytes under HTTP: what Godot's `connection` gives. A byte goes here or to `read_body`, never to both.

use whimbrel_proto::h1::Framing;
use whimbrel_proto::polled::PollError;
use whimbrel_proto::{Error, Kind, Phase};

use super::{PollClient, State};
use crate::live::{Read, Step};

impl PollClient {
    /// Whether there is a connection, or one is being made: what was sent or has come may still be looked at.
    pub fn has_connection(&self) -> bool {
        !matches!(self.state, State::Closed(_) | State::Doomed(_)) && !self.is_resolving()
    }

    /// Whether the connection carries something else than HTTP now: after 101 (Switching Protocols), or 2xx to CONNECT.
    pub fn is_upgraded(&self) -> bool {
        matches!(self.state, State::Upgraded(_))
    }

    fn is_resolving(&self) -> bool {
        matches!(&self.state, State::Dialing(dial) if dial.is_resolving())
    }

    /// How many bytes [`connection_recv`](PollClient::connection_recv) gives at once, as far as is known after one
    /// receive.
    pub fn connection_available(&mut self) -> usize {
        match &mut self.state {
            State::Idle(connection) | State::Upgraded(connection) | State::Broken(connection) => {
                let count = connection.fetch().unwrap_or_default();
                self.spent |= count > 0;
                count
            }
            State::Body(_) if self.part.is_some() => 0,
            State::Body(live) => {
                if self.reading.broken.is_none()
                    && let Err(error) = live.fetch()
                {
                    self.reading.broken = Some(error);
                }
                live.at_hand()
            }
            _ => 0,
        }
    }

    /// Takes bytes that came after the head of the response, as they came: still framed and coded. 0: nothing now. Of a body
    /// with a length they count as read; a chunked body can't be read otherwise any more.
    ///
    /// # Errors
    /// [`PollError::Unconfigured`]: there is no connection, or its next bytes are a response's head.
    /// [`PollError::ConnectionError`]: the stream has ended or failed.
    pub fn connection_recv(&mut self, buffer: &mut [u8]) -> Result<usize, PollError> {
        let read = match &mut self.state {
            State::Idle(connection) | State::Upgraded(connection) | State::Broken(connection) => {
                let read = connection.read_raw(buffer);
                self.spent |= matches!(read, Ok(1..));
                read
            }
            State::Body(_) if self.part.is_some() => {
                let error = Error::input("the body goes to the download file, and its bytes with it");
                return Err(self.refuse(error, PollError::Unconfigured));
            }
            State::Body(live) if live.framing() == Framing::Chunked => {
                self.reading.raw = true;
                live.read_raw(buffer)
            }
            State::Body(_) if buffer.is_empty() => Ok(0),
            State::Body(live) => match live.read(buffer) {
                Ok(Step::Blocked) => Ok(0),
                Ok(Step::Done(Read::Bytes(count))) => {
                    self.progress.received += count as u64;
                    self.progress.transferred += count as u64;
                    if live.is_complete() {
                        self.end();
                    }
                    Ok(count)
                }
                Ok(Step::Done(Read::End)) => {
                    self.end();
                    return Ok(0);
                }
                Err(error) => Err(error),
            },
            _ => return Err(self.refuse(Error::input("there are no bytes to read now"), PollError::Unconfigured)),
        };
        read.map_err(|error| self.fail(error))
    }

    /// Sends bytes as they are, and gives how many were taken. For what follows an upgrade; a request that follows such
    /// bytes is the caller's affair.
    ///
    /// # Errors
    /// [`PollError::Unconfigured`]: there is no connection, or a request is being sent. [`PollError::ConnectionError`]:
    /// the stream has failed.
    pub fn connection_send(&mut self, bytes: &[u8]) -> Result<usize, PollError> {
        let stream = match &mut self.state {
            State::Idle(connection) | State::Upgraded(connection) => &mut connection.stream,
            State::Body(live) if live.is_sent() => live.stream(),
            _ => return Err(self.refuse(Error::input("no bytes can be sent now"), PollError::Unconfigured)),
        };
        let sent = stream.send(bytes).and_then(|sent| stream.flush().map(|_| sent));
        sent.map_err(|error| self.fail(Error::new(Kind::Send, Phase::Send, error.to_string()).with_source(error)))
    }
}
