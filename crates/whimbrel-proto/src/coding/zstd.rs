//! Zstandard (RFC 8878), frame after frame. Windows over 8 MiB are refused (§3.1.1.1.2 asks decoders for no more).

use zstd_safe::{DCtx, DParameter, InBuffer, OutBuffer};

use super::{Stage, malformed};
use crate::error::{Error, Kind, Phase, Result};

/// 8 MiB, as a power of two.
const MAX_WINDOW_LOG: u32 = 23;

pub(super) struct Zstd {
    context: DCtx<'static>,
    /// Whether everything so far belongs to whole frames.
    between_frames: bool,
    /// Whether the decoder can hold output that had no room.
    has_output: bool,
}

impl Zstd {
    pub(super) fn new() -> Result<Self> {
        let mut context = DCtx::try_create().ok_or_else(no_memory)?;
        context.set_parameter(DParameter::WindowLogMax(MAX_WINDOW_LOG)).map_err(|_| no_memory())?;
        Ok(Self { context, between_frames: true, has_output: false })
    }
}

impl Stage for Zstd {
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<(usize, usize)> {
        let mut source = InBuffer::around(input);
        let (mut taken, mut written) = (0, 0);
        // A call that can't move anything is an error to zstd.
        while written < output.len() && (taken < input.len() || self.has_output) {
            let mut sink = OutBuffer::around(&mut output[written..]);
            let missing = self.context.decompress_stream(&mut sink, &mut source).map_err(|_| malformed("zstd"))?;
            written += sink.pos();
            taken = source.pos();
            self.between_frames = missing == 0;
            self.has_output = missing != 0 && written == output.len();
        }
        Ok((taken, written))
    }

    fn may_end(&self) -> bool {
        self.between_frames
    }
}

#[cold]
fn no_memory() -> Error {
    Error::new(Kind::Coding, Phase::Body, "there is no memory for the zstd decoder")
}
