//! gzip (RFC 1952), member after member, and `deflate`: zlib (RFC 1950) or the bare stream (RFC 1951), told apart by
//! the first two bytes.

use flate2::{Decompress, FlushDecompress, Status};

use super::{Stage, malformed, trailing};
use crate::error::Result;

/// The largest window that deflate knows, as a power of two.
const WINDOW_BITS: u8 = 15;

/// One stream: (bytes taken, bytes written, whether it ended).
fn inflate(stream: &mut Decompress, input: &[u8], output: &mut [u8], coding: &str) -> Result<(usize, usize, bool)> {
    let (in_before, out_before) = (stream.total_in(), stream.total_out());
    let status = stream.decompress(input, output, FlushDecompress::None).map_err(|_| malformed(coding))?;
    let taken = (stream.total_in() - in_before) as usize;
    let written = (stream.total_out() - out_before) as usize;
    Ok((taken, written, status == Status::StreamEnd))
}

/// gzip.
pub(super) struct Gzip {
    member: Decompress,
    state: GzipState,
}

enum GzipState {
    Member,
    /// A member ended; how many bytes of the next one's magic number (1f 8b) were seen.
    Between(usize),
    /// Something followed that is no member.
    Over,
}

impl Gzip {
    const MAGIC: [u8; 2] = [0x1f, 0x8b];

    pub(super) fn new() -> Self {
        Self { member: Decompress::new_gzip(WINDOW_BITS), state: GzipState::Member }
    }
}

impl Stage for Gzip {
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<(usize, usize)> {
        let (mut taken, mut written) = (0, 0);
        while taken < input.len() || matches!(self.state, GzipState::Member) {
            match self.state {
                GzipState::Member => {
                    let (more_in, more_out, ended) =
                        inflate(&mut self.member, &input[taken..], &mut output[written..], "gzip")?;
                    taken += more_in;
                    written += more_out;
                    if ended {
                        self.state = GzipState::Between(0);
                    } else if more_in == 0 && more_out == 0 {
                        break;
                    }
                }
                GzipState::Between(seen) => {
                    if input[taken] != Self::MAGIC[seen] {
                        self.state = GzipState::Over;
                        continue;
                    }
                    taken += 1;
                    self.state = GzipState::Between(seen + 1);
                    if seen + 1 == Self::MAGIC.len() {
                        self.member = Decompress::new_gzip(WINDOW_BITS);
                        inflate(&mut self.member, &Self::MAGIC, &mut [], "gzip")?;
                        self.state = GzipState::Member;
                    }
                }
                GzipState::Over => taken = input.len(),
            }
        }
        Ok((taken, written))
    }

    fn may_end(&self) -> bool {
        !matches!(self.state, GzipState::Member)
    }
}

/// zlib, or deflate without its frame.
pub(super) struct Deflate(DeflateState);

enum DeflateState {
    /// The first byte, once it is there.
    Start(Option<u8>),
    Stream(Decompress),
    Over,
}

impl Deflate {
    pub(super) fn new() -> Self {
        Self(DeflateState::Start(None))
    }
}

impl Stage for Deflate {
    fn decode(&mut self, input: &[u8], output: &mut [u8]) -> Result<(usize, usize)> {
        let (mut taken, mut written) = (0, 0);
        loop {
            match &mut self.0 {
                DeflateState::Start(first) => {
                    let Some(&byte) = input.get(taken) else { break };
                    taken += 1;
                    let Some(first) = *first else {
                        self.0 = DeflateState::Start(Some(byte));
                        continue;
                    };
                    // RFC 1950 §2.2: method 8, a window of 32 KiB at most, and a check over both bytes. No deflate
                    // stream that an encoder makes begins so: its first bits would be a stored block's with padding set.
                    let is_zlib = first & 0x0f == 8 && first >> 4 <= 7 && u16::from_be_bytes([first, byte]) % 31 == 0;
                    let mut stream = Decompress::new(is_zlib);
                    // Two bytes can hold a whole empty stream, but no output (RFC 1951 §3.2).
                    let (_, _, ended) = inflate(&mut stream, &[first, byte], &mut [], "deflate")?;
                    self.0 = if ended { DeflateState::Over } else { DeflateState::Stream(stream) };
                }
                DeflateState::Stream(stream) => {
                    let (more_in, more_out, ended) =
                        inflate(stream, &input[taken..], &mut output[written..], "deflate")?;
                    taken += more_in;
                    written += more_out;
                    if ended {
                        self.0 = DeflateState::Over;
                    } else if more_in == 0 && more_out == 0 {
                        break;
                    }
                }
                DeflateState::Over if taken < input.len() => return Err(trailing("deflate")),
                DeflateState::Over => break,
            }
        }
        Ok((taken, written))
    }

    fn may_end(&self) -> bool {
        matches!(self.0, DeflateState::Over)
    }
}
