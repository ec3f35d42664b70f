//! Content codings (RFC 9110 §8.4), push style: coded bytes in, a bounded number of decoded bytes out. Decides which
//! codings are decoded at all, and stops what grows without measure. Never holds a whole body.
//!
//! What follows the last gzip member is ignored where it isn't another member, as gzip itself and browsers do; what
//! follows the end of any other coding is an error.
//!
//! A decoder's memory is its window, which grows as the body fills it: 32 KiB for gzip and deflate, what the sender chose
//! for zstd (8 MiB at most) and br (16 MiB at most, as RFC 7932 asks of every decoder; servers choose 4 MiB or less).

mod brotli;
mod chain;
mod deflate;
mod limits;
mod names;
mod zstd;

pub use chain::{Decoded, Decoder};
pub use limits::DecodeLimits;
pub use names::{ACCEPT_ENCODING, Codings};

use crate::error::{Error, Kind, Phase, Result};

/// One coding's decoder.
trait Stage: Send {
    /// Decodes as much as fits: (bytes taken, bytes written). Goes on until the input or the room is used up.
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<(usize, usize)>;

    /// Whether the input may end here.
    fn may_end(&self) -> bool;
}

#[cold]
fn malformed(coding: &str) -> Error {
    Error::new(Kind::Coding, Phase::Body, format!("the body is no valid {coding}"))
}

#[cold]
fn trailing(coding: &str) -> Error {
    Error::new(Kind::Coding, Phase::Body, format!("there is data after the end of the {coding} body"))
}

#[cfg(test)]
mod tests;
