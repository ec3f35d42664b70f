//! Everything that differs between systems: sockets, waiting, waking. The rest of the engine knows none of it.
//!
//! Sockets are non-blocking from birth. Nothing here ever raises `SIGPIPE`: each send says so (Linux), or the socket
//! does (macOS); Windows has no such thing.

mod socket;
mod wait;
mod waker;

pub(crate) use socket::{PATIENCE, Socket};
pub(crate) use wait::{Interests, wait};
pub(crate) use waker::Waker;
