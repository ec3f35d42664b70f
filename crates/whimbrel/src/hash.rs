//! Hashing numbers that nobody else chooses: identifiers of our own and addresses. What a peer or a script can choose is
//! hashed as the standard library does it.

use std::hash::{BuildHasherDefault, Hasher};

/// For maps from such numbers.
pub(crate) type ByNumber = BuildHasherDefault<NumberHasher>;

#[derive(Default)]
pub(crate) struct NumberHasher(u64);

impl Hasher for NumberHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(byte.into());
        }
    }

    fn write_u64(&mut self, number: u64) {
        // Fibonacci hashing spreads neighbours over the high bits, which the table looks at first.
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
}

#[cfg(test)]
mod tests {
    use std::hash::BuildHasher;

    use super::*;

    #[test]
    fn neighbours_differ_in_the_bits_that_a_table_looks_at() {
        let hash = |number: u64| ByNumber::default().hash_one(number);
        let top: std::collections::HashSet<_> = (0..1000).map(|number| hash(number) >> 50).collect();
        let low: std::collections::HashSet<_> = (0..1000).map(|number| hash(number) & 0x3fff).collect();
        assert!(top.len() > 900 && low.len() > 900, "{} {}", top.len(), low.len());
    }
}
