//! What a call came to, and its way onto the Lua stack: small functions that own nothing and only read.
//!
//! This is the dearest part of a small request, so it is counted in instructions: names of fields are strings that the
//! function has as upvalues, tables are made at their size, and what few scripts read is left to `later`.

use std::ffi::{CStr, c_int};

use mlua_sys::{self as ffi, lua_State, lua_upvalueindex};
use whimbrel::{Download, Fields, Response, Timings};

use crate::guard::push_bytes;
use crate::shape::{Shape, Shapes};
use crate::{headers, later};

/// A header table's pairs, where they are not simply the fields.
type Joined = Option<Vec<(Vec<u8>, Vec<u8>)>>;

/// What a call came to.
pub(crate) enum Outcome {
    /// A response with its body in memory.
    Response(Response, Vec<u8>, Shape, Joined),
    /// A response whose body went to a file (`output`).
    Stored(Download, Joined),
    /// A file of `http.download`.
    Downloaded(Download),
    /// `nil` and this sentence.
    Failed(String),
}

impl Outcome {
    pub(crate) fn response(response: Response, body: Vec<u8>) -> Self {
        Self::Response(response, body, Shape::Unknown, None)
    }

    /// Works out what the tables will look like: the last step before Lua is touched.
    pub(crate) fn shape(&mut self, shapes: &mut Shapes) {
        if let Self::Response(response, _, shape, joined) = self {
            let fields = response.headers();
            // Names that a shape was learnt for come once each.
            *shape = shapes.of(fields);
            if *shape == Shape::Unknown {
                *joined = headers::joined(fields);
            }
        }
    }

    /// The number of the function that was made while this was pushed.
    pub(crate) fn made(&self) -> Option<c_int> {
        match self {
            Self::Response(_, _, Shape::New(new), _) => Some(new.number),
            _ => None,
        }
    }

    pub(crate) fn stored(download: Download) -> Self {
        let joined = headers::joined(download.headers());
        Self::Stored(download, joined)
    }
}

// The upvalues of `push_outcome`.
const HEADERS_METATABLE: c_int = 1;
const RESPONSE_METATABLE: c_int = 2;
const PACKED: c_int = 3;
const STATUS: c_int = 4;
const BODY: c_int = 5;
const HEADERS: c_int = 6;
const URL: c_int = 7;
const REASON: c_int = 8;
const VERSION: c_int = 9;
const OK: c_int = 10;
const HTTP_1_1: c_int = 11;
const BUILDERS: c_int = 12;

/// Pushes the function [`push_outcome`] with its upvalues.
///
/// # Safety
/// Sixteen stack slots must be free; nothing that must be dropped lies in the caller's frame: memory may be out.
pub(crate) unsafe fn push_pusher(lua: *mut lua_State) {
    // SAFETY: the caller's promise; this frame owns nothing.
    unsafe {
        ffi::lua_createtable(lua, 0, 1);
        ffi::lua_pushcclosure(lua, headers::index, 0);
        ffi::lua_setfield(lua, -2, c"__index".as_ptr());

        ffi::lua_createtable(lua, 0, 1);
        ffi::lua_createtable(lua, 0, 0);
        ffi::lua_createtable(lua, 0, 1);
        ffi::lua_pushstring(lua, c"k".as_ptr());
        ffi::lua_setfield(lua, -2, c"__mode".as_ptr());
        ffi::lua_setmetatable(lua, -2);
        ffi::lua_pushvalue(lua, -1);
        ffi::lua_pushcclosure(lua, later::index, 1);
        ffi::lua_setfield(lua, -3, c"__index".as_ptr());

        for name in [c"status", c"body", c"headers", c"url", c"reason", c"version", c"OK", c"HTTP/1.1"] {
            ffi::lua_pushstring(lua, name.as_ptr());
        }
        ffi::lua_createtable(lua, 0, 0);
        ffi::lua_pushcclosure(lua, push_outcome, BUILDERS);
    }
}

/// Pushes the results of the call whose [`Outcome`] argument 1 points to.
///
/// Runs protected: memory may be out.
unsafe extern "C-unwind" fn push_outcome(lua: *mut lua_State) -> c_int {
    // SAFETY: the frame that owns the outcome waits in `lua_pcall`; this one and those below own nothing.
    unsafe {
        let outcome = &*ffi::lua_touserdata(lua, 1).cast::<Outcome>();
        match outcome {
            Outcome::Response(response, body, shape, joined) => {
                let head = Head {
                    status: response.status(),
                    reason: response.reason(),
                    version: response.version().as_str(),
                    url: response.url(),
                };
                let fields = response.headers();
                if push_builder(lua, shape) {
                    build_response(lua, &head, body, fields);
                } else {
                    fill_response(lua, &head, body, fields, joined.as_deref());
                }
                finish_response(lua, fields, response.timings());
                1
            }
            Outcome::Stored(download, joined) => {
                let head = Head {
                    status: download.status(),
                    reason: download.head().reason(),
                    version: download.head().version.as_str(),
                    url: download.url(),
                };
                fill_response(lua, &head, b"", download.headers(), joined.as_deref());
                finish_response(lua, download.headers(), download.timings());
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
}

// SAFETY: (of every block below) called from `push_outcome` only; twelve of the free stack slots are used at most, and
// whoever may use more asks for them; nothing is owned here.

/// Pushes the function that builds a response of this shape, made if need be; false if there is none.
unsafe fn push_builder(lua: *mut lua_State, shape: &Shape) -> bool {
    // SAFETY: see above.
    unsafe {
        match shape {
            Shape::Unknown => return false,
            Shape::Known(number) => {
                ffi::lua_rawgeti(lua, lua_upvalueindex(BUILDERS), (*number).into());
                if ffi::lua_type(lua, -1) != ffi::LUA_TFUNCTION {
                    ffi::lua_settop(lua, -2);
                    return false;
                }
            }
            Shape::New(new) => {
                let (start, name) = (new.source.as_ptr().cast(), c"=whimbrel".as_ptr());
                if ffi::luaL_loadbufferx(lua, start, new.source.len(), name, c"t".as_ptr()) != ffi::LUA_OK {
                    ffi::lua_error(lua);
                }
                ffi::lua_call(lua, 0, 1);
                ffi::lua_pushvalue(lua, -1);
                ffi::lua_rawseti(lua, lua_upvalueindex(BUILDERS), new.number.into());
                if let Some(old) = new.instead_of {
                    ffi::lua_pushnil(lua);
                    ffi::lua_rawseti(lua, lua_upvalueindex(BUILDERS), old.into());
                }
            }
        }
        true
    }
}

/// Calls the function on top; leaves the response and its header table.
unsafe fn build_response(lua: *mut lua_State, head: &Head<'_>, body: &[u8], fields: &Fields) {
    // SAFETY: see above.
    unsafe {
        ffi::luaL_checkstack(lua, fields.len() as c_int + 8, c"headers".as_ptr());
        ffi::lua_pushinteger(lua, head.status.into());
        push_bytes(lua, body);
        push_bytes(lua, head.url.as_bytes());
        push_usual(lua, OK, b"OK", head.reason);
        push_usual(lua, HTTP_1_1, b"HTTP/1.1", head.version.as_bytes());
        for (_, value) in fields.iter_bytes() {
            push_bytes(lua, value);
        }
        ffi::lua_call(lua, 5 + fields.len() as c_int, 2);
    }
}

/// Pushes `bytes`, from the upvalue where they are what that holds.
unsafe fn push_usual(lua: *mut lua_State, upvalue: c_int, usual: &[u8], bytes: &[u8]) {
    // SAFETY: see above.
    unsafe {
        if bytes == usual {
            ffi::lua_pushvalue(lua, lua_upvalueindex(upvalue));
        } else {
            push_bytes(lua, bytes);
        }
    }
}

/// As [`build_response`], name by name.
unsafe fn fill_response(
    lua: *mut lua_State,
    head: &Head<'_>,
    body: &[u8],
    fields: &Fields,
    joined: Option<&[(Vec<u8>, Vec<u8>)]>,
) {
    // SAFETY: see above.
    unsafe {
        ffi::lua_createtable(lua, 0, 6);
        ffi::lua_pushvalue(lua, lua_upvalueindex(STATUS));
        ffi::lua_pushinteger(lua, head.status.into());
        ffi::lua_rawset(lua, -3);
        set_bytes(lua, BODY, body);
        set_bytes(lua, URL, head.url.as_bytes());
        set_bytes(lua, REASON, head.reason);
        set_bytes(lua, VERSION, head.version.as_bytes());
        match joined {
            None => {
                ffi::lua_createtable(lua, 0, fields.len() as c_int);
                for (name, value) in fields.iter_bytes() {
                    push_bytes(lua, name);
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
        ffi::lua_pushvalue(lua, lua_upvalueindex(HEADERS));
        ffi::lua_pushvalue(lua, -2);
        ffi::lua_rawset(lua, -4);
    }
}

/// Gives the response and the header table on top of it their metatables; the response is left.
unsafe fn finish_response(lua: *mut lua_State, fields: &Fields, timings: &Timings) {
    // SAFETY: see above.
    unsafe {
        ffi::lua_pushvalue(lua, lua_upvalueindex(HEADERS_METATABLE));
        ffi::lua_setmetatable(lua, -2);
        ffi::lua_settop(lua, -2);
        ffi::lua_pushvalue(lua, -1);
        later::push_packed(lua, fields, timings);
        ffi::lua_rawset(lua, lua_upvalueindex(PACKED));
        ffi::lua_pushvalue(lua, lua_upvalueindex(RESPONSE_METATABLE));
        ffi::lua_setmetatable(lua, -2);
    }
}

/// Sets the field whose name is that upvalue; the table is on top.
unsafe fn set_bytes(lua: *mut lua_State, name: c_int, value: &[u8]) {
    // SAFETY: see above.
    unsafe {
        ffi::lua_pushvalue(lua, lua_upvalueindex(name));
        push_bytes(lua, value);
        ffi::lua_rawset(lua, -3);
    }
}

unsafe fn set_integer(lua: *mut lua_State, name: &'static CStr, value: u64) {
    // SAFETY: see above; the table is on top.
    unsafe {
        ffi::lua_pushinteger(lua, value.min(i64::MAX as u64) as ffi::lua_Integer);
        ffi::lua_setfield(lua, -2, name.as_ptr());
    }
}
