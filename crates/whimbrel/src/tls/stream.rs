//! A TLS client over a stream, stepped by whoever owns it.

use std::io::{self, Read as _, Write as _};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use whimbrel_proto::{Error, Host, Kind, Phase, Result};

use super::refusal;
use crate::fork;
use crate::stream::{Lower, Received, Stream};
use crate::sys::Interests;

/// How often the stream below is read for one byte of plaintext before others have their turn.
const READS: usize = 64;

#[derive(Debug)]
pub(crate) struct TlsStream {
    session: ClientConnection,
    lower: Stream,
    /// The stream below has ended; what is buffered may still be read.
    ended: bool,
    /// The process generation that made it.
    generation: u32,
    /// The last receive stopped before the stream below was dry.
    is_yielding: bool,
}

impl TlsStream {
    /// A client towards `host`, which its certificate must name.
    pub(crate) fn new(config: Arc<ClientConfig>, host: &Host, lower: Stream) -> Result<Self> {
        let name = match host {
            // SNI and certificates know no trailing dot (RFC 6066 §3).
            Host::Domain(name) => ServerName::try_from(name.strip_suffix('.').unwrap_or(name).to_owned())
                .map_err(|error| Error::new(Kind::Tls, Phase::Tls, "the host is no name for TLS").with_source(error))?,
            Host::V4(addr) => ServerName::from(std::net::IpAddr::from(*addr)),
            Host::V6(addr) => ServerName::from(std::net::IpAddr::from(*addr)),
        };
        let session = ClientConnection::new(config, name).map_err(|error| refusal::error(&error))?;
        Ok(Self { session, lower, ended: false, generation: fork::generation(), is_yielding: false })
    }

    /// Goes on with the handshake. True when it is done; what is left to send then goes out with the first bytes.
    pub(crate) fn handshake(&mut self) -> Result<bool> {
        loop {
            if !self.session.is_handshaking() {
                return Ok(true);
            }
            while self.session.wants_write() {
                match self.session.write_tls(&mut Lower(&mut self.lower)) {
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) => return Err(broken(error)),
                }
            }
            if !self.session.is_handshaking() {
                return Ok(true);
            }
            match self.session.read_tls(&mut Lower(&mut self.lower)) {
                Ok(0) => {
                    let detail = "the peer closed the connection in the TLS handshake";
                    return Err(Error::new(Kind::Tls, Phase::Tls, detail));
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(broken(error)),
            }
            if let Err(error) = self.session.process_new_packets() {
                // The alert that tells the peer why; whether it gets there is its own affair.
                let _ = self.session.write_tls(&mut Lower(&mut self.lower));
                return Err(refusal::error(&error));
            }
        }
    }

    pub(crate) fn recv(&mut self, buffer: &mut [u8]) -> io::Result<Received> {
        // A peer that sends empty records on end must not keep the driver from its deadlines: what is left in the socket
        // ends the next wait at once.
        self.is_yielding = false;
        for _ in 0..READS {
            match self.session.reader().read(buffer) {
                Ok(0) => return Ok(Received::End { clean: true }),
                Ok(read) => return Ok(Received::Bytes(read)),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                    return Ok(Received::End { clean: false });
                }
                Err(error) => return Err(error),
            }
            if self.ended {
                return Ok(Received::End { clean: false });
            }
            match self.session.read_tls(&mut Lower(&mut self.lower)) {
                Ok(0) => self.ended = true,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Received::Blocked),
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => self.ended = true,
                Err(error) => return Err(error),
            }
            self.session.process_new_packets().map_err(io::Error::other)?;
            // Key updates and the like may ask for an answer.
            self.flush()?;
        }
        self.is_yielding = true;
        Ok(Received::Blocked)
    }

    /// Whether the last receive stopped though there may be more.
    pub(crate) fn is_yielding(&self) -> bool {
        self.is_yielding || self.lower.is_yielding()
    }

    /// Takes bytes into rustls' own buffer (bounded at 64 KiB) and sends what goes: together with a handshake's last
    /// message, if that still waits.
    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.session.writer().write(bytes)?;
        if !self.flush()? || sent > 0 {
            return Ok(sent);
        }
        let sent = self.session.writer().write(bytes)?;
        self.flush()?;
        Ok(sent)
    }

    pub(crate) fn flush(&mut self) -> io::Result<bool> {
        while self.session.wants_write() {
            match self.session.write_tls(&mut Lower(&mut self.lower)) {
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Adds what the handshake waits for.
    pub(crate) fn interests<'a>(&'a self, interests: &mut dyn Interests<'a>) {
        self.interests_of(interests, true, false);
    }

    /// Adds what its stream waits for. TLS may have to write before it can read.
    pub(crate) fn interests_of<'a>(&'a self, interests: &mut dyn Interests<'a>, readable: bool, writable: bool) {
        self.lower.interests(interests, readable, writable || self.session.wants_write());
    }
}

impl Drop for TlsStream {
    /// Says goodbye (RFC 8446 §6.1), if that goes out at once; a forked child has nothing to say on its parent's stream.
    fn drop(&mut self) {
        if !self.ended && !self.session.is_handshaking() && self.generation == fork::generation() {
            self.session.send_close_notify();
            let _ = self.flush();
        }
    }
}

/// Whether it is TLS that an error of a stream is about, rather than the connection below.
pub(crate) fn is_tls(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
}

#[cold]
fn broken(error: io::Error) -> Error {
    Error::new(Kind::Tls, Phase::Tls, format!("the connection broke in the TLS handshake ({error})")).with_source(error)
}
