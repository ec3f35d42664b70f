//! The module `httpclient`: one explicit connection that its owner steps, with the names of Godot's `HTTPClient`. What is
//! natural in Lua is in the chunks beside this file; this module opens them and gives them what is native. It decides
//! nothing about HTTP.

mod calls;
mod connection;
mod object;
mod properties;
mod stream;
mod tls;
mod words;

use std::ffi::{CStr, c_int};

use mlua_sys::{self as ffi, lua_CFunction, lua_State};
use whimbrel::{PollError, PollMethod, PollStatus, RESPONSE_CODES};

use crate::guard::push_bytes;
use crate::session;

const KEY: &CStr = c"whimbrel.httpclient";

/// The chunks, in the order in which they run. Each gets the table `ours`, takes from it and adds to it.
const CHUNKS: [(&CStr, &str); 4] = [
    (c"=whimbrel.constants", include_str!("constants.lua")),
    (c"=whimbrel.arguments", include_str!("arguments.lua")),
    (c"=whimbrel.connection", include_str!("connection.lua")),
    (c"=whimbrel.httpclient", include_str!("httpclient.lua")),
];

/// What is native: functions whose first argument is the client, but for `new` and `query`.
const NATIVES: [(&CStr, lua_CFunction); 44] = [
    (c"new", object::new),
    (c"connect", calls::connect),
    (c"close", calls::close),
    (c"poll", calls::poll),
    (c"request", calls::request),
    (c"request_file", calls::request_file),
    (c"read_chunk", calls::read_chunk),
    (c"header_lines", calls::header_lines),
    (c"header_pairs", calls::header_pairs),
    (c"trailers", calls::trailers),
    (c"timings", calls::timings),
    (c"error", calls::error),
    (c"status", calls::status),
    (c"has_response", calls::has_response),
    (c"response_code", calls::response_code),
    (c"body_length", calls::body_length),
    (c"is_chunked", calls::is_chunked),
    (c"bytes_sent", calls::bytes_sent),
    (c"request_length", calls::request_length),
    (c"bytes_received", calls::bytes_received),
    (c"query", calls::query),
    (c"blocking_mode", properties::blocking_mode),
    (c"set_blocking_mode", properties::set_blocking_mode),
    (c"preserve_chunks", properties::preserve_chunks),
    (c"set_preserve_chunks", properties::set_preserve_chunks),
    (c"accept_encoding", properties::accept_encoding),
    (c"set_accept_encoding", properties::set_accept_encoding),
    (c"read_chunk_size", properties::read_chunk_size),
    (c"set_read_chunk_size", properties::set_read_chunk_size),
    (c"connect_timeout", properties::connect_timeout),
    (c"set_connect_timeout", properties::set_connect_timeout),
    (c"user_agent", properties::user_agent),
    (c"set_user_agent", properties::set_user_agent),
    (c"download_file", properties::download_file),
    (c"set_download_file", properties::set_download_file),
    (c"set_http_proxy", properties::set_http_proxy),
    (c"set_https_proxy", properties::set_https_proxy),
    (c"attach", connection::attach),
    (c"connection", connection::connection),
    (c"keep", connection::keep),
    (c"available", connection::available),
    (c"receive", connection::receive),
    (c"send", connection::send),
    (c"is_upgraded", calls::is_upgraded),
];

/// Pushes the state's `httpclient` table, made when first asked for.
///
/// # Safety
/// As [`session::push_http`].
pub(crate) unsafe fn push_httpclient(lua: *mut lua_State) {
    // SAFETY: the caller's promise; this frame owns nothing.
    unsafe {
        ffi::luaL_checkstack(lua, 24, c"whimbrel".as_ptr());
        ffi::lua_getfield(lua, ffi::LUA_REGISTRYINDEX, KEY.as_ptr());
        if ffi::lua_type(lua, -1) == ffi::LUA_TTABLE {
            return;
        }
        ffi::lua_settop(lua, -2);
        ffi::lua_createtable(lua, 0, 24);
        let ours = ffi::lua_gettop(lua);
        push_natives(lua);
        ffi::lua_setfield(lua, ours, c"metatable".as_ptr());
        ffi::lua_setfield(lua, ours, c"native".as_ptr());
        push_words(lua);
        push_errors(lua);
        ffi::lua_setfield(lua, ours, c"errors".as_ptr());
        ffi::lua_setfield(lua, ours, c"codes".as_ptr());
        ffi::lua_setfield(lua, ours, c"statuses".as_ptr());
        ffi::lua_setfield(lua, ours, c"methods".as_ptr());
        // As `json.null` is.
        ffi::lua_pushlightuserdata(lua, std::ptr::null_mut());
        ffi::lua_setfield(lua, ours, c"null".as_ptr());
        for (name, text) in CHUNKS {
            let start = text.as_ptr().cast();
            if ffi::luaL_loadbufferx(lua, start, text.len(), name.as_ptr(), c"t".as_ptr()) != ffi::LUA_OK {
                ffi::lua_error(lua);
            }
            ffi::lua_pushvalue(lua, ours);
            ffi::lua_call(lua, 1, 0);
        }
        ffi::lua_getfield(lua, ours, c"HTTPClient".as_ptr());
        ffi::lua_remove(lua, ours);
        ffi::lua_pushvalue(lua, -1);
        ffi::lua_setfield(lua, ffi::LUA_REGISTRYINDEX, KEY.as_ptr());
    }
}

/// Pushes the table of native functions and, above it, the metatable of clients.
unsafe fn push_natives(lua: *mut lua_State) {
    // SAFETY: as above.
    unsafe {
        ffi::lua_createtable(lua, 0, NATIVES.len() as c_int);
        let natives = ffi::lua_gettop(lua);
        ffi::lua_createtable(lua, 0, 8);
        ffi::lua_pushcclosure(lua, object::drop_object, 0);
        ffi::lua_setfield(lua, -2, c"__gc".as_ptr());
        words::push_pusher(lua);
        ffi::lua_pushcclosure(lua, stream::call_back, 0);
        session::push_session(lua);
        for (name, function) in NATIVES {
            for upvalue in [object::METATABLE, object::WORDS, object::CALL, object::SESSION] {
                ffi::lua_pushvalue(lua, natives + upvalue);
            }
            ffi::lua_pushcclosure(lua, function, 4);
            ffi::lua_setfield(lua, natives, name.as_ptr());
        }
        ffi::lua_settop(lua, natives + object::METATABLE);
    }
}

/// Pushes the names of the methods and of the statuses, each a list whose first is number 0, and the codes by name.
unsafe fn push_words(lua: *mut lua_State) {
    // SAFETY: as above; the names are static.
    unsafe {
        ffi::lua_createtable(lua, PollMethod::ALL.len() as c_int, 0);
        for (place, method) in (1..).zip(PollMethod::ALL) {
            push_bytes(lua, method.name().as_bytes());
            ffi::lua_rawseti(lua, -2, place);
        }
        ffi::lua_createtable(lua, PollStatus::ALL.len() as c_int, 0);
        for (place, status) in (1..).zip(PollStatus::ALL) {
            push_bytes(lua, status.name().as_bytes());
            ffi::lua_rawseti(lua, -2, place);
        }
        ffi::lua_createtable(lua, 0, RESPONSE_CODES.len() as c_int);
        for (name, code) in RESPONSE_CODES {
            push_bytes(lua, name.as_bytes());
            ffi::lua_pushinteger(lua, code.into());
            ffi::lua_rawset(lua, -3);
        }
    }
}

/// Pushes the names of the errors by their numbers.
unsafe fn push_errors(lua: *mut lua_State) {
    // SAFETY: as above.
    unsafe {
        ffi::lua_createtable(lua, 0, PollError::ALL.len() as c_int);
        for error in PollError::ALL {
            push_bytes(lua, error.name().as_bytes());
            ffi::lua_rawseti(lua, -2, error as c_int as _);
        }
    }
}
