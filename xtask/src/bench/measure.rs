//! Runs the peers of a row: the counts first, then the timed rounds. It judges nothing; `report` does.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::Scale;
use super::peers::Peer;
use super::rows::Row;
use super::server::Server;
use crate::process;

/// What one peer did in a row.
pub(super) struct Result {
    pub(super) key: &'static str,
    pub(super) name: &'static str,
    /// A request.
    pub(super) syscalls: Option<f64>,
    /// A request, in user space.
    pub(super) instructions: Option<f64>,
    /// Seconds of each round; empty when the peer failed.
    pub(super) seconds: Vec<f64>,
    /// Seconds of processor time of each round.
    pub(super) cpu: Vec<f64>,
    /// Peak memory, KiB.
    pub(super) peak: u64,
    /// Requests in a round.
    pub(super) count: u32,
    /// Why it has no figures.
    pub(super) failure: Option<String>,
}

/// Measures one row.
pub(super) fn row(row: &'static Row, peers: &[Peer], server: &Server, folder: &Path, scale: &Scale) -> Vec<Result> {
    let jobs: Vec<Job<'_>> = peers
        .iter()
        .filter(|peer| row.peers.contains(&peer.key))
        .map(|peer| Job { peer, row, server, folder, count: (row.count_of(peer.key) / scale.divisor).max(1) })
        .collect();
    let mut results: Vec<Result> = jobs.iter().map(|job| counts(job, scale)).collect();
    let mut shuffle = Shuffle::new();
    for _ in 0..scale.rounds {
        for index in shuffle.order(jobs.len()) {
            let result = &mut results[index];
            if result.failure.is_some() {
                continue;
            }
            match jobs[index].sample() {
                Ok(sample) => {
                    result.seconds.push(sample.seconds);
                    result.cpu.push(sample.cpu);
                    result.peak = result.peak.max(sample.peak);
                }
                Err(reason) => result.failure = Some(reason),
            }
        }
    }
    results
}

fn counts(job: &Job<'_>, scale: &Scale) -> Result {
    let (mut syscalls, mut instructions, mut failure) = (None, None, None);
    if let Some((short, long)) = job.row.lengths {
        let (short, long) = (short / scale.shorter, long / scale.shorter);
        let per_request = |counted: std::result::Result<(f64, f64), String>, failure: &mut Option<String>| match counted
        {
            Ok((short_run, long_run)) => Some((long_run - short_run) / f64::from(long - short)),
            Err(reason) => {
                *failure = Some(reason);
                None
            }
        };
        let both = |count: &dyn Fn(u32) -> std::result::Result<f64, String>| Ok((count(short)?, count(long)?));
        syscalls = per_request(both(&|count| job.syscalls(count)), &mut failure);
        if job.row.instructions && failure.is_none() {
            instructions = per_request(both(&|count| job.instructions(count)), &mut failure);
        }
    }
    let Job { peer, count, .. } = *job;
    let Peer { key, name, .. } = *peer;
    Result { key, name, syscalls, instructions, seconds: Vec::new(), cpu: Vec::new(), peak: 0, count, failure }
}

struct Job<'a> {
    peer: &'a Peer,
    row: &'static Row,
    server: &'a Server,
    folder: &'a Path,
    count: u32,
}

struct Sample {
    seconds: f64,
    cpu: f64,
    peak: u64,
}

impl Job<'_> {
    fn sample(&self) -> std::result::Result<Sample, String> {
        let taskset = process::find("taskset").ok_or("taskset is missing")?;
        let on_one_core = [taskset, "-c".into(), "0".into()];
        let wrapper = if self.row.shares_core() { &on_one_core[..] } else { &[][..] };
        let [seconds, cpu, peak] = self.peer.figures(wrapper, &self.arguments(self.count))?;
        Ok(Sample { seconds, cpu, peak: peak as u64 })
    }

    fn syscalls(&self, count: u32) -> std::result::Result<f64, String> {
        let strace = process::find("strace").ok_or("strace is missing")?;
        let report = self.folder.join("strace.txt");
        self.run(&[strace, "-f".into(), "-c".into(), "-o".into(), report.clone()], count)?;
        let text = std::fs::read_to_string(&report).map_err(|error| process::about(&report, error))?;
        let total = text.lines().rev().find(|line| line.ends_with(" total"));
        total
            .and_then(|line| line.split_whitespace().nth(3)?.parse().ok())
            .ok_or_else(|| "strace printed no total".to_owned())
    }

    fn instructions(&self, count: u32) -> std::result::Result<f64, String> {
        let valgrind = process::find("valgrind").ok_or("valgrind is missing")?;
        let wrapper = [valgrind, "--tool=callgrind".into(), "--callgrind-out-file=/dev/null".into()];
        let (_, words) = self.run(&wrapper, count)?;
        let collected = words.lines().find_map(|line| line.split_once("Collected :"));
        collected
            .and_then(|(_, number)| number.trim().parse().ok())
            .ok_or_else(|| "callgrind printed no count".to_owned())
    }

    fn run(&self, wrapper: &[PathBuf], count: u32) -> std::result::Result<(String, String), String> {
        self.peer.run(wrapper, &self.arguments(count))
    }

    fn arguments(&self, count: u32) -> [OsString; 4] {
        let file = match self.row.mode {
            "upload" => self.folder.join("www").join("bulk"),
            _ => self.folder.join("downloaded"),
        };
        let url = self.server.url(self.row.port, self.row.path);
        [self.row.mode.into(), url.into(), count.to_string().into(), file.into()]
    }
}

/// A new order for each round, so that no peer always runs after the same other.
pub(super) struct Shuffle(u64);

impl Shuffle {
    pub(super) fn new() -> Shuffle {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::from_secs(1));
        Shuffle(now.as_nanos() as u64 | 1)
    }

    pub(super) fn order(&mut self, length: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..length).collect();
        for index in (1..length).rev() {
            // xorshift64: any order will do.
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            order.swap(index, (self.0 % (index as u64 + 1)) as usize);
        }
        order
    }
}
