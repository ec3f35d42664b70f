//! Where a transfer's body goes.

use std::path::PathBuf;

use whimbrel_proto::{Error, Kind, Phase, Result};

use super::mailbox::Slot;
use crate::delivery::To;
use crate::download::file_error;
use crate::part_file::PartFile;

pub(super) enum Sink {
    Memory(Vec<u8>),
    /// The body of an error status where a file was wanted.
    Refused(Vec<u8>),
    File {
        part: PartFile,
        path: PathBuf,
        any_status: bool,
    },
    Pipe {
        limit: usize,
    },
}

/// How much memory a `Content-Length` is trusted with before a byte of it has come.
const TRUSTED: u64 = 1 << 20;

/// How much of the body of an error status is kept where a file was wanted: what limits the file's size, if anything
/// does, is no limit for memory.
const REFUSED_LIMIT: usize = 64 << 20;

impl Sink {
    /// Before anything is sent: a target that can't be written costs no request.
    pub(super) fn open(to: To) -> Result<Self> {
        match to {
            To::Memory => Ok(Sink::Memory(Vec::new())),
            To::Chunks { limit } => Ok(Sink::Pipe { limit }),
            To::File { path, any_status, create_folders } => {
                if create_folders && let Some(folder) = path.parent() {
                    std::fs::create_dir_all(folder).map_err(|error| file_error(&path, error))?;
                }
                let part = PartFile::create(&path)?;
                Ok(Sink::File { part, path, any_status })
            }
        }
    }

    /// The head has come: an error's body must not end up in the file.
    pub(super) fn judge(&mut self, status: u16, length: Option<u64>) {
        if let Sink::File { any_status: false, .. } = self
            && !(200..300).contains(&status)
        {
            *self = Sink::Refused(Vec::new());
        }
        if let Sink::Memory(bytes) | Sink::Refused(bytes) = self {
            bytes.reserve_exact(length.unwrap_or(0).min(TRUSTED) as usize);
        }
    }

    /// How much it takes now. At 0 the consumer says when it takes more.
    pub(super) fn room(&self, slot: &Slot) -> usize {
        match self {
            Sink::Memory(_) | Sink::Refused(_) | Sink::File { .. } => usize::MAX,
            Sink::Pipe { limit } => slot.room(*limit),
        }
    }

    /// True where the consumer must hear of it.
    pub(super) fn write(&mut self, bytes: &[u8], slot: &Slot) -> Result<bool> {
        match self {
            Sink::Memory(memory) => memory.extend_from_slice(bytes),
            Sink::Refused(memory) => {
                if memory.len() + bytes.len() > REFUSED_LIMIT {
                    let detail = "the body of an error status, which does not go to the file, has over 64 MiB";
                    return Err(Error::new(Kind::BodyLimit, Phase::Body, detail));
                }
                memory.extend_from_slice(bytes);
            }
            Sink::File { part, .. } => part.write(bytes)?,
            Sink::Pipe { .. } => return Ok(slot.pour(bytes)),
        }
        Ok(false)
    }

    /// The whole body has come: what was received to memory, and the file that is now in its place.
    pub(super) fn finish(self) -> Result<(Vec<u8>, Option<PathBuf>)> {
        match self {
            Sink::Memory(bytes) | Sink::Refused(bytes) => Ok((bytes, None)),
            Sink::File { part, path, .. } => {
                part.keep()?;
                Ok((Vec::new(), Some(path)))
            }
            Sink::Pipe { .. } => Ok((Vec::new(), None)),
        }
    }

    /// The transfer failed: what was received to memory. A part file is gone with this.
    pub(super) fn give_up(self) -> Vec<u8> {
        match self {
            Sink::Memory(bytes) | Sink::Refused(bytes) => bytes,
            Sink::File { .. } | Sink::Pipe { .. } => Vec::new(),
        }
    }
}
