//! Builds the Godot extension and lays out its addon: `dist/godot/addons/whimbrel`, ready to be copied into a project.
//!
//! Libraries of other systems that lie there already stay, and the description names every library that is there.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::process::{self, Outcome};

/// What is laid out as it stands: where it lies below the project's root, and its name in the addon.
const FILES: [(&str, &str); 4] = [
    ("modules/godot/addon/README.md", "README.md"),
    ("modules/godot/addon/icon.svg", "icon.svg"),
    ("LICENSE-MIT", "LICENSE-MIT"),
    ("LICENSE-APACHE", "LICENSE-APACHE"),
];

/// The largest that the extension may be, in bytes: the engine, and 2 MB of bindings that look up each method of Godot.
const LARGEST: u64 = 7 << 20;

/// The addon's folder.
pub(crate) fn addon() -> PathBuf {
    process::root().join("dist/godot/addons/whimbrel")
}

/// The library in it for this machine.
pub(crate) fn library() -> PathBuf {
    addon().join(library_name())
}

/// Builds for release, or with `--debug` for development: quick to build, with every check of the bindings, and slow.
pub(crate) fn command(arguments: &[String]) -> Outcome {
    let debug = match arguments {
        [] => false,
        [flag] if flag == "--debug" => true,
        _ => return Err("it takes --debug and nothing else".to_owned()),
    };
    let begun = Instant::now();
    let library = build(debug)?;
    let placed = self::library();
    place(&library, &placed)?;
    for (from, name) in FILES {
        place(&process::root().join(from), &addon().join(name))?;
    }
    let notice = read(&process::root().join("modules/godot/addon/NOTICE"))?;
    write(&addon().join("NOTICE"), &notice.replace("VERSION", &bindings_version()?))?;
    describe()?;
    let size = fs::metadata(&placed).map_err(|error| process::about(&placed, error))?.len();
    println!("godot: {}: {} KiB, {:.1} s", library_name(), size / 1024, begun.elapsed().as_secs_f64());
    if !debug && size > LARGEST {
        return Err(format!("the extension is {size} bytes; it may be {LARGEST}"));
    }
    Ok(())
}

/// Compiles the extension and returns where its library is.
fn build(debug: bool) -> Result<PathBuf, String> {
    // The folder of the Lua modules: the engine below both is compiled once.
    let (profile, target) = match debug {
        true => ("debug", process::target().join("godot")),
        false => ("release", process::target().join("modules")),
    };
    let mut command = process::cargo();
    command.args(["build", "--quiet", "--manifest-path", "modules/godot/Cargo.toml", "--target-dir"]).arg(&target);
    if !debug {
        command.arg("--release");
    }
    process::run_within(&mut command, Duration::from_secs(30 * 60))?;
    Ok(target.join(profile).join(built_name()))
}

/// Writes the description that the engine reads, less the libraries that are not there.
fn describe() -> Outcome {
    let whole = read(&process::root().join("modules/godot/addon/whimbrel.gdextension"))?;
    let library_of = |line: &str| {
        let (_, name) = line.split_once(" = \"")?;
        let name = name.strip_suffix('"')?;
        [".so", ".dll", ".dylib"].iter().any(|end| name.ends_with(end)).then(|| addon().join(name))
    };
    let kept = whole.lines().skip_while(|line| line.starts_with(';') || line.is_empty());
    let kept = kept.filter(|line| library_of(line).is_none_or(|library| library.exists()));
    write(&addon().join("whimbrel.gdextension"), &(kept.collect::<Vec<_>>().join("\n") + "\n"))
}

/// The version of the bindings that the lock file names.
fn bindings_version() -> Result<String, String> {
    let lock = read(&process::root().join("modules/godot/Cargo.lock"))?;
    let after = lock.split("name = \"godot\"\nversion = \"").nth(1).and_then(|rest| rest.split('"').next());
    after.map(str::to_owned).ok_or_else(|| "modules/godot/Cargo.lock names no crate `godot`".to_owned())
}

/// Puts a new file beside the old one and renames it, so that an engine that has the old one loaded keeps it whole.
fn place(from: &Path, to: &Path) -> Outcome {
    fs::create_dir_all(addon()).map_err(|error| process::about(&addon(), error))?;
    let fresh = to.with_extension("new");
    fs::copy(from, &fresh).map_err(|error| process::about(from, error))?;
    fs::rename(&fresh, to).map_err(|error| process::about(to, error))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| process::about(path, error))
}

fn write(path: &Path, content: &str) -> Outcome {
    fs::write(path, content).map_err(|error| process::about(path, error))
}

fn built_name() -> &'static str {
    if cfg!(windows) {
        "whimbrel_godot.dll"
    } else if cfg!(target_os = "macos") {
        "libwhimbrel_godot.dylib"
    } else {
        "libwhimbrel_godot.so"
    }
}

/// The library's name in the addon: with the system and the architecture, as the engine calls them.
fn library_name() -> String {
    let (stem, ending) = built_name().split_once('.').expect("a library's name has an ending");
    let architecture = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    };
    format!("{stem}.{}.{architecture}.{ending}", std::env::consts::OS)
}
