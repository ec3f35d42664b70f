//! Proxies that keep every byte that each peer saw: HTTP (forwarding and CONNECT), the same under TLS, and SOCKS 4, 4a
//! and 5.
//!
//! They connect to loopback and to the addresses they were given for a name, and nowhere else: no name is ever looked
//! up.

mod builder;
mod http;
mod log;
mod peer;
mod socks;
mod tunnel;

use std::net::SocketAddr;
use std::sync::Arc;

pub use self::builder::ProxyBuilder;
pub use self::log::Proxied;

use self::log::Log;
use crate::authority::Authority;
use crate::listener::Listener;

/// A proxy on loopback. It stops when it is dropped.
///
/// ```
/// use std::io::{Read, Write};
/// use whimbrel_testkit::{Origin, Proxy};
///
/// let origin = Origin::http();
/// let proxy = Proxy::builder().map("a.test:80", origin.addr()).start().unwrap();
/// let mut client = std::net::TcpStream::connect(proxy.addr()).unwrap();
/// client.write_all(b"GET http://a.test/ip HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n").unwrap();
/// let mut reply = String::new();
/// client.read_to_string(&mut reply).unwrap();
/// assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"));
/// assert_eq!(proxy.log()[0].targets, ["a.test:80"]);
/// assert_eq!(origin.requests()[0].target, "/ip");
/// ```
pub struct Proxy {
    listener: Listener,
    log: Arc<Log>,
    scheme: &'static str,
}

/// How a proxy goes wrong on purpose.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ProxyFault {
    /// Refuses every target: an HTTP proxy with this status, a SOCKS 5 proxy with its low byte as the reply code, a
    /// SOCKS 4 proxy with code 91.
    Refuse(u16),
    /// Answers every CONNECT or SOCKS request with these bytes instead, and closes.
    Answer(Vec<u8>),
    /// Sends these bytes in one piece with the reply that grants a tunnel, as if the target had spoken first.
    EarlyBytes(Vec<u8>),
    /// Sends each byte of its own replies in a segment of its own.
    SplitReplies,
    /// Begins its SOCKS replies with a version that does not exist.
    WrongVersion,
    /// Closes in the middle of the reply that grants a tunnel.
    CloseMidReply,
    /// Closes after this many bytes of the target have been passed on.
    CutAfter(u64),
    /// Never answers a CONNECT or SOCKS request.
    Silent,
}

impl Proxy {
    /// An HTTP proxy: it forwards absolute-form requests (RFC 9112 §3.2.2) and opens tunnels (RFC 9110 §9.3.6).
    ///
    /// # Panics
    /// When loopback has no free port.
    pub fn http() -> Self {
        Self::builder().start().expect("loopback has a free port")
    }

    /// An HTTP proxy that clients speak TLS to, with a certificate for `names` that `authority` issues.
    ///
    /// # Panics
    /// When loopback has no free port, or when a name is not ASCII.
    pub fn https(authority: &Authority, names: &[&str]) -> Self {
        Self::builder().tls(authority.issue(names)).start().expect("loopback has a free port")
    }

    /// A SOCKS proxy: 4, 4a and 5 (RFC 1928), as the client begins.
    ///
    /// # Panics
    /// When loopback has no free port.
    pub fn socks() -> Self {
        Self::builder().socks().start().expect("loopback has a free port")
    }

    /// A proxy with other settings.
    pub fn builder() -> ProxyBuilder {
        ProxyBuilder::new()
    }

    /// Where the proxy listens.
    pub fn addr(&self) -> SocketAddr {
        self.listener.addr()
    }

    /// The proxy's URL: `http://`, `https://` or `socks5h://` and its address.
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.addr())
    }

    /// How many connections have been accepted.
    pub fn accepted(&self) -> usize {
        self.listener.accepted()
    }

    /// What went over each connection, in the order in which they were accepted.
    pub fn log(&self) -> Vec<Proxied> {
        self.log.snapshot()
    }

    /// All that clients sent to the proxy itself, one connection behind the other: heads and handshakes, not what went
    /// through a tunnel.
    pub fn seen_by_proxy(&self) -> Vec<u8> {
        self.log().into_iter().flat_map(|proxied| proxied.to_proxy).collect()
    }

    /// All that the proxy passed on to targets, one connection behind the other.
    pub fn seen_by_targets(&self) -> Vec<u8> {
        self.log().into_iter().flat_map(|proxied| proxied.to_target).collect()
    }
}
