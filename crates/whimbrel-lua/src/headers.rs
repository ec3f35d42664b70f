//! The header table of a response: which names and values it gets, and how a script looks one up whatever its case.
//! It never changes what was received; joining repeated fields is all it does.

use std::ffi::c_int;

use mlua_sys::{self as ffi, lua_State};
use whimbrel::{Fields, ResponseHead};

use crate::guard::{bytes, push_bytes};

/// The pairs of a header table.
pub(crate) type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// The table's pairs where a field is repeated: each name once, as first received, its values joined with `", "`.
/// `None` if no name comes twice, the usual case: then the fields themselves are the pairs.
pub(crate) fn joined(fields: &Fields) -> Option<Pairs> {
    joined_with(fields, b", ")
}

/// As [`joined`], but cookies are parted by a comma alone, as Solar2D gives them.
pub(crate) fn joined_for_network(fields: &Fields) -> Option<Pairs> {
    joined_with(fields, b",")
}

fn joined_with(fields: &Fields, between_cookies: &[u8]) -> Option<Pairs> {
    if !fields.has_repeats() {
        return None;
    }
    let mut pairs: Pairs = Vec::with_capacity(fields.len());
    for (name, value) in fields.iter_bytes() {
        match pairs.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(name)) {
            Some((_, joined)) => {
                let is_cookie = name.eq_ignore_ascii_case(b"set-cookie");
                joined.extend_from_slice(if is_cookie { between_cookies } else { b", " });
                joined.extend_from_slice(value);
            }
            None => pairs.push((name.into(), value.into())),
        }
    }
    Some(pairs)
}

/// Pushes the header table of `network`: the fields, or their `joined` pairs, and the status line.
///
/// # Safety
/// Eight stack slots must be free; nothing that must be dropped lies in a frame between here and a `lua_pcall`.
pub(crate) unsafe fn push_table(lua: *mut lua_State, head: &ResponseHead, joined: Option<&Pairs>) {
    const METATABLE: *const std::ffi::c_char = c"whimbrel.headers".as_ptr();
    // SAFETY: the caller's promise.
    unsafe {
        ffi::lua_createtable(lua, 0, head.fields.len() as c_int + 1);
        match joined {
            None => push_pairs(lua, head.fields.iter_bytes()),
            Some(pairs) => push_pairs(lua, pairs.iter().map(|(name, value)| (&**name, &**value))),
        }
        // Behind the fields, so that none of them takes its place.
        ffi::lua_pushstring(lua, c"HTTP-STATUS-LINE".as_ptr());
        push_status_line(lua, head);
        ffi::lua_rawset(lua, -3);
        ffi::lua_getfield(lua, ffi::LUA_REGISTRYINDEX, METATABLE);
        if ffi::lua_type(lua, -1) != ffi::LUA_TTABLE {
            ffi::lua_settop(lua, -2);
            ffi::lua_createtable(lua, 0, 1);
            ffi::lua_pushcclosure(lua, index, 0);
            ffi::lua_setfield(lua, -2, c"__index".as_ptr());
            ffi::lua_pushvalue(lua, -1);
            ffi::lua_setfield(lua, ffi::LUA_REGISTRYINDEX, METATABLE);
        }
        ffi::lua_setmetatable(lua, -2);
    }
}

/// Sets the pairs in the table on top.
unsafe fn push_pairs<'a>(lua: *mut lua_State, pairs: impl Iterator<Item = (&'a [u8], &'a [u8])>) {
    // SAFETY: as `push_table`; the iterator holds nothing that must be dropped.
    unsafe {
        for (name, value) in pairs {
            push_bytes(lua, name);
            push_bytes(lua, value);
            ffi::lua_rawset(lua, -3);
        }
    }
}

/// Pushes `HTTP/1.1 200 OK`. The common ones are there already, so that nothing is put together.
unsafe fn push_status_line(lua: *mut lua_State, head: &ResponseHead) {
    // SAFETY: as `push_table`.
    unsafe {
        if head.status == 200 && head.reason() == b"OK" && head.version.as_str() == "HTTP/1.1" {
            ffi::lua_pushstring(lua, c"HTTP/1.1 200 OK".as_ptr());
            return;
        }
        push_bytes(lua, head.version.as_str().as_bytes());
        ffi::lua_pushstring(lua, c" ".as_ptr());
        ffi::lua_pushinteger(lua, head.status.into());
        ffi::lua_pushstring(lua, if head.reason().is_empty() { c"".as_ptr() } else { c" ".as_ptr() });
        push_bytes(lua, head.reason());
        ffi::lua_concat(lua, 5);
    }
}

/// `__index` of the header table: finds a name in any case. Iteration is not changed by it.
pub(crate) unsafe extern "C-unwind" fn index(lua: *mut lua_State) -> c_int {
    // SAFETY: called by Lua with the table and the key; the frame holds only slices into strings on the stack. A key
    // that `bytes` reads is checked to be a string first, so nothing is converted under `lua_next`.
    unsafe {
        ffi::lua_settop(lua, 2);
        if ffi::lua_type(lua, 1) != ffi::LUA_TTABLE || ffi::lua_type(lua, 2) != ffi::LUA_TSTRING {
            return 0;
        }
        let wanted = bytes(lua, 2);
        ffi::lua_pushnil(lua);
        while ffi::lua_next(lua, 1) != 0 {
            if ffi::lua_type(lua, 3) == ffi::LUA_TSTRING && bytes(lua, 3).eq_ignore_ascii_case(wanted) {
                return 1;
            }
            ffi::lua_settop(lua, 3);
        }
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        let mut fields = Fields::new();
        for (name, value) in pairs {
            fields.append(name, value).unwrap();
        }
        fields
    }

    #[test]
    fn names_that_come_once_need_no_joining() {
        assert_eq!(joined(&fields(&[("Server", "a"), ("Date", "b")])), None);
    }

    #[test]
    fn repeated_names_are_joined_under_the_first_spelling() {
        let joined = joined(&fields(&[("Set-Cookie", "a=1"), ("Date", "d"), ("set-cookie", "b=2")])).unwrap();
        assert_eq!(joined, [(b"Set-Cookie".to_vec(), b"a=1, b=2".to_vec()), (b"Date".to_vec(), b"d".to_vec())]);
    }

    #[test]
    fn network_parts_cookies_by_a_comma_alone() {
        let fields = fields(&[("Set-Cookie", "a=1"), ("Vary", "x"), ("vary", "y"), ("Set-Cookie", "b=2")]);
        let joined = joined_for_network(&fields).unwrap();
        assert_eq!(joined, [(b"Set-Cookie".to_vec(), b"a=1,b=2".to_vec()), (b"Vary".to_vec(), b"x, y".to_vec())]);
    }
}
