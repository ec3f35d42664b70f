//! PLACEHOLDER by the chief until PURE's own version lands: overwrite it.
#![allow(missing_docs)]
use std::time::Instant;
pub struct Pace(u64);
impl Pace { pub fn new(rate: u64, _: Instant) -> Self { Self(rate) } pub fn allowance(&mut self, _: Instant) -> u64 { self.0 } pub fn ready_at(&self, now: Instant) -> Instant { now } pub fn take(&mut self, _: u64, _: Instant) {} }
