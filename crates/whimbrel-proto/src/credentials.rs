//! A user name and a password, for an origin or a proxy. `Debug` never shows them.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

/// A user name and a password, as bytes (RFC 7617 leaves the charset open; what the caller gave is sent).
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Credentials {
    user: Box<[u8]>,
    password: Box<[u8]>,
}

impl Credentials {
    /// Credentials as given.
    pub fn new(user: impl Into<Box<[u8]>>, password: impl Into<Box<[u8]>>) -> Self {
        Self { user: user.into(), password: password.into() }
    }

    /// Credentials from a URL's userinfo, percent-decoded (RFC 3986 §3.2.1).
    pub fn from_userinfo(user: &str, password: Option<&str>) -> Self {
        let decode = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
        Self::new(decode(user), decode(password.unwrap_or_default()))
    }

    /// The user name.
    pub fn user(&self) -> &[u8] {
        &self.user
    }

    /// The password.
    pub fn password(&self) -> &[u8] {
        &self.password
    }

    /// The value of an `Authorization` or `Proxy-Authorization` field for the Basic scheme (RFC 7617 §2).
    pub fn basic(&self) -> String {
        let pair = [&self.user[..], b":", &self.password[..]].concat();
        let mut value = String::from("Basic ");
        STANDARD.encode_string(pair, &mut value);
        value
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(hidden)")
    }
}
