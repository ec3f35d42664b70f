//! Whom `connect_to_host` means by a host and a port. Godot parses no more of a URL than its scheme: what else stands in
//! the text is taken for the host's name, which then has no address. Such a text never reaches a resolver.
//!
//! Mended: IPv6 addresses, with and without brackets.

use std::net::Ipv6Addr;

use crate::error::{Error, Kind, Phase, Result};
use crate::target::{Host, Scheme, Target};

/// The shortest host that is taken, in characters; Godot's limit. IPv6 addresses may be shorter.
const SHORTEST: usize = 4;

/// What a host and a port come to.
#[derive(Debug)]
pub enum Destination {
    /// A server that can be asked for.
    Peer(Peer),
    /// What `poll` is to fail with: a name that can't be one, or a name with a port that can't be one.
    Doomed(Error),
}

/// A server.
#[derive(Clone, Debug)]
pub struct Peer {
    /// `scheme://host:port/`.
    pub target: Target,
    /// `http://host:port`, the port always there: what a forward proxy's requests begin with.
    pub absolute: Box<str>,
}

/// Reads a host, with or without `http://` or `https://` before it, and a port; negative: the scheme's own. `tls`: the
/// caller gave TLS options. Gives the scheme as well: `http://` takes the options back, `https://` asks for the defaults.
///
/// # Errors
/// [`Kind::Input`] for a host that is too short to be one; [`Kind::Connect`] for an address with a port that is none.
pub fn destination(host: &str, port: i64, tls: bool) -> Result<(Scheme, Destination)> {
    let (scheme, host) = split_scheme(host, tls);
    let literal = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    let v6 = literal.parse::<Ipv6Addr>().ok();
    if v6.is_none() && host.chars().count() < SHORTEST {
        return Err(Error::input("the host is shorter than four characters; give a name or an address"));
    }
    let is_name_like = !host.contains(|c: char| c.is_control() || c.is_whitespace() || "/?#@\\%:<>[]^|".contains(c));
    if v6.is_none() && !is_name_like {
        let detail = format!("{host:?} is no host name; give the name alone, and the port as the second argument");
        return Ok((scheme, Destination::Doomed(Error::new(Kind::Resolve, Phase::Resolve, detail))));
    }
    let known = if port < 0 { Some(scheme.default_port()) } else { u16::try_from(port).ok().filter(|&port| port > 0) };
    let number = known.unwrap_or(1);
    // An IPv6 address is written with brackets in a URL, a name and an IPv4 address without.
    let authority = match v6 {
        Some(addr) => format!("[{addr}]:{number}"),
        None => format!("{host}:{number}"),
    };
    let target = match Target::parse(&format!("{}://{authority}/", scheme.as_str())) {
        Ok(target) => target,
        Err(error) => {
            let detail = format!("{host:?} is no host name ({})", error.detail());
            return Ok((scheme, Destination::Doomed(Error::new(Kind::Resolve, Phase::Resolve, detail))));
        }
    };
    if known.is_none() {
        let detail = format!("{port} is no port; give one from 1 to 65535, or -1 for the scheme's own");
        let error = Error::new(Kind::Connect, Phase::Connect, detail);
        return match target.origin().host {
            Host::Domain(_) => Ok((scheme, Destination::Doomed(error))),
            Host::V4(_) | Host::V6(_) => Err(error),
        };
    }
    let origin = target.origin();
    let absolute = format!("http://{}:{}", origin.host, origin.port).into();
    Ok((scheme, Destination::Peer(Peer { target, absolute })))
}

fn split_scheme(host: &str, tls: bool) -> (Scheme, &str) {
    let after = |prefix: &str| {
        host.get(..prefix.len()).filter(|start| start.eq_ignore_ascii_case(prefix)).map(|_| &host[prefix.len()..])
    };
    match (after("https://"), after("http://")) {
        (Some(host), _) => (Scheme::Https, host),
        (_, Some(host)) => (Scheme::Http, host),
        _ if tls => (Scheme::Https, host),
        _ => (Scheme::Http, host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(host: &str, port: i64, tls: bool) -> String {
        match destination(host, port, tls) {
            Err(error) => format!("{:?}", error.kind()),
            Ok((_, Destination::Doomed(error))) => format!("doomed {:?}", error.kind()),
            Ok((_, Destination::Peer(peer))) => peer.target.as_str().to_owned(),
        }
    }

    #[test]
    fn hosts_are_read_as_godot_reads_them() {
        for (host, port, tls, seen) in [
            ("", 80, false, "Input"),
            (" ", 80, false, "Input"),
            ("a", 80, false, "Input"),
            ("http://", 80, false, "Input"),
            ("https://", 80, false, "Input"),
            ("127.0.0.1", 8080, false, "http://127.0.0.1:8080/"),
            ("HTTP://127.0.0.1", 8080, true, "http://127.0.0.1:8080/"),
            ("https://example.com", -1, false, "https://example.com/"),
            ("example.com", -5, true, "https://example.com/"),
            ("example.com", 443, false, "http://example.com:443/"),
            ("::1", 8080, false, "http://[::1]:8080/"),
            ("[::1]", -1, false, "http://[::1]/"),
            ("m\u{fc}nchen.example", -1, false, "http://xn--mnchen-3ya.example/"),
            ("127.0.0.1/path", 80, false, "doomed Resolve"),
            ("127.0.0.1:80", 80, false, "doomed Resolve"),
            ("user@127.0.0.1", 80, false, "doomed Resolve"),
            ("ftp://127.0.0.1", 80, false, "doomed Resolve"),
            ("a.test%2f@b.test", 80, false, "doomed Resolve"),
            ("a.test\r\nX: y", 80, false, "doomed Resolve"),
            ("a..b c", 80, false, "doomed Resolve"),
            ("127.0.0.1", 0, false, "Connect"),
            ("127.0.0.1", 65536, false, "Connect"),
            ("localhost", 65536, false, "doomed Connect"),
        ] {
            assert_eq!(read(host, port, tls), seen, "{host:?} {port} {tls}");
        }
    }
}
