//! Runs a script in headless Godot, in a project folder made for it, within a time limit. What it printed is the tests'
//! matter.

use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// A project folder with the scripts of `tests/godot`, removed with the value.
pub(crate) struct Project {
    folder: PathBuf,
}

/// What a run left.
pub(crate) struct Run {
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// `None`: ended by a signal.
    pub(crate) code: Option<i32>,
    /// Whether it had to be ended.
    pub(crate) is_late: bool,
}

/// Whether the extension is part of the project.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Addon {
    With,
    Without,
}

impl Project {
    pub(crate) fn new(name: &str, addon: Addon) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("whimbrel-godot-{name}-{}-{number}", std::process::id()));
        fs::create_dir_all(folder.join("home")).unwrap();
        fs::create_dir_all(folder.join("files")).unwrap();
        for entry in fs::read_dir(scripts_folder()).unwrap().flatten() {
            symlink(entry.path(), folder.join(entry.file_name())).unwrap();
        }
        let project = Self { folder };
        if !project.folder.join("project.godot").exists() {
            project.write("project.godot", "config_version=5\n[application]\nconfig/name=\"whimbrel-tests\"\n");
        }
        if addon == Addon::With {
            project.add_extension();
        }
        project
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Writes a file, also over a script's link.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let _ = fs::remove_file(&path);
        fs::write(&path, content).unwrap();
        path
    }

    /// As an installed addon, with the description that ships. The engine's own import writes the same list.
    fn add_extension(&self) {
        let addon = self.folder.join("addons/whimbrel");
        fs::create_dir_all(&addon).unwrap();
        let shipped = root().join("modules/godot/addon");
        for name in ["whimbrel.gdextension", "icon.svg"] {
            symlink(shipped.join(name), addon.join(name)).unwrap();
        }
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { std::env::consts::ARCH };
        let name = format!("libwhimbrel_godot.{}.{architecture}.so", std::env::consts::OS);
        symlink(library(), addon.join(name)).unwrap();
        self.write(".godot/extension_list.cfg", "res://addons/whimbrel/whimbrel.gdextension\n");
    }

    /// Runs a script with these user arguments and variables, for at most `limit`.
    pub(crate) fn run(&self, script: &str, arguments: &[String], env: &[(&str, String)], limit: Duration) -> Run {
        let home = self.folder.join("home");
        let mut command = Command::new(runner());
        command.args(["--headless", "--path"]).arg(&self.folder).args(["--script", script, "--"]).args(arguments);
        command.env("GODOT_HOME", &home).env("HOME", &home).envs(env.iter().cloned());
        for name in ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"] {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("{} can't be run: {error}", runner().display()));
        let stdout = collect(child.stdout.take().unwrap());
        let stderr = collect(child.stderr.take().unwrap());
        let deadline = Instant::now() + limit;
        let mut is_late = false;
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > deadline && !is_late {
                is_late = true;
                // The runner becomes the engine, so there is one process to end.
                let _ = child.kill();
            }
            // There is no wait with a time limit in the standard library.
            thread::sleep(Duration::from_millis(5));
        };
        Run { stdout: stdout.join().unwrap(), stderr: stderr.join().unwrap(), code: status.code(), is_late }
    }
}

impl Drop for Project {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn collect(mut pipe: impl Read + Send + 'static) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = pipe.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Where the project is.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

pub(crate) fn scripts_folder() -> PathBuf {
    root().join("tests/godot")
}

fn runner() -> PathBuf {
    let cache = std::env::var_os("WHIMBREL_CACHE").map(PathBuf::from);
    let path = std::env::var_os("WHIMBREL_GODOT").map_or_else(
        || {
            let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache/whimbrel"));
            cache.or(home).expect("HOME is set").join("godot/godot")
        },
        PathBuf::from,
    );
    assert!(path.exists(), "there is no Godot at {}: run `cargo xtask godot-engine`", path.display());
    path
}

fn library() -> PathBuf {
    let built = root().join("target/godot/debug/libwhimbrel_godot.so");
    let path = std::env::var_os("WHIMBREL_GODOT_LIBRARY").map_or(built, PathBuf::from);
    assert!(
        path.exists(),
        "there is no extension at {}: run `cargo build --manifest-path modules/godot/Cargo.toml --target-dir \
         target/godot`",
        path.display()
    );
    path
}
