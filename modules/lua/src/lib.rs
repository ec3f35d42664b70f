//! The entry points by which Lua loads Whimbrel as a C module, and nothing else: each hands over to `whimbrel-lua`.
//!
//! Lua looks for `luaopen_` and the module's name in the file it finds. One library holds them all, under several file
//! names that are links to it, so that every name reaches one engine.

use std::ffi::c_int;

use whimbrel_lua::ffi::lua_State;

/// `require("whimbrel")`.
///
/// # Safety
/// For Lua to call, with a valid state.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn luaopen_whimbrel(lua: *mut lua_State) -> c_int {
    // SAFETY: Lua's call is passed on as it came; this frame owns nothing.
    unsafe { whimbrel_lua::open_whimbrel(lua) }
}

/// `require("http")`.
///
/// # Safety
/// For Lua to call, with a valid state.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn luaopen_http(lua: *mut lua_State) -> c_int {
    // SAFETY: Lua's call is passed on as it came; this frame owns nothing.
    unsafe { whimbrel_lua::open_http(lua) }
}

/// `require("whimbrel.http")`: the same table as `require("http")`, under a name that nobody else claims.
///
/// # Safety
/// For Lua to call, with a valid state.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn luaopen_whimbrel_http(lua: *mut lua_State) -> c_int {
    // SAFETY: Lua's call is passed on as it came; this frame owns nothing.
    unsafe { whimbrel_lua::open_http(lua) }
}

/// `require("network")`.
///
/// # Safety
/// For Lua to call, with a valid state.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn luaopen_network(lua: *mut lua_State) -> c_int {
    // SAFETY: Lua's call is passed on as it came; this frame owns nothing.
    unsafe { whimbrel_lua::open_network(lua) }
}

/// `require("whimbrel.network")`: the same table as `require("network")`, under a name that nobody else claims.
///
/// # Safety
/// For Lua to call, with a valid state.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn luaopen_whimbrel_network(lua: *mut lua_State) -> c_int {
    // SAFETY: Lua's call is passed on as it came; this frame owns nothing.
    unsafe { whimbrel_lua::open_network(lua) }
}

/// `require("httpclient")`.
///
/// # Safety
/// For Lua to call, with a valid state.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn luaopen_httpclient(lua: *mut lua_State) -> c_int {
    // SAFETY: Lua's call is passed on as it came; this frame owns nothing.
    unsafe { whimbrel_lua::open_httpclient(lua) }
}

/// `require("whimbrel.httpclient")`: the same table as `require("httpclient")`, under a name that nobody else claims.
///
/// # Safety
/// For Lua to call, with a valid state.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn luaopen_whimbrel_httpclient(lua: *mut lua_State) -> c_int {
    // SAFETY: Lua's call is passed on as it came; this frame owns nothing.
    unsafe { whimbrel_lua::open_httpclient(lua) }
}

/// `require("whimbrel.love")`: `network` in the frames of a LÖVE game.
///
/// # Safety
/// For Lua to call, with a valid state.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn luaopen_whimbrel_love(lua: *mut lua_State) -> c_int {
    // SAFETY: Lua's call is passed on as it came; this frame owns nothing.
    unsafe { whimbrel_lua::open_love(lua) }
}

/// `require("plugin.whimbrel")`, as Solar2D names its plugins: the same table as `require("whimbrel")`.
///
/// # Safety
/// For Lua to call, with a valid state.
#[unsafe(no_mangle)]
pub unsafe extern "C-unwind" fn luaopen_plugin_whimbrel(lua: *mut lua_State) -> c_int {
    // SAFETY: Lua's call is passed on as it came; this frame owns nothing.
    unsafe { whimbrel_lua::open_whimbrel(lua) }
}
