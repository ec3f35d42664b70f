//! Expectations (RFC 9110 §10.1.1): which bodies ask before they are sent, and what a refused question leads to.

use super::retry::Reached;
use super::spec::{BodyShape, EXPECT_CONTINUE_OVER, RequestSpec};
use super::{Hop, head};

/// Whether the body of a hop waits for a `100 (Continue)`.
pub(super) fn asks(spec: &RequestSpec, hop: &Hop) -> bool {
    if hop.expectation_failed || head::leaves_out(spec, "expect") {
        return false;
    }
    let asked = spec.fields.get("expect").is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"));
    match hop.body(spec) {
        BodyShape::None | BodyShape::Sized { len: 0, .. } => false,
        BodyShape::Sized { len, .. } => asked || spec.expect_continue.unwrap_or(len > EXPECT_CONTINUE_OVER),
        BodyShape::Unsized { .. } => asked || spec.expect_continue.unwrap_or(true),
    }
}

/// Whether a response refuses the question itself, so that the request is worth repeating without it.
pub(super) fn is_refused(spec: &RequestSpec, hop: &Hop, status: u16, reached: &Reached) -> bool {
    status == 417 && asks(spec, hop) && reached.can_repeat(hop.body(spec))
}
