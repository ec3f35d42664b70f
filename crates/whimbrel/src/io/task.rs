//! One transfer on the I/O thread: a turn of its machine, its sink, and what its consumer is told.

use std::sync::Arc;
use std::time::Instant;

use whimbrel_proto::h1::ResponseHead;
use whimbrel_proto::pace::Pace;
use whimbrel_proto::{Error, Origin, Result};

use super::mailbox::{Mailbox, Note, Slot};
use super::sink::Sink;
use crate::delivery::{Cadence, Delivery, To};
use crate::live::Read;
use crate::outcome::Outcome;
use crate::progress::Progress;
use crate::timings::Stage;
use crate::transfer::Transfer;

/// How much of a body is moved before others have their turn, in bytes.
const TURN: u64 = 1 << 20;

pub(super) struct Task {
    pub(super) transfer: Box<Transfer>,
    pub(super) slot: Arc<Slot>,
    pub(super) mailbox: Arc<Mailbox>,
    /// Whose limit on connections it counts against.
    pub(super) host: Arc<Origin>,
    pub(super) place: Place,
    pub(super) priority: i8,
    pub(super) is_paused: bool,
    pub(super) is_suspended: bool,
    /// It is among those that have a turn to come.
    pub(super) is_ready: bool,
    /// It waits for its sockets, rather than for the clock or its consumer.
    pub(super) is_blocked: bool,
    /// It is among those who are woken by the bell.
    pub(super) listens: bool,
    /// Its rates let it move more from then on.
    until: Option<Instant>,
    /// When it moved bytes last that count against the limit of its session.
    pub(super) served: Option<Instant>,
    /// The idle clock stopped for its consumer's or its rate's sake.
    is_off_the_clock: bool,
    /// Where the body goes, until it is opened.
    to: Option<To>,
    sink: Option<Sink>,
    head: Option<Arc<ResponseHead>>,
    pace: Option<Pace>,
    wants_head: bool,
    wants_stages: bool,
    cadence: Option<Cadence>,
    /// What the consumer was told of, or can see, last.
    shown: Progress,
    /// From when on progress may be told again.
    next_progress: Option<Instant>,
    /// There is progress to tell then.
    owes_progress: bool,
}

/// Where it stands towards the limits of its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Not asked for.
    Outside,
    Queued(whimbrel_proto::admission::Ticket),
    Running,
}

/// What a turn gave.
pub(super) enum Turn {
    /// Nothing can be done until a socket moves.
    Blocked,
    /// There is more to do: after the others.
    Again,
    /// It has moved as much as it may for now.
    Later,
    /// The consumer must take what waits for it.
    Full,
    Ended(Option<Error>),
}

/// What all tasks of the thread use in turn.
pub(super) struct Bench<'a> {
    pub(super) scratch: &'a mut [u8],
    pub(super) notes: &'a mut Vec<Note>,
    /// The limit of the session in all.
    pub(super) session_pace: Option<&'a mut Pace>,
}

impl Task {
    pub(super) fn new(
        mut transfer: Box<Transfer>,
        delivery: Delivery,
        slot: Arc<Slot>,
        mailbox: Arc<Mailbox>,
        now: Instant,
    ) -> Self {
        let Delivery { to, head, stages, progress, priority, max_rate } = delivery;
        if stages {
            transfer.trace();
            transfer.begins(Stage::Queued, now);
        }
        let host = transfer.exchange().hop().target.origin().clone();
        let shown = *transfer.progress();
        slot.set_progress(&shown);
        Self {
            transfer,
            slot,
            mailbox,
            host,
            place: Place::Outside,
            priority,
            is_paused: false,
            is_suspended: false,
            is_ready: false,
            is_blocked: false,
            listens: false,
            until: None,
            served: None,
            is_off_the_clock: false,
            to: Some(to),
            sink: None,
            head: None,
            pace: max_rate.map(|rate| Pace::new(rate, now)),
            wants_head: head,
            wants_stages: stages,
            cadence: progress,
            shown,
            next_progress: None,
            owes_progress: false,
        }
    }

    /// Whether it stands still by somebody's wish.
    pub(super) fn is_held(&self) -> bool {
        self.is_paused || self.is_suspended
    }

    /// Does what can be done now, and tells what there is to tell.
    pub(super) fn turn(&mut self, now: Instant, bench: &mut Bench<'_>) -> Turn {
        self.until = self.until.filter(|until| *until > now);
        let turn = self.advance(now, bench).unwrap_or_else(|error| Turn::Ended(Some(error)));
        self.tell_stages(bench.notes);
        self.tell_progress(now, bench.notes);
        turn
    }

    /// When it must be looked at even if nothing moves. One that stands still has no such time: what is due then waits.
    pub(super) fn due(&self) -> Option<Instant> {
        if self.is_held() {
            return None;
        }
        let progress = self.next_progress.filter(|_| self.owes_progress);
        [self.transfer.deadline(), progress, self.until].into_iter().flatten().min()
    }

    /// It has ended: what its consumer gets.
    pub(super) fn into_outcome(mut self, error: Option<Error>) -> (Arc<Mailbox>, Note) {
        let (body, file, error) = match (error, self.sink.take()) {
            (None, Some(sink)) => match sink.finish() {
                Ok((body, file)) => (body, file, None),
                Err(error) => (Vec::new(), None, Some(error)),
            },
            (error, sink) => (sink.map(Sink::give_up).unwrap_or_default(), None, error),
        };
        if error.is_some() {
            self.transfer.abandon();
        }
        let outcome = Outcome::new(self.transfer, self.head, body, file, error);
        (self.mailbox, Note::End(self.slot, Box::new(outcome)))
    }

    fn advance(&mut self, now: Instant, bench: &mut Bench<'_>) -> Result<Turn> {
        if let Some(to) = self.to.take() {
            self.sink = Some(Sink::open(to)?);
        }
        // From here on it is the peer who is waited for, if anybody is.
        if std::mem::take(&mut self.is_off_the_clock) {
            self.transfer.resume(now);
        }
        if self.head.is_none() {
            if !self.transfer.is_sending() {
                // What is connected in this turn sends in it, too.
                self.transfer.limit_send(self.allowed(now, bench));
            } else if !self.may_send(now, bench) {
                self.transfer.check(now)?;
                return Ok(Turn::Later);
            }
            let sent = self.transfer.progress().sent;
            let head = self.transfer.step_head(now)?;
            self.pay(self.transfer.progress().sent.saturating_sub(sent), now, bench);
            self.transfer.report()?;
            let Some(head) = head else { return Ok(self.blocked()) };
            self.receive_head(head, bench);
        }
        self.transfer.check(now)?;
        self.receive_body(now, bench)
    }

    fn receive_head(&mut self, head: ResponseHead, bench: &mut Bench<'_>) {
        if let Some(sink) = &mut self.sink {
            sink.judge(head.status, self.transfer.body_length());
        }
        let head = Arc::new(head);
        self.tell_stages(bench.notes);
        if self.wants_head {
            self.slot.set_progress(self.transfer.progress());
            bench.notes.push(Note::Head(self.slot.clone(), head.clone()));
        }
        self.head = Some(head);
    }

    fn receive_body(&mut self, now: Instant, bench: &mut Bench<'_>) -> Result<Turn> {
        let mut moved = 0;
        while !self.transfer.is_finished() {
            if moved >= TURN {
                return Ok(Turn::Again);
            }
            let room = self.sink.as_ref().map_or(0, |sink| sink.room(&self.slot));
            if room == 0 {
                self.stop_idle();
                return Ok(Turn::Full);
            }
            let Some(most) = self.allowance(now, bench) else { return Ok(Turn::Later) };
            // After an early answer the request's body may still be on its way.
            self.transfer.limit_send(most as u64);
            let before = *self.transfer.progress();
            let most = most.min(room).min(bench.scratch.len());
            let (filled, read) = self.fill(&mut bench.scratch[..most], now);
            let after = self.transfer.progress();
            moved += (filled as u64).max(after.transferred - before.transferred);
            let sent = after.sent - before.sent;
            self.pay(filled as u64 + sent, now, bench);
            if filled > 0
                && let Some(sink) = &mut self.sink
                && sink.write(&bench.scratch[..filled], &self.slot)?
            {
                bench.notes.push(Note::Chunk(self.slot.clone()));
            }
            self.transfer.report()?;
            if read?.is_none() {
                return Ok(self.blocked());
            }
        }
        Ok(Turn::Ended(None))
    }

    /// Reads until the buffer is full, the body ends (its last bytes may tell that, too) or nothing is there now
    /// (`None`): what came in small pieces is written in large ones. Also how many bytes came, whatever happened then.
    /// A coded body that hardly decodes to anything is read no further than a turn.
    fn fill(&mut self, buffer: &mut [u8], now: Instant) -> (usize, Result<Option<Read>>) {
        let mut filled = 0;
        let before = self.transfer.progress().transferred;
        loop {
            match self.transfer.step_body(&mut buffer[filled..], now) {
                Ok(Some(Read::Bytes(count))) => {
                    filled += count;
                    let is_over = self.transfer.progress().transferred - before >= TURN;
                    if filled == buffer.len() || self.transfer.is_finished() || is_over {
                        return (filled, Ok(Some(Read::Bytes(filled))));
                    }
                }
                other => return (filled, other),
            }
        }
    }

    /// A step gave nothing.
    fn blocked(&self) -> Turn {
        if self.transfer.is_yielding() { Turn::Again } else { Turn::Blocked }
    }

    /// Whether its body may go on now, and how far.
    fn may_send(&mut self, now: Instant, bench: &mut Bench<'_>) -> bool {
        let Some(most) = self.allowance(now, bench) else { return false };
        self.transfer.limit_send(most as u64);
        true
    }

    /// How many bytes its rates allow now.
    fn allowed(&self, now: Instant, bench: &Bench<'_>) -> u64 {
        let paces = [self.pace.as_ref(), bench.session_pace.as_deref()];
        paces.into_iter().flatten().map(|pace| pace.allowance(now)).min().unwrap_or(u64::MAX)
    }

    /// How many bytes it may move now. `None`: nothing, until [`Task::due`].
    fn allowance(&mut self, now: Instant, bench: &mut Bench<'_>) -> Option<usize> {
        if self.until.is_some() {
            // A socket that moved must not take a little each time from those who wait for as long.
            self.stop_idle();
            return None;
        }
        let mut most = u64::MAX;
        for pace in [self.pace.as_mut(), bench.session_pace.as_deref_mut()].into_iter().flatten() {
            // Not what little has come together since another took its part: who takes that each time has the phase in
            // which there is never more.
            let at = pace.ready_at(now);
            if at > now {
                self.until = Some(self.until.map_or(at, |until| until.max(at)));
            }
            most = most.min(pace.allowance(now));
        }
        if self.until.is_some() {
            self.stop_idle();
            return None;
        }
        Some(usize::try_from(most).unwrap_or(usize::MAX))
    }

    /// It is not the peer who takes the time until the next turn.
    fn stop_idle(&mut self) {
        self.transfer.stop_idle();
        self.is_off_the_clock = true;
    }

    fn pay(&mut self, bytes: u64, now: Instant, bench: &mut Bench<'_>) {
        if bytes > 0 && bench.session_pace.is_some() {
            self.served = Some(now);
        }
        for pace in [self.pace.as_mut(), bench.session_pace.as_deref_mut()].into_iter().flatten() {
            pace.take(bytes, now);
        }
    }

    pub(super) fn tell_stages(&mut self, notes: &mut Vec<Note>) {
        if self.wants_stages {
            for (stage, at) in self.transfer.take_stages() {
                notes.push(Note::Stage(self.slot.clone(), stage, at));
            }
        }
    }

    /// Shows the counts, and tells of them if that is wanted and due.
    fn tell_progress(&mut self, now: Instant, notes: &mut Vec<Note>) {
        let progress = *self.transfer.progress();
        if progress != self.shown {
            self.slot.set_progress(&progress);
            if let Some(cadence) = &self.cadence {
                self.owes_progress |= (cadence.up && progress.sent != self.shown.sent)
                    || (cadence.down && progress.transferred != self.shown.transferred);
            }
            self.shown = progress;
        }
        if let Some(cadence) = &self.cadence
            && self.owes_progress
            && self.next_progress.is_none_or(|at| at <= now)
        {
            self.owes_progress = false;
            self.next_progress = now.checked_add(cadence.every);
            if self.slot.must_tell() {
                notes.push(Note::Progress(self.slot.clone()));
            }
        }
    }
}
