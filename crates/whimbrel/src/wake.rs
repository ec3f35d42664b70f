//! The waker of one call: made when something first needs to end its wait from another thread.

use std::io;
use std::sync::Arc;

use crate::sys::{Interests, Waker};

#[derive(Default)]
pub(crate) struct WakerSlot {
    waker: Option<Arc<Waker>>,
    /// It is a thread's, for all its calls: no call of them may hush it.
    is_shared: bool,
}

impl WakerSlot {
    /// The call's waker.
    pub(crate) fn get(&mut self) -> io::Result<Arc<Waker>> {
        match &self.waker {
            Some(waker) => Ok(waker.clone()),
            None => Ok(self.waker.insert(Arc::new(Waker::new()?)).clone()),
        }
    }

    /// The waker that a cancel handle made before the call began.
    pub(crate) fn set(&mut self, waker: Arc<Waker>) {
        self.waker = Some(waker);
    }

    /// The waker of the thread that runs the call.
    pub(crate) fn share(&mut self, waker: Arc<Waker>) {
        *self = Self { waker: Some(waker), is_shared: true };
    }

    /// Forgets rings that were seen.
    pub(crate) fn reset(&self) {
        if let Some(waker) = &self.waker
            && !self.is_shared
        {
            waker.reset();
        }
    }

    pub(crate) fn interests<'a>(&'a self, interests: &mut dyn Interests<'a>) {
        if let Some(waker) = &self.waker {
            interests.waker(waker);
        }
    }
}
