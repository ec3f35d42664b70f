//! Writes a Lua value as JSON the way lua-cjson does: what is an array, what is escaped, what is refused and in which
//! words. Works on the raw stack and owns nothing there; the text grows in an [`Encoder`] that the caller owns.

use std::ffi::{c_int, c_void};
use std::ptr;

use mlua_sys::{self as ffi, lua_State};

use super::number::write_general;
use super::settings::{DEEPEST, InvalidNumbers, Settings};
use crate::guard::bytes;

/// The text so far, and why it went no further.
#[derive(Default)]
pub(crate) struct Encoder {
    out: Vec<u8>,
    settings: Settings,
    mistake: Option<String>,
}

impl Encoder {
    pub(super) fn new(settings: Settings) -> Self {
        Self { settings, ..Self::default() }
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.out
    }

    pub(super) fn mistake(&self) -> Option<&str> {
        self.mistake.as_deref()
    }

    pub(crate) fn into_text(self) -> Vec<u8> {
        self.out
    }

    /// Why encoding failed.
    pub(crate) fn error(&self) -> &str {
        self.mistake().unwrap_or("the value can't be encoded")
    }

    fn refuse(&mut self, sentence: String) -> bool {
        self.mistake.get_or_insert(sentence);
        false
    }
}

/// Encodes argument 2 into the [`Encoder`] that argument 1 points to. Runs protected.
pub(super) unsafe extern "C-unwind" fn work(lua: *mut lua_State) -> c_int {
    // SAFETY: the encoder's owner waits in `lua_pcall`; this frame owns nothing.
    unsafe {
        let encoder: *mut Encoder = ffi::lua_touserdata(lua, 1).cast();
        encode_value(lua, 2, encoder);
        0
    }
}

/// Appends the value at the absolute `index` to the encoder's text; false if it holds what JSON can't.
///
/// # Safety
/// In a protected call, whose frames down to `lua_pcall` own nothing; `encoder` outlives that call.
pub(crate) unsafe fn encode_value(lua: *mut lua_State, index: c_int, encoder: *mut Encoder) -> bool {
    // SAFETY: the caller's promise.
    unsafe { value(lua, index, encoder, 0) }
}

// SAFETY: (of every block below) as for `encode_value`: whatever a frame owns is moved into the encoder before Lua is
// called again.

unsafe fn value(lua: *mut lua_State, index: c_int, encoder: *mut Encoder, depth: i32) -> bool {
    // SAFETY: see above.
    unsafe {
        let out = &raw mut (*encoder).out;
        match ffi::lua_type(lua, index) {
            ffi::LUA_TSTRING => {
                string(&mut *out, bytes(lua, index));
                true
            }
            ffi::LUA_TNUMBER => number(lua, index, encoder),
            ffi::LUA_TBOOLEAN => {
                let text: &[u8] = if ffi::lua_toboolean(lua, index) != 0 { b"true" } else { b"false" };
                (*out).extend_from_slice(text);
                true
            }
            ffi::LUA_TNIL => {
                (*out).extend_from_slice(b"null");
                true
            }
            ffi::LUA_TLIGHTUSERDATA => match ffi::lua_touserdata(lua, index) {
                pointer if pointer.is_null() => {
                    (*out).extend_from_slice(b"null");
                    true
                }
                pointer if pointer == empty_array() => {
                    (*out).extend_from_slice(b"[]");
                    true
                }
                _ => refuse(lua, index, encoder, "type not supported"),
            },
            ffi::LUA_TTABLE => table(lua, index, encoder, depth + 1),
            _ => refuse(lua, index, encoder, "type not supported"),
        }
    }
}

unsafe fn refuse(lua: *mut lua_State, index: c_int, encoder: *mut Encoder, why: &str) -> bool {
    // SAFETY: see above; type names are static text.
    unsafe {
        let kind = std::ffi::CStr::from_ptr(ffi::lua_typename(lua, ffi::lua_type(lua, index))).to_string_lossy();
        (*encoder).refuse(format!("Cannot serialise {kind}: {why}"))
    }
}

unsafe fn number(lua: *mut lua_State, index: c_int, encoder: *mut Encoder) -> bool {
    // SAFETY: see above.
    unsafe {
        #[cfg(any(feature = "lua53", feature = "lua54"))]
        if ffi::lua_isinteger(lua, index) != 0 {
            let text = ffi::lua_tointeger(lua, index).to_string();
            (*encoder).out.extend_from_slice(text.as_bytes());
            return true;
        }
        let number = ffi::lua_tonumber(lua, index);
        let settings = &(*encoder).settings;
        let out = &mut (*encoder).out;
        if number.is_finite() {
            write_general(out, number, settings.precision as usize);
            return true;
        }
        match settings.encode_invalid {
            InvalidNumbers::Refuse => return refuse(lua, index, encoder, "must not be NaN or Infinity"),
            InvalidNumbers::Null => out.extend_from_slice(b"null"),
            InvalidNumbers::Allow if number.is_nan() => out.extend_from_slice(b"NaN"),
            InvalidNumbers::Allow if number > 0.0 => out.extend_from_slice(b"Infinity"),
            InvalidNumbers::Allow => out.extend_from_slice(b"-Infinity"),
        }
        true
    }
}

unsafe fn table(lua: *mut lua_State, index: c_int, encoder: *mut Encoder, depth: i32) -> bool {
    // SAFETY: see above.
    unsafe {
        if depth > (*encoder).settings.encode_max_depth.min(DEEPEST) || ffi::lua_checkstack(lua, 4) == 0 {
            return (*encoder).refuse(format!("Cannot serialise, excessive depth ({depth})"));
        }
        match array_length(lua, index, encoder) {
            Shape::Refused => false,
            Shape::Array(length) => array(lua, index, encoder, depth, length),
            Shape::Object => object(lua, index, encoder, depth),
        }
    }
}

enum Shape {
    Array(usize),
    Object,
    Refused,
}

/// A table is an array if all its keys are positive whole numbers and not too few for the largest.
unsafe fn array_length(lua: *mut lua_State, index: c_int, encoder: *mut Encoder) -> Shape {
    // SAFETY: see above. Keys are read as numbers only where they are numbers.
    unsafe {
        let marked = has_array_mark(lua, index, encoder);
        let (mut largest, mut count) = (0.0_f64, 0.0_f64);
        ffi::lua_pushnil(lua);
        while ffi::lua_next(lua, index) != 0 {
            let key = if ffi::lua_type(lua, -2) == ffi::LUA_TNUMBER { ffi::lua_tonumber(lua, -2) } else { f64::NAN };
            if key >= 1.0 && key.fract() == 0.0 && key < 1e15 {
                largest = largest.max(key);
                count += 1.0;
                ffi::lua_settop(lua, -2);
            } else {
                ffi::lua_settop(lua, -3);
                return if marked { Shape::Array(ffi::lua_rawlen(lua, index)) } else { Shape::Object };
            }
        }
        let settings = &(*encoder).settings;
        if largest == 0.0 {
            return if marked || !settings.empty_table_is_object { Shape::Array(0) } else { Shape::Object };
        }
        let ratio = f64::from(settings.sparse_ratio);
        if ratio > 0.0 && largest > count * ratio && largest > f64::from(settings.sparse_safe) {
            if settings.sparse_convert {
                return Shape::Object;
            }
            refuse(lua, index, encoder, "excessively sparse array");
            return Shape::Refused;
        }
        Shape::Array(largest as usize)
    }
}

unsafe fn has_array_mark(lua: *mut lua_State, index: c_int, encoder: *mut Encoder) -> bool {
    // SAFETY: see above.
    unsafe {
        if ffi::lua_getmetatable(lua, index) == 0 {
            return false;
        }
        let mark = ffi::lua_topointer(lua, -1);
        ffi::lua_settop(lua, -2);
        (*encoder).settings.array_marks.contains(&mark)
    }
}

unsafe fn array(lua: *mut lua_State, index: c_int, encoder: *mut Encoder, depth: i32, length: usize) -> bool {
    // SAFETY: see above.
    unsafe {
        (*encoder).out.push(b'[');
        for place in 1..=length {
            if place > 1 {
                (*encoder).out.push(b',');
            }
            ffi::lua_rawgeti(lua, index, place as _);
            let element = ffi::lua_gettop(lua);
            if !value(lua, element, encoder, depth) {
                return false;
            }
            ffi::lua_settop(lua, element - 1);
        }
        (*encoder).out.push(b']');
        true
    }
}

unsafe fn object(lua: *mut lua_State, index: c_int, encoder: *mut Encoder, depth: i32) -> bool {
    // SAFETY: see above. A number key is copied before it is converted, so `lua_next` finds its place.
    unsafe {
        (*encoder).out.push(b'{');
        let mut first = true;
        ffi::lua_pushnil(lua);
        let key = ffi::lua_gettop(lua);
        while ffi::lua_next(lua, index) != 0 {
            if !first {
                (*encoder).out.push(b',');
            }
            first = false;
            match ffi::lua_type(lua, key) {
                ffi::LUA_TNUMBER => {
                    (*encoder).out.push(b'"');
                    if !number(lua, key, encoder) {
                        return false;
                    }
                    (*encoder).out.extend_from_slice(b"\":");
                }
                ffi::LUA_TSTRING => {
                    string(&mut (*encoder).out, bytes(lua, key));
                    (*encoder).out.push(b':');
                }
                _ => return refuse(lua, index, encoder, "table key must be a number or string"),
            }
            if !value(lua, key + 1, encoder, depth) {
                return false;
            }
            ffi::lua_settop(lua, key);
        }
        (*encoder).out.push(b'}');
        true
    }
}

/// Appends a string with its quotes. Bytes from 0x80 on go out as they are.
fn string(out: &mut Vec<u8>, text: &[u8]) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'/' => out.extend_from_slice(b"\\/"),
            0x08 => out.extend_from_slice(b"\\b"),
            b'\t' => out.extend_from_slice(b"\\t"),
            b'\n' => out.extend_from_slice(b"\\n"),
            0x0c => out.extend_from_slice(b"\\f"),
            b'\r' => out.extend_from_slice(b"\\r"),
            0..=0x1f | 0x7f => {
                const HEX: &[u8; 16] = b"0123456789abcdef";
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

/// The pointer that stands for `[]`.
fn empty_array() -> *mut c_void {
    static MARK: u8 = 0;
    ptr::from_ref(&MARK).cast_mut().cast()
}

/// Sets `empty_array`, `empty_array_mt` and `array_mt` in the module at `module`; the settings learn the metatables,
/// which the registry keeps.
///
/// # Safety
/// As [`super::push_module`].
pub(super) unsafe fn push_array_marks(lua: *mut lua_State, module: c_int, settings: *mut Settings) {
    // SAFETY: the caller's promise; the settings are in a userdata on the stack.
    unsafe {
        ffi::lua_pushlightuserdata(lua, empty_array());
        ffi::lua_setfield(lua, module, c"empty_array".as_ptr());
        for (place, (name, key)) in
            [(c"empty_array_mt", c"whimbrel.empty_array_mt"), (c"array_mt", c"whimbrel.array_mt")]
                .into_iter()
                .enumerate()
        {
            ffi::luaL_newmetatable(lua, key.as_ptr());
            (*settings).array_marks[place] = ffi::lua_topointer(lua, -1);
            ffi::lua_setfield(lua, module, name.as_ptr());
        }
    }
}
