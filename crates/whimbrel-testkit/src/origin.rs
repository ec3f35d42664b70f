//! An HTTP/1.1 origin with httpbin's endpoints and JSON shapes, over HTTP or HTTPS, that keeps what it was asked.
//!
//! It answers as the RFCs say and never on purpose wrongly: faults are what [`RawServer`](crate::RawServer) is for.

mod auth;
mod builder;
mod bytes;
mod caching;
mod coding;
mod connection;
mod content;
mod cookies;
mod date;
mod digest;
mod events;
mod form;
mod inspect;
mod range;
mod redirect;
pub(crate) mod reply;
pub(crate) mod request;
mod rest;
mod route;
mod seen;
mod status;

use std::net::{Ipv4Addr, SocketAddr};

pub use self::builder::OriginBuilder;
pub use self::bytes::bytes_of_seed;
pub use self::seen::Seen;

use self::seen::Record;
use crate::authority::Authority;
use crate::listener::Listener;

/// An origin server on loopback. It stops when it is dropped.
///
/// ```
/// use std::io::{Read, Write};
///
/// let origin = whimbrel_testkit::Origin::http();
/// let mut client = std::net::TcpStream::connect(origin.addr()).unwrap();
/// client.write_all(b"GET /get?a=1 HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n").unwrap();
/// let mut reply = String::new();
/// client.read_to_string(&mut reply).unwrap();
/// assert!(reply.starts_with("HTTP/1.1 200 OK\r\n"));
/// assert!(reply.contains("\"url\": \"http://a.test/get?a=1\""));
/// assert_eq!(origin.requests()[0].target, "/get?a=1");
/// ```
pub struct Origin {
    listener: Listener,
    record: std::sync::Arc<Record>,
    scheme: &'static str,
}

impl Origin {
    /// An origin over plain HTTP.
    ///
    /// # Panics
    /// When loopback has no free port.
    pub fn http() -> Self {
        Self::builder().start().expect("loopback has a free port")
    }

    /// An origin over HTTPS, with a certificate for `names` that `authority` issues.
    ///
    /// # Panics
    /// When loopback has no free port, or when a name is not ASCII.
    pub fn https(authority: &Authority, names: &[&str]) -> Self {
        Self::builder().tls(authority.issue(names)).start().expect("loopback has a free port")
    }

    /// An origin with other settings.
    pub fn builder<'a>() -> OriginBuilder<'a> {
        OriginBuilder::new()
    }

    /// Where the origin listens.
    pub fn addr(&self) -> SocketAddr {
        self.listener.addr()
    }

    /// The URL of `path`, which begins with a slash. Its host is the address that the origin listens on; a certificate
    /// covers it only when it was among the names.
    pub fn url(&self, path: &str) -> String {
        let mut addr = self.addr();
        if addr.ip().is_unspecified() {
            addr.set_ip(Ipv4Addr::LOCALHOST.into());
        }
        format!("{}://{addr}{path}", self.scheme)
    }

    /// The URL of `path` under another name of this origin, such as `a.test`, for clients with a resolver override.
    pub fn url_at(&self, host: &str, path: &str) -> String {
        format!("{}://{host}:{}{path}", self.scheme, self.addr().port())
    }

    /// The latest requests in the order in which they were read: by default 4096, see [`OriginBuilder::record`].
    pub fn requests(&self) -> Vec<Seen> {
        self.record.latest()
    }

    /// How many requests have been read in all.
    pub fn request_count(&self) -> usize {
        self.record.count()
    }

    /// How many connections have been accepted, those included whose TLS handshake failed.
    pub fn connections(&self) -> usize {
        self.listener.accepted()
    }

    /// Whether any head or kept body of [`requests`](Self::requests) holds these bytes: for tests that a secret never
    /// came.
    pub fn saw(&self, bytes: impl AsRef<[u8]>) -> bool {
        let bytes = bytes.as_ref();
        let holds = |text: &[u8]| memchr::memmem::find(text, bytes).is_some();
        self.requests().iter().any(|seen| holds(&seen.head) || holds(&seen.body))
    }
}
