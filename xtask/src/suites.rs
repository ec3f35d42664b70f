//! The suites of `./test`: what each is called, what it needs, and how it is run. It decides nothing about order or
//! outcome beyond that; `test` does.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::process::{self, Outcome};
use crate::{fuzz, godot, godot_editor, godot_engine, modules, soak, standalone};

/// One suite.
pub(crate) struct Suite {
    /// The name that `./test NAME` takes.
    pub(crate) name: &'static str,
    /// What it shows, in a few words.
    pub(crate) about: &'static str,
    /// The programs without which it is skipped.
    pub(crate) needs: &'static [&'static str],
    /// Runs it.
    pub(crate) run: fn() -> Outcome,
}

/// The suites, the quick and telling ones first.
pub(crate) const SUITES: &[Suite] = &[
    Suite { name: "fmt", about: "the sources are formatted", needs: &["cargo-fmt"], run: fmt },
    Suite { name: "standalone", about: "no file names one machine", needs: &["git"], run: standalone::check },
    Suite { name: "deny", about: "dependencies: licences, bans, sources", needs: &["cargo-deny"], run: deny },
    Suite { name: "clippy", about: "no lint warns", needs: &["cargo-clippy"], run: clippy },
    Suite { name: "units", about: "unit and integration tests", needs: &[], run: units },
    Suite { name: "doctests", about: "the examples in the documentation run", needs: &[], run: doctests },
    Suite { name: "docs", about: "the documentation builds without a warning", needs: &[], run: docs },
    Suite { name: "modules", about: "the Lua modules build and are small enough", needs: &[], run: modules::build_all },
    Suite {
        name: "lua-hosts",
        about: "the modules in real Lua 5.1-5.4, LuaJIT and LÖVE",
        needs: &["lua5.1", "lua5.2", "lua5.3", "lua5.4", "luajit", "love", "nginx"],
        run: lua_hosts,
    },
    Suite {
        name: "godot",
        about: "the extension in real headless Godot",
        needs: &["godot", "nginx", "squid"],
        run: godot_host,
    },
    Suite {
        name: "servers",
        about: "against nginx, Caddy, squid and microsocks",
        needs: &["nginx", "caddy", "squid", "microsocks"],
        run: servers,
    },
    Suite {
        name: "asan",
        about: "no leak and no bad access in the engine and the Lua facade",
        needs: &["cc"],
        run: asan,
    },
    Suite { name: "soak", about: "a minute of traffic with faults, at level memory", needs: &[], run: soak::short },
    Suite { name: "tour", about: "the tool's tour ends well", needs: &[], run: tour },
    Suite { name: "fuzz", about: "ten seconds of each fuzz target", needs: &["cargo-fuzz"], run: fuzz_smoke },
];

/// Integration tests that are suites of their own, because they need more than Rust, or a minute.
const OWN_SUITES: [&str; 4] = ["godot", "hosts", "real_servers", "soak"];

/// The workspaces beside the main one.
const WORKSPACES: [&str; 4] =
    ["modules/lua/Cargo.toml", "modules/godot/Cargo.toml", "fuzz/Cargo.toml", "bench/rust/Cargo.toml"];

const LONG: Duration = Duration::from_secs(20 * 60);

fn other_workspaces() -> impl Iterator<Item = &'static str> {
    WORKSPACES.into_iter().filter(|manifest| process::root().join(manifest).exists())
}

fn fmt() -> Outcome {
    process::run(process::cargo().args(["fmt", "--all", "--check"]))?;
    for manifest in other_workspaces() {
        process::run(process::cargo().args(["fmt", "--check", "--manifest-path", manifest]))?;
    }
    Ok(())
}

fn deny() -> Outcome {
    let program = process::find("cargo-deny").ok_or("cargo-deny is missing")?;
    for manifest in std::iter::once("Cargo.toml").chain(other_workspaces()) {
        process::run(
            process::command(&program)
                .args(["--log-level", "warn", "--manifest-path", manifest, "--config"])
                .arg(process::root().join("deny.toml"))
                .args(["check", "--hide-inclusion-graph", "bans", "licenses", "sources"]),
        )?;
    }
    Ok(())
}

fn clippy() -> Outcome {
    let deny = ["--", "-D", "warnings"];
    let mut main = process::cargo();
    main.args(["clippy", "--quiet", "--workspace", "--all-targets"]);
    process::run_within(main.args(deny), LONG)?;
    // Not among all targets, because it is not among all tests.
    let mut servers = process::cargo();
    servers.args(["clippy", "--quiet", "--workspace", "--test", "real_servers", "--test", "soak", "--test", "godot"]);
    process::run_within(servers.args(deny), LONG)?;
    let mut module = process::cargo();
    module.args(["clippy", "--quiet", "--manifest-path", "modules/lua/Cargo.toml", "--features", "lua54"]);
    process::run_within(module.arg("--target-dir").arg(process::target()).args(deny), LONG)?;
    let mut extension = process::cargo();
    extension.args(["clippy", "--quiet", "--manifest-path", "modules/godot/Cargo.toml"]);
    process::run_within(extension.arg("--target-dir").arg(process::target().join("godot")).args(deny), LONG)
}

fn units() -> Outcome {
    let mut command = process::cargo();
    if process::find("cargo-nextest").is_some() {
        command.args(["nextest", "run", "--workspace", "--no-fail-fast", "--status-level", "slow"]);
        command.args(["--final-status-level", "fail", "--no-tests", "pass"]);
        let left_out = OWN_SUITES.map(|test| format!("not binary(/^{test}$/)")).join(" and ");
        command.args(["-E", &left_out]);
    } else {
        // cargo test can only name what it takes, not what it leaves.
        command.args(["test", "--quiet", "--workspace", "--no-fail-fast", "--lib", "--bins"]);
        for test in integration_tests()? {
            command.arg("--test").arg(test);
        }
    }
    process::run_within(&mut command, LONG)
}

fn integration_tests() -> Result<Vec<String>, String> {
    let crates = process::root().join("crates");
    let mut names = Vec::new();
    let entries = std::fs::read_dir(&crates).map_err(|error| process::about(&crates, error))?;
    for package in entries.flatten() {
        let Ok(tests) = std::fs::read_dir(package.path().join("tests")) else { continue };
        for path in tests.flatten().map(|entry| entry.path()) {
            let is_test = path.extension().is_some_and(|extension| extension == "rs") || path.join("main.rs").exists();
            let Some(name) = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()) else { continue };
            if is_test && !OWN_SUITES.contains(&name.as_str()) {
                names.push(name);
            }
        }
    }
    names.sort();
    names.dedup();
    Ok(names)
}

fn doctests() -> Outcome {
    process::run_within(process::cargo().args(["test", "--quiet", "--workspace", "--doc"]), LONG)
}

fn docs() -> Outcome {
    let mut command = process::cargo();
    command.args(["doc", "--quiet", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    process::run_within(&mut command, LONG)
}

fn lua_hosts() -> Outcome {
    modules::build_all()?;
    own_suite("hosts", |command| {
        command.env("WHIMBREL_LUA_DIR", modules::folder());
    })
}

fn godot_host() -> Outcome {
    godot::command(&[])?;
    godot_editor::check()?;
    own_suite("godot", |command| {
        command.env("WHIMBREL_GODOT", process::find("godot").unwrap_or_else(godot_engine::runner));
        command.env("WHIMBREL_GODOT_LIBRARY", godot::library());
    })
}

fn servers() -> Outcome {
    own_suite("real_servers", |_| {})
}

fn own_suite(test: &str, prepare: impl FnOnce(&mut Command)) -> Outcome {
    let mut command = process::cargo();
    // The whole workspace, so that what the units were built from serves again.
    command.args(["test", "--quiet", "--workspace", "--test", test]);
    prepare(&mut command);
    process::run_within(&mut command, LONG)
}

/// Tests under AddressSanitizer, which looks for leaks at each exit too.
fn asan() -> Outcome {
    let version = process::cargo().arg("-vV").output().map_err(|error| format!("cargo can't be run: {error}"))?;
    let version = String::from_utf8_lossy(&version.stdout).into_owned();
    let host = version.lines().find_map(|line| line.strip_prefix("host: ")).ok_or("cargo names no host")?;
    let engine = [
        "--package",
        "whimbrel",
        "--test",
        "api",
        "--test",
        "faults",
        "--test",
        "poll_client",
        "--test",
        "proxies",
        "--test",
        "threats",
        "--test",
        "transfers",
    ];
    let facade =
        ["--package", "whimbrel-lua", "--features", "luajit,vendored", "--test", "memory", "--test", "lifetimes"];
    for tests in [&engine[..], &facade] {
        let mut command = process::cargo();
        // The flag is one of nightly's; the stable compiler takes it when it is told to.
        command.env("RUSTC_BOOTSTRAP", "1").env("RUSTFLAGS", "-Zsanitizer=address");
        command.args(["test", "--quiet", "--target", host, "--target-dir"]).arg(process::target().join("asan"));
        process::run_within(command.args(tests), LONG)?;
    }
    Ok(())
}

fn tour() -> Outcome {
    process::run_within(process::cargo().args(["build", "--quiet", "--release", "--package", "whimbrel-cli"]), LONG)?;
    let tool = process::target().join("release").join(format!("whimbrel{}", std::env::consts::EXE_SUFFIX));
    process::run_within(process::command(Path::new(&tool)).arg("tour"), Duration::from_secs(120))
}

fn fuzz_smoke() -> Outcome {
    let targets = fuzz::targets();
    if targets.is_empty() {
        return Err("fuzz/fuzz_targets holds no target".to_owned());
    }
    targets.iter().try_for_each(|target| fuzz::run(target, 10))
}
