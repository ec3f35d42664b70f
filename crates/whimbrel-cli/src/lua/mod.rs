//! The Lua state of `run` and `tour`: LuaJIT with every standard library and Whimbrel's modules preloaded. It runs
//! chunks and tells their errors with a traceback; it never looks at what they do.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use mlua::{Function, IntoLuaMulti, Lua, MultiValue, Table};

use crate::resolve::Override;

const MAIN: &str = include_str!("main.lua");

/// What the host sets for every request of a state's scripts, unless the script says otherwise.
#[derive(Default)]
pub(crate) struct Host {
    /// Where connections go instead of where the name leads.
    pub(crate) resolve: Vec<Override>,
    /// A PEM file whose certificates are trusted besides the platform's.
    pub(crate) ca_file: Option<PathBuf>,
    /// Whether proxies named by the environment are left out.
    pub(crate) direct: bool,
}

/// A state that scripts run in.
pub(crate) struct Interpreter {
    lua: Lua,
    protected: Function,
}

impl Interpreter {
    /// A new state.
    pub(crate) fn new(host: Host) -> mlua::Result<Self> {
        let lua = whimbrel_lua::interpreter(whimbrel_lua::Host {
            resolve: host.resolve.into_iter().map(|entry| (entry.authority, entry.address)).collect(),
            ca_file: host.ca_file,
            direct: host.direct,
        })?;
        let protected = lua.load(MAIN).set_name("=whimbrel").eval()?;
        Ok(Self { lua, protected })
    }

    pub(crate) fn lua(&self) -> &Lua {
        &self.lua
    }

    /// Sets the global `arg` as the stand-alone Lua does: the script's name at 0, its arguments from 1.
    pub(crate) fn set_arguments(&self, script: &OsStr, arguments: &[impl AsRef<OsStr>]) -> mlua::Result<()> {
        let table = self.lua.create_table_with_capacity(arguments.len(), 1)?;
        table.raw_set(0, self.lua.create_string(script.as_encoded_bytes())?)?;
        for (index, argument) in arguments.iter().enumerate() {
            table.raw_set(index + 1, self.lua.create_string(argument.as_ref().as_encoded_bytes())?)?;
        }
        self.lua.globals().raw_set("arg", table)
    }

    /// Lets `require` look beside the script before it looks anywhere else.
    pub(crate) fn look_beside(&self, directory: &Path) -> mlua::Result<()> {
        let directory = if directory.as_os_str().is_empty() { Path::new(".") } else { directory };
        let package: Table = self.lua.globals().get("package")?;
        let mut path = Vec::new();
        for pattern in ["?.lua", "?/init.lua"] {
            path.extend_from_slice(directory.join(pattern).as_os_str().as_encoded_bytes());
            path.push(b';');
        }
        path.extend_from_slice(&package.get::<mlua::LuaString>("path")?.as_bytes());
        package.set("path", self.lua.create_string(path)?)
    }

    /// Runs one chunk with `arguments` as its `...`; an error comes back as its message and traceback.
    pub(crate) fn run(&self, source: &[u8], name: &str, arguments: impl IntoLuaMulti) -> Result<(), String> {
        let told = |error: mlua::Error| error.to_string();
        let chunk = self.lua.load(without_shebang(source)).set_name(name).into_function().map_err(syntax)?;
        let mut given = arguments.into_lua_multi(&self.lua).map_err(told)?;
        given.push_front(mlua::Value::Function(chunk));
        let mut results: MultiValue = self.protected.call(given).map_err(told)?;
        match results.pop_front() {
            Some(mlua::Value::Boolean(true)) => Ok(()),
            _ => Err(match results.pop_front() {
                Some(mlua::Value::String(text)) => text.to_string_lossy(),
                _ => "the script failed without a message".to_owned(),
            }),
        }
    }
}

/// A chunk's first line, when it starts with `#`, is for the system's loader; its line end stays, so that line numbers
/// in messages hold.
fn without_shebang(source: &[u8]) -> &[u8] {
    let source = source.strip_prefix(b"\xef\xbb\xbf").unwrap_or(source);
    if source.first() != Some(&b'#') {
        return source;
    }
    let end = source.iter().position(|&byte| byte == b'\n').unwrap_or(source.len());
    &source[end..]
}

/// A chunk that doesn't compile has no traceback: its message stands alone.
fn syntax(error: mlua::Error) -> String {
    match error {
        mlua::Error::SyntaxError { message, .. } => message,
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::without_shebang;

    #[test]
    fn a_shebang_line_is_skipped_and_keeps_its_line_end() {
        assert_eq!(without_shebang(b"#!/usr/bin/env whimbrel\nreturn 1"), b"\nreturn 1");
        assert_eq!(without_shebang(b"\xef\xbb\xbfreturn 1"), b"return 1");
        assert_eq!(without_shebang(b"#only"), b"");
        assert_eq!(without_shebang(b"return 1 # 2"), b"return 1 # 2");
    }
}
