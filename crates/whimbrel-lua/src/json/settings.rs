//! The settings of one `cjson` module and the functions that read and change them. Their ranges and texts are
//! lua-cjson's.

use std::ffi::{CStr, c_int, c_void};
use std::ptr;

use mlua_sys::{self as ffi, lua_CFunction, lua_State};

use super::settings_of;
use crate::guard::bytes;

/// What is done with numbers that JSON does not have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum InvalidNumbers {
    Refuse,
    Allow,
    Null,
}

/// Plain values only: it lives in a userdata without a finalizer.
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(super) sparse_convert: bool,
    pub(super) sparse_ratio: i32,
    pub(super) sparse_safe: i32,
    pub(super) encode_max_depth: i32,
    pub(super) decode_max_depth: i32,
    pub(super) precision: i32,
    pub(super) keep_buffer: bool,
    pub(super) encode_invalid: InvalidNumbers,
    pub(super) decode_invalid: bool,
    pub(super) empty_table_is_object: bool,
    /// The metatables that mark a table as an array, compared by identity.
    pub(super) array_marks: [*const c_void; 2],
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            sparse_convert: false,
            sparse_ratio: 2,
            sparse_safe: 10,
            encode_max_depth: 1000,
            decode_max_depth: 1000,
            precision: 14,
            keep_buffer: true,
            encode_invalid: InvalidNumbers::Refuse,
            decode_invalid: true,
            empty_table_is_object: true,
            array_marks: [ptr::null(); 2],
        }
    }
}

/// Nesting beyond this is refused whatever a script sets: each level takes a frame of the program's own stack.
pub(super) const DEEPEST: i32 = 5000;

pub(super) const FUNCTIONS: [(&CStr, lua_CFunction); 8] = [
    (c"encode_sparse_array", encode_sparse_array),
    (c"encode_max_depth", encode_max_depth),
    (c"decode_max_depth", decode_max_depth),
    (c"encode_number_precision", encode_number_precision),
    (c"encode_keep_buffer", encode_keep_buffer),
    (c"encode_invalid_numbers", encode_invalid_numbers),
    (c"decode_invalid_numbers", decode_invalid_numbers),
    (c"encode_empty_table_as_object", encode_empty_table_as_object),
];

// SAFETY: (of every function below) called by Lua with the settings as upvalue 1; the frames own nothing, so argument
// errors may leave them.

unsafe extern "C-unwind" fn encode_sparse_array(lua: *mut lua_State) -> c_int {
    // SAFETY: see above.
    unsafe {
        let settings = settings_of(lua);
        at_most(lua, 3);
        boolean(lua, 1, &mut settings.sparse_convert);
        integer(lua, 2, &mut settings.sparse_ratio, 0, i32::MAX, c"expected integer between 0 and 2147483647");
        integer(lua, 3, &mut settings.sparse_safe, 0, i32::MAX, c"expected integer between 0 and 2147483647");
    }
    3
}

unsafe extern "C-unwind" fn encode_max_depth(lua: *mut lua_State) -> c_int {
    // SAFETY: see above.
    unsafe {
        at_most(lua, 1);
        depth(lua, &mut settings_of(lua).encode_max_depth);
    }
    1
}

unsafe extern "C-unwind" fn decode_max_depth(lua: *mut lua_State) -> c_int {
    // SAFETY: see above.
    unsafe {
        at_most(lua, 1);
        depth(lua, &mut settings_of(lua).decode_max_depth);
    }
    1
}

unsafe extern "C-unwind" fn encode_number_precision(lua: *mut lua_State) -> c_int {
    // SAFETY: see above.
    unsafe {
        at_most(lua, 1);
        integer(lua, 1, &mut settings_of(lua).precision, 1, 17, c"expected integer between 1 and 17");
    }
    1
}

unsafe extern "C-unwind" fn encode_keep_buffer(lua: *mut lua_State) -> c_int {
    // SAFETY: see above.
    unsafe {
        at_most(lua, 1);
        boolean(lua, 1, &mut settings_of(lua).keep_buffer);
    }
    1
}

unsafe extern "C-unwind" fn encode_empty_table_as_object(lua: *mut lua_State) -> c_int {
    // SAFETY: see above.
    unsafe {
        at_most(lua, 1);
        boolean(lua, 1, &mut settings_of(lua).empty_table_is_object);
    }
    1
}

unsafe extern "C-unwind" fn decode_invalid_numbers(lua: *mut lua_State) -> c_int {
    // SAFETY: see above.
    unsafe {
        at_most(lua, 1);
        boolean(lua, 1, &mut settings_of(lua).decode_invalid);
    }
    1
}

unsafe extern "C-unwind" fn encode_invalid_numbers(lua: *mut lua_State) -> c_int {
    // SAFETY: see above.
    unsafe {
        at_most(lua, 1);
        let setting = &mut settings_of(lua).encode_invalid;
        match ffi::lua_type(lua, 1) {
            ffi::LUA_TNONE | ffi::LUA_TNIL => {}
            ffi::LUA_TSTRING => match bytes(lua, 1) {
                b"null" => *setting = InvalidNumbers::Null,
                b"on" => *setting = InvalidNumbers::Allow,
                b"off" => *setting = InvalidNumbers::Refuse,
                _ => return ffi::luaL_argerror(lua, 1, c"expected true, false or \"null\"".as_ptr()),
            },
            _ => {
                ffi::luaL_checktype(lua, 1, ffi::LUA_TBOOLEAN);
                let allow = ffi::lua_toboolean(lua, 1) != 0;
                *setting = if allow { InvalidNumbers::Allow } else { InvalidNumbers::Refuse };
            }
        }
        match *setting {
            InvalidNumbers::Null => {
                ffi::lua_pushstring(lua, c"null".as_ptr());
            }
            allow => ffi::lua_pushboolean(lua, c_int::from(allow == InvalidNumbers::Allow)),
        }
    }
    1
}

unsafe fn at_most(lua: *mut lua_State, count: c_int) {
    // SAFETY: see above. Missing arguments become nil, so that each result is pushed on top of a full row.
    unsafe {
        if ffi::lua_gettop(lua) > count {
            ffi::luaL_argerror(lua, count + 1, c"found too many arguments".as_ptr());
        }
        ffi::lua_settop(lua, count);
    }
}

/// Takes the argument if there is one, and pushes the setting.
unsafe fn boolean(lua: *mut lua_State, argument: c_int, setting: &mut bool) {
    // SAFETY: see above.
    unsafe {
        match ffi::lua_type(lua, argument) {
            ffi::LUA_TNIL => {}
            ffi::LUA_TSTRING if matches!(bytes(lua, argument), b"on" | b"off") => {
                *setting = bytes(lua, argument) == b"on";
            }
            _ => {
                ffi::luaL_checktype(lua, argument, ffi::LUA_TBOOLEAN);
                *setting = ffi::lua_toboolean(lua, argument) != 0;
            }
        }
        ffi::lua_pushboolean(lua, c_int::from(*setting));
    }
}

unsafe fn depth(lua: *mut lua_State, setting: &mut i32) {
    // SAFETY: see above.
    unsafe { integer(lua, 1, setting, 1, i32::MAX, c"expected integer between 1 and 2147483647") }
}

/// As [`boolean`], for a number from `least` to `most`.
unsafe fn integer(lua: *mut lua_State, argument: c_int, setting: &mut i32, least: i32, most: i32, range: &CStr) {
    // SAFETY: see above.
    unsafe {
        if ffi::lua_type(lua, argument) != ffi::LUA_TNIL {
            let number = ffi::luaL_checknumber(lua, argument);
            if !(f64::from(least)..=f64::from(most)).contains(&number) {
                ffi::luaL_argerror(lua, argument, range.as_ptr());
            }
            *setting = number as i32;
        }
        ffi::lua_pushinteger(lua, (*setting).into());
    }
}
