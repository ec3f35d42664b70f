//! A tunnel through a SOCKS proxy: SOCKS4, SOCKS4a, and SOCKS5 (RFC 1928) with user name and password (RFC 1929). One
//! reply is read at a time, whole; a method that was not offered is refused.

use std::net::IpAddr;

use super::{HandshakeTarget, Output, ProxyScheme, ProxyUri, refused};
use crate::credentials::Credentials;
use crate::error::{Error, Result};
use crate::target::Host;

const NO_AUTHENTICATION: u8 = 0x00;
const USER_AND_PASSWORD: u8 = 0x02;
const NO_ACCEPTABLE_METHOD: u8 = 0xff;

pub(super) struct Socks {
    awaited: Awaited,
    reply: Vec<u8>,
    received: bool,
    /// SOCKS5 only: what is sent when its turn comes.
    credentials: Option<Credentials>,
    request: Vec<u8>,
}

/// The reply that is awaited.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Awaited {
    Socks4,
    Method,
    Authentication,
    Socks5,
    Nothing,
}

impl Socks {
    pub(super) fn new(proxy: &ProxyUri, target: HandshakeTarget<'_>, output: &mut Output) -> Result<Self> {
        let destination = Destination::of(proxy, target)?;
        let mut socks = Self {
            awaited: Awaited::Socks4,
            reply: Vec::new(),
            received: false,
            credentials: None,
            request: Vec::new(),
        };
        if matches!(proxy.scheme(), ProxyScheme::Socks4 | ProxyScheme::Socks4a) {
            output.push(&socks4_request(&destination, target.port, proxy.credentials())?);
        } else {
            socks.awaited = Awaited::Method;
            socks.request = socks5_request(&destination, target.port);
            socks.credentials = proxy.credentials().cloned();
            output.push(match &socks.credentials {
                Some(_) => &[5, 2, NO_AUTHENTICATION, USER_AND_PASSWORD],
                None => &[5, 1, NO_AUTHENTICATION],
            });
        }
        Ok(socks)
    }

    pub(super) fn is_done(&self) -> bool {
        self.awaited == Awaited::Nothing
    }

    pub(super) fn has_begun(&self) -> bool {
        self.received
    }

    pub(super) fn receive(&mut self, input: &[u8], output: &mut Output) -> Result<usize> {
        let mut consumed = 0;
        while self.awaited != Awaited::Nothing {
            let missing = self.reply_length()? - self.reply.len();
            let taken = missing.min(input.len() - consumed);
            self.reply.extend_from_slice(&input[consumed..consumed + taken]);
            consumed += taken;
            self.received |= taken > 0;
            if taken < missing {
                break;
            }
            if self.reply.len() == self.reply_length()? {
                output.expect_sent()?;
                self.take_reply(output)?;
                self.reply.clear();
            }
        }
        Ok(consumed)
    }

    /// How long the awaited reply is, as far as its bytes so far tell. A refusal is an error as soon as it is seen.
    fn reply_length(&self) -> Result<usize> {
        let reply = &self.reply[..];
        match self.awaited {
            Awaited::Socks4 => match *reply {
                [version, ..] if version != 0 => Err(no_socks("SOCKS4")),
                [] => Ok(1),
                _ => Ok(8),
            },
            Awaited::Method => match *reply {
                [version, ..] if version != 5 => Err(no_socks("SOCKS5")),
                [] => Ok(1),
                _ => Ok(2),
            },
            Awaited::Authentication => Ok(2),
            Awaited::Socks5 => match *reply {
                [version, ..] if version != 5 => Err(no_socks("SOCKS5")),
                [_, code, ..] if code != 0 => Err(refused(socks5_refusal(code))),
                [_, _, _, 1, ..] => Ok(4 + 4 + 2),
                [_, _, _, 3, length, ..] => Ok(5 + usize::from(length) + 2),
                [_, _, _, 3] => Ok(5),
                [_, _, _, 4, ..] => Ok(4 + 16 + 2),
                [_, _, _, _, ..] => Err(no_socks("SOCKS5")),
                ref start => Ok(start.len() + 1),
            },
            Awaited::Nothing => Ok(0),
        }
    }

    fn take_reply(&mut self, output: &mut Output) -> Result<()> {
        match (self.awaited, self.reply[1]) {
            (Awaited::Socks4, 90) => self.awaited = Awaited::Nothing,
            (Awaited::Socks4, code) => return Err(refused(socks4_refusal(code))),
            (Awaited::Method, NO_AUTHENTICATION) => self.ask(output),
            (Awaited::Method, USER_AND_PASSWORD) if self.credentials.is_some() => {
                if let Some(credentials) = &self.credentials {
                    output.push(&authentication(credentials));
                    self.awaited = Awaited::Authentication;
                }
            }
            (Awaited::Method, NO_ACCEPTABLE_METHOD) if self.credentials.is_some() => {
                return Err(refused("the proxy accepts neither a user name with password nor their absence"));
            }
            (Awaited::Method, NO_ACCEPTABLE_METHOD) => {
                return Err(refused("the proxy asks for credentials; put user name and password into the proxy's URL"));
            }
            (Awaited::Method, _) => return Err(refused("the proxy chose an authentication that was not offered")),
            // The reply's version is not looked at: some proxies answer with 5 instead of RFC 1929's 1.
            (Awaited::Authentication, 0) => self.ask(output),
            (Awaited::Authentication, _) => return Err(refused("the proxy refused the user name or the password")),
            (Awaited::Socks5, _) => self.awaited = Awaited::Nothing,
            (Awaited::Nothing, _) => {}
        }
        Ok(())
    }

    fn ask(&mut self, output: &mut Output) {
        output.push(&self.request);
        self.awaited = Awaited::Socks5;
    }
}

/// What the proxy is told to connect to.
enum Destination<'a> {
    Name(&'a str),
    Addr(IpAddr),
}

impl<'a> Destination<'a> {
    fn of(proxy: &ProxyUri, target: HandshakeTarget<'a>) -> Result<Self> {
        let destination = match target.host {
            Host::V4(addr) => Self::Addr((*addr).into()),
            Host::V6(addr) => Self::Addr((*addr).into()),
            Host::Domain(_) if proxy.resolves_here() => match target.addr {
                Some(addr) => Self::Addr(addr),
                None => return Err(Error::input("this proxy takes addresses only; look up the host's name first")),
            },
            Host::Domain(name) => Self::Name(name),
        };
        match destination {
            Self::Name(name) if name.len() > 255 => {
                Err(Error::input("the host's name is over the 255 bytes that SOCKS allows"))
            }
            destination => Ok(destination),
        }
    }
}

fn socks4_request(destination: &Destination<'_>, port: u16, credentials: Option<&Credentials>) -> Result<Vec<u8>> {
    let user = credentials.map_or(&b""[..], Credentials::user);
    if user.contains(&0) {
        return Err(Error::input("the proxy's user name holds a NUL byte, which SOCKS4 can't carry"));
    }
    let mut request = vec![4, 1];
    request.extend(port.to_be_bytes());
    match *destination {
        Destination::Addr(IpAddr::V4(addr)) => {
            request.extend(addr.octets());
            request.extend(user);
            request.push(0);
        }
        Destination::Addr(IpAddr::V6(_)) => {
            return Err(Error::input("SOCKS4 can't reach IPv6 addresses; use a socks5 proxy"));
        }
        Destination::Name(name) => {
            // 0.0.0.x with x ≠ 0 says that a name follows.
            request.extend([0, 0, 0, 1]);
            request.extend(user);
            request.push(0);
            request.extend(name.as_bytes());
            request.push(0);
        }
    }
    Ok(request)
}

fn socks5_request(destination: &Destination<'_>, port: u16) -> Vec<u8> {
    let mut request = vec![5, 1, 0];
    match *destination {
        Destination::Addr(IpAddr::V4(addr)) => {
            request.push(1);
            request.extend(addr.octets());
        }
        Destination::Addr(IpAddr::V6(addr)) => {
            request.push(4);
            request.extend(addr.octets());
        }
        Destination::Name(name) => {
            request.extend([3, name.len() as u8]);
            request.extend(name.as_bytes());
        }
    }
    request.extend(port.to_be_bytes());
    request
}

fn authentication(credentials: &Credentials) -> Vec<u8> {
    // ProxyUri refuses what is over 255 bytes.
    let mut request = vec![1, credentials.user().len() as u8];
    request.extend(credentials.user());
    request.push(credentials.password().len() as u8);
    request.extend(credentials.password());
    request
}

fn socks4_refusal(code: u8) -> String {
    match code {
        91 => "the proxy could not or would not reach the target (SOCKS4 code 91)".into(),
        92 => "the proxy could not ask this machine who its user is (SOCKS4 code 92)".into(),
        93 => "the proxy does not accept this user (SOCKS4 code 93)".into(),
        code => format!("the proxy answered with the unknown SOCKS4 code {code}"),
    }
}

fn socks5_refusal(code: u8) -> String {
    let said = match code {
        1 => "the proxy failed",
        2 => "the proxy's rules do not allow this target",
        3 => "the proxy can't reach the target's network",
        4 => "the proxy can't reach the target's host",
        5 => "the target refused the proxy's connection",
        6 => "the proxy's connection to the target timed out",
        7 => "the proxy does not know the CONNECT command",
        8 => "the proxy does not take this kind of address",
        _ => "the proxy answered with an unknown code",
    };
    format!("{said} (SOCKS5 code {code})")
}

#[cold]
fn no_socks(version: &str) -> Error {
    refused(format!("the proxy's answer is no {version}"))
}
