//! Sending again: whether a hop that failed may be tried once more, and when.
//!
//! Two rules, never mixed. The engine's own (RFC 9112 §9.3.1): a kept connection that turned out to be dead is replaced
//! once a hop, at once, and nobody hears of it. The caller's ([`Retry`]): after a failure that may pass, or a status that
//! says so, wait and send the same hop again. Both only where the request provably never reached the server or asking
//! twice is harmless (RFC 9110 §9.2.2), and where the body can be sent from its beginning. This never waits itself.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::time::{Duration, SystemTime};

use super::spec::BodyShape;
use crate::error::{Error, Kind};
use crate::fields::Fields;
use crate::method::Method;

/// The caller's policy. Waits double from one try to the next, with jitter: half of each is fixed, half is random, so
/// that many clients of a server that comes back do not come back together.
///
/// After a failure before the final head, a request is sent again if its body can be repeated and either nothing of it
/// was sent or its method is idempotent. After a status, only idempotent methods are sent again, also where the server
/// names a time (`Retry-After`): that it will answer later does not say that it did not act now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often the request is sent again at most, redirects included in the count; 0: never.
    pub max: u32,
    /// The wait before the first retry, before jitter; default 0.5 s.
    pub first_wait: Duration,
    /// No wait is longer; default 30 s. Where the server asks for more, its response is delivered.
    pub max_wait: Duration,
    /// Whether 429, 502, 503 and 504 are tried again too; default yes.
    pub statuses: bool,
}

impl Retry {
    /// At most `max` retries, with the defaults for all else.
    pub fn new(max: u32) -> Self {
        Self { max, first_wait: Duration::from_millis(500), max_wait: Duration::from_secs(30), statuses: true }
    }

    /// Sets the wait before the first retry.
    #[must_use]
    pub fn first_wait(mut self, wait: Duration) -> Self {
        self.first_wait = wait;
        self
    }

    /// Sets the longest wait.
    #[must_use]
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = wait;
        self
    }

    /// Sets whether 429, 502, 503 and 504 are tried again.
    #[must_use]
    pub fn statuses(mut self, statuses: bool) -> Self {
        self.statuses = statuses;
        self
    }

    /// The wait after `done` retries.
    fn backoff(&self, done: u32, random: u64) -> Duration {
        let factor = 1u32.checked_shl(done).unwrap_or(u32::MAX);
        let whole = self.first_wait.saturating_mul(factor).min(self.max_wait);
        let half = whole / 2;
        // 53 bits: all that an f64 between 0 and 1 can hold.
        half + half.mul_f64((random >> 11) as f64 / (1u64 << 53) as f64)
    }
}

/// How to go on after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Send the hop again at once, on a fresh connection: a kept one was dead.
    Now,
    /// Wait this long, then send the hop again.
    After(Duration),
}

/// What the caller's policy has come to in one call.
#[derive(Debug, Default)]
pub(super) struct Retries {
    pub(super) done: u32,
    /// The generator's state (xorshift64*); 0 before its first use.
    random: u64,
}

impl Retries {
    pub(super) fn seed(&mut self, seed: u64) {
        self.random = seed;
    }

    /// The wait before another try after a failure; `None`: no other try.
    pub(super) fn after_failure(
        &mut self,
        policy: &Retry,
        error: &Error,
        reached: &Reached,
        method: &Method,
        body: BodyShape,
        left: Option<Duration>,
    ) -> Option<Duration> {
        let harmless = reached.sent == 0 || method.is_idempotent();
        if self.done >= policy.max || !may_pass(error) || !harmless || !reached.can_repeat(body) {
            return None;
        }
        let wait = policy.backoff(self.done, self.next_random());
        self.count(wait, left)
    }

    /// The wait before another try after a status; `None`: the response is the answer.
    #[expect(clippy::too_many_arguments, reason = "all that a response can tell")]
    pub(super) fn after_status(
        &mut self,
        policy: &Retry,
        status: u16,
        fields: &Fields,
        reached: &Reached,
        method: &Method,
        body: BodyShape,
        wall: SystemTime,
        left: Option<Duration>,
    ) -> Option<Duration> {
        let may_pass = policy.statuses && matches!(status, 429 | 502 | 503 | 504);
        if self.done >= policy.max || !may_pass || !method.is_idempotent() || !reached.can_repeat(body) {
            return None;
        }
        let wait = match fields.get("retry-after").and_then(|value| retry_after(value, wall)) {
            Some(wait) if wait > policy.max_wait => return None,
            Some(wait) if !wait.is_zero() => wait,
            // One that asks for no wait is not hammered either.
            _ => policy.backoff(self.done, self.next_random()),
        };
        self.count(wait, left)
    }

    /// A wait that the call would not live through is worth nothing: better to say now what there is.
    fn count(&mut self, wait: Duration, left: Option<Duration>) -> Option<Duration> {
        if left.is_some_and(|left| left <= wait) {
            return None;
        }
        self.done += 1;
        Some(wait)
    }

    fn next_random(&mut self) -> u64 {
        if self.random == 0 {
            self.random = RandomState::new().build_hasher().finish() | 1;
        }
        self.random ^= self.random >> 12;
        self.random ^= self.random << 25;
        self.random ^= self.random >> 27;
        self.random.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
}

/// Whether a failure before the final head is one of the way there, which the next try may not meet. What the caller
/// gave, what the peer said and what a certificate is will be the same again.
fn may_pass(error: &Error) -> bool {
    match error.kind() {
        Kind::Resolve | Kind::Connect | Kind::Timeout | Kind::Send | Kind::Receive | Kind::Empty | Kind::Truncated => {
            true
        }
        // A handshake that broke off, rather than one that was refused.
        Kind::Tls | Kind::Proxy => connection_broke(error),
        _ => false,
    }
}

/// Whether the error is the system's word on a connection, and not a protocol's in an I/O error's clothes.
fn connection_broke(error: &Error) -> bool {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<io::Error>());
    source.is_some_and(|source| source.get_ref().is_none())
}

/// How long a `Retry-After` asks to wait (RFC 9110 §10.2.3): delta-seconds or an HTTP-date, a past one being no wait.
/// `None` for anything else.
fn retry_after(value: &[u8], wall: SystemTime) -> Option<Duration> {
    let value = value.trim_ascii();
    if !value.is_empty() && value.iter().all(u8::is_ascii_digit) {
        let seconds =
            value.iter().fold(0u64, |sum, digit| sum.saturating_mul(10).saturating_add(u64::from(digit - b'0')));
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(std::str::from_utf8(value).ok()?).ok()?;
    Some(date.duration_since(wall).unwrap_or_default())
}

/// How far a hop came before it failed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reached {
    /// Whether the connection had carried an earlier request.
    pub reused: bool,
    /// Bytes of this request that the transport took.
    pub sent: u64,
    /// Bytes of body content taken from the caller's source.
    pub body_taken: u64,
    /// Bytes of a response that came.
    pub received: u64,
}

impl Reached {
    /// Whether the body can be sent from its beginning: again, or for the first time.
    pub(super) fn can_repeat(&self, body: BodyShape) -> bool {
        self.body_taken == 0 || body.is_replayable()
    }
}

/// Whether a kept connection was dead, so that the hop may be tried once more on a fresh one (RFC 9112 §9.3.1).
pub fn was_stale(error: &Error, reached: &Reached, method: &Method, body: BodyShape) -> bool {
    let died = matches!(error.kind(), Kind::Send | Kind::Receive | Kind::Empty);
    let unsent = reached.sent == 0;
    reached.reused && died && reached.received == 0 && reached.can_repeat(body) && (unsent || method.is_idempotent())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Phase;

    #[test]
    fn only_a_dead_kept_connection_is_tried_again_and_never_twice_sent_posts() {
        let stale = Reached { reused: true, sent: 100, body_taken: 0, received: 0 };
        let unsent = Reached { sent: 0, ..stale };
        let once = BodyShape::Sized { len: 5, replayable: false };
        for (kind, reached, method, body, again) in [
            (Kind::Empty, stale, "GET", BodyShape::None, true),
            (Kind::Receive, stale, "PUT", BodyShape::None, true),
            (Kind::Empty, stale, "POST", BodyShape::None, false),
            (Kind::Empty, stale, "PURGE", BodyShape::None, false),
            (Kind::Send, unsent, "POST", BodyShape::None, true),
            (Kind::Send, unsent, "POST", once, true),
            (Kind::Send, Reached { body_taken: 5, ..unsent }, "POST", once, false),
            (Kind::Empty, Reached { received: 1, ..stale }, "GET", BodyShape::None, false),
            (Kind::Empty, Reached { reused: false, ..stale }, "GET", BodyShape::None, false),
            (Kind::Timeout, stale, "GET", BodyShape::None, false),
            (Kind::Protocol, stale, "GET", BodyShape::None, false),
        ] {
            let error = Error::new(kind, Phase::Wait, "");
            let method = Method::parse(method).unwrap();
            assert_eq!(was_stale(&error, &reached, &method, body), again, "{kind:?} {method} {reached:?}");
        }
    }

    #[test]
    fn waits_double_within_their_jitter_up_to_the_longest() {
        let retry = Retry::new(9).first_wait(Duration::from_secs(1)).max_wait(Duration::from_secs(10));
        for (done, whole) in [(0, 1), (1, 2), (2, 4), (3, 8), (4, 10), (31, 10), (32, 10), (u32::MAX, 10)] {
            let whole = Duration::from_secs(whole);
            assert_eq!(retry.backoff(done, 0), whole / 2);
            assert!(retry.backoff(done, u64::MAX) <= whole);
            assert!(retry.backoff(done, u64::MAX) > whole.mul_f64(0.999));
        }
        let endless = Retry::new(9).first_wait(Duration::MAX).max_wait(Duration::MAX);
        assert!(endless.backoff(u32::MAX, u64::MAX) >= Duration::MAX / 2);
        assert_eq!(Retry::new(9).first_wait(Duration::ZERO).backoff(40, u64::MAX), Duration::ZERO);
    }

    #[test]
    fn jitter_spreads_over_its_half_and_follows_its_seed() {
        let retry = Retry::new(1).first_wait(Duration::from_secs(2));
        let waits = |seed: u64| {
            let mut retries = Retries::default();
            retries.seed(seed);
            let waits: Vec<_> = (0..1000).map(|_| retry.backoff(0, retries.next_random())).collect();
            waits
        };
        assert_eq!(waits(7), waits(7));
        assert_ne!(waits(7), waits(8));
        let mean = waits(7).iter().sum::<Duration>() / 1000;
        assert!(mean > Duration::from_millis(1450) && mean < Duration::from_millis(1550), "{mean:?}");
    }

    #[test]
    fn two_calls_without_a_seed_wait_differently() {
        let (mut one, mut two) = (Retries::default(), Retries::default());
        assert_ne!([one.next_random(), one.next_random()], [two.next_random(), two.next_random()]);
    }

    #[test]
    fn a_retry_after_is_seconds_or_a_date_and_anything_else_is_ignored() {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        for (value, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("99999999999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:47 GMT", Some(10)),
            ("Sunday, 06-Nov-94 08:49:38 GMT", Some(1)),
            ("Sun Nov  6 08:49:37 1994", Some(0)),
            ("Sat, 01 Jan 1994 00:00:00 GMT", Some(0)),
            ("Fri, 31 Dec 9999 23:59:59 GMT", Some(253_402_300_799 - 784_111_777)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.5", None),
            ("1 2", None),
            ("soon", None),
            ("Sun, 99 Nov 1994 08:49:47 GMT", None),
            ("\u{661}", None),
        ] {
            assert_eq!(retry_after(value.as_bytes(), wall), seconds.map(Duration::from_secs), "{value:?}");
        }
        assert_eq!(retry_after(b"\xff", wall), None);
    }

    #[test]
    fn a_handshake_is_tried_again_only_if_its_connection_broke() {
        let broken =
            |kind| Error::new(kind, Phase::Tls, "").with_source(io::Error::from(io::ErrorKind::ConnectionReset));
        let refused = |kind| Error::new(kind, Phase::Tls, "").with_source(io::Error::other("unknown issuer"));
        for kind in [Kind::Tls, Kind::Proxy] {
            assert!(may_pass(&broken(kind)));
            assert!(!may_pass(&refused(kind)));
            assert!(!may_pass(&Error::new(kind, Phase::Tls, "")));
        }
        assert!(!may_pass(&broken(Kind::Certificate)));
    }
}
