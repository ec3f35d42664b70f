//! One wait for everything: sockets, a waker, a deadline.

use std::io;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{Socket, Waker};

/// Takes up what a step waits for: a set for one `poll`, or a reactor.
pub(crate) trait Interests<'a> {
    /// A socket that must become readable or writable.
    fn socket(&mut self, socket: &'a Socket, readable: bool, writable: bool);

    /// A waker that must ring.
    fn waker(&mut self, waker: &'a Waker);
}

/// The interests of one `poll`.
#[derive(Default)]
pub(crate) struct PollSet<'a> {
    fds: Vec<PollFd<'a>>,
}

impl<'a> Interests<'a> for PollSet<'a> {
    fn socket(&mut self, socket: &'a Socket, readable: bool, writable: bool) {
        let mut flags = PollFlags::empty();
        flags.set(PollFlags::IN, readable);
        flags.set(PollFlags::OUT, writable);
        self.fds.push(PollFd::new(socket, flags));
    }

    fn waker(&mut self, waker: &'a Waker) {
        self.fds.push(waker.poll_fd());
    }
}

impl PollSet<'_> {
    /// How many there are: with [`PollSet::moved`], whose they were.
    #[cfg(any(not(any(target_os = "linux", target_os = "android")), whimbrel_poll))]
    pub(super) fn len(&self) -> usize {
        self.fds.len()
    }

    /// The numbers of those that were met.
    #[cfg(any(not(any(target_os = "linux", target_os = "android")), whimbrel_poll))]
    pub(super) fn moved(&self) -> impl Iterator<Item = usize> {
        self.fds.iter().enumerate().filter(|(_, fd)| !fd.revents().is_empty()).map(|(index, _)| index)
    }

    /// Waits until one of them is met or the time is over. One system call.
    pub(super) fn poll(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        if self.fds.is_empty() {
            // Nothing to watch: only time passes. Windows' poll refuses an empty set.
            std::thread::sleep(timeout.unwrap_or(Duration::from_millis(10)));
            return Ok(());
        }
        let timeout = timeout.map(timespec);
        match poll(&mut self.fds, timeout.as_ref()) {
            Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

/// Waits until one of the interests is met or the deadline has passed, whichever is first.
pub(crate) fn wait(mut interests: PollSet<'_>, deadline: Option<Instant>, now: Instant) -> io::Result<()> {
    interests.poll(deadline.map(|at| at.saturating_duration_since(now)))
}

/// A year is as good as for ever, and no system's clock overflows on it.
pub(super) fn timespec(wait: Duration) -> Timespec {
    let wait = wait.min(Duration::from_secs(365 * 24 * 3600));
    Timespec { tv_sec: wait.as_secs() as _, tv_nsec: wait.subsec_nanos() as _ }
}
