//! What the Lua side needs of the process: time, standard error, whether there is a network, and standing still.

use std::ffi::c_int;
use std::io::Write;
use std::sync::LazyLock;
use std::time::Instant;

use mlua_sys::{self as ffi, lua_State, lua_upvalueindex};

use super::lane;
use crate::guard::{Finish, bytes, guarded};
use crate::session;

/// Seconds of a clock that never goes back.
pub(super) unsafe extern "C-unwind" fn clock(lua: *mut lua_State) -> c_int {
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    // SAFETY: a number needs no memory, and nothing is owned.
    unsafe {
        ffi::lua_pushnumber(lua, START.elapsed().as_secs_f64());
        1
    }
}

/// `sleep(seconds)`.
pub(super) unsafe extern "C-unwind" fn sleep(lua: *mut lua_State) -> c_int {
    // SAFETY: reading a number owns nothing.
    let seconds = unsafe { ffi::lua_tonumber(lua, 1) };
    std::thread::sleep(lane::duration(seconds));
    0
}

/// `complain(text)`: a line on standard error.
pub(super) unsafe extern "C-unwind" fn complain(lua: *mut lua_State) -> c_int {
    // SAFETY: the text stays on the stack; nothing here calls Lua but to read it.
    unsafe {
        guarded(lua, || {
            if ffi::lua_type(lua, 1) == ffi::LUA_TSTRING {
                let mut line = bytes(lua, 1).to_vec();
                line.push(b'\n');
                // There is nobody to tell that it can't be told.
                let _ = std::io::stderr().write_all(&line);
            }
            Finish::Return(0)
        })
    }
}

/// Whether the system knows a way to anywhere.
pub(super) unsafe extern "C-unwind" fn is_connected(lua: *mut lua_State) -> c_int {
    // SAFETY: a boolean needs no memory.
    unsafe {
        guarded(lua, || {
            ffi::lua_pushboolean(lua, whimbrel::has_route().into());
            Finish::Return(1)
        })
    }
}

/// Makes the session's transfers stand still.
pub(super) unsafe extern "C-unwind" fn suspend(lua: *mut lua_State) -> c_int {
    // SAFETY: a native function with its upvalues.
    unsafe {
        guarded(lua, || {
            if let Some(session) = session::at(lua, lua_upvalueindex(1)).as_ref() {
                session.client.suspend();
            }
            Finish::Return(0)
        })
    }
}

/// Lets them go on.
pub(super) unsafe extern "C-unwind" fn unsuspend(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        guarded(lua, || {
            if let Some(session) = session::at(lua, lua_upvalueindex(1)).as_ref() {
                session.client.resume();
            }
            Finish::Return(0)
        })
    }
}

/// `limit_connections(per_host, total)`: whole numbers from 1 up.
pub(super) unsafe extern "C-unwind" fn limit_connections(lua: *mut lua_State) -> c_int {
    // SAFETY: as above; reading a number owns nothing.
    unsafe {
        guarded(lua, || {
            let limit = |index| ffi::lua_tonumber(lua, index).clamp(1.0, f64::from(u32::MAX)) as usize;
            if let Some(session) = session::at(lua, lua_upvalueindex(1)).as_ref() {
                session.client.limit_connections(limit(1), limit(2));
            }
            Finish::Return(0)
        })
    }
}

/// Whether the host program calls `dispatch` by itself.
///
/// # Safety
/// As [`session::push_session`].
pub(super) unsafe fn pumps(lua: *mut lua_State) -> bool {
    // SAFETY: the caller's promise; the borrow ends before anything may raise.
    unsafe {
        session::push_session(lua);
        let pumps = session::at(lua, -1).as_ref().is_some_and(|session| session.host.borrow().pumps);
        ffi::lua_settop(lua, -2);
        pumps
    }
}
