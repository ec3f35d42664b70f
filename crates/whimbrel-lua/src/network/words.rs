//! Pushes what native functions have to say: one function that raises for want of memory only, so that whoever owns the
//! words calls it protected.

use std::ffi::c_int;
use std::ptr;

use mlua_sys::{self as ffi, lua_State};
use whimbrel::ResponseHead;

use super::ending::Ending;
use crate::guard::{Finish, protected, push_bytes};
use crate::headers;

/// What is pushed.
pub(super) enum Words<'a> {
    /// A text.
    Text(&'a [u8]),
    /// nil and a sentence.
    Refusal(&'a str),
    /// Status, header table and the length of the body, -1 if unknown.
    Head(&'a ResponseHead, Option<&'a headers::Pairs>, i64),
    /// What `ended` gives.
    Ending(&'a Ending<'a>),
    /// The cookies of a jar.
    Cookies(&'a [whimbrel::Cookie]),
}

/// Pushes the words; an error of Lua's is left instead, and false is returned. `index` is where the function is.
///
/// # Safety
/// In an entry point that has [`push`] as the upvalue `index`.
pub(super) unsafe fn say(lua: *mut lua_State, index: c_int, words: &Words<'_>, results: c_int) -> bool {
    // SAFETY: `push` reads words from its pointer and writes nothing.
    unsafe { protected(lua, index, ptr::from_ref(words).cast_mut().cast(), &[], results) }
}

/// As [`say`], as the whole answer of the function.
///
/// # Safety
/// As [`say`].
pub(super) unsafe fn answer(lua: *mut lua_State, index: c_int, words: &Words<'_>) -> Finish {
    // SAFETY: as there.
    unsafe {
        let before = ffi::lua_gettop(lua);
        if say(lua, index, words, ffi::LUA_MULTRET) {
            Finish::Return(ffi::lua_gettop(lua) - before)
        } else {
            Finish::Raise
        }
    }
}

/// Pushes the [`Words`] that argument 1 points to.
pub(super) unsafe extern "C-unwind" fn push(lua: *mut lua_State) -> c_int {
    // SAFETY: the frame that owns the words waits in `lua_pcall`; nothing is owned here.
    unsafe {
        ffi::luaL_checkstack(lua, 32, c"whimbrel".as_ptr());
        match &*ffi::lua_touserdata(lua, 1).cast::<Words<'_>>() {
            Words::Text(text) => {
                push_bytes(lua, text);
                1
            }
            Words::Refusal(sentence) => {
                ffi::lua_pushnil(lua);
                push_bytes(lua, sentence.as_bytes());
                2
            }
            Words::Head(head, joined, total) => {
                ffi::lua_pushinteger(lua, head.status.into());
                headers::push_table(lua, head, *joined);
                ffi::lua_pushinteger(lua, *total as ffi::lua_Integer);
                3
            }
            Words::Ending(ending) => ending.push(lua),
            Words::Cookies(cookies) => super::jar::push_list(lua, cookies),
        }
    }
}

/// A count for Lua; -1 for what is unknown.
pub(super) fn count(count: Option<u64>) -> ffi::lua_Integer {
    count.map_or(-1, |count| count.min(i64::MAX as u64) as ffi::lua_Integer)
}
