//! A caller's own StreamPeer as the bytes under a connection. It moves bytes, and tells "nothing now" from "the end";
//! it never waits.

use std::io::{self, Read, Write};

use godot::classes::StreamPeer;
use godot::global::Error;
use godot::prelude::*;

use super::arguments::Carried;

/// How much is handed to a StreamPeer at once: it comes to it in an array of its own.
const PIECE: usize = 64 << 10;

/// A StreamPeer, read and written.
pub(crate) struct Peer {
    peer: Carried<Gd<StreamPeer>>,
    /// Sockets and TLS must be stepped, and say what they are at.
    is_socket: bool,
}

/// What a socket's `get_status()` says: StreamPeerTCP's and StreamPeerTLS's numbers are the same.
enum Readiness {
    Gone,
    NotYet,
    Ready,
    Failed,
}

impl Peer {
    pub(crate) fn new(peer: Gd<StreamPeer>) -> Self {
        let is_socket =
            ["StreamPeerSocket", "StreamPeerTCP", "StreamPeerTLS"].iter().any(|class| peer.is_class(*class));
        Self { peer: Carried(peer), is_socket }
    }

    fn step(&mut self) -> Readiness {
        if !self.is_socket {
            return Readiness::Ready;
        }
        let peer = &mut self.peer.0;
        peer.call("poll", &[]);
        match peer.call("get_status", &[]).try_to::<i64>() {
            Ok(0) => Readiness::Gone,
            Ok(1) => Readiness::NotYet,
            Ok(2) => Readiness::Ready,
            _ => Readiness::Failed,
        }
    }
}

impl Read for Peer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.step() {
            Readiness::Ready => {}
            Readiness::NotYet => return Err(io::ErrorKind::WouldBlock.into()),
            Readiness::Gone => return Ok(0),
            Readiness::Failed => return Err(io::ErrorKind::ConnectionReset.into()),
        }
        let wanted = i32::try_from(buffer.len()).unwrap_or(i32::MAX);
        let answer = self.peer.0.get_partial_data(wanted);
        let error = error_of(&answer);
        let bytes = answer.get(1).and_then(|bytes| bytes.try_to::<PackedByteArray>().ok()).unwrap_or_default();
        if !bytes.is_empty() {
            let count = bytes.len().min(buffer.len());
            buffer[..count].copy_from_slice(&bytes.as_slice()[..count]);
            return Ok(count);
        }
        match error {
            Error::OK | Error::ERR_BUSY => Err(io::ErrorKind::WouldBlock.into()),
            Error::ERR_FILE_EOF => Ok(0),
            error => Err(failed("get_partial_data", error)),
        }
    }
}

impl Write for Peer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.step() {
            Readiness::Ready => {}
            Readiness::NotYet => return Err(io::ErrorKind::WouldBlock.into()),
            Readiness::Gone | Readiness::Failed => return Err(io::ErrorKind::ConnectionReset.into()),
        }
        let piece = &bytes[..bytes.len().min(PIECE)];
        let answer = self.peer.0.put_partial_data(&PackedByteArray::from(piece));
        let error = error_of(&answer);
        let sent = answer.get(1).and_then(|sent| sent.try_to::<i64>().ok()).unwrap_or(0);
        match usize::try_from(sent) {
            Ok(sent) if sent > 0 => Ok(sent.min(piece.len())),
            _ if matches!(error, Error::OK | Error::ERR_BUSY) => Err(io::ErrorKind::WouldBlock.into()),
            _ => Err(failed("put_partial_data", error)),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn error_of(answer: &VarArray) -> Error {
    answer.get(0).and_then(|error| error.try_to::<Error>().ok()).unwrap_or(Error::FAILED)
}

#[cold]
fn failed(method: &str, error: Error) -> io::Error {
    io::Error::other(format!(
        "the StreamPeer's {method}() answered {}",
        godot::global::error_string(error.ord() as i64)
    ))
}
