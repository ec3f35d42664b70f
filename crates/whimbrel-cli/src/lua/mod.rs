//! The Lua state of `run` and `tour`: LuaJIT with every standard library, Whimbrel's modules preloaded, and the globals
//! of an event-driven host. It runs scripts to the end of their loop; it never looks at what they do.

mod ground;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use mlua::{Function, IntoLuaMulti, Lua, MultiValue, Table};

use crate::resolve::Override;
use crate::signals::Inbox;

/// The runner's part in Lua, in the order in which it is loaded: each chunk gets one table and adds to it.
const CHUNKS: [(&str, &str); 8] = [
    ("explain", include_str!("explain.lua")),
    ("transfers", include_str!("transfers.lua")),
    ("runtime", include_str!("runtime.lua")),
    ("timer", include_str!("timer.lua")),
    ("system", include_str!("system.lua")),
    ("native", include_str!("native.lua")),
    ("display", include_str!("display.lua")),
    ("loop", include_str!("loop.lua")),
];

/// What the host sets for a state and every request of its scripts, unless the script says otherwise.
pub(crate) struct Host {
    /// Where connections go instead of where the name leads.
    pub(crate) resolve: Vec<Override>,
    /// A PEM file whose certificates are trusted besides the platform's.
    pub(crate) ca_file: Option<PathBuf>,
    /// Whether proxies named by the environment are left out.
    pub(crate) direct: bool,
    /// The folder of `system.DocumentsDirectory` and its like.
    pub(crate) base: PathBuf,
    /// The folder of `system.ResourceDirectory`.
    pub(crate) resources: PathBuf,
    /// How often a second `enterFrame` comes.
    pub(crate) fps: f64,
    /// Whether a POST without a Content-Type is a form's.
    pub(crate) form_posts: bool,
    /// Who is told of an error in a listener: the message with its traceback.
    pub(crate) report: Box<dyn Fn(&str)>,
}

/// A state that scripts run in.
pub(crate) struct Interpreter {
    lua: Lua,
    runner: Table,
    main: Function,
    inbox: Inbox,
}

/// How a script's loop ended.
pub(crate) struct Ended {
    /// Whether an error in a listener was reported on the way.
    pub(crate) failed: bool,
    /// The exit code that goes with the signal that ended it.
    pub(crate) by_signal: Option<u8>,
}

impl Interpreter {
    /// A new state for the script of this name, `-` for standard input.
    pub(crate) fn new(host: Host, script: &OsStr) -> mlua::Result<Self> {
        let lua = whimbrel_lua::interpreter(whimbrel_lua::Host {
            resolve: host.resolve.iter().map(|entry| (entry.authority.clone(), entry.address.clone())).collect(),
            ca_file: host.ca_file.clone(),
            direct: host.direct,
            base: Some(host.base.clone()),
            resources: Some(host.resources.clone()),
            pumps: true,
        })?;
        let inbox = Inbox::default();
        let runner = ground::table(&lua, host, script, &inbox)?;
        let mut last = None;
        for (name, source) in CHUNKS {
            last = lua.load(source).set_name(format!("=whimbrel/{name}")).call::<Option<Function>>(&runner)?;
        }
        let main = last.ok_or_else(|| mlua::Error::runtime("the last chunk gives the loop"))?;
        Ok(Self { lua, runner, main, inbox })
    }

    pub(crate) fn lua(&self) -> &Lua {
        &self.lua
    }

    /// Lets the loop of the next script take the signals that suspend and end it. Until it begins they do what they
    /// do by default.
    pub(crate) fn listen(&self) -> mlua::Result<()> {
        let inbox = self.inbox.clone();
        self.runner.set("listen", self.lua.create_function(move |_, ()| Ok(inbox.open()?))?)
    }

    /// Sets the global `arg` as the stand-alone Lua does: the script's name at 0, its arguments from 1. The table
    /// `whimbrel` has the same under `args`.
    pub(crate) fn set_arguments(&self, script: &OsStr, arguments: &[impl AsRef<OsStr>]) -> mlua::Result<()> {
        let table = self.lua.create_table_with_capacity(arguments.len(), 1)?;
        table.raw_set(0, self.lua.create_string(script.as_encoded_bytes())?)?;
        for (index, argument) in arguments.iter().enumerate() {
            table.raw_set(index + 1, self.lua.create_string(argument.as_ref().as_encoded_bytes())?)?;
        }
        let globals = self.lua.globals();
        globals.get::<Table>("whimbrel")?.raw_set("args", &table)?;
        globals.raw_set("arg", table)
    }

    /// Lets `require` look beside the script before it looks anywhere else.
    pub(crate) fn look_beside(&self, directory: &Path) -> mlua::Result<()> {
        let package: Table = self.lua.globals().get("package")?;
        let mut path = Vec::new();
        for pattern in ["?.lua", "?/init.lua"] {
            path.extend_from_slice(directory.join(pattern).as_os_str().as_encoded_bytes());
            path.push(b';');
        }
        path.extend_from_slice(&package.get::<mlua::LuaString>("path")?.as_bytes());
        package.set("path", self.lua.create_string(path)?)
    }

    /// The end of everything: transfers are given up, and listeners are told of the application's exit. Tells whether
    /// an error in a listener was reported from the beginning on.
    pub(crate) fn leave(&self) -> mlua::Result<bool> {
        self.runner.get::<Function>("leave")?.call::<()>(())?;
        self.runner.get("failed")
    }

    /// Runs one script with `arguments` as its `...`, to the end of its loop. An error of its main chunk comes back as
    /// its message and traceback.
    pub(crate) fn run(&self, source: &[u8], name: &str, arguments: impl IntoLuaMulti) -> Result<Ended, String> {
        let told = |error: mlua::Error| error.to_string();
        let chunk = self.lua.load(without_shebang(source)).set_name(name).into_function().map_err(syntax)?;
        let mut given = arguments.into_lua_multi(&self.lua).map_err(told)?;
        given.push_front(mlua::Value::Function(chunk));
        let mut results: MultiValue = self.main.call(given).map_err(told)?;
        match results.pop_front() {
            Some(mlua::Value::Boolean(true)) => Ok(Ended {
                failed: self.runner.get("failed").map_err(told)?,
                by_signal: self.runner.get("ended_by").map_err(told)?,
            }),
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
