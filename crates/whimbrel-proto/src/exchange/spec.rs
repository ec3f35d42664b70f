//! What a caller asks for, validated once: an invalid one never reaches a socket.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::retry::Retry;
use crate::credentials::Credentials;
use crate::fields::Fields;
use crate::method::Method;
use crate::proxy::{ProxyEnv, ProxyUri};
use crate::target::Target;

/// One logical request, from the first hop to the last. `Debug` hides what is secret.
#[derive(Clone)]
pub struct RequestSpec {
    /// The method of the first hop.
    pub method: Method,
    /// The target of the first hop.
    pub target: Target,
    /// The caller's fields, in order.
    pub fields: Fields,
    /// Names of fields that the caller marked as secret, besides those that always are
    /// ([`is_secret`](crate::fields::is_secret)).
    pub secret_fields: Vec<Box<str>>,
    /// Names of default fields that the caller does not want sent.
    pub without: Vec<Box<str>>,
    /// What the body is like.
    pub body: BodyShape,
    /// Credentials of the first hop's origin; they win over the URL's userinfo.
    pub authorization: Option<Authorization>,
    /// The `User-Agent` where the caller's fields hold none.
    pub user_agent: Arc<str>,
    /// Whether to ask for content codings and decode what comes.
    pub decode: Decoding,
    /// Whether to wait for a `100 (Continue)` before the body: always, never, or for bodies over
    /// [`EXPECT_CONTINUE_OVER`] bytes.
    pub expect_continue: Option<bool>,
    /// Whether and how redirects are followed.
    pub redirects: Redirects,
    /// When to give up.
    pub timeouts: Timeouts,
    /// Whether and how a request that failed is sent again; `None`: only where a kept connection was dead.
    pub retry: Option<Retry>,
    /// Which proxy to use.
    pub proxy: ProxyPolicy,
}

/// When content codings are decoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Decoding {
    /// Never, and none is asked for.
    Off,
    /// Where they were asked for by default: not where the caller's fields hold an `Accept-Encoding`.
    #[default]
    Default,
    /// Always, also where the caller asked for them.
    Always,
}

impl fmt::Debug for RequestSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestSpec")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("fields", &self.fields.redacted(&self.secret_fields))
            .field("body", &self.body)
            .field("proxy", &self.proxy)
            .finish_non_exhaustive()
    }
}

/// Bodies over this many bytes ask with `Expect: 100-continue` first, where the caller does not say (1 MiB, as libcurl).
pub const EXPECT_CONTINUE_OVER: u64 = 1 << 20;

/// What is known of a request body before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyShape {
    /// No content.
    None,
    /// Content of a known length, in bytes.
    Sized {
        /// How many bytes.
        len: u64,
        /// Whether it can be sent a second time.
        replayable: bool,
    },
    /// Content of unknown length: sent chunked.
    Unsized {
        /// Whether it can be sent a second time.
        replayable: bool,
    },
}

impl BodyShape {
    /// Whether the body can be sent again, on a redirect or another connection.
    pub fn is_replayable(self) -> bool {
        match self {
            BodyShape::None => true,
            BodyShape::Sized { replayable, .. } | BodyShape::Unsized { replayable } => replayable,
        }
    }
}

/// Credentials for an origin, sent at once.
#[derive(Clone, Debug)]
pub enum Authorization {
    /// RFC 7617.
    Basic(Credentials),
    /// RFC 6750 §2.1. Kept as credentials so that `Debug` hides it: the token is the password.
    Bearer(Credentials),
}

impl Authorization {
    /// The field's value.
    pub(super) fn value(&self) -> Vec<u8> {
        match self {
            Authorization::Basic(credentials) => credentials.basic().into_bytes(),
            Authorization::Bearer(credentials) => [b"Bearer ", credentials.password()].concat(),
        }
    }
}

/// Whether and how redirects are followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redirects {
    /// Off: the 3xx itself is the response.
    pub follow: bool,
    /// How many before [`Kind::Redirects`](crate::Kind::Redirects); default 30.
    pub max: u32,
    /// Whether one from https to http is followed (without credentials); default yes.
    pub allow_downgrade: bool,
}

impl Default for Redirects {
    fn default() -> Self {
        Self { follow: true, max: 30, allow_downgrade: true }
    }
}

/// When to give up. `None` means never.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// Name lookup, TCP, proxy and TLS handshakes of one hop together; default 30 s.
    pub connect: Option<Duration>,
    /// No byte moved either way; default 60 s.
    pub idle: Option<Duration>,
    /// The whole call, redirects and body included; default none.
    pub total: Option<Duration>,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Some(Duration::from_secs(30)), idle: Some(Duration::from_secs(60)), total: None }
    }
}

/// Which proxy each hop goes through.
#[derive(Clone, Debug, Default)]
pub enum ProxyPolicy {
    /// None.
    #[default]
    Direct,
    /// Always this one.
    Fixed(Arc<ProxyUri>),
    /// What the environment said when it was read; asked again at each hop, since schemes and hosts differ.
    Environment(Arc<ProxyEnv>),
}
