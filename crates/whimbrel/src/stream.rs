//! A connection's bytes: plain, or TLS over what lies below it (a proxy's own TLS included). Steps, never waits.

use std::fmt;
use std::io;

use crate::sys::{Interests, Socket};
use crate::tls::TlsStream;

/// How often a call of the caller's stream is repeated that was interrupted.
const INTERRUPTIONS: usize = 64;

/// A byte stream that never blocks.
pub(crate) enum Stream {
    Plain(Socket),
    Tls(Box<TlsStream>),
    /// The caller's, which nothing can wait for.
    Own(Box<dyn Transport>),
}

/// A byte stream that a caller brings for a [`PollClient`](crate::PollClient): any reader and writer that never blocks.
///
/// Where nothing can be read or written now, it answers [`WouldBlock`](io::ErrorKind::WouldBlock). A read that gives 0
/// bytes is the end of the stream; a write that takes none is as good as `WouldBlock`.
pub trait Transport: io::Read + io::Write + Send {}

impl<T: io::Read + io::Write + Send> Transport for T {}

/// What receiving gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    Bytes(usize),
    /// Nothing is there now.
    Blocked,
    /// The peer will send no more. Not `clean` where TLS ended without its closing alert: what came may be cut short.
    End {
        clean: bool,
    },
}

impl Stream {
    /// Receives into a buffer that isn't empty.
    pub(crate) fn recv(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        match self {
            Stream::Plain(socket) => received(socket.recv(buffer)),
            Stream::Tls(tls) => tls.recv(buffer),
            Stream::Own(own) => received(honest(buffer.len(), || own.read(buffer))),
        }
    }

    /// As [`Stream::recv`], but may wait for bytes for [`PATIENCE`](crate::sys::PATIENCE), where the stream is plain and
    /// the system knows how: for a driver that has nothing else to wait for.
    pub(crate) fn recv_patiently(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        if let Stream::Plain(socket) = self
            && socket.become_patient()
        {
            return received(socket.recv_patiently(buffer));
        }
        self.recv(buffer)
    }

    /// Sends some of `bytes`; 0 means that nothing can be taken now.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Stream::Plain(socket) => zero_if_full(socket.send(bytes)),
            Stream::Tls(tls) => tls.send(bytes),
            Stream::Own(own) => zero_if_full(honest(bytes.len(), || own.write(bytes))),
        }
    }

    /// Sends what layers still hold. True when nothing is left.
    pub(crate) fn flush(&mut self) -> io::Result<bool> {
        match self {
            Stream::Plain(_) => Ok(true),
            Stream::Tls(tls) => tls.flush(),
            Stream::Own(own) => match honest(0, || own.flush().map(|()| 0)) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
                result => result.map(|_| true),
            },
        }
    }

    /// Whether a kept connection may carry another request: open, and silent but for TLS's own messages.
    pub(crate) fn is_reusable(&mut self) -> bool {
        match self {
            Stream::Plain(socket) => socket.is_quiet(),
            // Session tickets may have come; application bytes, read already or not, or an alert may not.
            Stream::Tls(tls) => matches!(tls.recv(&mut [0u8; 1]), Ok(Received::Blocked)),
            // It can't be replaced anyway.
            Stream::Own(_) => true,
        }
    }

    /// Whether there may be more to receive though the last receive gave nothing.
    pub(crate) fn is_yielding(&self) -> bool {
        match self {
            Stream::Plain(_) | Stream::Own(_) => false,
            Stream::Tls(tls) => tls.is_yielding(),
        }
    }

    /// Whether nothing has come since all was received, as far as is known without a look.
    pub(crate) fn has_no_news(&self) -> bool {
        matches!(self, Stream::Plain(socket) if socket.has_no_news())
    }

    /// Adds what the stream waits for. TLS may have to write before it can read.
    pub(crate) fn interests<'a>(&'a self, interests: &mut dyn Interests<'a>, readable: bool, writable: bool) {
        match self {
            Stream::Plain(socket) => interests.socket(socket, readable, writable),
            Stream::Tls(tls) => tls.interests_of(interests, readable, writable),
            Stream::Own(_) => {}
        }
    }
}

impl fmt::Debug for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stream::Plain(_) => "Plain",
            Stream::Tls(_) => "Tls",
            Stream::Own(_) => "Own",
        })
    }
}

/// A call of the caller's stream, which may break its word: one that is always interrupted has nothing now, and one that
/// claims to have moved more than `most` bytes has failed.
fn honest(most: usize, mut call: impl FnMut() -> io::Result<usize>) -> io::Result<usize> {
    for _ in 0..INTERRUPTIONS {
        match call() {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(count) if count > most => {
                return Err(io::Error::other("the stream claims to have moved more than it was given"));
            }
            result => return result,
        }
    }
    Err(io::ErrorKind::WouldBlock.into())
}

fn zero_if_full(result: io::Result<usize>) -> io::Result<usize> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        result => result,
    }
}

fn received(result: io::Result<usize>) -> io::Result<Received> {
    match result {
        Ok(0) => Ok(Received::End { clean: true }),
        Ok(read) => Ok(Received::Bytes(read)),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(Received::Blocked),
        Err(error) => Err(error),
    }
}

/// The stream below a TLS layer, in the shape that rustls reads from and writes to.
pub(crate) struct Lower<'a>(pub(crate) &'a mut Stream);

impl io::Read for Lower<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.recv(buffer)? {
            Received::Bytes(read) => Ok(read),
            Received::Blocked => Err(io::ErrorKind::WouldBlock.into()),
            Received::End { clean: true } => Ok(0),
            Received::End { clean: false } => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}

impl io::Write for Lower<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.send(bytes)? {
            0 if !bytes.is_empty() => Err(io::ErrorKind::WouldBlock.into()),
            sent => Ok(sent),
        }
    }

    fn write_vectored(&mut self, parts: &[io::IoSlice<'_>]) -> io::Result<usize> {
        match self.0 {
            Stream::Plain(socket) => socket.send_vectored(parts),
            Stream::Tls(_) | Stream::Own(_) => {
                self.write(parts.iter().find(|part| !part.is_empty()).map_or(&[], |part| part))
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
