//! The programs that are compared, and how each is built and called. A peer whose build fails is an error: a bench that
//! lacks one compares nothing.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::server;
use crate::modules;
use crate::process;

/// A program under measurement.
pub(super) struct Peer {
    /// By what the rows name it.
    pub(super) key: &'static str,
    /// By what the tables name it.
    pub(super) name: &'static str,
    program: PathBuf,
    script: Option<PathBuf>,
    ca: PathBuf,
}

impl Peer {
    /// Runs it to its end, under a wrapper or not; returns its standard output and error.
    pub(super) fn run<A: AsRef<OsStr>>(
        &self,
        wrapper: &[PathBuf],
        arguments: &[A],
    ) -> Result<(String, String), String> {
        let mut words = wrapper.to_vec();
        words.push(self.program.clone());
        words.extend(self.script.clone());
        let mut command = many_files(&words[0]);
        command.args(&words[1..]).args(arguments);
        environment(&mut command);
        command.env("BENCH_CA", &self.ca);
        let output = command.output().map_err(|error| format!("cannot start {}: {error}", self.name))?;
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            let first = words.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
            return Err(format!("{} failed ({}): {first}", self.name, output.status));
        }
        Ok((String::from_utf8_lossy(&output.stdout).into_owned(), words))
    }

    /// Runs it, and returns the figures that it prints: exactly so many.
    pub(super) fn figures<const N: usize, A: AsRef<OsStr>>(
        &self,
        wrapper: &[PathBuf],
        arguments: &[A],
    ) -> Result<[f64; N], String> {
        let (printed, _) = self.run(wrapper, arguments)?;
        let figures: Vec<f64> = printed.split_whitespace().filter_map(|figure| figure.parse().ok()).collect();
        figures.try_into().map_err(|_| format!("{} printed `{}`", self.name, printed.trim()))
    }
}

/// A command that may have as many files open as the system lets this user have.
pub(super) fn many_files(program: &Path) -> Command {
    match process::find("prlimit") {
        Some(prlimit) => {
            let mut command = Command::new(prlimit);
            command.arg(format!("--nofile={0}:{0}", most_files())).arg(program);
            command
        }
        None => Command::new(program),
    }
}

/// How many files a program may have open at most.
pub(super) fn most_files() -> u64 {
    let text = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"));
    line.and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok()).unwrap_or(1024)
}

/// In the order of the tables, whose ratios are to the first.
const RUST: [(&str, &str); 5] = [
    ("raw", "raw socket loop"),
    ("epoll", "hand epoll loop"),
    ("whimbrel", "Whimbrel, Rust"),
    ("transfers", "Whimbrel Transfers"),
    ("ureq", "ureq 3"),
];
const C: [(&str, &str, &str); 2] = [("libcurl", "libcurl, C", "curl.c"), ("multi", "libcurl multi, C", "curl_multi.c")];
const LUA: [(&str, &str, &str); 5] = [
    ("whimbrel-lua", "Whimbrel, LuaJIT", "blocking.lua"),
    ("network", "network, LuaJIT", "transfers.lua"),
    ("luasocket", "LuaSocket", "luasocket.lua"),
    ("lua-http", "lua-http", "lua-http.lua"),
    ("lua-http-many", "lua-http", "lua-http-many.lua"),
];

/// Builds every peer.
pub(super) fn build(folder: &Path) -> Result<Vec<Peer>, String> {
    let target = process::target().join("bench");
    process::run(
        process::cargo()
            .args(["build", "--release", "--quiet", "--manifest-path", "bench/rust/Cargo.toml", "--target-dir"])
            .arg(&target),
    )?;
    let gcc = process::find("gcc").ok_or("gcc is missing; `cargo xtask setup` installs it")?;
    let luajit = process::find("luajit").ok_or("luajit is missing; `cargo xtask setup` installs it")?;

    let ca = server::ca(folder);
    let mut peers: Vec<Peer> = Vec::new();
    for (key, name) in RUST {
        peers.push(Peer { key, name, program: target.join("release").join(key), script: None, ca: ca.clone() });
    }
    let own = peers.pop();
    for (key, name, source) in C {
        let program = folder.join(key);
        let source = Path::new("bench").join(source);
        process::run(process::command(&gcc).arg("-O2").arg(source).args(["-lcurl", "-o"]).arg(&program))?;
        peers.push(Peer { key, name, program, script: None, ca: ca.clone() });
    }
    peers.extend(own);
    let scripts = process::root().join("bench").join("lua");
    for (key, name, script) in LUA {
        peers.push(Peer { key, name, program: luajit.clone(), script: Some(scripts.join(script)), ca: ca.clone() });
    }
    Ok(peers)
}

/// The program of the Rust peers that holds and feeds connections.
pub(super) fn holder() -> PathBuf {
    process::target().join("bench").join("release").join("holder")
}

/// Sets what the Lua programs find their modules by: our modules, the bench's own, then the system's.
pub(super) fn environment(command: &mut Command) {
    let own = process::root().join("bench").join("lua");
    command.env("LUA_PATH", format!("{}/?.lua;;", own.display()));
    command.env("LUA_CPATH", format!("{}/?.so;;", modules::folder().join("5.1").display()));
    for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
        command.env_remove(name);
    }
}
