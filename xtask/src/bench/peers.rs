//! The programs that are compared, and how each is built and called. A peer whose build fails is an error: a bench that
//! lacks one compares nothing.

use std::path::{Path, PathBuf};
use std::process::Command;

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
}

impl Peer {
    /// The command that runs it, without its arguments.
    pub(super) fn arguments(&self) -> Vec<PathBuf> {
        std::iter::once(self.program.clone()).chain(self.script.clone()).collect()
    }
}

const RUST: [(&str, &str); 3] = [("raw", "raw socket loop"), ("whimbrel", "Whimbrel, Rust"), ("ureq", "ureq 3")];
const LUA: [(&str, &str, &str); 3] = [
    ("whimbrel-lua", "Whimbrel, LuaJIT", "whimbrel.lua"),
    ("luasocket", "LuaSocket", "luasocket.lua"),
    ("lua-http", "lua-http", "lua-http.lua"),
];

/// Builds every peer.
pub(super) fn build(folder: &Path) -> Result<Vec<Peer>, String> {
    let target = process::target().join("bench");
    process::run(
        process::cargo()
            .args(["build", "--release", "--quiet", "--manifest-path", "bench/rust/Cargo.toml", "--target-dir"])
            .arg(&target),
    )?;
    let curl = folder.join("curl");
    let gcc = process::find("gcc").ok_or("gcc is missing; `cargo xtask setup` installs it")?;
    process::run(process::command(gcc).args(["-O2", "bench/curl.c", "-lcurl", "-o"]).arg(&curl))?;
    let luajit = process::find("luajit").ok_or("luajit is missing; `cargo xtask setup` installs it")?;

    let mut peers: Vec<Peer> = Vec::new();
    for (key, name) in RUST {
        peers.push(Peer { key, name, program: target.join("release").join(key), script: None });
    }
    peers.insert(2, Peer { key: "libcurl", name: "libcurl, C", program: curl, script: None });
    let scripts = process::root().join("bench").join("lua");
    for (key, name, script) in LUA {
        peers.push(Peer { key, name, program: luajit.clone(), script: Some(scripts.join(script)) });
    }
    Ok(peers)
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
