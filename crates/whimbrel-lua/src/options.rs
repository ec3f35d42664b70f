//! What the options of a script mean for the engine: names, units, defaults, precedence. Pure conversion; reading them
//! from Lua is `read`'s work, and everything HTTP is the engine's.

use std::path::PathBuf;
use std::time::Duration;

use whimbrel::{Error, Kind, Phase, RequestBuilder, Result};

use crate::call::Verb;

/// Every option there is.
pub(crate) const KNOWN: [&str; 24] = [
    "method",
    "data",
    "headers",
    "timeout",
    "follow_redirects",
    "verify_ssl",
    "user_agent",
    "auth",
    "proxy",
    "connect_timeout",
    "idle_timeout",
    "total_timeout",
    "max_body",
    "max_redirects",
    "allow_downgrade",
    "ca_file",
    "client_cert",
    "resolve",
    "json",
    "query",
    "form",
    "output",
    "on_progress",
    "decompress",
];

/// The body limit that holds where nothing else is said, in bytes: 64 MiB.
pub(crate) const DEFAULT_MAX_BODY: u64 = 64 * 1024 * 1024;

/// The total deadline of a request where nothing else is said.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a download may stand still where nothing else is said.
pub(crate) const DOWNLOAD_IDLE_TIMEOUT: Duration = Duration::from_secs(30);

type Bytes = Vec<u8>;

/// The options as read: `None` or empty where the script said nothing usable.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) method: Option<Bytes>,
    pub(crate) data: Option<Bytes>,
    pub(crate) headers: Vec<(Bytes, Bytes)>,
    pub(crate) timeout: Option<f64>,
    pub(crate) connect_timeout: Option<f64>,
    pub(crate) idle_timeout: Option<f64>,
    pub(crate) total_timeout: Option<f64>,
    pub(crate) follow_redirects: Option<bool>,
    pub(crate) verify_ssl: Option<bool>,
    pub(crate) allow_downgrade: Option<bool>,
    pub(crate) decompress: Option<bool>,
    pub(crate) user_agent: Option<Bytes>,
    pub(crate) auth: Option<(Bytes, Bytes)>,
    pub(crate) proxy: Option<Bytes>,
    pub(crate) direct: bool,
    pub(crate) max_body: Option<f64>,
    pub(crate) max_redirects: Option<f64>,
    pub(crate) ca_file: Option<Bytes>,
    pub(crate) client_cert: Option<(Bytes, Bytes)>,
    pub(crate) resolve: Vec<(Bytes, Bytes)>,
    pub(crate) query: Vec<(Bytes, Bytes)>,
    pub(crate) form: Option<Vec<(Bytes, Bytes)>>,
    pub(crate) json: Option<Bytes>,
    pub(crate) output: Option<Bytes>,
    /// Here while `json` is encoded, so that an error of Lua leaves nothing behind.
    pub(crate) encoder: Option<crate::json::Encoder>,
    /// The first thing about the options that makes the request impossible.
    pub(crate) mistake: Option<String>,
}

impl Options {
    /// The method in the spelling that is sent: a known one in upper case, any other as given.
    pub(crate) fn method(&self, verb: Verb) -> Result<String> {
        let Some(method) = self.method.as_ref().filter(|_| verb != Verb::Download) else {
            return Ok(verb.method().to_owned());
        };
        const UPPER: [&str; 9] = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT"];
        match UPPER.iter().find(|known| known.as_bytes().eq_ignore_ascii_case(method)) {
            Some(known) => Ok((*known).to_owned()),
            None => text("method", method).map(str::to_owned),
        }
    }

    /// The limit on the body in bytes; none for what goes to a file, unless the script set one.
    pub(crate) fn max_body(&self, to_file: bool) -> Option<u64> {
        match self.max_body {
            None if to_file => None,
            None => Some(DEFAULT_MAX_BODY),
            // Beyond what a number holds exactly there is no body either; the cast saturates.
            Some(limit) if limit > 0.0 && limit.is_finite() => Some((limit as u64).max(1)),
            Some(_) => None,
        }
    }

    /// Puts everything but the progress callback onto `request`, which is for `method`.
    pub(crate) fn apply(&self, mut request: RequestBuilder, verb: Verb, method: &str) -> Result<RequestBuilder> {
        if let Some(mistake) = &self.mistake {
            return Err(Error::input(mistake.as_str()));
        }
        request = self.apply_timeouts(request, verb);
        request = self.apply_fields(request)?;
        request = self.apply_policies(request)?;
        request = self.apply_connection(request)?;
        for (name, value) in &self.query {
            request = request.query(text("query", name)?, text("query", value)?);
        }
        if verb == Verb::Download { Ok(request) } else { self.apply_body(request, method) }
    }

    fn apply_timeouts(&self, mut request: RequestBuilder, verb: Verb) -> RequestBuilder {
        if verb == Verb::Download {
            request = request.total_timeout(None).idle_timeout(DOWNLOAD_IDLE_TIMEOUT);
        }
        if let Some(seconds) = self.total_timeout.or(self.timeout) {
            request = request.total_timeout(limit(seconds));
        }
        if let Some(seconds) = self.connect_timeout {
            request = request.connect_timeout(limit(seconds));
        }
        if let Some(seconds) = self.idle_timeout {
            request = request.idle_timeout(limit(seconds));
        }
        request
    }

    fn apply_fields(&self, mut request: RequestBuilder) -> Result<RequestBuilder> {
        for (name, value) in &self.headers {
            let name = text("headers", name)?;
            request = if value.is_empty() { request.without_header(name) } else { request.header(name, value) };
        }
        if let Some(agent) = self.user_agent.as_ref().filter(|_| !self.has_header("User-Agent")) {
            request = match agent.as_slice() {
                b"" => request.without_header("User-Agent"),
                agent => request.header("User-Agent", agent),
            };
        }
        if let Some((user, pass)) = &self.auth {
            request = request.basic_auth(user, pass);
        }
        Ok(request)
    }

    fn apply_policies(&self, mut request: RequestBuilder) -> Result<RequestBuilder> {
        if let Some(follow) = self.follow_redirects {
            request = request.follow_redirects(follow);
        }
        if let Some(hops) = self.max_redirects.filter(|hops| !hops.is_nan()) {
            // The cast saturates: less than none is none.
            request = request.max_redirects(hops as u32);
        }
        if let Some(allow) = self.allow_downgrade {
            request = request.allow_downgrade(allow);
        }
        if let Some(decompress) = self.decompress {
            request = request.decompress(decompress);
        }
        if self.verify_ssl == Some(false) {
            request = request.danger_accept_invalid_certs(true);
        }
        Ok(request)
    }

    fn apply_connection(&self, mut request: RequestBuilder) -> Result<RequestBuilder> {
        if self.direct {
            request = request.no_proxy();
        }
        if let Some(proxy) = self.proxy.as_ref().filter(|proxy| !proxy.is_empty()) {
            request = request.proxy(text("proxy", proxy)?);
        }
        if let Some(file) = &self.ca_file {
            request = request.ca_file(path("ca_file", file)?);
        }
        if let Some((cert, key)) = &self.client_cert {
            request = request.client_cert_files(path("client_cert", cert)?, path("client_cert", key)?);
        }
        for (authority, address) in &self.resolve {
            request = request.resolve(text("resolve", authority)?, text("resolve", address)?);
        }
        Ok(request)
    }

    /// `json`, else `form`, else `data`. GET and HEAD drop `data` in silence as scripts know it, but not the other two.
    fn apply_body(&self, mut request: RequestBuilder, method: &str) -> Result<RequestBuilder> {
        let bodiless = matches!(method, "GET" | "HEAD");
        let chosen = if self.json.is_some() { Some("json") } else { self.form.as_ref().map(|_| "form") };
        if let (true, Some(option)) = (bodiless, chosen) {
            return Err(Error::input(format!(
                "option '{option}' is a request body, which {method} does not carry; give method = \"POST\" or another"
            )));
        }
        if let Some(json) = &self.json {
            request = self.with_type(request, "application/json");
            return Ok(request.body(json.as_slice()));
        }
        if let Some(form) = &self.form {
            let pairs = form.iter().map(|(name, value)| Ok((text("form", name)?, text("form", value)?)));
            return Ok(request.form(pairs.collect::<Result<Vec<_>>>()?));
        }
        match self.data.as_deref().filter(|data| !data.is_empty()) {
            Some(data) if !bodiless => {
                request = self.with_type(request, "application/x-www-form-urlencoded");
                Ok(request.body(data))
            }
            _ => Ok(request),
        }
    }

    fn with_type(&self, request: RequestBuilder, media_type: &str) -> RequestBuilder {
        if self.has_header("Content-Type") { request } else { request.header("Content-Type", media_type) }
    }

    fn has_header(&self, name: &str) -> bool {
        self.headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name.as_bytes()))
    }
}

/// A deadline of so many seconds; none for 0, less, infinity and what is no number. Never over 30 years.
fn limit(seconds: f64) -> Option<Duration> {
    const THIRTY_YEARS: f64 = 1e9;
    (seconds > 0.0 && seconds.is_finite()).then(|| Duration::from_secs_f64(seconds.min(THIRTY_YEARS)))
}

/// What must be text, as text.
pub(crate) fn text<'a>(option: &str, bytes: &'a [u8]) -> Result<&'a str> {
    std::str::from_utf8(bytes).map_err(|_| Error::input(format!("option '{option}' holds bytes that are not UTF-8")))
}

/// A path as the script gave it.
pub(crate) fn path(option: &str, bytes: &[u8]) -> Result<PathBuf> {
    if bytes.contains(&0) {
        return Err(Error::input(format!("option '{option}' is a path with a NUL byte")));
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt;
        Ok(std::ffi::OsStr::from_bytes(bytes).into())
    }
    #[cfg(not(unix))]
    text(option, bytes).map(PathBuf::from)
}

/// The URL as text.
pub(crate) fn url(bytes: &[u8]) -> Result<&str> {
    std::str::from_utf8(bytes).map_err(|_| Error::new(Kind::Url, Phase::Prepare, "the URL is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_a_deadline_and_odd_numbers_none() {
        assert_eq!(limit(0.25), Some(Duration::from_millis(250)));
        assert_eq!(limit(5000.0), Some(Duration::from_secs(5000)));
        assert_eq!(limit(f64::MAX), Some(Duration::from_secs(1_000_000_000)));
        for none in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            assert_eq!(limit(none), None, "{none}");
        }
    }

    #[test]
    fn known_methods_go_out_in_upper_case_and_others_as_given() {
        let method = |name: &str| Options { method: Some(name.into()), ..Options::default() }.method(Verb::Request);
        assert_eq!(method("post").unwrap(), "POST");
        assert_eq!(method("Purge").unwrap(), "Purge");
        assert_eq!(Options::default().method(Verb::Put).unwrap(), "PUT");
        let options = Options { method: Some("POST".into()), ..Options::default() };
        assert_eq!(options.method(Verb::Get).unwrap(), "POST");
        assert_eq!(options.method(Verb::Download).unwrap(), "GET");
    }

    #[test]
    fn the_body_limit_is_64_mib_unless_said_or_to_a_file() {
        let options = |max_body| Options { max_body, ..Options::default() };
        assert_eq!(options(None).max_body(false), Some(DEFAULT_MAX_BODY));
        assert_eq!(options(None).max_body(true), None);
        assert_eq!(options(Some(10.0)).max_body(true), Some(10));
        assert_eq!(options(Some(0.0)).max_body(false), None);
        assert_eq!(options(Some(f64::INFINITY)).max_body(false), None);
    }
}
