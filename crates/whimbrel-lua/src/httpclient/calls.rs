//! The functions of a client that go along a request: connect, step, ask, read. Each is one call of the engine between
//! two conversions.

use std::borrow::Cow;
use std::ffi::c_int;
use std::ptr;

use mlua_sys::{self as ffi, lua_State, lua_upvalueindex};
use whimbrel::{Body, PollClient, PollError, PollMethod, PollStatus};

use super::object::{self, SESSION, enter};
use super::tls;
use super::words::{self, Words, answer, told};
use crate::guard::{Finish, bytes};
use crate::options;

/// `connect(client, host, port, tls...)`; see [`tls::read`] for what follows.
pub(super) unsafe extern "C-unwind" fn connect(lua: *mut lua_State) -> c_int {
    // SAFETY: called by Lua; `httpclient.lua` has checked the types, and what is no string is taken for none.
    unsafe {
        ffi::luaL_checklstring(lua, 2, ptr::null_mut());
        let port = ffi::luaL_checkinteger(lua, 3);
        enter(lua, |object, client| {
            object.renew(false);
            let host = String::from_utf8_lossy(bytes(lua, 2));
            match tls::read(lua, 4, lua_upvalueindex(SESSION), &host) {
                Ok(options) => {
                    let result = client.connect_to_host(&host, port as i64, options);
                    told(lua, client, result)
                }
                Err((number, sentence)) => {
                    client.close();
                    answer(lua, &Words::Refusal(number as c_int, &sentence))
                }
            }
        })
    }
}

/// `close(client)`.
pub(super) unsafe extern "C-unwind" fn close(lua: *mut lua_State) -> c_int {
    // SAFETY: called by Lua.
    unsafe {
        enter(lua, |object, client| {
            client.close();
            object.renew(false);
            Finish::Return(0)
        })
    }
}

/// `poll(client)`.
pub(super) unsafe extern "C-unwind" fn poll(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        enter(lua, |_, client| {
            let result = client.poll();
            told(lua, client, result)
        })
    }
}

/// `request(client, method, url, lines or nil, body or nil)`.
pub(super) unsafe extern "C-unwind" fn request(lua: *mut lua_State) -> c_int {
    // SAFETY: as `connect`; the lines stay in their table, which no function of the script can reach meanwhile, as
    // none runs.
    unsafe {
        ffi::lua_settop(lua, 5);
        let Some(object) = object::check(lua) else { return 0 };
        let place = object::anchor_body(lua, object);
        ask(lua, |object| Ok(object::take_body(lua, object, place)))
    }
}

/// `request_file(client, method, url, lines or nil, path)`.
pub(super) unsafe extern "C-unwind" fn request_file(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        ffi::lua_settop(lua, 5);
        ffi::luaL_checklstring(lua, 5, ptr::null_mut());
        ask(lua, |_| options::path("path", bytes(lua, 5)).and_then(Body::file))
    }
}

unsafe fn ask(lua: *mut lua_State, body: impl FnOnce(&object::Object) -> whimbrel::Result<Body>) -> c_int {
    // SAFETY: as `request` says.
    unsafe {
        let method = ffi::luaL_checkinteger(lua, 2);
        ffi::luaL_checklstring(lua, 3, ptr::null_mut());
        enter(lua, |object, client| {
            let Some(method) = PollMethod::from_number(method as i64) else {
                let sentence = "Invalid argument: the method is none of METHOD_GET to METHOD_PATCH";
                return answer(lua, &Words::Refusal(PollError::InvalidParameter as c_int, sentence));
            };
            let Ok(url) = std::str::from_utf8(bytes(lua, 3)) else {
                let sentence = "Invalid URL: the URL is not UTF-8";
                return answer(lua, &Words::Refusal(PollError::InvalidParameter as c_int, sentence));
            };
            let body = match body(object) {
                Ok(body) => body,
                Err(error) => {
                    return answer(lua, &Words::Refusal(PollError::FileCantOpen as c_int, &error.to_string()));
                }
            };
            let result = client.request(method, url, lines(lua, 4), body);
            told(lua, client, result)
        })
    }
}

/// The strings in the table at `index`, if there is one.
unsafe fn lines<'a>(lua: *mut lua_State, index: c_int) -> Vec<&'a [u8]> {
    let mut lines = Vec::new();
    // SAFETY: as `request` says: the strings live as long as the table holds them.
    unsafe {
        if ffi::lua_type(lua, index) != ffi::LUA_TTABLE {
            return lines;
        }
        let top = ffi::lua_gettop(lua);
        for place in 1.. {
            ffi::lua_rawgeti(lua, index, place);
            if ffi::lua_type(lua, -1) != ffi::LUA_TSTRING {
                break;
            }
            lines.push(bytes(lua, -1));
            ffi::lua_settop(lua, top);
        }
        ffi::lua_settop(lua, top);
    }
    lines
}

/// `read_response_body_chunk(client)`: what has come of the body; `""` for nothing, with a sentence where nothing can come.
pub(super) unsafe extern "C-unwind" fn read_chunk(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        enter(lua, |object, client| {
            let mut buffer = object.buffer.borrow_mut();
            let mut held = object.held.get();
            if held == 0 {
                if client.status() != PollStatus::Body {
                    let sentence = format!("there is no body to read in {}", client.status().name());
                    return answer(lua, &Words::Nothing(&sentence));
                }
                let room = client.read_room();
                if buffer.len() < room {
                    buffer.resize(room, 0);
                }
                held = client.read_body(&mut buffer[..room]);
                object.held.set(held);
                if held == 0 && client.status() == PollStatus::ConnectionError {
                    let sentence = client.error().map(ToString::to_string).unwrap_or_default();
                    return answer(lua, &Words::Nothing(&sentence));
                }
            }
            let finish = answer(lua, &Words::Text(&buffer[..held]));
            if matches!(finish, Finish::Return(_)) {
                object.held.set(0);
            }
            finish
        })
    }
}

/// `get_response_headers(client)`: the lines, once.
pub(super) unsafe extern "C-unwind" fn header_lines(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        enter(lua, |_, client| {
            let headers = client.take_response_headers();
            let lines: Vec<Cow<'_, str>> = headers.lines().collect();
            answer(lua, &Words::Lines(&lines))
        })
    }
}

/// `get_response_headers_as_dictionary(client)`: the values by name, once.
pub(super) unsafe extern "C-unwind" fn header_pairs(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        enter(lua, |_, client| {
            let headers = client.take_response_headers();
            let pairs: Vec<(Cow<'_, str>, Cow<'_, str>)> = headers.pairs().collect();
            answer(lua, &Words::Pairs(&pairs))
        })
    }
}

/// `get_response_trailers(client)`: the lines after a chunked body.
pub(super) unsafe extern "C-unwind" fn trailers(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        enter(lua, |_, client| {
            let line = |(name, value): (&[u8], &[u8])| {
                Cow::Owned(format!("{}: {}", String::from_utf8_lossy(name), String::from_utf8_lossy(value)))
            };
            let lines: Vec<Cow<'_, str>> = client.trailers().iter_bytes().map(line).collect();
            answer(lua, &Words::Lines(&lines))
        })
    }
}

/// `get_timings(client)`: seconds since the request began.
pub(super) unsafe extern "C-unwind" fn timings(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe { enter(lua, |_, client| answer(lua, &Words::Timings(client.timings()))) }
}

/// `error(client)`: why the last call or the connection failed, or nil.
pub(super) unsafe extern "C-unwind" fn error(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        enter(lua, |_, client| match client.error() {
            Some(error) => answer(lua, &Words::Text(error.to_string().as_bytes())),
            None => Finish::Return(0),
        })
    }
}

/// A function that pushes what the client says of itself, for which no memory is needed.
macro_rules! looks {
    ($($name:ident: |$lua:ident, $client:ident| $push:expr;)*) => {
        $(
            pub(super) unsafe extern "C-unwind" fn $name(lua: *mut lua_State) -> c_int {
                // SAFETY: as above; numbers and booleans need no memory.
                unsafe {
                    enter(lua, |_, $client: &mut PollClient| {
                        let $lua = lua;
                        $push;
                        Finish::Return(1)
                    })
                }
            }
        )*
    };
}

looks! {
    status: |lua, client| ffi::lua_pushinteger(lua, (client.status() as u8).into());
    has_response: |lua, client| ffi::lua_pushboolean(lua, client.has_response().into());
    response_code: |lua, client| ffi::lua_pushinteger(lua, client.response_code().into());
    body_length: |lua, client| ffi::lua_pushinteger(lua, client.response_body_length() as ffi::lua_Integer);
    is_chunked: |lua, client| ffi::lua_pushboolean(lua, client.is_response_chunked().into());
    is_upgraded: |lua, client| ffi::lua_pushboolean(lua, client.is_upgraded().into());
    bytes_sent: |lua, client| ffi::lua_pushinteger(lua, client.progress().sent as ffi::lua_Integer);
    request_length: |lua, client| {
        ffi::lua_pushinteger(lua, client.progress().send_total.map_or(-1, |total| total as ffi::lua_Integer))
    };
    bytes_received: |lua, client| ffi::lua_pushinteger(lua, client.progress().received as ffi::lua_Integer);
}

/// `query(list)`: the query of a list of names and values in turn, false for a name alone; nil if one is no UTF-8.
pub(super) unsafe extern "C-unwind" fn query(lua: *mut lua_State) -> c_int {
    // SAFETY: as `lines`: `httpclient.lua` made the list, and nobody else has it.
    unsafe {
        ffi::luaL_checktype(lua, 1, ffi::LUA_TTABLE);
        ffi::lua_settop(lua, 1);
        crate::guard::guarded(lua, || {
            let mut pairs: Vec<(&str, Option<&str>)> = Vec::new();
            for place in (1..).step_by(2) {
                ffi::lua_rawgeti(lua, 1, place);
                ffi::lua_rawgeti(lua, 1, place + 1);
                if ffi::lua_type(lua, 2) != ffi::LUA_TSTRING {
                    break;
                }
                let value = (ffi::lua_type(lua, 3) == ffi::LUA_TSTRING).then(|| std::str::from_utf8(bytes(lua, 3)));
                match (std::str::from_utf8(bytes(lua, 2)), value.transpose()) {
                    (Ok(name), Ok(value)) => pairs.push((name, value)),
                    _ => return Finish::Return(0),
                }
                ffi::lua_settop(lua, 1);
            }
            words::answer(lua, &Words::Text(whimbrel::query_string(pairs).as_bytes()))
        })
    }
}
