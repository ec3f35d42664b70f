//! Who may start: more requests than may run at once wait here, and each one that ends lets another in. It says which and
//! when; it never starts anything.
//!
//! A higher priority goes first. Within one priority hosts take turns, so that one that was asked a thousand times keeps
//! no other waiting; within a host, first come, first served. A host at its limit blocks nobody else and keeps its turn.
//! Every operation is O(log n) in what waits.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;

/// How many may run at once. 0 counts as 1: what waits must get its turn some day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Of one host.
    pub per_host: usize,
    /// Of all together.
    pub total: usize,
}

/// One that waits. It stays unique for the life of its [`Admission`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// The queue: [`push`](Self::push), then [`next`](Self::next) until it gives none; once an admitted one has ended,
/// [`release`](Self::release) and `next` again.
#[derive(Debug)]
pub struct Admission<K, T> {
    limits: Limits,
    running: usize,
    hosts: HashMap<K, u32>,
    /// What `hosts` points to; `None` is free.
    lines: Vec<Option<Line<K, T>>>,
    free: Vec<u32>,
    waiting: HashMap<Ticket, Place>,
    /// Each host that may start one and has one, by the priority and turn of its first lane.
    ready: BTreeMap<Turn, u32>,
    next_ticket: u64,
    next_turn: u64,
}

type Turn = (Reverse<i8>, u64);

#[derive(Debug)]
struct Place {
    line: u32,
    priority: i8,
}

/// What there is of one host.
#[derive(Debug)]
struct Line<K, T> {
    host: K,
    running: usize,
    /// Highest priority first; none is empty.
    lanes: Vec<Lane<T>>,
}

/// What waits for one host with one priority.
#[derive(Debug)]
struct Lane<T> {
    priority: i8,
    turn: u64,
    items: BTreeMap<Ticket, T>,
}

impl<K: Eq + Hash + Clone, T> Admission<K, T> {
    /// Nothing waits, nothing runs.
    pub fn new(limits: Limits) -> Self {
        Self {
            limits: Limits { per_host: limits.per_host.max(1), total: limits.total.max(1) },
            running: 0,
            hosts: HashMap::new(),
            lines: Vec::new(),
            free: Vec::new(),
            waiting: HashMap::new(),
            ready: BTreeMap::new(),
            next_ticket: 0,
            next_turn: 0,
        }
    }

    /// Queues one, behind all of its host and priority.
    pub fn push(&mut self, host: K, priority: i8, item: T) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        let line = match self.hosts.get(&host) {
            Some(&line) => line,
            None => self.open(host),
        };
        self.insert(line, priority, ticket, item);
        ticket
    }

    /// Admits the next one and counts it as running; `None`: nobody may start now.
    #[expect(clippy::should_implement_trait, reason = "its end is one for now only")]
    pub fn next(&mut self) -> Option<(Ticket, K, T)> {
        if self.running >= self.limits.total {
            return None;
        }
        let (_, index) = self.ready.pop_first()?;
        let line = self.lines.get_mut(index as usize)?.as_mut()?;
        let lane = line.lanes.first_mut()?;
        let (ticket, item) = lane.items.pop_first()?;
        lane.turn = self.next_turn;
        self.next_turn += 1;
        if lane.items.is_empty() {
            line.lanes.remove(0);
        }
        line.running += 1;
        self.running += 1;
        let host = line.host.clone();
        self.waiting.remove(&ticket);
        self.settle(index);
        Some((ticket, host, item))
    }

    /// An admitted one of this host has ended. Of a host with none running, nothing.
    pub fn release(&mut self, host: &K) {
        let Some(&index) = self.hosts.get(host) else { return };
        let Some(line) = self.line(index) else { return };
        if line.running == 0 {
            return;
        }
        self.unready(index);
        if let Some(line) = self.line(index) {
            line.running -= 1;
        }
        self.running -= 1;
        self.settle(index);
    }

    /// Takes one out that waits. `None`: it was admitted or removed already.
    pub fn remove(&mut self, ticket: Ticket) -> Option<T> {
        let Place { line: index, priority } = self.waiting.remove(&ticket)?;
        self.unready(index);
        let item = self.line(index).and_then(|line| line.remove(priority, ticket));
        self.settle(index);
        item
    }

    /// Gives one that waits another priority; among its new equals of the same host its age counts. One that was
    /// admitted or removed already stays as it is.
    pub fn set_priority(&mut self, ticket: Ticket, priority: i8) {
        let Some(place) = self.waiting.get(&ticket) else { return };
        if place.priority == priority {
            return;
        }
        let index = place.line;
        if let Some(item) = self.remove_quietly(ticket) {
            self.insert(index, priority, ticket, item);
        }
    }

    /// How many wait.
    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Whether none waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// How many were admitted and not released yet.
    pub fn running(&self) -> usize {
        self.running
    }

    fn open(&mut self, host: K) -> u32 {
        let line = Line { host: host.clone(), running: 0, lanes: Vec::new() };
        let index = match self.free.pop() {
            Some(index) => {
                self.lines[index as usize] = Some(line);
                index
            }
            None => {
                self.lines.push(Some(line));
                // More hosts than a u32 counts do not fit into any memory.
                (self.lines.len() - 1) as u32
            }
        };
        self.hosts.insert(host, index);
        index
    }

    fn line(&mut self, index: u32) -> Option<&mut Line<K, T>> {
        self.lines.get_mut(index as usize)?.as_mut()
    }

    fn insert(&mut self, index: u32, priority: i8, ticket: Ticket, item: T) {
        self.unready(index);
        let turn = self.next_turn;
        self.next_turn += 1;
        self.waiting.insert(ticket, Place { line: index, priority });
        if let Some(line) = self.line(index) {
            line.lane(priority, turn).items.insert(ticket, item);
        }
        self.settle(index);
    }

    /// As `remove`, but the line stays even if it is empty: one is about to come back to it.
    fn remove_quietly(&mut self, ticket: Ticket) -> Option<T> {
        let Place { line: index, priority } = self.waiting.remove(&ticket)?;
        self.unready(index);
        self.line(index)?.remove(priority, ticket)
    }

    /// Before a line changes.
    fn unready(&mut self, index: u32) {
        if let Some(turn) = self.line(index).and_then(|line| line.turn()) {
            self.ready.remove(&turn);
        }
    }

    /// After a line has changed: it is ready, waits for a release, or is forgotten.
    fn settle(&mut self, index: u32) {
        let per_host = self.limits.per_host;
        let Some(line) = self.lines.get_mut(index as usize).and_then(Option::as_mut) else { return };
        match line.turn() {
            Some(turn) if line.running < per_host => {
                self.ready.insert(turn, index);
            }
            None if line.running == 0 => {
                self.hosts.remove(&line.host);
                self.lines[index as usize] = None;
                self.free.push(index);
            }
            _ => {}
        }
    }
}

impl<K, T> Line<K, T> {
    /// When its first lane's turn is.
    fn turn(&self) -> Option<Turn> {
        self.lanes.first().map(|lane| (Reverse(lane.priority), lane.turn))
    }

    /// The lane of a priority; a new one gets this turn.
    fn lane(&mut self, priority: i8, turn: u64) -> &mut Lane<T> {
        let at = match self.lanes.binary_search_by_key(&Reverse(priority), |lane| Reverse(lane.priority)) {
            Ok(at) => at,
            Err(at) => {
                self.lanes.insert(at, Lane { priority, turn, items: BTreeMap::new() });
                at
            }
        };
        &mut self.lanes[at]
    }

    fn remove(&mut self, priority: i8, ticket: Ticket) -> Option<T> {
        let at = self.lanes.binary_search_by_key(&Reverse(priority), |lane| Reverse(lane.priority)).ok()?;
        let item = self.lanes[at].items.remove(&ticket);
        if self.lanes[at].items.is_empty() {
            self.lanes.remove(at);
        }
        item
    }
}
