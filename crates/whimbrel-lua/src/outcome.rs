//! What a call came to, and its way onto the Lua stack: small functions that own nothing and only read.
//!
//! This is the dearest part of a small request, so it is counted in instructions: names of fields are strings that the
//! function has as upvalues, tables are made at their size, and what few scripts read is left to `later`.

use std::ffi::{CStr, c_int};

use mlua_sys::{self as ffi, lua_State, lua_upvalueindex};
use whimbrel::{Download, Fields, Response, Timings};

use crate::guard::push_bytes;
use crate::shape::{Function, Head, Shape, Shapes};
use crate::{headers, later};

/// A header table's pairs, where they are not simply the fields.
type Joined = Option<headers::Pairs>;

/// What a call came to.
pub(crate) enum Outcome {
    /// A response with its body in memory.
    Response { response: Response, body: Vec<u8>, look: Look },
    /// A response whose body went to a file (`output`).
    Stored(Download, Look),
    /// A file of `http.download`.
    Downloaded(Download),
    /// A whole response of a transfer that went on by itself.
    Ended(Box<whimbrel::Outcome>, Look),
    /// `nil` and this sentence.
    Failed(String),
}

/// What the tables of a response will look like, worked out before Lua is touched.
pub(crate) struct Look {
    shape: Shape,
    joined: Joined,
    /// The fields as the response keeps them, where its shape is unknown.
    packed: Vec<u8>,
}

impl Outcome {
    pub(crate) fn response(response: Response, body: Vec<u8>, shapes: &mut Shapes) -> Self {
        let shape = shapes.of(&head_of(&response));
        let look = match shape {
            Shape::Unknown => Look::unknown(response.headers()),
            // Names that a shape was learnt for come once each.
            shape => Look { shape, joined: None, packed: Vec::new() },
        };
        Self::Response { response, body, look }
    }

    pub(crate) fn stored(download: Download) -> Self {
        let look = Look::unknown(download.headers());
        Self::Stored(download, look)
    }

    /// Of a transfer that has no error.
    pub(crate) fn ended(ended: Box<whimbrel::Outcome>) -> Self {
        let Some(head) = ended.head().filter(|_| ended.timings().is_some()) else {
            return Self::Failed("Server returned nothing (no headers, no data)".to_owned());
        };
        let look = Look::unknown(&head.fields);
        Self::Ended(ended, look)
    }

    /// The number of the function that was made while this was pushed.
    pub(crate) fn made(&self) -> Option<c_int> {
        match self {
            Self::Response { look: Look { shape: Shape::New(new), .. }, .. } => Some(new.function.number),
            _ => None,
        }
    }
}

impl Look {
    fn unknown(fields: &Fields) -> Self {
        Self { shape: Shape::Unknown, joined: headers::joined(fields), packed: later::pack(fields) }
    }
}

fn head_of(response: &Response) -> Head<'_> {
    Head {
        status: response.status(),
        url: response.url(),
        reason: response.reason(),
        version: response.version().as_str(),
        fields: response.headers(),
    }
}

// The upvalues of `push_outcome`.
const HEADERS_METATABLE: c_int = 1;
const RESPONSE_INDEX: c_int = 2;
const STATUS: c_int = 3;
const BODY: c_int = 4;
const HEADERS: c_int = 5;
const URL: c_int = 6;
const REASON: c_int = 7;
const VERSION: c_int = 8;
const INDEX: c_int = 9;
const BUILDERS: c_int = 10;

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

        ffi::lua_pushcclosure(lua, later::index, 0);
        for name in [c"status", c"body", c"headers", c"url", c"reason", c"version", c"__index"] {
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
            Outcome::Response { response, body, look } => {
                let head = head_of(response);
                match push_builder(lua, &look.shape) {
                    Some(function) => build_response(lua, function, &head, body, response.timings()),
                    None => fill_response(lua, &head, body, look, response.timings()),
                }
                1
            }
            Outcome::Stored(download, look) => {
                let head = Head {
                    status: download.status(),
                    url: download.url(),
                    reason: download.head().reason(),
                    version: download.head().version.as_str(),
                    fields: download.headers(),
                };
                fill_response(lua, &head, b"", look, download.timings());
                set_integer(lua, c"bytes_written", download.bytes_written());
                1
            }
            Outcome::Ended(ended, look) => {
                // Both are there, `Outcome::ended` says.
                let (Some(head), Some(timings)) = (ended.head(), ended.timings()) else { return 0 };
                let shown = Head {
                    status: head.status,
                    url: ended.url(),
                    reason: head.reason(),
                    version: head.version.as_str(),
                    fields: &head.fields,
                };
                fill_response(lua, &shown, ended.body(), look, timings);
                if ended.file().is_some() {
                    set_integer(lua, c"bytes_written", ended.progress().received);
                }
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

// SAFETY: (of every block below) called from `push_outcome` only; twelve of the free stack slots are used at most, and
// whoever may use more asks for them; nothing is owned here.

/// Pushes the function that builds a response of this shape, made if need be; `None` if there is none.
unsafe fn push_builder(lua: *mut lua_State, shape: &Shape) -> Option<Function> {
    // SAFETY: see above.
    unsafe {
        match shape {
            Shape::Unknown => None,
            Shape::Known(function) => {
                ffi::lua_rawgeti(lua, lua_upvalueindex(BUILDERS), function.number.into());
                if ffi::lua_type(lua, -1) == ffi::LUA_TFUNCTION {
                    return Some(*function);
                }
                ffi::lua_settop(lua, -2);
                None
            }
            Shape::New(new) => {
                let (start, name) = (new.source.as_ptr().cast(), c"=whimbrel".as_ptr());
                if ffi::luaL_loadbufferx(lua, start, new.source.len(), name, c"t".as_ptr()) != ffi::LUA_OK {
                    ffi::lua_error(lua);
                }
                ffi::lua_pushvalue(lua, lua_upvalueindex(RESPONSE_INDEX));
                ffi::lua_call(lua, 1, 1);
                ffi::lua_pushvalue(lua, -1);
                ffi::lua_rawseti(lua, lua_upvalueindex(BUILDERS), new.function.number.into());
                if let Some(old) = new.instead_of {
                    ffi::lua_pushnil(lua);
                    ffi::lua_rawseti(lua, lua_upvalueindex(BUILDERS), old.into());
                }
                Some(new.function)
            }
        }
    }
}

/// Calls the function on top; leaves the response.
unsafe fn build_response(lua: *mut lua_State, function: Function, head: &Head<'_>, body: &[u8], timings: &Timings) {
    // SAFETY: see above.
    unsafe {
        ffi::luaL_checkstack(lua, head.fields.len() as c_int + 16, c"headers".as_ptr());
        ffi::lua_pushinteger(lua, head.status.into());
        push_bytes(lua, body);
        later::push_arguments(lua, timings);
        let mut varying = function.varying;
        if varying != 0 {
            for value in head.values() {
                if varying & 1 != 0 {
                    push_bytes(lua, value);
                }
                varying >>= 1;
            }
        }
        ffi::lua_call(lua, 2 + later::COUNT + function.varying.count_ones() as c_int, 3);
        ffi::lua_setmetatable(lua, -3);
        finish_headers(lua);
    }
}

/// As [`build_response`], name by name.
unsafe fn fill_response(lua: *mut lua_State, head: &Head<'_>, body: &[u8], look: &Look, timings: &Timings) {
    // SAFETY: see above.
    unsafe {
        ffi::lua_createtable(lua, 0, 6);
        later::push_metatable(lua, &look.packed, timings);
        ffi::lua_pushvalue(lua, lua_upvalueindex(INDEX));
        ffi::lua_pushvalue(lua, lua_upvalueindex(RESPONSE_INDEX));
        ffi::lua_rawset(lua, -3);
        ffi::lua_setmetatable(lua, -2);
        ffi::lua_pushvalue(lua, lua_upvalueindex(STATUS));
        ffi::lua_pushinteger(lua, head.status.into());
        ffi::lua_rawset(lua, -3);
        set_bytes(lua, BODY, body);
        set_bytes(lua, URL, head.url.as_bytes());
        set_bytes(lua, REASON, head.reason);
        set_bytes(lua, VERSION, head.version.as_bytes());
        match &look.joined {
            None => push_pairs(lua, head.fields.iter_bytes(), head.fields.len()),
            Some(pairs) => push_pairs(lua, pairs.iter().map(|(name, value)| (&**name, &**value)), pairs.len()),
        }
        ffi::lua_pushvalue(lua, lua_upvalueindex(HEADERS));
        ffi::lua_pushvalue(lua, -2);
        ffi::lua_rawset(lua, -4);
        finish_headers(lua);
        if look.packed.is_empty() {
            // A finalizer's request made the function of this shape go just now.
            later::push_list(lua, head.fields.iter_bytes());
            ffi::lua_setfield(lua, -2, c"headers_list".as_ptr());
        }
    }
}

/// Pushes a table of these pairs.
unsafe fn push_pairs<'a>(lua: *mut lua_State, pairs: impl Iterator<Item = (&'a [u8], &'a [u8])>, count: usize) {
    // SAFETY: see above; the iterator holds nothing that must be dropped.
    unsafe {
        ffi::lua_createtable(lua, 0, count as c_int);
        for (name, value) in pairs {
            push_bytes(lua, name);
            push_bytes(lua, value);
            ffi::lua_rawset(lua, -3);
        }
    }
}

/// Gives the header table on top its metatable and takes it off.
unsafe fn finish_headers(lua: *mut lua_State) {
    // SAFETY: see above.
    unsafe {
        ffi::lua_pushvalue(lua, lua_upvalueindex(HEADERS_METATABLE));
        ffi::lua_setmetatable(lua, -2);
        ffi::lua_settop(lua, -2);
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
