//! The connection race of RFC 8305 ("Happy Eyeballs"): which address to try next and when. A schedule only; it opens
//! nothing and has no clock.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long an attempt stays alone before the next one starts beside it (RFC 8305 §5: 250 ms).
pub const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// A race between the addresses of one host. Ask [`next`](Self::next) what to do until it is [`Step::Done`]; report
/// each attempt's end with [`failed`](Self::failed) or [`won`](Self::won).
///
/// The addresses' order is that of the lookup (RFC 6724), except that the families alternate, beginning with the first
/// address's (RFC 8305 §4). One attempt follows the other after [`ATTEMPT_DELAY`], or at once when one fails.
#[derive(Clone, Debug)]
pub struct Race {
    waiting: VecDeque<SocketAddr>,
    attempts: Vec<Attempt>,
    /// When the next attempt may start.
    due: Instant,
    winner: Option<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Attempt {
    addr: SocketAddr,
    failed: bool,
}

/// What to do now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Start to connect to this address. The index names the attempt; indices count from 0 in the order of starts.
    Start(usize, SocketAddr),
    /// Wait for the attempts under way, until this instant at the latest, then ask again.
    Wait(Instant),
    /// Wait for the attempts under way: there are no more addresses.
    WaitForAttempts,
    /// The race is over. `Some` names the attempt that won: drop the others. `None`: there are no addresses, or each
    /// attempt failed.
    Done(Option<usize>),
}

impl Race {
    /// A race that starts at `now`.
    pub fn new(addrs: impl IntoIterator<Item = SocketAddr>, now: Instant) -> Self {
        let mut race = Self { waiting: VecDeque::new(), attempts: Vec::new(), due: now, winner: None };
        race.add(addrs);
        race
    }

    /// Adds addresses that a lookup gave later. Those already known are left out.
    pub fn add(&mut self, addrs: impl IntoIterator<Item = SocketAddr>) {
        for addr in addrs {
            if !self.waiting.contains(&addr) && !self.attempts.iter().any(|attempt| attempt.addr == addr) {
                self.waiting.push_back(addr);
            }
        }
    }

    /// What to do at `now`.
    pub fn next(&mut self, now: Instant) -> Step {
        if self.winner.is_some() {
            return Step::Done(self.winner);
        }
        let is_running = self.attempts.iter().any(|attempt| !attempt.failed);
        if is_running && now < self.due {
            return if self.waiting.is_empty() { Step::WaitForAttempts } else { Step::Wait(self.due) };
        }
        match self.take_next() {
            Some(addr) => {
                self.attempts.push(Attempt { addr, failed: false });
                self.due = now + ATTEMPT_DELAY;
                Step::Start(self.attempts.len() - 1, addr)
            }
            None if is_running => Step::WaitForAttempts,
            None => Step::Done(None),
        }
    }

    /// An attempt failed: the next one may start at once.
    pub fn failed(&mut self, index: usize, now: Instant) {
        if let Some(attempt) = self.attempts.get_mut(index)
            && !attempt.failed
        {
            attempt.failed = true;
            self.due = self.due.min(now);
        }
    }

    /// An attempt connected. The first to be reported is the winner.
    pub fn won(&mut self, index: usize) {
        if index < self.attempts.len() {
            self.winner.get_or_insert(index);
        }
    }

    /// The address of an attempt.
    pub fn addr(&self, index: usize) -> Option<SocketAddr> {
        self.attempts.get(index).map(|attempt| attempt.addr)
    }

    /// The attempts that were started and did not fail; after the end, the winner and those to drop.
    pub fn running(&self) -> impl Iterator<Item = usize> + '_ {
        self.attempts.iter().enumerate().filter(|(_, attempt)| !attempt.failed).map(|(index, _)| index)
    }

    /// The first waiting address of the family that was not tried last, or else of the other.
    fn take_next(&mut self) -> Option<SocketAddr> {
        let index = match self.attempts.last() {
            Some(last) => {
                let is_other = |addr: &SocketAddr| addr.is_ipv4() != last.addr.is_ipv4();
                self.waiting.iter().position(is_other).unwrap_or(0)
            }
            None => 0,
        };
        self.waiting.remove(index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn addrs(text: &str) -> Vec<SocketAddr> {
        text.split_whitespace()
            .map(|name| match name.split_at(1) {
                ("4", n) => format!("10.0.0.{n}:80").parse().unwrap(),
                (_, n) => format!("[fd00::{n}]:80").parse().unwrap(),
            })
            .collect()
    }

    fn addr(text: &str) -> SocketAddr {
        addrs(text)[0]
    }

    /// The order in which addresses are tried when all hang, each 250 ms after the one before.
    fn order(given: &str) -> Vec<SocketAddr> {
        let mut now = Instant::now();
        let mut race = Race::new(addrs(given), now);
        let mut started = Vec::new();
        loop {
            match race.next(now) {
                Step::Start(index, addr) => {
                    assert_eq!(index, started.len());
                    started.push(addr);
                }
                Step::Wait(until) => {
                    assert_eq!(until - now, ATTEMPT_DELAY);
                    now = until;
                }
                Step::WaitForAttempts => return started,
                Step::Done(_) => panic!("nothing has ended"),
            }
        }
    }

    #[test]
    fn families_alternate_beginning_with_the_first() {
        for (given, expected) in [
            ("41", "41"),
            ("61 62 63 41 42", "61 41 62 42 63"),
            ("41 42 61 62", "41 61 42 62"),
            ("41 42 43", "41 42 43"),
            ("61 41 62 42", "61 41 62 42"),
            ("61 61 41 61", "61 41"),
        ] {
            assert_eq!(order(given), addrs(expected), "{given}");
        }
    }

    #[test]
    fn a_failure_starts_the_next_attempt_at_once() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut race = Race::new(addrs("61 41 62"), start);
        assert_eq!(race.next(start), Step::Start(0, addr("61")));
        assert_eq!(race.next(at(10)), Step::Wait(at(250)));
        race.failed(0, at(20));
        assert_eq!(race.next(at(20)), Step::Start(1, addr("41")));
        assert_eq!(race.next(at(20)), Step::Wait(at(270)));
        assert_eq!(race.next(at(270)), Step::Start(2, addr("62")));
        race.failed(1, at(280));
        assert_eq!(race.next(at(280)), Step::WaitForAttempts);
        race.failed(2, at(290));
        assert_eq!(race.next(at(290)), Step::Done(None));
    }

    #[test]
    fn an_attempt_that_lags_can_still_win() {
        let start = Instant::now();
        let mut race = Race::new(addrs("61 41"), start);
        race.next(start);
        race.next(start + ATTEMPT_DELAY);
        race.won(0);
        race.won(1);
        assert_eq!(race.next(start + ATTEMPT_DELAY), Step::Done(Some(0)));
        assert_eq!(race.running().collect::<Vec<_>>(), [0, 1]);
        assert_eq!(race.addr(1), Some(addr("41")));
    }

    #[test]
    fn addresses_that_come_later_join_in_turn() {
        let start = Instant::now();
        let mut race = Race::new(addrs("41 42"), start);
        assert_eq!(race.next(start), Step::Start(0, addr("41")));
        race.add(addrs("61 41"));
        race.failed(0, start);
        assert_eq!(race.next(start), Step::Start(1, addr("61")));
        race.failed(1, start);
        assert_eq!(race.next(start), Step::Start(2, addr("42")));
        race.failed(2, start);
        assert_eq!(race.next(start), Step::Done(None));
        race.add(addrs("62"));
        assert_eq!(race.next(start), Step::Start(3, addr("62")));
    }

    #[test]
    fn no_addresses_are_no_race() {
        let now = Instant::now();
        assert_eq!(Race::new([], now).next(now), Step::Done(None));
    }

    proptest! {
        /// Whatever fails when: every address is tried once, never two within the delay unless one failed between them.
        #[test]
        fn every_address_is_tried_once_and_in_its_time(
            given in prop::collection::btree_set(("[46]", 1..9u8), 1..10),
            fates in prop::collection::vec(prop::option::of(0..600u64), 10),
        ) {
            let start = Instant::now();
            let text: Vec<String> = given.iter().map(|(family, n)| format!("{family}{n}")).collect();
            let all = addrs(&text.join(" "));
            let mut race = Race::new(all.clone(), start);
            let mut started: Vec<(SocketAddr, u64)> = Vec::new();
            let mut last_failure = None;
            for ms in 0..10_000 {
                let now = start + Duration::from_millis(ms);
                for (index, &(_, since)) in started.iter().enumerate() {
                    if fates[index].is_some_and(|after| since + after + 1 == ms) {
                        race.failed(index, now);
                        last_failure = Some(ms);
                    }
                }
                while let Step::Start(index, addr) = race.next(now) {
                    prop_assert_eq!(index, started.len());
                    if let Some(&(_, before)) = started.last() {
                        prop_assert!(ms - before >= 250 || last_failure.is_some_and(|at| at >= before));
                    }
                    started.push((addr, ms));
                }
            }
            let mut tried: Vec<SocketAddr> = started.iter().map(|start| start.0).collect();
            let mut all = all;
            tried.sort();
            all.sort();
            prop_assert_eq!(tried, all);
            let all_failed = fates[..started.len()].iter().all(Option::is_some);
            let expected = if all_failed { Step::Done(None) } else { Step::WaitForAttempts };
            prop_assert_eq!(race.next(start + Duration::from_secs(20)), expected);
        }
    }
}
