//! From a hop to a connection: look up, race, greet the proxy, secure. Stepped like everything else; it waits for nothing
//! itself.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use whimbrel_proto::exchange::Route;
use whimbrel_proto::proxy::{Handshake, HandshakeTarget, ProxyScheme, ProxyUri};
use whimbrel_proto::race::{Race, Step as RaceStep};
use whimbrel_proto::{Error, Host, Kind, Origin, Phase, Result, Scheme};

use crate::overrides::Overrides;
use crate::resolve::Answer;
use crate::session::Session;
use crate::stream::{Received, Stream};
use crate::sys::{Interests, Socket};
use crate::timings::{Stage, Timings};
use crate::tls::{TlsOptions, TlsStream};
use crate::wake::WakerSlot;

/// One attempt to get a connection for a hop.
pub(crate) struct Dial {
    plan: Plan,
    step: Step,
}

/// What is to be reached, and how.
pub(crate) struct Plan {
    pub(crate) origin: Arc<Origin>,
    pub(crate) route: Route,
    pub(crate) tls: TlsOptions,
    pub(crate) overrides: Overrides,
    pub(crate) user_agent: Arc<str>,
}

enum Step {
    /// Looking up whom to connect to.
    Resolve,
    /// Looking up the origin for a proxy that wants an address.
    ResolveOrigin(Stream),
    Race(Box<Racing>),
    ProxyTls(Box<TlsStream>),
    Greet(Stream, Box<Handshake>),
    Tls(Box<TlsStream>),
    /// Over, or between two steps.
    Done,
}

struct Racing {
    race: Race,
    attempts: Vec<(usize, Socket)>,
    next_start: Option<Instant>,
    last: Option<(SocketAddr, std::io::Error)>,
}

/// What follows a step.
enum Next {
    /// Nothing can be done until something moves.
    Wait(Step),
    Go(Step),
    Ready(Stream),
}

/// What a step may use of its surroundings.
pub(crate) struct Around<'a> {
    pub(crate) session: &'a Session,
    pub(crate) waker: &'a mut WakerSlot,
    pub(crate) timings: &'a mut Timings,
    pub(crate) now: Instant,
}

impl Dial {
    pub(crate) fn new(plan: Plan) -> Self {
        Self { plan, step: Step::Resolve }
    }

    /// Whether there may be more to receive though a turn gave nothing.
    pub(crate) fn is_yielding(&self) -> bool {
        match &self.step {
            Step::ProxyTls(tls) | Step::Tls(tls) => tls.is_yielding(),
            Step::Greet(stream, _) => stream.is_yielding(),
            Step::Resolve | Step::ResolveOrigin(_) | Step::Race(_) | Step::Done => false,
        }
    }

    /// Whether it waits for a name, which only the waker tells.
    pub(crate) fn is_resolving(&self) -> bool {
        matches!(self.step, Step::Resolve | Step::ResolveOrigin(_))
    }

    /// What it is at, for deadlines and errors.
    pub(crate) fn phase(&self) -> Phase {
        match self.step {
            Step::Resolve | Step::ResolveOrigin(_) => Phase::Resolve,
            Step::Race(_) => Phase::Connect,
            Step::ProxyTls(_) | Step::Greet(..) => Phase::Proxy,
            Step::Tls(_) | Step::Done => Phase::Tls,
        }
    }

    /// Does what can be done now. `Some` is the connection; it must not be asked again after that, nor after an error.
    pub(crate) fn turn(&mut self, around: &mut Around<'_>) -> Result<Option<Stream>> {
        loop {
            let next = match std::mem::replace(&mut self.step, Step::Done) {
                Step::Resolve => self.resolve(around)?,
                Step::Race(racing) => self.race(racing, around)?,
                Step::ProxyTls(tls) => self.secure_proxy(tls, around)?,
                Step::ResolveOrigin(stream) => self.resolve_origin(stream, around)?,
                Step::Greet(stream, handshake) => self.greet(stream, handshake, around)?,
                Step::Tls(tls) => secure(tls, around)?,
                Step::Done => return Err(Error::new(Kind::Connect, Phase::Connect, "the connection attempt is over")),
            };
            match next {
                Next::Wait(step) => {
                    self.step = step;
                    return Ok(None);
                }
                Next::Go(step) => self.step = step,
                Next::Ready(stream) => return Ok(Some(stream)),
            }
        }
    }

    /// Adds what it waits for.
    pub(crate) fn interests<'a>(&'a self, interests: &mut dyn Interests<'a>) {
        match &self.step {
            Step::Resolve | Step::ResolveOrigin(_) | Step::Done => {}
            Step::Race(racing) => {
                for (_, socket) in &racing.attempts {
                    interests.socket(socket, false, true);
                }
            }
            Step::ProxyTls(tls) | Step::Tls(tls) => tls.interests(interests),
            Step::Greet(stream, handshake) => stream.interests(interests, true, !handshake.output().is_empty()),
        }
    }

    /// When to come back even if nothing moves: the race's next start.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        match &self.step {
            Step::Race(racing) => racing.next_start,
            _ => None,
        }
    }

    fn proxy(&self) -> Option<&Arc<ProxyUri>> {
        match &self.plan.route {
            Route::Direct => None,
            Route::Forward(proxy) | Route::Tunnel(proxy) => Some(proxy),
        }
    }

    fn resolve(&self, around: &mut Around<'_>) -> Result<Next> {
        let (host, port) = match self.proxy() {
            None => (&self.plan.origin.host, self.plan.origin.port),
            Some(proxy) => (proxy.host(), proxy.port()),
        };
        let is_proxy = self.proxy().is_some();
        let answer = lookup(&self.plan.overrides, host, port, around)
            .map_err(|error| if is_proxy { error.in_phase(Phase::Proxy) } else { error })?;
        let Some(addresses) = answer else { return Ok(Next::Wait(Step::Resolve)) };
        around.timings.set_resolved(around.now);
        around.timings.begins(Stage::Connecting, around.now);
        let race = Race::new(addresses, around.now);
        Ok(Next::Go(Step::Race(Box::new(Racing { race, attempts: Vec::new(), next_start: None, last: None }))))
    }

    /// RFC 8305: starts what is due, drops what failed, keeps the first that connects.
    fn race(&self, mut racing: Box<Racing>, around: &mut Around<'_>) -> Result<Next> {
        let Racing { race, attempts, next_start, last } = &mut *racing;
        let now = around.now;
        let mut index = 0;
        while index < attempts.len() {
            let (number, socket) = &attempts[index];
            match is_connected(socket) {
                Ok(false) => index += 1,
                Ok(true) => {
                    race.won(*number);
                    return self.connected(Stream::Plain(attempts.swap_remove(index).1), around);
                }
                Err(error) => {
                    *last = race.addr(*number).map(|addr| (addr, error));
                    race.failed(*number, now);
                    attempts.swap_remove(index);
                }
            }
        }
        loop {
            match race.next(now) {
                RaceStep::Start(number, addr) => match Socket::connect(addr) {
                    Ok((socket, true)) => {
                        race.won(number);
                        return self.connected(Stream::Plain(socket), around);
                    }
                    Ok((socket, false)) => attempts.push((number, socket)),
                    Err(error) => {
                        *last = Some((addr, error));
                        race.failed(number, now);
                    }
                },
                RaceStep::Wait(at) => {
                    *next_start = Some(at);
                    return Ok(Next::Wait(Step::Race(racing)));
                }
                RaceStep::WaitForAttempts => {
                    *next_start = None;
                    return Ok(Next::Wait(Step::Race(racing)));
                }
                RaceStep::Done(_) => return Err(self.unreachable(racing.last)),
            }
        }
    }

    /// TCP stands: TLS to the proxy comes next, or what follows it.
    fn connected(&self, stream: Stream, around: &mut Around<'_>) -> Result<Next> {
        around.timings.set_connected(around.now);
        match self.proxy() {
            Some(proxy) if proxy.scheme() == ProxyScheme::Https => {
                let config = around.session.tls.get(&self.plan.tls.for_proxy())?;
                Ok(Next::Go(Step::ProxyTls(Box::new(TlsStream::new(config, proxy.host(), stream)?))))
            }
            _ => self.reached(stream, around),
        }
    }

    /// Whom we dialled can be spoken to: the origin, or a proxy that forwards or is to open a tunnel.
    fn reached(&self, stream: Stream, around: &mut Around<'_>) -> Result<Next> {
        match &self.plan.route {
            Route::Direct => self.begin_tls(stream, around),
            Route::Forward(_) => Ok(Next::Ready(stream)),
            Route::Tunnel(proxy) if proxy.resolves_here() => Ok(Next::Go(Step::ResolveOrigin(stream))),
            Route::Tunnel(proxy) => self.begin_greeting(proxy, stream, None),
        }
    }

    fn secure_proxy(&self, mut tls: Box<TlsStream>, around: &mut Around<'_>) -> Result<Next> {
        match tls.handshake() {
            Ok(false) => Ok(Next::Wait(Step::ProxyTls(tls))),
            Ok(true) => self.reached(Stream::Tls(tls), around),
            Err(error) => Err(error.in_phase(Phase::Proxy)),
        }
    }

    fn resolve_origin(&self, stream: Stream, around: &mut Around<'_>) -> Result<Next> {
        let Origin { host, port, .. } = &*self.plan.origin;
        let Some(addresses) = lookup(&self.plan.overrides, host, *port, around)? else {
            return Ok(Next::Wait(Step::ResolveOrigin(stream)));
        };
        let Some(proxy) = self.proxy() else { return self.begin_tls(stream, around) };
        match addresses.into_iter().find(|addr| proxy.accepts(addr.ip())) {
            Some(addr) => self.begin_greeting(proxy, stream, Some(addr)),
            None => {
                let detail = format!("{host} has no IPv4 address, and SOCKS4 knows no other; use socks5");
                Err(Error::new(Kind::Proxy, Phase::Proxy, detail))
            }
        }
    }

    /// Asks for the origin, or for the address that was found for it.
    fn begin_greeting(&self, proxy: &ProxyUri, stream: Stream, addr: Option<SocketAddr>) -> Result<Next> {
        let (host, port) = match addr {
            None => (self.plan.origin.host.clone(), self.plan.origin.port),
            Some(SocketAddr::V4(addr)) => (Host::V4(*addr.ip()), addr.port()),
            Some(SocketAddr::V6(addr)) => (Host::V6(*addr.ip()), addr.port()),
        };
        let target = HandshakeTarget { host: &host, port, addr: None };
        let handshake = Handshake::new(proxy, target, Some(&self.plan.user_agent))?;
        Ok(Next::Go(Step::Greet(stream, Box::new(handshake))))
    }

    fn greet(&self, mut stream: Stream, mut handshake: Box<Handshake>, around: &mut Around<'_>) -> Result<Next> {
        let mut buffer = [0u8; 4096];
        while !handshake.is_done() {
            while !handshake.output().is_empty() {
                match stream.send(handshake.output()).map_err(proxy_broke)? {
                    0 => return Ok(Next::Wait(Step::Greet(stream, handshake))),
                    sent => handshake.sent(sent),
                }
            }
            stream.flush().map_err(proxy_broke)?;
            match stream.recv(&mut buffer).map_err(proxy_broke)? {
                Received::Blocked => return Ok(Next::Wait(Step::Greet(stream, handshake))),
                Received::End { .. } => return Err(handshake.receive_eof()),
                // All of it is the proxy's: one that says more than its answer is refused.
                Received::Bytes(read) => handshake.receive(&buffer[..read])?,
            };
        }
        self.begin_tls(stream, around)
    }

    fn begin_tls(&self, stream: Stream, around: &mut Around<'_>) -> Result<Next> {
        if self.plan.origin.scheme == Scheme::Http {
            return Ok(Next::Ready(stream));
        }
        around.timings.begins(Stage::Securing, around.now);
        let peer = self.plan.tls.peer(&self.plan.origin.host)?;
        let config = around.session.tls.get(&self.plan.tls)?;
        Ok(Next::Go(Step::Tls(Box::new(TlsStream::new(config, &peer, stream)?))))
    }

    #[cold]
    fn unreachable(&self, last: Option<(SocketAddr, std::io::Error)>) -> Error {
        let (phase, who) = match self.proxy() {
            None => (Phase::Connect, self.plan.origin.host.to_string()),
            Some(proxy) => (Phase::Proxy, format!("the proxy {proxy}")),
        };
        match last {
            Some((addr, error)) => {
                Error::new(Kind::Connect, phase, format!("{who} at {addr}: {error}")).with_source(error)
            }
            None => Error::new(Kind::Connect, phase, format!("{who} has no address")),
        }
    }
}

/// TLS to the origin.
fn secure(mut tls: Box<TlsStream>, around: &mut Around<'_>) -> Result<Next> {
    if !tls.handshake()? {
        return Ok(Next::Wait(Step::Tls(tls)));
    }
    around.timings.set_secured(around.now);
    Ok(Next::Ready(Stream::Tls(tls)))
}

/// The socket addresses of a host: an override, the address that it is, or what a lookup says. `None`: not yet.
fn lookup(overrides: &Overrides, host: &Host, port: u16, around: &mut Around<'_>) -> Result<Option<Vec<SocketAddr>>> {
    if let Some(addr) = overrides.get(host, port) {
        return Ok(Some(vec![addr]));
    }
    let name = match host {
        Host::V4(addr) => return Ok(Some(vec![SocketAddr::new((*addr).into(), port)])),
        Host::V6(addr) => return Ok(Some(vec![SocketAddr::new((*addr).into(), port)])),
        Host::Domain(name) => name,
    };
    let waker = &mut *around.waker;
    match around.session.resolver().ask(name, around.now, &mut || waker.get())? {
        Answer::Pending => Ok(None),
        Answer::Known(addresses) => Ok(Some(addresses.iter().map(|addr| SocketAddr::new(*addr, port)).collect())),
    }
}

/// Whether an attempt has connected: `Ok(false)` is not yet. One system call where it has.
fn is_connected(socket: &Socket) -> std::io::Result<bool> {
    if socket.has_peer() {
        return Ok(true);
    }
    socket.connect_result()?;
    Ok(false)
}

#[cold]
fn proxy_broke(error: std::io::Error) -> Error {
    Error::new(Kind::Proxy, Phase::Proxy, format!("the connection to the proxy broke ({error})")).with_source(error)
}
