//! Ending a call from another thread.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::sync::{Arc, OnceLock};

use crate::sys::Waker;

/// Cancels the call it was taken from ([`RequestBuilder::cancel_handle`](crate::RequestBuilder::cancel_handle)), from any
/// thread, at any time, any number of times.
///
/// The call ends with [`Kind::Cancelled`](crate::Kind::Cancelled) within its next step, whatever it waits for; its
/// connection closes, its part file goes. A call that is over already is not disturbed.
#[derive(Clone)]
pub struct CancelHandle(Arc<Inner>);

struct Inner {
    cancelled: AtomicBool,
    /// None where the process has no descriptor left: then the flag is seen when the call next moves.
    waker: Option<Arc<Waker>>,
    /// The I/O thread's, if the call runs there.
    bell: OnceLock<Arc<Waker>>,
}

impl CancelHandle {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner {
            cancelled: AtomicBool::new(false),
            waker: Waker::new().ok().map(Arc::new),
            bell: OnceLock::new(),
        }))
    }

    /// Cancels.
    pub fn cancel(&self) {
        self.0.cancelled.store(true, Ordering::Release);
        // Either the bell that comes just now is seen here, or who brings it sees the flag.
        fence(Ordering::SeqCst);
        if let Some(waker) = &self.0.waker {
            waker.wake();
        }
        if let Some(bell) = self.0.bell.get() {
            bell.wake();
        }
    }

    /// Rings there as well, from now on: whether it was cancelled before must be looked at after this.
    pub(crate) fn ring_at(&self, bell: Arc<Waker>) {
        let _ = self.0.bell.set(bell);
        fence(Ordering::SeqCst);
    }

    /// Whether [`CancelHandle::cancel`] was called.
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::Acquire)
    }

    pub(crate) fn waker(&self) -> Option<Arc<Waker>> {
        self.0.waker.clone()
    }
}

impl fmt::Debug for CancelHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelHandle").field("is_cancelled", &self.is_cancelled()).finish()
    }
}
