//! The bytes under a client: what `client.connection` reads and writes, and the script's own stream in their place.

use std::ffi::c_int;
use std::ptr;
use std::thread;
use std::time::Duration;

use mlua_sys::{self as ffi, lua_State};
use whimbrel::{PollClient, PollError};

use super::object::{self, CONNECTION, Object, READ, WRITE, enter};
use super::stream::LuaStream;
use super::words::{Words, answer, sentence, told};
use crate::guard::{Finish, bytes};

/// The most that one receive is given room for, in bytes, unless more is known to be there.
const PIECE: usize = 64 * 1024;
/// The most that is received in one call that does not wait.
const LARGEST: usize = 16 << 20;
const GONE: &str = "this connection is closed";
const REFUSED: Words<'_> = Words::Refusal(PollError::Unconfigured as c_int, GONE);

/// `attach(client, read, write, stream)`: closes, then goes on over the script's stream.
pub(super) unsafe extern "C-unwind" fn attach(lua: *mut lua_State) -> c_int {
    // SAFETY: called by Lua; the places are there, so that setting them allocates nothing.
    unsafe {
        ffi::luaL_checktype(lua, 2, ffi::LUA_TFUNCTION);
        ffi::luaL_checktype(lua, 3, ffi::LUA_TFUNCTION);
        ffi::lua_settop(lua, 4);
        if object::check(lua).is_none() {
            return 0;
        }
        ffi::lua_getuservalue(lua, 1);
        for (argument, place) in [(2, READ), (3, WRITE), (4, CONNECTION)] {
            ffi::lua_pushvalue(lua, argument);
            ffi::lua_rawseti(lua, 5, place as _);
        }
        ffi::lua_settop(lua, 4);
        enter(lua, |object, client| {
            client.set_transport(LuaStream(object.seat.clone()));
            object.seat.renew();
            object.renew(true);
            Finish::Return(0)
        })
    }
}

/// `connection(client)`: nothing without a connection; else its number, whether it is the script's own stream, and what
/// was kept as its object.
pub(super) unsafe extern "C-unwind" fn connection(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        enter(lua, |object, client| {
            if !client.has_connection() {
                return Finish::Return(0);
            }
            ffi::lua_pushinteger(lua, object.connection.get());
            ffi::lua_pushboolean(lua, object.streamed.get().into());
            ffi::lua_getuservalue(lua, 1);
            ffi::lua_rawgeti(lua, -1, CONNECTION as _);
            ffi::lua_remove(lua, -2);
            Finish::Return(3)
        })
    }
}

/// `keep(client, object)`: as the object of its connection.
pub(super) unsafe extern "C-unwind" fn keep(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        ffi::lua_settop(lua, 2);
        if object::check(lua).is_none() {
            return 0;
        }
        ffi::lua_getuservalue(lua, 1);
        ffi::lua_pushvalue(lua, 2);
        ffi::lua_rawseti(lua, 3, CONNECTION as _);
        0
    }
}

/// Runs `body` if the connection is still the one of the number at 2; else answers `gone`.
unsafe fn on_same(
    lua: *mut lua_State,
    gone: &Words<'_>,
    body: impl FnOnce(&Object, &mut PollClient) -> Finish,
) -> c_int {
    // SAFETY: in one of the functions; the closures own nothing.
    unsafe {
        let number = ffi::luaL_checkinteger(lua, 2);
        enter(lua, |object, client| {
            if object.connection.get() == number && client.has_connection() {
                return body(object, client);
            }
            answer(lua, gone)
        })
    }
}

/// `available(client, number)`: how many bytes there are, and nothing else; or an Error number and why.
pub(super) unsafe extern "C-unwind" fn available(lua: *mut lua_State) -> c_int {
    // SAFETY: called by Lua.
    unsafe {
        on_same(lua, &REFUSED, |_, client| {
            ffi::lua_pushinteger(lua, client.connection_available() as ffi::lua_Integer);
            Finish::Return(1)
        })
    }
}

/// `receive(client, number, count, whole)`: 0 and what there is, at most so much; with `whole`, waits for all of it.
pub(super) unsafe extern "C-unwind" fn receive(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        let count = usize::try_from(ffi::luaL_checkinteger(lua, 3)).unwrap_or(0);
        let whole = ffi::lua_toboolean(lua, 4) != 0;
        let gone = Words::Received(PollError::Unconfigured as c_int, b"", GONE);
        on_same(lua, &gone, |object, client| {
            let mut buffer = Vec::new();
            let mut got = 0;
            let mut failure = None;
            while got < count && failure.is_none() {
                // It grows with what comes, not with what was asked for.
                let room = (count - got).min(client.connection_available().clamp(PIECE, LARGEST));
                buffer.resize(got + room, 0);
                match client.connection_recv(&mut buffer[got..]) {
                    Ok(0) if whole => rest(object, &mut failure),
                    Ok(more) => got += more,
                    Err(error) => failure = Some(error),
                }
                if !whole {
                    break;
                }
            }
            match failure {
                None => answer(lua, &Words::Received(0, &buffer[..got], "")),
                Some(error) => {
                    let sentence = sentence(client, error);
                    answer(lua, &Words::Received(error as c_int, &buffer[..got], &sentence))
                }
            }
        })
    }
}

/// Waits a little for the peer. A script's own stream that has raised will not go on.
fn rest(object: &Object, failure: &mut Option<PollError>) {
    if object.seat.is_broken() {
        *failure = Some(PollError::ConnectionError);
    } else {
        thread::sleep(Duration::from_millis(1));
    }
}

/// `send(client, number, bytes, whole)`: 0 and how many were taken; with `whole`, waits until all were.
pub(super) unsafe extern "C-unwind" fn send(lua: *mut lua_State) -> c_int {
    // SAFETY: as above; the string stays on the stack.
    unsafe {
        ffi::luaL_checklstring(lua, 3, ptr::null_mut());
        let whole = ffi::lua_toboolean(lua, 4) != 0;
        on_same(lua, &REFUSED, |object, client| {
            let given = bytes(lua, 3);
            let mut sent = 0;
            let mut failure = None;
            while sent < given.len() && failure.is_none() {
                match client.connection_send(&given[sent..]) {
                    Ok(0) if whole => rest(object, &mut failure),
                    Ok(0) => break,
                    Ok(more) => sent += more,
                    Err(error) => failure = Some(error),
                }
                if !whole {
                    break;
                }
            }
            if let Some(error) = failure {
                return told(lua, client, Err(error));
            }
            ffi::lua_pushinteger(lua, 0);
            ffi::lua_pushinteger(lua, sent as ffi::lua_Integer);
            Finish::Return(2)
        })
    }
}
