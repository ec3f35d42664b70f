//! Sending again on a fresh connection (RFC 9110 §9.2.2, RFC 9112 §9.3.1): only where the request provably never reached
//! the server, or where asking twice is harmless, and only after a kept connection turned out to be dead.

use super::spec::BodyShape;
use crate::error::{Error, Kind};
use crate::method::Method;

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

/// Whether the hop may be tried once more.
pub(super) fn may_retry(error: &Error, reached: &Reached, method: &Method, body: BodyShape) -> bool {
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
            assert_eq!(may_retry(&error, &reached, &method, body), again, "{kind:?} {method} {reached:?}");
        }
    }
}
