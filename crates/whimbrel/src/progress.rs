//! How far a call has come, and whom to tell.

use std::ops::ControlFlow;

/// Bytes moved so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes of the request body that were sent.
    pub sent: u64,
    /// Bytes that the request body has; `None` if unknown.
    pub send_total: Option<u64>,
    /// Bytes of the response body that were delivered, decoded.
    pub received: u64,
    /// Bytes that the response body has; `None` if unknown or not yet known, and for coded bodies.
    pub receive_total: Option<u64>,
    /// Bytes of the response body as they came, before decoding.
    pub transferred: u64,
    /// Bytes that the response body has as it is sent (`Content-Length`); `None` if unknown or not yet known.
    pub transfer_total: Option<u64>,
}

pub(crate) type OnProgress = dyn FnMut(&Progress) -> ControlFlow<()> + Send;

/// Tells a caller's function, and only when something has moved.
pub(crate) struct Reporter {
    tell: Box<OnProgress>,
    last: Option<Progress>,
}

impl Reporter {
    pub(crate) fn new(tell: Box<OnProgress>) -> Self {
        Self { tell, last: None }
    }

    pub(crate) fn tell(&mut self, progress: &Progress) -> ControlFlow<()> {
        if self.last.as_ref() == Some(progress) {
            return ControlFlow::Continue(());
        }
        self.last = Some(*progress);
        (self.tell)(progress)
    }
}
