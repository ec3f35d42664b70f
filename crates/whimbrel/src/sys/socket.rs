//! A non-blocking TCP socket.

use std::cell::OnceCell;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

#[cfg(unix)]
use rustix::net::SendAncillaryBuffer;
#[cfg(any(target_os = "linux", target_os = "android"))]
use rustix::net::sockopt::Timeout;
use rustix::net::{RecvFlags, SendFlags};
use socket2::{Domain, Protocol, Type};

use super::reactor::Registration;

#[cfg(unix)]
type Handle = std::os::fd::OwnedFd;
#[cfg(windows)]
type Handle = std::os::windows::io::OwnedSocket;

/// A TCP socket that never raises a signal, and blocks only in [`Socket::recv_patiently`]. Dropping it closes it.
#[derive(Debug)]
pub(crate) struct Socket {
    handle: Handle,
    /// Whether the descriptor itself may block; every call but one then says that it must not.
    is_patient: bool,
    /// Its place in the reactor, once it was watched there.
    registration: OnceCell<Registration>,
}

/// How long [`Socket::recv_patiently`] waits.
pub(crate) const PATIENCE: Duration = Duration::from_secs(1);

impl Socket {
    /// Starts to connect. The bool says whether it is connected already.
    ///
    /// Costs three system calls on Linux: `socket`, `setsockopt(TCP_NODELAY)`, `connect`.
    pub(crate) fn connect(addr: SocketAddr) -> io::Result<(Self, bool)> {
        let socket = socket2::Socket::new(Domain::for_address(addr), stream_type(), Some(Protocol::TCP))?;
        #[cfg(not(any(target_os = "linux", target_os = "android")))]
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        let connected = match socket.connect(&addr.into()) {
            Ok(()) => true,
            Err(error) if is_in_progress(&error) => false,
            Err(error) => return Err(error),
        };
        Ok((Self { handle: socket.into(), is_patient: false, registration: OnceCell::new() }, connected))
    }

    /// After the socket became writable: how connecting ended.
    pub(crate) fn connect_result(&self) -> io::Result<()> {
        rustix::net::sockopt::socket_error(&self.handle)?.map_err(io::Error::from)
    }

    /// Receives what is there. `Ok(0)` is the peer's end; nothing there is `WouldBlock`.
    pub(crate) fn recv(&self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            match rustix::net::recv(&self.handle, &mut *buffer, RECV_FLAGS) {
                Ok((read, _)) => return Ok(read),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// As [`Socket::recv`], but waits for bytes itself, for [`PATIENCE`] at most: one system call where a wait and a
    /// receive are two. Only after [`Socket::become_patient`] said yes; as `recv` otherwise.
    pub(crate) fn recv_patiently(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match rustix::net::recv(&self.handle, &mut *buffer, RecvFlags::empty()) {
            Ok((read, _)) => Ok(read),
            // Signals that come again and again must not stretch the wait: the driver looks at its clock.
            Err(rustix::io::Errno::INTR) => Err(io::ErrorKind::WouldBlock.into()),
            Err(error) => Err(error.into()),
        }
    }

    /// Prepares for [`Socket::recv_patiently`]; two system calls, the first time. False where the system can't tell a
    /// call that may wait from one that must not.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub(crate) fn become_patient(&mut self) -> bool {
        if !self.is_patient {
            let set = || -> io::Result<()> {
                rustix::net::sockopt::set_socket_timeout(&self.handle, Timeout::Recv, Some(PATIENCE))?;
                Ok(rustix::io::ioctl_fionbio(&self.handle, false)?)
            };
            self.is_patient = set().is_ok();
        }
        self.is_patient
    }

    /// See above.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub(crate) fn become_patient(&mut self) -> bool {
        self.is_patient
    }

    /// Sends what the socket takes. A full socket is `WouldBlock`.
    pub(crate) fn send(&self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match rustix::net::send(&self.handle, bytes, SEND_FLAGS) {
                Ok(sent) => return Ok(sent),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// As [`Socket::send`], of several parts in one system call.
    #[cfg(unix)]
    pub(crate) fn send_vectored(&self, parts: &[io::IoSlice<'_>]) -> io::Result<usize> {
        loop {
            match rustix::net::sendmsg(&self.handle, parts, &mut SendAncillaryBuffer::default(), SEND_FLAGS) {
                Ok(sent) => return Ok(sent),
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// As [`Socket::send`], of the first part that isn't empty.
    #[cfg(windows)]
    pub(crate) fn send_vectored(&self, parts: &[io::IoSlice<'_>]) -> io::Result<usize> {
        self.send(parts.iter().find(|part| !part.is_empty()).map_or(&[], |part| part))
    }

    /// Whether the connection is open with nothing to read. Takes nothing; one system call.
    pub(crate) fn is_quiet(&self) -> bool {
        let looked = rustix::net::recv(&self.handle, &mut [0u8; 1], RECV_FLAGS | RecvFlags::PEEK);
        looked.is_err_and(|error| io::Error::from(error).kind() == io::ErrorKind::WouldBlock)
    }

    pub(super) fn registration(&self) -> Option<&Registration> {
        self.registration.get()
    }

    pub(super) fn set_registration(&self, registration: Registration) {
        // It is asked first whether there is one.
        let _ = self.registration.set(registration);
    }

    /// Says that all which came was received: what comes from now on is news.
    pub(crate) fn went_dry(&self) {
        if let Some(registration) = self.registration.get() {
            registration.forget();
        }
    }

    /// Whether nothing came since [`Socket::went_dry`], as far as the reactor has heard. No system call.
    pub(crate) fn has_no_news(&self) -> bool {
        self.registration.get().is_some_and(|registration| !registration.has_moved())
    }

    /// Whether the socket is connected.
    pub(crate) fn has_peer(&self) -> bool {
        rustix::net::getpeername(&self.handle).is_ok()
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const SEND_FLAGS: SendFlags = SendFlags::NOSIGNAL.union(SendFlags::DONTWAIT);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const SEND_FLAGS: SendFlags = SendFlags::empty();
#[cfg(any(target_os = "linux", target_os = "android"))]
const RECV_FLAGS: RecvFlags = RecvFlags::DONTWAIT;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const RECV_FLAGS: RecvFlags = RecvFlags::empty();

#[cfg(unix)]
impl std::os::fd::AsFd for Socket {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.handle.as_fd()
    }
}

#[cfg(windows)]
impl std::os::windows::io::AsSocket for Socket {
    fn as_socket(&self) -> std::os::windows::io::BorrowedSocket<'_> {
        self.handle.as_socket()
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn stream_type() -> Type {
    Type::STREAM.nonblocking()
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn stream_type() -> Type {
    Type::STREAM
}

#[cfg(unix)]
fn is_in_progress(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error())
}

#[cfg(windows)]
fn is_in_progress(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}
