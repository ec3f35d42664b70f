//! The functions of `whimbrel.cookies`: what a script may see and change in its session's jar. The jar decides what it
//! takes.

use std::ffi::{CStr, c_int};
use std::time::UNIX_EPOCH;

use mlua_sys::{self as ffi, lua_CFunction, lua_State, lua_upvalueindex};
use whimbrel::{Cookie, CookieJar, Error, Result, SameSite};

use super::words::{self, Words};
use crate::guard::{Finish, bytes, guarded, push_bytes};
use crate::{options, session};

const FUNCTIONS: [(&CStr, lua_CFunction); 6] =
    [(c"set", set), (c"list", list), (c"remove", remove), (c"clear", clear), (c"save", save), (c"load", load)];

/// Pushes the table of functions.
///
/// # Safety
/// As [`super::push_network`].
pub(super) unsafe fn push_functions(lua: *mut lua_State) {
    // SAFETY: the caller's promise.
    unsafe {
        ffi::lua_createtable(lua, 0, FUNCTIONS.len() as c_int);
        for (name, function) in FUNCTIONS {
            super::push_native(lua, function);
            ffi::lua_setfield(lua, -2, name.as_ptr());
        }
    }
}

/// Runs `body` with the jar, after the first `strings` arguments were found to be strings, which raises if not.
unsafe fn with_jar(lua: *mut lua_State, strings: c_int, body: impl FnOnce(&CookieJar) -> Finish) -> c_int {
    // SAFETY: the first part may raise and owns nothing; a closure of references needs no dropping.
    unsafe {
        for index in 1..=strings {
            ffi::luaL_checktype(lua, index, ffi::LUA_TSTRING);
        }
        guarded(lua, || match session::at(lua, lua_upvalueindex(1)).as_ref() {
            Some(session) => body(&session.client.cookies()),
            None => Finish::Return(0),
        })
    }
}

/// The string argument, as text.
unsafe fn argument<'a>(lua: *mut lua_State, index: c_int, name: &str) -> Result<&'a str> {
    // SAFETY: `with_jar` checked that a string is there, and it stays there.
    unsafe { options::text(name, bytes(lua, index)) }
}

/// true, or nil and why not.
unsafe fn done(lua: *mut lua_State, result: Result<()>) -> Finish {
    // SAFETY: in one of the functions.
    unsafe {
        match result {
            Ok(()) => {
                ffi::lua_pushboolean(lua, 1);
                Finish::Return(1)
            }
            Err(error) => refused(lua, &error),
        }
    }
}

unsafe fn refused(lua: *mut lua_State, error: &Error) -> Finish {
    // SAFETY: in one of the functions.
    unsafe { words::answer(lua, lua_upvalueindex(2), &Words::Refusal(&error.to_string())) }
}

/// `set(url, line)`: as if a response from `url` had this `Set-Cookie`.
unsafe extern "C-unwind" fn set(lua: *mut lua_State) -> c_int {
    // SAFETY: a native function with its upvalues.
    unsafe {
        with_jar(lua, 2, |jar| {
            let set = argument(lua, 1, "url").and_then(|url| jar.set(url, argument(lua, 2, "cookie")?));
            done(lua, set)
        })
    }
}

/// `list()`: a table for each cookie, oldest first.
unsafe extern "C-unwind" fn list(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe { with_jar(lua, 0, |jar| words::answer(lua, lua_upvalueindex(2), &Words::Cookies(&jar.list()))) }
}

/// `remove(domain, path, name)`: whether there was one.
unsafe extern "C-unwind" fn remove(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        with_jar(lua, 3, |jar| {
            let texts = (argument(lua, 1, "domain"), argument(lua, 2, "path"), argument(lua, 3, "name"));
            let removed = match texts {
                (Ok(domain), Ok(path), Ok(name)) => jar.remove(domain, path, name),
                _ => false,
            };
            ffi::lua_pushboolean(lua, removed.into());
            Finish::Return(1)
        })
    }
}

/// `clear()`.
unsafe extern "C-unwind" fn clear(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        with_jar(lua, 0, |jar| {
            jar.clear();
            Finish::Return(0)
        })
    }
}

/// `save(path)`.
unsafe extern "C-unwind" fn save(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe { with_jar(lua, 1, |jar| done(lua, options::path("path", bytes(lua, 1)).and_then(|path| jar.save(path)))) }
}

/// `load(path)`: how many were added.
unsafe extern "C-unwind" fn load(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        with_jar(lua, 1, |jar| match options::path("path", bytes(lua, 1)).and_then(|path| jar.load(path)) {
            Ok(count) => {
                ffi::lua_pushinteger(lua, count as ffi::lua_Integer);
                Finish::Return(1)
            }
            Err(error) => refused(lua, &error),
        })
    }
}

/// Pushes the list of these cookies.
///
/// # Safety
/// Called by [`words::push`]; nothing is owned here.
pub(super) unsafe fn push_list(lua: *mut lua_State, cookies: &[Cookie]) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        ffi::lua_createtable(lua, cookies.len() as c_int, 0);
        for (place, cookie) in (1..).zip(cookies) {
            ffi::lua_createtable(lua, 0, 9);
            for (name, text) in [
                (c"name", cookie.name.as_str()),
                (c"value", &cookie.value),
                (c"domain", &cookie.domain),
                (c"path", &cookie.path),
            ] {
                push_bytes(lua, text.as_bytes());
                ffi::lua_setfield(lua, -2, name.as_ptr());
            }
            for (name, is) in
                [(c"host_only", cookie.host_only), (c"secure", cookie.secure), (c"http_only", cookie.http_only)]
            {
                ffi::lua_pushboolean(lua, is.into());
                ffi::lua_setfield(lua, -2, name.as_ptr());
            }
            if let Some(same_site) = cookie.same_site {
                let text = match same_site {
                    SameSite::Strict => c"Strict",
                    SameSite::Lax => c"Lax",
                    SameSite::None => c"None",
                };
                ffi::lua_pushstring(lua, text.as_ptr());
                ffi::lua_setfield(lua, -2, c"same_site".as_ptr());
            }
            if let Some(expires) = cookie.expires {
                let seconds = expires.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
                ffi::lua_pushnumber(lua, seconds.floor());
                ffi::lua_setfield(lua, -2, c"expires".as_ptr());
            }
            ffi::lua_rawseti(lua, -2, place);
        }
        1
    }
}
