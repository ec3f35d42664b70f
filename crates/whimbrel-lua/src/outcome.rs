//! What a call came to, and its way onto the Lua stack: small functions that own nothing and only read.

use std::ffi::{CStr, c_int};

use mlua_sys::{self as ffi, lua_State, lua_upvalueindex};
use whimbrel::{Download, Fields, Response};

use crate::guard::push_bytes;
use crate::headers;
use crate::later::{self, Later};

/// What a call came to.
pub(crate) enum Outcome {
    /// A response with its body in memory.
    Response(Box<Answer>),
    /// A response whose body went to a file (`output`).
    Stored(Box<File>),
    /// A file of `http.download`.
    Downloaded(Download),
    /// `nil` and this sentence.
    Failed(String),
}

/// A response with its body, and what is worked out before Lua is touched.
pub(crate) struct Answer {
    response: Response,
    body: Vec<u8>,
    joined: Option<Vec<(Vec<u8>, Vec<u8>)>>,
    later: Later,
}

/// As [`Answer`], for a body that went to a file.
pub(crate) struct File {
    download: Download,
    joined: Option<Vec<(Vec<u8>, Vec<u8>)>>,
    later: Later,
}

impl Outcome {
    pub(crate) fn response(response: Response, body: Vec<u8>) -> Self {
        let joined = headers::joined(response.headers());
        let later = Later::new(response.headers(), response.timings());
        Self::Response(Box::new(Answer { response, body, joined, later }))
    }

    pub(crate) fn stored(download: Download) -> Self {
        let joined = headers::joined(download.headers());
        let later = Later::new(download.headers(), download.timings());
        Self::Stored(Box::new(File { download, joined, later }))
    }
}

/// Pushes the results of the call whose [`Outcome`] argument 1 points to. Upvalue 1 is the metatable of header tables.
///
/// Runs protected: memory may be out.
pub(crate) unsafe extern "C-unwind" fn push_outcome(lua: *mut lua_State) -> c_int {
    // SAFETY: the frame that owns the outcome waits in `lua_pcall`; this one and those below own nothing.
    unsafe {
        let outcome = &*ffi::lua_touserdata(lua, 1).cast::<Outcome>();
        match outcome {
            Outcome::Response(answer) => {
                let response = &answer.response;
                let head = Head {
                    status: response.status(),
                    reason: response.reason(),
                    version: response.version().as_str(),
                    url: response.url(),
                    body: &answer.body,
                };
                push_response(lua, &head, response.headers(), answer.joined.as_deref(), &answer.later);
                1
            }
            Outcome::Stored(file) => {
                let download = &file.download;
                let head = Head {
                    status: download.status(),
                    reason: download.head().reason(),
                    version: download.head().version.as_str(),
                    url: download.url(),
                    body: b"",
                };
                push_response(lua, &head, download.headers(), file.joined.as_deref(), &file.later);
                set_integer(lua, c"bytes_written", download.bytes_written());
                1
            }
            Outcome::Downloaded(download) => {
                ffi::lua_createtable(lua, 0, 3);
                ffi::lua_pushboolean(lua, 1);
                ffi::lua_setfield(lua, -2, c"success".as_ptr());
                set_integer(lua, c"status", download.status().into());
                set_integer(lua, c"bytes_written", download.bytes_written());
                1
            }
            Outcome::Failed(sentence) => {
                ffi::lua_pushnil(lua);
                push_bytes(lua, sentence.as_bytes());
                2
            }
        }
    }
}

struct Head<'a> {
    status: u16,
    reason: &'a [u8],
    version: &'a str,
    url: &'a str,
    body: &'a [u8],
}

/// # Safety
/// Called from [`push_outcome`] only; as for the four below.
unsafe fn push_response(
    lua: *mut lua_State,
    head: &Head<'_>,
    fields: &Fields,
    joined: Option<&[(Vec<u8>, Vec<u8>)]>,
    later: &Later,
) {
    // SAFETY: ten of the free stack slots are used at most; nothing is owned here.
    unsafe {
        ffi::lua_createtable(lua, 0, 7);
        set_integer(lua, c"status", head.status.into());
        set_bytes(lua, c"body", head.body);
        push_headers(lua, fields, joined);
        ffi::lua_setfield(lua, -2, c"headers".as_ptr());
        set_bytes(lua, c"url", head.url.as_bytes());
        set_bytes(lua, c"reason", head.reason);
        set_bytes(lua, c"version", head.version.as_bytes());
        later::push_metatable(lua, later);
        ffi::lua_setmetatable(lua, -2);
    }
}

unsafe fn push_headers(lua: *mut lua_State, fields: &Fields, joined: Option<&[(Vec<u8>, Vec<u8>)]>) {
    // SAFETY: as above.
    unsafe {
        match joined {
            None => {
                ffi::lua_createtable(lua, 0, fields.len() as c_int);
                for (name, value) in fields.iter() {
                    push_bytes(lua, name.as_bytes());
                    push_bytes(lua, value);
                    ffi::lua_rawset(lua, -3);
                }
            }
            Some(pairs) => {
                ffi::lua_createtable(lua, 0, pairs.len() as c_int);
                for (name, value) in pairs {
                    push_bytes(lua, name);
                    push_bytes(lua, value);
                    ffi::lua_rawset(lua, -3);
                }
            }
        }
        ffi::lua_pushvalue(lua, lua_upvalueindex(1));
        ffi::lua_setmetatable(lua, -2);
    }
}

unsafe fn set_bytes(lua: *mut lua_State, name: &'static CStr, value: &[u8]) {
    // SAFETY: as above; the table is on top.
    unsafe {
        push_bytes(lua, value);
        ffi::lua_setfield(lua, -2, name.as_ptr());
    }
}

unsafe fn set_integer(lua: *mut lua_State, name: &'static CStr, value: u64) {
    // SAFETY: as above; the table is on top.
    unsafe {
        ffi::lua_pushinteger(lua, value.min(i64::MAX as u64) as ffi::lua_Integer);
        ffi::lua_setfield(lua, -2, name.as_ptr());
    }
}
