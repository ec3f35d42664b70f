//! `WhimbrelHTTPResponse`: what came of a request. It reads what is there and never starts anything.
//!
//! Everything that costs (headers as a Dictionary, the body as a PackedByteArray) is made when a script first asks for
//! it, so a frame does not pay for what nobody looks at.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use godot::classes::Json;
use godot::global::Error as Code;
use godot::prelude::*;
use whimbrel::{Error, Fields, Outcome, ResponseHead, Timings, text};

use super::failure::Failure;
use super::pump;

/// The response to a request of [WhimbrelHTTP], or why there is none.
///
/// ```gdscript
/// var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch("https://api.example.com/users/1")
/// if not res.ok:
///     push_error(res.error_message)
///     return
/// print(res.json())
/// ```
#[derive(GodotClass)]
#[class(tool, base = RefCounted, no_init, rename = WhimbrelHTTPResponse)]
pub(crate) struct WhimbrelHttpResponse {
    base: Base<RefCounted>,
    state: Mutex<State>,
    /// Whether the whole response came, with a status from 200 to 299, and nothing went wrong with it.
    #[var(get = get_ok, no_set)]
    ok: PhantomVar<bool>,
    /// The status code, such as 200 or 404; 0 if there was no response.
    #[var(get = get_status, no_set)]
    status: PhantomVar<i64>,
    /// The reason phrase that came with the status, such as `Not Found`; may be empty.
    #[var(get = get_reason, no_set)]
    reason: PhantomVar<GString>,
    /// The header fields. Names are in lower case; fields that came more than once are joined with `", "`,
    /// `set-cookie` with a line break. See also [method get_header].
    #[var(get = get_headers, no_set)]
    headers: PhantomVar<VarDictionary>,
    /// The trailer fields, which a chunked response may have after its body, as in [member headers].
    #[var(get = get_trailers, no_set)]
    trailers: PhantomVar<VarDictionary>,
    /// The body, decoded from gzip, br or zstd. Empty where it went to a file or was streamed. If something went wrong,
    /// what had come by then.
    #[var(get = get_body, no_set)]
    body: PhantomVar<PackedByteArray>,
    /// The URL that answered, after redirects; without a fragment, user name and password.
    #[var(get = get_url, no_set)]
    url: PhantomVar<GString>,
    /// How many redirects were followed.
    #[var(get = get_redirects, no_set)]
    redirects: PhantomVar<i64>,
    /// How many times the request was tried again, by the option `retry`.
    #[var(get = get_retries, no_set)]
    retries: PhantomVar<i64>,
    /// The file that was written, as the option `download_file` named it. Empty if there is none: where the
    /// download failed, or its status was no success.
    #[var(get = get_file, no_set)]
    file: PhantomVar<GString>,
    /// Microseconds from the start of the request until each of these was done: `redirected` (the last hop
    /// began), `resolved`, `connected`, `secured` (TLS), `sent`,
    /// `head` (the headers were there), `finished`. What did not happen is missing: a kept
    /// connection needs no lookup.
    #[var(get = get_timings, no_set)]
    timings: PhantomVar<VarDictionary>,
    /// Whether the request went over a connection that an earlier request had made.
    #[var(get = get_reused, no_set)]
    reused: PhantomVar<bool>,
    /// One of Godot's [enum Error] codes: [constant OK] if the whole response came, whatever its status.
    /// [constant ERR_INVALID_PARAMETER] for a mistake in the URL or the options, [constant ERR_CANT_RESOLVE],
    /// [constant ERR_CANT_CONNECT], [constant ERR_CONNECTION_ERROR], [constant ERR_TIMEOUT], [constant ERR_SKIP] after
    /// [method WhimbrelHTTPCall.cancel], [constant ERR_INVALID_DATA] for what is no HTTP,
    /// [constant ERR_OUT_OF_MEMORY] for a body over `max_body`, [constant ERR_CYCLIC_LINK] for too many
    /// redirects, [constant ERR_FILE_BAD_PATH], [constant ERR_FILE_CANT_READ], [constant ERR_FILE_CANT_WRITE],
    /// [constant ERR_PARSE_ERROR] after a [method json] that failed, else [constant FAILED].
    #[var(get = get_error, no_set)]
    error: PhantomVar<i64>,
    /// What kind of failure it was, finer than [member error] and the same in every version: `"connect-timeout"`,
    /// `"tls-certificate"`, `"status"` for a status that is no success. Empty if [member ok].
    #[var(get = get_error_code, no_set)]
    error_code: PhantomVar<GString>,
    /// One sentence that says what went wrong and, where the script can mend it, what to do; also for a status that is
    /// no success. Empty if [member ok].
    #[var(get = get_error_message, no_set)]
    error_message: PhantomVar<GString>,
}

/// What is known so far.
#[derive(Default)]
struct State {
    head: Option<Arc<ResponseHead>>,
    outcome: Option<Box<Outcome>>,
    /// The body, once it was asked for; the outcome is gone by then.
    packed: Option<PackedByteArray>,
    headers: Option<VarDictionary>,
    failure: Option<Failure>,
    /// What outlives the outcome.
    rest: Rest,
}

#[derive(Default)]
struct Rest {
    url: String,
    redirects: u32,
    retries: u32,
    is_reused: bool,
    file: GString,
    timings: Option<Timings>,
    trailers: Option<VarDictionary>,
}

impl State {
    fn head(&self) -> Option<&ResponseHead> {
        self.head.as_deref()
    }

    fn status(&self) -> u16 {
        self.head().map_or(0, |head| head.status)
    }

    fn is_success(&self) -> bool {
        (200..300).contains(&self.status())
    }

    fn bytes(&self) -> &[u8] {
        match (&self.packed, &self.outcome) {
            (Some(packed), _) => packed.as_slice(),
            (None, Some(outcome)) => outcome.body(),
            (None, None) => &[],
        }
    }

    fn text(&self) -> String {
        let bytes = self.bytes();
        let content_type = self.head().and_then(|head| head.fields.get("content-type"));
        // What is no text by its type was asked for as text all the same.
        let text = text::decode(bytes, content_type, self.status())
            .map_or_else(|| String::from_utf8_lossy(bytes).into_owned(), |text| text.into_owned());
        // The engine's strings can't hold it: they would end there.
        if text.contains('\0') { text.replace('\0', "\u{fffd}") } else { text }
    }
}

impl WhimbrelHttpResponse {
    /// One that knows nothing yet but, if it came, the head.
    pub(super) fn create(head: Option<Arc<ResponseHead>>) -> Gd<Self> {
        let state = State { head, ..State::default() };
        Gd::from_init_fn(|base| Self {
            base,
            state: Mutex::new(state),
            ok: PhantomVar::default(),
            status: PhantomVar::default(),
            reason: PhantomVar::default(),
            headers: PhantomVar::default(),
            trailers: PhantomVar::default(),
            body: PhantomVar::default(),
            url: PhantomVar::default(),
            redirects: PhantomVar::default(),
            retries: PhantomVar::default(),
            file: PhantomVar::default(),
            timings: PhantomVar::default(),
            reused: PhantomVar::default(),
            error: PhantomVar::default(),
            error_code: PhantomVar::default(),
            error_message: PhantomVar::default(),
        })
    }

    /// The transfer has ended like this; `file` is the name that the script gave to what was written.
    pub(super) fn finish(&self, outcome: Box<Outcome>, file: &str) {
        let mut state = self.lock();
        state.failure = outcome.error().map(Failure::new);
        state.rest = Rest {
            url: outcome.url().to_owned(),
            redirects: outcome.redirects(),
            retries: outcome.retries(),
            is_reused: outcome.is_reused(),
            file: outcome.file().map_or_else(GString::new, |_| GString::from(file)),
            timings: outcome.timings().cloned(),
            trailers: (!outcome.trailers().is_empty()).then(|| dictionary(outcome.trailers())),
        };
        if state.head.is_none()
            && let Some(head) = outcome.head()
        {
            state.head = Some(Arc::new(head.clone()));
        }
        state.outcome = Some(outcome);
        if state.failure.is_none() && !state.is_success() {
            state.failure = state.head().map(|head| Failure::of_status(head.status, &reason(head)));
        }
    }

    /// It has ended without an outcome.
    pub(super) fn fail(&self, error: &Error) {
        self.lock().failure = Some(Failure::new(error));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[godot_api]
impl WhimbrelHttpResponse {
    /// The body as text, in the charset that the response names (UTF-8 if it names none). What is no text in it, and
    /// NUL, is U+FFFD.
    #[func]
    fn text(&self) -> GString {
        let state = self.lock();
        let text = state.text();
        drop(state);
        GString::from(text.as_str())
    }

    /// The body parsed as JSON by Godot's [JSON], so numbers are floats. If it is no JSON the result is
    /// `null`, [member error] is [constant ERR_PARSE_ERROR] and [member error_message] says where.
    #[func]
    fn json(&self) -> Variant {
        let text = GString::from(self.lock().text().as_str());
        let mut json = Json::new_gd();
        if json.parse(&text) == Code::OK {
            return json.get_data();
        }
        let mut state = self.lock();
        // What went wrong before says more than the text of an error page.
        if state.failure.is_none() {
            let what = match state.bytes() {
                [] => "it is empty".to_owned(),
                _ => format!("{}, line {}", json.get_error_message(), json.get_error_line() + 1),
            };
            state.failure = Some(Failure::of_json(format!("The body is no JSON: {what}")));
        }
        Variant::nil()
    }

    /// The value of a header field, its name in any case; fields that came more than once are joined with
    /// `", "`. Empty if there is none.
    #[func]
    fn get_header(&self, name: GString) -> GString {
        let state = self.lock();
        let name = name.to_string();
        let values: Vec<_> = state.head().iter().flat_map(|head| head.fields.get_all(&name).map(shown)).collect();
        drop(state);
        GString::from(values.join(separator(&name)).as_str())
    }

    /// The values of a header field, one for each time that it came, its name in any case: the only way to tell several
    /// `Set-Cookie` apart.
    #[func]
    fn get_header_list(&self, name: GString) -> PackedStringArray {
        let state = self.lock();
        let name = name.to_string();
        let values: Vec<_> = state.head().iter().flat_map(|head| head.fields.get_all(&name).map(shown)).collect();
        drop(state);
        values.iter().map(|value| GString::from(value.as_str())).collect()
    }

    /// Whether there is a header field of this name, in any case.
    #[func]
    fn has_header(&self, name: GString) -> bool {
        let name = name.to_string();
        self.lock().head().is_some_and(|head| head.fields.contains(&name))
    }

    #[func]
    fn get_ok(&self) -> bool {
        let state = self.lock();
        state.failure.is_none() && state.is_success()
    }

    #[func]
    fn get_status(&self) -> i64 {
        self.lock().status().into()
    }

    #[func]
    fn get_reason(&self) -> GString {
        let reason = self.lock().head().map(reason).unwrap_or_default();
        GString::from(reason.as_str())
    }

    #[func]
    fn get_headers(&self) -> VarDictionary {
        let mut state = self.lock();
        if state.headers.is_none() {
            state.headers = state.head().map(|head| dictionary(&head.fields));
        }
        state.headers.clone().unwrap_or_default()
    }

    #[func]
    fn get_trailers(&self) -> VarDictionary {
        self.lock().rest.trailers.clone().unwrap_or_default()
    }

    #[func]
    fn get_body(&self) -> PackedByteArray {
        let mut state = self.lock();
        if let Some(packed) = &state.packed {
            return packed.clone();
        }
        // Before the end there is none to keep.
        let Some(outcome) = state.outcome.take() else { return PackedByteArray::new() };
        let packed = PackedByteArray::from(outcome.body());
        state.packed = Some(packed.clone());
        drop(state);
        pump::recycle(outcome);
        packed
    }

    #[func]
    fn get_url(&self) -> GString {
        GString::from(self.lock().rest.url.as_str())
    }

    #[func]
    fn get_redirects(&self) -> i64 {
        self.lock().rest.redirects.into()
    }

    #[func]
    fn get_retries(&self) -> i64 {
        self.lock().rest.retries.into()
    }

    #[func]
    fn get_file(&self) -> GString {
        self.lock().rest.file.clone()
    }

    #[func]
    fn get_timings(&self) -> VarDictionary {
        self.lock().rest.timings.as_ref().map_or_else(VarDictionary::new, timings)
    }

    #[func]
    fn get_reused(&self) -> bool {
        self.lock().rest.is_reused
    }

    #[func]
    fn get_error(&self) -> i64 {
        self.lock().failure.as_ref().map_or(0, |failure| failure.error.ord().into())
    }

    #[func]
    fn get_error_code(&self) -> GString {
        self.lock().failure.as_ref().map_or_else(GString::new, |failure| GString::from(failure.code))
    }

    #[func]
    fn get_error_message(&self) -> GString {
        self.lock().failure.as_ref().map_or_else(GString::new, |failure| GString::from(failure.message.as_str()))
    }
}

#[godot_api]
impl IRefCounted for WhimbrelHttpResponse {
    fn to_string(&self) -> GString {
        let state = self.lock();
        let shown = match &state.failure {
            Some(failure) => format!("<WhimbrelHTTPResponse {}>", failure.message),
            None => format!("<WhimbrelHTTPResponse {}, {} bytes>", state.status(), state.bytes().len()),
        };
        GString::from(shown.as_str())
    }
}

impl Drop for WhimbrelHttpResponse {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(outcome) = state.outcome.take() {
            pump::recycle(outcome);
        }
    }
}

/// Names in lower case, in the order in which they first came.
fn dictionary(fields: &Fields) -> VarDictionary {
    let mut pairs: Vec<(String, String)> = Vec::with_capacity(fields.len());
    for (name, value) in fields.iter() {
        let name = name.to_ascii_lowercase();
        match pairs.iter_mut().find(|(other, _)| *other == name) {
            Some((name, joined)) => {
                joined.push_str(separator(name));
                joined.push_str(&shown(value));
            }
            None => pairs.push((name, shown(value))),
        }
    }
    let mut dictionary = VarDictionary::new();
    for (name, value) in &pairs {
        dictionary.set(name.as_str(), value.as_str());
    }
    dictionary
}

/// What stands between the values of a field that came more than once (RFC 9110 §5.3).
fn separator(name: &str) -> &'static str {
    if name.eq_ignore_ascii_case("set-cookie") { "\n" } else { ", " }
}

fn shown(value: &[u8]) -> String {
    String::from_utf8_lossy(value).into_owned()
}

fn reason(head: &ResponseHead) -> String {
    shown(head.reason())
}

fn timings(timings: &Timings) -> VarDictionary {
    let mut dictionary = VarDictionary::new();
    let known = [
        ("redirected", Some(timings.redirected())),
        ("resolved", timings.resolved()),
        ("connected", timings.connected()),
        ("secured", timings.secured()),
        ("sent", timings.sent()),
        ("head", timings.head()),
        ("finished", timings.finished()),
    ];
    for (name, after) in known {
        if let Some(after) = after {
            dictionary.set(name, microseconds(after));
        }
    }
    dictionary
}

fn microseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
