//! Deadlines: connecting, inactivity and the whole call, with a clock that comes in from outside.

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
}

impl Deadlines {
    /// Starts the clocks of the whole call and of inactivity.
    pub fn new(timeouts: Timeouts, now: Instant) -> Self {
        let mut deadlines =
            Self { timeouts, total: after(now, timeouts.total), connect: None, idle: None, go_on: None, drain: None };
        deadlines.moved(now);
        deadlines
    }

    /// A hop needs a new connection: the connect clock starts.
    pub fn connecting(&mut self, now: Instant) {
        self.connect = after(now, self.timeouts.connect);
        self.moved(now);
    }

    /// The connection is ready: the connect clock stops.
    pub fn connected(&mut self, now: Instant) {
        self.connect = None;
        self.moved(now);
    }

    /// Bytes moved, in either direction, or the consumer came back for more: the idle clock starts again.
    pub fn moved(&mut self, now: Instant) {
        self.idle = after(now, self.timeouts.idle);
    }

    /// The head is sent and the body waits for a `100 (Continue)`.
    pub fn await_continue(&mut self, now: Instant) {
        self.go_on = now.checked_add(CONTINUE_WAIT);
    }

    /// Whether a `100 (Continue)` is awaited.
    pub fn awaits_continue(&self) -> bool {
        self.go_on.is_some()
    }

    /// Whether the wait for a `100 (Continue)` has lasted long enough.
    pub fn continue_is_due(&self, now: Instant) -> bool {
        self.go_on.is_some_and(|at| at <= now)
    }

    /// There is nothing to wait for any more.
    pub fn stop_awaiting_continue(&mut self) {
        self.go_on = None;
    }

    /// A redirect is to be followed, and the rest of its body is read first: a stall there fails nothing.
    pub fn draining(&mut self, now: Instant) {
        self.drain = now.checked_add(DRAIN_WAIT);
        self.idle = None;
    }

    /// Whether the rest of a redirect's body has been waited for long enough.
    pub fn drain_is_over(&self, now: Instant) -> bool {
        self.drain.is_some_and(|at| at <= now)
    }

    /// The redirect's body is done with.
    pub fn drained(&mut self, now: Instant) {
        self.drain = None;
        self.moved(now);
    }

    /// The nearest instant at which something must be done.
    pub fn next(&self) -> Option<Instant> {
        [self.total, self.connect, self.idle, self.go_on, self.drain].into_iter().flatten().min()
    }

    /// Whether a deadline has passed.
    ///
    /// # Errors
    /// [`Kind::Timeout`](crate::Kind::Timeout), said of `phase`, naming the deadline and its length.
    pub fn check(&self, now: Instant, phase: Phase) -> Result<()> {
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
        deadlines.moved(at(6));
        assert!(deadlines.check(at(10), Phase::Body).is_ok());
        assert!(deadlines.check(at(11), Phase::Body).unwrap_err().detail().starts_with("idle timeout of 5 s"));
        deadlines.moved(at(19));
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
    fn a_timeout_beyond_the_clock_is_none() {
        let deadlines =
            Deadlines::new(Timeouts { total: Some(Duration::MAX), idle: None, connect: None }, Instant::now());
        assert_eq!(deadlines.next(), None);
    }
}
