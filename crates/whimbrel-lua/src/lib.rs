//! Whimbrel's Lua facade: the blocking `http` module and the event-driven `network` for Lua 5.1, 5.2, 5.3, 5.4 and
//! LuaJIT, with `json` and `cjson` beside them. It converts values and nothing else; everything about HTTP is decided by the engine.
//!
//! | a script writes | and gets |
//! |---|---|
//! | `http.get(url [, options])`, `request`, `delete`, `head`, `options` | a response, or `nil` and a sentence |
//! | `http.post(url [, data [, options]])`, `put`, `patch` | the same |
//! | `http.download(url, path [, options])` | `{ success, status, bytes_written }`, or `nil` and a sentence |
//! | `http.all(list [, options])` | many responses at once |
//! | `network.request(url, method, listener, params)`, `download`, `upload`, `cancel` | events, by `network.dispatch` |
//! | `network.fetch(url [, params])`, `wait`, `pause`, `resume`, `setPriority` | straight-line code, control |
//! | `require("httpclient")`: `new`, `connect_to_host`, `poll`, `request`... | one connection, stepped by its owner |
//! | `http.strict = true` | unknown and mistyped options become mistakes |
//! | `require("whimbrel")` | `version`, `http`, `network`, `httpclient`, `json`, `system`, `cookies`, `install`, `defaults` |
//! | `require("json")`, `"cjson"`, `"cjson.safe"` | lua-cjson's interface, where the host preloads them |
//!
//! Every name reaches one session of its Lua state; see [`open_http`]. A program with a Lua of its own calls
//! [`preload`]. The crate is built for one Lua version at a time, by the feature of its name.
//!
//! `unsafe` is allowed in this crate because all of it stands on Lua's C interface; `guard` has the one rule that makes
//! Lua's errors and Rust's destructors agree.
#![allow(unsafe_code)]
#![deny(unsafe_op_in_unsafe_fn, clippy::undocumented_unsafe_blocks)]

mod call;
mod fork;
mod guard;
mod headers;
mod httpclient;
mod json;
mod later;
mod library;
mod network;
mod options;
mod outcome;
mod progress;
mod read;
mod session;
mod shape;
mod strict;

use std::ffi::{CStr, c_int};

/// Lua's C interface, of the version that this build is for.
pub use mlua_sys as ffi;
use mlua_sys::{lua_CFunction, lua_State};

pub use session::Host;

const VERSION: &CStr = match CStr::from_bytes_with_nul(concat!(env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
    Ok(version) => version,
    Err(_) => c"",
};
const NAME_AND_VERSION: &CStr =
    match CStr::from_bytes_with_nul(concat!("whimbrel ", env!("CARGO_PKG_VERSION"), "\0").as_bytes()) {
        Ok(version) => version,
        Err(_) => c"",
    };

/// `luaopen_http` and `luaopen_whimbrel_http`: pushes the `http` table of this Lua state, one and the same every time.
///
/// # Safety
/// For Lua to call: `lua` is a valid state with room on its stack. Raises Lua errors.
pub unsafe extern "C-unwind" fn open_http(lua: *mut lua_State) -> c_int {
    fork::watch();
    // SAFETY: the caller's promise; the frame owns nothing.
    unsafe { session::push_http(lua) };
    1
}

/// `luaopen_whimbrel`: pushes the `whimbrel` table of this Lua state.
///
/// # Safety
/// As [`open_http`].
pub unsafe extern "C-unwind" fn open_whimbrel(lua: *mut lua_State) -> c_int {
    fork::watch();
    // SAFETY: the caller's promise; the frame owns nothing.
    unsafe { library::push_whimbrel(lua) };
    1
}

/// Pushes the state's `json` table, which is also its `cjson`: lua-cjson's interface, errors raised.
///
/// # Safety
/// As [`open_http`].
pub unsafe extern "C-unwind" fn open_cjson(lua: *mut lua_State) -> c_int {
    // SAFETY: the caller's promise; the frame owns nothing.
    unsafe { json::push_module(lua, json::Flavour::Raising) };
    1
}

/// Pushes the state's `cjson.safe` table: as [`open_cjson`], but `encode` and `decode` give `nil` and the message.
///
/// # Safety
/// As [`open_http`].
pub unsafe extern "C-unwind" fn open_cjson_safe(lua: *mut lua_State) -> c_int {
    // SAFETY: the caller's promise; the frame owns nothing.
    unsafe { json::push_module(lua, json::Flavour::Safe) };
    1
}

/// `luaopen_network` and `luaopen_whimbrel_network`: pushes the `network` table of this Lua state, one and the same every
/// time. Where the state has a global `Runtime`, its frames then deliver events.
///
/// # Safety
/// As [`open_http`].
pub unsafe extern "C-unwind" fn open_network(lua: *mut lua_State) -> c_int {
    fork::watch();
    // SAFETY: the caller's promise; the frame owns nothing.
    unsafe { network::push_network(lua) };
    1
}

/// `luaopen_httpclient` and `luaopen_whimbrel_httpclient`: pushes the `httpclient` table of this Lua state, one and the
/// same every time.
///
/// # Safety
/// As [`open_http`].
pub unsafe extern "C-unwind" fn open_httpclient(lua: *mut lua_State) -> c_int {
    fork::watch();
    // SAFETY: the caller's promise; the frame owns nothing.
    unsafe { httpclient::push_httpclient(lua) };
    1
}

/// `luaopen_whimbrel_love`: has LÖVE's frames deliver events, and pushes the `network` table. Raises outside LÖVE.
///
/// # Safety
/// As [`open_http`].
pub unsafe extern "C-unwind" fn open_love(lua: *mut lua_State) -> c_int {
    fork::watch();
    // SAFETY: the caller's promise; the frame owns nothing.
    unsafe { network::push_love(lua) };
    1
}

/// The modules of a program with a Lua of its own, by the names under which its scripts require them.
const PRELOADED: [(&CStr, lua_CFunction); 11] = [
    (c"http", open_http),
    (c"whimbrel.http", open_http),
    (c"network", open_network),
    (c"whimbrel.network", open_network),
    (c"httpclient", open_httpclient),
    (c"whimbrel.httpclient", open_httpclient),
    (c"whimbrel.love", open_love),
    (c"whimbrel", open_whimbrel),
    (c"json", open_cjson),
    (c"cjson", open_cjson),
    (c"cjson.safe", open_cjson_safe),
];

/// Makes the modules known to `require` in a state whose standard libraries are open, and sets what holds for every
/// request made there. False if memory is out or the engine could not be started; the reason is then on the stack.
///
/// # Safety
/// `lua` must be a valid state with three free stack slots, used by no other thread meanwhile.
pub unsafe fn preload(lua: *mut lua_State, host: Host) -> bool {
    // SAFETY: everything that may raise runs in `lua_pcall`; `prepare` takes the host out of its pointer.
    unsafe {
        let mut host = Some(host);
        ffi::lua_pushcclosure(lua, prepare, 0);
        ffi::lua_pushlightuserdata(lua, (&raw mut host).cast());
        ffi::lua_pcall(lua, 1, 0, 0) == ffi::LUA_OK
    }
}

unsafe extern "C-unwind" fn prepare(lua: *mut lua_State) -> c_int {
    // SAFETY: `preload` waits in `lua_pcall` and owns the host until it is moved, which does not raise.
    unsafe {
        let host: *mut Option<Host> = ffi::lua_touserdata(lua, 1).cast();
        session::push_session(lua);
        if let (Some(session), Some(host)) = (session::at(lua, -1).as_ref(), (*host).take()) {
            session.set_host(host);
        }
        ffi::lua_getglobal(lua, c"package".as_ptr());
        ffi::lua_getfield(lua, -1, c"preload".as_ptr());
        for (name, open) in PRELOADED {
            ffi::lua_pushcclosure(lua, open, 0);
            ffi::lua_setfield(lua, -2, name.as_ptr());
        }
        0
    }
}

/// A new LuaJIT state with its standard libraries and the modules of [`preload`]: what the runner `whimbrel run` and
/// tests use. `ffi` and `debug` are open too, so it is for trusted scripts only.
///
/// # Errors
/// When memory is out or the engine can't be started.
#[cfg(feature = "vendored")]
pub fn interpreter(host: Host) -> mlua::Result<mlua::Lua> {
    // `pcall` and `xpcall` stay Lua's own, so that coroutines can yield through them: the modules let no panic out.
    let options = mlua::LuaOptions::new().catch_rust_panics(true);
    // SAFETY: scripts are trusted, as the documentation says.
    let lua = unsafe { mlua::Lua::unsafe_new_with(mlua::StdLib::ALL, options) };
    // SAFETY: the state is ours alone, and `preload` leaves at most one value on the stack of this call.
    let ready = unsafe {
        let mut ready = false;
        lua.exec_raw::<()>((), |state| {
            ready = preload(state, host);
            if !ready {
                ffi::lua_settop(state, 0);
            }
        })?;
        ready
    };
    if ready { Ok(lua) } else { Err(mlua::Error::runtime("the HTTP modules could not be opened")) }
}
