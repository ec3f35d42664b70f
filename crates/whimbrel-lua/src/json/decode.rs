//! Reads JSON onto the Lua stack the way lua-cjson does, with its leniences and its error texts. Owns nothing while it
//! calls Lua; what must be kept is in a [`Decoder`] that the caller owns.

use std::ffi::c_int;
use std::ptr;

use mlua_sys::{self as ffi, lua_State};

use super::number::{self, Number};
use super::settings::{DEEPEST, Settings};
use crate::guard::push_bytes;

/// The text, the place in it, and why it went no further.
pub(super) struct Decoder<'a> {
    text: &'a [u8],
    at: usize,
    depth: i32,
    settings: Settings,
    /// The last string, without its escapes.
    string: Vec<u8>,
    mistake: Option<String>,
}

/// A token, with where it began.
struct Token {
    kind: Kind,
    at: usize,
}

enum Kind {
    ObjectBegin,
    ObjectEnd,
    ArrayBegin,
    ArrayEnd,
    Colon,
    Comma,
    /// Its bytes are in the decoder.
    String,
    Number(Number),
    Boolean(bool),
    Null,
    End,
    Bad(&'static str),
}

impl Kind {
    fn name(&self) -> &'static str {
        match self {
            Kind::ObjectBegin => "T_OBJ_BEGIN",
            Kind::ObjectEnd => "T_OBJ_END",
            Kind::ArrayBegin => "T_ARR_BEGIN",
            Kind::ArrayEnd => "T_ARR_END",
            Kind::Colon => "T_COLON",
            Kind::Comma => "T_COMMA",
            Kind::String => "T_STRING",
            Kind::Number(_) => "T_NUMBER",
            Kind::Boolean(_) => "T_BOOLEAN",
            Kind::Null => "T_NULL",
            Kind::End => "T_END",
            Kind::Bad(what) => what,
        }
    }
}

impl<'a> Decoder<'a> {
    pub(super) fn new(text: &'a [u8], settings: Settings) -> Self {
        Self { text, at: 0, depth: 0, settings, string: Vec::new(), mistake: None }
    }

    pub(super) fn mistake(&self) -> Option<&str> {
        self.mistake.as_deref()
    }

    fn refuse(&mut self, sentence: String) -> bool {
        self.mistake.get_or_insert(sentence);
        false
    }

    fn unexpected(&mut self, expected: &str, token: &Token) -> bool {
        self.refuse(format!("Expected {expected} but found {} at character {}", token.kind.name(), token.at + 1))
    }

    fn next(&mut self) -> Token {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        let at = self.at;
        let Some(&byte) = self.text.get(at) else { return Token { kind: Kind::End, at } };
        let single = match byte {
            b'{' => Kind::ObjectBegin,
            b'}' => Kind::ObjectEnd,
            b'[' => Kind::ArrayBegin,
            b']' => Kind::ArrayEnd,
            b':' => Kind::Colon,
            b',' => Kind::Comma,
            b'"' => return self.string_token(at),
            _ => return Token { kind: self.word(byte), at },
        };
        self.at += 1;
        Token { kind: single, at }
    }

    fn word(&mut self, byte: u8) -> Kind {
        if byte == b'-' || byte.is_ascii_digit() {
            return self.number();
        }
        for (word, kind) in [("true", Kind::Boolean(true)), ("false", Kind::Boolean(false)), ("null", Kind::Null)] {
            if self.text[self.at..].starts_with(word.as_bytes()) {
                self.at += word.len();
                return kind;
            }
        }
        if self.settings.decode_invalid && is_foreign_number(&self.text[self.at..]) {
            return self.number();
        }
        Kind::Bad("invalid token")
    }

    fn number(&mut self) -> Kind {
        let text = &self.text[self.at..];
        if !self.settings.decode_invalid && is_foreign_number(text) {
            return Kind::Bad("invalid number");
        }
        match number::read(text) {
            Some((number, length)) => {
                self.at += length;
                Kind::Number(number)
            }
            None => Kind::Bad("invalid number"),
        }
    }

    /// A string; where it is malformed the token begins at the fault.
    fn string_token(&mut self, start: usize) -> Token {
        self.string.clear();
        self.at = start + 1;
        loop {
            let plain = self.text[self.at..].iter().take_while(|byte| !matches!(byte, b'"' | b'\\' | 0)).count();
            self.string.extend_from_slice(&self.text[self.at..self.at + plain]);
            self.at += plain;
            let bad = |what| Token { kind: Kind::Bad(what), at: start + 1 };
            let fault = match self.text.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Token { kind: Kind::String, at: start };
                }
                Some(b'\\') if self.text.get(self.at + 1) == Some(&b'u') => match self.unicode_escape() {
                    true => continue,
                    false => "invalid unicode escape code",
                },
                Some(b'\\') => match self.text.get(self.at + 1).and_then(|&byte| escaped(byte)) {
                    Some(byte) => {
                        self.string.push(byte);
                        self.at += 2;
                        continue;
                    }
                    None => "invalid escape code",
                },
                _ => "unexpected end of string",
            };
            return Token { at: self.at, ..bad(fault) };
        }
    }

    /// `\uXXXX`, or two of them for what lies beyond the basic plane; appends UTF-8.
    fn unicode_escape(&mut self) -> bool {
        let Some(first) = self.code_unit(self.at) else { return false };
        let (code, length) = match first {
            0xd800..=0xdbff => match self.code_unit(self.at + 6) {
                Some(second @ 0xdc00..=0xdfff) => (0x10000 + ((first & 0x3ff) << 10 | (second & 0x3ff)), 12),
                _ => return false,
            },
            0xdc00..=0xdfff => return false,
            first => (first, 6),
        };
        let Some(character) = char::from_u32(code) else { return false };
        self.string.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        self.at += length;
        true
    }

    fn code_unit(&self, at: usize) -> Option<u32> {
        let digits = self.text.get(at..at + 6)?.strip_prefix(b"\\u")?;
        digits.iter().try_fold(0, |unit, &byte| Some(unit << 4 | char::from(byte).to_digit(16)?))
    }
}

/// Whether `strtod` would take it but JSON has no such number: hexadecimal, a leading zero or plus, inf, nan.
fn is_foreign_number(text: &[u8]) -> bool {
    let rest = match text {
        [b'+', ..] => return true,
        [b'-', rest @ ..] => rest,
        rest => rest,
    };
    match rest {
        [b'0', next, ..] => next.is_ascii_digit() || matches!(next, b'x' | b'X'),
        [b'0'..=b'9', ..] => false,
        _ => rest.len() >= 3 && [b"inf", b"nan"].iter().any(|word| rest[..3].eq_ignore_ascii_case(*word)),
    }
}

fn escaped(byte: u8) -> Option<u8> {
    Some(match byte {
        b'"' | b'\\' | b'/' => byte,
        b'b' => 0x08,
        b't' => b'\t',
        b'n' => b'\n',
        b'f' => 0x0c,
        b'r' => b'\r',
        _ => return None,
    })
}

/// Pushes the value of the text of the [`Decoder`] that argument 1 points to. Runs protected.
pub(super) unsafe extern "C-unwind" fn work(lua: *mut lua_State) -> c_int {
    // SAFETY: the decoder's owner waits in `lua_pcall`; this frame and those below own nothing while Lua is called.
    unsafe {
        let decoder: *mut Decoder<'_> = ffi::lua_touserdata(lua, 1).cast();
        let text = (*decoder).text;
        if text.len() >= 2 && (text[0] == 0 || text[1] == 0) {
            (*decoder).refuse("JSON parser does not support UTF-16 or UTF-32".to_owned());
            return 0;
        }
        let token = (*decoder).next();
        if !value(lua, decoder, &token) {
            return 0;
        }
        let token = (*decoder).next();
        if !matches!(token.kind, Kind::End) {
            (*decoder).unexpected("the end", &token);
            return 0;
        }
        1
    }
}

// SAFETY: (of every block below) called from `work`, whose promise holds: `Token` has nothing to drop.

unsafe fn value(lua: *mut lua_State, decoder: *mut Decoder<'_>, token: &Token) -> bool {
    // SAFETY: see above.
    unsafe {
        match &token.kind {
            Kind::String => push_bytes(lua, &(*decoder).string),
            #[cfg(any(feature = "lua53", feature = "lua54"))]
            Kind::Number(Number::Integer(integer)) => ffi::lua_pushinteger(lua, *integer),
            #[cfg(not(any(feature = "lua53", feature = "lua54")))]
            Kind::Number(Number::Integer(integer)) => ffi::lua_pushnumber(lua, *integer as f64),
            Kind::Number(Number::Float(float)) => ffi::lua_pushnumber(lua, *float),
            Kind::Boolean(boolean) => ffi::lua_pushboolean(lua, c_int::from(*boolean)),
            Kind::Null => ffi::lua_pushlightuserdata(lua, ptr::null_mut()),
            Kind::ObjectBegin => return object(lua, decoder),
            Kind::ArrayBegin => return array(lua, decoder),
            _ => return (*decoder).unexpected("value", token),
        }
        true
    }
}

unsafe fn descend(lua: *mut lua_State, decoder: *mut Decoder<'_>, slots: c_int) -> bool {
    // SAFETY: see above.
    unsafe {
        (*decoder).depth += 1;
        let (depth, at) = ((*decoder).depth, (*decoder).at);
        if depth <= (*decoder).settings.decode_max_depth.min(DEEPEST) && ffi::lua_checkstack(lua, slots) != 0 {
            return true;
        }
        (*decoder).refuse(format!("Found too many nested data structures ({depth}) at character {at}"))
    }
}

unsafe fn object(lua: *mut lua_State, decoder: *mut Decoder<'_>) -> bool {
    // SAFETY: see above.
    unsafe {
        if !descend(lua, decoder, 4) {
            return false;
        }
        ffi::lua_createtable(lua, 0, 0);
        let mut token = (*decoder).next();
        if matches!(token.kind, Kind::ObjectEnd) {
            (*decoder).depth -= 1;
            return true;
        }
        loop {
            if !matches!(token.kind, Kind::String) {
                return (*decoder).unexpected("object key string", &token);
            }
            push_bytes(lua, &(*decoder).string);
            token = (*decoder).next();
            if !matches!(token.kind, Kind::Colon) {
                return (*decoder).unexpected("colon", &token);
            }
            token = (*decoder).next();
            if !value(lua, decoder, &token) {
                return false;
            }
            ffi::lua_rawset(lua, -3);
            token = (*decoder).next();
            match token.kind {
                Kind::ObjectEnd => break,
                Kind::Comma => token = (*decoder).next(),
                _ => return (*decoder).unexpected("comma or object end", &token),
            }
        }
        (*decoder).depth -= 1;
        true
    }
}

unsafe fn array(lua: *mut lua_State, decoder: *mut Decoder<'_>) -> bool {
    // SAFETY: see above.
    unsafe {
        if !descend(lua, decoder, 3) {
            return false;
        }
        ffi::lua_createtable(lua, 0, 0);
        let mut token = (*decoder).next();
        if matches!(token.kind, Kind::ArrayEnd) {
            (*decoder).depth -= 1;
            return true;
        }
        let mut place = 0;
        loop {
            if !value(lua, decoder, &token) {
                return false;
            }
            place += 1;
            ffi::lua_rawseti(lua, -2, place);
            token = (*decoder).next();
            match token.kind {
                Kind::ArrayEnd => break,
                Kind::Comma => token = (*decoder).next(),
                _ => return (*decoder).unexpected("comma or array end", &token),
            }
        }
        (*decoder).depth -= 1;
        true
    }
}
