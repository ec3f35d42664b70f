//! The fields of a response that few scripts ask for, `headers_list` and `timings`: kept as one string beside the
//! response and made into tables only when asked for, so that they cost nothing else. Once made they stay in it.

use std::ffi::{CStr, c_int};
use std::time::Duration;

use mlua_sys::{self as ffi, lua_State, lua_upvalueindex};
use whimbrel::{Fields, Timings};

use crate::guard::{bytes, push_bytes};

/// The phases of [`Timings`], in seconds since the call began; NaN stands for what did not happen. Then each field: the
/// length of its name and of its value, four bytes each, and both. Read again only by the process that wrote it.
pub(crate) struct Later(Vec<u8>);

const PHASES: [&CStr; 7] = [c"redirected", c"resolved", c"connected", c"secured", c"sent", c"head", c"finished"];
const FIELDS_AT: usize = PHASES.len() * 8;

impl Later {
    pub(crate) fn new(fields: &Fields, timings: &Timings) -> Self {
        let mut packed = Vec::with_capacity(FIELDS_AT + 64 * fields.len());
        let phases = [
            Some(timings.redirected),
            timings.resolved,
            timings.connected,
            timings.secured,
            timings.sent,
            timings.head,
            timings.finished,
        ];
        for phase in phases {
            let seconds = phase.as_ref().map_or(f64::NAN, Duration::as_secs_f64);
            packed.extend_from_slice(&seconds.to_ne_bytes());
        }
        for (name, value) in fields.iter() {
            packed.extend_from_slice(&(name.len() as u32).to_ne_bytes());
            packed.extend_from_slice(&(value.len() as u32).to_ne_bytes());
            packed.extend_from_slice(name.as_bytes());
            packed.extend_from_slice(value);
        }
        Self(packed)
    }
}

/// Pushes the metatable of one response.
///
/// # Safety
/// Four stack slots must be free; nothing that must be dropped lies in a frame between here and a `lua_pcall`.
pub(crate) unsafe fn push_metatable(lua: *mut lua_State, later: &Later) {
    // SAFETY: the caller's promise.
    unsafe {
        ffi::lua_createtable(lua, 0, 1);
        push_bytes(lua, &later.0);
        ffi::lua_pushcclosure(lua, index, 1);
        ffi::lua_setfield(lua, -2, c"__index".as_ptr());
    }
}

/// `__index` of a response: makes the field that was asked for. Upvalue 1 is what [`Later`] packed.
unsafe extern "C-unwind" fn index(lua: *mut lua_State) -> c_int {
    // SAFETY: called by Lua; the upvalue is a string that only `push_metatable` makes; the frame owns nothing.
    unsafe {
        ffi::lua_settop(lua, 2);
        if ffi::lua_type(lua, 2) != ffi::LUA_TSTRING {
            return 0;
        }
        let packed = bytes(lua, lua_upvalueindex(1));
        match bytes(lua, 2) {
            b"timings" => push_timings(lua, packed),
            b"headers_list" => push_list(lua, packed),
            _ => return 0,
        }
        if ffi::lua_type(lua, 1) == ffi::LUA_TTABLE {
            ffi::lua_pushvalue(lua, 2);
            ffi::lua_pushvalue(lua, 3);
            ffi::lua_rawset(lua, 1);
        }
        1
    }
}

/// # Safety
/// As [`push_metatable`].
unsafe fn push_timings(lua: *mut lua_State, packed: &[u8]) {
    // SAFETY: the caller's promise.
    unsafe {
        ffi::lua_createtable(lua, 0, PHASES.len() as c_int);
        for (name, seconds) in PHASES.iter().zip(packed.as_chunks::<8>().0) {
            let seconds = f64::from_ne_bytes(*seconds);
            if !seconds.is_nan() {
                ffi::lua_pushnumber(lua, seconds);
                ffi::lua_setfield(lua, -2, name.as_ptr());
            }
        }
    }
}

/// # Safety
/// As [`push_metatable`].
unsafe fn push_list(lua: *mut lua_State, packed: &[u8]) {
    // SAFETY: the caller's promise.
    unsafe {
        ffi::lua_createtable(lua, 8, 0);
        let mut rest = packed.get(FIELDS_AT..).unwrap_or_default();
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
