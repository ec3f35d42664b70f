//! One call of the `http` module, from its arguments to its results: reads, asks the engine, pushes. It decides nothing
//! about HTTP.

use std::cell::RefCell;
use std::ffi::c_int;
use std::ptr;

use mlua_sys::{self as ffi, lua_State, lua_upvalueindex};
use whimbrel::{Client, Error, Kind, RequestBuilder, Result};

use crate::guard::{ABSENT, Finish, bytes, guarded, protected};
use crate::options::{self, DEFAULT_MAX_BODY, Options};
use crate::outcome::Outcome;
use crate::progress::Reporter;
use crate::session::{self, Host, PUSH, READ, SESSION, Session};

/// A function of the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Request,
    Get,
    Post,
    Put,
    Patch,
    Delete,
    Head,
    Options,
    Download,
}

impl Verb {
    /// The method, where the options name no other.
    pub(crate) fn method(self) -> &'static str {
        match self {
            Verb::Request | Verb::Get | Verb::Download => "GET",
            Verb::Post => "POST",
            Verb::Put => "PUT",
            Verb::Patch => "PATCH",
            Verb::Delete => "DELETE",
            Verb::Head => "HEAD",
            Verb::Options => "OPTIONS",
        }
    }

    /// Whether the second argument is a body and the third the options.
    fn takes_data(self) -> bool {
        matches!(self, Verb::Post | Verb::Put | Verb::Patch)
    }
}

macro_rules! entry_points {
    ($($name:ident: $verb:ident),* $(,)?) => {
        $(
            pub(crate) unsafe extern "C-unwind" fn $name(lua: *mut lua_State) -> c_int {
                // SAFETY: Lua calls this with its own state; the frame holds nothing.
                unsafe { enter(lua, Verb::$verb) }
            }
        )*
    };
}

entry_points! {
    request: Request, get: Get, post: Post, put: Put, patch: Patch, delete: Delete, head: Head, options: Options,
    download: Download,
}

/// Checks the positional arguments, which may raise, then makes the call.
unsafe fn enter(lua: *mut lua_State, verb: Verb) -> c_int {
    // SAFETY: nothing is owned here yet; `guarded` gets the state of the running function.
    unsafe {
        ffi::luaL_checklstring(lua, 1, ptr::null_mut());
        if verb == Verb::Download {
            ffi::luaL_checklstring(lua, 2, ptr::null_mut());
        }
        guarded(lua, || run(lua, verb))
    }
}

/// The call itself. Calls Lua only protected.
///
/// # Safety
/// In an entry point whose first argument (for a download, two) is a string.
unsafe fn run(lua: *mut lua_State, verb: Verb) -> Finish {
    // SAFETY: upvalues are those that `session::open_http` gave. The arguments stay on the stack while the slices live.
    unsafe {
        let session = session::at(lua, lua_upvalueindex(SESSION));
        let Some(session) = session.as_ref() else {
            return finish(lua, &Outcome::Failed("Invalid argument: this Lua state is being closed".to_owned()));
        };
        let (data, options) = places(lua, verb);
        let mut given = None;
        if data != ABSENT || options != ABSENT {
            let read: *mut Options = &raw mut **given.insert(Box::<Options>::default());
            if !protected(lua, lua_upvalueindex(READ), read.cast(), &[data, options], 1) {
                return Finish::Raise;
            }
        }
        let reporter = match &given {
            Some(_) if ffi::lua_type(lua, -1) == ffi::LUA_TFUNCTION => Some(Reporter::new(lua, ffi::lua_gettop(lua))),
            _ => None,
        };
        let raised = reporter.as_ref().map(Reporter::raised);
        let url = bytes(lua, 1);
        let outcome = match (&given, verb) {
            (None, Verb::Download) => save(session, url, bytes(lua, 2), &Options::default(), None),
            (Some(given), Verb::Download) => save(session, url, bytes(lua, 2), given, reporter),
            (None, _) => send_plain(session, verb, url),
            (Some(given), _) => send(session, verb, url, given, reporter),
        };
        drop(given);
        if let Some(error) = raised.and_then(|raised| raised.index()) {
            ffi::lua_pushvalue(lua, error);
            return Finish::Raise;
        }
        let finished = finish(lua, &outcome);
        if let (Some(number), Finish::Return(_)) = (outcome.made(), finished) {
            session.shapes.borrow_mut().built(number);
        }
        if let Outcome::Response { body, .. } = outcome {
            session.keep_buffer(body);
        }
        finished
    }
}

/// Where the body and the options stand among the arguments; [`ABSENT`] for what is not there, or nil.
unsafe fn places(lua: *mut lua_State, verb: Verb) -> (c_int, c_int) {
    // SAFETY: asking for types is always sound.
    let given = |index| if unsafe { ffi::lua_type(lua, index) } > ffi::LUA_TNIL { index } else { ABSENT };
    if verb == Verb::Download {
        return (ABSENT, given(3));
    }
    if !verb.takes_data() {
        return (ABSENT, given(2));
    }
    let (data, options) = (given(2), given(3));
    // SAFETY: as above.
    let is_table = data != ABSENT && unsafe { ffi::lua_type(lua, data) } == ffi::LUA_TTABLE;
    if is_table && options == ABSENT { (ABSENT, data) } else { (data, options) }
}

/// Pushes the results, protected: should memory be out, `outcome` is dropped all the same.
///
/// # Safety
/// In an entry point with the upvalue [`PUSH`].
pub(crate) unsafe fn finish(lua: *mut lua_State, outcome: &Outcome) -> Finish {
    // SAFETY: `push_outcome` reads an `Outcome` from its pointer and never writes.
    unsafe {
        let before = ffi::lua_gettop(lua);
        if protected(lua, lua_upvalueindex(PUSH), ptr::from_ref(outcome).cast_mut().cast(), &[], ffi::LUA_MULTRET) {
            Finish::Return(ffi::lua_gettop(lua) - before)
        } else {
            Finish::Raise
        }
    }
}

/// The call with neither body nor options: everything is the session's default.
fn send_plain(session: &Session, verb: Verb, url: &[u8]) -> Outcome {
    let answer = || {
        let request = begin(&session.client, &session.host, verb.method(), options::url(url)?);
        receive(session, request.max_body(DEFAULT_MAX_BODY))
    };
    answer().unwrap_or_else(|error| failed(&error, Some(DEFAULT_MAX_BODY)))
}

fn send(session: &Session, verb: Verb, url: &[u8], given: &Options, reporter: Option<Reporter>) -> Outcome {
    let limit = given.max_body(given.output.is_some());
    let answer = || {
        let method = given.method(verb)?;
        let request = begin(&session.client, &session.host, &method, options::url(url)?).max_body(limit);
        let request = report_to(reporter, given.apply(request, verb, &method)?);
        match &given.output {
            None => receive(session, request),
            Some(output) => match request.download(file_path(output)?) {
                Ok(file) => Ok(Outcome::stored(file)),
                Err(error) => Ok(not_saved(&error, output, limit)),
            },
        }
    };
    answer().unwrap_or_else(|error| failed(&error, limit))
}

/// `http.download`.
fn save(session: &Session, url: &[u8], path: &[u8], given: &Options, reporter: Option<Reporter>) -> Outcome {
    let limit = given.max_body(true);
    let answer = || {
        let target = file_path(path)?;
        let request = begin(&session.client, &session.host, "GET", options::url(url)?).max_body(limit);
        let request = report_to(reporter, given.apply(request, Verb::Download, "GET")?);
        match request.download(target) {
            Ok(file) => Ok(Outcome::Downloaded(file)),
            Err(error) => Ok(not_saved(&error, path, limit)),
        }
    };
    if path.is_empty() {
        return Outcome::Failed("path is required".to_owned());
    }
    answer().unwrap_or_else(|error| failed(&error, limit))
}

pub(crate) fn begin(client: &Client, host: &RefCell<Host>, method: &str, url: &str) -> RequestBuilder {
    let mut request = client.request(method, url);
    let host = host.borrow();
    for (authority, address) in &host.resolve {
        request = request.resolve(authority, address);
    }
    if let Some(file) = &host.ca_file {
        request = request.ca_file(file);
    }
    if host.direct {
        request = request.no_proxy();
    }
    request
}

fn report_to(reporter: Option<Reporter>, request: RequestBuilder) -> RequestBuilder {
    match reporter {
        Some(mut reporter) => request.on_progress(move |progress| reporter.report(progress)),
        None => request,
    }
}

fn receive(session: &Session, request: RequestBuilder) -> Result<Outcome> {
    let mut response = request.send()?;
    let mut body = session.take_buffer();
    response.read_to_end(&mut body)?;
    Ok(Outcome::response(response, body, &mut session.shapes.borrow_mut()))
}

fn file_path(path: &[u8]) -> Result<std::path::PathBuf> {
    if path.is_empty() {
        return Err(Error::input("option 'output' is an empty path"));
    }
    options::path("output", path)
}

/// An error's sentence; the body limit's is the one that scripts know.
pub(crate) fn failed(error: &Error, limit: Option<u64>) -> Outcome {
    Outcome::Failed(match (error.kind(), limit) {
        (Kind::BodyLimit, Some(limit)) => over_limit(limit),
        _ => error.to_string(),
    })
}

pub(crate) fn not_saved(error: &Error, path: &[u8], limit: Option<u64>) -> Outcome {
    if error.kind() == Kind::File && is_about_opening(error) {
        return Outcome::Failed(format!("failed to open file: {}", String::from_utf8_lossy(path)));
    }
    failed(error, limit)
}

/// Whether the system said that the place can't be written, rather than that writing there went wrong.
fn is_about_opening(error: &Error) -> bool {
    use std::io::ErrorKind as Io;
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<std::io::Error>());
    source.is_some_and(|source| {
        matches!(
            source.kind(),
            Io::NotFound
                | Io::PermissionDenied
                | Io::NotADirectory
                | Io::IsADirectory
                | Io::ReadOnlyFilesystem
                | Io::InvalidFilename
                | Io::InvalidInput
        )
    })
}

fn over_limit(limit: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    if limit.is_multiple_of(MIB) {
        format!("response body exceeded {} MB limit", limit / MIB)
    } else {
        format!("response body exceeded {limit} byte limit")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_body_limit_is_told_in_the_words_scripts_know() {
        assert_eq!(over_limit(DEFAULT_MAX_BODY), "response body exceeded 64 MB limit");
        assert_eq!(over_limit(10), "response body exceeded 10 byte limit");
    }
}
