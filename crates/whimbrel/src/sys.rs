//! Everything that differs between systems: sockets, waiting, waking. The rest of the engine knows none of it.
//!
//! No call blocks but [`wait()`], [`Reactor::wait`] and, on Linux, [`Socket::recv_patiently`]. Nothing here ever raises `SIGPIPE`: each
//! send says so (Linux), or the socket does (macOS); Windows has no such thing.

mod reactor;
mod socket;
mod wait;
mod waker;

pub(crate) use reactor::{Gathering, Reactor};
pub(crate) use socket::{PATIENCE, Socket};
pub(crate) use wait::{Interests, PollSet, wait};
pub(crate) use waker::Waker;
