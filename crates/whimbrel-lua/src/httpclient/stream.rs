//! The script's own byte stream under a client: two functions of Lua, called while the engine works. It passes bytes on;
//! what a stream may look like is `connection.lua`'s.
//!
//! An error in one of them stays on the stack until the engine has returned, and is raised then.

use std::cell::Cell;
use std::ffi::c_int;
use std::io::{self, Read, Write};
use std::rc::Rc;
use std::{ptr, slice};

use mlua_sys::{self as ffi, lua_State, lua_upvalueindex};

use super::object::{CALL, CONNECTION, READ, WRITE};
use crate::guard::{bytes, protected, push_bytes};

/// The most that one call writes, in bytes: each is a new string of Lua's.
const PIECE: usize = 64 * 1024;

/// Where the stream's functions lie while a function of the client runs.
#[derive(Default)]
pub(super) struct Seat {
    /// Null while none runs.
    lua: Cell<*mut lua_State>,
    /// The stack index of the function that reads; the one that writes and the stream follow.
    read: Cell<c_int>,
    /// Where the error of one of them lies; 0: there is none.
    raised: Cell<c_int>,
    /// Whether one of them ever raised: nothing that follows can be trusted to fit.
    broken: Cell<bool>,
}

impl Seat {
    /// Takes its place in the function that is running, until the value is dropped.
    ///
    /// # Safety
    /// In a function of the client: its upvalues are there, and ten stack slots are free.
    pub(super) unsafe fn sit(&self, lua: *mut lua_State) -> Seated<'_> {
        // SAFETY: the caller's promise; reading the table allocates nothing.
        unsafe {
            ffi::lua_getuservalue(lua, 1);
            let table = ffi::lua_gettop(lua);
            ffi::lua_rawgeti(lua, table, READ as _);
            ffi::lua_rawgeti(lua, table, WRITE as _);
            ffi::lua_rawgeti(lua, table, CONNECTION as _);
            self.lua.set(lua);
            self.read.set(table + 1);
            self.raised.set(0);
        }
        Seated(self)
    }

    /// Whether one of them has raised.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.get()
    }

    /// Another stream comes.
    pub(super) fn renew(&self) {
        self.broken.set(false);
    }

    /// Calls one of the two; `None` if it raised, or if no function of the client runs.
    fn call(&self, exchange: &mut Exchange) -> Option<Moved> {
        let lua = self.lua.get();
        if lua.is_null() || self.broken.get() {
            return None;
        }
        let function = self.read.get() + c_int::from(exchange.writes);
        let stream = self.read.get() + 2;
        // SAFETY: the function of the client that owns the stack and the upvalues is the one running, on this thread.
        // `call_back` knows an `Exchange`.
        unsafe {
            if protected(lua, lua_upvalueindex(CALL), ptr::from_mut(exchange).cast(), &[function, stream], 0) {
                return Some(exchange.moved);
            }
            self.raised.set(ffi::lua_gettop(lua));
            self.broken.set(true);
        }
        None
    }
}

/// See [`Seat::sit`].
pub(super) struct Seated<'a>(&'a Seat);

impl Seated<'_> {
    /// The stack index of the error that a function of the stream raised.
    pub(super) fn raised(&self) -> Option<c_int> {
        Some(self.0.raised.get()).filter(|&index| index != 0)
    }
}

impl Drop for Seated<'_> {
    fn drop(&mut self) {
        self.0.lua.set(ptr::null_mut());
    }
}

/// One call: the bytes to write, or the room for what is read, and what became of it.
struct Exchange {
    writes: bool,
    start: *mut u8,
    length: usize,
    moved: Moved,
}

#[derive(Clone, Copy)]
enum Moved {
    Bytes(usize),
    Nothing,
    End,
    Failed,
}

/// The transport that the engine has.
pub(super) struct LuaStream(pub(super) Rc<Seat>);

// SAFETY: the engine uses and drops a client's transport only in calls of that client, and those come from functions of
// the Lua state that owns both, one at a time.
unsafe impl Send for LuaStream {}

impl Read for LuaStream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0
            .call(&mut Exchange {
                writes: false,
                start: buffer.as_mut_ptr(),
                length: buffer.len(),
                moved: Moved::Nothing,
            })
            .map_or_else(|| Err(failed()), Moved::result)
    }
}

impl Write for LuaStream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = &bytes[..bytes.len().min(PIECE)];
        let start = bytes.as_ptr().cast_mut();
        self.0
            .call(&mut Exchange { writes: true, start, length: bytes.len(), moved: Moved::Nothing })
            .map_or_else(|| Err(failed()), Moved::result)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Moved {
    fn result(self) -> io::Result<usize> {
        match self {
            Self::Bytes(count) => Ok(count),
            Self::Nothing => Err(io::ErrorKind::WouldBlock.into()),
            Self::End => Ok(0),
            Self::Failed => Err(failed()),
        }
    }
}

fn failed() -> io::Error {
    io::Error::new(io::ErrorKind::BrokenPipe, "the script's own byte stream failed")
}

/// Calls the function (2) with the stream (3) as the [`Exchange`] (1) says. It gives what it read, `""` for nothing now, nil at the end; or
/// how many bytes it took; or false if the stream is broken.
pub(super) unsafe extern "C-unwind" fn call_back(lua: *mut lua_State) -> c_int {
    // SAFETY: `Seat::call` gave the arguments and waits in `lua_pcall` with the exchange, whose pointer and length are
    // those of a slice that it was given; it is written to only where it reads. This frame owns nothing.
    unsafe {
        let exchange: *mut Exchange = ffi::lua_touserdata(lua, 1).cast();
        let length = (*exchange).length;
        if (*exchange).writes {
            push_bytes(lua, slice::from_raw_parts((*exchange).start, length));
        } else {
            ffi::lua_pushinteger(lua, length.min(i32::MAX as usize) as ffi::lua_Integer);
        }
        ffi::lua_call(lua, 2, 1);
        let moved = match ffi::lua_type(lua, 2) {
            ffi::LUA_TNIL => Moved::End,
            ffi::LUA_TSTRING if !(*exchange).writes => {
                let read = bytes(lua, 2);
                if read.len() > length {
                    ffi::luaL_error(lua, c"the byte stream gave more bytes than it was asked for".as_ptr());
                }
                ptr::copy_nonoverlapping(read.as_ptr(), (*exchange).start, read.len().min(length));
                if read.is_empty() { Moved::Nothing } else { Moved::Bytes(read.len()) }
            }
            ffi::LUA_TNUMBER if (*exchange).writes => {
                let count = ffi::lua_tonumber(lua, 2);
                if !(count >= 0.0 && count <= length as f64) {
                    ffi::luaL_error(lua, c"the byte stream took more bytes than it was given".as_ptr());
                }
                if count == 0.0 { Moved::Nothing } else { Moved::Bytes(count as usize) }
            }
            _ => Moved::Failed,
        };
        (*exchange).moved = moved;
        0
    }
}
