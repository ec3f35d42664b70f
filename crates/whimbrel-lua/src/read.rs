//! Reads a script's options from the Lua stack with the coercions that scripts know: a string option takes numbers, a
//! number option takes numeric strings, a boolean takes only booleans, and what has another type counts as absent, or
//! as a mistake in strict mode. It never judges a value.

use std::ffi::{CStr, c_int};

use mlua_sys::{self as ffi, lua_State, lua_upvalueindex};

use crate::guard::bytes;
use crate::json;
use crate::options::{KNOWN, Options};
use crate::strict::unknown_option;

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

/// Reads arguments (1) a pointer to [`Options`], (2) the body or nil, (3) the options or nil; returns `on_progress`,
/// if it is a function, or nil. Upvalue 1 is the module table, where `strict` stands.
///
/// Runs protected: a metamethod of the options may raise.
pub(crate) unsafe extern "C-unwind" fn read_options(lua: *mut lua_State) -> c_int {
    // SAFETY: the frame that owns the options waits in `lua_pcall`; this one and those below own nothing.
    unsafe {
        let out: *mut Options = ffi::lua_touserdata(lua, 1).cast();
        ffi::lua_getfield(lua, lua_upvalueindex(1), c"strict".as_ptr());
        let strict = ffi::lua_toboolean(lua, -1) != 0;
        ffi::lua_settop(lua, 3);
        let reader = Reader { lua, out, strict };
        if ffi::lua_isstring(lua, 2) != 0 {
            (*out).data = Some(bytes(lua, 2).to_vec());
        } else if ffi::lua_type(lua, 2) > ffi::LUA_TNIL {
            reader.mistyped(c"data", "a string");
        }
        match ffi::lua_type(lua, 3) {
            ffi::LUA_TTABLE => reader.read(),
            kind if kind > ffi::LUA_TNIL => reader.mistyped(c"options", "a table"),
            _ => {}
        }
        if ffi::lua_gettop(lua) < 4 {
            ffi::lua_pushnil(lua);
        }
        1
    }
}

/// Reads the table at index 3; while one option is read, its value is at index 4.
#[derive(Clone, Copy)]
struct Reader {
    lua: *mut lua_State,
    out: *mut Options,
    strict: bool,
}

const TABLE: c_int = 3;
const VALUE: c_int = 4;

// SAFETY: (of every block below) called from `read_options` only, so `lua` and `out` are valid, 15 stack slots are free,
// and errors may pass: no frame holds what must be dropped across a call that may raise. Strings read from the stack are
// copied while they stand there.
impl Reader {
    /// Leaves `on_progress`, or nil, as the last value on the stack.
    unsafe fn read(self) {
        // SAFETY: see above; the fields of `out` are distinct.
        unsafe {
            let out = self.out;
            if self.strict {
                self.refuse_unknown();
            }
            self.string(c"method", &raw mut (*out).method);
            self.string(c"data", &raw mut (*out).data);
            self.string(c"user_agent", &raw mut (*out).user_agent);
            self.string(c"ca_file", &raw mut (*out).ca_file);
            self.string(c"output", &raw mut (*out).output);
            self.number(c"timeout", &raw mut (*out).timeout);
            self.number(c"connect_timeout", &raw mut (*out).connect_timeout);
            self.number(c"idle_timeout", &raw mut (*out).idle_timeout);
            self.number(c"total_timeout", &raw mut (*out).total_timeout);
            self.number(c"max_body", &raw mut (*out).max_body);
            self.number(c"max_redirects", &raw mut (*out).max_redirects);
            self.boolean(c"follow_redirects", &raw mut (*out).follow_redirects);
            self.boolean(c"verify_ssl", &raw mut (*out).verify_ssl);
            self.boolean(c"allow_downgrade", &raw mut (*out).allow_downgrade);
            self.boolean(c"decompress", &raw mut (*out).decompress);
            self.proxy();
            self.auth();
            self.client_cert();
            if self.table(c"headers") {
                self.string_pairs(c"headers", &raw mut (*out).headers);
            }
            if self.table(c"resolve") {
                self.string_pairs(c"resolve", &raw mut (*out).resolve);
            }
            if self.table(c"query") {
                self.encoded_pairs(c"query", &raw mut (*out).query);
            }
            if self.table(c"form") {
                let form: *mut Pairs = (*out).form.insert(Vec::new());
                self.encoded_pairs(c"form", form);
            }
            if self.table(c"json") {
                self.json();
            }
            self.get(c"on_progress");
            match ffi::lua_type(self.lua, VALUE) {
                ffi::LUA_TFUNCTION => {}
                kind => {
                    if kind != ffi::LUA_TNIL {
                        self.mistyped(c"on_progress", "a function");
                    }
                    ffi::lua_settop(self.lua, TABLE);
                }
            }
        }
    }

    /// Puts the option's value at [`VALUE`], where it is the last.
    unsafe fn get(self, name: &CStr) {
        // SAFETY: see above.
        unsafe {
            ffi::lua_settop(self.lua, TABLE);
            ffi::lua_getfield(self.lua, TABLE, name.as_ptr());
        }
    }

    unsafe fn string(self, name: &'static CStr, out: *mut Option<Vec<u8>>) {
        // SAFETY: see above.
        unsafe {
            self.get(name);
            if ffi::lua_isstring(self.lua, VALUE) != 0 {
                *out = Some(bytes(self.lua, VALUE).to_vec());
            } else {
                self.mistyped_unless_nil(name, "a string");
            }
        }
    }

    unsafe fn number(self, name: &'static CStr, out: *mut Option<f64>) {
        // SAFETY: see above.
        unsafe {
            self.get(name);
            if ffi::lua_isnumber(self.lua, VALUE) != 0 {
                *out = Some(ffi::lua_tonumber(self.lua, VALUE));
            } else {
                self.mistyped_unless_nil(name, "a number");
            }
        }
    }

    unsafe fn boolean(self, name: &'static CStr, out: *mut Option<bool>) {
        // SAFETY: see above.
        unsafe {
            self.get(name);
            if ffi::lua_type(self.lua, VALUE) == ffi::LUA_TBOOLEAN {
                *out = Some(ffi::lua_toboolean(self.lua, VALUE) != 0);
            } else {
                self.mistyped_unless_nil(name, "true or false");
            }
        }
    }

    /// True if the option is a table; it is then at [`VALUE`].
    unsafe fn table(self, name: &'static CStr) -> bool {
        // SAFETY: see above.
        unsafe {
            self.get(name);
            let is_table = ffi::lua_type(self.lua, VALUE) == ffi::LUA_TTABLE;
            if !is_table {
                self.mistyped_unless_nil(name, "a table");
            }
            is_table
        }
    }

    /// A URL, or `false` for none whatever the environment says.
    unsafe fn proxy(self) {
        // SAFETY: see above.
        unsafe {
            self.get(c"proxy");
            if ffi::lua_type(self.lua, VALUE) == ffi::LUA_TBOOLEAN && ffi::lua_toboolean(self.lua, VALUE) == 0 {
                (*self.out).direct = true;
            } else {
                self.string(c"proxy", &raw mut (*self.out).proxy);
            }
        }
    }

    /// `{user = , pass = }`: one may be missing, both may not.
    unsafe fn auth(self) {
        // SAFETY: see above.
        unsafe {
            if !self.table(c"auth") {
                return;
            }
            ffi::lua_getfield(self.lua, VALUE, c"user".as_ptr());
            ffi::lua_getfield(self.lua, VALUE, c"pass".as_ptr());
            let (user, pass) = (ffi::lua_isstring(self.lua, -2) != 0, ffi::lua_isstring(self.lua, -1) != 0);
            if !user && !pass {
                self.mistyped(c"auth", "a table with the strings user and pass");
                return;
            }
            let (out, empty): (_, &[u8]) = (self.out, &[]);
            let user = if user { bytes(self.lua, -2) } else { empty };
            let pass = if pass { bytes(self.lua, -1) } else { empty };
            (*out).auth = Some((user.to_vec(), pass.to_vec()));
        }
    }

    /// The path of one PEM file with both, or `{cert = , key = }`.
    unsafe fn client_cert(self) {
        // SAFETY: see above.
        unsafe {
            self.get(c"client_cert");
            let out = self.out;
            if ffi::lua_isstring(self.lua, VALUE) != 0 {
                let both = bytes(self.lua, VALUE);
                (*out).client_cert = Some((both.to_vec(), both.to_vec()));
                return;
            }
            if ffi::lua_type(self.lua, VALUE) == ffi::LUA_TTABLE {
                ffi::lua_getfield(self.lua, VALUE, c"cert".as_ptr());
                ffi::lua_getfield(self.lua, VALUE, c"key".as_ptr());
                if ffi::lua_isstring(self.lua, -2) != 0 && ffi::lua_isstring(self.lua, -1) != 0 {
                    let (cert, key) = (bytes(self.lua, -2), bytes(self.lua, -1));
                    (*out).client_cert = Some((cert.to_vec(), key.to_vec()));
                    return;
                }
                // Sending no certificate where one was meant would be told only by the server, if at all.
                self.mistake(|| "option 'client_cert' needs cert and key, the paths of two PEM files".to_owned());
                return;
            }
            self.mistyped_unless_nil(c"client_cert", "a path or a table with cert and key");
        }
    }

    /// Pairs of a string and a string or number, in the order of the names.
    unsafe fn string_pairs(self, option: &'static CStr, out: *mut Pairs) {
        // SAFETY: see above. Only the value, never the key, is converted.
        unsafe {
            ffi::lua_pushnil(self.lua);
            while ffi::lua_next(self.lua, VALUE) != 0 {
                if ffi::lua_type(self.lua, -2) == ffi::LUA_TSTRING && ffi::lua_isstring(self.lua, -1) != 0 {
                    let (name, value) = (bytes(self.lua, -2), bytes(self.lua, -1));
                    (*out).push((name.to_vec(), value.to_vec()));
                } else {
                    self.mistyped(option, "a table of strings under strings");
                }
                ffi::lua_settop(self.lua, VALUE + 1);
            }
            (*out).sort();
        }
    }

    /// `{name = value}` in the order of the names, `{name = {value, value}}`, `{{name, value}, …}` in that order; a
    /// value is a string, a number or a boolean.
    unsafe fn encoded_pairs(self, option: &'static CStr, out: *mut Pairs) {
        // SAFETY: see above.
        unsafe {
            let lua = self.lua;
            for index in 1..=ffi::lua_rawlen(lua, VALUE) {
                ffi::lua_rawgeti(lua, VALUE, index as _);
                if ffi::lua_type(lua, -1) == ffi::LUA_TTABLE {
                    ffi::lua_rawgeti(lua, VALUE + 1, 1);
                    ffi::lua_rawgeti(lua, VALUE + 1, 2);
                    self.encoded_pair(option, out);
                } else {
                    self.mistyped(option, "a table of values under names, or of {name, value} pairs");
                }
                ffi::lua_settop(lua, VALUE);
            }
            let listed = (*out).len();
            ffi::lua_pushnil(lua);
            while ffi::lua_next(lua, VALUE) != 0 {
                if ffi::lua_type(lua, -2) == ffi::LUA_TSTRING {
                    if ffi::lua_type(lua, -1) == ffi::LUA_TTABLE {
                        for index in 1..=ffi::lua_rawlen(lua, VALUE + 2) {
                            ffi::lua_pushvalue(lua, VALUE + 1);
                            ffi::lua_rawgeti(lua, VALUE + 2, index as _);
                            self.encoded_pair(option, out);
                            ffi::lua_settop(lua, VALUE + 2);
                        }
                    } else {
                        self.encoded_pair(option, out);
                    }
                }
                ffi::lua_settop(lua, VALUE + 1);
            }
            // Stable, so that the values of one name keep their order.
            (&mut (*out))[listed..].sort_by(|(one, _), (other, _)| one.cmp(other));
        }
    }

    /// Appends the name at -2 and the value at -1.
    unsafe fn encoded_pair(self, option: &'static CStr, out: *mut Pairs) {
        // SAFETY: see above; the name is a string or a copy that `lua_next` does not look at.
        unsafe {
            let lua = self.lua;
            let value: &[u8] = match ffi::lua_type(lua, -1) {
                ffi::LUA_TBOOLEAN if ffi::lua_toboolean(lua, -1) != 0 => b"true",
                ffi::LUA_TBOOLEAN => b"false",
                ffi::LUA_TSTRING | ffi::LUA_TNUMBER => bytes(lua, -1),
                _ => return self.mistyped(option, "a table whose values are strings, numbers or booleans"),
            };
            if ffi::lua_isstring(lua, -2) == 0 {
                return self.mistyped(option, "a table whose names are strings");
            }
            (*out).push((bytes(lua, -2).to_vec(), value.to_vec()));
        }
    }

    unsafe fn json(self) {
        // SAFETY: see above; the encoder is owned by `out`'s frame until it is taken out of it again.
        unsafe {
            let out = self.out;
            let encoder: *mut json::Encoder = (*out).encoder.insert(json::Encoder::default());
            let encoded = json::encode_value(self.lua, VALUE, encoder);
            let encoder = (*out).encoder.take();
            match encoder {
                Some(encoder) if encoded => (*out).json = Some(encoder.into_text()),
                Some(encoder) => {
                    self.mistake(|| format!("option 'json': {}", encoder.error()));
                }
                None => {}
            }
        }
    }

    unsafe fn refuse_unknown(self) {
        // SAFETY: see above.
        unsafe {
            ffi::lua_pushnil(self.lua);
            while ffi::lua_next(self.lua, TABLE) != 0 {
                ffi::lua_settop(self.lua, TABLE + 1);
                let key =
                    if ffi::lua_type(self.lua, -1) == ffi::LUA_TSTRING { Some(bytes(self.lua, -1)) } else { None };
                match key {
                    Some(key) if KNOWN.iter().any(|known| known.as_bytes() == key) => {}
                    Some(key) => self.mistake(|| unknown_option(key, &KNOWN)),
                    None => self.mistake(|| "options must have names: { name = value }".to_owned()),
                }
            }
        }
    }

    unsafe fn mistyped_unless_nil(self, name: &'static CStr, expected: &str) {
        // SAFETY: see above.
        unsafe {
            if ffi::lua_type(self.lua, VALUE) > ffi::LUA_TNIL {
                self.mistyped(name, expected);
            }
        }
    }

    /// In strict mode: the option has the wrong type.
    unsafe fn mistyped(self, name: &'static CStr, expected: &str) {
        if !self.strict {
            return;
        }
        let name = name.to_str().unwrap_or_default();
        // SAFETY: see above.
        unsafe {
            self.mistake(|| match name {
                "options" => format!("options must be {expected}"),
                name => format!("option '{name}' must be {expected}"),
            });
        }
    }

    /// Notes a mistake; the first one is told.
    unsafe fn mistake(self, sentence: impl FnOnce() -> String) {
        // SAFETY: see above; nothing here calls Lua.
        unsafe {
            let mistake = &mut (*self.out).mistake;
            mistake.get_or_insert_with(sentence);
        }
    }
}
