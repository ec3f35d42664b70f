//! Downloads to a file: written beside the target, renamed only when complete. What a failure leaves is the target as it
//! was.
//!
//! A crash or a kill leaves the old target or the whole new one. Nothing is forced to the disk before the rename: after
//! a power cut the file system decides.

use std::fmt;
use std::path::{Path, PathBuf};

use whimbrel_proto::h1::ResponseHead;
use whimbrel_proto::{Error, Fields, Kind, Phase, Result};

use crate::caller;
use crate::live::Read;
use crate::part_file::PartFile;
use crate::response::{STEP, status_error};
use crate::timings::Timings;
use crate::transfer::Transfer;

/// A file that was downloaded.
pub struct Download {
    transfer: Box<Transfer>,
    head: ResponseHead,
    path: PathBuf,
    written: u64,
}

impl Download {
    /// The status code.
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// How many bytes the file has.
    pub fn bytes_written(&self) -> u64 {
        self.written
    }

    /// Where the file is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The URL that answered, after redirects.
    pub fn url(&self) -> &str {
        self.transfer.exchange().hop().target.as_str()
    }

    /// The fields of the final response.
    pub fn headers(&self) -> &Fields {
        &self.head.fields
    }

    /// The head of the final response.
    pub fn head(&self) -> &ResponseHead {
        &self.head
    }

    /// When each phase ended.
    pub fn timings(&self) -> &Timings {
        self.transfer.timings()
    }
}

impl fmt::Debug for Download {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Download")
            .field("status", &self.status())
            .field("path", &self.path)
            .field("bytes_written", &self.written)
            .finish_non_exhaustive()
    }
}

/// The part file is made before anything is sent: a target that can't be written costs no request.
pub(crate) fn run(path: &Path, only_success: bool, order: impl FnOnce() -> Result<Box<Transfer>>) -> Result<Download> {
    let mut transfer = order()?;
    let mut part = PartFile::create(path)?;
    let head = caller::head(&mut transfer)?;
    if only_success && head.status >= 400 {
        return Err(status_error(&head));
    }
    let mut buffer = vec![0; STEP];
    let mut written = 0;
    while let Read::Bytes(count) = caller::body(&mut transfer, &mut buffer)? {
        if let Err(error) = part.write(&buffer[..count]) {
            transfer.abandon();
            return Err(error);
        }
        written += count as u64;
    }
    part.keep()?;
    Ok(Download { transfer, head, path: path.into(), written })
}

/// For the errors of a file's path.
pub(crate) fn file_error(path: &Path, error: std::io::Error) -> Error {
    Error::new(Kind::File, Phase::Body, format!("{}: {error}", path.display())).with_source(error)
}
