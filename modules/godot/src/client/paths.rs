//! Godot's paths as paths of the system: `user://` below the project's own folder, and absolute ones. It opens and makes
//! nothing.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use godot::classes::Os;
use godot::prelude::*;

/// Where `user://` is; read once, because the engine's singletons may be asked on the main thread only.
static USER: OnceLock<PathBuf> = OnceLock::new();

/// For the main thread, while the engine starts.
pub(crate) fn read_user_folder() {
    USER.get_or_init(|| PathBuf::from(Os::singleton().get_user_data_dir().to_string()));
}

/// The file that a `user://` or absolute path means.
///
/// # Errors
/// What to give instead, in one sentence.
pub(crate) fn local(path: &str) -> Result<PathBuf, String> {
    if let Some(name) = path.strip_prefix("user://") {
        let folder = USER.get().ok_or("user:// is not known yet")?;
        return whimbrel::confine(folder, name).map_err(|error| error.to_string());
    }
    if path.contains("://") {
        return Err(format!(
            "{path}: only user:// and absolute paths can be used, since an exported project is read-only"
        ));
    }
    if path.contains('\0') || !Path::new(path).is_absolute() {
        return Err(format!("{path}: give a path that begins with user://, or an absolute one"));
    }
    Ok(PathBuf::from(path))
}
