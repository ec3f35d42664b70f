//! Brotli (RFC 7932), with the windows of that RFC (16 MiB at most), not the larger ones of its extension.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};

use super::{Stage, malformed, trailing};
use crate::error::Result;

pub(super) struct Brotli {
    state: Box<BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>>,
    ended: bool,
}

impl Brotli {
    pub(super) fn new() -> Self {
        let alloc = StandardAlloc::default;
        Self { state: Box::new(BrotliState::new_strict(alloc(), alloc(), alloc())), ended: false }
    }
}

impl Stage for Brotli {
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<(usize, usize)> {
        let (mut taken, mut written) = (0, 0);
        if !self.ended {
            let (mut input_left, mut room) = (input.len(), output.len());
            let mut total = 0;
            let result = BrotliDecompressStream(
                &mut input_left,
                &mut taken,
                input,
                &mut room,
                &mut written,
                output,
                &mut total,
                &mut self.state,
            );
            match result {
                BrotliResult::ResultFailure => return Err(malformed("brotli")),
                BrotliResult::ResultSuccess => self.ended = true,
                BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {}
            }
        }
        if self.ended && taken < input.len() {
            return Err(trailing("brotli"));
        }
        Ok((taken, written))
    }

    fn may_end(&self) -> bool {
        self.ended
    }
}
