//! How fast bytes may move: a token bucket with a clock that comes in from outside. It says how many and when; it never
//! waits.

use std::time::{Duration, Instant};

/// Tokens are counted in billionths of a byte, so that each nanosecond's share of any rate is a whole number.
const PER_BYTE: i128 = 1_000_000_000;

/// A wait is never longer than this: who wakes asks again.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// A limit in bytes per second, for one transfer or for many that share it. What was not used is kept for 100 ms at most;
/// what was taken beyond the allowance is paid back before more is allowed.
#[derive(Clone, Debug)]
pub struct Pace {
    rate: u64,
    balance: i128,
    /// When the balance was right.
    at: Instant,
}

impl Pace {
    /// A limit that holds from now on; a rate of 0 counts as 1.
    pub fn new(bytes_per_second: u64, now: Instant) -> Self {
        let mut pace = Self { rate: bytes_per_second.max(1), balance: 0, at: now };
        pace.balance = pace.burst();
        pace
    }

    /// How many bytes may move now; 0: none before [`ready_at`](Self::ready_at).
    pub fn allowance(&self, now: Instant) -> u64 {
        u64::try_from(self.balance(now).max(0) / PER_BYTE).unwrap_or(u64::MAX)
    }

    /// When so many bytes may move that a wake-up is worth it: those of 50 ms, 16 KiB at most, 1 at least. `now` where
    /// they may already; never more than an hour away.
    pub fn ready_at(&self, now: Instant) -> Instant {
        let missing = self.step() - self.balance(now);
        if missing <= 0 {
            return now;
        }
        let nanos = u128::try_from(missing).unwrap_or_default().div_ceil(u128::from(self.rate));
        let wait = u64::try_from(nanos).map_or(LONGEST_WAIT, Duration::from_nanos).min(LONGEST_WAIT);
        now.checked_add(wait).unwrap_or(now)
    }

    /// So many bytes have moved.
    pub fn take(&mut self, bytes: u64, now: Instant) {
        self.balance = self.balance(now).saturating_sub(i128::from(bytes) * PER_BYTE);
        self.at = self.at.max(now);
    }

    fn balance(&self, now: Instant) -> i128 {
        let nanos = u64::try_from(now.saturating_duration_since(self.at).as_nanos()).unwrap_or(u64::MAX);
        let earned = i128::try_from(u128::from(self.rate) * u128::from(nanos)).unwrap_or(i128::MAX);
        self.balance.saturating_add(earned).min(self.burst())
    }

    fn burst(&self) -> i128 {
        (i128::from(self.rate) * PER_BYTE / 10).max(PER_BYTE)
    }

    fn step(&self) -> i128 {
        i128::from((self.rate / 20).clamp(1, 16 << 10)) * PER_BYTE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many bytes a driver moves in this time that takes `appetite` at most each time, and wakes when it should.
    fn run(pace: &mut Pace, start: Instant, length: Duration, appetite: u64) -> u64 {
        let (mut now, mut sum) = (start, 0u64);
        while now < start + length {
            let bytes = pace.allowance(now).min(appetite);
            if bytes > 0 {
                pace.take(bytes, now);
                sum += bytes;
            } else {
                let at = pace.ready_at(now);
                assert!(at > now, "a wait that does not end is asked for");
                now = at;
                assert!(now >= start + length || pace.allowance(now) > 0);
            }
        }
        sum
    }

    #[test]
    fn over_ten_seconds_as_much_moves_as_the_rate_allows() {
        let start = Instant::now();
        for rate in [1, 2, 3, 9, 10, 19, 20, 33, 1000, 99_999, 1 << 20, 10_000_000_000] {
            for appetite in [(rate / 7).max(1), u64::MAX] {
                let sum = run(&mut Pace::new(rate, start), start, Duration::from_secs(10), appetite);
                let (want, burst) = (rate * 10, (rate / 10).max(1));
                assert!(sum <= want + burst, "{rate}: {sum}");
                assert!(sum + burst >= want - want / 20, "{rate}: {sum}");
            }
        }
    }

    #[test]
    fn what_was_not_used_is_lost_after_a_tenth_of_a_second() {
        let start = Instant::now();
        let pace = Pace::new(1000, start);
        assert_eq!(pace.allowance(start), 100);
        assert_eq!(pace.allowance(start + Duration::from_secs(3600)), 100);
    }

    #[test]
    fn an_overdraft_is_paid_back() {
        let start = Instant::now();
        let mut pace = Pace::new(1000, start);
        pace.take(1100, start);
        assert_eq!(pace.allowance(start), 0);
        let second = start + Duration::from_secs(1);
        assert_eq!(pace.allowance(second), 0);
        assert_eq!(pace.ready_at(start), second + Duration::from_millis(50));
        assert_eq!(pace.allowance(second + Duration::from_millis(50)), 50);
    }

    #[test]
    fn a_clock_that_steps_back_changes_nothing() {
        let start = Instant::now();
        let later = start + Duration::from_secs(1);
        let mut pace = Pace::new(1000, later);
        pace.take(100, start);
        assert_eq!(pace.allowance(start), 0);
        assert_eq!(pace.allowance(later), 0);
    }

    #[test]
    fn extremes_overflow_nothing() {
        let start = Instant::now();
        let late = start + Duration::from_secs(1 << 33);
        for rate in [0, 1, u64::MAX / 2, u64::MAX] {
            let mut pace = Pace::new(rate, start);
            assert!(pace.allowance(start) >= 1);
            for _ in 0..3 {
                pace.take(u64::MAX, start);
            }
            assert_eq!(pace.allowance(start), 0);
            assert!(pace.ready_at(start) > start && pace.ready_at(start) <= start + LONGEST_WAIT);
            assert!(pace.allowance(late) <= pace.rate.max(1));
            pace.take(u64::MAX, late);
            assert!(pace.ready_at(late) >= late);
        }
    }
}
