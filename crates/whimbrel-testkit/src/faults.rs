//! Peers that fail before a byte of HTTP: a port that refuses, a listener that never answers, a server that is too old
//! for TLS 1.2.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

use crate::listener::LOOPBACK;
use crate::raw::{RawServer, Script};

/// An address on loopback where connecting is refused, now and for as long as the process lives.
///
/// # Panics
/// When loopback has no free port.
pub fn refused_addr() -> SocketAddr {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("the system has sockets");
    socket.bind(&LOOPBACK.into()).expect("loopback has a free port");
    let addr = socket.local_addr().ok().and_then(|addr| addr.as_socket()).expect("a bound socket has an address");
    // Bound but not listening: nobody else can be given the port while the socket is kept.
    std::mem::forget(socket);
    addr
}

/// A listener that never accepts and whose queue is full: connecting to it neither succeeds nor fails.
///
/// ```
/// use std::net::TcpStream;
/// use std::time::Duration;
///
/// let hole = whimbrel_testkit::BlackHole::new();
/// assert!(TcpStream::connect_timeout(&hole.addr(), Duration::from_millis(50)).is_err());
/// ```
pub struct BlackHole {
    addr: SocketAddr,
    _listener: Socket,
    _queued: Vec<TcpStream>,
}

impl BlackHole {
    /// Fills the queue of a new listener.
    ///
    /// # Panics
    /// When loopback has no free port, or when the system queues more than 64 connections all the same.
    #[allow(clippy::new_without_default, reason = "opening sockets is no default")]
    pub fn new() -> Self {
        Self::open().expect("a listener whose queue can be filled")
    }

    /// Where nobody answers.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    fn open() -> io::Result<Self> {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        listener.bind(&LOOPBACK.into())?;
        listener.listen(0)?;
        let addr = listener.local_addr()?.as_socket().expect("an IPv4 socket has an IPv4 address");
        let mut queued = Vec::new();
        while queued.len() < 64 {
            match TcpStream::connect_timeout(&addr, Duration::from_millis(100)) {
                Ok(stream) => queued.push(stream),
                Err(_) => return Ok(Self { addr, _listener: listener, _queued: queued }),
            }
        }
        Err(io::Error::other("the system queues connections beyond the backlog"))
    }
}

/// A server that knows nothing newer than TLS 1.0: it reads the client's hello and answers with a TLS 1.0
/// `ServerHello`, which a client that supports TLS 1.2 or newer only must refuse.
///
/// # Panics
/// When loopback has no free port.
pub fn tls10_server() -> RawServer {
    // Record: handshake, TLS 1.0. ServerHello: version 3.1, random, no session, TLS_RSA_WITH_AES_128_CBC_SHA, no
    // compression.
    let mut hello = vec![2, 0, 0, 38, 3, 1];
    hello.extend([0x5a; 32]);
    hello.extend([0, 0, 0x2f, 0]);
    let mut record = vec![22, 3, 1, 0, hello.len() as u8];
    record.extend(hello);
    RawServer::start([Script::new().expect_bytes(5).send(record).wait_for_close()])
}

/// A server that refuses every TLS version a client offers, with the fatal alert `protocol_version` (RFC 8446 §6.2).
///
/// # Panics
/// When loopback has no free port.
pub fn tls_version_refused_server() -> RawServer {
    RawServer::start([Script::new().expect_bytes(5).send([21, 3, 1, 0, 2, 2, 70]).close()])
}
