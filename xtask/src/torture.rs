//! Kills a process in the middle of its downloads, far more often than `./test` does, at other moments each time. What is
//! demanded is in `crates/whimbrel/tests/transfers/kill.rs`.

use std::time::{Duration, SystemTime};

use crate::process::{self, Outcome};

/// `[KILLS]`, 1000 by default.
pub(crate) fn command(arguments: &[String]) -> Outcome {
    let kills: u64 = match arguments {
        [] => 1000,
        [kills] => kills.parse().map_err(|_| format!("`{kills}` is not a number of kills"))?,
        _ => return Err("torture takes one number of kills, or nothing".to_owned()),
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let seed = now.as_secs();
    println!("{kills} kills; WHIMBREL_TORTURE_SEED={seed} gives the same moments again");
    let mut command = process::cargo();
    command.args(["test", "--quiet", "--package", "whimbrel", "--test", "transfers", "--", "--exact", "--nocapture"]);
    command.arg("kill::a_killed_process_leaves_the_old_file_or_the_whole_new_one");
    command.env("WHIMBREL_TORTURE_ROUNDS", kills.to_string()).env("WHIMBREL_TORTURE_SEED", seed.to_string());
    process::run_within(&mut command, Duration::from_secs(20 * 60 + kills))
}
