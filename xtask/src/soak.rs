//! Runs the soak, an integration test of the engine, for as long as it is told. What it does and demands is in
//! `crates/whimbrel/tests/soak`.

use std::time::Duration;

use crate::process::{self, Outcome};

/// `[SECONDS]`, ten minutes by default.
pub(crate) fn command(arguments: &[String]) -> Outcome {
    match arguments {
        [] => run(600),
        [seconds] => run(seconds.parse().map_err(|_| format!("`{seconds}` is not a number of seconds"))?),
        _ => Err("soak takes one number of seconds, or nothing".to_owned()),
    }
}

/// What `./test` does.
pub(crate) fn short() -> Outcome {
    run(60)
}

fn run(seconds: u64) -> Outcome {
    let mut command = process::cargo();
    // The whole workspace, so that what the units were built from serves again.
    command.args(["test", "--quiet", "--workspace", "--test", "soak", "--", "--nocapture"]);
    command.env("WHIMBREL_SOAK_SECONDS", seconds.to_string());
    process::run_within(&mut command, Duration::from_secs(seconds + 20 * 60))
}
