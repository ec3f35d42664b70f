//! What the Rust programs of the bench share: the command line and the measuring.
//!
//! Every program of the bench, in whatever language, is called as `PROGRAM MODE URL N [FILE]` and prints one line: the
//! seconds that N requests took, the seconds of processor time of its thread among them, and its peak memory in KiB.
//! One request goes before the clock starts. The certificate authority to trust is named by `BENCH_CA`.

pub mod network;

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

/// What any request of a peer may fail with.
pub type Outcome = Result<(), Box<dyn Error>>;

/// What is asked of the program.
pub struct Job {
    /// `keepalive`, `fresh`, `sink`, `file` or `upload`.
    pub mode: String,
    /// The address to request.
    pub url: String,
    /// How many requests are measured.
    pub count: u32,
    /// Where `file` writes and `upload` reads.
    pub file: PathBuf,
    /// The certificate authority to trust, as PEM.
    pub ca: PathBuf,
}

/// Reads the command line, lets the program build its request, and measures it.
pub fn measure<F>(prepare: impl FnOnce(Job) -> Result<F, Box<dyn Error>>) -> Outcome
where
    F: FnMut() -> Outcome,
{
    let mut arguments = std::env::args().skip(1);
    let mut next = |what: &str| arguments.next().ok_or(format!("{what} is missing: PROGRAM MODE URL N [FILE]"));
    let job = Job {
        mode: next("MODE")?,
        url: next("URL")?,
        count: next("N")?.parse()?,
        file: next("FILE").unwrap_or_default().into(),
        ca: std::env::var_os("BENCH_CA").unwrap_or_default().into(),
    };
    let count = job.count;
    let mut request = prepare(job)?;
    request()?;
    let (begun, cpu) = (Instant::now(), cpu_seconds());
    for _ in 0..count {
        request()?;
    }
    let (seconds, cpu) = (begun.elapsed().as_secs_f64(), cpu_seconds() - cpu);
    println!("{seconds:.6} {cpu:.6} {}", peak_kib());
    Ok(())
}

fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap_or_default();
    text.split(' ').next().and_then(|nanos| nanos.parse::<f64>().ok()).unwrap_or_default() / 1e9
}

pub(crate) fn peak_kib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default()
}
