//! When each phase of a call ended.

use std::time::{Duration, Instant};

/// How long after the call began each phase of its last hop ended. `None`: it did not happen (a kept connection needs no
/// lookup), or not yet.
#[derive(Clone, Debug)]
pub struct Timings {
    started: Instant,
    /// The last hop began, after all redirects.
    pub redirected: Duration,
    /// The name was looked up.
    pub resolved: Option<Duration>,
    /// TCP stood.
    pub connected: Option<Duration>,
    /// The TLS handshake with the origin was done.
    pub secured: Option<Duration>,
    /// The request was sent, body included.
    pub sent: Option<Duration>,
    /// The response head had come.
    pub head: Option<Duration>,
    /// The response was complete.
    pub finished: Option<Duration>,
}

impl Timings {
    pub(crate) fn new(started: Instant) -> Self {
        Self {
            started,
            redirected: Duration::ZERO,
            resolved: None,
            connected: None,
            secured: None,
            sent: None,
            head: None,
            finished: None,
        }
    }

    /// A hop begins: what the one before took is told by `redirected` alone.
    pub(crate) fn next_hop(&mut self, now: Instant) {
        *self = Self { redirected: self.since(now), ..Self::new(self.started) };
    }

    pub(crate) fn resolved(&mut self, now: Instant) {
        self.resolved = Some(self.since(now));
    }

    pub(crate) fn connected(&mut self, now: Instant) {
        self.connected = Some(self.since(now));
    }

    pub(crate) fn secured(&mut self, now: Instant) {
        self.secured = Some(self.since(now));
    }

    pub(crate) fn sent(&mut self, now: Instant) {
        self.sent = Some(self.since(now));
    }

    pub(crate) fn head(&mut self, now: Instant) {
        self.head = Some(self.since(now));
    }

    pub(crate) fn finished(&mut self, now: Instant) {
        self.finished.get_or_insert(now.saturating_duration_since(self.started));
    }

    fn since(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.started)
    }
}
