//! The settings of an origin.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use super::Origin;
use super::connection::{self, Site};
use super::seen::Record;
use crate::authority::{Authority, Identity};
use crate::listener::{LOOPBACK, Listener};
use crate::tls::{TlsVersions, server_config};

/// How an [`Origin`] is set up. Without any setting: plain HTTP on `127.0.0.1`, on a port that the system picks.
///
/// ```
/// use whimbrel_testkit::{Authority, Origin, TlsVersions};
///
/// let authority = Authority::new();
/// let origin = Origin::builder()
///     .tls(authority.issue(&["localhost", "127.0.0.1"]))
///     .tls_versions(TlsVersions::Only12)
///     .client_auth(&authority)
///     .start()
///     .unwrap();
/// assert!(origin.url("/get").starts_with("https://127.0.0.1:"));
/// ```
pub struct OriginBuilder<'a> {
    addr: SocketAddr,
    identity: Option<Identity>,
    versions: TlsVersions,
    clients: Option<&'a Authority>,
    body_cap: usize,
    record: usize,
    requests_per_connection: usize,
}

impl<'a> OriginBuilder<'a> {
    pub(super) fn new() -> Self {
        Self {
            addr: LOOPBACK,
            identity: None,
            versions: TlsVersions::Both,
            clients: None,
            body_cap: 1 << 20,
            record: 4096,
            requests_per_connection: usize::MAX,
        }
    }

    /// Listens here. Default: `127.0.0.1:0`, a port that the system picks.
    pub fn bind(mut self, addr: SocketAddr) -> Self {
        self.addr = addr;
        self
    }

    /// Speaks TLS with this certificate. Default: plain HTTP.
    pub fn tls(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Speaks these versions of TLS. Default: 1.2 and 1.3. Without [`tls`](Self::tls) it changes nothing.
    pub fn tls_versions(mut self, versions: TlsVersions) -> Self {
        self.versions = versions;
        self
    }

    /// Asks every client for a certificate that `authority` issued, and ends the handshake with those who have none.
    /// Without [`tls`](Self::tls) it changes nothing.
    pub fn client_auth(mut self, authority: &'a Authority) -> Self {
        self.clients = Some(authority);
        self
    }

    /// How many bytes of a request's body are kept, and echoed. The rest is counted and hashed. Default: 1 MiB.
    pub fn body_cap(mut self, bytes: usize) -> Self {
        self.body_cap = bytes;
        self
    }

    /// How many of the latest requests are kept for [`Origin::requests`]. Default: 4096, fewer when their bodies take
    /// more than 64 MiB together.
    pub fn record(mut self, requests: usize) -> Self {
        self.record = requests;
        self
    }

    /// Answers this many requests on a connection, the last with `Connection: close`, and closes it. Default: no limit.
    ///
    /// # Panics
    /// When it is 0: a connection answers at least one request.
    pub fn requests_per_connection(mut self, requests: usize) -> Self {
        assert!(requests > 0, "a connection answers at least one request: pass 1 or more");
        self.requests_per_connection = requests;
        self
    }

    /// Starts the origin.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn start(self) -> io::Result<Origin> {
        let config =
            self.identity.as_ref().map(|identity| server_config(identity, self.versions, self.clients, &[b"http/1.1"]));
        let scheme = if config.is_some() { "https" } else { "http" };
        let record = Arc::new(Record::new(self.record));
        let site = Site::new(scheme, config, self.body_cap, self.requests_per_connection, record.clone());
        let listener = Listener::start(self.addr, "origin", move |stream, index, stop| {
            connection::serve(&site, stream, index, stop);
        })?;
        Ok(Origin { listener, record, scheme })
    }
}
