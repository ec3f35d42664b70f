//! Decodes the chunked transfer coding (RFC 9112 §7.1) without copying: it says where in the input the data lies.
//! Reads no extension and keeps no data; only the trailer section is waited for as a whole.
//!
//! Stricter than most: a size is 1 to 16 hexadecimal digits and nothing else, and every line ends in CRLF. Space after
//! the size is bad whitespace that old servers send (RFC 9112 §7.1.1 allows it before an extension): it is skipped, but
//! the decoder reports itself [doubtful](Decoder::doubtful) and the connection isn't used again.

use std::ops::Range;

use super::head::parse_trailers;
use super::limits::Limits;
use super::scan::{LineEnd, LineScan};
use crate::error::{Error, Kind, Phase, Result};
use crate::fields::Fields;

/// A decoder for one body.
#[derive(Debug)]
pub(super) struct Decoder {
    state: State,
    /// Bytes of extensions and of space so far.
    extensions: usize,
    doubtful: bool,
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// In the digits of a chunk's size.
    Size {
        value: u64,
        digits: u8,
    },
    /// In space after the size.
    Space {
        size: u64,
    },
    /// In a chunk's extensions.
    Extension {
        size: u64,
    },
    /// The CR after the size was there.
    SizeLf {
        size: u64,
    },
    /// In a chunk's data, of which this many bytes (1 or more) are to come.
    Data {
        left: u64,
    },
    /// After a chunk's data.
    DataCr,
    /// After the CR that follows a chunk's data.
    DataLf,
    /// In the trailer section, which stays in the input until it is complete.
    Trailers(LineScan),
    Done,
}

const SIZE: State = State::Size { value: 0, digits: 0 };

/// 16 digits are what 64 bits can need; more can only be zeros that buy an endless line.
const MAX_DIGITS: u8 = 16;

/// What one step found.
#[derive(Debug)]
pub(super) enum Step {
    NeedMore,
    /// Data stands at this range of the input.
    Data(Range<usize>),
    End(Fields),
}

impl Decoder {
    pub(super) fn new() -> Self {
        Self { state: SIZE, extensions: 0, doubtful: false }
    }

    /// Whether something was tolerated that makes the framing less than certain.
    pub(super) fn doubtful(&self) -> bool {
        self.doubtful
    }

    /// Whether data of the chunk given last is still to come.
    pub(super) fn is_in_chunk(&self) -> bool {
        matches!(self.state, State::Data { .. })
    }

    /// Goes on with `input`; the first of the pair is how many of its bytes are done with.
    pub(super) fn advance(&mut self, input: &[u8], limits: &Limits) -> Result<(usize, Step)> {
        let mut at = 0;
        loop {
            match self.state {
                State::Data { left } => {
                    let room = input.len() - at;
                    if room == 0 {
                        return Ok((at, Step::NeedMore));
                    }
                    let taken = usize::try_from(left).map_or(room, |left| left.min(room));
                    let rest = left - taken as u64;
                    self.state = if rest == 0 { State::DataCr } else { State::Data { left: rest } };
                    let data = at..at + taken;
                    // The CRLF after the data usually is there too: taking it now spares the driver a turn. Anything
                    // else is left for the next step, so that the data before it is delivered.
                    if rest == 0 && input[data.end..].starts_with(b"\r\n") {
                        self.state = SIZE;
                        return Ok((data.end + 2, Step::Data(data)));
                    }
                    return Ok((data.end, Step::Data(data)));
                }
                State::Trailers(ref mut scan) => {
                    let section = &input[at..];
                    let window = &section[..section.len().min(limits.max_trailers)];
                    let size = match scan.find_end(window, LineEnd::Strict) {
                        Ok(Some(size)) => size,
                        Ok(None) if window.len() == limits.max_trailers => {
                            return Err(too_large("the trailer section is too long"));
                        }
                        Ok(None) => return Ok((at, Step::NeedMore)),
                        Err(_) => return Err(malformed("a line of the trailer section does not end in CRLF")),
                    };
                    let fields = if size == 2 { Fields::new() } else { parse_trailers(&section[..size], limits)? };
                    self.state = State::Done;
                    return Ok((at + size, Step::End(fields)));
                }
                State::Done => return Ok((at, Step::End(Fields::new()))),
                _ => {
                    if let State::Size { digits: 0, .. } = self.state
                        && let Some((size, length)) = plain_size_line(&input[at..])
                    {
                        at += length;
                        self.state = State::Data { left: size };
                        continue;
                    }
                    let Some(&byte) = input.get(at) else {
                        return Ok((at, Step::NeedMore));
                    };
                    at += 1;
                    self.state = self.frame(byte, limits)?;
                }
            }
        }
    }

    /// One byte of what stands between data.
    fn frame(&mut self, byte: u8, limits: &Limits) -> Result<State> {
        match (self.state, byte) {
            (State::Size { value, digits }, _) if byte.is_ascii_hexdigit() => {
                if digits == MAX_DIGITS {
                    return Err(malformed("a chunk size has more than 16 digits"));
                }
                Ok(State::Size { value: value << 4 | digit(byte), digits: digits + 1 })
            }
            (State::Size { digits: 0, .. }, _) => Err(malformed("a chunk size is not a hexadecimal number")),
            (State::Size { value: size, .. } | State::Space { size } | State::Extension { size }, b'\r') => {
                Ok(State::SizeLf { size })
            }
            (State::Size { value: size, .. } | State::Space { size }, b' ' | b'\t') => {
                self.doubtful = true;
                self.count_extension(limits)?;
                Ok(State::Space { size })
            }
            (State::Size { value: size, .. } | State::Space { size }, b';') => {
                self.count_extension(limits)?;
                Ok(State::Extension { size })
            }
            (State::Size { .. } | State::Space { .. }, _) => {
                Err(malformed("a chunk size is followed by neither an extension nor CRLF"))
            }
            (State::Extension { size }, b'\t' | b' '..=b'~' | 0x80..) => {
                self.count_extension(limits)?;
                Ok(State::Extension { size })
            }
            (State::Extension { .. }, _) => Err(malformed("a chunk extension holds a control character")),
            (State::SizeLf { size: 0 }, b'\n') => Ok(State::Trailers(LineScan::default())),
            (State::SizeLf { size }, b'\n') => Ok(State::Data { left: size }),
            (State::DataCr, b'\r') => Ok(State::DataLf),
            (State::DataLf, b'\n') => Ok(SIZE),
            (State::DataCr | State::DataLf, _) => Err(malformed("a chunk's data is longer than its size")),
            _ => Err(malformed("a chunk's line ends in a bare CR")),
        }
    }

    fn count_extension(&mut self, limits: &Limits) -> Result<()> {
        self.extensions += 1;
        if self.extensions > limits.max_chunk_extensions {
            return Err(too_large("the chunk extensions are too long"));
        }
        Ok(())
    }
}

/// The size that a whole, plain line tells, and the line's length: what nearly every chunk begins with. `None` for
/// everything else, the last chunk and malformed lines included, which the byte machine then looks at.
#[inline]
fn plain_size_line(input: &[u8]) -> Option<(u64, usize)> {
    let digits = input.iter().take(usize::from(MAX_DIGITS)).take_while(|byte| byte.is_ascii_hexdigit());
    let (size, length) = digits.fold((0, 0), |(size, length), &byte| (size << 4 | digit(byte), length + 1));
    (size > 0 && input[length..].starts_with(b"\r\n")).then_some((size, length + 2))
}

/// The value of a hexadecimal digit. The letters' low four bits are 1 to 6 in both cases.
#[inline]
fn digit(byte: u8) -> u64 {
    u64::from(if byte <= b'9' { byte - b'0' } else { (byte & 0xf) + 9 })
}

#[cold]
fn malformed(detail: &'static str) -> Error {
    Error::new(Kind::Protocol, Phase::Body, detail)
}

#[cold]
fn too_large(detail: &'static str) -> Error {
    Error::new(Kind::TooLarge, Phase::Body, detail)
}
