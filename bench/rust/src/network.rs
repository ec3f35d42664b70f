//! What the programs of `cargo xtask bench network` share: their command line, and what they read of their own process.
//!
//! Each is called as `PROGRAM MODE URL N [FILE]` and prints one line of figures.
//!
//! | MODE | what it does | what it prints |
//! |---|---|---|
//! | `flight-K` | N small GETs, always K in flight, after K unmeasured ones | seconds, seconds of processor time of all its threads, peak KiB |
//! | `waiting` | N requests that the server holds; URL is the holding server's root | bytes resident before and after, requests that the server holds |
//! | `idle` | asks for events while N requests are held | nanoseconds of an asking, and of an empty call beside it |
//! | `quiet-F` | N streaming downloads, nobody told of progress, F frames at 60 a second | microseconds of an asking a frame: p50, p99, most; events in all; nanoseconds an event |
//! | `empty-F` | the same with a call that does nothing instead | the same |
//! | `progress-F` | the same as `quiet-F`, half of them with a listener for progress | the same |
//! | `file` | N downloads to FILE after an unmeasured one, while frames run | seconds, seconds of processor time, peak KiB |

use std::error::Error;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// One frame of a game at 60 frames a second.
pub const FRAME: Duration = Duration::from_nanos(16_666_667);

/// What is asked of the program.
pub struct Task {
    /// What to do.
    pub mode: Mode,
    /// The address to request, or the root of the holding server.
    pub url: String,
    /// How many requests.
    pub count: usize,
    /// Where `file` writes.
    pub file: PathBuf,
}

/// What to do; see the table above.
#[derive(Clone, Copy)]
pub enum Mode {
    /// So many requests in flight.
    Flight(usize),
    /// Requests that are not answered.
    Waiting,
    /// Asking when there is nothing.
    Idle,
    /// So many frames without a listener for progress.
    Quiet(usize),
    /// So many frames that ask for nothing.
    Empty(usize),
    /// So many frames with listeners for progress.
    Progress(usize),
    /// Large bodies to a file.
    File,
}

impl Task {
    /// Reads the command line.
    pub fn read() -> Result<Task, Box<dyn Error>> {
        let mut arguments = std::env::args().skip(1);
        let mut next = |what: &str| arguments.next().ok_or(format!("{what} is missing: PROGRAM MODE URL N [FILE]"));
        let mode = next("MODE")?;
        let (name, number) = mode.split_once('-').unwrap_or((&mode, "0"));
        let number = number.parse()?;
        let mode = match name {
            "flight" => Mode::Flight(number),
            "waiting" => Mode::Waiting,
            "idle" => Mode::Idle,
            "quiet" => Mode::Quiet(number),
            "empty" => Mode::Empty(number),
            "progress" => Mode::Progress(number),
            "file" => Mode::File,
            _ => return Err(format!("there is no mode `{mode}`").into()),
        };
        let (url, count) = (next("URL")?, next("N")?.parse()?);
        Ok(Task { mode, url, count, file: next("FILE").unwrap_or_default().into() })
    }
}

/// The clocks of a measured stretch.
pub struct Stretch {
    begun: Instant,
    cpu: f64,
}

impl Stretch {
    /// Starts the clocks.
    pub fn begin() -> Stretch {
        Stretch { begun: Instant::now(), cpu: process_cpu_seconds() }
    }

    /// Prints seconds, seconds of processor time of all threads, and the process's peak memory in KiB.
    pub fn print(self) {
        let (seconds, cpu) = (self.begun.elapsed().as_secs_f64(), process_cpu_seconds() - self.cpu);
        println!("{seconds:.6} {cpu:.6} {}", crate::peak_kib());
    }
}

/// What askings took, one a frame.
#[derive(Default)]
pub struct Frames {
    took: Vec<Duration>,
    events: usize,
}

impl Frames {
    /// Runs `ask` once a frame and keeps its time; it returns how many events it got.
    pub fn run(count: usize, mut ask: impl FnMut() -> usize) -> Frames {
        let mut frames = Frames::default();
        let mut next = Instant::now();
        for _ in 0..count {
            next += FRAME;
            std::thread::sleep(next.saturating_duration_since(Instant::now()));
            // Twice, so that what is cold after the sleep is the library and not the clock.
            std::hint::black_box(Instant::now());
            let begun = Instant::now();
            frames.events += ask();
            frames.took.push(begun.elapsed());
        }
        frames
    }

    /// Prints microseconds p50, p99 and most, the events in all, and nanoseconds an event.
    pub fn print(mut self) {
        self.took.sort();
        let micros = |part: f64| self.took[((self.took.len() - 1) as f64 * part) as usize].as_secs_f64() * 1e6;
        let sum: Duration = self.took.iter().sum();
        let each = sum.as_nanos() as f64 / self.events.max(1) as f64;
        println!("{:.2} {:.2} {:.2} {} {each:.0}", micros(0.5), micros(0.99), micros(1.0), self.events);
    }
}

/// Bytes of the process that are in memory.
pub fn resident() -> u64 {
    // The exact figure: that of `status` lags behind by some pages for each processor.
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Rss:"));
    let kib: u64 = line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or_default();
    kib * 1024
}

/// Seconds of processor time of all threads that live.
fn process_cpu_seconds() -> f64 {
    let Ok(threads) = std::fs::read_dir("/proc/self/task") else { return 0.0 };
    let texts = threads.flatten().filter_map(|thread| std::fs::read_to_string(thread.path().join("schedstat")).ok());
    texts.filter_map(|text| text.split(' ').next()?.parse::<f64>().ok()).sum::<f64>() / 1e9
}
