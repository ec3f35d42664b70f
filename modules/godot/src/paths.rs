//! Which file a script means: under `user://` or `res://`, where names are confined, or by an absolute path, which is
//! taken as it stands. It opens nothing.

use std::path::{Path, PathBuf};

use godot::classes::{FileAccess, ProjectSettings};
use godot::obj::Singleton;
use whimbrel::{Body, Error, Kind, Phase, Result};

/// Where a file is to be written.
///
/// # Errors
/// A name that leads out of its folder, or that begins with nothing known.
pub(crate) fn to_write(name: &str) -> Result<PathBuf> {
    if let Some(rest) = name.strip_prefix("user://") {
        return whimbrel::confine(&globalize("user://"), rest);
    }
    if let Some(rest) = name.strip_prefix("res://") {
        let base = globalize("res://");
        if base.as_os_str().is_empty() {
            return Err(refused(name, "an exported project's res:// can't be written to; use user://"));
        }
        return whimbrel::confine(&base, rest);
    }
    absolute(name)
}

/// The content of a file as a request body. What lies in the project's pack comes from there.
///
/// # Errors
/// As [`to_write`], and a file that can't be read.
pub(crate) fn to_send(name: &str) -> Result<Body> {
    let Some(rest) = name.strip_prefix("res://") else { return Body::file(to_write(name)?) };
    let base = globalize("res://");
    if !base.as_os_str().is_empty() {
        let path = whimbrel::confine(&base, rest)?;
        if path.is_file() {
            return Body::file(path);
        }
    }
    if !FileAccess::file_exists(name) {
        return Err(refused(name, "there is no such file"));
    }
    Ok(Body::from(FileAccess::get_file_as_bytes(name).to_vec()))
}

/// The folder that one of Godot's prefixes stands for; empty where there is none.
fn globalize(prefix: &str) -> PathBuf {
    PathBuf::from(ProjectSettings::singleton().globalize_path(prefix).to_string())
}

fn absolute(name: &str) -> Result<PathBuf> {
    let path = Path::new(name);
    if name.contains('\0') || !path.is_absolute() {
        return Err(refused(name, "begin the path with user://, or give an absolute one"));
    }
    Ok(path.into())
}

fn refused(name: &str, why: &str) -> Error {
    let shown: String = name.chars().take(200).flat_map(char::escape_debug).collect();
    Error::new(Kind::File, Phase::Prepare, format!("{shown}: {why}"))
}
