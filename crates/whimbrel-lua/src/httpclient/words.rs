//! Pushes what the functions of a client have to say: one function that raises for want of memory only, so that whoever
//! owns the words calls it protected.

use std::borrow::Cow;
use std::ffi::{CStr, c_int};
use std::ptr;

use mlua_sys::{self as ffi, lua_State, lua_upvalueindex};
use whimbrel::{PollClient, PollError, Timings};

use super::object::WORDS;
use crate::guard::{Finish, protected, push_bytes};

/// What is pushed.
pub(super) enum Words<'a> {
    /// A text.
    Text(&'a [u8]),
    /// An Error number and its sentence.
    Refusal(c_int, &'a str),
    /// What a connection gave: an Error number, bytes, and a sentence if it is no success.
    Received(c_int, &'a [u8], &'a str),
    /// A text and why it is empty.
    Nothing(&'a str),
    /// A list of texts.
    Lines(&'a [Cow<'a, str>]),
    /// A table of names and values, names found in any case; of several values of a name, the last.
    Pairs(&'a [(Cow<'a, str>, Cow<'a, str>)]),
    /// Seconds since the request began.
    Timings(&'a Timings),
}

/// Pushes the words and returns them; an error of Lua's is raised instead.
///
/// # Safety
/// In a function with the upvalue [`WORDS`].
pub(super) unsafe fn answer(lua: *mut lua_State, words: &Words<'_>) -> Finish {
    // SAFETY: `push` reads words from its pointer and writes nothing.
    unsafe {
        let before = ffi::lua_gettop(lua);
        let context = ptr::from_ref(words).cast_mut().cast();
        if protected(lua, lua_upvalueindex(WORDS), context, &[], ffi::LUA_MULTRET) {
            Finish::Return(ffi::lua_gettop(lua) - before)
        } else {
            Finish::Raise
        }
    }
}

/// 0, or the Error number and why.
///
/// # Safety
/// As [`answer`].
pub(super) unsafe fn told(lua: *mut lua_State, client: &PollClient, result: Result<(), PollError>) -> Finish {
    // SAFETY: the caller's promise; a number needs no memory.
    unsafe {
        match result {
            Ok(()) => {
                ffi::lua_pushinteger(lua, 0);
                Finish::Return(1)
            }
            Err(error) => answer(lua, &Words::Refusal(error as c_int, &sentence(client, error))),
        }
    }
}

/// Why a call of the client failed.
pub(super) fn sentence(client: &PollClient, error: PollError) -> String {
    client.error().map_or_else(|| error.to_string(), ToString::to_string)
}

/// Pushes the function [`push`] with its upvalue, the metatable of tables by field name.
///
/// # Safety
/// Four stack slots must be free; nothing that must be dropped lies in the caller's frame: memory may be out.
pub(super) unsafe fn push_pusher(lua: *mut lua_State) {
    // SAFETY: the caller's promise.
    unsafe {
        ffi::lua_createtable(lua, 0, 1);
        ffi::lua_pushcclosure(lua, crate::headers::index, 0);
        ffi::lua_setfield(lua, -2, c"__index".as_ptr());
        ffi::lua_pushcclosure(lua, push, 1);
    }
}

/// Pushes the [`Words`] that argument 1 points to.
unsafe extern "C-unwind" fn push(lua: *mut lua_State) -> c_int {
    // SAFETY: the frame that owns the words waits in `lua_pcall`; nothing is owned here.
    unsafe {
        match &*ffi::lua_touserdata(lua, 1).cast::<Words<'_>>() {
            Words::Text(text) => {
                push_bytes(lua, text);
                1
            }
            Words::Refusal(number, sentence) => {
                ffi::lua_pushinteger(lua, (*number).into());
                push_bytes(lua, sentence.as_bytes());
                2
            }
            Words::Received(number, data, sentence) => {
                ffi::lua_pushinteger(lua, (*number).into());
                push_bytes(lua, data);
                if *number == 0 {
                    return 2;
                }
                push_bytes(lua, sentence.as_bytes());
                3
            }
            Words::Nothing(sentence) => {
                push_bytes(lua, b"");
                push_bytes(lua, sentence.as_bytes());
                2
            }
            Words::Lines(lines) => {
                ffi::lua_createtable(lua, lines.len() as c_int, 0);
                for (place, line) in (1..).zip(*lines) {
                    push_bytes(lua, line.as_bytes());
                    ffi::lua_rawseti(lua, -2, place);
                }
                1
            }
            Words::Pairs(pairs) => {
                ffi::lua_createtable(lua, 0, pairs.len() as c_int);
                for (name, value) in *pairs {
                    push_bytes(lua, name.as_bytes());
                    push_bytes(lua, value.as_bytes());
                    ffi::lua_rawset(lua, -3);
                }
                ffi::lua_pushvalue(lua, lua_upvalueindex(1));
                ffi::lua_setmetatable(lua, -2);
                1
            }
            Words::Timings(timings) => {
                push_timings(lua, timings);
                1
            }
        }
    }
}

unsafe fn push_timings(lua: *mut lua_State, timings: &Timings) {
    const PHASES: [&CStr; 6] = [c"resolved", c"connected", c"secured", c"sent", c"head", c"finished"];
    let times = [
        timings.resolved(),
        timings.connected(),
        timings.secured(),
        timings.sent(),
        timings.head(),
        timings.finished(),
    ];
    // SAFETY: as in `push`.
    unsafe {
        ffi::lua_createtable(lua, 0, PHASES.len() as c_int);
        for (name, time) in PHASES.into_iter().zip(times) {
            if let Some(time) = time {
                ffi::lua_pushnumber(lua, time.as_secs_f64());
                ffi::lua_setfield(lua, -2, name.as_ptr());
            }
        }
    }
}
