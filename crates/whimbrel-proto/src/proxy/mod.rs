//! Proxies, decided but not dialled: the proxy's URL ([`ProxyUri`]), which one the environment names for an origin
//! ([`ProxyEnv`]), and the byte machine that asks it for a tunnel ([`Handshake`]). Never opens a socket, never looks up
//! a name, never falls back to a direct connection.

mod connect;
mod env;
mod no_proxy;
mod socks;
mod uri;

use std::fmt;
use std::net::IpAddr;

pub use env::ProxyEnv;
pub use no_proxy::NoProxy;
pub use uri::{ProxyScheme, ProxyUri};

use crate::error::{Error, Kind, Phase, Result};
use crate::target::Host;

/// What a tunnel is asked for.
#[derive(Clone, Copy, Debug)]
pub struct HandshakeTarget<'a> {
    /// The host that the request goes to.
    pub host: &'a Host,
    /// The port that the request goes to.
    pub port: u16,
    /// The host's address, where the proxy needs one ([`ProxyUri::resolves_here`]) and the host is a name.
    pub addr: Option<IpAddr>,
}

/// The byte machine that asks a proxy for a tunnel, stepped by whoever owns the connection to the proxy.
///
/// Until [`is_done`](Self::is_done): send [`output`](Self::output) and report it with [`sent`](Self::sent); hand what
/// arrives to [`receive`](Self::receive), or the end of the stream to [`receive_eof`](Self::receive_eof). Once done,
/// the connection is the tunnel.
pub struct Handshake {
    machine: Machine,
    output: Output,
}

enum Machine {
    Connect(connect::Connect),
    Socks(socks::Socks),
}

impl Handshake {
    /// A handshake with `proxy` for `target`. `user_agent` is shown to HTTP proxies only.
    ///
    /// # Errors
    /// [`Kind::Input`] for what the protocol can't carry: a name over 255 bytes or an IPv6 address over SOCKS4, control
    /// characters in the host or the user agent, a missing address where the proxy needs one.
    pub fn new(proxy: &ProxyUri, target: HandshakeTarget<'_>, user_agent: Option<&str>) -> Result<Self> {
        if let Host::Domain(name) = target.host
            && (name.is_empty() || name.bytes().any(|byte| byte <= b' ' || byte == 0x7f))
        {
            return Err(Error::input("the host's name is empty or holds a blank or a control character"));
        }
        let mut output = Output::default();
        let machine = match proxy.scheme() {
            ProxyScheme::Http | ProxyScheme::Https => {
                Machine::Connect(connect::Connect::new(proxy, target, user_agent, &mut output)?)
            }
            _ => Machine::Socks(socks::Socks::new(proxy, target, &mut output)?),
        };
        Ok(Self { machine, output })
    }

    /// The bytes to send now; may be empty. They can hold the proxy's credentials.
    pub fn output(&self) -> &[u8] {
        self.output.pending()
    }

    /// Reports that the first `n` bytes of [`output`](Self::output) were sent.
    pub fn sent(&mut self, n: usize) {
        self.output.sent(n);
    }

    /// Takes what arrived and returns how much of it was the proxy's: all of it, as a proxy or target that sends more
    /// than its answer before it was asked anything is refused.
    ///
    /// # Errors
    /// [`Kind::Proxy`] in [`Phase::Proxy`] when the proxy refuses or answers what is no reply. The connection can't be
    /// used for anything after that.
    pub fn receive(&mut self, input: &[u8]) -> Result<usize> {
        if input.is_empty() {
            return Ok(0);
        }
        let consumed = match &mut self.machine {
            Machine::Connect(machine) => machine.receive(input, &mut self.output)?,
            Machine::Socks(machine) => machine.receive(input, &mut self.output)?,
        };
        if consumed < input.len() {
            return Err(refused("data came through the tunnel before anything was asked"));
        }
        Ok(consumed)
    }

    /// Whether the tunnel stands.
    pub fn is_done(&self) -> bool {
        match &self.machine {
            Machine::Connect(machine) => machine.is_done(),
            Machine::Socks(machine) => machine.is_done(),
        }
    }

    /// The error to report when the proxy closed the connection before [`is_done`](Self::is_done).
    pub fn receive_eof(&self) -> Error {
        let has_begun = match &self.machine {
            Machine::Connect(machine) => machine.has_begun(),
            Machine::Socks(machine) => machine.has_begun(),
        };
        refused(if has_begun {
            "the proxy closed the connection inside its answer"
        } else {
            "the proxy closed the connection without an answer"
        })
    }
}

impl fmt::Debug for Handshake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = match self.machine {
            Machine::Connect(_) => "connect",
            Machine::Socks(_) => "socks",
        };
        f.debug_struct("Handshake").field("protocol", &protocol).field("done", &self.is_done()).finish_non_exhaustive()
    }
}

/// Bytes on their way to the proxy.
#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
    sent: usize,
}

impl Output {
    fn pending(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    fn sent(&mut self, n: usize) {
        self.sent = (self.sent + n).min(self.bytes.len());
        if self.sent == self.bytes.len() {
            self.bytes.clear();
            self.sent = 0;
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// A reply can only be one to what was sent.
    fn expect_sent(&self) -> Result<()> {
        if self.pending().is_empty() { Ok(()) } else { Err(refused("the proxy answered before it was asked")) }
    }
}

#[cold]
fn refused(detail: impl Into<Box<str>>) -> Error {
    Error::new(Kind::Proxy, Phase::Proxy, detail)
}

#[cfg(test)]
mod tests;
