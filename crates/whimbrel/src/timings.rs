//! When each phase of a call ended, and, for those who want to hear of it, what began when.

use std::time::{Duration, Instant};

/// How long after the call began each phase of its last hop ended. `None`: it did not happen (a kept connection needs no
/// lookup), or not yet.
#[derive(Clone, Debug)]
pub struct Timings {
    started: Instant,
    hop: Instant,
    resolved: Option<Instant>,
    connected: Option<Instant>,
    secured: Option<Instant>,
    sent: Option<Instant>,
    head: Option<Instant>,
    finished: Option<Instant>,
    /// See [`Timings::trace`]. Boxed, as hardly any call has it.
    #[expect(clippy::box_collection, reason = "one word in each call rather than three")]
    stages: Option<Box<Vec<(Stage, Instant)>>>,
}

/// What a call is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stage {
    /// Waiting for its turn: other transfers use the connections that it may have.
    Queued,
    /// Looking up a name.
    Resolving,
    /// Connecting to the origin or to a proxy, and asking the proxy.
    Connecting,
    /// In the TLS handshake with the origin.
    Securing,
    /// Sending the request.
    Sending,
    /// Waiting for the response.
    Waiting,
    /// Receiving the body.
    Receiving,
    /// Waiting until the request may be tried again.
    Resting,
}

impl Timings {
    pub(crate) fn new(started: Instant) -> Self {
        Self {
            started,
            hop: started,
            resolved: None,
            connected: None,
            secured: None,
            sent: None,
            head: None,
            finished: None,
            stages: None,
        }
    }

    pub(crate) fn started(&self) -> Instant {
        self.started
    }

    /// The last hop began, after all redirects.
    pub fn redirected(&self) -> Duration {
        if self.hop == self.started { Duration::ZERO } else { self.hop.saturating_duration_since(self.started) }
    }

    /// The name was looked up.
    pub fn resolved(&self) -> Option<Duration> {
        self.since(self.resolved)
    }

    /// TCP stood.
    pub fn connected(&self) -> Option<Duration> {
        self.since(self.connected)
    }

    /// The TLS handshake with the origin was done.
    pub fn secured(&self) -> Option<Duration> {
        self.since(self.secured)
    }

    /// The request was sent, body included.
    pub fn sent(&self) -> Option<Duration> {
        self.since(self.sent)
    }

    /// The response head had come.
    pub fn head(&self) -> Option<Duration> {
        self.since(self.head)
    }

    /// The response was complete.
    pub fn finished(&self) -> Option<Duration> {
        self.since(self.finished)
    }

    fn since(&self, at: Option<Instant>) -> Option<Duration> {
        at.map(|at| at.saturating_duration_since(self.started))
    }

    /// A hop begins: what the one before took is told by `redirected` alone.
    pub(crate) fn next_hop(&mut self, now: Instant) {
        *self = Self { hop: now, stages: self.stages.take(), ..Self::new(self.started) };
    }

    /// From now on keeps what begins, in order, until it is taken.
    pub(crate) fn trace(&mut self) {
        self.stages.get_or_insert_default();
    }

    pub(crate) fn begins(&mut self, stage: Stage, now: Instant) {
        if let Some(stages) = &mut self.stages {
            stages.push((stage, now));
        }
    }

    /// What began since this was asked last, with the time since the call's start.
    pub(crate) fn take_stages(&mut self) -> Vec<(Stage, Duration)> {
        let started = self.started;
        let stages = self.stages.as_mut().map(|stages| std::mem::take(&mut **stages)).unwrap_or_default();
        stages.into_iter().map(|(stage, at)| (stage, at.saturating_duration_since(started))).collect()
    }

    pub(crate) fn head_at(&self) -> Option<Instant> {
        self.head
    }

    pub(crate) fn set_resolved(&mut self, now: Instant) {
        self.resolved = Some(now);
    }

    pub(crate) fn set_connected(&mut self, now: Instant) {
        self.connected = Some(now);
    }

    pub(crate) fn set_secured(&mut self, now: Instant) {
        self.secured = Some(now);
    }

    pub(crate) fn set_sent(&mut self, now: Instant) {
        self.sent = Some(now);
    }

    pub(crate) fn set_head(&mut self, now: Instant) {
        self.head = Some(now);
    }

    pub(crate) fn set_finished(&mut self, now: Instant) {
        self.finished.get_or_insert(now);
    }
}
