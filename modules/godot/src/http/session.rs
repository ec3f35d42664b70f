//! `WhimbrelHTTP`: where requests are made, and what those of a session share. It reads what the script says and gives
//! it to the [`pump`].

use std::sync::atomic::{AtomicU64, Ordering};

use godot::global::Error as Code;
use godot::init::is_main_thread;
use godot::meta::conv::ByValue;
use godot::meta::error::ConvertError;
use godot::meta::shape::GodotShape;
use godot::meta::{FromGodot, GodotConvert, GodotImmutable, ToGodot};
use godot::prelude::*;
use whimbrel::{Client, Error};

use super::call::WhimbrelHttpCall;
use super::failure::Failure;
use super::options::Options;
use super::{jar, pump};
use crate::engine;
use crate::paths;

/// The session of the static functions.
const SHARED: u64 = 0;

/// HTTP requests in one call, without a node: pooled connections, redirects, cookies, gzip, br and zstd, JSON, files.
///
/// ```gdscript
/// var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch("https://api.example.com/users/1")
/// if res.ok:
///     print(res.json().name)
/// else:
///     push_error(res.error_message)
///
/// # A body, headers, a limit of 10 seconds, two more tries.
/// res = await WhimbrelHTTP.fetch("https://api.example.com/scores", {
///     json = {name = "bob", score = 12},
///     headers = {"X-Game-Version": "1.2"},
///     timeout = 10.0,
///     retry = 2,
/// })
///
/// # A download, with its progress.
/// res = await WhimbrelHTTP.fetch("https://example.com/level2.zip", {
///     download_file = "user://levels/2.zip",
///     progress = func(received, total): print(received, " of ", total),
/// })
/// ```
///
/// Requests go on by themselves, on a thread of their own, also while the tree is paused. Their signals are emitted on
/// the main thread, once a frame. No mistake and no failure of the network stops a script or is printed: each comes as
/// the response, whose [member WhimbrelHTTPResponse.error_message] says in one sentence what to do.
///
/// **The options** of [method fetch], [method start] and [method request]; `null` is as good as leaving one out:
///
/// - `method`: `"PUT"` and so on, or a [enum HTTPClient.Method]. POST where there is a body, else GET.
/// - `headers`: a Dictionary (`null` leaves out a field that would be sent by itself, an Array sends it several
///   times), or an Array of `"Name: value"` lines.
/// - `query`: a Dictionary that is added to the URL, encoded; an Array repeats its name.
/// - `body`: a String or a PackedByteArray. Or one of these: `json`, anything that [JSON] can hold; `form`, a
///   Dictionary; `body_file`, the path of a file, read as it is sent.
/// - `timeout`: seconds for the whole request (none), `connect_timeout`: until a connection stands (30),
///   `idle_timeout`: while nothing moves (60). 0 is none.
/// - `max_redirects`: how many are followed (10); with 0 the redirect itself is the response. `allow_downgrade`: also
///   from https to http (false).
/// - `max_body`: how many bytes the body may have, decoded (64 MiB; without limit for a file or a stream).
/// - `download_file`: where the body of a 2xx status goes, `user://` or absolute; missing folders are made, and the
///   file appears when it is complete. `any_status`: of any status (false).
/// - `stream`: the body comes by [signal WhimbrelHTTPCall.chunk_received] (false).
/// - `progress`: a Callable with (received, total), as [signal WhimbrelHTTPCall.progressed].
/// - `retry`: how often to try again (0), or a Dictionary with `max`, `wait`: seconds before the first (0.5, doubled
///   each time), `max_wait` (30), `statuses`: also after 429, 502, 503 and 504 (true).
/// - `priority`: the higher, the sooner it gets a connection (0, from -128 to 127). `max_rate`: bytes a second (0: any
///   number).
/// - `cookies`: whether those of the session are sent and kept (true).
/// - `decompress`: whether gzip, br and zstd are asked for and decoded (true; never for a file).
/// - `user_agent`; `basic_auth`: `["user", "password"]`; `bearer_token`.
/// - `proxy`: a URL (http, https, socks4, socks4a, socks5, socks5h), `""` for none (what the environment says).
///   `resolve`: a Dictionary of `"host:port"` to the address to connect to.
/// - `tls`: a [TLSOptions]. `pinned_keys`: SHA-256 of public keys, `"sha256/BASE64"`. `min_tls_version`:
///   `WhimbrelHTTPClient.TLS_1_3`. `revocation_list`: PEM. `client_certificate` and `client_key`: an [X509Certificate]
///   and a [CryptoKey].
///
/// **Sessions.** The static functions share one. `WhimbrelHTTP.new()` is another, with connections, cookies
/// and defaults of its own:
///
/// ```gdscript
/// var api := WhimbrelHTTP.new()
/// api.base_url = "https://api.example.com/v1"
/// api.headers = {"Authorization": "Bearer " + token}
/// api.options = {timeout = 10.0, retry = 2}
/// var res: WhimbrelHTTPResponse = await api.request("/users").completed
/// ```
#[derive(GodotClass)]
#[class(tool, base = RefCounted, rename = WhimbrelHTTP)]
pub(crate) struct WhimbrelHttp {
    base: Base<RefCounted>,
    number: u64,
    client: Client,
    /// What stands before the URLs of requests that have no scheme of their own: `base_url = "https://a.example/v1"`
    /// makes `"https://a.example/v1/users"` of `"users"` and of `"/users"`.
    #[var(get, set)]
    base_url: GString,
    /// Header fields for every request that does not give them itself.
    #[var(get, set)]
    headers: VarDictionary,
    /// Options for every request that does not give them itself.
    #[var(get, set)]
    options: VarDictionary,
}

/// Options that may be left out.
#[derive(Clone, Debug)]
pub(crate) struct OptionsArg(AnyDictionary);

impl OptionsArg {
    fn none() -> Self {
        Self(VarDictionary::new().upcast_any_dictionary())
    }
}

impl GodotConvert for OptionsArg {
    type Via = AnyDictionary;

    fn godot_shape() -> GodotShape {
        AnyDictionary::godot_shape()
    }
}

impl ToGodot for OptionsArg {
    type Pass = ByValue;

    fn to_godot(&self) -> AnyDictionary {
        self.0.clone()
    }
}

impl FromGodot for OptionsArg {
    fn try_from_godot(via: AnyDictionary) -> Result<Self, ConvertError> {
        Ok(Self(via))
    }
}

// SAFETY: the default is an empty Dictionary that nothing can write to; cloning one counts a reference, atomically.
unsafe impl GodotImmutable for OptionsArg {
    fn into_runtime_immutable(self) -> Self {
        Self(self.0.into_read_only())
    }
}

/// What a session has at the time of a request.
struct Session {
    number: u64,
    client: Client,
    base_url: String,
    layers: Vec<AnyDictionary>,
}

impl Session {
    fn shared() -> Self {
        Self { number: SHARED, client: engine::client().clone(), base_url: String::new(), layers: Vec::new() }
    }

    fn start(self, url: &str, options: AnyDictionary) -> Gd<WhimbrelHttpCall> {
        self.begin(url, options, Options::default())
    }

    fn begin(self, url: &str, options: AnyDictionary, mut read: Options) -> Gd<WhimbrelHttpCall> {
        let layers = self.layers.iter().chain([&options]);
        let mistake = layers.map(|layer| read.read(layer)).find_map(|result| result.err());
        let url = absolute(&self.base_url, url);
        WhimbrelHttpCall::create(read.into_order(&self.client, &url, mistake), self.number)
    }
}

#[godot_api]
impl WhimbrelHttp {
    /// Makes a request and gives what to `await`, at once: `await WhimbrelHTTP.fetch(url)` is the
    /// [WhimbrelHTTPResponse]. The options are listed above. It is
    /// `WhimbrelHTTP.start(url, options).completed`: who wants to cancel, pause, wait later or hear the call's other signals
    /// calls that.
    #[func]
    fn fetch(url: GString, #[opt(default = OptionsArg::none())] options: OptionsArg) -> Signal {
        let mut quiet = Options::default();
        quiet.keep_quiet();
        let call = Session::shared().begin(&url.to_string(), options.0, quiet);
        Signal::from_object_signal(&call, "completed")
    }

    /// Makes a request. The options are listed above.
    #[func]
    fn start(url: GString, #[opt(default = OptionsArg::none())] options: OptionsArg) -> Gd<WhimbrelHttpCall> {
        Session::shared().start(&url.to_string(), options.0)
    }

    /// Makes several requests at once and gives what to `await`, at once: an Array of their
    /// [WhimbrelHTTPResponse]s, in the order of [param requests]. Each of these is a URL, or a Dictionary of options with
    /// the URL as `url`; [param options] hold for all of them. On the main thread only.
    ///
    /// ```gdscript
    /// var responses: Array = await WhimbrelHTTP.fetch_all([
    ///     "https://api.example.com/users",
    ///     {url = "https://api.example.com/log", json = {event = "start"}},
    /// ], {timeout = 10.0})
    /// ```
    #[func]
    fn fetch_all(requests: AnyArray, #[opt(default = OptionsArg::none())] options: OptionsArg) -> Signal {
        if !is_main_thread() {
            godot_error!("WhimbrelHTTP.fetch_all: call it on the main thread; on others call start() for each request");
            return Signal::invalid();
        }
        let calls: Vec<_> = requests.iter_shared().map(|request| one_of_many(&request, &options.0)).collect();
        pump::gather(&calls)
    }

    /// Tells what is ready, as each frame of a [SceneTree] does by itself: for programs with another main loop, and for
    /// loops that let no frame pass. On the main thread only. A handler may call it; 16 handlers deep it does nothing.
    #[func]
    fn poll() {
        pump::frame();
    }

    /// The session of [method fetch] and [method start], for its cookies and limits.
    #[func]
    fn get_shared() -> Gd<Self> {
        Self::with_client(SHARED, engine::client().clone())
    }

    /// Makes a request of this session: as [method start], with the session's [member base_url], [member headers],
    /// [member options] and cookies.
    #[func(gd_self)]
    fn request(
        this: Gd<Self>,
        url: GString,
        #[opt(default = OptionsArg::none())] options: OptionsArg,
    ) -> Gd<WhimbrelHttpCall> {
        // Nothing stays borrowed: to read a Dictionary may run a script.
        let session = this.bind().session();
        session.start(&url.to_string(), options.0)
    }

    /// Cancels the requests of this session that are under way, as [method WhimbrelHTTPCall.cancel] does.
    #[func(gd_self)]
    fn cancel_all(this: Gd<Self>) {
        let number = this.bind().number;
        pump::cancel_all(number);
    }

    /// How many requests of this session are under way.
    #[func]
    fn get_request_count(&self) -> i64 {
        pump::count(self.number) as i64
    }

    /// How many requests use connections at once, to one server (default 16) and in all (default 256); the others wait
    /// for their turn. Holds from the next request that starts when none is under way.
    #[func]
    fn limit_connections(&self, per_host: i64, total: i64) {
        let count = |count: i64| usize::try_from(count).unwrap_or(0);
        self.client.limit_connections(count(per_host), count(total));
    }

    /// Closes the connections that are kept for later requests.
    #[func]
    fn close_idle(&self) {
        self.client.close_idle();
    }

    /// Lets all requests of this session stand still, their time limits too, until [method resume_all].
    #[func]
    fn pause_all(&self) {
        self.client.suspend();
    }

    /// Lets them go on.
    #[func]
    fn resume_all(&self) {
        self.client.resume();
    }

    /// Stores a cookie as if a response from [param url] had this `Set-Cookie` value:
    /// `session.set_cookie("https://example.com/", "theme=dark; Max-Age=3600")`.
    /// [constant ERR_INVALID_PARAMETER] if the URL can't be used or the rules of RFC 6265 refuse the cookie.
    #[func]
    fn set_cookie(&self, url: GString, set_cookie: GString) -> Code {
        told(self.client.cookies().set(&url.to_string(), &set_cookie.to_string()))
    }

    /// The session's cookies, oldest first, each a Dictionary with `name`, `value`,
    /// `domain`, `path`, `host_only`, `secure`, `http_only`,
    /// `same_site` (may be empty) and `expires` (seconds since 1970, -1: with the session).
    #[func]
    fn get_cookies(&self) -> Array<VarDictionary> {
        jar::list(&self.client.cookies())
    }

    /// Forgets all cookies.
    #[func]
    fn clear_cookies(&self) {
        self.client.cookies().clear();
    }

    /// Writes the cookies to a file in the format of curl and wget, for its owner's eyes alone:
    /// `session.save_cookies("user://cookies.txt")`.
    #[func]
    fn save_cookies(&self, path: GString) -> Code {
        told(paths::to_write(&path.to_string()).and_then(|path| self.client.cookies().save(path)))
    }

    /// Adds the cookies of a file that [method save_cookies] wrote.
    #[func]
    fn load_cookies(&self, path: GString) -> Code {
        let loaded = paths::to_write(&path.to_string()).and_then(|path| self.client.cookies().load(path));
        told(loaded.map(drop))
    }

    #[func]
    fn get_base_url(&self) -> GString {
        self.base_url.clone()
    }

    #[func]
    fn set_base_url(&mut self, base_url: GString) {
        self.base_url = base_url;
    }

    #[func]
    fn get_headers(&self) -> VarDictionary {
        self.headers.clone()
    }

    #[func]
    fn set_headers(&mut self, headers: VarDictionary) {
        self.headers = headers;
    }

    #[func]
    fn get_options(&self) -> VarDictionary {
        self.options.clone()
    }

    #[func]
    fn set_options(&mut self, options: VarDictionary) {
        self.options = options;
    }
}

#[godot_api]
impl IRefCounted for WhimbrelHttp {
    fn init(base: Base<RefCounted>) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(SHARED + 1);
        let client = engine::builder().build().unwrap_or_default();
        Self::new(base, NEXT.fetch_add(1, Ordering::Relaxed), client)
    }
}

impl WhimbrelHttp {
    fn new(base: Base<RefCounted>, number: u64, client: Client) -> Self {
        let (headers, options) = (VarDictionary::new(), VarDictionary::new());
        Self { base, number, client, base_url: GString::new(), headers, options }
    }

    fn with_client(number: u64, client: Client) -> Gd<Self> {
        Gd::from_init_fn(|base| Self::new(base, number, client))
    }

    fn session(&self) -> Session {
        let mut layers = Vec::new();
        if !self.headers.is_empty() {
            layers.push(vdict! { "headers" => &self.headers }.upcast_any_dictionary());
        }
        if !self.options.is_empty() {
            layers.push(self.options.clone().upcast_any_dictionary());
        }
        let Self { number, client, base_url, .. } = self;
        Session { number: *number, client: client.clone(), base_url: base_url.to_string(), layers }
    }
}

/// A request of an Array: a URL, or options with one.
fn one_of_many(request: &Variant, shared: &AnyDictionary) -> Gd<WhimbrelHttpCall> {
    let mut session = Session::shared();
    session.layers.push(shared.clone());
    if let Ok(own) = request.try_to::<AnyDictionary>() {
        let mut own = own.duplicate_shallow();
        let url = own.remove("url").and_then(|url| url.try_to_relaxed::<GString>().ok()).unwrap_or_default();
        return session.start(&url.to_string(), own);
    }
    let url = request.try_to_relaxed::<GString>().unwrap_or_default();
    session.start(&url.to_string(), VarDictionary::new().upcast_any_dictionary())
}

/// The URL below the session's, unless it has a scheme of its own.
fn absolute(base: &str, url: &str) -> String {
    let has_scheme = url.find("://").is_some_and(|at| !url[..at].contains(['/', '?', '#']));
    if base.is_empty() || has_scheme {
        return url.to_owned();
    }
    if url.is_empty() || url.starts_with(['?', '#']) {
        return format!("{base}{url}");
    }
    format!("{}/{}", base.trim_end_matches('/'), url.trim_start_matches('/'))
}

/// The number of what went wrong; the sentence goes to the console.
fn told(result: Result<(), Error>) -> Code {
    match result {
        Ok(()) => Code::OK,
        Err(error) => {
            let failure = Failure::new(&error);
            godot_error!("WhimbrelHTTP: {}", failure.message);
            failure.error
        }
    }
}
