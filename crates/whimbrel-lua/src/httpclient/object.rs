//! A client of the module as Lua has it: the userdata around one `PollClient`, and the one way by which its functions
//! enter it. It knows no function's meaning.
//!
//! Beside the userdata the state keeps a table of what the engine holds a pointer to or calls: the caller's own byte
//! stream and the bodies that were not copied.

use std::cell::{Cell, RefCell};
use std::ffi::{CStr, c_int};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mlua_sys::{self as ffi, lua_State, lua_upvalueindex};
use whimbrel::{Body, Client, PollClient};

use super::stream::Seat;
use crate::guard::{Finish, bytes, guarded};
use crate::session::{self, Session};

// The upvalues of each function.
pub(super) const METATABLE: c_int = 1;
pub(super) const WORDS: c_int = 2;
pub(super) const CALL: c_int = 3;
pub(super) const SESSION: c_int = 4;

// The places of the table beside a client. Those of bodies follow.
pub(super) const READ: ffi::lua_Integer = 1;
pub(super) const WRITE: ffi::lua_Integer = 2;
pub(super) const CONNECTION: ffi::lua_Integer = 3;
const FIRST_BODY: ffi::lua_Integer = 4;

/// From this size on, in bytes, a body is sent from the script's own string; below, a copy costs less than the table.
const BY_REFERENCE: usize = 16 * 1024;

/// How long each phase of connecting may take where nothing else is said.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

const EXPECTED: &CStr = c"HTTPClient expected; call its methods with a colon, as in client:poll()";
const BUSY: &CStr =
    c"HTTPClient: the client is in the middle of a call, so that the functions of its byte stream can't \
                      use it; use it when that call has returned";
const CLOSED: &CStr = c"HTTPClient: this Lua state is being closed";

/// Behind the userdata.
pub(super) struct Object {
    /// Borrowed while the engine works, and so while it calls the script's byte stream.
    client: RefCell<PollClient>,
    pub(super) seat: Rc<Seat>,
    /// Whether the connection is the script's own byte stream.
    pub(super) streamed: Cell<bool>,
    /// The number of the connection: what was made for an earlier one must not reach this one.
    pub(super) connection: Cell<ffi::lua_Integer>,
    /// Where bodies are received; the first `held` bytes could not be given to Lua yet.
    pub(super) buffer: RefCell<Vec<u8>>,
    pub(super) held: Cell<usize>,
    pub(super) connect_timeout: Cell<Duration>,
    pub(super) user_agent: RefCell<String>,
    /// The bodies that lie in the table: where, and whether the engine has dropped them.
    anchors: RefCell<Vec<(ffi::lua_Integer, Arc<AtomicBool>)>>,
}

impl Object {
    /// Another connection, or none: what belonged to the one before is over.
    pub(super) fn renew(&self, streamed: bool) {
        self.connection.set(self.connection.get() + 1);
        self.streamed.set(streamed);
        self.held.set(0);
        self.buffer.take();
    }
}

/// `new()`: a client, disconnected.
pub(super) unsafe extern "C-unwind" fn new(lua: *mut lua_State) -> c_int {
    // SAFETY: called by Lua with the upvalues; this frame owns nothing while something may raise.
    unsafe {
        ffi::lua_settop(lua, 0);
        let slot: *mut *mut Object = ffi::lua_newuserdata(lua, size_of::<*mut Object>()).cast();
        *slot = ptr::null_mut();
        ffi::lua_pushvalue(lua, lua_upvalueindex(METATABLE));
        ffi::lua_setmetatable(lua, 1);
        ffi::lua_createtable(lua, FIRST_BODY as c_int, 0);
        for place in 1..=FIRST_BODY {
            ffi::lua_pushboolean(lua, 0);
            ffi::lua_rawseti(lua, 2, place as _);
        }
        ffi::lua_setuservalue(lua, 1);
        let made = guarded(lua, || {
            let Some(session) = session::at(lua, lua_upvalueindex(SESSION)).as_ref() else { return Finish::Return(0) };
            let mut client = poll_client(session);
            client.set_connect_timeout(CONNECT_TIMEOUT);
            let object = Object {
                client: RefCell::new(client),
                seat: Rc::default(),
                streamed: Cell::new(false),
                connection: Cell::new(0),
                buffer: RefCell::default(),
                held: Cell::new(0),
                connect_timeout: Cell::new(CONNECT_TIMEOUT),
                user_agent: RefCell::new(session::USER_AGENT.to_owned()),
                anchors: RefCell::default(),
            };
            *slot = Box::into_raw(Box::new(object));
            Finish::Return(1)
        });
        if made == 0 { raise(lua, CLOSED) } else { 1 }
    }
}

/// A client that shares the session's TLS configurations; where the host redirects names, one of a session that does.
fn poll_client(session: &Session) -> PollClient {
    let host = session.host.borrow();
    if host.resolve.is_empty() {
        return session.client.poll_client();
    }
    let mut builder = Client::builder().user_agent(session::USER_AGENT);
    for (authority, address) in &host.resolve {
        builder = builder.resolve(authority, address);
    }
    builder.build().as_ref().unwrap_or(&session.client).poll_client()
}

/// `__gc`. Functions that finalizers call afterwards find the client closed.
pub(super) unsafe extern "C-unwind" fn drop_object(lua: *mut lua_State) -> c_int {
    // SAFETY: Lua calls this once with the userdata; the pointer came from `Box::into_raw` and is taken out first.
    unsafe {
        let slot: *mut *mut Object = ffi::lua_touserdata(lua, 1).cast();
        if slot.is_null() {
            return 0;
        }
        let object = ptr::replace(slot, ptr::null_mut());
        // A state may be closed inside a function of the byte stream. The frames that use the client then never go on,
        // as the process ends; but they are there.
        if !object.is_null() && (*object).client.try_borrow_mut().is_ok() {
            // A panic in a destructor is told on standard error; there is nobody else to tell.
            let _ = catch_unwind(AssertUnwindSafe(|| drop(Box::from_raw(object))));
        }
        0
    }
}

/// Raises this sentence, without a place in a chunk before it.
///
/// # Safety
/// In an entry point whose frame owns nothing.
pub(super) unsafe fn raise(lua: *mut lua_State, sentence: &CStr) -> c_int {
    // SAFETY: the caller's promise.
    unsafe {
        ffi::lua_pushstring(lua, sentence.as_ptr());
        ffi::lua_error(lua)
    }
}

/// The client at 1; raises if there is none that can be used now.
///
/// # Safety
/// In one of the functions, whose frame owns nothing. The reference must not outlive the call.
pub(super) unsafe fn check<'a>(lua: *mut lua_State) -> Option<&'a Object> {
    // SAFETY: a full userdata with our metatable, which no script can get hold of, is one that `new` made.
    unsafe {
        let top = ffi::lua_gettop(lua);
        if ffi::lua_type(lua, 1) != ffi::LUA_TUSERDATA
            || ffi::lua_getmetatable(lua, 1) == 0
            || ffi::lua_rawequal(lua, -1, lua_upvalueindex(METATABLE)) == 0
        {
            ffi::luaL_argerror(lua, 1, EXPECTED.as_ptr());
            return None;
        }
        ffi::lua_settop(lua, top);
        let Some(object) = (*ffi::lua_touserdata(lua, 1).cast::<*mut Object>()).as_ref() else {
            raise(lua, CLOSED);
            return None;
        };
        if object.client.try_borrow_mut().is_err() {
            raise(lua, BUSY);
            return None;
        }
        Some(object)
    }
}

/// Runs `body` with the client at 1. It must not raise; an error of the byte stream is raised when all is done.
///
/// # Safety
/// In one of the functions, whose frame owns nothing; `body` neither.
pub(super) unsafe fn enter(lua: *mut lua_State, body: impl FnOnce(&Object, &mut PollClient) -> Finish) -> c_int {
    // SAFETY: the caller's promise; the object lives as long as it lies on the stack, and see `drop_object`.
    unsafe {
        let Some(object) = check(lua) else { return 0 };
        guarded(lua, || {
            let Ok(mut client) = object.client.try_borrow_mut() else { return Finish::Return(0) };
            let seated = object.streamed.get().then(|| object.seat.sit(lua));
            let finish = body(object, &mut client);
            drop(client);
            if !object.anchors.borrow().is_empty() {
                object.release(lua);
            }
            match seated.and_then(|seated| seated.raised()) {
                Some(error) => {
                    ffi::lua_pushvalue(lua, error);
                    Finish::Raise
                }
                None => finish,
            }
        })
    }
}

impl Object {
    /// Lets go of the bodies that the engine has dropped.
    unsafe fn release(&self, lua: *mut lua_State) {
        // SAFETY: called by `enter`; setting a place that there is allocates nothing, hence never raises.
        unsafe {
            self.anchors.borrow_mut().retain(|(place, gone)| {
                let gone = gone.load(Ordering::Acquire);
                if gone {
                    ffi::lua_getuservalue(lua, 1);
                    ffi::lua_pushboolean(lua, 0);
                    ffi::lua_rawseti(lua, -2, *place as _);
                    ffi::lua_settop(lua, -2);
                }
                !gone
            });
        }
    }

    /// A place for a body that the engine may still be using others beside.
    fn free_place(&self) -> ffi::lua_Integer {
        let anchors = self.anchors.borrow();
        let taken = |place| anchors.iter().any(|(other, _)| *other == place);
        (FIRST_BODY..).find(|&place| !taken(place)).unwrap_or(FIRST_BODY)
    }
}

/// The body at stack index 5, put where it stays while the engine needs it, if it is worth it. For [`take_body`].
///
/// # Safety
/// As [`check`]; may raise when memory is out.
pub(super) unsafe fn anchor_body(lua: *mut lua_State, object: &Object) -> Option<ffi::lua_Integer> {
    // SAFETY: the caller's promise; what is owned here is gone before Lua is called.
    unsafe {
        if ffi::lua_type(lua, 5) != ffi::LUA_TSTRING || bytes(lua, 5).len() < BY_REFERENCE {
            return None;
        }
        let place = object.free_place();
        ffi::lua_getuservalue(lua, 1);
        ffi::lua_pushvalue(lua, 5);
        ffi::lua_rawseti(lua, -2, place as _);
        ffi::lua_settop(lua, -2);
        Some(place)
    }
}

/// The body at stack index 5, nil or a string.
///
/// # Safety
/// In `body` of [`enter`], after [`anchor_body`] gave `place`.
pub(super) unsafe fn take_body(lua: *mut lua_State, object: &Object, place: Option<ffi::lua_Integer>) -> Body {
    // SAFETY: the caller's promise.
    unsafe {
        if ffi::lua_type(lua, 5) != ffi::LUA_TSTRING {
            return Body::empty();
        }
        let text = bytes(lua, 5);
        let Some(place) = place else { return Body::from(text) };
        let gone = Arc::new(AtomicBool::new(false));
        object.anchors.borrow_mut().push((place, gone.clone()));
        Body::shared(Text { start: text.as_ptr(), length: text.len(), gone })
    }
}

/// A string of Lua's that the state keeps until `gone` is set.
struct Text {
    start: *const u8,
    length: usize,
    gone: Arc<AtomicBool>,
}

// SAFETY: strings of Lua are never changed or moved, and this one is kept in the table beside the client, which owns this
// body, until it is dropped.
unsafe impl Send for Text {}

impl AsRef<[u8]> for Text {
    fn as_ref(&self) -> &[u8] {
        // SAFETY: as above.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }
}

impl Drop for Text {
    fn drop(&mut self) {
        self.gone.store(true, Ordering::Release);
    }
}
