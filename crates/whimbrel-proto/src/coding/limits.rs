//! How far a body may grow in decoding.

use crate::error::{Error, Kind, Phase, Result};

/// The limits on what a coded body decodes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// How many times the size of its coded form the decoded body may have, between two codings too, once it is over
    /// [`ratio_from`](Self::ratio_from). Default: 1100. A single deflate or gzip can't reach that (1032 is its most), so
    /// it stops only what is made to explode, and a few large bodies of hardly anything but zeros in br or zstd.
    pub max_ratio: u32,
    /// The decoded size in bytes up to which no ratio is asked for. Default: 1 MiB.
    pub ratio_from: u64,
    /// The most decoded bytes. Default: no limit.
    pub max_output: Option<u64>,
    /// How many coded bytes in a row may decode to nothing: names in gzip heads, empty members, skippable frames, what
    /// follows the last member. No decoded byte is a turn of the driver, which looks at its deadlines only then; so a
    /// peer could hold it in here for ever. Default: 1 MiB.
    pub max_barren: u64,
}

impl Default for DecodeLimits {
    fn default() -> Self {
        Self { max_ratio: 1100, ratio_from: 1 << 20, max_output: None, max_barren: 1 << 20 }
    }
}

impl DecodeLimits {
    pub(super) fn check(&self, taken: u64, written: u64) -> Result<()> {
        if let Some(max) = self.max_output
            && written > max
        {
            let detail = format!("the decoded body is over {max} bytes");
            return Err(Error::new(Kind::BodyLimit, Phase::Body, detail));
        }
        self.check_ratio(taken, written)
    }

    pub(super) fn check_barren(&self, barren: u64) -> Result<()> {
        if barren > self.max_barren {
            let detail = format!("over {} bytes of the body decode to nothing", self.max_barren);
            return Err(Error::new(Kind::TooLarge, Phase::Body, detail));
        }
        Ok(())
    }

    pub(super) fn check_ratio(&self, taken: u64, written: u64) -> Result<()> {
        if written > self.ratio_from && written > taken.saturating_mul(self.max_ratio.into()) {
            let detail = format!("the body decodes to more than {} times its size", self.max_ratio);
            return Err(Error::new(Kind::TooLarge, Phase::Body, detail));
        }
        Ok(())
    }
}
