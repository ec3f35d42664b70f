//! Building a request. Mistakes are kept and told by `send`, so that a chain of calls reads as one sentence.

use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use whimbrel_proto::exchange::retry::Retry;
use whimbrel_proto::exchange::spec::{Authorization, Decoding, ProxyPolicy, Redirects, RequestSpec, Timeouts};
use whimbrel_proto::proxy::ProxyUri;
use whimbrel_proto::{Credentials, Error, Fields, Method, Result, Target};

use crate::body::Body;
use crate::caller;
use crate::cancel::CancelHandle;
use crate::delivery::{Delivery, To};
use crate::download::{self, Download};
use crate::overrides::Overrides;
use crate::progress::{Progress, Reporter};
use crate::response::Response;
use crate::session::Session;
use crate::tls::TlsOptions;
use crate::transfer::{Order, Transfer, Ways};

/// A request that is being put together; [`send`](RequestBuilder::send) or [`download`](RequestBuilder::download) makes
/// it happen.
#[must_use = "a request does nothing until it is sent"]
pub struct RequestBuilder {
    session: Arc<Session>,
    /// The first mistake; what comes after it is not looked at.
    error: Option<Error>,
    method: Option<Method>,
    target: Option<Target>,
    query: Vec<(String, String)>,
    fields: Fields,
    secret_fields: Vec<Box<str>>,
    without: Vec<Box<str>>,
    content_type: Option<&'static str>,
    body: Body,
    authorization: Option<Authorization>,
    timeouts: Timeouts,
    redirects: Redirects,
    retry: Option<Retry>,
    decode: Decoding,
    expect_continue: Option<bool>,
    max_body: Option<u64>,
    only_success: bool,
    proxy: ProxyPolicy,
    tls: TlsOptions,
    overrides: Overrides,
    reporter: Option<Reporter>,
    cancel: Option<CancelHandle>,
    cookies: bool,
}

impl RequestBuilder {
    pub(crate) fn new(session: Arc<Session>, method: &str, url: &str) -> Self {
        let defaults = &session.defaults;
        let mut builder = Self {
            error: None,
            method: None,
            target: None,
            query: Vec::new(),
            fields: Fields::new(),
            secret_fields: Vec::new(),
            without: Vec::new(),
            content_type: None,
            body: Body::empty(),
            authorization: None,
            timeouts: defaults.timeouts,
            redirects: Redirects::default(),
            retry: None,
            decode: Decoding::default(),
            expect_continue: None,
            max_body: None,
            only_success: false,
            proxy: defaults.proxy.clone(),
            tls: defaults.tls.clone(),
            overrides: defaults.overrides.clone(),
            reporter: None,
            cancel: None,
            cookies: defaults.cookies,
            session,
        };
        builder.method = builder.keep(Method::parse(method));
        builder.target = builder.keep(builder.session.targets.parse(url));
        builder
    }

    /// Appends a field; order, case and repeats are kept. Appended fields win over the engine's defaults of that name.
    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let result = self.fields.append(name, value);
        self.keep(result);
        self
    }

    /// As [`header`](Self::header), for a value that is a credential: it is never sent to another origin than the first.
    /// `Authorization`, `Cookie` and their like are treated so in any case.
    pub fn secret_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.secret_fields.push(name.into());
        self.header(name, value)
    }

    /// Leaves out a field that the engine would send by itself: `User-Agent`, `Accept`, `Accept-Encoding`,
    /// `Content-Type`, `Expect`.
    pub fn without_header(mut self, name: &str) -> Self {
        self.without.push(name.into());
        self
    }

    /// Adds `name=value`, form-encoded, to the URL's query.
    pub fn query(mut self, name: &str, value: &str) -> Self {
        self.query.push((name.into(), value.into()));
        self
    }

    /// The request body; see [`Body`] for files and readers.
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// A body of `name=value` pairs, form-encoded, with its `Content-Type`.
    pub fn form<'a>(mut self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        self.body = Body::from(form.extend_pairs(pairs).finish());
        self.content_type = Some("application/x-www-form-urlencoded");
        self
    }

    /// Whether each hop sends what the session's [`CookieJar`](crate::CookieJar) has for its URL and stores what its
    /// response sets; default: as [`ClientBuilder::cookies`](crate::ClientBuilder::cookies) says. The request's own
    /// `Cookie` header goes before them in one field, and its names win; none of them are sent after
    /// [`without_header("Cookie")`](Self::without_header).
    pub fn cookies(mut self, cookies: bool) -> Self {
        self.cookies = cookies;
        self
    }

    /// Credentials of the Basic scheme (RFC 7617), sent at once and only to this origin. They win over the URL's.
    /// A user name with a colon is a mistake: the scheme can't carry it.
    pub fn basic_auth(mut self, user: impl AsRef<[u8]>, password: impl AsRef<[u8]>) -> Self {
        if user.as_ref().contains(&b':') {
            self.fail(Error::input("the user name holds a colon, which the Basic scheme can't carry"));
        }
        self.authorization = Some(Authorization::Basic(Credentials::new(user.as_ref(), password.as_ref())));
        self
    }

    /// A bearer token (RFC 6750), sent at once and only to this origin.
    pub fn bearer_auth(mut self, token: impl AsRef<[u8]>) -> Self {
        let token = token.as_ref();
        if token.iter().any(|byte| !(b'!'..=b'~').contains(byte)) {
            self.fail(Error::input("the bearer token holds a space, a line break or another character no token has"));
        }
        self.authorization = Some(Authorization::Bearer(Credentials::new(*b"", token)));
        self
    }

    /// See [`ClientBuilder::connect_timeout`](crate::ClientBuilder::connect_timeout).
    pub fn connect_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeouts.connect = timeout.into();
        self
    }

    /// See [`ClientBuilder::idle_timeout`](crate::ClientBuilder::idle_timeout).
    pub fn idle_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeouts.idle = timeout.into();
        self
    }

    /// See [`ClientBuilder::total_timeout`](crate::ClientBuilder::total_timeout).
    pub fn total_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeouts.total = timeout.into();
        self
    }

    /// Whether redirects are followed (default) or given as the response. Only http and https are followed; credentials
    /// stay with their origin, and do not come back on a later hop.
    pub fn follow_redirects(mut self, follow: bool) -> Self {
        self.redirects.follow = follow;
        self
    }

    /// How many redirects are followed before [`Kind::Redirects`](crate::Kind::Redirects); default 30.
    pub fn max_redirects(mut self, max: u32) -> Self {
        self.redirects.max = max;
        self
    }

    /// Whether a redirect from https to http is followed (default) or an error.
    pub fn allow_downgrade(mut self, allow: bool) -> Self {
        self.redirects.allow_downgrade = allow;
        self
    }

    /// Whether and when a request that failed is sent again; default: only where a kept connection was dead.
    pub fn retry(mut self, retry: Retry) -> Self {
        self.retry = Some(retry);
        self
    }

    /// Whether gzip, br and zstd are asked for and decoded (default). Off by itself where an `Accept-Encoding` is given.
    pub fn decompress(mut self, decompress: bool) -> Self {
        self.decode = if decompress { Decoding::Default } else { Decoding::Off };
        self
    }

    /// As [`decompress`](Self::decompress), and decodes also where an `Accept-Encoding` is given.
    pub fn decompress_always(mut self) -> Self {
        self.decode = Decoding::Always;
        self
    }

    /// How many bytes the response body may have, decoded, before [`Kind::BodyLimit`](crate::Kind::BodyLimit); default
    /// `None`, any number.
    pub fn max_body(mut self, bytes: impl Into<Option<u64>>) -> Self {
        self.max_body = bytes.into();
        self
    }

    /// Through this proxy; see [`ClientBuilder::proxy`](crate::ClientBuilder::proxy). One that can't be used is an error,
    /// never a direct connection.
    pub fn proxy(mut self, url: &str) -> Self {
        if let Some(proxy) = self.keep(ProxyUri::parse(url)) {
            self.proxy = ProxyPolicy::Fixed(Arc::new(proxy));
        }
        self
    }

    /// Through no proxy, whatever the client or the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.proxy = ProxyPolicy::Direct;
        self
    }

    /// Trusts the authorities in this PEM file besides the platform's.
    pub fn ca_file(mut self, path: impl AsRef<Path>) -> Self {
        match self.keep(read("CA file", path.as_ref())) {
            Some(pem) => self.ca_pem(pem),
            None => self,
        }
    }

    /// Trusts these authorities (PEM) besides the platform's.
    pub fn ca_pem(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.tls = self.tls.extra_roots(pem.as_ref());
        self
    }

    /// How connections of this request are secured, in place of the client's options and of all that was said before:
    /// [`ca_pem`](Self::ca_pem), [`client_cert`](Self::client_cert) and their like add to it when they come after.
    pub fn tls(mut self, options: TlsOptions) -> Self {
        self.tls = options;
        self
    }

    /// Shows this client certificate (a chain as PEM, leaf first) to origins that ask, with its private key (PEM).
    pub fn client_cert(mut self, certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        self.tls = self.tls.client_certificate(certificate.as_ref(), key.as_ref());
        self
    }

    /// As [`client_cert`](Self::client_cert), from files; they may be one and the same.
    pub fn client_cert_files(mut self, certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> Self {
        let certificate = self.keep(read("client certificate", certificate.as_ref()));
        let key = self.keep(read("client key", key.as_ref()));
        match (certificate, key) {
            (Some(certificate), Some(key)) => self.client_cert(certificate, key),
            _ => self,
        }
    }

    /// Takes any certificate: an attacker on the way can read and change everything. Such connections are never mixed
    /// with verified ones. TLS below 1.2 is refused all the same.
    pub fn danger_accept_invalid_certs(mut self, accept: bool) -> Self {
        self.tls = self.tls.danger_accept_invalid_certs(accept);
        self
    }

    /// Connects to `addr` (`127.0.0.1`, `[::1]:8443`) where the request means `host:port`. Host, SNI and verification
    /// stay with the name.
    pub fn resolve(mut self, host_port: &str, addr: &str) -> Self {
        let result = self.overrides.add(host_port, addr);
        self.keep(result);
        self
    }

    /// Whether the body waits until the server agrees (`Expect: 100-continue`); default: bodies over 1 MiB and those of
    /// unknown length do. After 1 s without an answer the body is sent anyway.
    pub fn expect_continue(mut self, expect: bool) -> Self {
        self.expect_continue = Some(expect);
        self
    }

    /// Calls this function whenever bytes have moved, on the thread that runs the request.
    /// [`Break`](ControlFlow::Break) cancels.
    pub fn on_progress(mut self, tell: impl FnMut(&Progress) -> ControlFlow<()> + Send + 'static) -> Self {
        self.reporter = Some(Reporter::new(Box::new(tell)));
        self
    }

    /// A handle that cancels this request from any thread.
    pub fn cancel_handle(&mut self) -> CancelHandle {
        self.cancel.get_or_insert_with(CancelHandle::new).clone()
    }

    /// For [`download`](Self::download): an error status is an error and leaves the file alone; default no.
    pub fn only_success(mut self, only: bool) -> Self {
        self.only_success = only;
        self
    }

    /// Makes this error the request's end, unless it holds a mistake already: for what was found wrong while it was put
    /// together.
    pub fn fail_with(mut self, error: Error) -> Self {
        self.fail(error);
        self
    }

    /// Sends the request and waits for the head of the final response. Its body is read from the [`Response`].
    ///
    /// # Errors
    /// Every [`Kind`](crate::Kind) but `Status`.
    pub fn send(self) -> Result<Response> {
        let mut transfer = self.order()?;
        let head = caller::head(&mut transfer)?;
        Ok(Response::new(transfer, head))
    }

    /// Sends the request and streams the response body to a file: beside the target first, renamed when it is complete.
    /// A failure leaves the target as it was and nothing else behind. Asks for no content coding, so that what is stored
    /// is what was published, unless an `Accept-Encoding` is given.
    ///
    /// # Errors
    /// As [`send`](Self::send); [`Kind::File`](crate::Kind::File) names the path;
    /// [`Kind::Status`](crate::Kind::Status) after [`only_success`](Self::only_success).
    pub fn download(self, path: impl AsRef<Path>) -> Result<Download> {
        let only_success = self.only_success;
        download::run(path.as_ref(), only_success, || self.without_codings().order())
    }

    /// For the I/O thread.
    pub(crate) fn into_transfer(self, delivery: &Delivery) -> Result<Box<Transfer>> {
        if matches!(delivery.to, To::File { .. }) { self.without_codings().order() } else { self.order() }
    }

    /// Asks for no content coding.
    fn without_codings(mut self) -> Self {
        self.decode = Decoding::Off;
        if !self.fields.contains("accept-encoding") && !self.leaves_out("accept-encoding") {
            let result = self.fields.append("Accept-Encoding", "identity");
            self.keep(result);
        }
        self
    }

    /// Everything validated; nothing sent.
    fn order(mut self) -> Result<Box<Transfer>> {
        if let Some(error) = self.error {
            return Err(error);
        }
        // Both are there where no error is.
        let (Some(method), Some(mut target)) = (self.method, self.target) else { return Err(Error::input("no URL")) };
        self.tls.check()?;
        if !self.query.is_empty() {
            target = target.with_query(self.query.iter().map(|(name, value)| (&**name, &**value)));
        }
        for (name, value) in self.session.defaults.fields.iter() {
            if !self.fields.contains(name) && !leaves_out(&self.without, name) {
                self.fields.append(name, value)?;
            }
        }
        if let Some(content_type) = self.content_type
            && !self.fields.contains("content-type")
            && !leaves_out(&self.without, "content-type")
        {
            self.fields.append("Content-Type", content_type)?;
        }
        let spec = RequestSpec {
            method,
            target,
            fields: self.fields,
            secret_fields: self.secret_fields,
            without: self.without,
            body: self.body.shape(),
            authorization: self.authorization,
            user_agent: self.session.defaults.user_agent.clone(),
            decode: self.decode,
            expect_continue: self.expect_continue,
            redirects: self.redirects,
            timeouts: self.timeouts,
            retry: self.retry,
            proxy: self.proxy,
        };
        let order = Order {
            spec,
            ways: Ways { tls: self.tls, overrides: self.overrides },
            body: self.body,
            max_body: self.max_body,
            cookies: self.cookies,
            cancel: self.cancel,
            reporter: self.reporter,
        };
        Transfer::new(self.session, order, Instant::now())
    }

    fn leaves_out(&self, name: &str) -> bool {
        leaves_out(&self.without, name)
    }

    fn keep<T>(&mut self, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.fail(error)).ok()
    }

    fn fail(&mut self, error: Error) {
        self.error.get_or_insert(error);
    }
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBuilder")
            .field("method", &self.method)
            .field("target", &self.target)
            .field("fields", &self.fields.redacted(&self.secret_fields))
            .finish_non_exhaustive()
    }
}

fn leaves_out(without: &[Box<str>], name: &str) -> bool {
    without.iter().any(|other| other.eq_ignore_ascii_case(name))
}

fn read(what: &str, path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        Error::input(format!("the {what} {} can't be read ({error})", path.display())).with_source(error)
    })
}
