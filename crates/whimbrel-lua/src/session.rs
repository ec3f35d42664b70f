//! The session of a Lua state: one engine client for all names under which the state reaches the library, made when the
//! first is opened and dropped when the state is closed. Nothing is shared between states.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::ptr;

use mlua_sys::{self as ffi, lua_CFunction, lua_State};
use whimbrel::Client;

use crate::guard::{Finish, guarded};
use crate::network::{self, Folders};
use crate::options::DEFAULT_TIMEOUT;
use crate::shape::Shapes;
use crate::{call, outcome, progress, read};

/// What a host program sets for every request of a Lua state.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// `("host:port", "address")`: where to connect for that authority instead of looking its name up.
    pub resolve: Vec<(String, String)>,
    /// A PEM file of certificates that are trusted besides the platform's.
    pub ca_file: Option<PathBuf>,
    /// Whether proxies that the environment names are left out.
    pub direct: bool,
    /// The folder under which `system`'s directories lie (Documents and its like); default: `whimbrel-data` in the folder
    /// that is the current one when the session is made.
    pub base: Option<PathBuf>,
    /// The folder of the script's own files; default: the current one.
    pub resources: Option<PathBuf>,
    /// Whether the host calls `network.dispatch` by itself, so that no hook into a `Runtime` is wanted.
    pub pumps: bool,
}

/// Behind the userdata of a state. Shared, as a callback may make a request inside a request.
pub(crate) struct Session {
    pub(crate) client: Client,
    pub(crate) host: RefCell<Host>,
    pub(crate) shapes: RefCell<Shapes>,
    pub(crate) folders: RefCell<Folders>,
    /// The memory of an earlier body, empty.
    buffer: Cell<Vec<u8>>,
}

/// The most memory that is kept from one body to the next, in bytes.
const KEPT: usize = 64 * 1024;

impl Session {
    /// An empty buffer for a body, with the memory of an earlier one where there is any.
    pub(crate) fn take_buffer(&self) -> Vec<u8> {
        self.buffer.take()
    }

    /// What the host sets, from now on.
    pub(crate) fn set_host(&self, host: Host) {
        self.folders.replace(Folders::new(host.base.as_deref(), host.resources.as_deref()));
        self.host.replace(host);
    }

    /// Keeps the memory of a buffer that is not needed any more.
    pub(crate) fn keep_buffer(&self, mut buffer: Vec<u8>) {
        if buffer.capacity() <= KEPT {
            buffer.clear();
            self.buffer.set(buffer);
        }
    }
}

/// The upvalues of each function of the module.
pub(crate) const SESSION: c_int = 1;
pub(crate) const READ: c_int = 2;
pub(crate) const PUSH: c_int = 3;
pub(crate) const PROGRESS: c_int = 4;

const SESSION_KEY: &CStr = c"whimbrel.session";
const HTTP_KEY: &CStr = c"whimbrel.http";

/// The `User-Agent` where a script sets none.
pub(crate) const USER_AGENT: &str = "Lua-HTTP/1.0";

/// The whole surface of `http`, but for the fields `strict` and `_VERSION`.
const FUNCTIONS: [(&CStr, lua_CFunction); 9] = [
    (c"request", call::request),
    (c"get", call::get),
    (c"post", call::post),
    (c"put", call::put),
    (c"patch", call::patch),
    (c"delete", call::delete),
    (c"head", call::head),
    (c"options", call::options),
    (c"download", call::download),
];

/// Pushes the state's `http` table, made when first asked for.
///
/// # Safety
/// `lua` must be valid, and nothing that must be dropped may lie in the caller's frame: memory may be out.
pub(crate) unsafe fn push_http(lua: *mut lua_State) {
    // SAFETY: the caller's promise; this frame owns nothing.
    unsafe {
        ffi::luaL_checkstack(lua, 20, c"whimbrel".as_ptr());
        ffi::lua_getfield(lua, ffi::LUA_REGISTRYINDEX, HTTP_KEY.as_ptr());
        if ffi::lua_type(lua, -1) == ffi::LUA_TTABLE {
            return;
        }
        ffi::lua_settop(lua, -2);
        ffi::lua_createtable(lua, 0, 12);
        let http = ffi::lua_gettop(lua);
        push_session(lua);
        ffi::lua_pushvalue(lua, http);
        ffi::lua_pushcclosure(lua, read::read_options, 1);
        outcome::push_pusher(lua);
        ffi::lua_pushcclosure(lua, progress::call_back, 0);
        for (name, function) in FUNCTIONS {
            for upvalue in [SESSION, READ, PUSH, PROGRESS] {
                ffi::lua_pushvalue(lua, http + upvalue);
            }
            ffi::lua_pushcclosure(lua, function, 4);
            ffi::lua_setfield(lua, http, name.as_ptr());
        }
        network::add_all(lua, http);
        ffi::lua_pushboolean(lua, 0);
        ffi::lua_setfield(lua, http, c"strict".as_ptr());
        ffi::lua_pushstring(lua, crate::NAME_AND_VERSION.as_ptr());
        ffi::lua_setfield(lua, http, c"_VERSION".as_ptr());
        ffi::lua_settop(lua, http);
        ffi::lua_pushvalue(lua, http);
        ffi::lua_setfield(lua, ffi::LUA_REGISTRYINDEX, HTTP_KEY.as_ptr());
    }
}

/// Pushes the state's session, made when first asked for.
///
/// # Safety
/// As [`push_http`].
pub(crate) unsafe fn push_session(lua: *mut lua_State) {
    // SAFETY: the caller's promise; this frame owns nothing but a number while something may raise.
    unsafe {
        ffi::lua_getfield(lua, ffi::LUA_REGISTRYINDEX, SESSION_KEY.as_ptr());
        if ffi::lua_type(lua, -1) == ffi::LUA_TUSERDATA {
            return;
        }
        ffi::lua_settop(lua, -2);
        let slot: *mut *mut Session = ffi::lua_newuserdata(lua, size_of::<*mut Session>()).cast();
        *slot = ptr::null_mut();
        ffi::lua_createtable(lua, 0, 2);
        ffi::lua_pushcclosure(lua, close, 0);
        ffi::lua_setfield(lua, -2, c"__gc".as_ptr());
        ffi::lua_pushboolean(lua, 0);
        ffi::lua_setfield(lua, -2, c"__metatable".as_ptr());
        ffi::lua_setmetatable(lua, -2);
        // From here on the session is dropped with the userdata, whatever happens.
        let made = guarded(lua, || {
            *slot = open().map_or(ptr::null_mut(), |session| Box::into_raw(Box::new(session)));
            Finish::Return(c_int::from(!(*slot).is_null()))
        });
        if made == 0 {
            ffi::luaL_error(lua, c"whimbrel: the HTTP engine could not be started".as_ptr());
        }
        ffi::lua_pushvalue(lua, -1);
        ffi::lua_setfield(lua, ffi::LUA_REGISTRYINDEX, SESSION_KEY.as_ptr());
    }
}

fn open() -> whimbrel::Result<Session> {
    let client = Client::builder().user_agent(USER_AGENT).total_timeout(DEFAULT_TIMEOUT).idle_timeout(None).build()?;
    let folders = RefCell::new(Folders::new(None, None));
    Ok(Session { client, host: RefCell::default(), shapes: RefCell::default(), folders, buffer: Cell::default() })
}

/// The session in the userdata at `index`; null when it is closed.
///
/// # Safety
/// A userdata of [`push_session`] must be there.
pub(crate) unsafe fn at(lua: *mut lua_State, index: c_int) -> *mut Session {
    // SAFETY: the caller's promise.
    unsafe { *ffi::lua_touserdata(lua, index).cast::<*mut Session>() }
}

/// `__gc` of the session. Functions that finalizers call afterwards find it closed.
unsafe extern "C-unwind" fn close(lua: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this once with the userdata; the pointer came from `Box::into_raw` and is taken out first.
    unsafe {
        let slot: *mut *mut Session = ffi::lua_touserdata(lua, 1).cast();
        if !slot.is_null() {
            let session = ptr::replace(slot, ptr::null_mut());
            if !session.is_null() {
                // A panic in a destructor is told on standard error; there is nobody else to tell.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(Box::from_raw(session))));
            }
        }
        0
    }
}
