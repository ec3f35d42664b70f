//! Runs the fuzz targets of the workspace `fuzz/` with cargo-fuzz, on the toolchain that everything else uses.
//!
//! A find stays in `fuzz/artifacts/TARGET`, and the inputs learnt in `fuzz/corpus/TARGET`; neither is committed. The
//! committed inputs are `fuzz/seeds/TARGET`.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::process::{self, Outcome};

/// `TARGET [-- SECONDS]`.
pub(crate) fn command(arguments: &[String]) -> Outcome {
    let usage = || format!("name one target of: {}", targets().join(", "));
    let (target, seconds) = match arguments {
        [target] => (target, 60),
        [target, dashes, seconds] if dashes == "--" => {
            (target, seconds.parse().map_err(|_| format!("`{seconds}` is not a number of seconds"))?)
        }
        _ => return Err(usage()),
    };
    if !targets().contains(target) {
        return Err(format!("there is no target `{target}`; {}", usage()));
    }
    run(target, seconds)
}

/// Fuzzes one target for so many seconds; a find is an error.
pub(crate) fn run(target: &str, seconds: u64) -> Outcome {
    build(target)?;
    let folder = folder();
    let corpus = folder.join("corpus").join(target);
    std::fs::create_dir_all(&corpus).map_err(|error| process::about(&corpus, error))?;
    let mut command = cargo_fuzz()?;
    command.arg("run").arg(target).arg(corpus);
    let seeds = folder.join("seeds").join(target);
    if seeds.is_dir() {
        command.arg(seeds);
    }
    command.arg("--").arg(format!("-max_total_time={seconds}")).args([
        "-timeout=10",
        "-rss_limit_mb=2048",
        "-verbosity=0",
    ]);
    process::run_within(&mut command, Duration::from_secs(seconds * 3 + 300))
}

/// Builds one target; apart from the run, so that a cold build does not count against a run's time.
fn build(target: &str) -> Outcome {
    process::run(cargo_fuzz()?.arg("build").arg(target))
}

/// The targets, by the names of their files.
pub(crate) fn targets() -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder().join("fuzz_targets")) else { return Vec::new() };
    let mut names: Vec<String> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    names
}

fn cargo_fuzz() -> Result<Command, String> {
    let program = process::find("cargo-fuzz").ok_or("cargo-fuzz is missing; `cargo xtask setup` installs it")?;
    let mut command = process::command(program);
    command.arg("fuzz");
    // Sanitizer and coverage flags are unstable ones; this lets the stable compiler take them.
    command.env("RUSTC_BOOTSTRAP", "1").env_remove("CARGO_TARGET_DIR");
    Ok(command)
}

fn folder() -> PathBuf {
    process::root().join("fuzz")
}
