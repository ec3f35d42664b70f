//! The I/O thread: one a process, started with the first transfer that must go on by itself. It holds many transfers and
//! steps the same machines as the caller driver; it decides nothing about HTTP.
//!
//! ```text
//!   consumers ── commands (a vector, swapped) ──▶ the thread: queue ▶ step ▶ sink ── notes (a vector, swapped) ──▶ mailboxes
//!                 bell, only if it sleeps                                  counts (atomics of a slot) ────────────▶
//! ```

mod mailbox;
mod sessions;
mod sink;
mod task;
mod thread;
mod timers;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Instant;

use crate::delivery::Delivery;
use crate::outcome::Outcome;
use crate::session::Session;
use crate::sys::{Reactor, Waker};
use crate::transfer::Transfer;

pub(crate) use mailbox::{Mailbox, Note, Slot};

/// The process's, and the process generation that it belongs to.
static RUNNING: Mutex<Option<(u32, Arc<Io>)>> = Mutex::new(None);

/// The way to the I/O thread.
pub(crate) struct Io {
    commands: Mutex<Vec<Command>>,
    /// The thread waits, or is about to: only then a command must ring.
    asleep: AtomicBool,
    bell: Arc<Waker>,
}

/// What the thread is asked to do.
pub(crate) enum Command {
    Start(Box<Start>),
    Cancel(Arc<Slot>),
    Pause(Arc<Slot>),
    Resume(Arc<Slot>),
    SetPriority(Arc<Slot>, i8),
    /// The consumer has taken what waited in the slot's pipe.
    Drained(Arc<Slot>),
    /// The session was suspended, or goes on, at that moment: the process may have stood still since.
    Stand(Arc<Session>, bool, Instant),
    /// The consumer is gone: so are its transfers. Their part files are removed when the sender is dropped.
    Close(Arc<Mailbox>, Option<mpsc::SyncSender<()>>),
    /// What the consumer has no more use for, to be dropped where it was made.
    #[expect(clippy::vec_box, reason = "they come boxed, and moving a box is cheap")]
    Drop(Vec<Box<Outcome>>),
}

pub(crate) struct Start {
    pub(crate) transfer: Box<Transfer>,
    pub(crate) delivery: Delivery,
    pub(crate) slot: Arc<Slot>,
    pub(crate) mailbox: Arc<Mailbox>,
    /// Whether the session stood still when this was asked for.
    pub(crate) is_suspended: bool,
}

impl Io {
    /// The process's I/O thread, started if it does not run yet. A forked child has its own.
    pub(crate) fn get() -> io::Result<Arc<Self>> {
        let mut running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(io) = of_this_process(&running) {
            return Ok(io);
        }
        let io = Self::start()?;
        // The parent's thread and what it holds stay the parent's: nothing of it is touched, not even to drop it.
        std::mem::forget(running.replace((crate::fork::generation(), io.clone())));
        Ok(io)
    }

    /// The same, if it was started.
    pub(crate) fn running() -> Option<Arc<Self>> {
        of_this_process(&RUNNING.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn start() -> io::Result<Arc<Self>> {
        let bell = Arc::new(Waker::new()?);
        let io = Arc::new(Self { commands: Mutex::default(), asleep: AtomicBool::new(false), bell: bell.clone() });
        let serving = io.clone();
        let (ready, started) = mpsc::sync_channel(1);
        let serve = move || match Reactor::new(bell) {
            Ok(reactor) => {
                drop(ready);
                thread::run(&serving, reactor);
            }
            Err(error) => drop(ready.send(error)),
        };
        std::thread::Builder::new().name("whimbrel-io".into()).spawn(serve)?;
        match started.recv() {
            Ok(error) => Err(error),
            // It runs: there is nothing to say.
            Err(mpsc::RecvError) => Ok(io),
        }
    }

    /// Hands a command over. A system call only where the thread sleeps.
    pub(crate) fn submit(&self, command: Command) {
        self.commands().push(command);
        if self.asleep.swap(false, Ordering::SeqCst) {
            self.bell.wake();
        }
    }

    fn commands(&self) -> MutexGuard<'_, Vec<Command>> {
        self.commands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn of_this_process(running: &Option<(u32, Arc<Io>)>) -> Option<Arc<Io>> {
    running.as_ref().filter(|(generation, _)| *generation == crate::fork::generation()).map(|(_, io)| io.clone())
}
