//! Installs what the tests and benches need and what is missing: Debian packages where that is allowed, and two cargo
//! tools and a Godot engine in a folder of our own. It never changes a running system otherwise: no service is started.

use std::path::Path;
use std::process::Command;

use crate::godot_engine;
use crate::process::{self, Outcome};

/// A program, and the Debian package that brings it.
const PROGRAMS: [(&str, &str); 17] = [
    ("lua5.1", "lua5.1"),
    ("lua5.2", "lua5.2"),
    ("lua5.3", "lua5.3"),
    ("lua5.4", "lua5.4"),
    ("luajit", "luajit"),
    ("love", "love"),
    ("nginx", "nginx-light"),
    ("caddy", "caddy"),
    ("squid", "squid"),
    ("microsocks", "microsocks"),
    ("gcc", "gcc"),
    // libFuzzer is C++.
    ("g++", "g++"),
    ("make", "make"),
    ("openssl", "openssl"),
    ("curl", "curl"),
    ("strace", "strace"),
    ("valgrind", "valgrind"),
];

/// A file, and the Debian package that brings it.
const FILES: [(&str, &str); 5] = [
    (
        "/usr/include/curl/curl.h|/usr/include/x86_64-linux-gnu/curl/curl.h|/usr/include/aarch64-linux-gnu/curl/curl.h",
        "libcurl4-openssl-dev",
    ),
    ("/usr/share/lua/5.1/socket.lua", "lua-socket"),
    ("/usr/share/lua/5.1/ssl.lua", "lua-sec"),
    ("/usr/share/lua/5.1/http/request.lua", "lua-http"),
    ("/etc/ssl/certs/ca-certificates.crt", "ca-certificates"),
];

/// Cargo's tools, their versions fixed so that every machine judges alike.
const TOOLS: [(&str, &str); 2] = [("cargo-deny", "0.20.2"), ("cargo-fuzz", "0.13.2")];

/// Installs everything, and says at its end what could not be had.
pub(crate) fn command() -> Outcome {
    let notes = install();
    if notes.is_empty() { Ok(()) } else { Err(notes.join("; ")) }
}

/// Installs what is missing. What cannot be installed is returned as sentences; the suites in need of it are skipped.
pub(crate) fn install() -> Vec<String> {
    let mut notes = Vec::new();
    let packages = missing_packages();
    if !packages.is_empty()
        && let Err(reason) = install_packages(&packages)
    {
        notes.push(format!("not installed: {} ({reason})", packages.join(" ")));
    }
    for (tool, version) in TOOLS {
        if process::find(tool).is_none()
            && let Err(reason) = install_tool(tool, version)
        {
            notes.push(reason);
        }
    }
    if let Err(reason) = godot_engine::install()
        && process::find("godot").is_none()
    {
        notes.push(reason);
    }
    notes
}

fn missing_packages() -> Vec<&'static str> {
    let programs = PROGRAMS.iter().filter(|(program, _)| process::find(program).is_none());
    let files = FILES.iter().filter(|(paths, _)| !paths.split('|').any(|path| Path::new(path).exists()));
    programs.chain(files).map(|(_, package)| *package).collect()
}

fn install_packages(packages: &[&str]) -> Outcome {
    let apt = process::find("apt-get").ok_or("this system has no apt-get; install them by hand")?;
    let user = process::output(Command::new("id").arg("-u"))?;
    if user.trim() != "0" {
        return Err("only root may install packages; run it once as root, or install them by hand".to_owned());
    }
    println!("setup: installing {}", packages.join(" "));
    let _quiet = NoServices::begin();
    let apt_get = |arguments: &[&str]| {
        process::run(
            Command::new(&apt)
                .args(["-qq", "-o", "Dpkg::Use-Pty=0"])
                .args(arguments)
                .env("DEBIAN_FRONTEND", "noninteractive"),
        )
    };
    apt_get(&["update"])?;
    apt_get(&[&["install", "--yes", "--no-install-recommends"], packages].concat())
}

fn install_tool(tool: &str, version: &str) -> Outcome {
    println!("setup: building {tool} {version}");
    let folder = process::tools();
    process::run(
        process::cargo()
            .args(["install", "--quiet", "--locked", tool, "--version", version, "--root"])
            .arg(folder)
            // It is used for seconds and built once on each machine: the build is what costs.
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1")
            .env("CARGO_PROFILE_RELEASE_LTO", "off")
            .env("CARGO_TARGET_DIR", process::target().join("tools")),
    )
}

/// Keeps Debian from starting the daemons that it installs, for as long as this value lives.
///
/// The tests start their own on ports of their own; a system's nginx on port 80 is nobody's wish.
struct NoServices {
    ours: bool,
}

impl NoServices {
    const POLICY: &str = "/usr/sbin/policy-rc.d";

    fn begin() -> NoServices {
        if Path::new(Self::POLICY).exists() {
            return NoServices { ours: false };
        }
        let written = std::fs::write(Self::POLICY, "#!/bin/sh\nexit 101\n").is_ok();
        let _ = Command::new("chmod").args(["0755", Self::POLICY]).status();
        NoServices { ours: written }
    }
}

impl Drop for NoServices {
    fn drop(&mut self) {
        if self.ours {
            let _ = std::fs::remove_file(Self::POLICY);
        }
    }
}
