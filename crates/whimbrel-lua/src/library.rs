//! The module `whimbrel`: the version, the other modules, and what concerns the state as a whole (`install`,
//! `defaults`).

use std::ffi::c_int;

use mlua_sys::{self as ffi, lua_State, lua_upvalueindex};

use crate::guard::{Finish, bytes, guarded};
use crate::session::{self, Host};
use crate::{httpclient, json, network, options};

const INSTALL: &str = include_str!("install.lua");

/// Pushes the state's `whimbrel` table, made when first asked for.
///
/// # Safety
/// As [`session::push_http`].
pub(crate) unsafe fn push_whimbrel(lua: *mut lua_State) {
    const KEY: *const std::ffi::c_char = c"whimbrel".as_ptr();
    // SAFETY: the caller's promise; this frame owns nothing.
    unsafe {
        ffi::luaL_checkstack(lua, 24, c"whimbrel".as_ptr());
        ffi::lua_getfield(lua, ffi::LUA_REGISTRYINDEX, KEY);
        if ffi::lua_type(lua, -1) == ffi::LUA_TTABLE {
            return;
        }
        ffi::lua_settop(lua, -2);
        ffi::lua_createtable(lua, 0, 11);
        ffi::lua_pushstring(lua, crate::VERSION.as_ptr());
        ffi::lua_setfield(lua, -2, c"version".as_ptr());
        session::push_http(lua);
        ffi::lua_setfield(lua, -2, c"http".as_ptr());
        json::push_module(lua, json::Flavour::Raising);
        ffi::lua_setfield(lua, -2, c"json".as_ptr());
        network::push_network(lua);
        ffi::lua_setfield(lua, -2, c"network".as_ptr());
        httpclient::push_httpclient(lua);
        ffi::lua_setfield(lua, -2, c"httpclient".as_ptr());
        network::push_system(lua);
        ffi::lua_setfield(lua, -2, c"system".as_ptr());
        network::push_cookies(lua);
        ffi::lua_setfield(lua, -2, c"cookies".as_ptr());
        session::push_session(lua);
        ffi::lua_pushcclosure(lua, set_defaults, 1);
        ffi::lua_setfield(lua, -2, c"defaults".as_ptr());
        push_install(lua);
        ffi::lua_setfield(lua, -2, c"install".as_ptr());
        ffi::lua_pushvalue(lua, -1);
        ffi::lua_setfield(lua, ffi::LUA_REGISTRYINDEX, KEY);
    }
}

/// Pushes the `install` function; the library table is on top.
unsafe fn push_install(lua: *mut lua_State) {
    // SAFETY: as above; the chunk is ours and gets a table of what it may install.
    unsafe {
        let chunk = INSTALL.as_bytes();
        let name = c"=whimbrel".as_ptr();
        if ffi::luaL_loadbufferx(lua, chunk.as_ptr().cast(), chunk.len(), name, c"t".as_ptr()) != ffi::LUA_OK {
            ffi::lua_error(lua);
        }
        ffi::lua_createtable(lua, 0, 6);
        for (name, field) in [
            (c"http", c"http"),
            (c"network", c"network"),
            (c"httpclient", c"httpclient"),
            (c"json", c"json"),
            (c"cjson", c"json"),
        ] {
            ffi::lua_getfield(lua, -3, field.as_ptr());
            ffi::lua_setfield(lua, -2, name.as_ptr());
        }
        json::push_module(lua, json::Flavour::Safe);
        ffi::lua_setfield(lua, -2, c"cjson.safe".as_ptr());
        ffi::lua_call(lua, 1, 1);
    }
}

/// `whimbrel.defaults{ resolve = {...}, ca_file = ... }`: for every later request of this state; each call replaces
/// what the one before set. Raises on anything else.
unsafe extern "C-unwind" fn set_defaults(lua: *mut lua_State) -> c_int {
    // SAFETY: the first part may raise and owns nothing; the second, in `guarded`, calls Lua only to read what the
    // first left on the stack, which neither allocates nor raises, as all of it is strings.
    unsafe {
        ffi::luaL_checktype(lua, 1, ffi::LUA_TTABLE);
        ffi::lua_settop(lua, 1);
        ffi::lua_pushnil(lua);
        while ffi::lua_next(lua, 1) != 0 {
            let name: &[u8] = if ffi::lua_type(lua, 2) == ffi::LUA_TSTRING { bytes(lua, 2) } else { b"" };
            if name != b"resolve" && name != b"ca_file" {
                return ffi::luaL_argerror(lua, 1, c"resolve and ca_file are what can be set".as_ptr());
            }
            ffi::lua_settop(lua, 2);
        }
        ffi::lua_getfield(lua, 1, c"ca_file".as_ptr());
        if ffi::lua_type(lua, 2) > ffi::LUA_TNIL && ffi::lua_type(lua, 2) != ffi::LUA_TSTRING {
            return ffi::luaL_argerror(lua, 1, c"ca_file must be a path".as_ptr());
        }
        ffi::lua_getfield(lua, 1, c"resolve".as_ptr());
        if ffi::lua_type(lua, 3) == ffi::LUA_TTABLE {
            check_strings(lua);
        } else if ffi::lua_type(lua, 3) > ffi::LUA_TNIL {
            return ffi::luaL_argerror(lua, 1, c"resolve must be a table of addresses under host:port".as_ptr());
        }
        let text = guarded(lua, || {
            let Some(host) = host(lua) else { return Finish::Return(0) };
            if let Some(session) = session::at(lua, lua_upvalueindex(1)).as_ref() {
                // The rest is the host program's to say.
                let mut known = session.host.borrow_mut();
                (known.resolve, known.ca_file) = (host.resolve, host.ca_file);
            }
            Finish::Return(1)
        });
        if text == 0 {
            ffi::luaL_argerror(lua, 1, c"names, addresses and paths must be UTF-8 text".as_ptr());
        }
        0
    }
}

/// Raises unless the table at 3 holds strings under strings.
unsafe fn check_strings(lua: *mut lua_State) {
    // SAFETY: as above.
    unsafe {
        ffi::lua_pushnil(lua);
        while ffi::lua_next(lua, 3) != 0 {
            if ffi::lua_type(lua, 4) != ffi::LUA_TSTRING || ffi::lua_type(lua, 5) != ffi::LUA_TSTRING {
                ffi::luaL_argerror(lua, 1, c"resolve must be a table of addresses under host:port".as_ptr());
            }
            ffi::lua_settop(lua, 4);
        }
    }
}

/// What the checked values at 2 and 3 say; `None` if it is no text.
unsafe fn host(lua: *mut lua_State) -> Option<Host> {
    // SAFETY: as above: `lua_next` over a table that nobody changes does not raise.
    unsafe {
        let mut host = Host::default();
        if ffi::lua_type(lua, 2) == ffi::LUA_TSTRING {
            host.ca_file = Some(options::path("ca_file", bytes(lua, 2)).ok()?);
        }
        if ffi::lua_type(lua, 3) == ffi::LUA_TTABLE {
            ffi::lua_pushnil(lua);
            while ffi::lua_next(lua, 3) != 0 {
                let authority = String::from_utf8(bytes(lua, 4).to_vec()).ok()?;
                let address = String::from_utf8(bytes(lua, 5).to_vec()).ok()?;
                host.resolve.push((authority, address));
                ffi::lua_settop(lua, 4);
            }
        }
        Some(host)
    }
}
