//! What the Lua side has made of `params`, beyond the options that `http` knows: read once, judged nowhere.

use std::ffi::{CStr, c_int};

use mlua_sys::{self as ffi, lua_State};

use crate::guard::bytes;

type Bytes = Vec<u8>;

/// `None` and false where nothing was said.
#[derive(Default)]
pub(super) struct Plan {
    pub(super) body: Option<Bytes>,
    /// Whether the body is text: it then has a charset.
    pub(super) text: bool,
    /// A file to send: its name, its folder, and another folder to look in.
    pub(super) body_name: Option<Bytes>,
    pub(super) body_folder: Option<Bytes>,
    pub(super) body_else: Option<Bytes>,
    /// A file to write: its name and its folder.
    pub(super) file_name: Option<Bytes>,
    pub(super) file_folder: Option<Bytes>,
    /// The limit of what waits, in bytes, where the body comes in pieces.
    pub(super) chunk: Option<f64>,
    /// Whether the head is told by itself.
    pub(super) head: bool,
    /// Milliseconds between two tellings, and of what: `upload`, `download` or `both`.
    pub(super) every: Option<f64>,
    pub(super) watch: Option<Bytes>,
    pub(super) priority: Option<f64>,
    pub(super) max_rate: Option<f64>,
    pub(super) cookies: Option<bool>,
    pub(super) retry_max: Option<f64>,
    pub(super) retry_wait: Option<f64>,
    pub(super) retry_max_wait: Option<f64>,
    pub(super) retry_statuses: Option<bool>,
    pub(super) form_posts: bool,
}

/// Reads the table (2) into the [`Plan`] that 1 points to.
///
/// Runs protected.
pub(super) unsafe extern "C-unwind" fn read_plan(lua: *mut lua_State) -> c_int {
    // SAFETY: the frame that owns the plan waits in `lua_pcall`; nothing is owned here. Strings are copied while they
    // stand on the stack.
    unsafe {
        let plan = &mut *ffi::lua_touserdata(lua, 1).cast::<Plan>();
        for (name, out) in [
            (c"body", &mut plan.body),
            (c"body_name", &mut plan.body_name),
            (c"body_folder", &mut plan.body_folder),
            (c"body_else", &mut plan.body_else),
            (c"file_name", &mut plan.file_name),
            (c"file_folder", &mut plan.file_folder),
            (c"watch", &mut plan.watch),
        ] {
            if get(lua, name) == ffi::LUA_TSTRING {
                *out = Some(bytes(lua, 3).to_vec());
            }
        }
        for (name, out) in [
            (c"chunk", &mut plan.chunk),
            (c"every", &mut plan.every),
            (c"priority", &mut plan.priority),
            (c"max_rate", &mut plan.max_rate),
            (c"retry_max", &mut plan.retry_max),
            (c"retry_wait", &mut plan.retry_wait),
            (c"retry_max_wait", &mut plan.retry_max_wait),
        ] {
            if get(lua, name) == ffi::LUA_TNUMBER {
                *out = Some(ffi::lua_tonumber(lua, 3));
            }
        }
        for (name, out) in [(c"cookies", &mut plan.cookies), (c"retry_statuses", &mut plan.retry_statuses)] {
            if get(lua, name) == ffi::LUA_TBOOLEAN {
                *out = Some(ffi::lua_toboolean(lua, 3) != 0);
            }
        }
        for (name, out) in [(c"text", &mut plan.text), (c"head", &mut plan.head), (c"form_posts", &mut plan.form_posts)]
        {
            get(lua, name);
            *out = ffi::lua_toboolean(lua, 3) != 0;
        }
        0
    }
}

/// Puts the field's value at 3; its type.
unsafe fn get(lua: *mut lua_State, name: &CStr) -> c_int {
    // SAFETY: called from `read_plan`, where a table is at 2.
    unsafe {
        ffi::lua_settop(lua, 2);
        ffi::lua_getfield(lua, 2, name.as_ptr());
        ffi::lua_type(lua, 3)
    }
}
