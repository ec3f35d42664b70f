//! Where there are no signals like Unix's: the same names as `signals.rs`, and a plain sleep.

use std::io;
use std::thread;
use std::time::Duration;

/// What a signal would ask a run for.
#[allow(dead_code, reason = "there are no signals")]
pub(crate) enum Asked {
    Suspend,
    End { code: u8 },
}

#[derive(Clone, Default)]
pub(crate) struct Inbox;

impl Inbox {
    pub(crate) fn open(&self) -> io::Result<()> {
        Ok(())
    }

    pub(crate) fn take(&self) -> Option<Asked> {
        None
    }

    pub(crate) fn wait(&self, time: Option<Duration>) {
        match time {
            Some(time) => thread::sleep(time),
            None => thread::park(),
        }
    }

    pub(crate) fn stop(&self) -> io::Result<()> {
        Ok(())
    }
}
