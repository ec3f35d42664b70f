//! Where a script's files go when nobody says where: a folder of its own among the user's data. It makes no folder.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// `whimbrel/NAME-HASH` in the platform's folder for data of programs; the hash is that of the script's whole path, so
/// that two scripts of one name have two folders. Without a home it is in the folder for temporary files.
pub(crate) fn folder(script: &Path) -> PathBuf {
    let absolute = script.canonicalize().unwrap_or_else(|_| script.to_owned());
    let name = script.file_stem().unwrap_or(OsStr::new("script"));
    let mut folder = name.to_owned();
    folder.push(format!("-{:016x}", hash(absolute.as_os_str().as_encoded_bytes())));
    data_home().join("whimbrel").join(folder)
}

fn data_home() -> PathBuf {
    // What is no absolute path is to be ignored, as the XDG Base Directory Specification says.
    let named = |variable: &str| env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let found = if cfg!(windows) {
        named("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        named("HOME").map(|home| home.join("Library/Application Support"))
    } else {
        named("XDG_DATA_HOME").or_else(|| named("HOME").map(|home| home.join(".local/share")))
    };
    found.unwrap_or_else(env::temp_dir)
}

/// FNV-1a: the same in every build and on every machine, which the standard library's hash does not promise.
fn hash(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{folder, hash};

    #[test]
    fn two_scripts_of_one_name_have_two_folders() {
        let (one, other) = (folder(Path::new("/no/such/a/main.lua")), folder(Path::new("/no/such/b/main.lua")));
        assert_ne!(one, other);
        for folder in [one, other] {
            let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
            assert!(name.starts_with("main-") && name.len() == "main-".len() + 16, "{name}");
        }
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(b"a"), 0xaf63_dc4c_8601_ec8c);
    }
}
