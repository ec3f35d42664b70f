//! How a request ended, for Lua: what the `ended` event holds, and what `fetch` and `http.all` return.

use std::borrow::Cow;
use std::ffi::{CStr, c_int};

use mlua_sys::{self as ffi, lua_State, lua_upvalueindex};
use whimbrel::text::{self, Content};
use whimbrel::{Outcome, ResponseHead, Timings};

use super::lane::{self, WORDS};
use super::order::counts;
use super::words::{self, Words};
use crate::guard::{Finish, guarded, push_bytes};
use crate::{call, headers, outcome};

/// What the `ended` event holds.
pub(super) struct Ending<'a> {
    outcome: &'a Outcome,
    /// The head, where the whole response came.
    head: Option<&'a ResponseHead>,
    joined: Option<headers::Pairs>,
    response: Cow<'a, [u8]>,
    kind: &'static CStr,
    /// What the text's charset is, and who says so.
    charset: Option<(&'static str, &'static str)>,
    moved: i64,
    total: i64,
}

impl<'a> Ending<'a> {
    fn new(outcome: &'a Outcome, upload: bool, explain: bool) -> Self {
        let (moved, total) = counts(&outcome.progress(), upload);
        let mut ending = Self {
            outcome,
            head: None,
            joined: None,
            response: Cow::Borrowed(b""),
            kind: c"text",
            charset: None,
            moved,
            total,
        };
        match (outcome.error(), outcome.head()) {
            (Some(error), _) => ending.response = error.network_text().into_bytes().into(),
            (None, None) => ending.response = b"Unknown error: the request came to no end".into(),
            (None, Some(head)) => {
                ending.head = Some(head);
                ending.joined = headers::joined_for_network(&head.fields);
                ending.set_response(head, explain);
            }
        }
        ending
    }

    /// A file's path, or the body: as UTF-8 where it is text.
    fn set_response(&mut self, head: &ResponseHead, explain: bool) {
        if let Some(path) = self.outcome.file() {
            self.response = path.as_os_str().as_encoded_bytes().into();
            self.kind = c"file";
            return;
        }
        let body = self.outcome.body();
        if body.is_empty() {
            return;
        }
        let content_type = head.fields.get("content-type");
        match text::decode(body, content_type, head.status) {
            Some(Cow::Borrowed(text)) => self.response = text.as_bytes().into(),
            Some(Cow::Owned(text)) => self.response = text.into_bytes().into(),
            None => {
                self.response = body.into();
                self.kind = c"binary";
                return;
            }
        }
        if explain && let Content::Text { charset, source } = text::classify(content_type, head.status, body) {
            self.charset = Some((charset.name(), source.as_str()));
        }
    }

    /// Pushes the eleven values that `ended` returns.
    ///
    /// # Safety
    /// Called by [`words::push`], with thirty free slots; nothing is owned here.
    pub(super) unsafe fn push(&self, lua: *mut lua_State) -> c_int {
        // SAFETY: the caller's promise.
        unsafe {
            ffi::lua_pushinteger(lua, self.head.map_or(-1, |head| head.status.into()));
            push_bytes(lua, &self.response);
            ffi::lua_pushstring(lua, self.kind.as_ptr());
            match self.head {
                Some(head) => headers::push_table(lua, head, self.joined.as_ref()),
                None => ffi::lua_pushnil(lua),
            }
            ffi::lua_pushinteger(lua, self.moved as ffi::lua_Integer);
            ffi::lua_pushinteger(lua, self.total as ffi::lua_Integer);
            match self.outcome.timings() {
                Some(timings) => push_timings(lua, timings),
                None => ffi::lua_pushnil(lua),
            }
            match self.head {
                Some(head) => push_bytes(lua, head.version.as_str().as_bytes()),
                None => ffi::lua_pushnil(lua),
            }
            match self.outcome.redirects() {
                0 => ffi::lua_pushnil(lua),
                _ => push_bytes(lua, self.outcome.url().as_bytes()),
            }
            match self.charset {
                Some((charset, source)) => {
                    push_bytes(lua, charset.as_bytes());
                    push_bytes(lua, source.as_bytes());
                }
                None => {
                    ffi::lua_pushnil(lua);
                    ffi::lua_pushnil(lua);
                }
            }
            11
        }
    }
}

unsafe fn push_timings(lua: *mut lua_State, timings: &Timings) {
    // SAFETY: as `Ending::push`.
    unsafe {
        ffi::lua_createtable(lua, 0, 7);
        for (name, time) in [
            (c"redirected", Some(timings.redirected())),
            (c"resolved", timings.resolved()),
            (c"connected", timings.connected()),
            (c"secured", timings.secured()),
            (c"sent", timings.sent()),
            (c"head", timings.head()),
            (c"finished", timings.finished()),
        ] {
            if let Some(time) = time {
                ffi::lua_pushnumber(lua, time.as_secs_f64());
                ffi::lua_setfield(lua, -2, name.as_ptr());
            }
        }
    }
}

/// Takes the outcome of the transfer with this number.
unsafe fn take(lua: *mut lua_State, number: u64) -> Option<Box<Outcome>> {
    // SAFETY: in a function of the lane.
    let lane = unsafe { lane::current(lua)? };
    let mut ended = lane.ended.borrow_mut();
    let place = ended.iter().position(|(other, _)| *other == number)?;
    Some(ended.swap_remove(place).1)
}

unsafe fn recycle(lua: *mut lua_State, outcome: Box<Outcome>) {
    // SAFETY: in a function of the lane.
    if let Some(lane) = unsafe { lane::current(lua) } {
        lane.transfers.borrow_mut().recycle(outcome);
    }
}

/// `ended(number, upload, explain)`: status (-1: an error), response, its type ("file": the response is its path), header table,
/// bytes moved, bytes in all, timings, protocol, URL after redirects, and, to explain, the charset and its source.
pub(super) unsafe extern "C-unwind" fn ended(lua: *mut lua_State) -> c_int {
    // SAFETY: numbers are read while nothing is owned; what may raise runs in `lua_pcall`.
    unsafe {
        let number = ffi::lua_tonumber(lua, 1) as u64;
        let upload = ffi::lua_toboolean(lua, 2) != 0;
        let explain = ffi::lua_toboolean(lua, 3) != 0;
        guarded(lua, || {
            let Some(outcome) = take(lua, number) else { return Finish::Return(0) };
            let ending = Ending::new(&outcome, upload, explain);
            let top = ffi::lua_gettop(lua);
            let said = words::say(lua, lua_upvalueindex(WORDS), &Words::Ending(&ending), ffi::LUA_MULTRET);
            drop(ending);
            recycle(lua, outcome);
            if said {
                return Finish::Return(ffi::lua_gettop(lua) - top);
            }
            // Memory is out; there is room for two numbers.
            ffi::lua_pushinteger(lua, -1);
            ffi::lua_pushvalue(lua, top + 1);
            Finish::Return(2)
        })
    }
}

/// `fetched(number, limit, path)`: what a function of `http` returns.
pub(super) unsafe extern "C-unwind" fn fetched(lua: *mut lua_State) -> c_int {
    // SAFETY: as above; a string argument stays on the stack.
    unsafe {
        let number = ffi::lua_tonumber(lua, 1) as u64;
        let limit = (ffi::lua_type(lua, 2) == ffi::LUA_TNUMBER).then(|| ffi::lua_tonumber(lua, 2) as u64);
        let has_path = ffi::lua_type(lua, 3) == ffi::LUA_TSTRING;
        guarded(lua, || {
            let Some(ended) = take(lua, number) else { return Finish::Return(0) };
            let result = match ended.error() {
                None => outcome::Outcome::ended(ended),
                Some(error) if has_path => call::not_saved(error, crate::guard::bytes(lua, 3), limit),
                Some(error) => call::failed(error, limit),
            };
            let finish = call::finish(lua, &result);
            if let outcome::Outcome::Ended(ended, _) = result {
                recycle(lua, ended);
            }
            finish
        })
    }
}

/// `forget(number)`: nobody wants the outcome.
pub(super) unsafe extern "C-unwind" fn forget(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        let number = ffi::lua_tonumber(lua, 1) as u64;
        guarded(lua, || {
            if let Some(outcome) = take(lua, number) {
                recycle(lua, outcome);
            }
            Finish::Return(0)
        })
    }
}
