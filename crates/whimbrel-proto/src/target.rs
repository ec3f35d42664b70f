//! Where a request goes: an absolute `http` or `https` URL by the WHATWG rules, taken apart once into what the wire and
//! the pool need. Never holds a fragment; userinfo is taken off into [`Credentials`].

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use url::Url;

use crate::credentials::Credentials;
use crate::error::{Error, Kind, Phase, Result};

/// The two schemes that are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Plain HTTP (default port 80).
    Http,
    /// HTTP over TLS (default port 443).
    Https,
}

impl Scheme {
    /// The scheme's name, lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    /// The port that a URL without one means.
    pub fn default_port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

/// A host: a name in its ASCII form (IDN already converted, lower case) or an address.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Host {
    /// A registered name.
    Domain(Box<str>),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address.
    V6(Ipv6Addr),
}

impl Host {
    /// The address, if the host is one.
    pub fn addr(&self) -> Option<IpAddr> {
        match self {
            Host::Domain(_) => None,
            Host::V4(addr) => Some((*addr).into()),
            Host::V6(addr) => Some((*addr).into()),
        }
    }
}

impl fmt::Display for Host {
    /// As in a URL: IPv6 in brackets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Domain(name) => f.write_str(name),
            Host::V4(addr) => addr.fmt(f),
            Host::V6(addr) => write!(f, "[{addr}]"),
        }
    }
}

/// Scheme, host and port (RFC 9110 §4.3.1): what credentials are bound to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The scheme.
    pub scheme: Scheme,
    /// The host.
    pub host: Host,
    /// The port, the scheme's default filled in.
    pub port: u16,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}:{}", self.scheme.as_str(), self.host, self.port)
    }
}

/// An absolute target. Cheap to clone.
#[derive(Clone, PartialEq, Eq)]
pub struct Target(Arc<Parts>);

#[derive(Clone, PartialEq, Eq)]
struct Parts {
    /// `scheme://host[:port]/path?query`, without userinfo and fragment.
    url: Box<str>,
    /// Where the path begins in `url`.
    path: u32,
    origin: Arc<Origin>,
    credentials: Option<Credentials>,
}

impl Target {
    /// Parses an absolute URL. A text without a scheme is taken as `http`, as curl takes it (`localhost:8080/x`).
    ///
    /// # Errors
    /// [`Kind::Input`] for line breaks and NUL, [`Kind::Scheme`] for a scheme that isn't spoken, [`Kind::Url`] otherwise.
    pub fn parse(text: &str) -> Result<Self> {
        refuse_controls(text.as_bytes())?;
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::new(Kind::Url, Phase::Prepare, "the URL is empty"));
        }
        let parsed = if has_scheme(text) { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
        Self::from_url(parsed.map_err(bad_url)?).map_err(|error| {
            // `user:password@host` reads as a scheme named like the user.
            if error.kind() == Kind::Scheme && text.contains('@') {
                unspoken("what stands before the colon")
            } else {
                error
            }
        })
    }

    /// The target of a `Location` or another reference against this one (RFC 3986 §5). Bytes outside ASCII are taken
    /// as UTF-8, or percent-encoded where they are none.
    ///
    /// # Errors
    /// As [`Target::parse`].
    pub fn join(&self, reference: &[u8]) -> Result<Self> {
        refuse_controls(reference)?;
        let reference: String = match std::str::from_utf8(reference) {
            Ok(text) => text.to_owned(),
            Err(_) => percent_encoding::percent_encode(reference, percent_encoding::CONTROLS).collect(),
        };
        let base = Url::parse(&self.0.url).map_err(bad_url)?;
        Self::from_url(base.join(&reference).map_err(bad_url)?)
    }

    fn from_url(mut url: Url) -> Result<Self> {
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => return Err(unspoken(&format!("{other:?}"))),
        };
        let host = match url.host() {
            Some(url::Host::Domain(name)) if !name.is_empty() => Host::Domain(name.into()),
            Some(url::Host::Ipv4(addr)) => Host::V4(addr),
            Some(url::Host::Ipv6(addr)) => Host::V6(addr),
            _ => return Err(Error::new(Kind::Url, Phase::Prepare, "the URL names no host")),
        };
        let port = match url.port() {
            Some(0) => return Err(Error::new(Kind::Url, Phase::Prepare, "port 0 can't be connected to")),
            Some(port) => port,
            None => scheme.default_port(),
        };
        let credentials = (!url.username().is_empty() || url.password().is_some())
            .then(|| Credentials::from_userinfo(url.username(), url.password()));
        if credentials.is_some() {
            // Neither can fail for a URL that has a host.
            let _ = url.set_username("");
            let _ = url.set_password(None);
        }
        if url.fragment().is_some() {
            url.set_fragment(None);
        }
        let path = url[..url::Position::BeforePath].len() as u32;
        let origin = Arc::new(Origin { scheme, host, port });
        Ok(Self(Arc::new(Parts { url: String::from(url).into(), path, origin, credentials })))
    }

    /// The whole URL without userinfo and fragment: what a forward proxy is asked for (absolute-form, RFC 9112 §3.2.2).
    pub fn as_str(&self) -> &str {
        &self.0.url
    }

    /// Path and query: what an origin is asked for (origin-form, RFC 9112 §3.2.1). Never empty.
    pub fn origin_form(&self) -> &str {
        &self.0.url[self.0.path as usize..]
    }

    /// Host and port as in the URL, the default port left out: the `Host` field's value (RFC 9110 §7.2).
    pub fn authority(&self) -> &str {
        let start = self.0.origin.scheme.as_str().len() + "://".len();
        &self.0.url[start..self.0.path as usize]
    }

    /// The origin.
    pub fn origin(&self) -> &Arc<Origin> {
        &self.0.origin
    }

    /// The userinfo that stood in the URL.
    pub fn credentials(&self) -> Option<&Credentials> {
        self.0.credentials.as_ref()
    }

    /// The same target with `name=value` pairs, form-encoded, added to the query.
    #[must_use]
    pub fn with_query<'a>(&self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut pairs = pairs.into_iter().peekable();
        if pairs.peek().is_none() {
            return self.clone();
        }
        let mut url = String::from(&*self.0.url);
        url.push(if self.origin_form().contains('?') { '&' } else { '?' });
        let start = url.len();
        let mut query = url::form_urlencoded::Serializer::for_suffix(url, start);
        query.extend_pairs(pairs);
        Self(Arc::new(Parts { url: query.finish().into(), ..Parts::clone(&self.0) }))
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.url)
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.0.url)
    }
}

/// The WHATWG parser drops line breaks silently; a caller who has one in a URL has a bug, or an attacker.
fn refuse_controls(text: &[u8]) -> Result<()> {
    match text.iter().find(|&&byte| byte < b' ' || byte == 0x7f) {
        None => Ok(()),
        Some(b'\r' | b'\n') => {
            Err(Error::input("the URL holds a line break; percent-encode it (%0D, %0A) if it is meant"))
        }
        Some(0) => Err(Error::input("the URL holds a NUL byte")),
        Some(byte) => Err(Error::input(format!("the URL holds the control byte 0x{byte:02x}; percent-encode it"))),
    }
}

/// Whether the text starts with a scheme. `host:8080` does not: what follows the colon is a port.
fn has_scheme(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let port = rest.split(['/', '?', '#']).next().unwrap_or_default();
    is_scheme && (port.is_empty() || !port.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cold]
fn unspoken(scheme: &str) -> Error {
    Error::new(Kind::Scheme, Phase::Prepare, format!("{scheme} is neither http nor https"))
}

#[cold]
fn bad_url(error: url::ParseError) -> Error {
    Error::new(Kind::Url, Phase::Prepare, error.to_string()).with_source(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_read_by_the_whatwg_rules() {
        for (given, url, authority, form) in [
            ("http://a.test", "http://a.test/", "a.test", "/"),
            ("HTTP://A.Test:80/x/../y?q=1#f", "http://a.test/y?q=1", "a.test", "/y?q=1"),
            ("https://u:p@a.test:8443?x", "https://a.test:8443/?x", "a.test:8443", "/?x"),
            ("http:\\\\a\\b", "http://a/b", "a", "/b"),
            ("http://0x7f.1/", "http://127.0.0.1/", "127.0.0.1", "/"),
            ("http://[::1]:81/", "http://[::1]:81/", "[::1]:81", "/"),
            (
                "http://b\u{fc}cher.test/a b\u{e9}",
                "http://xn--bcher-kva.test/a%20b%C3%A9",
                "xn--bcher-kva.test",
                "/a%20b%C3%A9",
            ),
            ("http://a\u{3002}test/", "http://a.test/", "a.test", "/"),
            ("http://a.test%2f@b.test/", "http://b.test/", "b.test", "/"),
            ("localhost:8080/x", "http://localhost:8080/x", "localhost:8080", "/x"),
            ("example.test/a:b", "http://example.test/a:b", "example.test", "/a:b"),
        ] {
            let target = Target::parse(given).unwrap_or_else(|error| panic!("{given}: {error}"));
            assert_eq!((target.as_str(), target.authority(), target.origin_form()), (url, authority, form), "{given}");
            assert_eq!(Target::parse(target.as_str()).unwrap().as_str(), url, "{given}: not stable");
        }
    }

    /// threats row 5 and row 14
    #[test]
    fn unusable_urls_are_errors_of_the_right_kind() {
        for (given, kind) in [
            ("", Kind::Url),
            ("http://", Kind::Url),
            ("http://a.test:99999/", Kind::Url),
            ("http://a.test:0/", Kind::Url),
            ("http://[fe80::1%25lo]/", Kind::Url),
            ("http://a b/", Kind::Url),
            ("ftp://a.test/", Kind::Scheme),
            ("file:///etc/passwd", Kind::Scheme),
            ("javascript:alert(1)", Kind::Scheme),
            ("http://a.test/\r\nX: y", Kind::Input),
            ("http://a.test/\0", Kind::Input),
            ("http://a\n.test/", Kind::Input),
        ] {
            assert_eq!(Target::parse(given).unwrap_err().kind(), kind, "{given:?}");
        }
    }

    #[test]
    fn a_user_name_that_reads_as_a_scheme_is_not_told() {
        let error = Target::parse("hush:secret@a.test/").unwrap_err();
        assert_eq!(error.kind(), Kind::Scheme);
        assert!(!error.to_string().contains("hush") && !error.to_string().contains("secret"), "{error}");
    }

    #[test]
    fn references_resolve_against_their_base() {
        let base = Target::parse("https://u:p@a.test/x/y?q").unwrap();
        for (reference, url) in [
            (&b"/z"[..], "https://a.test/z"),
            (b"z", "https://a.test/x/z"),
            (b"//b.test", "https://b.test/"),
            (b"?r", "https://a.test/x/y?r"),
            (b"http://a.test/\xc3\xa9", "http://a.test/%C3%A9"),
            (b"/\xe9", "https://a.test/%E9"),
        ] {
            assert_eq!(base.join(reference).unwrap().as_str(), url);
        }
        assert!(base.join(b"/z").unwrap().credentials().is_none());
        assert_eq!(base.join(b"file:///etc/passwd").unwrap_err().kind(), Kind::Scheme);
    }

    #[test]
    fn query_pairs_are_form_encoded_behind_what_is_there() {
        let target = Target::parse("http://a.test/?x=1").unwrap();
        assert_eq!(target.with_query([("a b", "\u{e9}&")]).origin_form(), "/?x=1&a+b=%C3%A9%26");
        assert_eq!(Target::parse("http://a.test").unwrap().with_query([("k", "v")]).as_str(), "http://a.test/?k=v");
    }
}
