//! When which task is to be looked at though nothing moved. Deadlines mostly move on and on: an entry stays where it was
//! put, and whoever it wakes too early puts another.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

#[derive(Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Instant, u32)>>,
}

impl Timers {
    pub(super) fn set(&mut self, at: Instant, task: u32) {
        self.heap.push(Reverse((at, task)));
    }

    /// When the next entry is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes an entry that is due.
    pub(super) fn pop(&mut self, now: Instant) -> Option<(Instant, u32)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }
}
