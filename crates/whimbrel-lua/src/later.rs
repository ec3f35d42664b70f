//! The fields of a response that few scripts ask for, `headers_list` and `timings`: kept beside the response and made
//! into tables only when asked for. Once made they stay in it.
//!
//! Beside means: in the list part of its metatable, which each response has for itself. Its first place has what gives
//! the list: the packed fields, or, where a function of `shape` built the response, a Lua function that knows the names
//! and takes from the metatable what varies. The [`PHASES`] follow. A script that meddles with it does no harm but to
//! its own response.

use std::ffi::{CStr, c_int};
use std::sync::atomic::{AtomicU64, Ordering};

use mlua_sys::{self as ffi, lua_State};
use whimbrel::{Fields, Timings};

use crate::guard::{bytes, push_bytes};

/// The [`PHASES`] as a list of Lua's source.
pub(crate) const ARGUMENTS: &str = "redirected,resolved,connected,secured,sent,head,finished";

/// The names in `timings`.
const PHASES: [&CStr; 7] = [c"redirected", c"resolved", c"connected", c"secured", c"sent", c"head", c"finished"];

/// How many values [`push_arguments`] pushes.
pub(crate) const COUNT: c_int = PHASES.len() as c_int;

/// How many bytes precede the fields in what is packed.
const FIELDS_AT: usize = size_of::<u128>();

/// The fields in one run of bytes. Before them stands what is different each time: Lua finds strings by some of their
/// bytes, and two of these may differ in others.
pub(crate) fn pack(fields: &Fields) -> Vec<u8> {
    static COUNTER: AtomicU64 = AtomicU64::new(1);
    /// Odd, so that it makes no two counts the same, and large, so that it spreads them over all bytes.
    const SPREAD: u128 = 0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835;
    let count = COUNTER.fetch_add(1, Ordering::Relaxed);
    let mut packed = u128::from(count).wrapping_mul(SPREAD).to_ne_bytes().to_vec();
    fields.pack(&mut packed);
    packed
}

/// Pushes the [`COUNT`] times of [`ARGUMENTS`], in seconds; nil for what did not happen.
///
/// # Safety
/// That many stack slots must be free; nothing that must be dropped lies in a frame between here and a `lua_pcall`.
pub(crate) unsafe fn push_arguments(lua: *mut lua_State, timings: &Timings) {
    let times = [
        Some(timings.redirected()),
        timings.resolved(),
        timings.connected(),
        timings.secured(),
        timings.sent(),
        timings.head(),
        timings.finished(),
    ];
    // SAFETY: the caller's promise.
    unsafe {
        for time in times {
            match time {
                Some(time) => ffi::lua_pushnumber(lua, time.as_secs_f64()),
                None => ffi::lua_pushnil(lua),
            }
        }
    }
}

/// Pushes a response's metatable with what is kept, its fields packed; its `__index` is still to be set.
///
/// # Safety
/// As [`push_arguments`], with two more slots.
pub(crate) unsafe fn push_metatable(lua: *mut lua_State, packed: &[u8], timings: &Timings) {
    // SAFETY: the caller's promise.
    unsafe {
        ffi::lua_createtable(lua, 1 + COUNT, 1);
        let table = ffi::lua_gettop(lua);
        push_bytes(lua, packed);
        push_arguments(lua, timings);
        for place in (1..=1 + COUNT).rev() {
            ffi::lua_rawseti(lua, table, place.into());
        }
    }
}

/// `__index` of all responses: makes the field that was asked for.
pub(crate) unsafe extern "C-unwind" fn index(lua: *mut lua_State) -> c_int {
    // SAFETY: called by Lua; whatever it is called with is looked at first; the frame owns nothing.
    unsafe {
        ffi::lua_settop(lua, 2);
        if ffi::lua_type(lua, 1) != ffi::LUA_TTABLE || ffi::lua_type(lua, 2) != ffi::LUA_TSTRING {
            return 0;
        }
        let wanted = bytes(lua, 2);
        if (wanted != b"timings" && wanted != b"headers_list") || ffi::lua_getmetatable(lua, 1) == 0 {
            return 0;
        }
        if wanted == b"timings" {
            push_timings(lua, 3);
        } else {
            ffi::lua_rawgeti(lua, 3, 1);
            match ffi::lua_type(lua, 4) {
                ffi::LUA_TSTRING => {
                    let packed = bytes(lua, 4);
                    push_list(lua, Fields::unpack(packed.get(FIELDS_AT..).unwrap_or_default()));
                }
                ffi::LUA_TFUNCTION => {
                    ffi::lua_pushvalue(lua, 3);
                    ffi::lua_call(lua, 1, 1);
                }
                _ => return 0,
            }
        }
        ffi::lua_pushvalue(lua, 2);
        ffi::lua_pushvalue(lua, -2);
        ffi::lua_rawset(lua, 1);
        1
    }
}

/// Pushes the table of timings from what the table at `kept` holds.
///
/// # Safety
/// As [`push_arguments`], with three slots.
unsafe fn push_timings(lua: *mut lua_State, kept: c_int) {
    // SAFETY: the caller's promise.
    unsafe {
        ffi::lua_createtable(lua, 0, PHASES.len() as c_int);
        for (place, name) in (2..).zip(PHASES) {
            ffi::lua_rawgeti(lua, kept, place);
            ffi::lua_setfield(lua, -2, name.as_ptr());
        }
    }
}

/// Pushes the list of these fields.
///
/// # Safety
/// As [`push_arguments`], with four slots; the iterator holds nothing that must be dropped.
pub(crate) unsafe fn push_list<'a>(lua: *mut lua_State, fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) {
    // SAFETY: the caller's promise.
    unsafe {
        ffi::lua_createtable(lua, 8, 0);
        for (place, (name, value)) in (1..).zip(fields) {
            ffi::lua_createtable(lua, 2, 0);
            push_bytes(lua, name);
            ffi::lua_rawseti(lua, -2, 1);
            push_bytes(lua, value);
            ffi::lua_rawseti(lua, -2, 2);
            ffi::lua_rawseti(lua, -2, place);
        }
    }
}
