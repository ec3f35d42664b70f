//! The properties of a client: each a function that gets and one that sets. Which names they have, and what is raised, is
//! `httpclient.lua`'s.

use std::ffi::c_int;
use std::ptr;
use std::time::Duration;

use mlua_sys::{self as ffi, lua_State};

use super::object::enter;
use super::words::{Words, answer};
use crate::guard::{Finish, bytes};
use crate::options;

/// For each: the function that gets, then the one that sets and tells whether it did.
macro_rules! switches {
    ($($get:ident, $set:ident;)*) => {
        $(
            pub(super) unsafe extern "C-unwind" fn $get(lua: *mut lua_State) -> c_int {
                // SAFETY: called by Lua; a boolean needs no memory.
                unsafe {
                    enter(lua, |_, client| {
                        ffi::lua_pushboolean(lua, client.$get().into());
                        Finish::Return(1)
                    })
                }
            }

            pub(super) unsafe extern "C-unwind" fn $set(lua: *mut lua_State) -> c_int {
                // SAFETY: as above.
                unsafe {
                    enter(lua, |_, client| {
                        client.$set(ffi::lua_toboolean(lua, 2) != 0);
                        done(lua, true)
                    })
                }
            }
        )*
    };
}

switches! {
    blocking_mode, set_blocking_mode;
    preserve_chunks, set_preserve_chunks;
    accept_encoding, set_accept_encoding;
}

unsafe fn done(lua: *mut lua_State, done: bool) -> Finish {
    // SAFETY: in one of the functions.
    unsafe {
        ffi::lua_pushboolean(lua, done.into());
        Finish::Return(1)
    }
}

pub(super) unsafe extern "C-unwind" fn read_chunk_size(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        enter(lua, |_, client| {
            ffi::lua_pushinteger(lua, client.read_chunk_size() as ffi::lua_Integer);
            Finish::Return(1)
        })
    }
}

pub(super) unsafe extern "C-unwind" fn set_read_chunk_size(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        let size = ffi::luaL_checkinteger(lua, 2);
        enter(lua, |_, client| done(lua, client.set_read_chunk_size(size as i64)))
    }
}

/// In seconds.
pub(super) unsafe extern "C-unwind" fn connect_timeout(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        enter(lua, |object, _| {
            ffi::lua_pushnumber(lua, object.connect_timeout.get().as_secs_f64());
            Finish::Return(1)
        })
    }
}

/// Takes from a millisecond to a thousand million seconds.
pub(super) unsafe extern "C-unwind" fn set_connect_timeout(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        let seconds = ffi::luaL_checknumber(lua, 2);
        enter(lua, |object, client| {
            let good = (0.001..=1e9).contains(&seconds);
            if good {
                object.connect_timeout.set(Duration::from_secs_f64(seconds));
                client.set_connect_timeout(object.connect_timeout.get());
            }
            done(lua, good)
        })
    }
}

pub(super) unsafe extern "C-unwind" fn user_agent(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe { enter(lua, |object, _| answer(lua, &Words::Text(object.user_agent.borrow().as_bytes()))) }
}

pub(super) unsafe extern "C-unwind" fn set_user_agent(lua: *mut lua_State) -> c_int {
    // SAFETY: as above; the string stays on the stack.
    unsafe {
        ffi::luaL_checklstring(lua, 2, ptr::null_mut());
        enter(lua, |object, client| {
            let text = std::str::from_utf8(bytes(lua, 2)).ok().filter(|text| client.set_user_agent(text));
            if let Some(text) = text {
                object.user_agent.replace(text.to_owned());
            }
            done(lua, text.is_some())
        })
    }
}

/// The path, or nil.
pub(super) unsafe extern "C-unwind" fn download_file(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        enter(lua, |_, client| match client.download_file() {
            Some(path) => answer(lua, &Words::Text(path.as_os_str().as_encoded_bytes())),
            None => Finish::Return(0),
        })
    }
}

/// A path, or nil for none.
pub(super) unsafe extern "C-unwind" fn set_download_file(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        enter(lua, |_, client| {
            if ffi::lua_type(lua, 2) != ffi::LUA_TSTRING {
                client.set_download_file(None);
                return done(lua, true);
            }
            let path = options::path("download_file", bytes(lua, 2)).ok().filter(|path| !path.as_os_str().is_empty());
            let good = path.is_some();
            if good {
                client.set_download_file(path);
            }
            done(lua, good)
        })
    }
}

pub(super) unsafe extern "C-unwind" fn set_http_proxy(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        ffi::luaL_checklstring(lua, 2, ptr::null_mut());
        let port = ffi::luaL_checkinteger(lua, 3);
        enter(lua, |_, client| {
            client.set_http_proxy(&String::from_utf8_lossy(bytes(lua, 2)), port as i64);
            Finish::Return(0)
        })
    }
}

pub(super) unsafe extern "C-unwind" fn set_https_proxy(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        ffi::luaL_checklstring(lua, 2, ptr::null_mut());
        let port = ffi::luaL_checkinteger(lua, 3);
        enter(lua, |_, client| {
            client.set_https_proxy(&String::from_utf8_lossy(bytes(lua, 2)), port as i64);
            Finish::Return(0)
        })
    }
}
