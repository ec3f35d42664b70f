//! Transfers on the I/O thread: what a consumer gets, in which order, and what the servers see.

mod basics;
mod control;
mod files;
mod kill;
mod lifetimes;
mod review;

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use whimbrel::{Client, Event, Outcome, TransferId, Transfers};

/// Long enough for any machine: a test that waits for it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

/// Everything that is said until all transfers have ended.
pub(crate) fn drain(transfers: &mut Transfers) -> Vec<Event> {
    let mut events = Vec::new();
    while !transfers.is_empty() {
        assert!(transfers.wait(Some(PATIENCE)), "nothing happens any more");
        while let Some(event) = transfers.next() {
            events.push(event);
        }
    }
    events
}

/// The end of one transfer; others may say what they want meanwhile.
pub(crate) fn end_of(transfers: &mut Transfers, id: TransferId) -> Box<Outcome> {
    loop {
        while let Some(event) = transfers.next() {
            if let Event::End { id: whose, outcome } = event
                && whose == id
            {
                return outcome;
            }
        }
        assert!(transfers.wait(Some(PATIENCE)), "nothing happens any more");
    }
}

/// Whether the first connection has got a whole request: that it was accepted says little.
pub(crate) fn has_a_head(seen: &[Vec<u8>]) -> bool {
    seen.first().is_some_and(|bytes| bytes.ends_with(b"\r\n\r\n"))
}

/// A folder of this test's own.
pub(crate) fn folder(name: &str) -> PathBuf {
    let path = std::env::temp_dir().join(format!("whimbrel-transfers-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}

/// This program again, for one test that is ignored otherwise: what only a process of its own can show.
pub(crate) fn again(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture", "--test-threads=1"]).stdin(Stdio::null());
    command
}

/// A sequence without pattern, the same at every run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % end
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}
