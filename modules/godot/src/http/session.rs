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
use super::{jar, paths, pump};
use crate::engine;

/// The session of the static functions.
const SHARED: u64 = 0;

/// HTTP requests in one call, without a node: pooled connections, redirects, cookies, gzip, br and zstd, JSON, files.
///
/// [codeblock]
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
/// [/codeblock]
/// Requests go on by themselves, on a thread of their own, also while the tree is paused. Their signals are emitted on
/// the main thread, once a frame. No mistake and no failure of the network stops a script or is printed: each comes as
/// the response, whose [member WhimbrelHTTPResponse.error_message] says in one sentence what to do.
///
/// [b]The options[/b] of [method fetch], [method start] and [method request]; [code]null[/code] is as good as leaving one
/// out:
/// [br]- [code]method[/code]: [code]"PUT"[/code] and so on, or a [enum HTTPClient.Method]. POST where there is a body,
/// else GET.
/// [br]- [code]headers[/code]: a Dictionary ([code]null[/code] leaves out a field that would be sent by itself, an Array
/// sends it several times), or an Array of [code]"Name: value"[/code] lines.
/// [br]- [code]query[/code]: a Dictionary that is added to the URL, encoded; an Array repeats its name.
/// [br]- [code]body[/code]: a String or a PackedByteArray. Or one of these: [code]json[/code], anything that [JSON] can
/// hold; [code]form[/code], a Dictionary; [code]body_file[/code], the path of a file, read as it is sent.
/// [br]- [code]timeout[/code]: seconds for the whole request (none), [code]connect_timeout[/code]: until a connection
/// stands (30), [code]idle_timeout[/code]: while nothing moves (60). 0 is none.
/// [br]- [code]max_redirects[/code]: how many are followed (10); with 0 the redirect itself is the response.
/// [code]allow_downgrade[/code]: also from https to http (false).
/// [br]- [code]max_body[/code]: how many bytes the body may have, decoded (64 MiB; without limit for a file or a stream).
/// [br]- [code]download_file[/code]: where the body of a 2xx status goes, [code]user://[/code] or absolute; missing folders
/// are made, and the file appears when it is complete. [code]any_status[/code]: of any status (false).
/// [br]- [code]stream[/code]: the body comes by [signal WhimbrelHTTPCall.chunk_received] (false).
/// [br]- [code]progress[/code]: a Callable with (received, total), as [signal WhimbrelHTTPCall.progressed].
/// [br]- [code]retry[/code]: how often to try again (0), or a Dictionary with [code]max[/code], [code]wait[/code]: seconds
/// before the first (0.5, doubled each time), [code]max_wait[/code] (30), [code]statuses[/code]: also after 429, 502, 503
/// and 504 (true).
/// [br]- [code]priority[/code]: the higher, the sooner it gets a connection (0, from -128 to 127). [code]max_rate[/code]:
/// bytes a second (0: any number).
/// [br]- [code]cookies[/code]: whether those of the session are sent and kept (true).
/// [br]- [code]decompress[/code]: whether gzip, br and zstd are asked for and decoded (true; never for a file).
/// [br]- [code]user_agent[/code]; [code]basic_auth[/code]: [code]["user", "password"][/code]; [code]bearer_token[/code].
/// [br]- [code]proxy[/code]: a URL (http, https, socks4, socks4a, socks5, socks5h), [code]""[/code] for none (what the
/// environment says). [code]resolve[/code]: a Dictionary of [code]"host:port"[/code] to the address to connect to.
/// [br]- [code]tls[/code]: a [TLSOptions]. [code]pinned_keys[/code]: SHA-256 of public keys, [code]"sha256/BASE64"[/code].
/// [code]min_tls_version[/code]: [code]WhimbrelHTTPClient.TLS_1_3[/code]. [code]revocation_list[/code]: PEM.
/// [code]client_certificate[/code] and [code]client_key[/code]: an [X509Certificate] and a [CryptoKey].
///
/// [b]Sessions.[/b] The static functions share one. [code]WhimbrelHTTP.new()[/code] is another, with connections, cookies
/// and defaults of its own:
/// [codeblock]
/// var api := WhimbrelHTTP.new()
/// api.base_url = "https://api.example.com/v1"
/// api.headers = {"Authorization": "Bearer " + token}
/// api.options = {timeout = 10.0, retry = 2}
/// var res: WhimbrelHTTPResponse = await api.request("/users").completed
/// [/codeblock]
#[derive(GodotClass)]
#[class(base = RefCounted, rename = WhimbrelHTTP)]
pub(crate) struct WhimbrelHttp {
    base: Base<RefCounted>,
    number: u64,
    client: Client,
    /// What stands before the URLs of requests that have no scheme of their own: [code]base_url = "https://a.example/v1"[/code]
    /// makes [code]"https://a.example/v1/users"[/code] of [code]"users"[/code] and of [code]"/users"[/code].
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
        let mut read = Options::default();
        let layers = self.layers.iter().chain([&options]);
        let mistake = layers.map(|layer| read.read(layer)).find_map(|result| result.err());
        let url = absolute(&self.base_url, url);
        WhimbrelHttpCall::create(read.into_order(&self.client, &url, mistake), self.number)
    }
}

#[godot_api]
impl WhimbrelHttp {
    /// Makes a request and gives what to [code]await[/code], at once: [code]await WhimbrelHTTP.fetch(url)[/code] is the
    /// [WhimbrelHTTPResponse]. The options are listed above. It is
    /// [code]WhimbrelHTTP.start(url, options).completed[/code]: who wants to cancel, pause or wait later calls that.
    #[func]
    fn fetch(url: GString, #[opt(default = OptionsArg::none())] options: OptionsArg) -> Signal {
        let call = Session::shared().start(&url.to_string(), options.0);
        Signal::from_object_signal(&call, "completed")
    }

    /// Makes a request. The options are listed above.
    #[func]
    fn start(url: GString, #[opt(default = OptionsArg::none())] options: OptionsArg) -> Gd<WhimbrelHttpCall> {
        Session::shared().start(&url.to_string(), options.0)
    }

    /// Makes several requests at once and gives what to [code]await[/code], at once: an Array of their
    /// [WhimbrelHTTPResponse]s, in the order of [param requests]. Each of these is a URL, or a Dictionary of options with
    /// the URL as [code]url[/code]; [param options] hold for all of them. On the main thread only.
    /// [codeblock]
    /// var responses: Array = await WhimbrelHTTP.fetch_all([
    ///     "https://api.example.com/users",
    ///     {url = "https://api.example.com/log", json = {event = "start"}},
    /// ], {timeout = 10.0})
    /// [/codeblock]
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
    /// loops that let no frame pass. On the main thread only.
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

    /// Stores a cookie as if a response from [param url] had this [code]Set-Cookie[/code] value:
    /// [code]session.set_cookie("https://example.com/", "theme=dark; Max-Age=3600")[/code].
    /// [constant ERR_INVALID_PARAMETER] if the URL can't be used or the rules of RFC 6265 refuse the cookie.
    #[func]
    fn set_cookie(&self, url: GString, set_cookie: GString) -> Code {
        told(self.client.cookies().set(&url.to_string(), &set_cookie.to_string()))
    }

    /// The session's cookies, oldest first, each a Dictionary with [code]name[/code], [code]value[/code],
    /// [code]domain[/code], [code]path[/code], [code]host_only[/code], [code]secure[/code], [code]http_only[/code],
    /// [code]same_site[/code] (may be empty) and [code]expires[/code] (seconds since 1970, -1: with the session).
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
    /// [code]session.save_cookies("user://cookies.txt")[/code].
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
