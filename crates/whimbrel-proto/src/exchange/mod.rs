//! One logical request, from its first hop to its last, as a machine without sockets.
//!
//! ```text
//!                 ┌──────────────────────────────── Follow ───────────────────────────────┐
//!                 ▼                                                                       │
//!   new ──▶ hop(): where, through what, which head ──▶ [driver connects, sends] ──▶ on_head(head)
//!                 ▲                                            │                          │
//!                 ├──────── on_failure: Now, After ◀───────────┤                          ├─▶ Deliver
//!                 │                                            └─▶ Err: the call's error  │
//!                 └───────────────────────────────── Wait ────────────────────────────────┘
//! ```
//!
//! Each policy is one file, asked in turn: `redirect`, `retry`, `head` (which fields go where), [`deadline`].
//! The driver owns the connection and the clock; it never decides.

pub mod deadline;
mod expect;
mod head;
mod redirect;
pub mod retry;
pub mod spec;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use crate::coding;
use crate::error::{Error, Result};
use crate::fields::Fields;
use crate::method::Method;
use crate::proxy::ProxyUri;
use crate::target::{Origin, Scheme, Target};
use retry::{Again, Reached, Retries};
use spec::{BodyShape, Decoding, ProxyPolicy, RequestSpec};

/// How a hop's connection reaches its origin.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Route {
    /// Straight.
    Direct,
    /// To an HTTP proxy that forwards: absolute-form, plain http only (RFC 9112 §3.2.2).
    Forward(Arc<ProxyUri>),
    /// Through a tunnel that the proxy opens (CONNECT or SOCKS).
    Tunnel(Arc<ProxyUri>),
}

/// One request to one origin.
#[derive(Clone, Debug)]
pub struct Hop {
    /// Where it goes.
    pub target: Target,
    /// Its method.
    pub method: Method,
    /// How it gets there.
    pub route: Route,
    /// Whether the connection must be new, because a kept one was dead.
    pub fresh: bool,
    /// Whether content codings are asked for and decoded.
    pub decodes: bool,
    keeps_body: bool,
    /// Whether the server refused to be asked before the body.
    expectation_failed: bool,
    /// Whether no hop has left the first origin yet: credentials and secret fields go along only then, and never again
    /// after.
    at_home: bool,
}

impl Hop {
    /// The body that this hop sends.
    pub fn body(&self, spec: &RequestSpec) -> BodyShape {
        if self.keeps_body { spec.body } else { BodyShape::None }
    }

    /// Whether the body waits for a `100 (Continue)`.
    pub fn expects_continue(&self, spec: &RequestSpec) -> bool {
        expect::asks(spec, self)
    }

    /// The request target of the request line (RFC 9112 §3.2).
    pub fn request_target(&self) -> &str {
        match self.route {
            Route::Forward(_) => self.target.as_str(),
            Route::Direct | Route::Tunnel(_) => self.target.origin_form(),
        }
    }
}

/// What to do with a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is the answer: deliver it.
    Deliver,
    /// It leads on: drain or drop it, then send [`Exchange::hop`] again, which is the next one already.
    Follow,
    /// It says that another try may do better: drain or drop it, wait this long, then send the same hop again.
    Wait(Duration),
}

/// How much of a redirect's body is read to keep its connection, in bytes as received. It is never decoded.
pub const DRAIN_LIMIT: u64 = 64 << 10;

/// The machine.
#[derive(Debug)]
pub struct Exchange {
    /// Boxed, because an exchange is moved to where it is stepped.
    spec: Box<RequestSpec>,
    hop: Hop,
    redirects: u32,
    /// Whether a dead kept connection of this hop was replaced already.
    replaced: bool,
    retries: Retries,
}

impl Exchange {
    /// Validates the whole request.
    ///
    /// # Errors
    /// What the caller gave can't be sent: framing fields that contradict the body, a proxy that can't be used.
    pub fn new(spec: Box<RequestSpec>) -> Result<Self> {
        head::check(&spec)?;
        let decodes = match spec.decode {
            Decoding::Off => false,
            Decoding::Default => {
                !spec.fields.contains("accept-encoding") && !head::leaves_out(&spec, "accept-encoding")
            }
            Decoding::Always => true,
        };
        let hop = Hop {
            target: spec.target.clone(),
            method: spec.method.clone(),
            route: route(&spec.proxy, spec.target.origin())?,
            fresh: false,
            decodes,
            keeps_body: true,
            expectation_failed: false,
            at_home: true,
        };
        Ok(Self { spec, hop, redirects: 0, replaced: false, retries: Retries::default() })
    }

    /// What was asked for.
    pub fn spec(&self) -> &RequestSpec {
        &self.spec
    }

    /// The hop to send, or being sent.
    pub fn hop(&self) -> &Hop {
        &self.hop
    }

    /// The body of the hop.
    pub fn hop_body(&self) -> BodyShape {
        self.hop.body(&self.spec)
    }

    /// Appends the head of the hop's request, built afresh. `cookie`: what a cookie jar has for the hop's target, as
    /// `name=value` pairs (RFC 6265 §5.4); it makes one field with the caller's own `Cookie`, whose names win.
    ///
    /// # Errors
    /// As [`h1::encode_head`](crate::h1::encode_head); nothing is appended then.
    pub fn write_hop_head(&self, out: &mut Vec<u8>, cookie: Option<&str>) -> Result<()> {
        head::write(out, &self.spec, &self.hop, cookie)
    }

    /// How many redirects were followed so far.
    pub fn redirects(&self) -> u32 {
        self.redirects
    }

    /// How often the caller's policy ([`retry`]) sent a hop again so far. Replaced connections don't count.
    pub fn retries(&self) -> u32 {
        self.retries.done
    }

    /// Makes the jitter of the waits repeatable. Without it, and with a seed of 0, each call has its own.
    pub fn seed_jitter(&mut self, seed: u64) {
        self.retries.seed(seed);
    }

    /// Judges a final response head; `reached` tells how far the request had come by then. The caller's policy is asked
    /// first whether to try again ([`Verdict::Wait`]). `wall` is the time of day, for a `Retry-After` that is a date; `left` what is left of the whole call's deadline
    /// ([`Deadlines::left`](deadline::Deadlines::left)).
    ///
    /// # Errors
    /// A redirect over the limit, or one that must not be followed.
    pub fn on_head(
        &mut self,
        status: u16,
        fields: &Fields,
        reached: &Reached,
        wall: SystemTime,
        left: Option<Duration>,
    ) -> Result<Verdict> {
        if let Some(policy) = &self.spec.retry {
            let (method, body) = (&self.hop.method, self.hop.body(&self.spec));
            let wait = self.retries.after_status(policy, status, fields, reached, method, body, wall, left);
            if let Some(wait) = wait {
                self.start_over();
                return Ok(Verdict::Wait(wait));
            }
        }
        self.answer_or_follow(status, fields, reached)
    }

    fn answer_or_follow(&mut self, status: u16, fields: &Fields, reached: &Reached) -> Result<Verdict> {
        let hop = &self.hop;
        if expect::is_refused(&self.spec, hop, status, reached) {
            self.hop.expectation_failed = true;
            return Ok(Verdict::Follow);
        }
        let can_repeat = reached.can_repeat(hop.body(&self.spec));
        let policy = &self.spec.redirects;
        let Some(next) =
            redirect::decide(policy, self.redirects, &hop.target, &hop.method, can_repeat, status, fields)?
        else {
            return Ok(Verdict::Deliver);
        };
        self.hop = Hop {
            route: route(&self.spec.proxy, next.target.origin())?,
            fresh: false,
            decodes: hop.decodes,
            keeps_body: hop.keeps_body && next.keeps_body,
            expectation_failed: false,
            at_home: hop.at_home && hop.target.origin() == next.target.origin(),
            target: next.target,
            method: next.method,
        };
        self.redirects += 1;
        self.replaced = false;
        Ok(Verdict::Follow)
    }

    /// Judges a hop that failed before its final head: a kept connection that was dead is replaced, and for the rest the
    /// caller's policy is asked. `reached` is its default where the hop had no connection yet; `left` is what is left of
    /// the whole call's deadline ([`Deadlines::left`](deadline::Deadlines::left)).
    ///
    /// # Errors
    /// The error itself, where it can't be tried again.
    pub fn on_failure(&mut self, error: Error, reached: &Reached, left: Option<Duration>) -> Result<Again> {
        let body = self.hop.body(&self.spec);
        if !self.replaced && retry::was_stale(&error, reached, &self.hop.method, body) {
            self.replaced = true;
            self.hop.fresh = true;
            return Ok(Again::Now);
        }
        let Some(policy) = &self.spec.retry else { return Err(error) };
        let (method, body) = (&self.hop.method, self.hop.body(&self.spec));
        let Some(wait) = self.retries.after_failure(policy, &error, reached, method, body, left) else {
            return Err(error);
        };
        self.start_over();
        Ok(Again::After(wait))
    }

    /// The same hop again, as if for the first time: any connection will do.
    fn start_over(&mut self) {
        self.hop.fresh = false;
        self.replaced = false;
    }

    /// The decoder of a response that is delivered: `None` where its bytes are passed on as they are.
    ///
    /// # Errors
    /// Too many codings at once ([`Kind::Coding`](crate::Kind::Coding)).
    pub fn decoder(&self, fields: &Fields) -> Result<Option<coding::Decoder>> {
        if !self.hop.decodes || !fields.contains("content-encoding") {
            return Ok(None);
        }
        let codings = fields.get_all("content-encoding");
        coding::Decoder::for_fields(codings, coding::Codings::ACCEPTED, coding::DecodeLimits::default())
    }
}

fn route(policy: &ProxyPolicy, origin: &Origin) -> Result<Route> {
    let proxy = match policy {
        ProxyPolicy::Direct => None,
        ProxyPolicy::Fixed(proxy) => Some(proxy.clone()),
        ProxyPolicy::Environment(env) => env.choose(origin)?.map(Arc::new),
    };
    Ok(match proxy {
        None => Route::Direct,
        Some(proxy) if origin.scheme == Scheme::Http && !proxy.scheme().is_socks() => Route::Forward(proxy),
        Some(proxy) => Route::Tunnel(proxy),
    })
}
