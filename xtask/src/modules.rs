//! Builds the loadable Lua modules: one library for each Lua ABI, under every name by which a host looks for it.
//!
//! The names are links to the one library, never copies: two copies in a process would be two engines. A link is made
//! only for a module whose entry point the library holds.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::process::{self, Outcome};

/// The ABIs, each with its cargo feature. LuaJIT loads the modules of 5.1.
pub(crate) const ABIS: [(&str, &str); 4] = [("5.1", "lua51"), ("5.2", "lua52"), ("5.3", "lua53"), ("5.4", "lua54")];

/// A module's entry point, the name of its file, and where that file points.
const LINKS: [(&str, &str, &str); 8] = [
    ("luaopen_http", "http.so", "whimbrel.so"),
    ("luaopen_network", "network.so", "whimbrel.so"),
    ("luaopen_httpclient", "httpclient.so", "whimbrel.so"),
    ("luaopen_whimbrel_http", "whimbrel/http.so", "../whimbrel.so"),
    ("luaopen_whimbrel_network", "whimbrel/network.so", "../whimbrel.so"),
    ("luaopen_whimbrel_love", "whimbrel/love.so", "../whimbrel.so"),
    ("luaopen_plugin_whimbrel", "plugin/whimbrel.so", "../whimbrel.so"),
    ("luaopen_whimbrel_httpclient", "whimbrel/httpclient.so", "../whimbrel.so"),
];

/// The largest that a module may be, in bytes.
pub(crate) const LARGEST: u64 = 4 << 20;

/// Where the modules are put: one folder for each ABI.
pub(crate) fn folder() -> PathBuf {
    process::root().join("dist").join("lua")
}

/// Builds the ABIs named, or all.
pub(crate) fn command(arguments: &[String]) -> Outcome {
    for name in arguments {
        if !ABIS.iter().any(|(abi, _)| abi == name) {
            return Err(format!("there is no ABI `{name}`; name some of 5.1 5.2 5.3 5.4 (LuaJIT uses 5.1)"));
        }
    }
    for (abi, feature) in ABIS {
        if arguments.is_empty() || arguments.iter().any(|name| name == abi) {
            build(abi, feature)?;
        }
    }
    copy_meta()
}

/// Builds every ABI; one that is up to date costs a fraction of a second.
pub(crate) fn build_all() -> Outcome {
    command(&[])
}

fn build(abi: &str, feature: &str) -> Outcome {
    let begun = Instant::now();
    // One folder for all ABIs: only the crates that depend on the ABI are compiled four times.
    let target = process::target().join("modules");
    process::run(
        process::cargo()
            .args(["build", "--release", "--quiet", "--manifest-path", "modules/lua/Cargo.toml", "--features", feature])
            .arg("--target-dir")
            .arg(&target),
    )?;
    let built = target.join("release").join(built_name());
    let folder = folder().join(abi);
    let library = folder.join("whimbrel.so");
    place(&built, &library)?;
    let content = fs::read(&library).map_err(|error| process::about(&library, error))?;
    for (entry, name, points_to) in LINKS {
        let link = folder.join(name);
        let _ = fs::remove_file(&link);
        if holds(&content, entry) {
            link_to(points_to, &link)?;
        }
    }
    let size = content.len() as u64;
    println!("modules: Lua {abi}: {} KiB, {:.1} s", size / 1024, begun.elapsed().as_secs_f64());
    if size > LARGEST {
        return Err(format!("the module for Lua {abi} is {size} bytes; it may be {LARGEST}"));
    }
    Ok(())
}

/// Puts a new file beside the old one and renames it, so that a process that has the old one loaded keeps it whole.
fn place(from: &Path, to: &Path) -> Outcome {
    let folder = to.parent().expect("a module lies in a folder");
    fs::create_dir_all(folder).map_err(|error| process::about(folder, error))?;
    let fresh = to.with_extension("new");
    fs::copy(from, &fresh).map_err(|error| process::about(from, error))?;
    fs::rename(&fresh, to).map_err(|error| process::about(to, error))
}

/// Whether the library exports the symbol: its name stands in the table of dynamic symbols, between two NULs.
fn holds(library: &[u8], symbol: &str) -> bool {
    let wanted = format!("\0{symbol}\0");
    library.windows(wanted.len()).any(|window| window == wanted.as_bytes())
}

fn link_to(points_to: &str, link: &Path) -> Outcome {
    let folder = link.parent().expect("a link lies in a folder");
    fs::create_dir_all(folder).map_err(|error| process::about(folder, error))?;
    #[cfg(unix)]
    let made = std::os::unix::fs::symlink(points_to, link);
    // Windows permits links to administrators only; a hard link is one file under two names as well.
    #[cfg(not(unix))]
    let made = fs::hard_link(folder.join(points_to), link);
    made.map_err(|error| process::about(link, error))
}

/// Ships the type files of the Lua language server beside the modules.
fn copy_meta() -> Outcome {
    let Ok(entries) = fs::read_dir(process::root().join("crates/whimbrel-lua/meta")) else { return Ok(()) };
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.extension().is_some_and(|extension| extension == "lua") {
            let to = folder().join("meta").join(path.file_name().expect("a file has a name"));
            place(&path, &to)?;
        }
    }
    Ok(())
}

fn built_name() -> &'static str {
    if cfg!(windows) {
        "whimbrel.dll"
    } else if cfg!(target_os = "macos") {
        "libwhimbrel.dylib"
    } else {
        "libwhimbrel.so"
    }
}
