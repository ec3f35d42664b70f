//! A scenario: a request is drafted, started, and then answered step by step. Every step checks what the exchange decided;
//! every head is written by the real encoder. Never touches a socket.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use whimbrel_proto::exchange::deadline::Deadlines;
use whimbrel_proto::exchange::retry::Reached;
use whimbrel_proto::exchange::spec::{
    Authorization, BodyShape, Decoding, ProxyPolicy, Redirects, RequestSpec, Timeouts,
};
use whimbrel_proto::exchange::{Exchange, Hop, Route, Verdict};
use whimbrel_proto::proxy::{ProxyEnv, ProxyUri};
use whimbrel_proto::{Credentials, Error, Fields, Kind, Method, Phase, Result, Target};

/// A request that is not under way yet.
#[derive(Clone)]
pub(crate) struct Draft(RequestSpec);

impl Draft {
    pub(crate) fn new(method: &str, url: &str) -> Self {
        Self(RequestSpec {
            method: Method::parse(method).unwrap(),
            target: Target::parse(url).unwrap(),
            fields: Fields::new(),
            secret_fields: Vec::new(),
            without: Vec::new(),
            body: BodyShape::None,
            authorization: None,
            user_agent: "scenario/1".into(),
            decode: Decoding::Default,
            expect_continue: None,
            redirects: Redirects::default(),
            timeouts: Timeouts::default(),
            retry: None,
            proxy: ProxyPolicy::Direct,
        })
    }

    pub(crate) fn get(url: &str) -> Self {
        Self::new("GET", url)
    }

    /// A POST of five bytes that can be sent again.
    pub(crate) fn post(url: &str) -> Self {
        Self::new("POST", url).body(BodyShape::Sized { len: 5, replayable: true })
    }

    pub(crate) fn field(mut self, name: &str, value: &str) -> Self {
        self.0.fields.append(name, value).unwrap();
        self
    }

    pub(crate) fn secret(mut self, name: &str, value: &str) -> Self {
        self.0.secret_fields.push(name.into());
        self.field(name, value)
    }

    pub(crate) fn omit(mut self, name: &str) -> Self {
        self.0.without.push(name.into());
        self
    }

    pub(crate) fn body(mut self, body: BodyShape) -> Self {
        self.0.body = body;
        self
    }

    pub(crate) fn basic(mut self, user: &str, password: &str) -> Self {
        self.0.authorization = Some(Authorization::Basic(Credentials::new(user.as_bytes(), password.as_bytes())));
        self
    }

    pub(crate) fn bearer(mut self, token: &str) -> Self {
        self.0.authorization = Some(Authorization::Bearer(Credentials::new(*b"", token.as_bytes())));
        self
    }

    pub(crate) fn proxy(mut self, url: &str) -> Self {
        self.0.proxy = ProxyPolicy::Fixed(Arc::new(ProxyUri::parse(url).unwrap()));
        self
    }

    pub(crate) fn env(mut self, vars: &[(&str, &str)]) -> Self {
        let value = |name: &str| vars.iter().find(|var| var.0 == name).map(|var| var.1.to_owned());
        self.0.proxy = ProxyPolicy::Environment(Arc::new(ProxyEnv::from_vars(value)));
        self
    }

    /// For what no method of its own is worth.
    pub(crate) fn set(mut self, change: impl FnOnce(&mut RequestSpec)) -> Self {
        change(&mut self.0);
        self
    }

    pub(crate) fn start(self) -> Scenario {
        let start = Instant::now();
        let deadlines = Deadlines::new(self.0.timeouts, start);
        Scenario { exchange: Exchange::new(Box::new(self.0)).unwrap(), deadlines, start, now: start }
    }

    /// The error that keeps the request from starting.
    pub(crate) fn refused(self) -> Error {
        Exchange::new(Box::new(self.0)).expect_err("the request should be refused")
    }
}

/// A request under way.
pub(crate) struct Scenario {
    pub(crate) exchange: Exchange,
    pub(crate) deadlines: Deadlines,
    start: Instant,
    pub(crate) now: Instant,
}

impl Scenario {
    pub(crate) fn hop(&self) -> &Hop {
        self.exchange.hop()
    }

    /// The hop's head as it goes on the wire.
    pub(crate) fn head(&self) -> String {
        let mut out = Vec::new();
        self.exchange.write_hop_head(&mut out, None).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// Every value that the hop sends for a field.
    pub(crate) fn values(&self, name: &str) -> Vec<String> {
        let head = self.head();
        let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
        fields.filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim().to_owned()).collect()
    }

    /// Checks method and absolute URL: `GET http://a.test/`.
    #[track_caller]
    pub(crate) fn sends(self, method_and_url: &str) -> Self {
        assert_eq!(format!("{} {}", self.hop().method, self.hop().target), method_and_url);
        self
    }

    /// Checks the request line.
    #[track_caller]
    pub(crate) fn line(self, line: &str) -> Self {
        assert_eq!(self.head().lines().next(), Some(line));
        self
    }

    /// Checks that the hop sends this field once, with this value.
    #[track_caller]
    pub(crate) fn with(self, name: &str, value: &str) -> Self {
        assert_eq!(self.values(name), [value], "{name} in {}", self.head());
        self
    }

    /// Checks that the hop sends no such field.
    #[track_caller]
    pub(crate) fn without(self, name: &str) -> Self {
        assert!(self.values(name).is_empty(), "{name} in {}", self.head());
        self
    }

    /// Checks that nothing of the head holds this text.
    #[track_caller]
    pub(crate) fn hides(self, secret: &str) -> Self {
        assert!(!self.head().contains(secret), "{secret} in {}", self.head());
        self
    }

    #[track_caller]
    pub(crate) fn direct(self) -> Self {
        assert_eq!(self.hop().route, Route::Direct);
        self
    }

    /// Checks that the hop is forwarded by this proxy.
    #[track_caller]
    pub(crate) fn forwarded(self, proxy: &str) -> Self {
        match &self.hop().route {
            Route::Forward(other) => assert_eq!(other.to_string(), proxy),
            other => panic!("{other:?} is not forwarding by {proxy}"),
        }
        self
    }

    /// Checks that the hop goes through a tunnel of this proxy.
    #[track_caller]
    pub(crate) fn tunnelled(self, proxy: &str) -> Self {
        match &self.hop().route {
            Route::Tunnel(other) => assert_eq!(other.to_string(), proxy),
            other => panic!("{other:?} is not a tunnel of {proxy}"),
        }
        self
    }

    /// The hop's request was sent whole.
    fn sent(&self) -> Reached {
        let body_taken = if self.exchange.hop_body() == BodyShape::None { 0 } else { 5 };
        Reached { sent: 100 + body_taken, body_taken, received: 100, ..Reached::default() }
    }

    fn on_head(&mut self, status: u16, fields: &Fields, reached: &Reached) -> Result<Verdict> {
        self.exchange.on_head(status, fields, reached, SystemTime::UNIX_EPOCH, None)
    }

    /// A response comes before any of the body was sent.
    #[track_caller]
    pub(crate) fn early(mut self, status: u16, list: &[(&str, &str)], verdict: Verdict) -> Self {
        let reached = Reached { sent: 100, received: 100, ..Reached::default() };
        assert_eq!(self.on_head(status, &fields(list), &reached).unwrap(), verdict, "{status}");
        self
    }

    /// A redirect comes and is followed.
    #[track_caller]
    pub(crate) fn follows(mut self, status: u16, location: &str) -> Self {
        let reached = self.sent();
        let verdict = self.on_head(status, &fields(&[("Location", location)]), &reached).unwrap();
        assert_eq!(verdict, Verdict::Follow, "{status} to {location}");
        self
    }

    /// A redirect comes and is an error.
    #[track_caller]
    pub(crate) fn refuses(mut self, status: u16, location: &str) -> Error {
        let reached = self.sent();
        self.on_head(status, &fields(&[("Location", location)]), &reached).expect_err("it should be refused")
    }

    /// A response comes and is the answer.
    #[track_caller]
    pub(crate) fn delivers(mut self, status: u16, list: &[(&str, &str)]) -> Self {
        let reached = self.sent();
        assert_eq!(self.on_head(status, &fields(list), &reached).unwrap(), Verdict::Deliver);
        self
    }

    /// The hop breaks and is sent again, on a fresh connection.
    #[track_caller]
    pub(crate) fn retries(mut self, kind: Kind, reached: Reached) -> Self {
        self.exchange.on_failure(Error::new(kind, Phase::Wait, ""), &reached, None).unwrap();
        assert!(self.hop().fresh);
        self
    }

    /// The hop breaks, and that is the call's error.
    #[track_caller]
    pub(crate) fn gives_up(&mut self, kind: Kind, reached: Reached) {
        let error = self.exchange.on_failure(Error::new(kind, Phase::Wait, "as it was"), &reached, None).unwrap_err();
        assert_eq!((error.kind(), error.detail()), (kind, "as it was"));
    }

    /// Sets the clock, in seconds since the start.
    pub(crate) fn at(mut self, seconds: f64) -> Self {
        self.now = self.start + Duration::from_secs_f64(seconds);
        self
    }

    /// Something happens to the deadlines, now.
    pub(crate) fn clock(mut self, event: impl FnOnce(&mut Deadlines, Instant)) -> Self {
        event(&mut self.deadlines, self.now);
        self
    }

    /// Checks that the call lives, and when it wants to be woken, in seconds since the start.
    #[track_caller]
    pub(crate) fn lives_until(self, seconds: Option<f64>) -> Self {
        self.deadlines.check(self.now, Phase::Wait).unwrap();
        assert_eq!(self.deadlines.next().map(|at| (at - self.start).as_secs_f64()), seconds);
        self
    }

    /// The error of a deadline that has passed.
    #[track_caller]
    pub(crate) fn expires(&self, phase: Phase) -> Error {
        self.deadlines.check(self.now, phase).expect_err("a deadline should have passed")
    }
}

pub(crate) fn fields(list: &[(&str, &str)]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in list {
        fields.append(name, value).unwrap();
    }
    fields
}
