//! One hop of a transfer: a connection for it, its request, its final head, and where that leads.

use std::time::{Duration, Instant, SystemTime};

use whimbrel_proto::exchange::Verdict;
use whimbrel_proto::exchange::retry::{Again, Reached};
use whimbrel_proto::exchange::spec::BodyShape;
use whimbrel_proto::h1::{Call, Framing, Limits, ResponseHead, SendBody};
use whimbrel_proto::{Error, Kind, Phase, Result};

use super::{State, Transfer, over};
use crate::buffer::Buffer;
use crate::dial::{Around, Dial, Plan};
use crate::live::{Answer, Live, Step};
use crate::pool::{Connection, Identity};
use crate::sys::Reactor;
use crate::timings::Stage;

/// Bodies up to this many bytes go out in one write with their head.
const JOIN_LIMIT: usize = 16 << 10;

/// What is reserved for a head, in bytes: few are larger.
const HEAD: usize = 512;

impl Transfer {
    pub(super) fn start(&mut self, now: Instant) -> Result<()> {
        let hop = self.exchange.hop();
        let identity =
            Identity::new(hop.target.origin(), &hop.route, &self.ways.overrides, &self.ways.tls, self.driver);
        if !hop.fresh
            && let Some(connection) = self.session.pool.take(&identity, now, hop.method.is_idempotent())
        {
            return self.begin(connection, true, now);
        }
        let plan = Plan {
            origin: hop.target.origin().clone(),
            route: hop.route.clone(),
            tls: self.ways.tls.clone(),
            overrides: self.ways.overrides.clone(),
            user_agent: self.exchange.spec().user_agent.clone(),
        };
        self.deadlines.connecting(now);
        self.timings.begins(Stage::Resolving, now);
        self.state = State::Dialing(Box::new(Dial::new(plan)), identity);
        Ok(())
    }

    pub(super) fn dial(&mut self, now: Instant) -> Result<bool> {
        let Self { state: State::Dialing(dial, identity), session, waker, timings, .. } = self else {
            return Err(over());
        };
        let Some(stream) = dial.turn(&mut Around { session, waker, timings, now })? else { return Ok(false) };
        let identity = identity.clone();
        let connection = Box::new(Connection {
            stream,
            identity,
            input: Buffer::default(),
            output: Vec::new(),
            generation: crate::fork::generation(),
        });
        self.deadlines.connected(now);
        if self.cancel.is_some() {
            // A lookup's ring that came late would end every later wait at once; a cancel's is told by its flag.
            self.waker.reset();
            self.check(now)?;
        }
        self.begin(connection, false, now)?;
        Ok(true)
    }

    /// Puts the hop's request on a connection.
    pub(super) fn begin(&mut self, mut connection: Box<Connection>, reused: bool, now: Instant) -> Result<()> {
        self.timings.begins(Stage::Sending, now);
        let hop = self.exchange.hop();
        let mut out = std::mem::take(&mut connection.output);
        if let Some(workspace) = &mut self.workspace
            && out.capacity() == 0
        {
            out = std::mem::take(&mut workspace.output);
        }
        out.reserve(HEAD);
        let cookie = if self.cookies { self.session.cookies.header(&hop.target) } else { None };
        self.exchange.write_hop_head(&mut out, cookie.as_deref())?;
        let send = match self.exchange.hop_body() {
            BodyShape::None => SendBody::None,
            BodyShape::Sized { len, .. } => SendBody::Length(len),
            BodyShape::Unsized { .. } => SendBody::Chunked,
        };
        let expects = hop.expects_continue(self.exchange.spec());
        let mut call = Call::new(hop.method.as_str(), send, expects, Limits::default());
        // Only the caller's own fields can ask for either.
        let given = &self.exchange.spec().fields;
        if given.contains("upgrade") {
            call.set_upgrade();
        }
        let mut options = given.get_all("connection").flat_map(|value| value.split(|&byte| byte == b','));
        if options.any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close")) {
            call.set_close();
        }
        if send != SendBody::None {
            self.body.rewind()?;
            self.progress.sent = 0;
        }
        let mut live = Live::new(connection, call, out, reused);
        live.limit_send(self.send_limit);
        if let Some(workspace) = &mut self.workspace {
            live.borrow(workspace);
            if !reused && Reactor::TELLS_EDGES {
                // What came before the request was told as the connecting was: it is not told again.
                live.woke();
            }
        }
        live.join_body(&mut self.body, JOIN_LIMIT)?;
        self.reused = reused;
        self.state = State::Head(Box::new(live));
        Ok(())
    }

    pub(super) fn head(&mut self, now: &mut Instant) -> Result<Step<ResponseHead>> {
        let State::Head(live) = &mut self.state else { return Err(over()) };
        let was_sent = live.is_sent();
        let mut waited = false;
        let before = (live.reached().sent, live.reached().received);
        if self.deadlines.continue_is_due(*now) {
            live.call().stop_awaiting_continue();
            self.deadlines.stop_awaiting_continue();
        }
        let step = loop {
            live.send(&mut self.body)?;
            if !was_sent && live.is_sent() {
                self.timings.set_sent(*now);
                self.timings.begins(Stage::Waiting, *now);
            }
            waited |= live.be_patient(std::mem::take(&mut self.is_patient));
            match live.receive_head()? {
                Answer::GoOn => self.deadlines.stop_awaiting_continue(),
                Answer::Blocked => break Step::Blocked,
                Answer::Head(head) => break Step::Done(head),
            }
        };
        if waited {
            *now = Instant::now();
        }
        if live.call().awaits_continue() && !self.deadlines.awaits_continue() {
            self.deadlines.await_continue(*now);
        }
        if before != (live.reached().sent, live.reached().received) {
            self.deadlines.moved(*now);
            self.progress.sent = live.reached().body_taken;
        }
        Ok(step)
    }

    /// A final head: delivers it (`Some`), or turns to the next hop.
    pub(super) fn judge(&mut self, head: ResponseHead, now: Instant) -> Result<Option<ResponseHead>> {
        let State::Head(live) = std::mem::replace(&mut self.state, State::Finished) else { return Err(over()) };
        self.deadlines.stop_awaiting_continue();
        if self.cookies {
            self.session.cookies.store(self.exchange.hop(), head.status, &head.fields);
        }
        // Only a policy about trying again asks what time it is.
        let wall = if self.exchange.spec().retry.is_some() { SystemTime::now() } else { SystemTime::UNIX_EPOCH };
        let left = self.deadlines.left(now);
        match self.exchange.on_head(head.status, &head.fields, live.reached(), wall, left)? {
            Verdict::Deliver => {}
            verdict => {
                self.rest = if let Verdict::Wait(wait) = verdict { Some(wait) } else { None };
                self.deadlines.draining(now);
                self.state = State::Draining(live);
                return Ok(None);
            }
        }
        self.timings.set_head(now);
        self.timings.begins(Stage::Receiving, now);
        let length = match live.framing() {
            Framing::None => Some(0),
            Framing::Length(length) => Some(length),
            Framing::Chunked | Framing::Close | Framing::Upgraded => None,
        };
        if length != Some(0) {
            self.decoder = self.exchange.decoder(&head.fields)?.map(Box::new);
        }
        self.progress.transfer_total = length;
        if self.decoder.is_none() {
            self.progress.receive_total = length;
            if length.is_some_and(|length| self.max_body.is_some_and(|most| length > most)) {
                return Err(self.too_large());
            }
        }
        self.state = State::Body(live);
        Ok(Some(head))
    }

    /// The hop failed before its head came: another try, or the call's error.
    pub(super) fn fail(&mut self, error: Error, now: Instant) -> Result<()> {
        let reached = match std::mem::replace(&mut self.state, State::Finished) {
            State::Start | State::Dialing(..) => Reached::default(),
            State::Head(live) => *live.reached(),
            // What was decided already, or is over, stays as it is.
            State::Draining(_) | State::Body(_) | State::Resting(_) | State::Finished => return Err(error),
        };
        let again = self.exchange.on_failure(error, &reached, self.deadlines.left(now))?;
        self.deadlines.stop_awaiting_continue();
        match again {
            Again::Now => self.state = State::Start,
            Again::After(wait) => {
                self.timings.next_hop(now);
                self.rest(wait, now);
            }
        }
        Ok(())
    }

    /// The hop is sent again after a while; nobody is waited for meanwhile.
    pub(super) fn rest(&mut self, wait: Duration, now: Instant) {
        self.deadlines.connected(now);
        self.deadlines.stop_idle();
        self.timings.begins(Stage::Resting, now);
        self.state = State::Resting(now.checked_add(wait).unwrap_or(now));
    }

    pub(super) fn finish(&mut self, now: Instant) {
        self.timings.set_finished(now);
        self.release(now);
    }

    /// Keeps the connection for the next request, if it may carry one.
    pub(super) fn release(&mut self, now: Instant) {
        if let State::Body(mut live) | State::Draining(mut live) = std::mem::replace(&mut self.state, State::Finished) {
            if let Some(workspace) = &mut self.workspace {
                live.give_back(workspace);
            }
            let Some(connection) = live.into_reusable() else { return };
            self.session.pool.put(connection, now);
        }
    }

    #[cold]
    pub(super) fn too_large(&self) -> Error {
        let most = self.max_body.unwrap_or_default();
        Error::new(Kind::BodyLimit, Phase::Body, format!("it is over {most} bytes (max_body)"))
    }
}
