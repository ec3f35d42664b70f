//! The fields of a response that few scripts ask for, `headers_list` and `timings`: kept packed beside the response and
//! made into tables only when asked for. Once made they stay in it.
//!
//! Beside means: in a table of the state whose keys are the responses, weak, so that it keeps none alive.

use std::ffi::c_int;

use mlua_sys::{self as ffi, lua_State, lua_upvalueindex};
use whimbrel::{Fields, Timings};

use crate::guard::{bytes, push_bytes};

/// Where the fields begin in what is packed: behind the timings.
const FIELDS_AT: usize = size_of::<Timings>();

// A userdata without a finalizer may hold them, and Lua aligns its blocks for anything C has.
const _: () = assert!(!std::mem::needs_drop::<Timings>() && align_of::<Timings>() <= 8);

/// Pushes a userdata that holds the timings, then for each field the lengths of its name and value, four bytes each, and
/// both.
///
/// # Safety
/// One stack slot must be free; nothing that must be dropped lies in a frame between here and a `lua_pcall`.
pub(crate) unsafe fn push_packed(lua: *mut lua_State, fields: &Fields, timings: &Timings) {
    let length: usize = fields.iter_bytes().map(|(name, value)| 8 + name.len() + value.len()).sum();
    // SAFETY: the caller's promise; the block is aligned, nothing else knows it, and it has just the length that the
    // lengths below add up to.
    unsafe {
        let start: *mut u8 = ffi::lua_newuserdata(lua, FIELDS_AT + length).cast();
        start.cast::<Timings>().write(timings.clone());
        let mut place = start.add(FIELDS_AT);
        for (name, value) in fields.iter_bytes() {
            place.cast::<[u32; 2]>().write_unaligned([name.len() as u32, value.len() as u32]);
            place = place.add(8);
            place.copy_from_nonoverlapping(name.as_ptr(), name.len());
            place = place.add(name.len());
            place.copy_from_nonoverlapping(value.as_ptr(), value.len());
            place = place.add(value.len());
        }
    }
}

/// `__index` of all responses: makes the field that was asked for. Upvalue 1 is the table of what is packed.
pub(crate) unsafe extern "C-unwind" fn index(lua: *mut lua_State) -> c_int {
    // SAFETY: called by Lua; only `push_packed` makes the userdata in that table; the frame owns nothing.
    unsafe {
        ffi::lua_settop(lua, 2);
        if ffi::lua_type(lua, 1) != ffi::LUA_TTABLE || ffi::lua_type(lua, 2) != ffi::LUA_TSTRING {
            return 0;
        }
        let wanted = bytes(lua, 2);
        if wanted != b"timings" && wanted != b"headers_list" {
            return 0;
        }
        ffi::lua_pushvalue(lua, 1);
        ffi::lua_rawget(lua, lua_upvalueindex(1));
        let start: *const u8 = ffi::lua_touserdata(lua, 3).cast();
        if start.is_null() {
            return 0;
        }
        if wanted == b"timings" {
            push_timings(lua, &*start.cast());
        } else {
            let length = ffi::lua_rawlen(lua, 3).saturating_sub(FIELDS_AT);
            push_list(lua, std::slice::from_raw_parts(start.add(FIELDS_AT), length));
        }
        ffi::lua_pushvalue(lua, 2);
        ffi::lua_pushvalue(lua, -2);
        ffi::lua_rawset(lua, 1);
        1
    }
}

/// # Safety
/// As [`push_packed`], with four slots.
unsafe fn push_timings(lua: *mut lua_State, timings: &Timings) {
    let phases = [
        (c"redirected", Some(timings.redirected())),
        (c"resolved", timings.resolved()),
        (c"connected", timings.connected()),
        (c"secured", timings.secured()),
        (c"sent", timings.sent()),
        (c"head", timings.head()),
        (c"finished", timings.finished()),
    ];
    // SAFETY: the caller's promise.
    unsafe {
        ffi::lua_createtable(lua, 0, phases.len() as c_int);
        for (name, time) in phases {
            if let Some(time) = time {
                ffi::lua_pushnumber(lua, time.as_secs_f64());
                ffi::lua_setfield(lua, -2, name.as_ptr());
            }
        }
    }
}

/// # Safety
/// As [`push_packed`], with four slots.
unsafe fn push_list(lua: *mut lua_State, mut rest: &[u8]) {
    // SAFETY: the caller's promise.
    unsafe {
        ffi::lua_createtable(lua, 8, 0);
        let mut place = 0;
        while let Some((name, value, after)) = next_field(rest) {
            rest = after;
            place += 1;
            ffi::lua_createtable(lua, 2, 0);
            push_bytes(lua, name);
            ffi::lua_rawseti(lua, -2, 1);
            push_bytes(lua, value);
            ffi::lua_rawseti(lua, -2, 2);
            ffi::lua_rawseti(lua, -2, place);
        }
    }
}

fn next_field(packed: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (name_length, rest) = packed.split_first_chunk::<4>()?;
    let (value_length, rest) = rest.split_first_chunk::<4>()?;
    let (name, rest) = rest.split_at_checked(u32::from_ne_bytes(*name_length) as usize)?;
    let (value, rest) = rest.split_at_checked(u32::from_ne_bytes(*value_length) as usize)?;
    Some((name, value, rest))
}
