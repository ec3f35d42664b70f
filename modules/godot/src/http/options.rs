//! What the options of a script mean for the engine: names, units, defaults, precedence. Everything HTTP is the engine's.

mod read;
mod words;

use std::time::Duration;

use godot::classes::{CryptoKey, TlsOptions, X509Certificate};
use godot::prelude::*;
use whimbrel::{Client, Delivery, Error, RequestBuilder, Result, Retry};

use crate::client::tls::{self, TlsExtras};
use crate::paths;

/// The body limit that holds where nothing else is said, in bytes: 64 MiB.
const MAX_BODY: u64 = 64 << 20;

/// How many redirects are followed where nothing else is said.
const MAX_REDIRECTS: u32 = 10;

/// How much of a streamed body waits at most for the next frame, in bytes; then the server waits as well.
const STREAM: usize = 1 << 20;

/// The shortest time between two tellings of progress: a frame's, at 60 in a second.
const PROGRESS: Duration = Duration::from_millis(16);

/// The options as read, of the session first, of the request on top of them.
#[derive(Default)]
pub(super) struct Options {
    method: Option<String>,
    headers: Vec<Header>,
    query: Vec<(String, String)>,
    body: Option<Content>,
    timeout: Option<Option<Duration>>,
    connect_timeout: Option<Option<Duration>>,
    idle_timeout: Option<Option<Duration>>,
    max_redirects: Option<u32>,
    allow_downgrade: Option<bool>,
    max_body: Option<Option<u64>>,
    download_file: Option<String>,
    any_status: bool,
    stream: bool,
    retry: Option<Retry>,
    priority: i8,
    max_rate: u64,
    cookies: Option<bool>,
    decompress: Option<bool>,
    proxy: Option<String>,
    user_agent: Option<String>,
    authorization: Option<Authorization>,
    tls: Tls,
    resolve: Vec<(String, String)>,
    progress: Option<Callable>,
    is_quiet: bool,
}

/// A header field that the script gives, or, without a value, one that is not to be sent.
struct Header {
    name: String,
    value: Option<String>,
}

enum Content {
    Bytes(Vec<u8>),
    Json(String),
    Form(Vec<(String, String)>),
    File(String),
}

/// What is said about TLS, if anything.
#[derive(Default)]
struct Tls {
    is_given: bool,
    options: Option<Gd<TlsOptions>>,
    extras: TlsExtras,
    certificate: Option<Gd<X509Certificate>>,
    key: Option<Gd<CryptoKey>>,
}

enum Authorization {
    Basic(String, String),
    Bearer(String),
}

/// What a request is when all is read: what is started, and what its call must know.
pub(super) struct Order {
    pub(super) request: RequestBuilder,
    pub(super) delivery: Delivery,
    /// The file's name as the script gave it; empty without one.
    pub(super) file: String,
    /// Nothing but its end is told.
    pub(super) is_quiet: bool,
    pub(super) progress: Option<Callable>,
}

impl Options {
    /// Nobody gets to know the call, so that nobody can listen to more than its end.
    pub(super) fn keep_quiet(&mut self) {
        self.is_quiet = true;
    }

    /// The request for this URL. A mistake is in it and comes as its end, as every other failure does.
    pub(super) fn into_order(mut self, client: &Client, url: &str, mistake: Option<Error>) -> Order {
        self.is_quiet &= self.progress.is_none() && !self.stream;
        let is_quiet = self.is_quiet;
        let method = self.method.take().unwrap_or_else(|| if self.body.is_some() { "POST" } else { "GET" }.into());
        let request = client.request(&method, url);
        let file = self.download_file.clone().unwrap_or_default();
        let progress = self.progress.take();
        if let Some(error) = mistake {
            return Order { request: request.fail_with(error), delivery: Delivery::memory(), file, is_quiet, progress };
        }
        let (delivery, request) = match self.delivery() {
            Ok(delivery) => (delivery, self.apply(request)),
            Err(error) => (Delivery::memory(), request.fail_with(error)),
        };
        Order { request, delivery, file, is_quiet, progress }
    }

    fn delivery(&self) -> Result<Delivery> {
        let delivery = match &self.download_file {
            Some(name) if self.stream => {
                let why = "options 'stream' and 'download_file' exclude each other; leave one of them out";
                return Err(Error::input(format!("{why} (the file is {name:?})")));
            }
            Some(name) => Delivery::file(paths::to_write(name)?).create_folders(true).any_status(self.any_status),
            None if self.stream => Delivery::chunks(STREAM),
            None => Delivery::memory(),
        };
        let delivery = delivery.priority(self.priority).max_rate(self.max_rate);
        Ok(if self.is_quiet { delivery } else { delivery.head(true).progress(PROGRESS) })
    }

    fn apply(mut self, request: RequestBuilder) -> RequestBuilder {
        let content = self.body.take();
        let request = self.apply_fields(request);
        let request = self.apply_limits(request);
        let request = self.apply_connection(request);
        match content {
            Some(content) => self.apply_body(request, content),
            None => request,
        }
    }

    fn apply_fields(&self, mut request: RequestBuilder) -> RequestBuilder {
        for Header { name, value } in &self.headers {
            request = match value {
                Some(value) => request.header(name, value),
                None => request.without_header(name),
            };
        }
        if let Some(agent) = self.user_agent.as_ref().filter(|_| !self.names("User-Agent")) {
            request = match agent.as_str() {
                "" => request.without_header("User-Agent"),
                agent => request.header("User-Agent", agent),
            };
        }
        request = match &self.authorization {
            Some(Authorization::Basic(user, password)) => request.basic_auth(user, password),
            Some(Authorization::Bearer(token)) => request.bearer_auth(token),
            None => request,
        };
        for (name, value) in &self.query {
            request = request.query(name, value);
        }
        request
    }

    fn apply_limits(&self, mut request: RequestBuilder) -> RequestBuilder {
        if let Some(timeout) = self.timeout {
            request = request.total_timeout(timeout);
        }
        if let Some(timeout) = self.connect_timeout {
            request = request.connect_timeout(timeout);
        }
        if let Some(timeout) = self.idle_timeout {
            request = request.idle_timeout(timeout);
        }
        request = match self.max_redirects.unwrap_or(MAX_REDIRECTS) {
            0 => request.follow_redirects(false),
            max => request.max_redirects(max),
        };
        if let Some(retry) = self.retry {
            request = request.retry(retry);
        }
        // What goes to a file or through the script's hands is not held in memory.
        let unlimited = self.download_file.is_some() || self.stream;
        request
            .max_body(self.max_body.unwrap_or((!unlimited).then_some(MAX_BODY)))
            .allow_downgrade(self.allow_downgrade.unwrap_or(false))
    }

    fn apply_connection(&mut self, mut request: RequestBuilder) -> RequestBuilder {
        request = request.cookies(self.cookies.unwrap_or(true));
        if let Some(decompress) = self.decompress {
            request = request.decompress(decompress);
        }
        request = match self.proxy.as_deref() {
            Some("") => request.no_proxy(),
            Some(url) => request.proxy(url),
            None => request,
        };
        for (authority, address) in &self.resolve {
            request = request.resolve(authority, address);
        }
        let Tls { is_given, options, mut extras, certificate, key } = std::mem::take(&mut self.tls);
        if !is_given {
            return request;
        }
        if certificate.is_some() || key.is_some() {
            if certificate.is_none() || key.is_none() {
                let why = "options 'client_certificate' and 'client_key' need each other; give both";
                return request.fail_with(Error::input(why));
            }
            if let Err(why) = extras.set_client_certificate(certificate, key) {
                return request.fail_with(Error::input(why));
            }
        }
        match tls::options(options, &extras) {
            Ok(options) => request.tls(options),
            Err(why) => request.fail_with(Error::input(why)),
        }
    }

    fn apply_body(&self, request: RequestBuilder, content: Content) -> RequestBuilder {
        let typed = |request: RequestBuilder, media_type: &str| {
            if self.names("Content-Type") { request } else { request.header("Content-Type", media_type) }
        };
        match content {
            Content::Bytes(bytes) => request.body(bytes),
            Content::Json(json) => typed(request, "application/json").body(json),
            Content::Form(pairs) => request.form(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))),
            Content::File(name) => match paths::to_send(&name) {
                Ok(body) => typed(request, "application/octet-stream").body(body),
                Err(error) => request.fail_with(error),
            },
        }
    }

    /// Whether the script says something of this field itself.
    fn names(&self, name: &str) -> bool {
        self.headers.iter().any(|header| header.name.eq_ignore_ascii_case(name))
    }

    /// A field of these options replaces those of its name that were there before.
    fn put_headers(&mut self, headers: Vec<Header>) {
        self.headers.retain(|old| !headers.iter().any(|new| new.name.eq_ignore_ascii_case(&old.name)));
        self.headers.extend(headers);
    }
}
