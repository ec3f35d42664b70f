//! One logical request in action: asks the exchange what to do, and does it a step at a time. Both drivers step it; it
//! never waits itself.
//!
//! ```text
//!   Start ──(pool)──▶ Live ──head──▶ Body ──▶ Finished
//!     │                ▲ │ │
//!     └──▶ Dialing ────┘ │ └─ redirect ─▶ Draining ──▶ Start
//!     ▲                  │
//!     └── try again ◀────┘  (a kept connection was dead; or, after a Resting, by the caller's policy)
//! ```

mod hop;

use std::sync::Arc;
use std::time::{Duration, Instant};

use whimbrel_proto::coding::Decoder;
use whimbrel_proto::exchange::Exchange;
use whimbrel_proto::exchange::deadline::Deadlines;
use whimbrel_proto::exchange::spec::{BodyShape, RequestSpec};
use whimbrel_proto::h1::ResponseHead;
use whimbrel_proto::{Error, Fields, Kind, Phase, Result};

use crate::body::Body;
use crate::buffer::Workspace;
use crate::cancel::CancelHandle;
use crate::dial::Dial;
use crate::live::{Live, Read, Step};
use crate::overrides::Overrides;
use crate::pool::{Driver, Identity};
use crate::progress::{Progress, Reporter};
use crate::session::Session;
use crate::sys::{Interests, PATIENCE, Waker};
use crate::timings::{Stage, Timings};
use crate::tls::TlsOptions;
use crate::wake::WakerSlot;

pub(crate) struct Transfer {
    session: Arc<Session>,
    exchange: Exchange,
    ways: Ways,
    body: Body,
    deadlines: Deadlines,
    timings: Timings,
    waker: WakerSlot,
    cancel: Option<CancelHandle>,
    reporter: Option<Box<Reporter>>,
    progress: Progress,
    state: State,
    decoder: Option<Box<Decoder>>,
    max_body: Option<u64>,
    /// Whether it uses the session's cookies.
    cookies: bool,
    reused: bool,
    /// See [`Transfer::be_patient`].
    is_patient: bool,
    driver: Driver,
    /// How much of the request's body one step may send, in bytes.
    send_limit: u64,
    /// How long to rest when the response is drained.
    rest: Option<Duration>,
    /// Memory that the driver lends for the length of a step.
    workspace: Option<Box<Workspace>>,
    trailers: Fields,
}

/// How connections of this request are made, beyond what the exchange decides.
pub(crate) struct Ways {
    pub(crate) tls: TlsOptions,
    pub(crate) overrides: Overrides,
}

/// What a transfer starts from.
pub(crate) struct Order {
    pub(crate) spec: Box<RequestSpec>,
    pub(crate) ways: Ways,
    pub(crate) body: Body,
    pub(crate) max_body: Option<u64>,
    /// Whether it uses the session's cookies.
    pub(crate) cookies: bool,
    pub(crate) cancel: Option<CancelHandle>,
    pub(crate) reporter: Option<Reporter>,
}

enum State {
    Start,
    Dialing(Box<Dial>, Identity),
    Head(Box<Live>),
    Draining(Box<Live>),
    Body(Box<Live>),
    /// The same hop is tried again then.
    Resting(Instant),
    Finished,
}

impl Transfer {
    /// Validates; no socket is touched yet.
    pub(crate) fn new(session: Arc<Session>, order: Order, now: Instant) -> Result<Box<Self>> {
        let Order { spec, ways, body, max_body, cookies, cancel, reporter } = order;
        let deadlines = Deadlines::new(spec.timeouts, now);
        let exchange = Exchange::new(spec)?;
        let mut waker = WakerSlot::default();
        if let Some(bell) = cancel.as_ref().and_then(CancelHandle::waker) {
            waker.set(bell);
        }
        let send_total = match exchange.spec().body {
            BodyShape::None => Some(0),
            BodyShape::Sized { len, .. } => Some(len),
            BodyShape::Unsized { .. } => None,
        };
        Ok(Box::new(Self {
            session,
            exchange,
            ways,
            body,
            deadlines,
            timings: Timings::new(now),
            waker,
            cancel,
            reporter: reporter.map(Box::new),
            progress: Progress { send_total, ..Progress::default() },
            state: State::Start,
            decoder: None,
            max_body,
            cookies,
            reused: false,
            is_patient: false,
            driver: Driver::Caller,
            send_limit: u64::MAX,
            rest: None,
            workspace: None,
            trailers: Fields::new(),
        }))
    }

    pub(crate) fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    pub(crate) fn timings(&self) -> &Timings {
        &self.timings
    }

    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    pub(crate) fn progress(&self) -> &Progress {
        &self.progress
    }

    /// How many bytes of body are to come, if that is known and they come as they are.
    pub(crate) fn body_length(&self) -> Option<u64> {
        self.progress.receive_total
    }

    pub(crate) fn trailers(&self) -> &Fields {
        &self.trailers
    }

    pub(crate) fn is_reused(&self) -> bool {
        self.reused
    }

    pub(crate) fn is_finished(&self) -> bool {
        matches!(self.state, State::Finished)
    }

    /// Goes on towards the final head, if the call may go on at all. `None`: nothing can be done until something moves.
    /// What fails is tried again where the caller's policy says so.
    pub(crate) fn step_head(&mut self, now: Instant) -> Result<Option<ResponseHead>> {
        loop {
            match self.check(now).and_then(|()| self.try_head(now)) {
                Ok(head) => return Ok(head),
                Err(error) => self.fail(error, now)?,
            }
        }
    }

    fn try_head(&mut self, mut now: Instant) -> Result<Option<ResponseHead>> {
        loop {
            match &mut self.state {
                State::Start => self.start(now)?,
                State::Dialing(..) => {
                    if !self.dial(now)? {
                        return Ok(None);
                    }
                }
                State::Head(_) => match self.head(&mut now) {
                    Ok(Step::Blocked) => return Ok(None),
                    Ok(Step::Done(head)) => {
                        if let Some(head) = self.judge(head, now)? {
                            return Ok(Some(head));
                        }
                    }
                    Err(error) => return Err(error),
                },
                State::Draining(live) => {
                    if matches!(live.drain(), Step::Blocked) && !self.deadlines.drain_is_over(now) {
                        return Ok(None);
                    }
                    self.deadlines.drained(now);
                    self.release(now);
                    self.timings.next_hop(now);
                    self.state = State::Start;
                    if let Some(wait) = self.rest.take() {
                        self.rest(wait, now);
                    }
                }
                State::Resting(until) if *until > now => return Ok(None),
                State::Resting(_) => {
                    self.deadlines.moved(now);
                    self.state = State::Start;
                }
                State::Body(_) | State::Finished => return Err(over()),
            }
        }
    }

    /// Reads decoded body bytes into a buffer that isn't empty; [`Transfer::check`] comes first. `None`: nothing can be done
    /// until something moves.
    pub(crate) fn step_body(&mut self, buffer: &mut [u8], mut now: Instant) -> Result<Option<Read>> {
        let State::Body(live) = &mut self.state else {
            return if self.is_finished() { Ok(Some(Read::End)) } else { Err(over()) };
        };
        let before = (live.reached().sent, live.reached().received);
        live.send(&mut self.body)?;
        let transferred = &mut self.progress.transferred;
        let waited = live.be_patient(std::mem::take(&mut self.is_patient));
        let read = match &mut self.decoder {
            None => live.read(buffer),
            Some(decoder) => live.read_decoded(decoder, buffer, transferred),
        }?;
        if waited {
            now = Instant::now();
        }
        if before != (live.reached().sent, live.reached().received) {
            self.deadlines.moved(now);
            self.progress.sent = live.reached().body_taken;
        }
        match read {
            Step::Blocked => Ok(None),
            Step::Done(Read::Bytes(count)) => {
                self.progress.received += count as u64;
                if self.decoder.is_none() {
                    self.progress.transferred += count as u64;
                }
                if self.max_body.is_some_and(|most| self.progress.received > most) {
                    return Err(self.too_large());
                }
                // The last bytes of a known length end it here: no other step just to hear so.
                if self.decoder.is_none() && live.is_complete() {
                    self.finish(now);
                }
                Ok(Some(Read::Bytes(count)))
            }
            Step::Done(Read::End) => {
                self.trailers = live.trailers();
                self.finish(now);
                Ok(Some(Read::End))
            }
        }
    }

    /// When the head came, if body bytes came with it that a step can give without a receive.
    pub(crate) fn arrived(&self) -> Option<Instant> {
        match &self.state {
            State::Body(live) if self.cancel.is_none() && self.decoder.is_none() && live.has_input() => {
                self.timings.head_at()
            }
            _ => None,
        }
    }

    /// What the consumer took no time for must not count against the peer.
    pub(crate) fn resume(&mut self, now: Instant) {
        self.deadlines.moved(now);
    }

    /// The I/O thread takes it over: what would end a wait rings that thread's bell.
    pub(crate) fn move_to_io(&mut self, bell: &Arc<Waker>) {
        self.driver = Driver::Io;
        self.waker.share(bell.clone());
        if let Some(cancel) = &self.cancel {
            cancel.ring_at(bell.clone());
        }
    }

    /// Lends it memory for a step; [`Transfer::reclaim`] takes back what is free again.
    pub(crate) fn lend(&mut self, mut workspace: Box<Workspace>) {
        if let State::Head(live) | State::Draining(live) | State::Body(live) = &mut self.state {
            live.borrow(&mut workspace);
        }
        self.workspace = Some(workspace);
    }

    pub(crate) fn reclaim(&mut self) -> Box<Workspace> {
        let mut workspace = self.workspace.take().unwrap_or_default();
        if let State::Head(live) | State::Draining(live) | State::Body(live) = &mut self.state {
            live.give_back(&mut workspace);
        }
        workspace
    }

    /// Whether there is more to do though a step gave nothing, for a driver that hears of changes only.
    pub(crate) fn is_yielding(&self) -> bool {
        match &self.state {
            State::Head(live) | State::Draining(live) | State::Body(live) => live.is_yielding(),
            State::Dialing(dial, _) => dial.is_yielding(),
            State::Start | State::Resting(_) | State::Finished => false,
        }
    }

    /// Whether something may ring the waker for it.
    pub(crate) fn listens(&self) -> bool {
        self.cancel.is_some() || matches!(&self.state, State::Dialing(dial, _) if dial.is_resolving())
    }

    /// How much of the body the coming steps may send each, in bytes, on this connection and the next.
    pub(crate) fn limit_send(&mut self, bytes: u64) {
        self.send_limit = bytes;
        if let State::Head(live) | State::Body(live) = &mut self.state {
            live.limit_send(bytes);
        }
    }

    /// Whether it sends its body, or will.
    pub(crate) fn is_sending(&self) -> bool {
        match &self.state {
            State::Head(live) | State::Body(live) => !live.is_sent(),
            _ => false,
        }
    }

    /// The idle clock stops until something moves or [`Transfer::resume`]: it is not the peer who takes this time.
    pub(crate) fn stop_idle(&mut self) {
        self.deadlines.stop_idle();
    }

    /// The connection may have died without a word while the process stood still.
    pub(crate) fn doubt(&mut self) {
        if let State::Head(live) = &mut self.state {
            live.doubt();
        }
    }

    /// All its clocks stand still from now on.
    pub(crate) fn hold(&mut self, now: Instant) {
        self.deadlines.hold(now);
    }

    /// They go on.
    pub(crate) fn release_clocks(&mut self, now: Instant) {
        self.deadlines.release(now);
    }

    /// What it does is told from now on, by [`Transfer::take_stages`].
    pub(crate) fn trace(&mut self) {
        self.timings.trace();
    }

    pub(crate) fn begins(&mut self, stage: Stage, now: Instant) {
        self.timings.begins(stage, now);
    }

    pub(crate) fn take_stages(&mut self) -> Vec<(Stage, Duration)> {
        self.timings.take_stages()
    }

    /// Whether the call may go on.
    pub(crate) fn check(&self, now: Instant) -> Result<()> {
        if self.cancel.as_ref().is_some_and(CancelHandle::is_cancelled) {
            return Err(Error::new(Kind::Cancelled, self.phase(), "by its handle"));
        }
        self.deadlines.check(now, self.phase())
    }

    /// Tells the caller's function what moved. Its wish to stop is a cancel.
    pub(crate) fn report(&mut self) -> Result<()> {
        let Some(reporter) = &mut self.reporter else { return Ok(()) };
        if reporter.tell(&self.progress).is_break() {
            return Err(Error::new(Kind::Cancelled, self.phase(), "by on_progress"));
        }
        Ok(())
    }

    /// Adds what the next step waits for.
    pub(crate) fn interests<'a>(&'a self, interests: &mut dyn Interests<'a>) {
        match &self.state {
            State::Dialing(dial, _) => {
                dial.interests(interests);
                self.waker.interests(interests);
                return;
            }
            State::Head(live) | State::Draining(live) | State::Body(live) => live.interests(interests),
            State::Start | State::Resting(_) | State::Finished => {}
        }
        if self.cancel.is_some() {
            self.waker.interests(interests);
        }
    }

    /// When the next step is due even if nothing moves.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let dial = match &self.state {
            State::Dialing(dial, _) => dial.deadline(),
            State::Resting(until) => Some(*until),
            _ => None,
        };
        [self.deadlines.next(), dial].into_iter().flatten().min()
    }

    /// The driver blocks: where the coming step has nothing to wait for but one peer, and time enough, its receive may
    /// wait itself.
    pub(crate) fn be_patient(&mut self, now: Instant) {
        self.is_patient = self.cancel.is_none() && self.deadline().is_none_or(|at| at >= now + PATIENCE);
    }

    /// A wait is over.
    pub(crate) fn woke(&mut self) {
        match &mut self.state {
            State::Dialing(..) => self.waker.reset(),
            State::Head(live) | State::Draining(live) | State::Body(live) => live.woke(),
            State::Start | State::Resting(_) | State::Finished => {}
        }
    }

    /// Gives away what the request was sent from and whom it told, when it has ended: its outcome needs neither.
    pub(crate) fn take_sources(&mut self) -> impl Sized + use<> {
        (std::mem::replace(&mut self.body, Body::empty()), self.reporter.take())
    }

    /// Ends the call: the connection is in an unknown state and closes.
    pub(crate) fn abandon(&mut self) {
        self.state = State::Finished;
    }

    fn phase(&self) -> Phase {
        match &self.state {
            State::Start => Phase::Prepare,
            State::Dialing(dial, _) => dial.phase(),
            State::Head(live) if live.is_sent() => Phase::Wait,
            State::Head(_) => Phase::Send,
            State::Resting(_) => Phase::Wait,
            State::Draining(_) | State::Body(_) => Phase::Body,
            State::Finished => Phase::Done,
        }
    }
}

#[cold]
fn over() -> Error {
    Error::new(Kind::Receive, Phase::Done, "the call is over already")
}
