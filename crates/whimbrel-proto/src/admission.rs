//! PLACEHOLDER by the chief until PURE's own version lands: overwrite it.
#![allow(missing_docs)]
use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
#[derive(Clone, Copy, Debug)]
pub struct Limits { pub per_host: usize, pub total: usize }
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ticket(u64);
pub struct Admission<K, T> { limits: Limits, queue: VecDeque<(u64, K, i8, T)>, running: HashMap<K, usize>, total: usize, next: u64 }
impl<K: Eq + Hash + Clone, T> Admission<K, T> {
    pub fn new(limits: Limits) -> Self { Self { limits, queue: VecDeque::new(), running: HashMap::new(), total: 0, next: 0 } }
    pub fn push(&mut self, host: K, priority: i8, item: T) -> Ticket { self.next += 1; self.queue.push_back((self.next, host, priority, item)); Ticket(self.next) }
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> Option<(Ticket, K, T)> {
        if self.total >= self.limits.total { return None }
        let i = self.queue.iter().position(|(_, k, _, _)| self.running.get(k).copied().unwrap_or(0) < self.limits.per_host)?;
        let (t, k, _, item) = self.queue.remove(i)?;
        *self.running.entry(k.clone()).or_default() += 1; self.total += 1;
        Some((Ticket(t), k, item))
    }
    pub fn release(&mut self, host: &K) { self.total -= 1; if let Some(n) = self.running.get_mut(host) { *n -= 1; } }
    pub fn remove(&mut self, ticket: Ticket) -> Option<T> { let i = self.queue.iter().position(|e| e.0 == ticket.0)?; self.queue.remove(i).map(|e| e.3) }
    pub fn set_priority(&mut self, _: Ticket, _: i8) {}
}
