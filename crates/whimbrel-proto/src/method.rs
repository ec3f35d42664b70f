//! Request methods (RFC 9110 §9).

use std::borrow::Cow;
use std::fmt;

use crate::error::{Error, Result};
use crate::fields::is_token;

/// A request method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Method(Cow<'static, str>);

impl Method {
    /// `GET`.
    pub const GET: Self = Self(Cow::Borrowed("GET"));
    /// `HEAD`.
    pub const HEAD: Self = Self(Cow::Borrowed("HEAD"));

    /// A known method in any case, in its standard upper-case form; any other token as it is given.
    ///
    /// # Errors
    /// [`Kind::Input`](crate::Kind::Input) for what is no token, and for `CONNECT`, which only a proxy tunnel sends.
    pub fn parse(text: &str) -> Result<Self> {
        const KNOWN: [&str; 8] = ["GET", "POST", "PUT", "HEAD", "DELETE", "PATCH", "OPTIONS", "TRACE"];
        if let Some(known) = KNOWN.iter().find(|known| known.eq_ignore_ascii_case(text)) {
            return Ok(Self(Cow::Borrowed(known)));
        }
        if text.eq_ignore_ascii_case("CONNECT") {
            return Err(Error::input("CONNECT is no method of a request; set a proxy to get a tunnel"));
        }
        if !is_token(text.as_bytes()) {
            return Err(Error::input("the method is not a token; use a word like GET or POST"));
        }
        Ok(Self(Cow::Owned(text.to_owned())))
    }

    /// The method as it goes on the wire.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether asking twice is as good as asking once (RFC 9110 §9.2.2).
    pub fn is_idempotent(&self) -> bool {
        matches!(self.as_str(), "GET" | "HEAD" | "PUT" | "DELETE" | "OPTIONS" | "TRACE")
    }

    /// Whether a request of this method with no content still says `Content-Length: 0` (RFC 9110 §8.6).
    pub fn anticipates_content(&self) -> bool {
        matches!(self.as_str(), "POST" | "PUT" | "PATCH")
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// threats row 5
    #[test]
    fn known_methods_are_upper_case_others_as_given_and_no_token_is_refused() {
        for (given, sent) in [("get", "GET"), ("Patch", "PATCH"), ("PURGE", "PURGE"), ("mKcol", "mKcol")] {
            assert_eq!(Method::parse(given).unwrap().as_str(), sent);
        }
        for bad in ["", "GE T", "GET\r\nX: y", "GET\0", "G\u{10a}T", "connect"] {
            assert!(Method::parse(bad).is_err(), "{bad:?}");
        }
    }
}
