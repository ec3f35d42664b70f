//! The settings of a proxy, and how each of its connections begins.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use super::log::Log;
use super::peer::{Peer, Settings};
use super::{Proxy, ProxyFault, http, socks};
use crate::authority::Identity;
use crate::listener::{LOOPBACK, Listener};
use crate::tls::{TlsVersions, server_config};
use crate::wire::Wire;

/// How a [`Proxy`] is set up. Without any setting: an HTTP proxy on `127.0.0.1` that wants no credentials.
pub struct ProxyBuilder {
    addr: SocketAddr,
    identity: Option<Identity>,
    socks: bool,
    settings: Settings,
}

impl ProxyBuilder {
    pub(super) fn new() -> Self {
        let settings = Settings { credentials: None, map: HashMap::new(), fault: None };
        Self { addr: LOOPBACK, identity: None, socks: false, settings }
    }

    /// Listens here. Default: `127.0.0.1:0`, a port that the system picks.
    pub fn bind(mut self, addr: SocketAddr) -> Self {
        self.addr = addr;
        self
    }

    /// Speaks SOCKS instead of HTTP.
    pub fn socks(mut self) -> Self {
        self.socks = true;
        self
    }

    /// Speaks TLS to its clients, with this certificate.
    pub fn tls(mut self, identity: Identity) -> Self {
        self.identity = Some(identity);
        self
    }

    /// Wants these credentials: by Basic (RFC 7617), by SOCKS 5 user name and password (RFC 1929), or as a SOCKS 4 user
    /// id, which has no password.
    pub fn credentials(mut self, user: &str, password: &str) -> Self {
        self.settings.credentials = Some((user.to_owned(), password.to_owned()));
        self
    }

    /// Connects to `addr` for the target `authority`, a host and a port such as `a.test:443`.
    ///
    /// # Panics
    /// When there is no port.
    pub fn map(mut self, authority: &str, addr: SocketAddr) -> Self {
        let has_port = authority.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        assert!(has_port, "a proxy's target has a port: pass \"{authority}:443\", for instance");
        self.settings.map.insert(authority.to_ascii_lowercase(), addr);
        self
    }

    /// Goes wrong in this way, on every connection.
    pub fn fault(mut self, fault: ProxyFault) -> Self {
        self.settings.fault = Some(fault);
        self
    }

    /// Starts the proxy.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub fn start(self) -> io::Result<Proxy> {
        let config =
            self.identity.as_ref().map(|identity| server_config(identity, TlsVersions::Both, None, &[b"http/1.1"]));
        let scheme = match (self.socks, &config) {
            (true, _) => "socks5h",
            (false, Some(_)) => "https",
            (false, None) => "http",
        };
        let log = Arc::new(Log::default());
        let serve_peer = if self.socks { socks::serve } else { http::serve };
        let (settings, peer_log) = (self.settings, log.clone());
        let listener = Listener::start(self.addr, "proxy", move |stream, index, stop| {
            let entry = peer_log.open(index);
            let Ok(wire) = Wire::accept(stream, config.as_ref()) else { return };
            let wire = Arc::new(wire);
            let mut peer = Peer::new(wire.clone(), &settings, &entry, stop);
            // Whatever ends a connection is in its log; the client sees it closed.
            let _ = serve_peer(&mut peer);
            wire.close();
        })?;
        Ok(Proxy { listener, log, scheme })
    }
}
