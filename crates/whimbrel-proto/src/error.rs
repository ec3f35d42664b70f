//! The one error of every layer: what went wrong ([`Kind`]), while doing what ([`Phase`]), with one clear sentence.
//!
//! The table that gives each pair its stable code and its sentence for scripts is in [`table`]; facades look up, never
//! compose. No error text ever holds a credential, a request field's value or a body.

mod table;

use std::error::Error as StdError;
use std::fmt;

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// The caller gave something that can't be sent or used: a method that is no token, a field with CR, LF or NUL, a
    /// certificate file that holds no certificate. Nothing was sent.
    Input,
    /// The URL can't be parsed or names no host.
    Url,
    /// The URL's scheme is neither `http` nor `https` (or the proxy's is none that is spoken).
    Scheme,
    /// The name has no address, or the lookup failed.
    Resolve,
    /// No connection could be made.
    Connect,
    /// The proxy refused, or answered what is no proxy reply.
    Proxy,
    /// The TLS handshake failed, or the TLS stream broke its own rules.
    Tls,
    /// The certificate was refused: unknown issuer, expired, other name.
    Certificate,
    /// A deadline passed; [`Phase`] says in which phase.
    Timeout,
    /// The caller cancelled.
    Cancelled,
    /// The peer sent what is not HTTP, or HTTP that contradicts itself.
    Protocol,
    /// The peer used a transfer or content coding that is unknown, malformed or refused.
    Coding,
    /// The peer closed the connection before it sent one byte of a response.
    Empty,
    /// The peer closed the connection inside a response.
    Truncated,
    /// Sending to the peer failed.
    Send,
    /// Receiving from the peer failed.
    Receive,
    /// The response head, or what it decodes to, is over a limit.
    TooLarge,
    /// The response body is over the caller's limit (`max_body`).
    BodyLimit,
    /// More redirects than allowed.
    Redirects,
    /// A redirect that must not be followed: another scheme, a refused downgrade, a body that can't be sent again.
    RedirectRefused,
    /// A local file or reader failed, for reading an upload or writing a download.
    File,
    /// The response status is an error; only where the caller asked for that ([`Phase::Done`]).
    Status,
}

/// What was being done when it went wrong. The order is that of a request's life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Phase {
    /// Validating what the caller gave.
    Prepare,
    /// Looking up a name.
    Resolve,
    /// Opening a TCP connection.
    Connect,
    /// Asking a proxy for a tunnel.
    Proxy,
    /// The TLS handshake.
    Tls,
    /// Sending the request.
    Send,
    /// Waiting for the response head.
    Wait,
    /// Receiving the response body.
    Body,
    /// After the response.
    Done,
}

/// An error of any layer, one word wide.
///
/// `Display` gives the whole sentence, cause included; [`Error::kind`], [`Error::phase`] and [`Error::code`] are for
/// programs. `source()` gives the underlying I/O or TLS error, if there was one.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    phase: Phase,
    detail: Box<str>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// The result of every fallible call of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error with its detail: a clause in lower case without a full stop that says what happened and, where the
    /// caller can mend it, what to do.
    #[cold]
    pub fn new(kind: Kind, phase: Phase, detail: impl Into<Box<str>>) -> Self {
        Self(Box::new(Inner { kind, phase, detail: detail.into(), source: None }))
    }

    /// The caller gave something unusable; nothing was sent.
    #[cold]
    pub fn input(detail: impl Into<Box<str>>) -> Self {
        Self::new(Kind::Input, Phase::Prepare, detail)
    }

    /// A deadline passed in `phase`.
    #[cold]
    pub fn timeout(phase: Phase, detail: impl Into<Box<str>>) -> Self {
        Self::new(Kind::Timeout, phase, detail)
    }

    /// Adds the underlying error.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// The same error, said of another phase.
    #[must_use]
    pub fn in_phase(mut self, phase: Phase) -> Self {
        self.0.phase = phase;
        self
    }

    /// What went wrong.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// What was being done.
    pub fn phase(&self) -> Phase {
        self.0.phase
    }

    /// The detail alone, without the general sentence.
    pub fn detail(&self) -> &str {
        &self.0.detail
    }

    /// Whether a deadline passed.
    pub fn is_timeout(&self) -> bool {
        self.0.kind == Kind::Timeout
    }

    /// Whether the caller cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.0.kind == Kind::Cancelled
    }

    /// The stable code, in kebab case (`connect-timeout`, `tls-certificate`): it never changes its meaning between versions.
    pub fn code(&self) -> &'static str {
        table::row(self.0.kind, self.0.phase).code
    }

    /// The general sentence, in the wording scripts know from libcurl (`Could not resolve hostname`).
    pub fn sentence(&self) -> &'static str {
        table::row(self.0.kind, self.0.phase).sentence
    }
}

impl Error {
    /// The whole sentence as the Lua library `network` tells it: one of Solar2D's (`Timed out`, `Connection failure`) and
    /// the detail, or the general sentence where there is none.
    pub fn network_text(&self) -> String {
        let detail = if self.detail().is_empty() { self.sentence() } else { self.detail() };
        format!("{}: {detail}", table::network(self.0.kind))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())?;
        if !self.0.detail.is_empty() {
            write!(f, ": {}", self.0.detail)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.0.kind)
            .field("phase", &self.0.phase)
            .field("detail", &self.0.detail)
            .field("source", &self.0.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}
