//! What the runner's Lua chunks stand on: a clock, a sleep, signals, facts about the machine, and where errors are told.
//! It makes no decision; `loop.lua` does.

use std::cell::Cell;
use std::env::consts::{ARCH, OS};
use std::ffi::OsStr;
use std::path::Path;
use std::rc::Rc;
use std::time::{Duration, Instant};

use mlua::{Lua, LuaString, Table};

use super::Host;
use crate::signals::{Asked, Inbox};

/// The table that each chunk gets.
pub(super) fn table(lua: &Lua, host: Host, script: &OsStr, inbox: &Inbox) -> mlua::Result<Table> {
    let runner = lua.create_table()?;
    let text = |path: &OsStr| lua.create_string(path.as_encoded_bytes());
    runner.set("script", text(script)?)?;
    runner.set("base", text(host.base.as_os_str())?)?;
    runner.set("form_posts", host.form_posts)?;
    runner.set("frame", 1000.0 / host.fps)?;
    runner.set("facts", facts(lua, text(Path::new(script).file_stem().unwrap_or_default())?)?)?;
    let report = host.report;
    runner.set(
        "report",
        lua.create_function(move |_, told: LuaString| {
            report(&told.to_string_lossy());
            Ok(())
        })?,
    )?;
    time(lua, &runner, inbox)?;
    runner.set("listen", lua.create_function(|_, ()| Ok(()))?)?;
    Ok(runner)
}

/// The clock, in milliseconds, and what waits by it.
fn time(lua: &Lua, runner: &Table, inbox: &Inbox) -> mlua::Result<()> {
    let begun = Instant::now();
    // A run that is suspended has no time.
    let lost = Rc::new(Cell::new(Duration::ZERO));
    let suspended = lost.clone();
    runner.set("clock", lua.create_function(move |_, ()| Ok((begun.elapsed() - lost.get()).as_secs_f64() * 1e3))?)?;
    let signals = inbox.clone();
    runner.set(
        "sleep",
        lua.create_function(move |_, milliseconds: Option<f64>| {
            let time =
                milliseconds.map(|time| Duration::try_from_secs_f64(time.max(0.0) / 1e3).unwrap_or(Duration::MAX));
            signals.wait(time);
            Ok(())
        })?,
    )?;
    let signals = inbox.clone();
    runner.set(
        "take_signal",
        lua.create_function(move |lua, ()| match signals.take() {
            None => Ok(mlua::Value::Nil),
            Some(Asked::Suspend) => Ok(mlua::Value::String(lua.create_string("suspend")?)),
            Some(Asked::End { code }) => Ok(mlua::Value::Integer(code.into())),
        })?,
    )?;
    let signals = inbox.clone();
    runner.set(
        "stop",
        lua.create_function(move |_, ()| {
            let stopped = Instant::now();
            signals.stop()?;
            suspended.set(suspended.get() + stopped.elapsed());
            Ok(())
        })?,
    )
}

/// What `system.getInfo` knows, under upstream's keys.
fn facts(lua: &Lua, name: LuaString) -> mlua::Result<Table> {
    let facts = lua.create_table()?;
    let platform = match OS {
        "windows" => ("win32", "Win"),
        "macos" => ("macos", "Mac OS X"),
        "linux" => ("linux", "Linux"),
        "android" => ("android", "Android"),
        "ios" => ("ios", "iPhone OS"),
        other => (other, other),
    };
    facts.set("platform", platform.0)?;
    facts.set("platformName", platform.1)?;
    facts.set("environment", "device")?;
    facts.set("architectureInfo", ARCH)?;
    facts.set("appName", name)?;
    Ok(facts)
}
