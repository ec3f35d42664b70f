//! The waker of one call: made when something first needs to end its wait from another thread.

use std::io;
use std::sync::Arc;

use crate::sys::{Interests, Waker};

#[derive(Default)]
pub(crate) struct WakerSlot(Option<Arc<Waker>>);

impl WakerSlot {
    /// The call's waker.
    pub(crate) fn get(&mut self) -> io::Result<Arc<Waker>> {
        match &self.0 {
            Some(waker) => Ok(waker.clone()),
            None => Ok(self.0.insert(Arc::new(Waker::new()?)).clone()),
        }
    }

    /// The waker that a cancel handle made before the call began.
    pub(crate) fn set(&mut self, waker: Arc<Waker>) {
        self.0 = Some(waker);
    }

    /// Forgets rings that were seen.
    pub(crate) fn reset(&self) {
        if let Some(waker) = &self.0 {
            waker.reset();
        }
    }

    pub(crate) fn interests<'a>(&'a self, interests: &mut Interests<'a>) {
        if let Some(waker) = &self.0 {
            interests.waker(waker);
        }
    }
}
