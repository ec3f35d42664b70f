//! Between the I/O thread and a consumer: counts in atomics, everything else in a vector that is swapped. The consumer
//! never waits for the thread, and the thread never for the consumer.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use whimbrel_proto::h1::ResponseHead;

use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::timings::Stage;

/// What both sides know of one transfer.
#[derive(Debug)]
pub(crate) struct Slot {
    pub(crate) id: u64,
    /// The thread's number for it.
    task: AtomicU32,
    cancelled: AtomicBool,
    /// A note about progress is under way: what it will find are the counts of then.
    told: AtomicBool,
    sent: AtomicU64,
    send_total: AtomicU64,
    received: AtomicU64,
    receive_total: AtomicU64,
    transferred: AtomicU64,
    transfer_total: AtomicU64,
    pipe: Mutex<Pipe>,
}

/// Body bytes on their way to a consumer.
#[derive(Debug, Default)]
struct Pipe {
    bytes: Vec<u8>,
    /// The thread stopped reading because it was full.
    stalled: bool,
}

const UNKNOWN: u64 = u64::MAX;
const NO_TASK: u32 = u32::MAX;

impl Slot {
    pub(crate) fn new(id: u64) -> Arc<Self> {
        Arc::new(Self {
            id,
            task: AtomicU32::new(NO_TASK),
            cancelled: AtomicBool::new(false),
            told: AtomicBool::new(false),
            sent: AtomicU64::new(0),
            send_total: AtomicU64::new(UNKNOWN),
            received: AtomicU64::new(0),
            receive_total: AtomicU64::new(UNKNOWN),
            transferred: AtomicU64::new(0),
            transfer_total: AtomicU64::new(UNKNOWN),
            pipe: Mutex::default(),
        })
    }

    pub(super) fn task(&self) -> Option<u32> {
        Some(self.task.load(Ordering::Relaxed)).filter(|task| *task != NO_TASK)
    }

    pub(super) fn set_task(&self, task: Option<u32>) {
        self.task.store(task.unwrap_or(NO_TASK), Ordering::Relaxed);
    }

    /// Nothing of it reaches the consumer from now on.
    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::Release);
        *self.pipe() = Pipe::default();
    }

    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    pub(crate) fn set_progress(&self, progress: &Progress) {
        let total = |total: Option<u64>| total.unwrap_or(UNKNOWN);
        self.send_total.store(total(progress.send_total), Ordering::Relaxed);
        self.receive_total.store(total(progress.receive_total), Ordering::Relaxed);
        self.transfer_total.store(total(progress.transfer_total), Ordering::Relaxed);
        self.sent.store(progress.sent, Ordering::Relaxed);
        self.received.store(progress.received, Ordering::Relaxed);
        self.transferred.store(progress.transferred, Ordering::Relaxed);
    }

    pub(crate) fn progress(&self) -> Progress {
        let total = |total: &AtomicU64| Some(total.load(Ordering::Relaxed)).filter(|total| *total != UNKNOWN);
        Progress {
            sent: self.sent.load(Ordering::Relaxed),
            send_total: total(&self.send_total),
            received: self.received.load(Ordering::Relaxed),
            receive_total: total(&self.receive_total),
            transferred: self.transferred.load(Ordering::Relaxed),
            transfer_total: total(&self.transfer_total),
        }
    }

    /// Whether a note about progress must be sent; none is under way then.
    pub(super) fn must_tell(&self) -> bool {
        !self.told.swap(true, Ordering::AcqRel)
    }

    /// The consumer looks at the counts: movements from now on are worth another note. A swap, so that it sees the counts
    /// of whoever found that a note was under way.
    pub(crate) fn was_told(&self) {
        self.told.swap(false, Ordering::AcqRel);
    }

    /// Adds body bytes. True if the pipe was empty: a note must be sent.
    pub(super) fn pour(&self, bytes: &[u8]) -> bool {
        let mut pipe = self.pipe();
        if self.is_cancelled() {
            return false;
        }
        let was_empty = pipe.bytes.is_empty();
        pipe.bytes.extend_from_slice(bytes);
        was_empty
    }

    /// How many bytes fit before the consumer must take some; at 0 the thread waits to be told.
    pub(super) fn room(&self, limit: usize) -> usize {
        let mut pipe = self.pipe();
        let room = limit.saturating_sub(pipe.bytes.len());
        pipe.stalled = room == 0;
        room
    }

    /// Takes what waits, and whether the thread waits for that.
    pub(crate) fn take(&self) -> (Vec<u8>, bool) {
        let mut pipe = self.pipe();
        (std::mem::take(&mut pipe.bytes), std::mem::take(&mut pipe.stalled))
    }

    fn pipe(&self) -> MutexGuard<'_, Pipe> {
        self.pipe.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the thread tells a consumer.
pub(crate) enum Note {
    Stage(Arc<Slot>, Stage, Duration),
    Head(Arc<Slot>, Arc<ResponseHead>),
    Progress(Arc<Slot>),
    Chunk(Arc<Slot>),
    End(Arc<Slot>, Box<Outcome>),
}

/// Where a consumer's notes wait.
#[derive(Default)]
pub(crate) struct Mailbox {
    /// Whether there are any: all that a frame with nothing to do looks at.
    has_notes: AtomicBool,
    notes: Mutex<Vec<Note>>,
    arrived: Condvar,
    /// The consumer waits for the condition.
    is_awaited: AtomicBool,
    closed: AtomicBool,
}

impl Mailbox {
    /// Appends the notes.
    pub(super) fn post(&self, notes: &mut Vec<Note>) {
        let mut waiting = self.lock();
        if self.closed.load(Ordering::Relaxed) {
            drop(waiting);
            notes.drain(..).for_each(super::thread::discard);
            return;
        }
        waiting.append(notes);
        self.has_notes.store(true, Ordering::Release);
        let is_awaited = self.is_awaited.load(Ordering::Relaxed);
        drop(waiting);
        if is_awaited {
            self.arrived.notify_one();
        }
    }

    /// Takes all notes, into an empty vector. Where the thread is just posting, none: a frame does not wait for it.
    pub(crate) fn take(&self, notes: &mut Vec<Note>) -> bool {
        if !self.has_notes.load(Ordering::Acquire) {
            return false;
        }
        let mut waiting = match self.notes.try_lock() {
            Ok(waiting) => waiting,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return false,
        };
        std::mem::swap(&mut *waiting, notes);
        self.has_notes.store(false, Ordering::Relaxed);
        true
    }

    /// Waits until there are notes, or the time is over.
    pub(crate) fn wait(&self, until: Option<Instant>) -> bool {
        let mut waiting = self.lock();
        self.is_awaited.store(true, Ordering::Relaxed);
        while waiting.is_empty() {
            let now = Instant::now();
            waiting = match until {
                Some(until) if until <= now => break,
                Some(until) => {
                    let left = until.saturating_duration_since(now);
                    self.arrived.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.arrived.wait(waiting).unwrap_or_else(PoisonError::into_inner),
            };
        }
        self.is_awaited.store(false, Ordering::Relaxed);
        !waiting.is_empty()
    }

    /// The consumer is gone: what is posted from now on is dropped by who posts it.
    pub(crate) fn close(&self) {
        let mut waiting = self.lock();
        self.closed.store(true, Ordering::Relaxed);
        let notes = std::mem::take(&mut *waiting);
        drop(waiting);
        drop(notes);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Note>> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
