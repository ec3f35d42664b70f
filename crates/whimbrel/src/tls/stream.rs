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
    /// What it carried was no TLS any more; likewise.
    failed: Option<rustls::Error>,
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
        Ok(Self { session, lower, ended: false, failed: None, generation: fork::generation(), is_yielding: false })
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
            if let Some(error) = &self.failed {
                return Err(io::Error::other(error.clone()));
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
            // What came before the error is read first.
            self.failed = self.session.process_new_packets().err();
            // Key updates and the like may ask for an answer. Where nothing can be sent any more, what has come is still
            // worth reading: a response that says why, say. Who sends hears of it.
            let _ = self.flush();
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

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::{Mutex, MutexGuard};

    use rustls::{ServerConfig, ServerConnection};
    use whimbrel_testkit::Authority;

    use super::super::{TlsConfigs, TlsOptions};
    use super::*;

    /// What is on its way between the two.
    #[derive(Default)]
    struct Wire {
        to_client: VecDeque<u8>,
        to_server: VecDeque<u8>,
        is_broken: bool,
    }

    #[derive(Clone, Default)]
    struct End(Arc<Mutex<Wire>>);

    impl End {
        fn wire(&self) -> MutexGuard<'_, Wire> {
            self.0.lock().unwrap()
        }
    }

    impl io::Read for End {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let mut wire = self.wire();
            if wire.to_client.is_empty() { Err(io::ErrorKind::WouldBlock.into()) } else { wire.to_client.read(buffer) }
        }
    }

    impl io::Write for End {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut wire = self.wire();
            if wire.is_broken { Err(io::ErrorKind::BrokenPipe.into()) } else { wire.to_server.write(bytes) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Pair {
        client: TlsStream,
        server: ServerConnection,
        end: End,
    }

    impl Pair {
        fn new() -> Self {
            let authority = Authority::new();
            let identity = authority.issue(&["a.test"]);
            let config = ServerConfig::builder_with_provider(super::super::config::provider())
                .with_safe_default_protocol_versions()
                .unwrap()
                .with_no_client_auth()
                .with_single_cert(identity.cert_chain().to_vec(), identity.key())
                .unwrap();
            let options = TlsOptions::new().only_roots(authority.ca_pem());
            let end = End::default();
            let lower = Stream::Own(Box::new(end.clone()));
            let host = Host::Domain("a.test".into());
            let client = TlsStream::new(TlsConfigs::default().get(&options).unwrap(), &host, lower).unwrap();
            let mut pair = Self { client, server: ServerConnection::new(Arc::new(config)).unwrap(), end };
            while !pair.client.handshake().unwrap() || pair.server.is_handshaking() {
                pair.client.flush().unwrap();
                pair.serve();
            }
            pair
        }

        /// The server's turn.
        fn serve(&mut self) {
            let mut wire = self.end.wire();
            while !wire.to_server.is_empty() {
                self.server.read_tls(&mut wire.to_server).unwrap();
                self.server.process_new_packets().unwrap();
            }
            while self.server.wants_write() {
                self.server.write_tls(&mut wire.to_client).unwrap();
            }
        }

        fn say(&mut self, text: &str) {
            self.server.writer().write_all(text.as_bytes()).unwrap();
            self.serve();
        }

        fn hear(&mut self) -> io::Result<Vec<u8>> {
            let mut buffer = [0; 64];
            match self.client.recv(&mut buffer)? {
                Received::Bytes(count) => Ok(buffer[..count].to_vec()),
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn what_came_before_a_broken_record_is_given() {
        let mut pair = Pair::new();
        pair.say("hello");
        pair.end.wire().to_client.extend([23, 3, 3, 0, 32].into_iter().chain([0; 32]));
        assert_eq!(pair.hear().unwrap(), b"hello");
        for _ in 0..2 {
            assert!(is_tls(&pair.hear().unwrap_err()));
        }
    }

    #[test]
    fn what_came_is_given_though_nothing_can_be_sent_any_more() {
        let mut pair = Pair::new();
        pair.say("too large");
        pair.end.wire().is_broken = true;
        assert!(pair.client.send(b"a long body").is_err());
        assert_eq!(pair.hear().unwrap(), b"too large");
    }
}
