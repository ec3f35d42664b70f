//! Starts a request and makes its id: the native function, and what an id is. What the request is like is `order`'s.

use std::ffi::c_int;

use mlua_sys::{self as ffi, lua_State, lua_upvalueindex};

use super::lane::{self, HANDLE, PLAN, WORDS};
use super::order;
use super::plan::Plan;
use super::words::{self, Words};
use crate::guard::{ABSENT, Finish, bytes, guarded, protected};
use crate::options::Options;
use crate::session::{self, READ, SESSION};

/// `start(url, method, options or nil)`: the request id, its number, the size of its body (-1: unknown; nil: the request
/// is a mistake, which its end will tell) and the limit of the response's body. nil and a sentence for what the library
/// refuses at once.
pub(super) unsafe extern "C-unwind" fn start(lua: *mut lua_State) -> c_int {
    // SAFETY: the first part may raise and owns nothing; in `guarded` everything that may raise runs in `lua_pcall`.
    unsafe {
        ffi::luaL_checktype(lua, 1, ffi::LUA_TSTRING);
        ffi::luaL_checktype(lua, 2, ffi::LUA_TSTRING);
        ffi::lua_settop(lua, 3);
        let slot: *mut u64 = ffi::lua_newuserdata(lua, size_of::<u64>()).cast();
        *slot = 0;
        ffi::lua_pushvalue(lua, lua_upvalueindex(HANDLE));
        ffi::lua_setmetatable(lua, 4);
        guarded(lua, || run(lua, slot))
    }
}

unsafe fn run(lua: *mut lua_State, slot: *mut u64) -> Finish {
    // SAFETY: as `start` says; the URL and the method stay on the stack.
    unsafe {
        let (Some(lane), Some(session)) = (lane::current(lua), session::at(lua, lua_upvalueindex(SESSION)).as_ref())
        else {
            return words::answer(lua, lua_upvalueindex(WORDS), &Words::Refusal("this Lua state is being closed"));
        };
        let mut given = None;
        if ffi::lua_type(lua, 3) == ffi::LUA_TTABLE {
            let (options, plan) = &mut **given.insert(Box::<(Options, Plan)>::default());
            let read: *mut Options = options;
            let planned: *mut Plan = plan;
            if !protected(lua, lua_upvalueindex(READ), read.cast(), &[ABSENT, 3], 1) {
                return Finish::Raise;
            }
            let reports = ffi::lua_type(lua, -1) == ffi::LUA_TFUNCTION;
            if !protected(lua, lua_upvalueindex(PLAN), planned.cast(), &[3], 0) {
                return Finish::Raise;
            }
            if reports {
                // Where the Lua side said nothing of it: as often as there is something to tell.
                plan.every.get_or_insert(0.0);
            }
        }
        let (url, method) = (bytes(lua, 1), bytes(lua, 2));
        let order = match order::order(session, lane.evented, url, method, given) {
            Ok(order) => order,
            Err(sentence) => return words::answer(lua, lua_upvalueindex(WORDS), &Words::Refusal(&sentence)),
        };
        let id = lane.transfers.borrow_mut().start(order.request, order.delivery);
        *slot = id.get();
        ffi::lua_settop(lua, 4);
        ffi::lua_pushinteger(lua, lane::number_of(id));
        match order.size {
            Some(size) => ffi::lua_pushinteger(lua, size as ffi::lua_Integer),
            None => ffi::lua_pushnil(lua),
        }
        match order.max_body {
            Some(limit) => ffi::lua_pushnumber(lua, limit as f64),
            None => ffi::lua_pushnil(lua),
        }
        Finish::Return(4)
    }
}

/// Pushes the metatable of request ids.
///
/// # Safety
/// Three stack slots must be free; nothing that must be dropped lies in the caller's frame: memory may be out.
pub(super) unsafe fn push_handle_metatable(lua: *mut lua_State) {
    // SAFETY: the caller's promise.
    unsafe {
        ffi::lua_createtable(lua, 0, 4);
        ffi::lua_pushvalue(lua, -1);
        ffi::lua_pushcclosure(lua, is_same, 1);
        ffi::lua_setfield(lua, -2, c"__eq".as_ptr());
        ffi::lua_pushvalue(lua, -1);
        ffi::lua_pushcclosure(lua, show, 1);
        ffi::lua_setfield(lua, -2, c"__tostring".as_ptr());
        ffi::lua_pushboolean(lua, 0);
        ffi::lua_setfield(lua, -2, c"__metatable".as_ptr());
    }
}

/// The number in the request id at `index`, if one of this lane is there.
///
/// # Safety
/// In a function of the lane.
pub(super) unsafe fn handle_at(lua: *mut lua_State, index: c_int) -> Option<u64> {
    // SAFETY: the caller's promise.
    unsafe { number_in(lua, index, lua_upvalueindex(HANDLE)) }
}

unsafe fn number_in(lua: *mut lua_State, index: c_int, metatable: c_int) -> Option<u64> {
    // SAFETY: a full userdata with our metatable, which no script can get hold of, is one that `start` made.
    unsafe {
        if ffi::lua_type(lua, index) != ffi::LUA_TUSERDATA || ffi::lua_getmetatable(lua, index) == 0 {
            return None;
        }
        let ours = ffi::lua_rawequal(lua, -1, metatable) != 0;
        ffi::lua_settop(lua, -2);
        ours.then(|| *ffi::lua_touserdata(lua, index).cast::<u64>())
    }
}

unsafe extern "C-unwind" fn is_same(lua: *mut lua_State) -> c_int {
    // SAFETY: called by Lua; the metatable is upvalue 1.
    unsafe {
        let metatable = lua_upvalueindex(1);
        let (one, other) = (number_in(lua, 1, metatable), number_in(lua, 2, metatable));
        ffi::lua_pushboolean(lua, (one.is_some() && one == other).into());
        1
    }
}

unsafe extern "C-unwind" fn show(lua: *mut lua_State) -> c_int {
    // SAFETY: as above; numbers become strings by Lua.
    unsafe {
        ffi::lua_pushstring(lua, c"network request ".as_ptr());
        let number = number_in(lua, 1, lua_upvalueindex(1)).unwrap_or_default();
        ffi::lua_pushinteger(lua, number as ffi::lua_Integer);
        ffi::lua_concat(lua, 2);
        1
    }
}
