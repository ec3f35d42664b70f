//! The one place that writes files that last: beside the target under a name of its own (mode 0600), then renamed over
//! it, with the mode that the umask gives. Dropped before that, it is gone.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use whimbrel_proto::Result;

use crate::download::file_error;

pub(crate) struct PartFile {
    file: File,
    target: PathBuf,
    /// None where the target is no regular file (a device, a pipe): it is written straight.
    part: Option<PathBuf>,
}

impl PartFile {
    pub(crate) fn create(target: &Path) -> Result<Self> {
        Self::try_create(target).map_err(|error| file_error(target, error))
    }

    fn try_create(target: &Path) -> io::Result<Self> {
        match std::fs::metadata(target) {
            Ok(metadata) if metadata.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Ok(metadata) if !metadata.is_file() => {
                let file = OpenOptions::new().write(true).open(target)?;
                return Ok(Self { file, target: target.into(), part: None });
            }
            // A name that is too long, say: the rename would fail when everything has come.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        // What a symbolic link points to is replaced, not the link.
        let target = std::fs::canonicalize(target).unwrap_or_else(|_| target.into());
        let (part, file) = create_beside(&target, "part", true)?;
        Ok(Self { file, target, part: Some(part) })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|error| file_error(&self.target, error))
    }

    /// Puts the file in the target's place.
    pub(crate) fn keep(self) -> Result<()> {
        if self.part.is_some() {
            open_up(&self.file, &self.target).map_err(|error| file_error(&self.target, error))?;
        }
        self.keep_private()
    }

    /// Puts the file in the target's place, still for its owner alone (mode 0600), whatever was there before.
    pub(crate) fn keep_private(mut self) -> Result<()> {
        let Some(part) = &self.part else { return Ok(()) };
        std::fs::rename(part, &self.target).map_err(|error| file_error(&self.target, error))?;
        self.part = None;
        Ok(())
    }
}

impl Drop for PartFile {
    fn drop(&mut self) {
        if let Some(part) = &self.part {
            let _ = std::fs::remove_file(part);
        }
    }
}

/// A new file in the target's folder: one that exists is never touched, so nothing foreign is ever removed.
fn create_beside(target: &Path, suffix: &str, private: bool) -> io::Result<(PathBuf, File)> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let Some(name) = target.file_name() else { return Err(io::ErrorKind::InvalidFilename.into()) };
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    if private {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let _ = private;
    // A long name is cut: the part's name must fit as well, and it is bytes that count.
    let name = name.to_string_lossy();
    let name = &name[..(0..=name.len().min(100)).rev().find(|&end| name.is_char_boundary(end)).unwrap_or(0)];
    for _ in 0..1000 {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = target.with_file_name(format!(".{name}.{:x}-{number:x}.{suffix}", std::process::id()));
        match options.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            result => return result.map(|file| (path, file)),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// The mode of the finished file: that of the file which it replaces, else what the umask gives, which only a new file
/// tells without a race.
#[cfg(unix)]
fn open_up(file: &File, target: &Path) -> io::Result<()> {
    let permissions = match std::fs::metadata(target) {
        Ok(old) => old.permissions(),
        Err(_) => {
            let (path, probe) = create_beside(target, "mode", false)?;
            let permissions = probe.metadata().map(|new| new.permissions());
            let _ = std::fs::remove_file(path);
            permissions?
        }
    };
    file.set_permissions(permissions)
}

#[cfg(not(unix))]
fn open_up(_: &File, _: &Path) -> io::Result<()> {
    Ok(())
}
