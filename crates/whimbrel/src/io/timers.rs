//! When which task is to be looked at though nothing moved.
//!
//! Deadlines mostly move on and on, and tasks mostly end long before theirs. So an entry belongs to a task's number, not
//! to the task: it stays where it was put, whoever it wakes too early puts another, and the next task of that number
//! finds it there. What an earlier entry has made useless is swept out when there is much of it, so that the heap is
//! about as large as the number of tasks ever was, however many have passed and however long they take.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

#[derive(Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Instant, u32)>>,
    /// The entry of each number that counts: its earliest.
    first: Vec<Option<Instant>>,
}

impl Timers {
    /// The task must be looked at by then.
    pub(super) fn set(&mut self, at: Instant, task: u32) {
        let index = task as usize;
        if index >= self.first.len() {
            self.first.resize(index + 1, None);
        }
        if self.first[index].is_none_or(|first| at < first) {
            self.first[index] = Some(at);
            self.heap.push(Reverse((at, task)));
            if self.heap.len() > 64 + 4 * self.first.len() {
                self.sweep();
            }
        }
    }

    /// Leaves the entries that count.
    fn sweep(&mut self) {
        let first = self.first.iter().zip(0..);
        self.heap = first.filter_map(|(at, task)| at.map(|at| Reverse((at, task)))).collect();
    }

    /// When the next entry is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes a task that is due.
    pub(super) fn pop(&mut self, now: Instant) -> Option<u32> {
        while self.next()? <= now {
            let Reverse((at, task)) = self.heap.pop()?;
            let first = &mut self.first[task as usize];
            if *first == Some(at) {
                *first = None;
                return Some(task);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_number_is_due_at_its_earliest_entry_once() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut timers = Timers::default();
        timers.set(at(30), 0);
        timers.set(at(40), 0);
        timers.set(at(10), 1);
        timers.set(at(5), 0);
        assert_eq!(timers.next(), Some(at(5)));
        assert_eq!(timers.pop(at(4)), None);
        assert_eq!((timers.pop(at(20)), timers.pop(at(20)), timers.pop(at(20))), (Some(0), Some(1), None));
        timers.set(at(50), 0);
        assert_eq!((timers.pop(at(45)), timers.pop(at(50)), timers.pop(at(99))), (None, Some(0), None));
    }

    #[test]
    fn a_long_deadline_behind_many_short_waits_is_there_once() {
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut timers = Timers::default();
        timers.set(at(5), 1);
        for round in 0..100_000 {
            timers.set(at(3_600_000 + round), 0);
            timers.set(at(10 + round), 0);
            assert_eq!(timers.pop(at(10 + round)), Some(if round == 0 { 1 } else { 0 }));
            if round == 0 {
                assert_eq!(timers.pop(at(10)), Some(0));
            }
        }
        assert!(timers.heap.len() < 100, "{}", timers.heap.len());
        timers.set(at(200_000), 0);
        assert_eq!((timers.pop(at(199_999)), timers.pop(at(200_000))), (None, Some(0)));
    }

    #[test]
    fn a_hundred_thousand_tasks_of_one_number_leave_one_entry() {
        let start = Instant::now();
        let mut timers = Timers::default();
        for passed in 0..100_000 {
            timers.set(start + Duration::from_secs(30) + Duration::from_micros(passed), 7);
        }
        assert_eq!(timers.heap.len(), 1);
    }
}
