//! Transfers that go on by themselves, and what they have to say to whoever pumps.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use whimbrel_proto::h1::ResponseHead;
use whimbrel_proto::{Error, Kind, Phase};

use crate::delivery::{Delivery, To};
use crate::fork;
use crate::hash::ByNumber;
use crate::io::{Command, Io, Mailbox, Note, Slot, Start};
use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::request::RequestBuilder;
use crate::timings::Stage;

/// The transfers of one consumer: a game, a plugin, a program with a loop.
///
/// They run on the process's I/O thread, which the first one starts; what they have to say waits here until it is asked
/// for. Dropped: all of them are cancelled.
///
/// ```no_run
/// use whimbrel::{Client, Delivery, Event, Transfers};
///
/// let client = Client::new();
/// let mut transfers = Transfers::new();
/// let id = transfers.start(client.get("https://example.com/big.zip"), Delivery::file("big.zip"));
/// while !transfers.is_empty() {
///     // A game does this once a frame, without the wait.
///     transfers.wait(None);
///     while let Some(event) = transfers.next() {
///         if let Event::End { outcome, .. } = event {
///             println!("{id:?}: {} {:?}", outcome.status(), outcome.error());
///         }
///     }
/// }
/// ```
pub struct Transfers {
    mailbox: Arc<Mailbox>,
    under_way: HashMap<u64, Arc<Slot>, ByNumber>,
    /// Taken from the mailbox, not yet asked for.
    inbox: VecDeque<Note>,
    /// What never got to the thread.
    mistakes: VecDeque<(TransferId, Box<Outcome>)>,
    /// How many of them belong to the batch that is being told.
    telling: usize,
    /// The last batch is not told to its end.
    in_batch: bool,
    spare: Vec<Note>,
    #[expect(clippy::vec_box, reason = "they come boxed, and moving a box is cheap")]
    returned: Vec<Box<Outcome>>,
    io: Option<Arc<Io>>,
    /// A transfer to a file was started: there may be a part file.
    wrote_files: bool,
    /// The process generation that all of this belongs to.
    generation: u32,
}

/// The number of a transfer, never used twice in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferId(u64);

impl TransferId {
    /// As a number, below 2^53.
    pub fn get(self) -> u64 {
        self.0
    }

    /// The id that has this number, for where only a number can be kept. One that no transfer has means none.
    pub fn from_number(number: u64) -> Self {
        Self(number)
    }
}

/// What a transfer has to say; see [`Delivery`] for what is said at all.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event {
    /// It is at another stage.
    Stage {
        /// Whose event it is.
        id: TransferId,
        /// What began.
        stage: Stage,
        /// When, since the transfer was started.
        at: Duration,
    },
    /// The final head has come.
    Head {
        /// Whose event it is.
        id: TransferId,
        /// Status and fields.
        head: Arc<ResponseHead>,
        /// The counts now.
        progress: Progress,
    },
    /// Body bytes have moved.
    Progress {
        /// Whose event it is.
        id: TransferId,
        /// The counts now.
        progress: Progress,
    },
    /// Body bytes.
    Chunk {
        /// Whose event it is.
        id: TransferId,
        /// All that have come since the last chunk.
        bytes: Vec<u8>,
    },
    /// It has ended. The last event of a transfer, and the only one that each of them has.
    End {
        /// Whose event it is.
        id: TransferId,
        /// How.
        outcome: Box<Outcome>,
    },
}

impl Event {
    /// Whose event it is.
    pub fn id(&self) -> TransferId {
        match self {
            Event::Stage { id, .. }
            | Event::Head { id, .. }
            | Event::Progress { id, .. }
            | Event::Chunk { id, .. }
            | Event::End { id, .. } => *id,
        }
    }
}

/// How many outcomes, and how many bytes of bodies, are kept to be dropped by the thread together.
const RETURNED: usize = 64;
const RETURNED_BYTES: usize = 256 << 10;

/// How long dropping waits for the part files to be removed, at most: the thread may be busy writing.
const REMOVAL: Duration = Duration::from_secs(1);

impl Transfers {
    /// None yet. Costs nothing.
    pub fn new() -> Self {
        Self {
            mailbox: Arc::default(),
            under_way: HashMap::default(),
            inbox: VecDeque::new(),
            mistakes: VecDeque::new(),
            telling: 0,
            in_batch: false,
            spare: Vec::new(),
            returned: Vec::new(),
            io: None,
            wrote_files: false,
            generation: fork::generation(),
        }
    }

    /// Starts a transfer. A mistake in the request comes as its end, like every other failure.
    ///
    /// `on_progress` and a reader given as the request's body are called on the I/O thread: they must not take their
    /// time.
    pub fn start(&mut self, request: RequestBuilder, delivery: Delivery) -> TransferId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        self.check_generation();
        let id = TransferId(NEXT.fetch_add(1, Ordering::Relaxed));
        let is_file = matches!(delivery.to, To::File { .. });
        let submitted = request.into_transfer(&delivery).and_then(|transfer| {
            let slot = Slot::new(id.0);
            let is_suspended = transfer.session().is_suspended();
            let start = Start { transfer, delivery, slot: slot.clone(), mailbox: self.mailbox.clone(), is_suspended };
            self.io()?.submit(Command::Start(Box::new(start)));
            self.wrote_files |= is_file;
            Ok(slot)
        });
        match submitted {
            Ok(slot) => drop(self.under_way.insert(id.0, slot)),
            Err(error) => self.mistakes.push_back((id, Box::new(Outcome::mistake(error)))),
        }
        id
    }

    /// What is ready, in order for each transfer. Never waits and makes no system call; where nothing is ready it costs
    /// one look at a flag. It gives `None` once after each batch, so that a loop over it ends however fast events come.
    #[expect(clippy::should_implement_trait, reason = "an iterator would end where this only pauses")]
    pub fn next(&mut self) -> Option<Event> {
        self.check_generation();
        loop {
            if self.telling > 0 {
                self.telling -= 1;
                if let Some((id, outcome)) = self.mistakes.pop_front() {
                    return Some(Event::End { id, outcome });
                }
            }
            while let Some(note) = self.inbox.pop_front() {
                if let Some(event) = self.event(note) {
                    return Some(event);
                }
            }
            if std::mem::take(&mut self.in_batch) {
                return None;
            }
            // One that is made while these are told waits, or who answers each by another would never come to an end.
            self.telling = self.mistakes.len();
            if !self.mailbox.take(&mut self.spare) && self.telling == 0 {
                return None;
            }
            self.in_batch = true;
            self.inbox.extend(self.spare.drain(..));
        }
    }

    /// Waits until [`Transfers::next`] has something, `None` for ever. False: the time is over, or there is nothing to
    /// wait for.
    pub fn wait(&mut self, timeout: Option<Duration>) -> bool {
        self.check_generation();
        if self.telling > 0 || !self.inbox.is_empty() {
            return true;
        }
        self.in_batch = false;
        if !self.mistakes.is_empty() {
            return true;
        }
        if self.under_way.is_empty() {
            return false;
        }
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        self.mailbox.wait(until)
    }

    /// How many have not ended: whose [`Event::End`] was not taken yet.
    pub fn len(&self) -> usize {
        self.under_way.len() + self.mistakes.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether this one has not ended.
    pub fn is_under_way(&self, id: TransferId) -> bool {
        self.under_way.contains_key(&id.0) || self.mistakes.iter().any(|(other, _)| *other == id)
    }

    /// Cancels. That is its end: no event of it comes after this. Its connection closes, its part file goes. False: it
    /// had ended before.
    pub fn cancel(&mut self, id: TransferId) -> bool {
        self.check_generation();
        let mistakes = self.mistakes.len();
        self.mistakes.retain(|(other, _)| *other != id);
        self.telling = self.telling.min(self.mistakes.len());
        let Some(slot) = self.under_way.remove(&id.0) else { return self.mistakes.len() < mistakes };
        slot.cancel();
        if let Some(io) = &self.io {
            io.submit(Command::Cancel(slot));
        }
        true
    }

    /// Cancels all.
    pub fn cancel_all(&mut self) {
        let ids: Vec<_> = self.under_way.keys().copied().collect();
        for id in ids {
            self.cancel(TransferId(id));
        }
        self.mistakes.clear();
        self.telling = 0;
    }

    /// Makes it stand still, clocks included: nothing is received, and if it has not started it does not start. False:
    /// it has ended.
    pub fn pause(&mut self, id: TransferId) -> bool {
        self.control(id, Command::Pause)
    }

    /// Lets it go on. False: it has ended.
    pub fn resume(&mut self, id: TransferId) -> bool {
        self.control(id, Command::Resume)
    }

    /// See [`Delivery::priority`]. False: it has ended.
    pub fn set_priority(&mut self, id: TransferId, priority: i8) -> bool {
        self.control(id, |slot| Command::SetPriority(slot, priority))
    }

    /// How far it has come; `None`: it has ended.
    pub fn progress(&self, id: TransferId) -> Option<Progress> {
        self.under_way.get(&id.0).map(|slot| slot.progress())
    }

    /// Gives back an outcome that was looked at, to be dropped on the thread that made it: cheaper for a frame than
    /// dropping it.
    pub fn recycle(&mut self, outcome: Box<Outcome>) {
        let Some(io) = &self.io else { return };
        let is_large = outcome.body().len() >= RETURNED_BYTES / RETURNED;
        self.returned.push(outcome);
        if is_large || self.returned.len() >= RETURNED {
            io.submit(Command::Drop(std::mem::take(&mut self.returned)));
        }
    }

    fn control(&mut self, id: TransferId, command: impl FnOnce(Arc<Slot>) -> Command) -> bool {
        self.check_generation();
        let (Some(slot), Some(io)) = (self.under_way.get(&id.0), &self.io) else { return false };
        io.submit(command(slot.clone()));
        true
    }

    /// `None`: it was cancelled meanwhile.
    fn event(&mut self, note: Note) -> Option<Event> {
        let slot = match &note {
            Note::Stage(slot, ..)
            | Note::Head(slot, _)
            | Note::Progress(slot)
            | Note::Chunk(slot)
            | Note::End(slot, _) => slot,
        };
        let id = TransferId(slot.id);
        if slot.is_cancelled() {
            if let Note::End(_, outcome) = note {
                self.recycle(outcome);
            }
            return None;
        }
        Some(match note {
            Note::Stage(_, stage, at) => Event::Stage { id, stage, at },
            Note::Head(slot, head) => Event::Head { id, head, progress: slot.progress() },
            Note::Progress(slot) => {
                slot.was_told();
                Event::Progress { id, progress: slot.progress() }
            }
            Note::Chunk(slot) => {
                let (bytes, stalled) = slot.take();
                if stalled && let Some(io) = &self.io {
                    io.submit(Command::Drained(slot));
                }
                Event::Chunk { id, bytes }
            }
            Note::End(_, outcome) => {
                self.under_way.remove(&id.0);
                Event::End { id, outcome }
            }
        })
    }

    fn io(&mut self) -> Result<&Arc<Io>, Error> {
        if self.io.is_none() {
            let io = Io::get().map_err(|error| {
                Error::new(Kind::Connect, Phase::Prepare, "the I/O thread could not be started").with_source(error)
            })?;
            self.io = Some(io);
        }
        self.io.as_ref().ok_or_else(|| Error::input("no I/O thread"))
    }

    /// After a fork the transfers are the parent's: here they end, and nothing that the parent's thread may have held is
    /// touched.
    fn check_generation(&mut self) {
        if self.generation != fork::generation() {
            self.start_anew();
        }
    }

    #[cold]
    fn start_anew(&mut self) {
        let mut left = std::mem::take(self);
        // These never were the thread's.
        self.mistakes = std::mem::take(&mut left.mistakes);
        let ended = || Error::new(Kind::Cancelled, Phase::Done, "the process was forked; the parent has it");
        for id in left.under_way.keys() {
            self.mistakes.push_back((TransferId(*id), Box::new(Outcome::mistake(ended()))));
        }
        std::mem::forget(left);
    }
}

impl Default for Transfers {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Transfers {
    fn drop(&mut self) {
        if self.generation != fork::generation() {
            return;
        }
        for slot in self.under_way.values() {
            slot.cancel();
        }
        self.mailbox.close();
        let Some(io) = &self.io else { return };
        if !self.wrote_files {
            return io.submit(Command::Close(self.mailbox.clone(), None));
        }
        // The process may end at once: its part files must be gone by then.
        let (done, is_done) = mpsc::sync_channel(0);
        io.submit(Command::Close(self.mailbox.clone(), Some(done)));
        let _ = is_done.recv_timeout(REMOVAL);
    }
}

impl fmt::Debug for Transfers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transfers").field("len", &self.len()).finish_non_exhaustive()
    }
}
