//! The loop of the I/O thread: commands, timers, turns, notes, one wait.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use whimbrel_proto::{Error, Kind, Phase};

use super::mailbox::{Mailbox, Note, Slot};
use super::sessions::Sessions;
use super::task::{Bench, Place, Task, Turn};
use super::timers::Timers;
use super::{Command, Io, Start};
use crate::buffer::Workspace;
use crate::response::STEP;
use crate::session::Session;
use crate::sys::{Gathering, Reactor};

/// How many turns are taken before commands and sockets are looked at again.
const TURNS: usize = 512;
/// How many notes wait at most before they are posted.
const NOTES: usize = 64;

pub(super) fn run(io: &Io, reactor: Reactor) {
    let mut thread = Thread {
        reactor,
        tasks: Vec::new(),
        free: Vec::new(),
        sessions: Sessions::default(),
        ready: VecDeque::new(),
        timers: Timers::default(),
        due: Vec::new(),
        listening: Vec::new(),
        outbox: Vec::new(),
        scratch: vec![0; STEP].into(),
        workspace: Some(Box::default()),
        bell: io.bell.clone(),
    };
    let mut commands = Vec::new();
    let mut moved = Vec::new();
    loop {
        std::mem::swap(&mut commands, &mut *io.commands());
        let now = Instant::now();
        for command in commands.drain(..) {
            thread.obey(command, now);
        }
        thread.wake_due(now);
        thread.take_turns(now);
        thread.post();
        let timeout = thread.rest(io, now);
        match thread.wait(timeout, &mut moved) {
            Ok(rang) => {
                io.asleep.store(false, Ordering::SeqCst);
                for task in moved.drain(..) {
                    thread.make_ready(task);
                }
                if rang {
                    thread.wake_listening();
                }
            }
            // Nothing can be waited for: a pause, rather than a loop that burns a core.
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

struct Thread {
    reactor: Reactor,
    tasks: Vec<Option<Box<Task>>>,
    free: Vec<u32>,
    sessions: Sessions,
    ready: VecDeque<u32>,
    timers: Timers,
    /// Kept for its memory.
    due: Vec<u32>,
    /// Those that the bell may have rung for.
    listening: Vec<u32>,
    outbox: Vec<(Arc<Mailbox>, Vec<Note>)>,
    scratch: Box<[u8]>,
    workspace: Option<Box<Workspace>>,
    bell: Arc<crate::sys::Waker>,
}

impl Thread {
    fn obey(&mut self, command: Command, now: Instant) {
        match command {
            Command::Start(start) => self.start(*start, now),
            Command::Cancel(slot) => {
                if let Some(number) = slot.task()
                    && let Some(task) = self.take(number)
                {
                    self.leave(&task, now);
                    discard(task);
                }
            }
            Command::Pause(slot) => self.pause(&slot, now),
            Command::Resume(slot) => self.resume(&slot, now),
            Command::SetPriority(slot, priority) => self.set_priority(&slot, priority),
            Command::Drained(slot) => {
                if let Some(number) = slot.task() {
                    self.make_ready(number);
                }
            }
            Command::Stand(session, is_suspended, at) => self.stand(&session, is_suspended, at, now),
            Command::Close(mailbox, _done) => self.close(&mailbox, now),
            Command::Drop(outcomes) => outcomes.into_iter().for_each(discard),
        }
    }

    fn start(&mut self, start: Start, now: Instant) {
        let Start { mut transfer, delivery, slot, mailbox, is_suspended } = start;
        if slot.is_cancelled() {
            discard(transfer);
            return;
        }
        transfer.move_to_io(&self.bell);
        let session = transfer.session().clone();
        let number = self.free.pop().unwrap_or(self.tasks.len() as u32);
        if number as usize == self.tasks.len() {
            self.tasks.push(None);
        }
        slot.set_task(Some(number));
        let mut task = Box::new(Task::new(transfer, delivery, slot, mailbox, now));
        // It may be long before its first turn.
        task.tell_stages(notes_of(&mut self.outbox, &task.mailbox));
        let line = self.sessions.enter(&session, is_suspended, now);
        if line.is_suspended {
            task.is_suspended = true;
        }
        // Waiting for a turn is nobody's fault: the clocks but that of the whole call begin with it.
        task.transfer.stop_idle();
        task.place = Place::Queued(line.queue(&task.host, task.priority, number));
        if task.is_suspended {
            task.transfer.hold(now);
        }
        self.put(number, task);
        if self.listening.last() == Some(&number) {
            // It may have been cancelled before there was a bell to ring.
            self.make_ready(number);
        }
        self.admit(&session, now);
    }

    /// Lets those start whose turn it is.
    fn admit(&mut self, session: &Arc<Session>, now: Instant) {
        while let Some(number) = self.sessions.get(session).and_then(|line| line.admit()) {
            if let Some(task) = &mut self.tasks[number as usize] {
                task.place = Place::Running;
                task.transfer.resume(now);
                // At once, while the connection of the one before is at hand.
                task.is_ready = true;
                self.ready.push_front(number);
            }
        }
    }

    fn pause(&mut self, slot: &Slot, now: Instant) {
        let Some(number) = slot.task() else { return };
        let Some(task) = &mut self.tasks[number as usize] else { return };
        if std::mem::replace(&mut task.is_paused, true) {
            return;
        }
        if !task.is_suspended {
            task.transfer.hold(now);
        }
        // It must not keep others from their turn, nor get one itself.
        if let Place::Queued(ticket) = task.place
            && let Some(line) = self.sessions.get(task.transfer.session())
        {
            line.unqueue(ticket);
            task.place = Place::Outside;
        }
    }

    fn resume(&mut self, slot: &Slot, now: Instant) {
        let Some(number) = slot.task() else { return };
        let Some(task) = &mut self.tasks[number as usize] else { return };
        if !std::mem::replace(&mut task.is_paused, false) {
            return;
        }
        if !task.is_suspended {
            task.transfer.release_clocks(now);
        }
        let session = task.transfer.session().clone();
        if task.place == Place::Outside
            && let Some(line) = self.sessions.get(&session)
        {
            task.place = Place::Queued(line.queue(&task.host, task.priority, number));
        }
        self.make_ready(number);
        self.admit(&session, now);
    }

    fn set_priority(&mut self, slot: &Slot, priority: i8) {
        let Some(number) = slot.task() else { return };
        let Some(task) = &mut self.tasks[number as usize] else { return };
        task.priority = priority;
        if let Place::Queued(ticket) = task.place
            && let Some(line) = self.sessions.get(task.transfer.session())
        {
            line.set_priority(ticket, priority);
        }
    }

    /// A session was suspended, or goes on, at `at`.
    fn stand(&mut self, session: &Arc<Session>, is_suspended: bool, at: Instant, now: Instant) {
        let Some(line) = self.sessions.get(session) else { return };
        if std::mem::replace(&mut line.is_suspended, is_suspended) == is_suspended {
            return;
        }
        let mut woken = Vec::new();
        for (number, task) in self.tasks.iter_mut().enumerate() {
            let Some(task) = task else { continue };
            if !Arc::ptr_eq(task.transfer.session(), session) {
                continue;
            }
            task.is_suspended = is_suspended;
            match (is_suspended, task.is_paused) {
                (true, true) => {}
                (false, true) => task.transfer.doubt(),
                (true, false) => task.transfer.hold(at),
                (false, false) => {
                    task.transfer.release_clocks(at);
                    task.transfer.doubt();
                    woken.push(number as u32);
                }
            }
        }
        for number in woken {
            self.make_ready(number);
        }
        self.admit(session, now);
    }

    fn close(&mut self, mailbox: &Arc<Mailbox>, now: Instant) {
        for number in 0..self.tasks.len() {
            let is_its = |task: &Task| Arc::ptr_eq(&task.mailbox, mailbox);
            if self.tasks[number].as_deref().is_some_and(is_its)
                && let Some(task) = self.take(number as u32)
            {
                self.leave(&task, now);
                discard(task);
            }
        }
        self.outbox.retain(|(other, _)| !Arc::ptr_eq(other, mailbox));
    }

    /// Those that wait for one rate are due together: who was served longest ago goes first.
    fn wake_due(&mut self, now: Instant) {
        let mut due = std::mem::take(&mut self.due);
        due.extend(std::iter::from_fn(|| self.timers.pop(now)));
        due.sort_by_key(|number| self.tasks[*number as usize].as_ref().and_then(|task| task.served));
        for number in due.drain(..) {
            self.make_ready(number);
        }
        self.due = due;
    }

    fn wake_listening(&mut self) {
        for number in std::mem::take(&mut self.listening) {
            if let Some(task) = &mut self.tasks[number as usize] {
                task.listens = false;
                self.make_ready(number);
            }
        }
    }

    fn make_ready(&mut self, number: u32) {
        if let Some(Some(task)) = self.tasks.get_mut(number as usize)
            && !task.is_ready
        {
            task.is_ready = true;
            self.ready.push_back(number);
        }
    }

    fn take_turns(&mut self, now: Instant) {
        let mut again = Vec::new();
        for _ in 0..TURNS {
            let Some(number) = self.ready.pop_front() else { break };
            let Some(mut task) = self.tasks[number as usize].take() else { continue };
            task.is_ready = false;
            task.is_blocked = false;
            if task.slot.is_cancelled() {
                self.free.push(number);
                self.leave(&task, now);
                discard(task);
                continue;
            }
            // One that waits for its turn may still be over time, or cancelled by its handle.
            if task.place != Place::Running || task.is_held() {
                match task.transfer.check(now) {
                    Ok(()) => self.put(number, task),
                    Err(error) => self.end(number, task, Some(error), now),
                }
                continue;
            }
            match self.turn(&mut task, now) {
                Turn::Ended(error) => {
                    self.end(number, task, error, now);
                    continue;
                }
                Turn::Blocked => {
                    task.is_blocked = true;
                    let mut interests = self.reactor.interests_of(number);
                    task.transfer.interests(&mut interests);
                    if let Err(error) = interests.finish() {
                        let error = Error::new(Kind::Connect, Phase::Connect, "the system can't watch another socket")
                            .with_source(error);
                        self.end(number, task, Some(error), now);
                        continue;
                    }
                }
                Turn::Again => {
                    task.is_ready = true;
                    again.push(number);
                }
                Turn::Later | Turn::Full => {}
            }
            self.put(number, task);
        }
        self.ready.extend(again);
    }

    /// One turn of one task. A panic in it is its own end, and nobody else's.
    fn turn(&mut self, task: &mut Task, now: Instant) -> Turn {
        let session = task.transfer.session().clone();
        let pace = self.sessions.get(&session).and_then(|line| line.pace.as_mut());
        let notes = notes_of(&mut self.outbox, &task.mailbox);
        let mut bench = Bench { scratch: &mut self.scratch, notes, session_pace: pace };
        task.transfer.woke();
        task.transfer.lend(self.workspace.take().unwrap_or_default());
        let turn = catch_unwind(AssertUnwindSafe(|| task.turn(now, &mut bench)));
        self.workspace = Some(task.transfer.reclaim());
        turn.unwrap_or_else(|_| {
            let detail = "the engine failed in a way that it never should; please report it";
            Turn::Ended(Some(Error::new(Kind::Receive, Phase::Done, detail)))
        })
    }

    fn end(&mut self, number: u32, mut task: Box<Task>, error: Option<Error>, now: Instant) {
        self.free.push(number);
        self.leave(&task, now);
        discard(task.transfer.take_sources());
        let (mailbox, note) = task.into_outcome(error);
        let notes = notes_of(&mut self.outbox, &mailbox);
        notes.push(note);
        if notes.len() >= NOTES {
            mailbox.post(notes);
        }
    }

    /// A task that is no longer in its place goes: others may have what it held.
    fn leave(&mut self, task: &Task, now: Instant) {
        let session = task.transfer.session();
        if let Some(line) = self.sessions.get(session) {
            match task.place {
                Place::Running => line.release(&task.host),
                Place::Queued(ticket) => line.unqueue(ticket),
                Place::Outside => {}
            }
        }
        task.slot.set_task(None);
        self.sessions.leave(session);
        self.admit(session, now);
    }

    fn take(&mut self, number: u32) -> Option<Box<Task>> {
        let task = self.tasks.get_mut(number as usize)?.take()?;
        self.free.push(number);
        Some(task)
    }

    /// Into its place, until it is looked at again: by its time, or when the bell rings that may be for it.
    fn put(&mut self, number: u32, mut task: Box<Task>) {
        if let Some(at) = task.due() {
            self.timers.set(at, number);
        }
        if !task.listens && task.transfer.listens() {
            task.listens = true;
            self.listening.push(number);
        }
        self.tasks[number as usize] = Some(task);
    }

    fn post(&mut self) {
        for (mailbox, notes) in &mut self.outbox {
            if !notes.is_empty() {
                mailbox.post(notes);
            }
        }
    }

    /// How long nothing is to be done. From here on a command rings.
    fn rest(&self, io: &Io, now: Instant) -> Option<Duration> {
        if !self.ready.is_empty() {
            return Some(Duration::ZERO);
        }
        io.asleep.store(true, Ordering::SeqCst);
        if !io.commands().is_empty() {
            return Some(Duration::ZERO);
        }
        self.timers.next().map(|at| at.saturating_duration_since(now))
    }

    fn wait(&mut self, timeout: Option<Duration>, moved: &mut Vec<u32>) -> std::io::Result<bool> {
        let tasks = &self.tasks;
        self.reactor.wait(timeout, moved, |gathering: &mut Gathering<'_>| {
            for (number, task) in tasks.iter().enumerate() {
                if let Some(task) = task
                    && task.is_blocked
                    && !task.is_held()
                {
                    gathering.gather(number as u32, |interests| task.transfer.interests(interests));
                }
            }
        })
    }
}

/// Drops what may hold a caller's function or reader: a panic in that is nobody else's end.
pub(super) fn discard<T>(value: T) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(value)));
}

fn notes_of<'a>(outbox: &'a mut Vec<(Arc<Mailbox>, Vec<Note>)>, mailbox: &Arc<Mailbox>) -> &'a mut Vec<Note> {
    let index = outbox.iter().position(|(other, _)| Arc::ptr_eq(other, mailbox)).unwrap_or_else(|| {
        outbox.push((mailbox.clone(), Vec::new()));
        outbox.len() - 1
    });
    &mut outbox[index].1
}
