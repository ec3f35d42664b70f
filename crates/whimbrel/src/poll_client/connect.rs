//! From a host to a connection, and its end: the dialer's turns, a stream of the caller's own, the look at an idle one.

use std::sync::Arc;
use std::time::Instant;

use whimbrel_proto::exchange::Route;
use whimbrel_proto::polled::{self, Destination, PollError, PollStatus};
use whimbrel_proto::proxy::ProxyUri;
use whimbrel_proto::{Error, Kind, Phase, Scheme};

use super::{PollClient, Proxy, Response, State, Way};
use crate::buffer::Buffer;
use crate::dial::{Around, Dial, Plan};
use crate::pool::{Connection, Driver, Identity};
use crate::stream::{Received, Stream, Transport};
use crate::timings::Timings;
use crate::tls::TlsOptions;
use crate::wake::WakerSlot;

/// How much is looked at on a connection that should be silent, in bytes.
const GLANCE: usize = 256;

impl Way {
    /// `http://host:port`, where a proxy forwards.
    pub(super) fn absolute(&self) -> Option<&str> {
        matches!(self.route, Route::Forward(_)).then_some(&*self.peer.absolute)
    }
}

impl PollClient {
    /// Begins to connect, after it has closed what there was.
    ///
    /// `host` is a name or an address, with `http://` or `https://` before it if that is liked; nothing else of a URL.
    /// `port`: 1 to 65535, or negative for 80 or 443. `tls`: `None` is plain HTTP, or the defaults after `https://`;
    /// after `http://` they are left out. The proxies that are set now decide who is dialled.
    ///
    /// # Errors
    /// [`PollError::InvalidParameter`]: a host shorter than four characters, TLS options that contradict each other, or
    /// an address with a port that is none (then in [`PollStatus::CantConnect`]). Everything else is told by
    /// [`poll`](PollClient::poll).
    pub fn connect_to_host(&mut self, host: &str, port: i64, tls: Option<TlsOptions>) -> Result<(), PollError> {
        self.close();
        let (scheme, peer) = match polled::destination(host, port, tls.is_some()) {
            Ok((scheme, Destination::Peer(peer))) => (scheme, peer),
            Ok((_, Destination::Doomed(error))) => {
                self.state = State::Doomed(error);
                return Ok(());
            }
            Err(error) => {
                if error.kind() == Kind::Connect {
                    self.state = State::Closed(PollStatus::CantConnect);
                }
                return Err(self.refuse(error, PollError::InvalidParameter));
            }
        };
        let tls = match scheme {
            Scheme::Http => TlsOptions::default(),
            Scheme::Https => tls.unwrap_or_default(),
        };
        if let Err(error) = tls.check() {
            return Err(self.refuse(error, PollError::InvalidParameter));
        }
        let route = match scheme {
            Scheme::Http => self.http_proxy.clone().map(|proxy| proxy.map(Route::Forward)),
            Scheme::Https => self.https_proxy.clone().map(|proxy| proxy.map(Route::Tunnel)),
        };
        let route = match route {
            Ok(route) => route.unwrap_or(Route::Direct),
            // Who asked for a proxy does not want to be known to the server.
            Err(detail) => {
                self.state = State::Doomed(Error::new(Kind::Proxy, Phase::Proxy, detail));
                return Ok(());
            }
        };
        self.route = Some(Way { peer, route, tls });
        let now = Instant::now();
        self.timings = Timings::new(now);
        (self.used, self.spent) = (false, false);
        self.state = self.dial(now);
        // The lookup or the connect is on its way before the first poll.
        match self.advance(now) {
            Ok(Some(stream)) => self.state = State::Dialed(stream),
            Ok(None) => {}
            Err(error) => self.state = State::Doomed(error),
        }
        Ok(())
    }

    /// Uses a byte stream of the caller's own: it is stepped in `poll` and `read_body`, and must never wait. Closes what
    /// there was; the state is [`PollStatus::Connected`]. TLS is the stream's own affair. `Host` is what
    /// `connect_to_host` was told last, or empty.
    pub fn set_transport(&mut self, transport: impl Transport + 'static) {
        self.close();
        if let Some(way) = &mut self.route {
            way.route = Route::Direct;
        }
        self.timings = Timings::new(Instant::now());
        self.state = State::Idle(self.connection(Stream::Own(Box::new(transport))));
        (self.used, self.spent, self.own) = (false, false, true);
    }

    /// Ends the connection, in any state. Forgets the response; proxies, properties and options stay.
    pub fn close(&mut self) {
        self.state = State::Closed(PollStatus::Disconnected);
        self.error = None;
        self.forget_exchange();
        self.response = Response::default();
        self.connect_by = None;
        self.waker = WakerSlot::default();
        self.own = false;
    }

    /// The proxy of plain connections that are made from now on: it forwards their requests. An empty host or a port of
    /// -1 takes it back. What can be no proxy makes the connections fail.
    pub fn set_http_proxy(&mut self, host: &str, port: i64) {
        self.http_proxy = self.proxy(host, port);
    }

    /// The proxy of TLS connections that are made from now on: it opens a tunnel (CONNECT). An empty host or a port of -1
    /// takes it back. What can be no proxy makes the connections fail.
    pub fn set_https_proxy(&mut self, host: &str, port: i64) {
        self.https_proxy = self.proxy(host, port);
    }

    fn proxy(&mut self, host: &str, port: i64) -> Proxy {
        if host.is_empty() || port == -1 {
            return Ok(None);
        }
        let host = host.strip_prefix("http://").unwrap_or(host).trim_end_matches('/');
        let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host.to_owned() };
        match ProxyUri::parse(&format!("http://{host}:{port}")) {
            Ok(proxy) => Ok(Some(Arc::new(proxy))),
            Err(error) => {
                let detail = format!("the proxy can't be used: {}", error.detail());
                self.error = Some(error);
                Err(detail.into())
            }
        }
    }

    /// A new attempt to reach the peer.
    pub(super) fn dial(&mut self, now: Instant) -> State {
        let Some(way) = &self.route else { return State::Closed(PollStatus::Disconnected) };
        self.connect_by = now.checked_add(self.connect_timeout);
        State::Dialing(Box::new(Dial::new(Plan {
            origin: way.peer.target.origin().clone(),
            route: way.route.clone(),
            tls: way.tls.clone(),
            overrides: self.session.defaults.overrides.clone(),
            user_agent: self.user_agent.clone(),
        })))
    }

    /// One turn of the dialer.
    pub(super) fn advance(&mut self, now: Instant) -> Result<Option<Stream>, Error> {
        let (State::Dialing(dial) | State::Redialing(dial)) = &mut self.state else { return Ok(None) };
        let before = dial.phase();
        let mut around = Around { session: &self.session, waker: &mut self.waker, timings: &mut self.timings, now };
        if let Some(stream) = dial.turn(&mut around)? {
            self.waker = WakerSlot::default();
            return Ok(Some(stream));
        }
        let phase = dial.phase();
        if phase > Phase::Connect && phase != before {
            self.connect_by = now.checked_add(self.connect_timeout);
        }
        if self.connect_by.is_some_and(|by| now >= by) {
            let seconds = self.connect_timeout.as_secs_f64();
            return Err(Error::timeout(phase, format!("it took longer than {seconds} s")));
        }
        Ok(None)
    }

    /// A connection on a stream. No pool ever sees it, so that its identity is of no use but for its type.
    pub(super) fn connection(&self, stream: Stream) -> Box<Connection> {
        let identity = Identity {
            origin: None,
            route: Route::Direct,
            addr: None,
            asked: None,
            tls: TlsOptions::default(),
            driver: Driver::Caller,
        };
        let generation = crate::fork::generation();
        Box::new(Connection { stream, identity, input: Buffer::default(), output: Vec::new(), generation })
    }

    /// Sees whether the peer of an idle connection is still there. What it says unasked is kept for who reads the stream
    /// itself, and the connection carries no further request.
    pub(super) fn look(&mut self) -> Result<(), PollError> {
        let (State::Idle(connection) | State::Upgraded(connection)) = &mut self.state else { return Ok(()) };
        if !connection.input.filled().is_empty() {
            return Ok(());
        }
        let mut glance = [0; GLANCE];
        // A request that follows the handshake at once takes TLS's last message along. Where none follows, the peer must
        // not wait for it.
        let flushed = connection.stream.flush();
        let detail = match flushed.and_then(|_| connection.stream.recv(&mut glance)) {
            Ok(Received::Blocked) => return Ok(()),
            Ok(Received::Bytes(count)) => {
                connection.input.space()[..count].copy_from_slice(&glance[..count]);
                connection.input.filled_more(count);
                self.spent = true;
                return Ok(());
            }
            Ok(Received::End { .. }) => "the peer closed the connection".to_owned(),
            Err(error) => error.to_string(),
        };
        self.error = Some(Error::new(Kind::Receive, Phase::Wait, detail));
        match std::mem::replace(&mut self.state, State::Closed(PollStatus::ConnectionError)) {
            State::Idle(connection) | State::Upgraded(connection) => self.state = State::Broken(connection),
            _ => {}
        }
        Err(PollError::ConnectionError)
    }
}
