//! One wait for everything: sockets, a waker, a deadline.

use std::io;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Socket, Waker};

/// What a step waits for.
#[derive(Default)]
pub(crate) struct Interests<'a> {
    fds: Vec<PollFd<'a>>,
}

impl<'a> Interests<'a> {
    pub(crate) fn socket(&mut self, socket: &'a Socket, readable: bool, writable: bool) {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, readable);
        flags.set(PollFlags::OUT, writable);
        self.fds.push(PollFd::new(socket, flags));
    }

    pub(crate) fn waker(&mut self, waker: &'a Waker) {
        self.fds.push(waker.poll_fd());
    }

    fn is_empty(&self) -> bool {
        self.fds.is_empty()
    }
}

/// Waits until one of the interests is met or the deadline has passed, whichever is first. One system call.
pub(crate) fn wait(mut interests: Interests<'_>, deadline: Option<Instant>, now: Instant) -> io::Result<()> {
    let left = deadline.map(|at| at.saturating_duration_since(now));
    if interests.is_empty() {
        // Nothing to watch: only time passes. Windows' poll refuses an empty set.
        std::thread::sleep(left.unwrap_or(Duration::from_millis(10)));
        return Ok(());
    }
    let timeout = left.map(timespec);
    match poll(&mut interests.fds, timeout.as_ref()) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A year is as good as for ever, and no system's clock overflows on it.
fn timespec(wait: Duration) -> Timespec {
    let wait = wait.min(Duration::from_secs(365 * 24 * 3600));
    Timespec { tv_sec: wait.as_secs() as _, tv_nsec: wait.subsec_nanos() as _ }
}
