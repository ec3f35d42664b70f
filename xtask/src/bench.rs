//! `cargo xtask bench http`, `bench network` and `bench godot`: Whimbrel beside its peers, in one run, against nginx on
//! loopback.
//!
//! Counts (system calls, instructions) are differences of two run lengths, so start-up is out of them and they hardly
//! vary; they are what a change is judged by. Times are ratios within one round, in shuffled order, and on a shared
//! machine differences under a tenth are ties. A peer that cannot be built or run is named, never left out in silence.

mod frames;
mod godot;
mod holder;
mod measure;
mod peers;
mod report;
mod rows;
mod server;
mod startup;
mod waiting;

use std::path::PathBuf;

use crate::process::{self, Outcome};
use crate::{modules, setup};

/// How much to measure.
pub(crate) struct Scale {
    /// Rounds of each timed row.
    rounds: usize,
    /// What the count of requests of a round is divided by.
    divisor: u32,
    /// What the lengths of counted runs are divided by.
    shorter: u32,
    /// The size of the large body, in bytes.
    bulk: u64,
    /// How often a program is started for the start-up row.
    starts: usize,
    /// Requests that wait at the same time, in the row for their memory.
    held: usize,
    /// Frames of a game in one round.
    frames: usize,
}

const FULL: Scale = Scale { rounds: 5, divisor: 1, shorter: 1, bulk: 1 << 30, starts: 25, held: 10_000, frames: 300 };
const QUICK: Scale = Scale { rounds: 3, divisor: 8, shorter: 5, bulk: 128 << 20, starts: 9, held: 10_000, frames: 120 };

/// `http [--quick]`, `network [--quick]`, `godot [--quick]`.
pub(crate) fn command(arguments: &[String]) -> Outcome {
    let (rows, scale) = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["http"] => (rows::HTTP, FULL),
        ["http", "--quick"] => (rows::HTTP, QUICK),
        ["network"] => (rows::NETWORK, FULL),
        ["network", "--quick"] => (rows::NETWORK, QUICK),
        ["godot"] => return godot::measure(false),
        ["godot", "--quick"] => return godot::measure(true),
        _ => return Err("the benches are `cargo xtask bench http [--quick]`, `... network`, `... godot`".to_owned()),
    };
    for note in setup::install() {
        println!("setup: {note}");
    }
    modules::command(&["5.1".to_owned()])?;
    let folder = Folder::new()?;
    let peers = peers::build(&folder.0)?;
    let server = server::Server::start(&folder.0, scale.bulk)?;
    println!(
        "\nnginx on loopback, {} rounds in shuffled order; bulk body {} MiB in {}",
        scale.rounds,
        scale.bulk >> 20,
        if folder.0.starts_with("/dev/shm") { "memory (tmpfs)" } else { "a temporary folder on disk" }
    );
    let mut claims = Vec::new();
    for row in rows {
        server.share_core(row.shares_core())?;
        let results = measure::row(row, &peers, &server, &folder.0, &scale);
        report::table(row, &results, &scale);
        claims.extend(report::claims(row, &results));
    }
    if arguments[0] == "http" {
        startup::measure(&server, &scale, &mut claims)?;
    } else {
        // It would take part in what the frames share the machine with.
        drop(server);
        waiting::measure(&peers, &scale, &mut claims)?;
        frames::measure(&peers, &scale, &mut claims)?;
    }
    report::targets(&claims);
    Ok(())
}

/// The peers with these keys.
fn select<'a>(peers: &'a [peers::Peer], keys: &[&str]) -> Vec<&'a peers::Peer> {
    peers.iter().filter(|peer| keys.contains(&peer.key)).collect()
}

/// A folder of our own, in memory where the system has such; removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Result<Folder, String> {
        let memory = PathBuf::from("/dev/shm");
        let parent = if memory.is_dir() { memory } else { std::env::temp_dir() };
        let folder = parent.join(format!("whimbrel-bench-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("www")).map_err(|error| process::about(&folder, error))?;
        Ok(Folder(folder))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
