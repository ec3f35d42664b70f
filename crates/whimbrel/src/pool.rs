//! Kept connections, found by identity: a value that holds everything that makes two connections different. An option
//! that matters joins the key by construction.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use whimbrel_proto::exchange::Route;
use whimbrel_proto::{Error, Kind, Origin, Phase, Result};

use crate::buffer::Buffer;
use crate::overrides::Overrides;
use crate::stream::{Received, Stream};
use crate::tls::TlsOptions;

/// What makes two connections different within a session; sessions have a pool each.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    /// The origin; none where a proxy forwards, whose connection serves all.
    pub(crate) origin: Option<Arc<Origin>>,
    /// The proxy with its credentials, and whether it forwards or tunnels.
    pub(crate) route: Route,
    /// The address that stands in for the own one of the name that is dialled.
    pub(crate) addr: Option<SocketAddr>,
    /// The address that a proxy is asked for instead of the name's own, where names are looked up here.
    pub(crate) asked: Option<SocketAddr>,
    /// Trust, client certificate and verification; the default for plain connections.
    pub(crate) tls: TlsOptions,
    /// Who steps it: an idle connection stays with the driver that made it.
    pub(crate) driver: Driver,
}

/// Who steps a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Driver {
    /// The thread of the call.
    Caller,
    /// The I/O thread.
    Io,
}

impl Identity {
    pub(crate) fn new(
        origin: &Arc<Origin>,
        route: &Route,
        overrides: &Overrides,
        tls: &TlsOptions,
        driver: Driver,
    ) -> Self {
        use whimbrel_proto::Scheme;
        use whimbrel_proto::proxy::ProxyScheme;
        let asked = match route {
            Route::Tunnel(proxy) if proxy.resolves_here() => overrides.get(&origin.host, origin.port),
            _ => None,
        };
        let (origin_key, dialled) = match route {
            Route::Direct => (Some(origin.clone()), overrides.get(&origin.host, origin.port)),
            Route::Tunnel(proxy) => (Some(origin.clone()), overrides.get(proxy.host(), proxy.port())),
            Route::Forward(proxy) => (None, overrides.get(proxy.host(), proxy.port())),
        };
        let proxy_is_secure = match route {
            Route::Direct => false,
            Route::Forward(proxy) | Route::Tunnel(proxy) => proxy.scheme() == ProxyScheme::Https,
        };
        let is_secure = proxy_is_secure || origin.scheme == Scheme::Https;
        let tls = if is_secure { tls.clone() } else { TlsOptions::default() };
        Self { origin: origin_key, route: route.clone(), addr: dialled, asked, tls, driver }
    }
}

/// A connection and what it is good for.
pub(crate) struct Connection {
    pub(crate) stream: Stream,
    pub(crate) identity: Identity,
    /// Empty between requests, kept for its memory.
    pub(crate) input: Buffer,
    /// Likewise.
    pub(crate) output: Vec<u8>,
    /// The process generation that made it: a forked child never touches its parent's.
    pub(crate) generation: u32,
}

impl Connection {
    /// Bytes that came, those that wait in `input` first; 0: nothing now.
    ///
    /// # Errors
    /// [`Kind::Empty`]: the peer has ended the stream. [`Kind::Truncated`]: likewise, without TLS' goodbye.
    pub(crate) fn read_raw(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let filled = self.input.filled();
        if !filled.is_empty() {
            let count = filled.len().min(buffer.len());
            buffer[..count].copy_from_slice(&filled[..count]);
            self.input.consume(count);
            return Ok(count);
        }
        if buffer.is_empty() {
            return Ok(0);
        }
        match self.stream.recv(buffer) {
            Ok(Received::Bytes(count)) => Ok(count),
            Ok(Received::Blocked) => Ok(0),
            Ok(Received::End { clean: true }) => Err(Error::new(Kind::Empty, Phase::Body, "the peer ended the stream")),
            Ok(Received::End { clean: false }) => {
                Err(Error::new(Kind::Truncated, Phase::Body, "the stream broke off without TLS' goodbye"))
            }
            Err(error) => Err(Error::new(Kind::Receive, Phase::Body, error.to_string()).with_source(error)),
        }
    }

    /// Receives once into `input`, if nothing is there; how many bytes are there then.
    ///
    /// # Errors
    /// As [`Connection::read_raw`].
    pub(crate) fn fetch(&mut self) -> Result<usize> {
        if self.input.filled().is_empty() {
            let mut input = std::mem::take(&mut self.input);
            let read = self.read_raw(input.space());
            self.input = input;
            self.input.filled_more(read?);
        }
        Ok(self.input.filled().len())
    }
}

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolLimits {
    pub(crate) max_idle: usize,
    pub(crate) max_idle_per_host: usize,
    pub(crate) idle_for: Duration,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self { max_idle: 64, max_idle_per_host: 16, idle_for: Duration::from_secs(55) }
    }
}

/// The idle connections of one session.
pub(crate) struct Pool {
    limits: PoolLimits,
    /// At least so many to one origin, and in all, where anything is kept.
    floor: [AtomicUsize; 2],
    /// With the time since when; the one used last is at the end.
    /// Boxed, because they move from request to request.
    idle: Mutex<Vec<(Box<Connection>, Instant)>>,
}

impl Pool {
    pub(crate) fn new(limits: PoolLimits) -> Self {
        Self { limits, floor: Default::default(), idle: Mutex::default() }
    }

    /// Keeps at least so many from now on, unless nothing is kept at all.
    pub(crate) fn raise(&self, per_host: usize, total: usize) {
        self.floor[0].store(per_host, Ordering::Relaxed);
        self.floor[1].store(total, Ordering::Relaxed);
    }

    /// A connection of exactly this identity that is still open and silent, the one used last first.
    ///
    /// `may_repeat`: a request that can be sent again if the connection is dead after all. The connection is then not
    /// looked at where the reactor would have told if anything had come.
    pub(crate) fn take(&self, identity: &Identity, now: Instant, may_repeat: bool) -> Option<Box<Connection>> {
        let generation = crate::fork::generation();
        loop {
            let mut connection = {
                let mut idle = self.lock();
                let too_old = |since: Instant| now.saturating_duration_since(since) >= self.limits.idle_for;
                if idle.first().is_some_and(|(other, since)| too_old(*since) || other.generation != generation) {
                    idle.retain(|(other, since)| !too_old(*since) && other.generation == generation);
                }
                let index = idle.iter().rposition(|(other, _)| other.identity == *identity)?;
                idle.remove(index).0
            };
            if (may_repeat && connection.stream.has_no_news()) || connection.stream.is_reusable() {
                return Some(connection);
            }
        }
    }

    /// Keeps a connection for the next request, within the limits: the oldest goes first.
    pub(crate) fn put(&self, connection: Box<Connection>, now: Instant) {
        if self.limits.max_idle == 0 || self.limits.max_idle_per_host == 0 {
            return;
        }
        let per_host = self.limits.max_idle_per_host.max(self.floor[0].load(Ordering::Relaxed));
        let total = self.limits.max_idle.max(self.floor[1].load(Ordering::Relaxed));
        let mut idle = self.lock();
        if idle.len() >= per_host {
            let same = |(other, _): &(Box<Connection>, Instant)| other.identity == connection.identity;
            if idle.iter().filter(|other| same(other)).count() >= per_host
                && let Some(oldest) = idle.iter().position(same)
            {
                idle.remove(oldest);
            }
        }
        if idle.len() >= total {
            idle.remove(0);
        }
        idle.push((connection, now));
    }

    /// Closes all idle connections.
    pub(crate) fn clear(&self) {
        let idle = std::mem::take(&mut *self.lock());
        drop(idle);
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Box<Connection>, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
