//! A client: the session that requests are made in.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use whimbrel_proto::admission::Limits;
use whimbrel_proto::exchange::spec::{ProxyPolicy, Timeouts};
use whimbrel_proto::proxy::{ProxyEnv, ProxyUri};
use whimbrel_proto::{Error, Fields, Result};

use crate::cookies::CookieJar;
use crate::io::{Command, Io};
use crate::overrides::Overrides;
use crate::poll_client::PollClient;
use crate::pool::PoolLimits;
use crate::request::RequestBuilder;
use crate::resolve::Resolver;
use crate::session::{Defaults, Session};
use crate::tls::TlsOptions;

/// A session: connections, TLS tickets, defaults and limits that its requests share, and nobody else's.
///
/// Cheap to clone; clones are the same session. When the last one goes, its idle connections close.
#[derive(Clone)]
pub struct Client(Arc<Session>);

impl Client {
    /// A client with the defaults of [`ClientBuilder`].
    pub fn new() -> Self {
        // The defaults hold no mistake to report.
        Self::builder().finish(&mut Vec::new())
    }

    /// To set defaults and limits.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// A request of any method: a known one in any case, or any other token.
    ///
    /// Mistakes in the URL and everything that is added to the request are told by [`RequestBuilder::send`].
    pub fn request(&self, method: &str, url: &str) -> RequestBuilder {
        RequestBuilder::new(self.0.clone(), method, url)
    }

    /// A GET request.
    pub fn get(&self, url: &str) -> RequestBuilder {
        self.request("GET", url)
    }

    /// A HEAD request: the response has no body.
    pub fn head(&self, url: &str) -> RequestBuilder {
        self.request("HEAD", url)
    }

    /// A POST request.
    pub fn post(&self, url: &str) -> RequestBuilder {
        self.request("POST", url)
    }

    /// A PUT request.
    pub fn put(&self, url: &str) -> RequestBuilder {
        self.request("PUT", url)
    }

    /// A PATCH request.
    pub fn patch(&self, url: &str) -> RequestBuilder {
        self.request("PATCH", url)
    }

    /// A DELETE request.
    pub fn delete(&self, url: &str) -> RequestBuilder {
        self.request("DELETE", url)
    }

    /// An OPTIONS request.
    pub fn options(&self, url: &str) -> RequestBuilder {
        self.request("OPTIONS", url)
    }

    /// A polled client: one explicit connection that its owner steps. All that come from one session share its TLS
    /// configurations with their tickets, its names' resolver and its address overrides, and nothing else of it.
    pub fn poll_client(&self) -> PollClient {
        PollClient::in_session(self.0.clone())
    }

    /// How many connections are kept for later requests.
    pub fn idle_connections(&self) -> usize {
        self.0.pool.len()
    }

    /// Lets this session's [transfers](crate::Transfers) stand still, for a program that is put in the background: no
    /// byte moves, their clocks stop, and none starts. Blocking calls go on.
    pub fn suspend(&self) {
        self.stand(true);
    }

    /// Lets them go on. A connection that died meanwhile counts as a kept one that was dead: what may be sent again is.
    pub fn resume(&self) {
        self.stand(false);
    }

    /// Whether [`Client::suspend`] holds.
    pub fn is_suspended(&self) -> bool {
        self.0.is_suspended()
    }

    /// How many [transfers](crate::Transfers) may use connections at once, to one origin and in all: the limits of
    /// [`ClientBuilder::max_connections_per_host`] and [`ClientBuilder::max_connections`], set later. They hold from the
    /// next transfer that starts when none is under way. As many connections are kept when they are not used.
    pub fn limit_connections(&self, per_host: usize, total: usize) {
        let limits = Limits { per_host: per_host.max(1), total: total.max(1) };
        self.0.set_transfer_limits(limits);
        self.0.pool.raise(limits.per_host, limits.total);
    }

    fn stand(&self, suspended: bool) {
        // Without a thread there is nothing that could go on; one that starts later asks first.
        if self.0.set_suspended(suspended)
            && let Some(io) = Io::running()
        {
            io.submit(Command::Stand(self.0.clone(), suspended, Instant::now()));
        }
    }

    /// Closes the connections that are kept.
    pub fn close_idle(&self) {
        self.0.pool.clear();
    }
}

impl Client {
    /// The session's cookies: what requests with [`RequestBuilder::cookies`] send and store.
    pub fn cookies(&self) -> CookieJar {
        self.0.cookies.clone()
    }
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("idle_connections", &self.idle_connections()).finish_non_exhaustive()
    }
}

/// Defaults and limits of a [`Client`].
///
/// ```
/// use std::time::Duration;
///
/// let client = whimbrel::Client::builder()
///     .user_agent("my-game/1.2")
///     .default_header("Accept-Language", "en")
///     .total_timeout(Duration::from_secs(20))
///     .build()?;
/// # Ok::<(), whimbrel::Error>(())
/// ```
#[must_use]
pub struct ClientBuilder {
    user_agent: String,
    headers: Vec<(String, Vec<u8>)>,
    timeouts: Timeouts,
    limits: PoolLimits,
    transfer_limits: Limits,
    max_rate: Option<u64>,
    cookies: bool,
    cookie_file: Option<PathBuf>,
    proxy: Proxy,
    resolver: Option<Arc<Resolver>>,
    overrides: Vec<(String, String)>,
    tls: TlsOptions,
}

enum Proxy {
    Environment,
    None,
    Url(String),
}

impl Default for ClientBuilder {
    fn default() -> Self {
        Self {
            user_agent: concat!("whimbrel/", env!("CARGO_PKG_VERSION")).into(),
            headers: Vec::new(),
            timeouts: Timeouts::default(),
            limits: PoolLimits::default(),
            transfer_limits: Limits { per_host: 16, total: 256 },
            max_rate: None,
            cookies: false,
            cookie_file: None,
            proxy: Proxy::Environment,
            resolver: None,
            overrides: Vec::new(),
            tls: TlsOptions::default(),
        }
    }
}

impl ClientBuilder {
    /// The `User-Agent` of requests that give none; default `whimbrel/<version>`.
    pub fn user_agent(mut self, user_agent: &str) -> Self {
        self.user_agent = user_agent.into();
        self
    }

    /// A field for every request that does not give it itself.
    pub fn default_header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers.push((name.into(), value.as_ref().into()));
        self
    }

    /// How long a hop's name lookup and TCP, proxy and TLS handshakes may take together; default 30 s, `None` for ever.
    pub fn connect_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeouts.connect = timeout.into();
        self
    }

    /// How long no byte may move either way; default 60 s, `None` for ever.
    pub fn idle_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeouts.idle = timeout.into();
        self
    }

    /// How long a whole call may take, redirects and body included; default `None`, for ever.
    pub fn total_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeouts.total = timeout.into();
        self
    }

    /// How many connections are kept in all; default 64, 0 keeps none.
    pub fn max_idle(mut self, connections: usize) -> Self {
        self.limits.max_idle = connections;
        self
    }

    /// How many connections are kept to one origin; default 16, 0 keeps none.
    pub fn max_idle_per_host(mut self, connections: usize) -> Self {
        self.limits.max_idle_per_host = connections;
        self
    }

    /// How long a connection is kept unused; default 55 s, just under what most servers wait.
    pub fn pool_idle_timeout(mut self, timeout: Duration) -> Self {
        self.limits.idle_for = timeout;
        self
    }

    /// How many [transfers](crate::Transfers) may use connections at once; the others wait for their turn. Default 256.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.transfer_limits.total = connections.max(1);
        self
    }

    /// Likewise to one origin: that of their first request. Default 16.
    pub fn max_connections_per_host(mut self, connections: usize) -> Self {
        self.transfer_limits.per_host = connections.max(1);
        self
    }

    /// How many bytes of body the [transfers](crate::Transfers) of this client move a second in all, both directions
    /// together; default 0, any number.
    pub fn max_rate(mut self, bytes_per_second: u64) -> Self {
        self.max_rate = Some(bytes_per_second).filter(|rate| *rate > 0);
        self
    }

    /// Whether requests send and store the session's [cookies](CookieJar), unless they say otherwise; default no.
    pub fn cookies(mut self, cookies: bool) -> Self {
        self.cookies = cookies;
        self
    }

    /// Keeps the session's [cookies](CookieJar) in this file, and lets requests use them as
    /// [`cookies(true)`](Self::cookies) does. The file (see [`CookieJar::save`]) is read when the client is built, where
    /// it is there, and written when the last handle of the session is gone, if anything has changed: a failure can't be
    /// told then, so who must know calls `save`. Of several sessions with one file the last one wins.
    pub fn cookie_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.cookie_file = Some(path.into());
        self.cookies(true)
    }

    /// The proxy of all requests: `http://`, `https://`, `socks4://`, `socks4a://`, `socks5://` or `socks5h://`, with
    /// `user:password@` if it wants them. Default: what the environment says (`http_proxy`, `HTTPS_PROXY`, `ALL_PROXY`,
    /// `NO_PROXY`, as curl documents them), read when the client is built.
    pub fn proxy(mut self, url: &str) -> Self {
        self.proxy = Proxy::Url(url.into());
        self
    }

    /// No proxy, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.proxy = Proxy::None;
        self
    }

    /// Looks names up with this function rather than the system's resolver. It runs on threads of the client's own (two
    /// at most), so it may block; answers are kept for a minute.
    pub fn resolver(mut self, lookup: impl Fn(&str) -> std::io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Self {
        self.resolver = Some(Arc::new(Resolver::new(lookup)));
        self
    }

    /// Connects elsewhere for one name and port; see [`RequestBuilder::resolve`].
    pub fn resolve(mut self, host_port: &str, addr: &str) -> Self {
        self.overrides.push((host_port.into(), addr.into()));
        self
    }

    /// Trusts these authorities (PEM) besides the platform's; see [`RequestBuilder::ca_pem`].
    pub fn ca_pem(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.tls = std::mem::take(&mut self.tls).extra_roots(pem.as_ref());
        self
    }

    /// How connections are secured, unless a request says otherwise: in place of all that was said before.
    pub fn tls(mut self, options: TlsOptions) -> Self {
        self.tls = options;
        self
    }

    /// The client.
    ///
    /// # Errors
    /// [`Kind::Input`](crate::Kind::Input) and its like: a default that can't be used.
    pub fn build(self) -> Result<Client> {
        let mut errors = Vec::new();
        let client = self.finish(&mut errors);
        errors.into_iter().next().map_or(Ok(client), Err)
    }

    fn finish(self, errors: &mut Vec<Error>) -> Client {
        let mut fields = Fields::new();
        for (name, value) in &self.headers {
            errors.extend(fields.append(name, value).err());
        }
        errors.extend(Fields::new().append("User-Agent", &self.user_agent).err());
        errors.extend(self.tls.check().err());
        let mut overrides = Overrides::default();
        for (name, addr) in &self.overrides {
            errors.extend(overrides.add(name, addr).err());
        }
        let proxy = match &self.proxy {
            Proxy::None => ProxyPolicy::Direct,
            Proxy::Environment => environment(),
            Proxy::Url(url) => match ProxyUri::parse(url) {
                Ok(proxy) => ProxyPolicy::Fixed(Arc::new(proxy)),
                Err(error) => {
                    errors.push(error);
                    ProxyPolicy::Direct
                }
            },
        };
        let defaults = Defaults {
            user_agent: self.user_agent.into(),
            fields,
            timeouts: self.timeouts,
            proxy,
            tls: self.tls,
            overrides,
            cookies: self.cookies,
        };
        let cookies = match self.cookie_file.as_deref().map_or_else(|| Ok(CookieJar::new()), CookieJar::kept_in) {
            Ok(cookies) => cookies,
            Err(error) => {
                errors.push(error);
                CookieJar::new()
            }
        };
        let Self { limits, transfer_limits, max_rate, resolver, .. } = self;
        Client(Arc::new(Session::new(defaults, cookies, limits, transfer_limits, max_rate, resolver)))
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder").field("user_agent", &self.user_agent).finish_non_exhaustive()
    }
}

fn environment() -> ProxyPolicy {
    ProxyPolicy::Environment(Arc::new(ProxyEnv::from_vars(|name| std::env::var(name).ok())))
}
