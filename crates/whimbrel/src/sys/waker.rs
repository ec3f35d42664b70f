//! Ends another thread's wait: for cancel and for names that were looked up.

use std::io;

use rustix::event::{PollFd, PollFlags};

/// Something that can be waited for and rung from any thread. Made only where a cancel handle or a lookup exists, since
/// it costs a descriptor.
#[derive(Debug)]
pub(crate) struct Waker(imp::Bell);

impl Waker {
    pub(crate) fn new() -> io::Result<Self> {
        imp::Bell::new().map(Self)
    }

    /// Ends the current or the next wait.
    pub(crate) fn wake(&self) {
        self.0.ring();
    }

    /// Forgets earlier rings.
    pub(crate) fn reset(&self) {
        self.0.hush();
    }

    /// What is waited for.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(super) fn ear(&self) -> &std::os::fd::OwnedFd {
        &self.0.ear
    }

    pub(super) fn poll_fd(&self) -> PollFd<'_> {
        PollFd::new(&self.0.ear, PollFlags::IN)
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod imp {
    use std::io;
    use std::os::fd::OwnedFd;

    use rustix::event::{EventfdFlags, eventfd};

    #[derive(Debug)]
    pub(super) struct Bell {
        pub(super) ear: OwnedFd,
    }

    impl Bell {
        pub(super) fn new() -> io::Result<Self> {
            Ok(Self { ear: eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)? })
        }

        pub(super) fn ring(&self) {
            // A full counter is rung already.
            let _ = rustix::io::write(&self.ear, &1u64.to_ne_bytes());
        }

        pub(super) fn hush(&self) {
            let mut count = [0u8; 8];
            let _ = rustix::io::read(&self.ear, &mut count);
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod imp {
    use std::io;
    use std::net::{Ipv4Addr, UdpSocket};

    /// A pair of loopback sockets that know only each other: the one thing that every system's poll can wait for.
    #[derive(Debug)]
    pub(super) struct Bell {
        pub(super) ear: UdpSocket,
        hand: UdpSocket,
    }

    impl Bell {
        pub(super) fn new() -> io::Result<Self> {
            let ear = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            let hand = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            hand.connect(ear.local_addr()?)?;
            ear.connect(hand.local_addr()?)?;
            ear.set_nonblocking(true)?;
            hand.set_nonblocking(true)?;
            Ok(Self { ear, hand })
        }

        pub(super) fn ring(&self) {
            let _ = self.hand.send(&[1]);
        }

        pub(super) fn hush(&self) {
            let mut byte = [0u8; 1];
            while self.ear.recv(&mut byte).is_ok() {}
        }
    }
}
