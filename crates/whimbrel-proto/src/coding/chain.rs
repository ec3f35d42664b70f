//! A body's decoder: one stage for each coding, a small buffer between two, and the limits around them.

use std::fmt;

use super::names::{Coding, Codings, codings};
use super::{DecodeLimits, Stage, brotli, deflate, zstd};
use crate::error::{Error, Kind, Phase, Result};

/// Bytes kept between two stages, and the step in which a `Vec` grows.
const STEP: usize = 16 * 1024;

/// Decodes the body of one response.
///
/// Hand it the body piece by piece with [`decode`](Self::decode) or [`decode_into`](Self::decode_into), again without
/// new input as long as more output is pending, then call [`finish`](Self::finish): only that tells a whole body from a
/// truncated one.
pub struct Decoder {
    /// The coding applied last comes first.
    stages: Vec<Box<dyn Stage>>,
    between: Vec<Between>,
    limits: DecodeLimits,
    taken: u64,
    written: u64,
    /// Bytes that went from stage to stage.
    passed: u64,
    /// Coded bytes taken since the last decoded one.
    barren: u64,
}

/// What one stage wrote and the next has not yet taken.
#[derive(Default)]
struct Between {
    buffer: Box<[u8]>,
    taken: usize,
    written: usize,
}

/// What one call did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decoded {
    /// Bytes taken from the input.
    pub consumed: usize,
    /// Bytes written to the output.
    pub produced: usize,
    /// Whether there can be more output without more input: call again with room before anything else.
    pub pending: bool,
}

impl Decoder {
    /// The decoder for a body with these values of `Content-Encoding` (one for each field line, RFC 9110 §8.4), or
    /// `None` if the body is to be left as it is: it has no coding, or one that is not in `asked`.
    ///
    /// # Errors
    /// [`Kind::Coding`] for more than two codings.
    pub fn for_fields<'a>(
        content_encoding: impl IntoIterator<Item = &'a [u8]>,
        asked: Codings,
        limits: DecodeLimits,
    ) -> Result<Option<Self>> {
        let codings = codings(content_encoding, asked)?;
        if codings.is_empty() {
            return Ok(None);
        }
        let between = codings[1..].iter().map(|_| Between::default()).collect();
        let stages = codings.iter().rev().map(|&coding| stage(coding)).collect::<Result<_>>()?;
        Ok(Some(Self { stages, between, limits, taken: 0, written: 0, passed: 0, barren: 0 }))
    }

    /// Decodes from `input` and appends to `output`, `room` bytes at most. Returns the number of bytes taken from the
    /// input, and whether more output is pending ([`Decoded::pending`]).
    ///
    /// # Errors
    /// As [`decode_into`](Self::decode_into).
    pub fn decode(&mut self, input: &[u8], output: &mut Vec<u8>, room: usize) -> Result<(usize, bool)> {
        let mut consumed = 0;
        let mut left = room;
        loop {
            let start = output.len();
            let step = left.min(STEP);
            output.resize(start + step, 0);
            let result = self.decode_into(&input[consumed..], &mut output[start..]);
            output.truncate(start + result.as_ref().map_or(0, |decoded| decoded.produced));
            let decoded = result?;
            consumed += decoded.consumed;
            left -= decoded.produced;
            if !decoded.pending || left == 0 {
                return Ok((consumed, decoded.pending));
            }
        }
    }

    /// Decodes from `input` into `output` until one of them is used up.
    ///
    /// # Errors
    /// [`Kind::Coding`] for what is no valid coding, [`Kind::BodyLimit`] over [`DecodeLimits::max_output`],
    /// [`Kind::TooLarge`] over [`DecodeLimits::max_ratio`] or [`DecodeLimits::max_barren`]. The decoder can't be used
    /// after an error.
    pub fn decode_into(&mut self, input: &[u8], output: &mut [u8]) -> Result<Decoded> {
        let (mut consumed, mut produced) = (0, 0);
        loop {
            let mut has_moved = false;
            for index in 0..self.stages.len() {
                let (before, after) = self.between.split_at_mut(index);
                let source = match before.last() {
                    Some(between) => between.pending(),
                    None => &input[consumed..],
                };
                let (taken, written) = match after.first_mut() {
                    Some(between) => between.fill(&mut *self.stages[index], source)?,
                    None => self.stages[index].decode(source, &mut output[produced..])?,
                };
                match before.last_mut() {
                    Some(between) => between.taken += taken,
                    None => consumed += taken,
                }
                if index + 1 == self.stages.len() {
                    produced += written;
                } else {
                    self.passed += written as u64;
                }
                has_moved |= taken > 0 || written > 0;
            }
            let (taken, written) = (self.taken + consumed as u64, self.written + produced as u64);
            self.limits.check_ratio(taken, self.passed)?;
            self.limits.check(taken, written)?;
            if self.stages.len() == 1 || !has_moved || produced == output.len() {
                (self.taken, self.written) = (taken, written);
                self.barren = if produced > 0 { 0 } else { self.barren + consumed as u64 };
                self.limits.check_barren(self.barren)?;
                return Ok(Decoded { consumed, produced, pending: produced == output.len() });
            }
        }
    }

    /// Checks, after the last byte of the body, that it was whole. An empty body is: servers send it with any coding.
    ///
    /// # Errors
    /// [`Kind::Truncated`] if the coded body ended too early.
    pub fn finish(&mut self) -> Result<()> {
        let is_whole = self.stages.iter().all(|stage| stage.may_end())
            && self.between.iter().all(|between| between.pending().is_empty());
        if self.taken == 0 || is_whole {
            return Ok(());
        }
        Err(Error::new(Kind::Truncated, Phase::Body, "the coded body ends too early"))
    }
}

impl Between {
    fn pending(&self) -> &[u8] {
        &self.buffer[self.taken..self.written]
    }

    /// Lets `stage` write once the next one has taken everything.
    fn fill(&mut self, stage: &mut dyn Stage, source: &[u8]) -> Result<(usize, usize)> {
        if self.taken < self.written {
            return Ok((0, 0));
        }
        if self.buffer.is_empty() {
            self.buffer = vec![0; STEP].into();
        }
        let (taken, written) = stage.decode(source, &mut self.buffer)?;
        (self.taken, self.written) = (0, written);
        Ok((taken, written))
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Decoder")
            .field("stages", &self.stages.len())
            .field("limits", &self.limits)
            .field("taken", &self.taken)
            .field("written", &self.written)
            .finish()
    }
}

fn stage(coding: Coding) -> Result<Box<dyn Stage>> {
    Ok(match coding {
        Coding::Gzip => Box::new(deflate::Gzip::new()),
        Coding::Deflate => Box::new(deflate::Deflate::new()),
        Coding::Brotli => Box::new(brotli::Brotli::new()),
        Coding::Zstd => Box::new(zstd::Zstd::new()?),
    })
}
