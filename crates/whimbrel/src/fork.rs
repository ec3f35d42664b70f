//! Fork: a child abandons what it inherited and starts its own.
//!
//! Sockets, TLS states and threads of the parent are not the child's to use. A generation counter tells: the FFI crates
//! register [`forked`] with `pthread_atfork`, so that no request pays for a `getpid`.

use std::sync::atomic::{AtomicU32, Ordering};

static GENERATION: AtomicU32 = AtomicU32::new(0);

/// Must be called in the child after a fork, before it makes a request; async-signal-safe.
///
/// From then on kept connections of the parent are closed without a word to the peer, and names are looked up on threads
/// of the child's own. Programs that load Whimbrel as a Lua module need not call it: the module does.
pub fn forked() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

pub(crate) fn generation() -> u32 {
    GENERATION.load(Ordering::Relaxed)
}
