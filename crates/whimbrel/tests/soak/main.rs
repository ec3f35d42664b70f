//! The soak: a minute of mixed traffic (or as long as it is told) with resets, stalls, cut bodies, slow lookups, cancels,
//! pauses and a server that is killed again and again. Nothing is lost, nothing is delivered or done twice, and memory,
//! descriptors and threads are level. One test alone in its binary: it counts what the whole process has.
#![cfg(target_os = "linux")]

mod server;
mod traffic;

use std::path::Path;
use std::time::{Duration, Instant};

use server::Server;
use traffic::Traffic;

/// How long it goes on, in seconds; default 60. `cargo xtask soak` asks for more.
const SECONDS: &str = "WHIMBREL_SOAK_SECONDS";
const SEED: &str = "WHIMBREL_SOAK_SEED";

/// What an allocator may hold on to more than at the first look, in KiB, however long it goes on.
const TOLERANCE: usize = 6 << 10;

/// The content that has this number: it says which it is, and no two are alike.
fn content(number: u64, size: usize) -> Vec<u8> {
    let mut bytes = format!("{number}:").into_bytes();
    let step = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut state = step;
    bytes.extend((0..size).map(|_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(step);
        (state >> 56) as u8
    }));
    bytes
}

/// What the process has when nothing is under way.
#[derive(Clone, Copy, Debug)]
struct Level {
    resident: usize,
    descriptors: usize,
    threads: usize,
}

impl Level {
    fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        let count = |folder| std::fs::read_dir(folder).unwrap().count();
        Self {
            resident: line.trim().trim_end_matches(" kB").parse().unwrap(),
            descriptors: count("/proc/self/fd"),
            threads: count("/proc/self/task"),
        }
    }

    /// After what has been closed and ended is gone, if it ever is.
    fn settled(first: Option<Level>) -> Self {
        let until = Instant::now() + Duration::from_secs(5);
        loop {
            let level = Self::now();
            let is_level =
                first.is_none_or(|first| level.descriptors <= first.descriptors && level.threads <= first.threads);
            if Instant::now() >= until || (is_level && first.is_some()) {
                return level;
            }
            if first.is_none() {
                std::thread::sleep(Duration::from_millis(300));
                return Self::now();
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

#[test]
fn a_long_run_loses_nothing_repeats_nothing_and_stays_level() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |value| value.parse::<u64>().unwrap());
    let (length, seed) = (Duration::from_secs(number(SECONDS, 60)), number(SEED, 7));
    let folder = std::env::temp_dir().join(format!("whimbrel-soak-{}", std::process::id()));
    let files = folder.join("files");
    std::fs::create_dir_all(&files).unwrap();
    let server = Server::new(folder.join("deeds"));
    let mut traffic = Traffic::new(server, files.clone(), seed);

    // A fifth to warm up: every table, pool and arena has its size then.
    let rounds = 5;
    let mut levels = Vec::new();
    for _ in 0..rounds {
        traffic.run(length / rounds);
        traffic.quiesce();
        levels.push(Level::settled(levels.first().copied()));
        println!("{:?} after {}", levels.last().unwrap(), traffic.counts());
        assert_nothing_in(&files);
    }
    let (first, last) = (levels[0], levels[levels.len() - 1]);
    assert!(last.descriptors <= first.descriptors, "descriptors: {first:?} became {last:?}");
    assert!(last.threads <= first.threads, "threads: {first:?} became {last:?}");
    assert!(last.resident <= first.resident + TOLERANCE, "memory: {first:?} became {last:?}");
    traffic.judge();
    drop(traffic);
    std::fs::remove_dir_all(folder).unwrap();
}

/// Neither a file nor a part of one. What was cancelled goes on the I/O thread: soon, not at once.
fn assert_nothing_in(files: &Path) {
    let names = || -> Vec<_> { std::fs::read_dir(files).unwrap().map(|entry| entry.unwrap().file_name()).collect() };
    let until = Instant::now() + Duration::from_secs(5);
    while !names().is_empty() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(names().is_empty(), "left behind: {:?}", names());
}
