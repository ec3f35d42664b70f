//! One accepted connection, plain or under TLS, that two threads may use at once: one reads while the other writes.
//!
//! It moves bytes and ends connections in the ways a peer can; it never knows what the bytes mean.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection};

/// What is read from the socket at a time: a little over one full TLS record.
const CIPHERTEXT_BYTES: usize = 18 * 1024;

/// How much a peer may still send, and how long it may take, while its connection is being closed.
const LINGER_BYTES: usize = 16 << 20;
const LINGER_TIME: Duration = Duration::from_secs(1);

pub(crate) struct Wire {
    tcp: Arc<TcpStream>,
    tls: Option<Tls>,
}

struct Tls {
    session: Mutex<ServerConnection>,
    unread: Mutex<Ciphertext>,
}

/// Bytes of the socket that the session has not taken yet.
struct Ciphertext {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl Wire {
    pub(crate) fn plain(tcp: Arc<TcpStream>) -> Self {
        Self { tcp, tls: None }
    }

    /// Shakes hands as a server. The alert of a failed handshake has been sent when this returns.
    pub(crate) fn accept_tls(tcp: Arc<TcpStream>, config: Arc<ServerConfig>) -> io::Result<Self> {
        let session = ServerConnection::new(config).map_err(io::Error::other)?;
        let unread = Ciphertext { bytes: vec![0; CIPHERTEXT_BYTES].into(), start: 0, end: 0 };
        let tls = Tls { session: Mutex::new(session), unread: Mutex::new(unread) };
        let wire = Self { tcp, tls: Some(tls) };
        match wire.shake_hands() {
            Ok(()) => Ok(wire),
            Err(error) => {
                // The alert has been written: a close with unread bytes must not overtake it.
                let _ = wire.tcp.shutdown(Shutdown::Write);
                wire.drain();
                Err(error)
            }
        }
    }

    pub(crate) fn accept(tcp: Arc<TcpStream>, config: Option<&Arc<ServerConfig>>) -> io::Result<Self> {
        match config {
            Some(config) => Self::accept_tls(tcp, config.clone()),
            None => Ok(Self::plain(tcp)),
        }
    }

    pub(crate) fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    pub(crate) fn peer_ip(&self) -> IpAddr {
        self.tcp.peer_addr().map_or(Ipv4Addr::UNSPECIFIED.into(), |addr| addr.ip())
    }

    /// Looks at the TLS session, where there is one.
    pub(crate) fn with_tls<T>(&self, look: impl FnOnce(&ServerConnection) -> T) -> Option<T> {
        self.tls.as_ref().map(|tls| look(&lock(&tls.session)))
    }

    /// Says that nothing more will be written: `close_notify` under TLS, then FIN.
    pub(crate) fn finish_writing(&self) {
        if let Some(tls) = &self.tls {
            let mut session = lock(&tls.session);
            session.send_close_notify();
            let _ = self.flush_session(&mut session);
        }
        let _ = self.tcp.shutdown(Shutdown::Write);
    }

    /// Ends the connection without losing what was written: a close with unread bytes would turn into a reset.
    pub(crate) fn close(&self) {
        self.finish_writing();
        self.drain();
    }

    fn drain(&self) {
        let _ = self.tcp.set_read_timeout(Some(LINGER_TIME));
        let mut scrap = [0; 16 * 1024];
        let mut left = LINGER_BYTES;
        while let Ok(read @ 1..) = (&*self.tcp).read(&mut scrap) {
            let Some(rest) = left.checked_sub(read) else { break };
            left = rest;
        }
    }

    /// Makes the coming close a reset (RST), so that bytes under way may be lost.
    pub(crate) fn reset_on_close(&self) {
        let _ = socket2::SockRef::from(&*self.tcp).set_linger(Some(Duration::ZERO));
    }

    fn shake_hands(&self) -> io::Result<()> {
        let Some(tls) = &self.tls else { return Ok(()) };
        let mut unread = lock(&tls.unread);
        while lock(&tls.session).is_handshaking() {
            if !self.feed(tls, &mut unread)? {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(())
    }

    /// Gives the session some ciphertext. Returns `false` when the socket has ended. The session is not locked while
    /// the socket is being waited for, so that another thread may write.
    fn feed(&self, tls: &Tls, unread: &mut Ciphertext) -> io::Result<bool> {
        if unread.start == unread.end {
            unread.start = 0;
            unread.end = (&*self.tcp).read(&mut unread.bytes)?;
        }
        let ended = unread.end == 0;
        let mut session = lock(&tls.session);
        unread.start += session.read_tls(&mut &unread.bytes[unread.start..unread.end])?;
        let processed = session.process_new_packets();
        let flushed = self.flush_session(&mut session);
        processed.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        flushed?;
        Ok(!ended)
    }

    fn read_tls(&self, tls: &Tls, buf: &mut [u8]) -> io::Result<usize> {
        let mut unread = lock(&tls.unread);
        loop {
            match lock(&tls.session).reader().read(buf) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                // A client that leaves without close_notify has left all the same.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(0),
                read => return read,
            }
            self.feed(tls, &mut unread)?;
        }
    }

    fn flush_session(&self, session: &mut ServerConnection) -> io::Result<()> {
        while session.wants_write() {
            session.write_tls(&mut &*self.tcp)?;
        }
        Ok(())
    }
}

impl Read for &Wire {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        match &self.tls {
            Some(tls) => self.read_tls(tls, buf),
            None => (&*self.tcp).read(buf),
        }
    }
}

impl Write for &Wire {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let Some(tls) = &self.tls else { return (&*self.tcp).write(buf) };
        let mut session = lock(&tls.session);
        let written = session.writer().write(buf)?;
        self.flush_session(&mut session)?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no thread panics while it holds this lock")
}
