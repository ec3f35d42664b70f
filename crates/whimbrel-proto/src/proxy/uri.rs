//! A proxy's URL, by the rules of curl's `--proxy`: read once, then a value that two connections are compared by.
//! Never shows the credentials, never guesses what an unusable URL could have meant.

use std::fmt;
use std::net::IpAddr;

use crate::credentials::Credentials;
use crate::error::{Error, Kind, Phase, Result};
use crate::target::Host;

/// How a proxy is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProxyScheme {
    /// HTTP: absolute-form requests, and CONNECT tunnels (RFC 9110 §9.3.6).
    Http,
    /// The same inside TLS.
    Https,
    /// SOCKS4; the target's IPv4 address is looked up here.
    Socks4,
    /// SOCKS4a; the proxy looks up the target's name.
    Socks4a,
    /// SOCKS5 (RFC 1928); the target's address is looked up here.
    Socks5,
    /// SOCKS5; the proxy looks up the target's name.
    Socks5h,
}

impl ProxyScheme {
    const ALL: [Self; 6] = [Self::Http, Self::Https, Self::Socks4, Self::Socks4a, Self::Socks5, Self::Socks5h];

    /// The scheme's name, lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks4 => "socks4",
            Self::Socks4a => "socks4a",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }

    /// The port that a proxy's URL without one means: 443 for `https`, else 1080, as in curl.
    pub fn default_port(self) -> u16 {
        if self == Self::Https { 443 } else { 1080 }
    }

    /// Whether this is a SOCKS proxy, which is asked for a tunnel whatever the target's scheme.
    pub fn is_socks(self) -> bool {
        !matches!(self, Self::Http | Self::Https)
    }
}

/// A proxy: scheme, host, port and credentials. Equal and hashed by all of them, so that it can be part of a
/// connection's identity. `Display` and `Debug` leave the credentials out.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct ProxyUri {
    scheme: ProxyScheme,
    host: Host,
    port: u16,
    credentials: Option<Credentials>,
}

impl ProxyUri {
    /// Parses `[scheme://][user[:password]@]host[:port][/]`. Without a scheme it is `http`; user and password are
    /// percent-decoded.
    ///
    /// # Errors
    /// [`Kind::Scheme`] for another scheme, [`Kind::Url`] for what can't be read, [`Kind::Input`] for control characters
    /// and for credentials that the proxy's protocol can't carry. No text of the URL is repeated in the error.
    pub fn parse(text: &str) -> Result<Self> {
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err(Error::input("the proxy's URL holds a line break or another control character"));
        }
        let text = text.trim_matches(' ');
        let (scheme, rest) = match text.split_once("://") {
            Some((scheme, rest)) => (parse_scheme(scheme)?, rest),
            None => (ProxyScheme::Http, text),
        };
        let (authority, path) = rest.split_at(rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len()));
        if !matches!(path, "" | "/") {
            return Err(bad_url(
                "the proxy's URL goes on after host and port; remove the rest, or percent-encode what belongs to the \
                 password",
            ));
        }
        let (credentials, host_and_port) = match authority.rsplit_once('@') {
            Some(("", rest)) => (None, rest),
            Some((userinfo, rest)) => (Some(parse_userinfo(scheme, userinfo)?), rest),
            None => (None, authority),
        };
        let (host, port) = parse_host_and_port(host_and_port)?;
        Ok(Self { scheme, host, port: port.unwrap_or(scheme.default_port()), credentials })
    }

    /// How the proxy is spoken to.
    pub fn scheme(&self) -> ProxyScheme {
        self.scheme
    }

    /// The proxy's host.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// The proxy's port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The credentials for the proxy. They belong to this proxy alone, never to an origin.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    /// Whether the target's name must be looked up on this side (`socks4`, `socks5`).
    pub fn resolves_here(&self) -> bool {
        matches!(self.scheme, ProxyScheme::Socks4 | ProxyScheme::Socks5)
    }

    /// Whether the proxy can be asked for a target with this address: SOCKS4 knows no IPv6.
    pub fn accepts(&self, addr: IpAddr) -> bool {
        addr.is_ipv4() || !matches!(self.scheme, ProxyScheme::Socks4 | ProxyScheme::Socks4a)
    }
}

impl fmt::Display for ProxyUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme.as_str(), self.host, self.port)
    }
}

impl fmt::Debug for ProxyUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let credentials = if self.credentials.is_some() { ", credentials hidden" } else { "" };
        write!(f, "ProxyUri({self}{credentials})")
    }
}

fn parse_scheme(text: &str) -> Result<ProxyScheme> {
    ProxyScheme::ALL.into_iter().find(|scheme| text.eq_ignore_ascii_case(scheme.as_str())).ok_or_else(|| {
        let detail = "the proxy's scheme is none of http, https, socks4, socks4a, socks5 and socks5h";
        Error::new(Kind::Scheme, Phase::Prepare, detail)
    })
}

fn parse_userinfo(scheme: ProxyScheme, userinfo: &str) -> Result<Credentials> {
    let (user, password) = match userinfo.split_once(':') {
        Some((user, password)) => (user, Some(password)),
        None => (userinfo, None),
    };
    let credentials = Credentials::from_userinfo(user, password);
    let (user, password) = (credentials.user(), credentials.password());
    if user.iter().chain(password).any(|&byte| byte < b' ' || byte == 0x7f) {
        return Err(Error::input("the proxy's user name or password holds a line break or another control character"));
    }
    let refusal = match scheme {
        ProxyScheme::Http | ProxyScheme::Https if user.contains(&b':') => {
            "the proxy's user name holds a colon, which Basic authentication can't carry"
        }
        ProxyScheme::Socks4 | ProxyScheme::Socks4a if !password.is_empty() => {
            "SOCKS4 knows user names but no passwords; remove the password, or use socks5"
        }
        _ if scheme.is_socks() && (user.len() > 255 || password.len() > 255) => {
            "the proxy's user name or password is over the 255 bytes that SOCKS allows"
        }
        _ => return Ok(credentials),
    };
    Err(Error::input(refusal))
}

fn parse_host_and_port(text: &str) -> Result<(Host, Option<u16>)> {
    // A colon inside the brackets of an IPv6 address is none before a port.
    let after_brackets = text.rfind(']').map_or(0, |end| end + 1);
    let (host, port) = match text[after_brackets..].rfind(':') {
        Some(colon) => (&text[..after_brackets + colon], &text[after_brackets + colon + 1..]),
        None => (text, ""),
    };
    let port = match port {
        "" => None,
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => match digits.parse() {
            Ok(0) | Err(_) => return Err(bad_url("the proxy's port is not between 1 and 65535")),
            Ok(port) => Some(port),
        },
        _ => return Err(bad_url("the proxy's port is no number")),
    };
    if host.is_empty() {
        return Err(bad_url("the proxy's URL names no host"));
    }
    let host = match url::Host::parse(host) {
        Ok(url::Host::Domain(name)) if name.len() <= 255 => Host::Domain(name.into()),
        Ok(url::Host::Ipv4(addr)) => Host::V4(addr),
        Ok(url::Host::Ipv6(addr)) => Host::V6(addr),
        _ => return Err(bad_url("the proxy's host is neither a name nor an address (IPv6 needs brackets)")),
    };
    Ok((host, port))
}

#[cold]
fn bad_url(detail: &'static str) -> Error {
    Error::new(Kind::Url, Phase::Prepare, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proxy_urls_are_read_as_curl_reads_them() {
        for (given, shown, user, password) in [
            ("proxy.test", "http://proxy.test:1080", "", ""),
            ("proxy.test:80", "http://proxy.test:80", "", ""),
            ("http://proxy.test:80/", "http://proxy.test:80", "", ""),
            (" HTTP://Proxy.Test ", "http://proxy.test:1080", "", ""),
            ("https://proxy.test", "https://proxy.test:443", "", ""),
            ("socks4://10.0.0.1", "socks4://10.0.0.1:1080", "", ""),
            ("socks4a://me@proxy.test:9", "socks4a://proxy.test:9", "me", ""),
            ("socks5://[::1]:9050", "socks5://[::1]:9050", "", ""),
            ("socks5h://[::1]", "socks5h://[::1]:1080", "", ""),
            ("u:p@proxy.test:3128", "http://proxy.test:3128", "u", "p"),
            ("http://u%40x:p%3a%2f@proxy.test:3128", "http://proxy.test:3128", "u@x", "p:/"),
            ("http://u:a@b:c@proxy.test", "http://proxy.test:1080", "u", "a@b:c"),
            ("http://@proxy.test", "http://proxy.test:1080", "", ""),
            ("http://b\u{fc}cher.test", "http://xn--bcher-kva.test:1080", "", ""),
        ] {
            let proxy = ProxyUri::parse(given).unwrap_or_else(|error| panic!("{given}: {error}"));
            assert_eq!(proxy.to_string(), shown, "{given}");
            let (got_user, got_password) =
                proxy.credentials().map_or((&b""[..], &b""[..]), |given| (given.user(), given.password()));
            assert_eq!((got_user, got_password), (user.as_bytes(), password.as_bytes()), "{given}");
        }
    }

    /// threats rows 5 and 14
    #[test]
    fn unusable_proxy_urls_are_errors_that_keep_the_secret() {
        let long = format!("socks5://{}:hunter2@a.test", "u".repeat(256));
        let long_password = format!("socks5h://u:hunter2{}@a.test", "p".repeat(249));
        for (given, kind) in [
            ("", Kind::Url),
            ("http://", Kind::Url),
            ("http://u:hunter2@", Kind::Url),
            ("http://u:hunter2@:3128", Kind::Url),
            ("http://u:hunter2@a.test:0", Kind::Url),
            ("http://u:hunter2@a.test:65536", Kind::Url),
            ("http://u:hunter2@a.test:x", Kind::Url),
            ("http://u:hun/ter2@a.test", Kind::Url),
            ("http://a.test/proxy.pac", Kind::Url),
            ("http://a.test?x", Kind::Url),
            ("http://::1", Kind::Url),
            ("http://a b", Kind::Url),
            ("http://[::1", Kind::Url),
            ("socks://a.test", Kind::Scheme),
            ("ftp://u:hunter2@a.test", Kind::Scheme),
            ("hunter2://a.test", Kind::Scheme),
            ("http://a.test\r\nX: y", Kind::Input),
            ("http://a\n.test", Kind::Input),
            ("http://a.test\0", Kind::Input),
            ("http://u%0d%0aX:hunter2@a.test", Kind::Input),
            ("http://u:hunter2%00@a.test", Kind::Input),
            ("socks4://u%00x@a.test", Kind::Input),
            ("socks4://u:hunter2@a.test", Kind::Input),
            ("http://u%3ax:hunter2@a.test", Kind::Input),
            (&long, Kind::Input),
            (&long_password, Kind::Input),
        ] {
            let error = ProxyUri::parse(given).expect_err(given);
            assert_eq!(error.kind(), kind, "{given:?}: {error}");
            for shown in [format!("{error}"), format!("{error:?}")] {
                assert!(!shown.contains("hunter2") && !shown.contains("ter2"), "{shown}");
            }
        }
    }

    #[test]
    fn credentials_tell_proxies_apart_but_are_never_shown() {
        let alice = ProxyUri::parse("http://alice:hunter2@p.test").unwrap();
        let bob = ProxyUri::parse("http://bob:hunter2@p.test").unwrap();
        let none = ProxyUri::parse("http://p.test").unwrap();
        assert!(alice != bob && alice != none && none == ProxyUri::parse("p.test:1080").unwrap());
        for shown in [format!("{alice:?}"), format!("{alice}")] {
            assert!(!shown.contains("alice") && !shown.contains("hunter2"), "{shown}");
        }
    }
}
