//! The header table of a response: which names and values it gets, and how a script looks one up whatever its case.
//! It never changes what was received; joining repeated fields is all it does.

use std::ffi::c_int;

use mlua_sys::{self as ffi, lua_State};
use whimbrel::Fields;

use crate::guard::bytes;

/// The table's pairs where a field is repeated: each name once, as first received, its values joined with `", "`.
/// `None` if no name comes twice, the usual case: then the fields themselves are the pairs.
pub(crate) fn joined(fields: &Fields) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    if !fields.has_repeats() {
        return None;
    }
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = Vec::with_capacity(fields.len());
    for (name, value) in fields.iter_bytes() {
        match pairs.iter_mut().find(|(other, _)| other.eq_ignore_ascii_case(name)) {
            Some((_, joined)) => {
                joined.extend_from_slice(b", ");
                joined.extend_from_slice(value);
            }
            None => pairs.push((name.into(), value.into())),
        }
    }
    Some(pairs)
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
}
