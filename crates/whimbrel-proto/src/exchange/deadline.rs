//! Deadlines: connecting, inactivity and the whole call, with a clock that comes in from outside. It says what is due and
//! when; it never waits.

use std::time::{Duration, Instant};

use super::spec::Timeouts;
use crate::error::{Error, Phase, Result};

/// How long a `100 (Continue)` is awaited before the body is sent anyway (RFC 9110 §10.1.1), as libcurl.
const CONTINUE_WAIT: Duration = Duration::from_secs(1);

/// How long the rest of a redirect's body is waited for before its connection is given up: a new one costs less.
const DRAIN_WAIT: Duration = Duration::from_secs(1);

/// The clocks of one call.
#[derive(Clone, Debug)]
pub struct Deadlines {
    timeouts: Timeouts,
    total: Option<Instant>,
    connect: Option<Instant>,
    idle: Option<Instant>,
    go_on: Option<Instant>,
    drain: Option<Instant>,
    /// Since when time stands still.
    held: Option<Instant>,
}

impl Deadlines {
    /// Starts the clocks of the whole call and of inactivity.
    pub fn new(timeouts: Timeouts, now: Instant) -> Self {
        let total = after(now, timeouts.total);
        let mut deadlines = Self { timeouts, total, connect: None, idle: None, go_on: None, drain: None, held: None };
        deadlines.moved(now);
        deadlines
    }

    /// A hop needs a new connection: the connect clock starts.
    pub fn connecting(&mut self, now: Instant) {
        self.connect = after(self.read(now), self.timeouts.connect);
        self.moved(now);
    }

    /// The connection is ready: the connect clock stops.
    pub fn connected(&mut self, now: Instant) {
        self.connect = None;
        self.moved(now);
    }

    /// Bytes moved, in either direction, or the consumer came back for more: the idle clock starts again.
    pub fn moved(&mut self, now: Instant) {
        self.idle = after(self.read(now), self.timeouts.idle);
    }

    /// Nothing is awaited from the peer (a consumer has no room, a wait before a retry): the idle clock is off until
    /// [`moved`](Self::moved).
    pub fn stop_idle(&mut self) {
        self.idle = None;
    }

    /// All clocks stand still until [`release`](Self::release): a paused call, a suspended application. A second `hold`
    /// changes nothing.
    pub fn hold(&mut self, now: Instant) {
        self.held.get_or_insert(now);
    }

    /// The clocks run on with what was left of each at [`hold`](Self::hold).
    pub fn release(&mut self, now: Instant) {
        let Some(held) = self.held.take() else { return };
        let stood = now.saturating_duration_since(held);
        for at in [&mut self.total, &mut self.connect, &mut self.idle, &mut self.go_on, &mut self.drain] {
            *at = at.and_then(|at| at.checked_add(stood));
        }
    }

    /// Whether the clocks stand still.
    pub fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// The head is sent and the body waits for a `100 (Continue)`.
    pub fn await_continue(&mut self, now: Instant) {
        self.go_on = self.read(now).checked_add(CONTINUE_WAIT);
    }

    /// Whether a `100 (Continue)` is awaited.
    pub fn awaits_continue(&self) -> bool {
        self.go_on.is_some()
    }

    /// Whether the wait for a `100 (Continue)` has lasted long enough.
    pub fn continue_is_due(&self, now: Instant) -> bool {
        self.go_on.is_some_and(|at| at <= self.read(now))
    }

    /// There is nothing to wait for any more.
    pub fn stop_awaiting_continue(&mut self) {
        self.go_on = None;
    }

    /// A redirect is to be followed, and the rest of its body is read first: a stall there fails nothing.
    pub fn draining(&mut self, now: Instant) {
        self.drain = self.read(now).checked_add(DRAIN_WAIT);
        self.idle = None;
    }

    /// Whether the rest of a redirect's body has been waited for long enough.
    pub fn drain_is_over(&self, now: Instant) -> bool {
        self.drain.is_some_and(|at| at <= self.read(now))
    }

    /// The redirect's body is done with.
    pub fn drained(&mut self, now: Instant) {
        self.drain = None;
        self.moved(now);
    }

    /// The nearest instant at which something must be done; `None` while the clocks stand still.
    pub fn next(&self) -> Option<Instant> {
        if self.is_held() {
            return None;
        }
        [self.total, self.connect, self.idle, self.go_on, self.drain].into_iter().flatten().min()
    }

    /// What is left of the whole call: `None` without a deadline, zero once it has passed.
    pub fn left(&self, now: Instant) -> Option<Duration> {
        self.total.map(|total| total.saturating_duration_since(self.read(now)))
    }

    /// Whether a deadline has passed.
    ///
    /// # Errors
    /// [`Kind::Timeout`](crate::Kind::Timeout), said of `phase`, naming the deadline and its length.
    pub fn check(&self, now: Instant, phase: Phase) -> Result<()> {
        let now = self.read(now);
        let passed = |at: Option<Instant>| at.is_some_and(|at| at <= now);
        if passed(self.total) {
            return Err(expired(phase, "total", self.timeouts.total));
        }
        if passed(self.connect) {
            return Err(expired(phase, "connect", self.timeouts.connect));
        }
        if passed(self.idle) {
            return Err(expired(phase, "idle", self.timeouts.idle));
        }
        Ok(())
    }

    /// What the clocks show. Those set while they stand still get their full time, since `release` moves all on alike.
    fn read(&self, now: Instant) -> Instant {
        self.held.unwrap_or(now)
    }
}

/// `None` also where the sum is beyond what a clock can say: so long a wait is none.
fn after(now: Instant, wait: Option<Duration>) -> Option<Instant> {
    wait.and_then(|wait| now.checked_add(wait))
}

#[cold]
fn expired(phase: Phase, which: &str, limit: Option<Duration>) -> Error {
    let doing = match phase {
        Phase::Resolve => "looking up the name",
        Phase::Connect => "connecting",
        Phase::Proxy => "asking the proxy",
        Phase::Tls => "in the TLS handshake",
        Phase::Send => "sending the request",
        Phase::Wait => "waiting for the response",
        Phase::Body => "receiving the body",
        Phase::Prepare | Phase::Done => "finishing",
    };
    let limit = limit.unwrap_or_default().as_secs_f64();
    Error::timeout(phase, format!("{which} timeout of {limit} s while {doing}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(seconds: u64) -> Option<Duration> {
        Some(Duration::from_secs(seconds))
    }

    #[test]
    fn each_clock_runs_only_in_its_phases() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let timeouts = Timeouts { connect: seconds(3), idle: seconds(5), total: seconds(20) };
        let mut deadlines = Deadlines::new(timeouts, start);
        deadlines.connecting(start);
        assert_eq!(deadlines.next(), Some(at(3)));
        let error = deadlines.check(at(3), Phase::Tls).unwrap_err();
        assert_eq!(error.code(), "tls-timeout");
        deadlines.connected(at(2));
        assert_eq!(deadlines.next(), Some(at(7)));
        assert_eq!(deadlines.left(at(2)), seconds(18));
        deadlines.moved(at(6));
        assert!(deadlines.check(at(10), Phase::Body).is_ok());
        assert!(deadlines.check(at(11), Phase::Body).unwrap_err().detail().starts_with("idle timeout of 5 s"));
        deadlines.moved(at(19));
        assert_eq!(deadlines.left(at(21)), seconds(0));
        assert!(deadlines.check(at(20), Phase::Body).unwrap_err().detail().starts_with("total"));
    }

    #[test]
    fn a_redirects_body_is_not_waited_for_long() {
        let start = Instant::now();
        let mut deadlines = Deadlines::new(Timeouts { connect: None, idle: None, total: None }, start);
        deadlines.draining(start);
        assert_eq!(deadlines.next(), Some(start + DRAIN_WAIT));
        assert!(!deadlines.drain_is_over(start));
        assert!(deadlines.drain_is_over(start + DRAIN_WAIT));
        deadlines.drained(start);
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn held_clocks_stand_still_and_run_on_with_what_was_left() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let timeouts = Timeouts { connect: seconds(3), idle: seconds(5), total: seconds(20) };
        let mut deadlines = Deadlines::new(timeouts, start);
        deadlines.connecting(start);
        deadlines.hold(at(1));
        deadlines.hold(at(2));
        assert!(deadlines.is_held());
        assert_eq!(deadlines.next(), None);
        assert!(deadlines.check(at(1000), Phase::Connect).is_ok());
        deadlines.release(at(101));
        deadlines.release(at(500));
        assert!(!deadlines.is_held());
        assert_eq!(deadlines.next(), Some(at(103)));
        deadlines.connected(at(102));
        assert_eq!(deadlines.next(), Some(at(107)));
        deadlines.moved(at(118));
        assert!(deadlines.check(at(120), Phase::Body).unwrap_err().detail().starts_with("total"));
    }

    #[test]
    fn a_clock_started_while_held_has_its_full_time_after_release() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut deadlines = Deadlines::new(Timeouts { connect: seconds(3), idle: seconds(5), total: None }, start);
        deadlines.hold(at(1));
        deadlines.connecting(at(50));
        deadlines.await_continue(at(50));
        deadlines.draining(at(50));
        assert!(!deadlines.continue_is_due(at(60)) && !deadlines.drain_is_over(at(60)));
        deadlines.release(at(100));
        assert!(!deadlines.continue_is_due(at(100)) && !deadlines.drain_is_over(at(100)));
        assert!(deadlines.continue_is_due(at(100) + CONTINUE_WAIT) && deadlines.drain_is_over(at(100) + DRAIN_WAIT));
        assert!(deadlines.check(at(102), Phase::Connect).is_ok());
        assert!(deadlines.check(at(103), Phase::Connect).is_err());
    }

    #[test]
    fn what_was_due_before_the_hold_stays_due() {
        let start = Instant::now();
        let mut deadlines = Deadlines::new(Timeouts { connect: None, idle: None, total: seconds(1) }, start);
        deadlines.hold(start + Duration::from_secs(2));
        assert!(deadlines.check(start + Duration::from_secs(3), Phase::Wait).is_err());
    }

    #[test]
    fn a_stopped_idle_clock_is_off_until_bytes_move() {
        let start = Instant::now();
        let mut deadlines = Deadlines::new(Timeouts { connect: None, idle: seconds(5), total: None }, start);
        deadlines.stop_idle();
        assert_eq!(deadlines.next(), None);
        deadlines.moved(start);
        assert_eq!(deadlines.next(), Some(start + Duration::from_secs(5)));
    }

    #[test]
    fn a_timeout_beyond_the_clock_is_none() {
        let deadlines =
            Deadlines::new(Timeouts { total: Some(Duration::MAX), idle: None, connect: None }, Instant::now());
        assert_eq!(deadlines.next(), None);
    }
}
