//! Signals that a running script is told of: a thread takes them and wakes the loop. It decides nothing about what they
//! mean, but for the second one of a kind: whoever sends it does not want to wait for a script that is busy.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGCONT, SIGINT, SIGSTOP, SIGTERM, SIGTSTP};
use signal_hook::iterator::Signals;
use signal_hook::low_level::{emulate_default_handler, raise};

/// What a signal asks a run for.
pub(crate) enum Asked {
    /// To stand still until it is continued.
    Suspend,
    /// To end, with the exit code that shells give to that signal.
    End { code: u8 },
}

/// What has come and was not taken yet.
#[derive(Clone, Default)]
pub(crate) struct Inbox {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    waiting: Mutex<VecDeque<i32>>,
    arrived: Condvar,
}

impl Inbox {
    /// Takes SIGINT, SIGTERM, SIGTSTP and SIGCONT over from the system, for the rest of the process.
    pub(crate) fn open(&self) -> io::Result<()> {
        let mut signals = Signals::new([SIGINT, SIGTERM, SIGTSTP, SIGCONT])?;
        let shared = self.shared.clone();
        thread::Builder::new().name("whimbrel-signals".to_owned()).spawn(move || {
            for signal in signals.forever() {
                let mut waiting = shared.lock();
                if waiting.contains(&signal) && signal != SIGCONT {
                    drop(waiting);
                    // The signals that end a process end it here.
                    let _ = emulate_default_handler(signal);
                    continue;
                }
                waiting.push_back(signal);
                shared.arrived.notify_all();
            }
        })?;
        Ok(())
    }

    /// The next signal that asks for something.
    pub(crate) fn take(&self) -> Option<Asked> {
        let mut waiting = self.shared.lock();
        loop {
            match waiting.pop_front()? {
                SIGTSTP => return Some(Asked::Suspend),
                SIGINT => return Some(Asked::End { code: 130 }),
                SIGTERM => return Some(Asked::End { code: 143 }),
                // Stopped by somebody else and continued: there is nothing to be done.
                _ => {}
            }
        }
    }

    /// Waits until a signal has come or the time is over; without a time, for a signal alone.
    pub(crate) fn wait(&self, time: Option<Duration>) {
        let waiting = self.shared.lock();
        if !waiting.is_empty() {
            return;
        }
        match time {
            Some(time) => drop(self.shared.arrived.wait_timeout(waiting, time)),
            None => drop(self.shared.arrived.wait(waiting)),
        }
    }

    /// Stops the process until SIGCONT, as SIGTSTP does by default. One that has come already is enough.
    pub(crate) fn stop(&self) -> io::Result<()> {
        let mut waiting = self.shared.lock();
        if !waiting.contains(&SIGCONT) {
            drop(waiting);
            raise(SIGSTOP)?;
            waiting = self.shared.lock();
        }
        // Other threads may take the stop first, so this one may come here before it.
        while !waiting.contains(&SIGCONT) {
            waiting = self.shared.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
        waiting.retain(|&signal| signal != SIGCONT);
        Ok(())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, VecDeque<i32>> {
        // Nothing panics while it holds the lock.
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
