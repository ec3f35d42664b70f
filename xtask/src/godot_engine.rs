//! Unpacks a real Godot engine for the tests: Debian's, with every library that it links, into a folder of the cache.
//!
//! Nothing is installed on the machine and no root is needed: packages are only downloaded and unpacked. Debian's stable
//! release has no Godot 4, so the packages are those of a later suite, with a C library of their own. A folder is built
//! beside its place and renamed into it when the engine in it has run; what a killed run left is removed by the next one.
//! Two runs at a time both build, and the first one counts.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{self, Outcome};

/// Changed with this recipe, so that a cache made by an older one is made again.
const RECIPE: &str = "1";

/// Debian's suites that have the engine, the one preferred first.
const SUITES: [&str; 2] = ["forky", "sid"];

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Packages that the engine depends on by name only: drivers, fonts, and what an installed system is made of.
const LEFT_OUT: [&str; 20] = [
    "adduser",
    "coreutils",
    "debconf",
    "dpkg",
    "fonts-",
    "libc-bin",
    "libdrm-",
    "libgallium",
    "libgl1-mesa",
    "libllvm",
    "libperl",
    "libz3",
    "media-types",
    "mesa-",
    "passwd",
    "perl",
    "shared-mime",
    "sse4",
    "tar",
    "x11-",
];

/// The script that starts the engine, with `LIBRARIES` and `LOADER` yet to be named.
///
/// It has a home of its own to write to, unless `GODOT_HOME` names one. Its folder may be moved.
const RUNNER: &str = r#"#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
libraries=$here/root/LIBRARIES
export HOME="${GODOT_HOME:-$here/home}"
unset XDG_DATA_HOME XDG_CONFIG_HOME XDG_CACHE_HOME
exec "$libraries/LOADER" --library-path "$libraries:$libraries/pulseaudio" "$here/root/usr/bin/godot" "$@"
"#;

/// Where the engine's runner script is, or will be.
pub(crate) fn runner() -> PathBuf {
    folder().join("godot")
}

fn folder() -> PathBuf {
    process::cache().join("godot")
}

/// Unpacks the engine if it is not there, and prints where its runner is.
pub(crate) fn command() -> Outcome {
    install()?;
    println!("{}", runner().display());
    Ok(())
}

/// Unpacks the engine if it is not there.
pub(crate) fn install() -> Outcome {
    let folder = folder();
    remove_left_over();
    if is_whole(&folder) {
        return Ok(());
    }
    for tool in ["apt-get", "dpkg-deb"] {
        if process::find(tool).is_none() {
            return Err(format!("no Godot engine: this system has no {tool} to unpack Debian's with"));
        }
    }
    let fresh = Fresh::begin(&folder)?;
    let mirror = mirror()?;
    let mut reasons = Vec::new();
    for suite in SUITES {
        println!("setup: unpacking Godot from Debian {suite}");
        match unpack(&fresh.0, &mirror, suite) {
            Ok(()) => return put_in_place(&fresh.0, &folder),
            Err(reason) => reasons.push(reason),
        }
    }
    Err(format!("no Godot engine: {}", reasons.join("; ")))
}

fn is_whole(folder: &Path) -> bool {
    fs::read_to_string(folder.join("recipe")).is_ok_and(|recipe| recipe == RECIPE)
}

fn put_in_place(fresh: &Path, folder: &Path) -> Outcome {
    let old = beside(folder, "old");
    if !is_whole(folder) {
        let _ = fs::rename(folder, &old);
    }
    let renamed = fs::rename(fresh, folder);
    let _ = fs::remove_dir_all(&old);
    match renamed {
        Err(error) if !is_whole(folder) => Err(process::about(folder, error)),
        _ => Ok(()),
    }
}

/// A folder under construction; gone when this value is dropped, unless it was renamed.
struct Fresh(PathBuf);

impl Fresh {
    fn begin(folder: &Path) -> Result<Fresh, String> {
        let fresh = Fresh(beside(folder, "new"));
        fs::create_dir_all(&fresh.0).map_err(|error| process::about(&fresh.0, error))?;
        Ok(fresh)
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A name beside the folder that is of this process alone: `godot.new.123`.
fn beside(folder: &Path, word: &str) -> PathBuf {
    folder.with_extension(format!("{word}.{}", std::process::id()))
}

/// Removes the folders of processes that are no more.
fn remove_left_over() {
    let Ok(entries) = fs::read_dir(process::cache()) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let owner = name.strip_prefix("godot.new.").or(name.strip_prefix("godot.old."));
        if owner.is_some_and(|owner| !Path::new("/proc").join(owner).exists()) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// The Debian mirror that this machine's apt uses.
fn mirror() -> Result<String, String> {
    let format = "$(IDENTIFIER) $(COMPONENT) $(RELEASE) $(REPO_URI)";
    let targets = process::output(Command::new("apt-get").args(["indextargets", "--format", format]))?;
    let of_release = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            // Releases with a hyphen are those of updates, which lie elsewhere.
            ["Packages", "main", release, mirror] if !release.contains('-') => Some(mirror.to_owned()),
            _ => None,
        }
    };
    targets.lines().find_map(of_release).ok_or_else(|| "apt's configuration names no Debian mirror".to_owned())
}

fn unpack(fresh: &Path, mirror: &str, suite: &str) -> Outcome {
    let apt = Apt::begin(&fresh.join("apt"), mirror, suite)?;
    apt.run(&["-qq", "update"])?;
    let plan = apt.run(&["--simulate", "install", "godot"])?;
    let names = plan.lines().filter_map(|line| line.strip_prefix("Inst ")?.split(' ').next());
    let names: Vec<&str> = names.filter(|name| !LEFT_OUT.iter().any(|prefix| name.starts_with(prefix))).collect();
    if !names.contains(&"godot") {
        return Err(format!("Debian {suite} has no package godot"));
    }
    apt.run(&[&["-qq", "download"], &names[..]].concat())?;

    let root = fresh.join("root");
    for package in fs::read_dir(&apt.packages).map_err(|error| process::about(&apt.packages, error))?.flatten() {
        process::output(Command::new("dpkg-deb").arg("--extract").arg(package.path()).arg(&root))?;
    }
    let _ = fs::remove_dir_all(&apt.folder);
    for unread in ["usr/share/doc", "usr/share/man", "usr/share/locale"] {
        let _ = fs::remove_dir_all(root.join(unread));
    }
    fs::create_dir_all(fresh.join("home")).map_err(|error| process::about(fresh, error))?;
    write_runner(&root, &fresh.join("godot"))?;
    let version = process::output(Command::new(fresh.join("godot")).args(["--headless", "--version"]))?;
    println!("setup: Godot {}", version.trim());
    write(&fresh.join("recipe"), RECIPE)
}

fn write(path: &Path, content: &str) -> Outcome {
    fs::write(path, content).map_err(|error| process::about(path, error))
}

fn write_runner(root: &Path, path: &Path) -> Outcome {
    let (libraries, loader) = loader(root).ok_or("Debian's C library is not where it was")?;
    write(path, &RUNNER.replace("LIBRARIES", &libraries).replace("LOADER", &loader))?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(path, mode).map_err(|error| process::about(path, error))?;
    }
    Ok(())
}

/// Where the libraries lie, `usr/lib/x86_64-linux-gnu`, and the name of the loader among them.
fn loader(root: &Path) -> Option<(String, String)> {
    let name = |path: &Path| Some(path.file_name()?.to_string_lossy().into_owned());
    let list = |path: &Path| fs::read_dir(path).into_iter().flatten().flatten().map(|entry| entry.path());
    let folder = list(&root.join("usr/lib")).find(|folder| folder.join("libc.so.6").exists())?;
    let loader = list(&folder).filter_map(|path| name(&path)).find(|name| name.starts_with("ld-linux-"))?;
    Some((format!("usr/lib/{}", name(&folder)?), loader))
}

/// An apt with lists, state and sources of its own, in which nothing is installed.
struct Apt {
    folder: PathBuf,
    packages: PathBuf,
    options: Vec<String>,
}

impl Apt {
    fn begin(folder: &Path, mirror: &str, suite: &str) -> Result<Apt, String> {
        let _ = fs::remove_dir_all(folder);
        let packages = folder.join("packages");
        for name in ["lists/partial", "cache/archives/partial", "etc/preferences.d", "packages"] {
            let made = folder.join(name);
            fs::create_dir_all(&made).map_err(|error| process::about(&made, error))?;
        }
        write(&folder.join("status"), "")?;
        let signed = if Path::new(KEYRING).exists() { format!("[signed-by={KEYRING}] ") } else { String::new() };
        write(&folder.join("etc/sources.list"), &format!("deb {signed}{mirror} {suite} main\n"))?;

        let at = |name: &str| folder.join(name).display().to_string();
        let options = [
            format!("Dir::Etc={}", at("etc")),
            format!("Dir::Etc::sourcelist={}", at("etc/sources.list")),
            "Dir::Etc::sourceparts=-".to_owned(),
            "Dir::Etc::parts=-".to_owned(),
            format!("Dir::State={}", folder.display()),
            format!("Dir::State::lists={}", at("lists")),
            format!("Dir::State::status={}", at("status")),
            format!("Dir::Cache={}", at("cache")),
            "APT::Install-Recommends=0".to_owned(),
            // The user `_apt` may not reach a folder below somebody's home.
            "APT::Sandbox::User=root".to_owned(),
            "Debug::NoLocking=1".to_owned(),
            "Acquire::Languages=none".to_owned(),
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
            "Acquire::Retries=5".to_owned(),
        ];
        Ok(Apt { folder: folder.to_owned(), packages, options: options.to_vec() })
    }

    fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let mut command = Command::new("timeout");
        command.args(["900", "apt-get"]).current_dir(&self.packages).env("DEBIAN_FRONTEND", "noninteractive");
        for option in &self.options {
            command.args(["-o", option]);
        }
        process::output(command.args(arguments)).map_err(|reason| {
            // Its options would hide what it says.
            let task = arguments.iter().take(3).copied().collect::<Vec<_>>().join(" ");
            format!("apt-get {task}: {}", reason.lines().last().unwrap_or_default())
        })
    }
}
