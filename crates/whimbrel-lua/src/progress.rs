//! Calls a script's `on_progress`. It passes on what the engine counted and what the script answered: `false` or an
//! error ends the transfer.

use std::ffi::c_int;
use std::ops::ControlFlow;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};

use mlua_sys::{self as ffi, lua_State, lua_upvalueindex};
use whimbrel::Progress;

use crate::guard::protected;
use crate::session::PROGRESS;

/// Where on the stack the error of a callback lies, once there is one; 0 is nowhere.
#[derive(Clone)]
pub(crate) struct Raised(Arc<AtomicI32>);

impl Raised {
    pub(crate) fn index(&self) -> Option<c_int> {
        Some(self.0.load(Ordering::Relaxed)).filter(|&index| index != 0)
    }
}

/// The callback of one call, on the stack of the C function that is running it.
pub(crate) struct Reporter {
    lua: *mut lua_State,
    function: c_int,
    raised: Raised,
}

// SAFETY: the engine calls the callback of a request only on the thread that runs it, inside the call that was made
// from this very Lua state; neither the pointer nor anything of Lua is touched anywhere else.
unsafe impl Send for Reporter {}

impl Reporter {
    /// For the function at stack index `function`, which stays there while the call runs.
    pub(crate) fn new(lua: *mut lua_State, function: c_int) -> Self {
        Self { lua, function, raised: Raised(Arc::default()) }
    }

    pub(crate) fn raised(&self) -> Raised {
        self.raised.clone()
    }

    /// Calls the script. Its error stays on the stack, to be raised when the call has been cleaned up.
    pub(crate) fn report(&mut self, progress: &Progress) -> ControlFlow<()> {
        if self.raised.index().is_some() {
            return ControlFlow::Break(());
        }
        let lua = self.lua;
        // SAFETY: the C function that owns the upvalues and the stack is the one running, on this thread; the stack has
        // room, as each report leaves nothing but at most one error. `call_back` reads a `Progress`.
        unsafe {
            let context = ptr::from_ref(progress).cast_mut().cast();
            if !protected(lua, lua_upvalueindex(PROGRESS), context, &[self.function], 1) {
                self.raised.0.store(ffi::lua_gettop(lua), Ordering::Relaxed);
                return ControlFlow::Break(());
            }
            let stop = ffi::lua_type(lua, -1) == ffi::LUA_TBOOLEAN && ffi::lua_toboolean(lua, -1) == 0;
            ffi::lua_settop(lua, -2);
            if stop { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    }
}

/// Calls the function (2) with a table of what the [`Progress`] (1) says; returns what it returned.
pub(crate) unsafe extern "C-unwind" fn call_back(lua: *mut lua_State) -> c_int {
    // SAFETY: `report` gave both arguments and waits in `lua_pcall`; this frame owns nothing.
    unsafe {
        let progress = &*ffi::lua_touserdata(lua, 1).cast::<Progress>();
        ffi::lua_createtable(lua, 0, 5);
        let sending = progress.received == 0 && progress.send_total.is_some_and(|total| progress.sent < total);
        ffi::lua_pushstring(lua, if sending { c"sending" } else { c"receiving" }.as_ptr());
        ffi::lua_setfield(lua, 3, c"phase".as_ptr());
        for (name, count) in [
            (c"sent", Some(progress.sent)),
            (c"send_total", progress.send_total),
            (c"received", Some(progress.received)),
            (c"total", progress.receive_total),
        ] {
            if let Some(count) = count {
                ffi::lua_pushinteger(lua, count.min(i64::MAX as u64) as ffi::lua_Integer);
                ffi::lua_setfield(lua, 3, name.as_ptr());
            }
        }
        ffi::lua_call(lua, 1, 1);
        1
    }
}
