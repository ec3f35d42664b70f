//! The event-driven library `network`: requests that go on by themselves, and listeners that are called when the script
//! asks for it. What is natural in Lua is in the chunks beside this file, which the state keeps; this module opens them
//! and gives them what is native. It decides nothing about HTTP.

mod content;
mod ending;
mod folders;
mod host;
mod jar;
mod lane;
mod order;
mod plan;
mod start;
mod words;

use std::ffi::{CStr, c_int};

use mlua_sys::{self as ffi, lua_CFunction, lua_State};

use crate::{outcome, read, session};

pub(crate) use folders::Folders;

const KEY: &CStr = c"whimbrel.network";

/// The chunks, in the order in which they run. Each gets the table `ours`, takes from it and adds to it.
const CHUNKS: [(&CStr, &str); 5] = [
    (c"=whimbrel.system", include_str!("system.lua")),
    (c"=whimbrel.params", include_str!("params.lua")),
    (c"=whimbrel.dispatch", include_str!("dispatch.lua")),
    (c"=whimbrel.network", include_str!("network.lua")),
    (c"=whimbrel.fetch", include_str!("fetch.lua")),
];
const RUNTIME: (&CStr, &str) = (c"=whimbrel.runtime", include_str!("runtime.lua"));
const LOVE: (&CStr, &str) = (c"=whimbrel.love", include_str!("love.lua"));
const ALL: (&CStr, &str) = (c"=whimbrel.all", include_str!("all.lua"));

/// What is native, but for the lane.
const NATIVES: [(&CStr, lua_CFunction); 12] = [
    (c"folder", folders::folder),
    (c"make_folder", folders::make_folder),
    (c"exists", folders::exists),
    (c"confined", folders::confined),
    (c"set_base", folders::set_base),
    (c"clock", host::clock),
    (c"sleep", host::sleep),
    (c"complain", host::complain),
    (c"is_connected", host::is_connected),
    (c"suspend", host::suspend),
    (c"unsuspend", host::unsuspend),
    (c"limit_connections", host::limit_connections),
];

/// Pushes the state's `network` table, made when first asked for.
///
/// # Safety
/// As [`session::push_http`].
pub(crate) unsafe fn push_network(lua: *mut lua_State) {
    // SAFETY: the caller's promise; this frame owns nothing.
    unsafe {
        push_ours(lua);
        ffi::lua_getfield(lua, -1, c"network".as_ptr());
        ffi::lua_remove(lua, -2);
    }
}

/// Pushes our `system` table: the directory constants, `pathForFile`, `setBase`.
///
/// # Safety
/// As [`push_network`].
pub(crate) unsafe fn push_system(lua: *mut lua_State) {
    // SAFETY: as above.
    unsafe {
        push_ours(lua);
        ffi::lua_getfield(lua, -1, c"system".as_ptr());
        ffi::lua_remove(lua, -2);
    }
}

/// Pushes the table of cookie functions.
///
/// # Safety
/// As [`push_network`].
pub(crate) unsafe fn push_cookies(lua: *mut lua_State) {
    // SAFETY: as above.
    unsafe {
        push_network(lua);
        ffi::lua_getfield(lua, -1, c"cookies".as_ptr());
        ffi::lua_remove(lua, -2);
    }
}

/// Runs what `require("whimbrel.love")` is for; pushes `network`. Raises outside LÖVE.
///
/// # Safety
/// As [`push_network`].
pub(crate) unsafe fn push_love(lua: *mut lua_State) {
    // SAFETY: as above.
    unsafe {
        push_chunk(lua, LOVE);
        push_network(lua);
        push_system(lua);
        ffi::lua_call(lua, 2, 1);
    }
}

/// Adds `all` to the `http` table at `http`; the functions' upvalues lie behind it as in [`session::push_http`].
///
/// # Safety
/// As [`push_network`].
pub(crate) unsafe fn add_all(lua: *mut lua_State, http: c_int) {
    // SAFETY: as above.
    unsafe {
        push_chunk(lua, ALL);
        ffi::lua_pushvalue(lua, http);
        for upvalue in [session::SESSION, session::READ, session::PUSH] {
            ffi::lua_pushvalue(lua, http + upvalue);
        }
        ffi::lua_pushcclosure(lua, lane::new_blocking, 3);
        ffi::lua_call(lua, 2, 0);
    }
}

/// Pushes the table that the chunks share.
unsafe fn push_ours(lua: *mut lua_State) {
    // SAFETY: as above.
    unsafe {
        ffi::luaL_checkstack(lua, 24, c"whimbrel".as_ptr());
        ffi::lua_getfield(lua, ffi::LUA_REGISTRYINDEX, KEY.as_ptr());
        if ffi::lua_type(lua, -1) == ffi::LUA_TTABLE {
            return;
        }
        ffi::lua_settop(lua, -2);
        ffi::lua_createtable(lua, 0, 40);
        let ours = ffi::lua_gettop(lua);
        ffi::lua_createtable(lua, 0, 32);
        ffi::lua_setfield(lua, ours, c"network".as_ptr());
        push_lane(lua);
        ffi::lua_setfield(lua, ours, c"lane".as_ptr());
        for (name, function) in NATIVES {
            push_native(lua, function);
            ffi::lua_setfield(lua, ours, name.as_ptr());
        }
        folders::push_places(lua);
        ffi::lua_setfield(lua, ours, c"places".as_ptr());
        for chunk in CHUNKS {
            run(lua, chunk, ours);
        }
        ffi::lua_getfield(lua, ours, c"network".as_ptr());
        jar::push_functions(lua);
        ffi::lua_setfield(lua, -2, c"cookies".as_ptr());
        ffi::lua_settop(lua, ours);
        ffi::lua_pushvalue(lua, ours);
        ffi::lua_setfield(lua, ffi::LUA_REGISTRYINDEX, KEY.as_ptr());
        // A host that calls `dispatch` itself needs no hook.
        if !host::pumps(lua) {
            run(lua, RUNTIME, ours);
        }
    }
}

/// Pushes a native function with its upvalues, the session and the pusher of texts.
///
/// # Safety
/// As [`push_network`].
unsafe fn push_native(lua: *mut lua_State, function: lua_CFunction) {
    // SAFETY: as above.
    unsafe {
        session::push_session(lua);
        ffi::lua_pushcclosure(lua, words::push, 0);
        ffi::lua_pushcclosure(lua, function, 2);
    }
}

/// Pushes the table of the one lane of `network`.
unsafe fn push_lane(lua: *mut lua_State) {
    // SAFETY: as above.
    unsafe {
        session::push_session(lua);
        // Options are not judged here as `http.strict` wants it: this table has no field `strict`.
        ffi::lua_createtable(lua, 0, 0);
        ffi::lua_pushcclosure(lua, read::read_options, 1);
        outcome::push_pusher(lua);
        ffi::lua_pushcclosure(lua, lane::new_evented, 3);
        ffi::lua_call(lua, 0, 1);
    }
}

unsafe fn run(lua: *mut lua_State, chunk: (&CStr, &str), ours: c_int) {
    // SAFETY: as above.
    unsafe {
        push_chunk(lua, chunk);
        ffi::lua_pushvalue(lua, ours);
        ffi::lua_call(lua, 1, 0);
    }
}

unsafe fn push_chunk(lua: *mut lua_State, (name, text): (&CStr, &str)) {
    // SAFETY: as above; the chunk is ours.
    unsafe {
        let start = text.as_ptr().cast();
        if ffi::luaL_loadbufferx(lua, start, text.len(), name.as_ptr(), c"t".as_ptr()) != ffi::LUA_OK {
            ffi::lua_error(lua);
        }
    }
}
