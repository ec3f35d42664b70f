//! The boundary with Lua's errors. Every entry point runs through [`guarded`]; everything inside that may raise runs
//! through [`protected`]. This module never touches a value of a script.
//!
//! A Lua error leaves a C function by `longjmp`, or in LuaJIT by an unwinder that Rust does not know. Hence the one rule
//! of this crate: *a frame that Lua may leave holds nothing that must be dropped*. An entry point reads its positional
//! arguments first, while no Rust value lives. Then it does all its work in a closure that owns what it likes but calls
//! Lua only by `lua_pcall`, and tells by [`Finish`] how to leave. Only when all of it is dropped does an error go on.
//! The functions called by `lua_pcall` get a pointer to what the closure owns and write to it; they own nothing.

use std::ffi::{c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use mlua_sys::{self as ffi, lua_State};

/// How an entry point ends, said when every Rust value of the call is gone.
#[derive(Clone, Copy)]
pub(crate) enum Finish {
    /// Returns that many values from the top of the stack.
    Return(c_int),
    /// Raises the value on top of the stack.
    Raise,
}

/// Runs `body`, which must not raise; no panic leaves it.
///
/// # Safety
/// `lua` is the state of the running C function, and the caller's frame holds nothing that must be dropped.
pub(crate) unsafe fn guarded(lua: *mut lua_State, body: impl FnOnce() -> Finish) -> c_int {
    match caught(body) {
        Some(Finish::Return(count)) => count,
        // SAFETY: `body` and all it owned are gone; this frame holds a plain number.
        Some(Finish::Raise) => unsafe { ffi::lua_error(lua) },
        // SAFETY: as above; the text is static and NUL-terminated.
        None => unsafe {
            ffi::luaL_error(
                lua,
                c"whimbrel: internal error (a panic, see the standard error output); please report it".as_ptr(),
            )
        },
    }
}

/// `None` if `body` panicked. Apart from [`guarded`], so that the closure and the panic's payload are dropped before
/// anything raises.
fn caught(body: impl FnOnce() -> Finish) -> Option<Finish> {
    catch_unwind(AssertUnwindSafe(body)).ok()
}

/// Calls the function at `function` (an upvalue) protected, with `context` and the `arguments` as its arguments, and
/// leaves its results on the stack, or one error value. True if it ran to its end.
///
/// # Safety
/// As for `lua_pcall`; the function must know what `context` points to, and five stack slots must be free.
pub(crate) unsafe fn protected(
    lua: *mut lua_State,
    function: c_int,
    context: *mut c_void,
    arguments: &[c_int],
    results: c_int,
) -> bool {
    // SAFETY: pushing existing values and a light userdata allocates nothing, hence never raises; the rest is protected.
    unsafe {
        ffi::lua_pushvalue(lua, function);
        ffi::lua_pushlightuserdata(lua, context);
        for &argument in arguments {
            if argument == ABSENT {
                ffi::lua_pushnil(lua);
            } else {
                ffi::lua_pushvalue(lua, argument);
            }
        }
        ffi::lua_pcall(lua, 1 + arguments.len() as c_int, results, 0) == ffi::LUA_OK
    }
}

/// The argument of [`protected`] that stands for `nil`.
pub(crate) const ABSENT: c_int = 0;

/// The bytes of the string at `index`; a number there becomes a string. They live as long as that stack slot holds it.
///
/// # Safety
/// A string or a number must be at `index`, and it must not be a key under `lua_next`. May raise when it is a number.
pub(crate) unsafe fn bytes<'a>(lua: *mut lua_State, index: c_int) -> &'a [u8] {
    let mut length = 0;
    // SAFETY: the caller says that a string is there, so the pointer is valid for `length` bytes.
    unsafe {
        let start = ffi::lua_tolstring(lua, index, &raw mut length);
        if start.is_null() { &[] } else { std::slice::from_raw_parts(start.cast(), length) }
    }
}

/// Pushes a string of any bytes.
///
/// # Safety
/// One stack slot must be free. May raise when memory is out.
#[inline]
pub(crate) unsafe fn push_bytes(lua: *mut lua_State, bytes: &[u8]) {
    // SAFETY: pointer and length belong together; Lua copies.
    unsafe {
        #[cfg(any(feature = "lua51", feature = "luajit"))]
        ffi::lua_pushlstring_(lua, bytes.as_ptr().cast(), bytes.len());
        #[cfg(not(any(feature = "lua51", feature = "luajit")))]
        ffi::lua_pushlstring(lua, bytes.as_ptr().cast(), bytes.len());
    }
}
