//! Finds programs and the project's folders, and runs commands with a limit on their time.
//!
//! It never retries and never hides output: a command's own words are the best report of its failure.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::{Duration, Instant};

/// What a task returns: nothing, or one sentence.
pub(crate) type Outcome = Result<(), String>;

/// The project's root folder.
pub(crate) fn root() -> PathBuf {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let folder = manifest.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    folder.parent().expect("xtask lies in the project's root folder").to_path_buf()
}

/// The folder that cargo builds into.
pub(crate) fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(folder) => root().join(folder),
        None => root().join("target"),
    }
}

/// The folder for what the project gets for itself and keeps: `$WHIMBREL_CACHE`, or `~/.cache/whimbrel`.
pub(crate) fn cache() -> PathBuf {
    if let Some(folder) = std::env::var_os("WHIMBREL_CACHE") {
        return PathBuf::from(folder);
    }
    let cache = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    cache.unwrap_or_else(home).join("whimbrel")
}

/// The folder for tools that the project installs for itself.
pub(crate) fn tools() -> PathBuf {
    cache().join("tools")
}

/// Where a program is: among our own tools, the engine of the cache, on PATH, or where Debian keeps daemons.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    [tools().join("bin"), cache().join("godot")]
        .into_iter()
        .chain(std::env::split_paths(&path))
        .chain(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from))
        .map(|folder| folder.join(&name))
        .find(|candidate| candidate.is_file())
}

/// A command that runs cargo in the project's root.
pub(crate) fn cargo() -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// A command in the project's root, without what cargo told this program about xtask: a cargo below would take it for a
/// change of the environment and build again what is built.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    for (name, _) in std::env::vars_os() {
        let shown = name.to_string_lossy();
        if shown.starts_with("CARGO_PKG_") || shown.starts_with("CARGO_MANIFEST_") {
            command.env_remove(&name);
        }
    }
    command
}

/// Runs a command to its end; a failure is a sentence with the command in it.
pub(crate) fn run(command: &mut Command) -> Outcome {
    let shown = show(command);
    let status = command.status().map_err(|error| format!("cannot start `{shown}`: {error}"))?;
    judge(&shown, status)
}

/// Runs a command for at most `limit`, then ends it and everything that it started.
pub(crate) fn run_within(command: &mut Command, limit: Duration) -> Outcome {
    let shown = show(command);
    own_group(command);
    let mut child = command.spawn().map_err(|error| format!("cannot start `{shown}`: {error}"))?;
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().map_err(|error| format!("cannot wait for `{shown}`: {error}"))? {
            return judge(&shown, status);
        }
        if Instant::now() >= deadline {
            end_group(&mut child);
            return Err(format!("`{shown}` took longer than {} s and was ended", limit.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Runs a command and returns what it wrote to its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, String> {
    let shown = show(command);
    let output = command.output().map_err(|error| format!("cannot start `{shown}`: {error}"))?;
    if !output.status.success() {
        let words = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`{shown}` failed ({}): {}", output.status, words.trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// An error sentence about a file.
pub(crate) fn about(path: &Path, error: std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

fn judge(shown: &str, status: ExitStatus) -> Outcome {
    if status.success() { Ok(()) } else { Err(format!("`{shown}` failed ({status})")) }
}

fn show(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or_default().to_string_lossy().into_owned();
    let arguments = command.get_args().map(|argument| argument.to_string_lossy().into_owned());
    std::iter::once(program).chain(arguments).collect::<Vec<_>>().join(" ")
}

#[cfg(unix)]
fn own_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(not(unix))]
fn own_group(_: &mut Command) {}

fn end_group(child: &mut Child) {
    // The standard library can signal one process only; the group goes through kill(1).
    let group = format!("-{}", child.id());
    let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
    let _ = child.kill();
    let _ = child.wait();
}
