//! A lane: the transfers that one pump drives, `network`'s or a call of `http.all`, as a table of native functions. It
//! starts nothing and means nothing; `start` and the Lua beside it do.

use std::cell::RefCell;
use std::ffi::{CStr, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::time::Duration;

use mlua_sys::{self as ffi, lua_CFunction, lua_State, lua_upvalueindex};
use whimbrel::{Event, Outcome, TransferId, Transfers};

use super::words::{self, Words, count};
use super::{ending, start};
use crate::guard::{Finish, guarded};
use crate::headers;
use crate::session::{self, SESSION};

/// Behind the userdata of a lane.
pub(super) struct Lane {
    /// Never borrowed while Lua runs: a finalizer may come back here.
    pub(super) transfers: RefCell<Transfers>,
    /// Ends that were told and whose outcome is still to be asked for.
    pub(super) ended: RefCell<Vec<(u64, Box<Outcome>)>>,
    /// Whether requests have the defaults of `network`, not those of `http`.
    pub(super) evented: bool,
}

// The upvalues of each function, after `session`'s SESSION, READ and PUSH.
pub(super) const LANE: c_int = 4;
pub(super) const WORDS: c_int = 5;
pub(super) const HANDLE: c_int = 6;
pub(super) const PLAN: c_int = 7;

// What `next` gives first.
const NONE: ffi::lua_Integer = 0;
const HEAD: ffi::lua_Integer = 1;
const PROGRESS: ffi::lua_Integer = 2;
const CHUNK: ffi::lua_Integer = 3;
const END: ffi::lua_Integer = 4;
const LOST: ffi::lua_Integer = 5;

const FUNCTIONS: [(&CStr, lua_CFunction); 13] = [
    (c"start", start::start),
    (c"next", next),
    (c"ended", ending::ended),
    (c"fetched", ending::fetched),
    (c"forget", ending::forget),
    (c"wait", wait),
    (c"is_suspended", is_suspended),
    (c"cancel", cancel),
    (c"cancel_all", cancel_all),
    (c"pause", pause),
    (c"resume", resume),
    (c"set_priority", set_priority),
    (c"number", number),
];

/// Gives the functions of a new lane for `http.all`.
pub(super) unsafe extern "C-unwind" fn new_blocking(lua: *mut lua_State) -> c_int {
    // SAFETY: called by Lua with the three upvalues that it was made with.
    unsafe { new(lua, false) }
}

/// Gives the functions of the lane of `network`.
pub(super) unsafe extern "C-unwind" fn new_evented(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe { new(lua, true) }
}

unsafe fn new(lua: *mut lua_State, evented: bool) -> c_int {
    // SAFETY: this frame owns nothing but a number while something may raise.
    unsafe {
        ffi::luaL_checkstack(lua, 24, c"whimbrel".as_ptr());
        ffi::lua_settop(lua, 0);
        for upvalue in 1..=3 {
            ffi::lua_pushvalue(lua, lua_upvalueindex(upvalue));
        }
        let slot: *mut *mut Lane = ffi::lua_newuserdata(lua, size_of::<*mut Lane>()).cast();
        *slot = ptr::null_mut();
        ffi::lua_createtable(lua, 0, 2);
        ffi::lua_pushcclosure(lua, close, 0);
        ffi::lua_setfield(lua, -2, c"__gc".as_ptr());
        ffi::lua_pushboolean(lua, 0);
        ffi::lua_setfield(lua, -2, c"__metatable".as_ptr());
        ffi::lua_setmetatable(lua, -2);
        // From here on the lane is dropped with the userdata, whatever happens.
        let made = guarded(lua, || {
            let lane = Lane { transfers: RefCell::new(Transfers::new()), ended: RefCell::default(), evented };
            *slot = Box::into_raw(Box::new(lane));
            Finish::Return(1)
        });
        debug_assert_eq!(made, 1, "a panic raises");
        ffi::lua_pushcclosure(lua, words::push, 0);
        start::push_handle_metatable(lua);
        ffi::lua_pushcclosure(lua, super::plan::read_plan, 0);
        ffi::lua_createtable(lua, 0, FUNCTIONS.len() as c_int);
        for (name, function) in FUNCTIONS {
            for upvalue in 1..=PLAN {
                ffi::lua_pushvalue(lua, upvalue);
            }
            ffi::lua_pushcclosure(lua, function, PLAN);
            ffi::lua_setfield(lua, -2, name.as_ptr());
        }
        1
    }
}

/// The lane of the running function; none when it is closed.
///
/// # Safety
/// In one of [`FUNCTIONS`]. The reference must not outlive the call.
pub(super) unsafe fn current<'a>(lua: *mut lua_State) -> Option<&'a Lane> {
    // SAFETY: the upvalue is a userdata that `new` made.
    unsafe { (*ffi::lua_touserdata(lua, lua_upvalueindex(LANE)).cast::<*mut Lane>()).as_ref() }
}

/// `__gc`. Functions that finalizers call afterwards find the lane closed.
unsafe extern "C-unwind" fn close(lua: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this once with the userdata; the pointer came from `Box::into_raw` and is taken out first.
    unsafe {
        let slot: *mut *mut Lane = ffi::lua_touserdata(lua, 1).cast();
        if !slot.is_null() {
            let lane = ptr::replace(slot, ptr::null_mut());
            if !lane.is_null() {
                // A panic in a destructor is told on standard error; there is nobody else to tell.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(Box::from_raw(lane))));
            }
        }
        0
    }
}

/// Gives what is ready: a kind, the transfer's number, and what belongs to the kind. Nothing if nothing is ready, and
/// [`NONE`] if nothing is under way either.
unsafe extern "C-unwind" fn next(lua: *mut lua_State) -> c_int {
    // SAFETY: in one of the functions; what may raise runs in `lua_pcall`, and 20 stack slots are free.
    unsafe {
        guarded(lua, || {
            let Some(lane) = current(lua) else { return Finish::Return(0) };
            loop {
                let event = lane.transfers.borrow_mut().next();
                let Some(event) = event else {
                    // That nothing will come either is worth saying: whoever still waits then waits in vain.
                    if lane.transfers.borrow().is_empty() {
                        ffi::lua_pushinteger(lua, NONE);
                        return Finish::Return(1);
                    }
                    return Finish::Return(0);
                };
                let id = number_of(event.id());
                return match event {
                    Event::Progress { progress, .. } => {
                        push_numbers(lua, PROGRESS, id);
                        for count in [
                            progress.sent as ffi::lua_Integer,
                            count(progress.send_total),
                            progress.transferred as ffi::lua_Integer,
                            count(progress.transfer_total),
                            progress.received as ffi::lua_Integer,
                            count(progress.receive_total),
                        ] {
                            ffi::lua_pushinteger(lua, count);
                        }
                        Finish::Return(8)
                    }
                    Event::Head { head, progress, .. } => {
                        let total = progress.transfer_total.map_or(-1, |total| total as i64);
                        let joined = headers::joined_for_network(&head.fields);
                        push_event(lua, HEAD, id, &Words::Head(&head, joined.as_ref(), total), 3)
                    }
                    Event::Chunk { bytes, .. } => push_event(lua, CHUNK, id, &Words::Text(&bytes), 1),
                    Event::End { outcome, .. } => {
                        lane.ended.borrow_mut().push((id as u64, outcome));
                        push_numbers(lua, END, id);
                        Finish::Return(2)
                    }
                    // Not asked for.
                    _ => continue,
                };
            }
        })
    }
}

unsafe fn push_numbers(lua: *mut lua_State, kind: ffi::lua_Integer, id: ffi::lua_Integer) {
    // SAFETY: numbers need no memory.
    unsafe {
        ffi::lua_pushinteger(lua, kind);
        ffi::lua_pushinteger(lua, id);
    }
}

/// The event, or that it could not be handed over and why.
unsafe fn push_event(
    lua: *mut lua_State,
    kind: ffi::lua_Integer,
    id: ffi::lua_Integer,
    words: &Words<'_>,
    results: c_int,
) -> Finish {
    // SAFETY: as in `next`.
    unsafe {
        let top = ffi::lua_gettop(lua);
        push_numbers(lua, kind, id);
        if words::say(lua, lua_upvalueindex(WORDS), words, results) {
            return Finish::Return(2 + results);
        }
        push_numbers(lua, LOST, id);
        ffi::lua_pushvalue(lua, top + 3);
        Finish::Return(3)
    }
}

/// `wait(seconds or nil)`: whether there is something to deliver now. Nothing under way: false at once.
unsafe extern "C-unwind" fn wait(lua: *mut lua_State) -> c_int {
    // SAFETY: reading a number owns nothing; the rest pushes a boolean.
    unsafe {
        let limited = ffi::lua_type(lua, 1) == ffi::LUA_TNUMBER;
        let seconds = ffi::lua_tonumber(lua, 1);
        guarded(lua, || {
            let ready = current(lua).is_some_and(|lane| {
                let mut transfers = lane.transfers.borrow_mut();
                !transfers.is_empty() && transfers.wait(limited.then(|| duration(seconds)))
            });
            ffi::lua_pushboolean(lua, ready.into());
            Finish::Return(1)
        })
    }
}

/// Whether the session stands still.
unsafe extern "C-unwind" fn is_suspended(lua: *mut lua_State) -> c_int {
    // SAFETY: in one of the functions; a boolean needs no memory.
    unsafe {
        guarded(lua, || {
            let session = session::at(lua, lua_upvalueindex(SESSION)).as_ref();
            ffi::lua_pushboolean(lua, session.is_some_and(|session| session.client.is_suspended()).into());
            Finish::Return(1)
        })
    }
}

/// Seconds as a duration: none for what is negative or no number, at most thirty years.
pub(super) fn duration(seconds: f64) -> Duration {
    Duration::from_secs_f64(if seconds > 0.0 { seconds.min(1e9) } else { 0.0 })
}

/// Runs `change` for the transfer whose number is argument 1, and gives what it gives.
unsafe fn change(lua: *mut lua_State, change: impl FnOnce(&mut Transfers, TransferId) -> bool) -> c_int {
    // SAFETY: reading a number owns nothing; the rest pushes a boolean.
    unsafe {
        let number = ffi::lua_tonumber(lua, 1) as u64;
        guarded(lua, || {
            let done = current(lua)
                .is_some_and(|lane| change(&mut lane.transfers.borrow_mut(), TransferId::from_number(number)));
            ffi::lua_pushboolean(lua, done.into());
            Finish::Return(1)
        })
    }
}

unsafe extern "C-unwind" fn cancel(lua: *mut lua_State) -> c_int {
    // SAFETY: in one of the functions.
    unsafe { change(lua, Transfers::cancel) }
}

unsafe extern "C-unwind" fn pause(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe { change(lua, Transfers::pause) }
}

unsafe extern "C-unwind" fn resume(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe { change(lua, Transfers::resume) }
}

unsafe extern "C-unwind" fn set_priority(lua: *mut lua_State) -> c_int {
    // SAFETY: as above; the cast saturates.
    unsafe {
        let priority = ffi::lua_tonumber(lua, 2) as i8;
        change(lua, |transfers, id| transfers.set_priority(id, priority))
    }
}

unsafe extern "C-unwind" fn cancel_all(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        guarded(lua, || {
            if let Some(lane) = current(lua) {
                lane.transfers.borrow_mut().cancel_all();
            }
            Finish::Return(0)
        })
    }
}

/// The number of the transfer that a request id means; nothing for what is no request id.
unsafe extern "C-unwind" fn number(lua: *mut lua_State) -> c_int {
    // SAFETY: as above; a userdata with our metatable is one that `start` made.
    unsafe {
        match start::handle_at(lua, 1) {
            Some(number) => {
                ffi::lua_pushinteger(lua, number as ffi::lua_Integer);
                1
            }
            None => 0,
        }
    }
}

/// A transfer's number for Lua: it fits in 53 bits.
pub(super) fn number_of(id: TransferId) -> ffi::lua_Integer {
    id.get() as ffi::lua_Integer
}
