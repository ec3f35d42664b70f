//! Building a request. Mistakes are kept and told by `send`, so that a chain of calls reads as one sentence.

use std::fmt;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use whimbrel_proto::exchange::retry::Retry;
use whimbrel_proto::exchange::spec::{Authorization, BodyShape, Decoding, ProxyPolicy, Redirects, RequestSpec};
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
    /// Boxed, because each call of a chain moves the builder.
    draft: Result<Box<Draft>>,
    cancel: Option<CancelHandle>,
}

/// What is known of the request so far, as long as there is no mistake in it.
struct Draft {
    spec: Box<RequestSpec>,
    query: Vec<(String, String)>,
    content_type: Option<&'static str>,
    body: Body,
    max_body: Option<u64>,
    only_success: bool,
    tls: TlsOptions,
    overrides: Overrides,
    reporter: Option<Reporter>,
    cookies: bool,
}

impl RequestBuilder {
    pub(crate) fn new(session: Arc<Session>, method: &str, url: &str) -> Self {
        let draft =
            Method::parse(method).and_then(|method| Ok(Draft::new(&session, method, session.targets.parse(url)?)));
        Self { draft, session, cancel: None }
    }

    /// Changes the draft; what comes after a mistake is not looked at.
    fn set(mut self, change: impl FnOnce(&mut Draft)) -> Self {
        if let Ok(draft) = &mut self.draft {
            change(draft);
        }
        self
    }

    /// As [`RequestBuilder::set`]; the first mistake is kept.
    fn try_set(mut self, change: impl FnOnce(&mut Draft) -> Result<()>) -> Self {
        if let Ok(draft) = &mut self.draft
            && let Err(error) = change(draft)
        {
            self.draft = Err(error);
        }
        self
    }

    /// Appends a field; order, case and repeats are kept. Appended fields win over the engine's defaults of that name.
    pub fn header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.try_set(|draft| draft.spec.fields.append(name, value))
    }

    /// As [`header`](Self::header), for a value that is a credential: it is never sent to another origin than the first.
    /// `Authorization`, `Cookie` and their like are treated so in any case.
    pub fn secret_header(self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.set(|draft| draft.spec.secret_fields.push(name.into())).header(name, value)
    }

    /// Leaves out a field that the engine would send by itself: `User-Agent`, `Accept`, `Accept-Encoding`,
    /// `Content-Type`, `Expect`.
    pub fn without_header(self, name: &str) -> Self {
        self.set(|draft| draft.spec.without.push(name.into()))
    }

    /// Adds `name=value`, form-encoded, to the URL's query.
    pub fn query(self, name: &str, value: &str) -> Self {
        self.set(|draft| draft.query.push((name.into(), value.into())))
    }

    /// The request body; see [`Body`] for files and readers.
    pub fn body(self, body: impl Into<Body>) -> Self {
        let body = body.into();
        self.set(|draft| draft.body = body)
    }

    /// A body of `name=value` pairs, form-encoded, with its `Content-Type`.
    pub fn form<'a>(self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        self.set(|draft| {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            draft.body = Body::from(form.extend_pairs(pairs).finish());
            draft.content_type = Some("application/x-www-form-urlencoded");
        })
    }

    /// Whether each hop sends what the session's [`CookieJar`](crate::CookieJar) has for its URL and stores what its
    /// response sets; default: as [`ClientBuilder::cookies`](crate::ClientBuilder::cookies) says. The request's own
    /// `Cookie` header goes before them in one field, and its names win; none of them are sent after
    /// [`without_header("Cookie")`](Self::without_header).
    pub fn cookies(self, cookies: bool) -> Self {
        self.set(|draft| draft.cookies = cookies)
    }

    /// Credentials of the Basic scheme (RFC 7617), sent at once and only to this origin. They win over the URL's.
    /// A user name with a colon is a mistake: the scheme can't carry it.
    pub fn basic_auth(self, user: impl AsRef<[u8]>, password: impl AsRef<[u8]>) -> Self {
        self.try_set(|draft| {
            if user.as_ref().contains(&b':') {
                return Err(Error::input("the user name holds a colon, which the Basic scheme can't carry"));
            }
            let credentials = Credentials::new(user.as_ref(), password.as_ref());
            draft.spec.authorization = Some(Authorization::Basic(credentials));
            Ok(())
        })
    }

    /// A bearer token (RFC 6750), sent at once and only to this origin.
    pub fn bearer_auth(self, token: impl AsRef<[u8]>) -> Self {
        self.try_set(|draft| {
            let token = token.as_ref();
            if token.iter().any(|byte| !(b'!'..=b'~').contains(byte)) {
                let detail = "the bearer token holds a space, a line break or another character no token has";
                return Err(Error::input(detail));
            }
            draft.spec.authorization = Some(Authorization::Bearer(Credentials::new(*b"", token)));
            Ok(())
        })
    }

    /// See [`ClientBuilder::connect_timeout`](crate::ClientBuilder::connect_timeout).
    pub fn connect_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        self.set(|draft| draft.spec.timeouts.connect = timeout.into())
    }

    /// See [`ClientBuilder::idle_timeout`](crate::ClientBuilder::idle_timeout).
    pub fn idle_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        self.set(|draft| draft.spec.timeouts.idle = timeout.into())
    }

    /// See [`ClientBuilder::total_timeout`](crate::ClientBuilder::total_timeout).
    pub fn total_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        self.set(|draft| draft.spec.timeouts.total = timeout.into())
    }

    /// Whether redirects are followed (default) or given as the response. Only http and https are followed; credentials
    /// stay with their origin, and do not come back on a later hop.
    pub fn follow_redirects(self, follow: bool) -> Self {
        self.set(|draft| draft.spec.redirects.follow = follow)
    }

    /// How many redirects are followed before [`Kind::Redirects`](crate::Kind::Redirects); default 30.
    pub fn max_redirects(self, max: u32) -> Self {
        self.set(|draft| draft.spec.redirects.max = max)
    }

    /// Whether a redirect from https to http is followed (default) or an error.
    pub fn allow_downgrade(self, allow: bool) -> Self {
        self.set(|draft| draft.spec.redirects.allow_downgrade = allow)
    }

    /// Whether and when a request that failed is sent again; default: only where a kept connection was dead.
    pub fn retry(self, retry: Retry) -> Self {
        self.set(|draft| draft.spec.retry = Some(retry))
    }

    /// Whether gzip, br and zstd are asked for and decoded (default). Off by itself where an `Accept-Encoding` is given.
    pub fn decompress(self, decompress: bool) -> Self {
        self.set(|draft| draft.spec.decode = if decompress { Decoding::Default } else { Decoding::Off })
    }

    /// As [`decompress`](Self::decompress), and decodes also where an `Accept-Encoding` is given.
    pub fn decompress_always(self) -> Self {
        self.set(|draft| draft.spec.decode = Decoding::Always)
    }

    /// How many bytes the response body may have, decoded, before [`Kind::BodyLimit`](crate::Kind::BodyLimit); default
    /// `None`, any number.
    pub fn max_body(self, bytes: impl Into<Option<u64>>) -> Self {
        self.set(|draft| draft.max_body = bytes.into())
    }

    /// Through this proxy; see [`ClientBuilder::proxy`](crate::ClientBuilder::proxy). One that can't be used is an error,
    /// never a direct connection.
    pub fn proxy(self, url: &str) -> Self {
        self.try_set(|draft| {
            draft.spec.proxy = ProxyPolicy::Fixed(Arc::new(ProxyUri::parse(url)?));
            Ok(())
        })
    }

    /// Through no proxy, whatever the client or the environment says.
    pub fn no_proxy(self) -> Self {
        self.set(|draft| draft.spec.proxy = ProxyPolicy::Direct)
    }

    /// Trusts the authorities in this PEM file besides the platform's.
    pub fn ca_file(self, path: impl AsRef<Path>) -> Self {
        self.try_set(|draft| {
            let pem = read("CA file", path.as_ref())?;
            draft.change_tls(|tls| tls.extra_roots(pem));
            Ok(())
        })
    }

    /// Trusts these authorities (PEM) besides the platform's.
    pub fn ca_pem(self, pem: impl AsRef<[u8]>) -> Self {
        self.set(|draft| draft.change_tls(|tls| tls.extra_roots(pem.as_ref())))
    }

    /// How connections of this request are secured, in place of the client's options and of all that was said before:
    /// [`ca_pem`](Self::ca_pem), [`client_cert`](Self::client_cert) and their like add to it when they come after.
    pub fn tls(self, options: TlsOptions) -> Self {
        self.set(|draft| draft.tls = options)
    }

    /// Shows this client certificate (a chain as PEM, leaf first) to origins that ask, with its private key (PEM).
    pub fn client_cert(self, certificate: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        self.set(|draft| draft.change_tls(|tls| tls.client_certificate(certificate.as_ref(), key.as_ref())))
    }

    /// As [`client_cert`](Self::client_cert), from files; they may be one and the same.
    pub fn client_cert_files(self, certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> Self {
        self.try_set(|draft| {
            let certificate = read("client certificate", certificate.as_ref())?;
            let key = read("client key", key.as_ref())?;
            draft.change_tls(|tls| tls.client_certificate(certificate, key));
            Ok(())
        })
    }

    /// Takes any certificate: an attacker on the way can read and change everything. Such connections are never mixed
    /// with verified ones. TLS below 1.2 is refused all the same.
    pub fn danger_accept_invalid_certs(self, accept: bool) -> Self {
        self.set(|draft| draft.change_tls(|tls| tls.danger_accept_invalid_certs(accept)))
    }

    /// Connects to `addr` (`127.0.0.1`, `[::1]:8443`) where the request means `host:port`. Host, SNI and verification
    /// stay with the name.
    pub fn resolve(self, host_port: &str, addr: &str) -> Self {
        self.try_set(|draft| draft.overrides.add(host_port, addr))
    }

    /// Whether the body waits until the server agrees (`Expect: 100-continue`); default: bodies over 1 MiB and those of
    /// unknown length do. After 1 s without an answer the body is sent anyway.
    pub fn expect_continue(self, expect: bool) -> Self {
        self.set(|draft| draft.spec.expect_continue = Some(expect))
    }

    /// Calls this function whenever bytes have moved, on the thread that runs the request.
    /// [`Break`](ControlFlow::Break) cancels.
    pub fn on_progress(self, tell: impl FnMut(&Progress) -> ControlFlow<()> + Send + 'static) -> Self {
        self.set(|draft| draft.reporter = Some(Reporter::new(Box::new(tell))))
    }

    /// A handle that cancels this request from any thread.
    pub fn cancel_handle(&mut self) -> CancelHandle {
        self.cancel.get_or_insert_with(CancelHandle::new).clone()
    }

    /// For [`download`](Self::download): an error status is an error and leaves the file alone; default no.
    pub fn only_success(self, only: bool) -> Self {
        self.set(|draft| draft.only_success = only)
    }

    /// Makes this error the request's end, unless it holds a mistake already: for what was found wrong while it was put
    /// together.
    pub fn fail_with(self, error: Error) -> Self {
        self.try_set(|_| Err(error))
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
        let only_success = self.draft.as_ref().is_ok_and(|draft| draft.only_success);
        download::run(path.as_ref(), only_success, || self.without_codings().order())
    }

    /// For the I/O thread.
    pub(crate) fn into_transfer(self, delivery: &Delivery) -> Result<Box<Transfer>> {
        if matches!(delivery.to, To::File { .. }) { self.without_codings().order() } else { self.order() }
    }

    /// Asks for no content coding.
    fn without_codings(self) -> Self {
        self.try_set(|draft| {
            let spec = &mut draft.spec;
            spec.decode = Decoding::Off;
            if spec.fields.contains("accept-encoding") || leaves_out(&spec.without, "accept-encoding") {
                return Ok(());
            }
            spec.fields.append("Accept-Encoding", "identity")
        })
    }

    /// Everything validated; nothing sent.
    fn order(self) -> Result<Box<Transfer>> {
        let Draft { mut spec, query, content_type, body, max_body, tls, overrides, reporter, cookies, .. } =
            *self.draft?;
        tls.check()?;
        if !query.is_empty() {
            spec.target = spec.target.with_query(query.iter().map(|(name, value)| (&**name, &**value)));
        }
        let content_type = content_type.map(|content_type| ("Content-Type", content_type.as_bytes()));
        for (name, value) in self.session.defaults.fields.iter().chain(content_type) {
            if !spec.fields.contains(name) && !leaves_out(&spec.without, name) {
                spec.fields.append(name, value)?;
            }
        }
        spec.body = body.shape();
        let order =
            Order { spec, ways: Ways { tls, overrides }, body, max_body, cookies, cancel: self.cancel, reporter };
        Transfer::new(self.session, order, Instant::now())
    }
}

impl Draft {
    fn new(session: &Session, method: Method, target: Target) -> Box<Self> {
        let defaults = &session.defaults;
        let spec = Box::new(RequestSpec {
            method,
            target,
            fields: Fields::new(),
            secret_fields: Vec::new(),
            without: Vec::new(),
            body: BodyShape::None,
            authorization: None,
            user_agent: defaults.user_agent.clone(),
            decode: Decoding::default(),
            expect_continue: None,
            redirects: Redirects::default(),
            timeouts: defaults.timeouts,
            retry: None,
            proxy: defaults.proxy.clone(),
        });
        Box::new(Self {
            spec,
            query: Vec::new(),
            content_type: None,
            body: Body::empty(),
            max_body: None,
            only_success: false,
            tls: defaults.tls.clone(),
            overrides: defaults.overrides.clone(),
            reporter: None,
            cookies: defaults.cookies,
        })
    }

    fn change_tls(&mut self, change: impl FnOnce(TlsOptions) -> TlsOptions) {
        self.tls = change(std::mem::take(&mut self.tls));
    }
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBuilder")
            .field("spec", &self.draft.as_ref().map(|draft| &draft.spec))
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
