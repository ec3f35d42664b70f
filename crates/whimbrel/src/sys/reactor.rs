//! Which of many sockets moved: for the one thread that holds many transfers at once.
//!
//! On Linux an epoll set in which a socket stays from its first wait to its end, whoever uses it: a request on a kept
//! connection costs no call here but its share of a wait. It tells edges, so an owner that stopped before its socket was
//! dry must come back by itself. Elsewhere a `poll` over all that is waited for, gathered anew each time.

#[cfg(all(any(target_os = "linux", target_os = "android"), not(whimbrel_poll)))]
#[path = "reactor/epoll.rs"]
mod imp;

#[cfg(any(not(any(target_os = "linux", target_os = "android")), whimbrel_poll))]
#[path = "reactor/poll.rs"]
mod imp;

pub(crate) use imp::{Gathering, Reactor, Registration};
