//! `poll`: one turn of whatever is under way. A request's first turn sends, the following ones send on and look for the
//! head; where a kept connection was dead, they replace it.

use std::time::{Duration, Instant};

use whimbrel_proto::coding::{Codings, DecodeLimits, Decoder};
use whimbrel_proto::exchange::retry;
use whimbrel_proto::h1::{Call, Framing, Limits, ResponseHead, SendBody};
use whimbrel_proto::polled::{PollError, PollHeaders, PollMethod, PollStatus, transfer_codings};
use whimbrel_proto::{Error, Fields, Kind, Method, Phase, Result};

use super::{PollClient, Reading, State};
use crate::body::Body;
use crate::live::{Answer, Live};
use crate::pool::Connection;
use crate::sys::{self, PollSet};

/// Bodies up to this many bytes go out in one write with their head.
const JOIN_LIMIT: usize = 16 << 10;

/// How long a body waits for a 100 (Continue), as the other drivers wait.
const CONTINUE: Duration = Duration::from_secs(1);

/// How long a blocking turn sleeps where it has nothing to wait with: a stream of the caller's own.
pub(super) const NAP: Duration = Duration::from_millis(1);

impl PollClient {
    /// Does what can be done now: one turn, which sends and receives at most once or twice, and never waits (but in
    /// [blocking mode](PollClient::set_blocking_mode)). To be called until the state is the one that is awaited, and in
    /// every other to hear of the connection's end.
    ///
    /// # Errors
    /// The connection is not there, or has just failed: [`status`](PollClient::status) says how,
    /// [`error`](PollClient::error) why.
    pub fn poll(&mut self) -> Result<(), PollError> {
        match &mut self.state {
            State::Closed(status) => status.answer(),
            State::Broken(_) => Err(PollError::ConnectionError),
            State::Doomed(_) => {
                let State::Doomed(error) = self.take_state() else { return Ok(()) };
                Err(self.fail(error))
            }
            State::Dialed(_) => {
                let State::Dialed(stream) = self.take_state() else { return Ok(()) };
                self.state = State::Idle(self.connection(stream));
                Ok(())
            }
            State::Dialing(_) => match self.advance(Instant::now()) {
                Ok(None) => Ok(()),
                Ok(Some(stream)) => {
                    self.state = State::Idle(self.connection(stream));
                    self.spent = false;
                    Ok(())
                }
                Err(error) => Err(self.fail(error)),
            },
            State::Idle(_) | State::Upgraded(_) => self.look(),
            State::Requested(_) | State::Redialing(_) | State::Requesting(_) if self.blocking => self.wait_for_head(),
            State::Requested(_) | State::Redialing(_) | State::Requesting(_) => {
                self.step_request().map_err(|error| self.fail(error))
            }
            State::Body(_) => self.attend_body(),
        }
    }

    /// Leaves nothing; the caller puts something in its place.
    pub(super) fn take_state(&mut self) -> State {
        std::mem::replace(&mut self.state, State::Closed(PollStatus::Disconnected))
    }

    fn wait_for_head(&mut self) -> Result<(), PollError> {
        loop {
            if let Err(error) = self.step_request() {
                return Err(self.fail(error));
            }
            let (interests, until) = match &self.state {
                State::Requesting(live) => {
                    let mut interests = PollSet::default();
                    live.interests(&mut interests);
                    (interests, live.is_own().then_some(NAP))
                }
                State::Redialing(dial) => {
                    let mut interests = PollSet::default();
                    dial.interests(&mut interests);
                    self.waker.interests(&mut interests);
                    (interests, Some(Duration::from_millis(100)))
                }
                State::Requested(_) => continue,
                _ => return Ok(()),
            };
            let now = Instant::now();
            let until = until.map(|nap| now + nap).into_iter().chain(self.continue_by).min();
            if let Err(error) = sys::wait(interests, until, now) {
                let error =
                    Error::new(Kind::Receive, Phase::Wait, "the system can't wait for the socket").with_source(error);
                return Err(self.fail(error));
            }
        }
    }

    fn step_request(&mut self) -> Result<()> {
        let now = Instant::now();
        match &mut self.state {
            State::Requested(connection) if self.own => {
                // Before its first request, a stream of the caller's own may have been used for anything.
                if self.used && (self.spent || !connection.input.filled().is_empty()) {
                    return Err(Error::new(
                        Kind::Send,
                        Phase::Send,
                        "the stream can carry no more requests; set another",
                    ));
                }
                let State::Requested(connection) = self.take_state() else { return Ok(()) };
                self.begin(connection)?;
                self.send(now)
            }
            State::Requested(connection) => {
                // What has come unasked must not be taken for the answer, and a POST not be sent to where nobody is.
                let is_clean = connection.input.filled().is_empty() && (!self.used || connection.stream.is_reusable());
                if self.spent || !is_clean {
                    return self.redial(now);
                }
                let State::Requested(connection) = self.take_state() else { return Ok(()) };
                self.begin(connection)?;
                self.send(now)
            }
            State::Redialing(_) => {
                self.waker.reset();
                let Some(stream) = self.advance(now).map_err(|error| error.in_phase(Phase::Wait))? else {
                    return Ok(());
                };
                let connection = self.connection(stream);
                (self.used, self.spent) = (false, false);
                self.begin(connection)?;
                self.send(now)
            }
            State::Requesting(_) => {
                let result = self.send(now).and_then(|()| self.receive_head(now));
                let State::Requesting(live) = &self.state else { return result };
                let reached = *live.reached();
                result.or_else(|error| match Method::parse(self.method.name()) {
                    Ok(method)
                        if self.may_replace() && retry::was_stale(&error, &reached, &method, self.body.shape()) =>
                    {
                        self.redial(now)
                    }
                    _ => Err(error),
                })
            }
            _ => Ok(()),
        }
    }

    fn may_replace(&self) -> bool {
        !self.own && !self.replaced
    }

    /// The connection is dead, and was so before the request: another one.
    fn redial(&mut self, now: Instant) -> Result<()> {
        self.replaced = true;
        self.continue_by = None;
        self.body.rewind()?;
        let State::Dialing(dial) = self.dial(now) else { return Ok(()) };
        self.state = State::Redialing(dial);
        Ok(())
    }

    /// Puts the request on a connection.
    fn begin(&mut self, mut connection: Box<Connection>) -> Result<()> {
        let Some(asked) = self.asked else { return Err(Error::input("there is no request")) };
        let mut out = std::mem::take(&mut connection.output);
        out.clear();
        out.extend_from_slice(&self.head);
        let mut call = Call::new(self.method.name(), asked.send, asked.expects, Limits::default());
        call.be_lenient();
        if asked.upgrade {
            call.set_upgrade();
        }
        if asked.close {
            call.set_close();
        }
        if asked.send != SendBody::None {
            self.body.rewind()?;
        }
        let mut live = Live::new(connection, call, out, self.used);
        live.join_body(&mut self.body, JOIN_LIMIT)?;
        self.state = State::Requesting(Box::new(live));
        Ok(())
    }

    /// Sends on, also where the response has begun already.
    pub(super) fn send(&mut self, now: Instant) -> Result<()> {
        let (State::Requesting(live) | State::Body(live)) = &mut self.state else { return Ok(()) };
        if live.call().awaits_continue() && self.continue_by.is_some_and(|by| now >= by) {
            live.call().stop_awaiting_continue();
            self.continue_by = None;
        }
        let was_sent = live.is_sent();
        live.send(&mut self.body)?;
        self.progress.sent = live.reached().body_taken;
        if live.call().awaits_continue() {
            self.continue_by.get_or_insert(now + CONTINUE);
        }
        if !was_sent && live.is_sent() {
            self.timings.set_sent(now);
        }
        Ok(())
    }

    fn receive_head(&mut self, now: Instant) -> Result<()> {
        loop {
            let State::Requesting(live) = &mut self.state else { return Ok(()) };
            live.woke();
            match live.receive_head()? {
                Answer::Blocked => return Ok(()),
                Answer::GoOn => self.send(now)?,
                Answer::Head(head) => return self.accept(head, now),
            }
        }
    }

    /// A final head: what it says of the body decides the state.
    fn accept(&mut self, head: ResponseHead, now: Instant) -> Result<()> {
        let State::Requesting(mut live) = self.take_state() else { return Ok(()) };
        self.timings.set_head(now);
        self.continue_by = None;
        let fields = &head.fields;
        let says_chunked = || {
            let mut values = fields.get_all("transfer-encoding");
            values.any(|value| value.trim_ascii_end().to_ascii_lowercase().ends_with(b"chunked"))
        };
        let framing = live.framing();
        self.response.code = head.status;
        self.response.chunked = framing == Framing::Chunked || says_chunked();
        self.response.trailers = Fields::new();
        // As Godot has it: a response to HEAD has a body of no bytes, and so has a 204 that says so.
        let is_known = self.method == PollMethod::Head || fields.contains("content-length");
        let length = match framing {
            Framing::None => is_known.then_some(0),
            Framing::Length(length) => Some(length),
            Framing::Chunked | Framing::Close | Framing::Upgraded => None,
        };
        let has_body = !matches!(framing, Framing::None | Framing::Length(0) | Framing::Upgraded);
        self.decoder = if has_body { self.decoder(fields)?.map(Box::new) } else { None };
        let gathers = self.preserve_chunks && self.response.chunked && self.decoder.is_none();
        self.reading = Reading { gathers, ..Reading::default() };
        self.progress.transfer_total = length;
        if self.decoder.is_none() {
            self.progress.receive_total = length;
        }
        self.response.length = length.filter(|_| self.decoder.is_none());
        if !(200..300).contains(&head.status) || self.method == PollMethod::Head {
            self.part = None;
        }
        self.response.headers = PollHeaders::new(head);
        match framing {
            Framing::Upgraded => {
                self.timings.set_finished(now);
                self.state = State::Upgraded(live.into_connection());
                self.forget_exchange();
            }
            Framing::None if !is_known => {
                // The codec must see the end to vouch for the connection.
                live.is_complete();
                self.state = State::Body(live);
                self.end_body()?;
            }
            _ => self.state = State::Body(live),
        }
        Ok(())
    }

    /// What undoes the codings of a body: those of the transfer always, those of the content where we asked for them.
    fn decoder(&self, fields: &Fields) -> Result<Option<Decoder>> {
        let is_asked = self.asked.is_some_and(|asked| asked.decodes);
        let content = fields.get_all("content-encoding").filter(|_| is_asked);
        let mut transfer =
            transfer_codings(fields).filter(|coding| !coding.eq_ignore_ascii_case(b"identity")).peekable();
        let is_coded = transfer.peek().is_some();
        let decoder = Decoder::for_fields(content.chain(transfer), Codings::ALL, DecodeLimits::default())?;
        if decoder.is_none() && is_coded {
            return Err(Error::new(Kind::Coding, Phase::Wait, "the response's transfer coding is not known"));
        }
        Ok(decoder)
    }

    /// The response is complete: what the request held goes, and the connection waits for the next one.
    pub(super) fn end_body(&mut self) -> Result<()> {
        let State::Body(mut live) = self.take_state() else { return Ok(()) };
        self.timings.set_finished(Instant::now());
        self.response.trailers = live.trailers();
        let part = self.part.take();
        let ends_with_connection = live.framing() == Framing::Close;
        self.used = true;
        self.spent = !live.may_reuse();
        let mut connection = live.into_connection();
        if !self.spent {
            connection.input.recycle();
        }
        self.body = Body::empty();
        self.forget_exchange();
        if ends_with_connection {
            // As Godot has it: nothing of the response is left.
            drop(connection);
            self.close();
        } else {
            self.state = State::Idle(connection);
        }
        part.map_or(Ok(()), crate::part_file::PartFile::keep)
    }
}
