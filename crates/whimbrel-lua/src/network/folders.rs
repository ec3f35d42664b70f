//! The directories of `system`: which constant stands for which folder, and names under them.

use std::ffi::{CStr, c_int, c_void};
use std::path::{Path, PathBuf};

use mlua_sys::{self as ffi, lua_State, lua_upvalueindex};
use whimbrel::confine;

use super::words::{self, Words};
use crate::guard::{Finish, bytes, guarded};
use crate::options;
use crate::session;

/// The constants are the addresses of these; what they hold means nothing.
static PLACES: [u8; 5] = [0, 1, 2, 3, 4];

/// The constants' names, and their folders' under the base; the first is the script's own.
const NAMES: [(&CStr, &str); 5] = [
    (c"ResourceDirectory", ""),
    (c"DocumentsDirectory", "Documents"),
    (c"TemporaryDirectory", "TemporaryFiles"),
    (c"CachesDirectory", "CachedFiles"),
    (c"ApplicationSupportDirectory", "ApplicationSupport"),
];
const RESOURCES: usize = 0;
const DOCUMENTS: usize = 1;

/// The folder under the current one that is the base where the host names none.
const BASE: &str = "whimbrel-data";

/// Where the directories are.
#[derive(Clone, Debug)]
pub(crate) struct Folders {
    base: PathBuf,
    resources: PathBuf,
    documents: Option<PathBuf>,
}

impl Folders {
    /// Under `base`, or in the folder that is the current one now.
    pub(crate) fn new(base: Option<&Path>, resources: Option<&Path>) -> Self {
        let current = std::env::current_dir().unwrap_or_default();
        Self {
            base: base.map_or_else(|| current.join(BASE), |base| current.join(base)),
            resources: resources.map_or_else(|| current.clone(), |resources| current.join(resources)),
            documents: None,
        }
    }

    fn of(&self, place: usize) -> PathBuf {
        match (place, &self.documents) {
            (RESOURCES, _) => self.resources.clone(),
            (DOCUMENTS, Some(documents)) => documents.clone(),
            _ => self.base.join(NAMES[place].1),
        }
    }
}

/// Pushes a table of the constants.
///
/// # Safety
/// Three stack slots must be free; nothing that must be dropped lies in the caller's frame: memory may be out.
pub(super) unsafe fn push_places(lua: *mut lua_State) {
    // SAFETY: the caller's promise. Scripts only compare the pointers.
    unsafe {
        ffi::lua_createtable(lua, 0, NAMES.len() as c_int);
        for (place, (name, _)) in PLACES.iter().zip(NAMES) {
            ffi::lua_pushlightuserdata(lua, std::ptr::from_ref(place).cast_mut().cast());
            ffi::lua_setfield(lua, -2, name.as_ptr());
        }
    }
}

fn place_of(constant: *mut c_void) -> Option<usize> {
    PLACES.iter().position(|place| std::ptr::from_ref(place).cast() == constant.cast_const())
}

/// `folder(constant)`: its path; nil if it is none of ours.
pub(super) unsafe extern "C-unwind" fn folder(lua: *mut lua_State) -> c_int {
    // SAFETY: a native function with its two upvalues; what may raise runs in `lua_pcall`.
    unsafe {
        guarded(lua, || {
            let is_light = ffi::lua_type(lua, 1) == ffi::LUA_TLIGHTUSERDATA;
            let place = if is_light { place_of(ffi::lua_touserdata(lua, 1)) } else { None };
            let session = session::at(lua, lua_upvalueindex(1)).as_ref();
            let (Some(place), Some(session)) = (place, session) else { return Finish::Return(0) };
            let path = session.folders.borrow().of(place);
            words::answer(lua, lua_upvalueindex(2), &Words::Text(path.as_os_str().as_encoded_bytes()))
        })
    }
}

/// `set_base(base, resources or nil, documents or nil)`.
pub(super) unsafe extern "C-unwind" fn set_base(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe {
        guarded(lua, || {
            let path = |index| match ffi::lua_type(lua, index) {
                ffi::LUA_TSTRING => options::path("base", bytes(lua, index)).ok(),
                _ => None,
            };
            if let Some(session) = session::at(lua, lua_upvalueindex(1)).as_ref() {
                let mut folders = Folders::new(path(1).as_deref(), path(2).as_deref());
                folders.documents = path(3);
                session.folders.replace(folders);
            }
            Finish::Return(0)
        })
    }
}

/// `make_folder(path)`: whether it is there now.
pub(super) unsafe extern "C-unwind" fn make_folder(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe { about_path(lua, |path| std::fs::create_dir_all(path).is_ok()) }
}

/// `exists(path)`.
pub(super) unsafe extern "C-unwind" fn exists(lua: *mut lua_State) -> c_int {
    // SAFETY: as above.
    unsafe { about_path(lua, Path::exists) }
}

unsafe fn about_path(lua: *mut lua_State, ask: impl FnOnce(&Path) -> bool) -> c_int {
    // SAFETY: as above; the argument stays on the stack.
    unsafe {
        guarded(lua, || {
            let is = ffi::lua_type(lua, 1) == ffi::LUA_TSTRING
                && options::path("path", bytes(lua, 1)).is_ok_and(|path| ask(&path));
            ffi::lua_pushboolean(lua, is.into());
            Finish::Return(1)
        })
    }
}

/// `confined(folder, name)`: the path, or nil and why not.
pub(super) unsafe extern "C-unwind" fn confined(lua: *mut lua_State) -> c_int {
    // SAFETY: as above; the arguments stay on the stack.
    unsafe {
        guarded(lua, || {
            if ffi::lua_type(lua, 1) != ffi::LUA_TSTRING || ffi::lua_type(lua, 2) != ffi::LUA_TSTRING {
                return Finish::Return(0);
            }
            let path = options::path("folder", bytes(lua, 1))
                .and_then(|folder| confine(&folder, options::text("filename", bytes(lua, 2))?));
            match path {
                Ok(path) => words::answer(lua, lua_upvalueindex(2), &Words::Text(path.as_os_str().as_encoded_bytes())),
                Err(error) => words::answer(lua, lua_upvalueindex(2), &Words::Refusal(error.detail())),
            }
        })
    }
}
