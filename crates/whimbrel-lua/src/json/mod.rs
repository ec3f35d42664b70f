//! The modules `json`, `cjson` and `cjson.safe`: lua-cjson's functions, settings and error texts. Strings are bytes both
//! ways. The encoder also serves the `json` option of requests.

mod decode;
mod encode;
mod number;
mod settings;

use std::ffi::{CStr, c_int, c_void};
use std::ptr;

use mlua_sys::{self as ffi, lua_CFunction, lua_State, lua_upvalueindex};

use crate::guard::{Finish, bytes, guarded, protected, push_bytes};
use decode::Decoder;
pub(crate) use encode::{Encoder, encode_value};
use settings::Settings;

/// How `encode` and `decode` tell a mistake.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flavour {
    /// They raise it (`cjson`).
    Raising,
    /// They return `nil` and the message (`cjson.safe`).
    Safe,
}

// The upvalues of every function here.
const SETTINGS: c_int = 1;
const WORK: c_int = 2;
const TELL: c_int = 3;
const SAFE: c_int = 4;

/// Pushes the state's module of that flavour, made when first asked for.
///
/// # Safety
/// `lua` must be valid, and nothing that must be dropped may lie in the caller's frame: memory may be out.
pub(crate) unsafe fn push_module(lua: *mut lua_State, flavour: Flavour) {
    let key = match flavour {
        Flavour::Raising => c"whimbrel.cjson",
        Flavour::Safe => c"whimbrel.cjson.safe",
    };
    // SAFETY: the caller's promise; this frame owns nothing.
    unsafe {
        ffi::luaL_checkstack(lua, 12, c"cjson".as_ptr());
        ffi::lua_getfield(lua, ffi::LUA_REGISTRYINDEX, key.as_ptr());
        if ffi::lua_type(lua, -1) == ffi::LUA_TTABLE {
            return;
        }
        ffi::lua_settop(lua, -2);
        push_instance(lua, flavour);
        ffi::lua_pushvalue(lua, -1);
        ffi::lua_setfield(lua, ffi::LUA_REGISTRYINDEX, key.as_ptr());
    }
}

/// Pushes a module with settings of its own.
unsafe fn push_instance(lua: *mut lua_State, flavour: Flavour) {
    // SAFETY: as in `push_module`. The settings are plain numbers, so the userdata needs no finalizer.
    unsafe {
        ffi::lua_createtable(lua, 0, 24);
        let module = ffi::lua_gettop(lua);
        let settings: *mut Settings = ffi::lua_newuserdata(lua, size_of::<Settings>()).cast();
        settings.write(Settings::default());
        encode::push_array_marks(lua, module, settings);
        push_worker(lua, module, flavour, c"encode", encode, encode::work);
        push_worker(lua, module, flavour, c"decode", decode, decode::work);
        push_worker(lua, module, flavour, c"new", new, tell);
        for (name, function) in settings::FUNCTIONS {
            ffi::lua_pushvalue(lua, module + 1);
            ffi::lua_pushcclosure(lua, function, 1);
            ffi::lua_setfield(lua, module, name.as_ptr());
        }
        ffi::lua_pushlightuserdata(lua, ptr::null_mut());
        ffi::lua_setfield(lua, module, c"null".as_ptr());
        ffi::lua_pushstring(lua, c"cjson".as_ptr());
        ffi::lua_setfield(lua, module, c"_NAME".as_ptr());
        ffi::lua_pushstring(lua, c"2.1.0".as_ptr());
        ffi::lua_setfield(lua, module, c"_VERSION".as_ptr());
        ffi::lua_settop(lua, module);
    }
}

unsafe fn push_worker(
    lua: *mut lua_State,
    module: c_int,
    flavour: Flavour,
    name: &'static CStr,
    function: lua_CFunction,
    work: lua_CFunction,
) {
    // SAFETY: as in `push_module`; the settings are at `module + 1`.
    unsafe {
        ffi::lua_pushvalue(lua, module + 1);
        ffi::lua_pushcclosure(lua, work, 0);
        ffi::lua_pushcclosure(lua, tell, 0);
        ffi::lua_pushboolean(lua, c_int::from(flavour == Flavour::Safe));
        ffi::lua_pushcclosure(lua, function, 4);
        ffi::lua_setfield(lua, module, name.as_ptr());
    }
}

/// `cjson.new()`.
unsafe extern "C-unwind" fn new(lua: *mut lua_State) -> c_int {
    // SAFETY: called by Lua with our upvalues; the frame owns nothing.
    unsafe {
        let safe = ffi::lua_toboolean(lua, lua_upvalueindex(SAFE)) != 0;
        push_instance(lua, if safe { Flavour::Safe } else { Flavour::Raising });
    }
    1
}

/// `cjson.encode(value)`.
unsafe extern "C-unwind" fn encode(lua: *mut lua_State) -> c_int {
    // SAFETY: called by Lua with our upvalues; the frame owns nothing, and what the closure owns is gone when it ends.
    unsafe {
        check_one_argument(lua);
        guarded(lua, || {
            let mut encoder = Encoder::new(*settings_of(lua));
            if !protected(lua, lua_upvalueindex(WORK), (&raw mut encoder).cast(), &[1], 0) {
                return failed_within(lua);
            }
            match encoder.mistake() {
                None => answer(lua, &Answer { text: encoder.text(), kind: Kind::Result }),
                Some(mistake) => tell_mistake(lua, mistake),
            }
        })
    }
}

/// `cjson.decode(text)`.
unsafe extern "C-unwind" fn decode(lua: *mut lua_State) -> c_int {
    // SAFETY: as `encode`. The text stays on the stack while the decoder reads it.
    unsafe {
        check_one_argument(lua);
        ffi::luaL_checklstring(lua, 1, ptr::null_mut());
        guarded(lua, || {
            let mut decoder = Decoder::new(bytes(lua, 1), *settings_of(lua));
            if !protected(lua, lua_upvalueindex(WORK), (&raw mut decoder).cast(), &[], 1) {
                return failed_within(lua);
            }
            match decoder.mistake() {
                None => Finish::Return(1),
                Some(mistake) => tell_mistake(lua, mistake),
            }
        })
    }
}

unsafe fn check_one_argument(lua: *mut lua_State) {
    // SAFETY: called first in an entry point, which owns nothing yet.
    unsafe {
        if ffi::lua_gettop(lua) != 1 {
            ffi::luaL_argerror(lua, 1, c"expected 1 argument".as_ptr());
        }
    }
}

unsafe fn settings_of<'a>(lua: *mut lua_State) -> &'a mut Settings {
    // SAFETY: upvalue 1 of every function here is the settings' userdata, which lives as long as the function.
    unsafe { &mut *ffi::lua_touserdata(lua, lua_upvalueindex(SETTINGS)).cast() }
}

/// What is pushed at the end.
struct Answer<'a> {
    text: &'a [u8],
    kind: Kind,
}

#[derive(Clone, Copy)]
enum Kind {
    /// The text alone.
    Result,
    /// The text behind the place in the script that called.
    Raised,
    /// `nil` and the text.
    Told,
}

unsafe fn tell_mistake(lua: *mut lua_State, mistake: &str) -> Finish {
    // SAFETY: as in the entry points.
    unsafe {
        let safe = ffi::lua_toboolean(lua, lua_upvalueindex(SAFE)) != 0;
        let kind = if safe { Kind::Told } else { Kind::Raised };
        let finish = answer(lua, &Answer { text: mistake.as_bytes(), kind });
        if safe { finish } else { Finish::Raise }
    }
}

unsafe fn answer(lua: *mut lua_State, answer: &Answer<'_>) -> Finish {
    // SAFETY: `tell` reads an `Answer` from its pointer.
    unsafe {
        let before = ffi::lua_gettop(lua);
        let context: *mut c_void = ptr::from_ref(answer).cast_mut().cast();
        if protected(lua, lua_upvalueindex(TELL), context, &[], ffi::LUA_MULTRET) {
            Finish::Return(ffi::lua_gettop(lua) - before)
        } else {
            Finish::Raise
        }
    }
}

/// An error of Lua itself, such as memory that is out; it is on top of the stack.
unsafe fn failed_within(lua: *mut lua_State) -> Finish {
    // SAFETY: as in the entry points; nothing here allocates.
    unsafe {
        if ffi::lua_toboolean(lua, lua_upvalueindex(SAFE)) == 0 {
            return Finish::Raise;
        }
        ffi::lua_pushnil(lua);
        ffi::lua_insert(lua, -2);
        Finish::Return(2)
    }
}

unsafe extern "C-unwind" fn tell(lua: *mut lua_State) -> c_int {
    // SAFETY: `answer` waits in `lua_pcall`; this frame owns nothing.
    unsafe {
        let answer = &*ffi::lua_touserdata(lua, 1).cast::<Answer<'_>>();
        match answer.kind {
            Kind::Result => push_bytes(lua, answer.text),
            Kind::Raised => {
                // 0 is this function, 1 the one that called it protected, 2 the script.
                ffi::luaL_where(lua, 2);
                push_bytes(lua, answer.text);
                ffi::lua_concat(lua, 2);
            }
            Kind::Told => {
                ffi::lua_pushnil(lua);
                push_bytes(lua, answer.text);
                return 2;
            }
        }
        1
    }
}
