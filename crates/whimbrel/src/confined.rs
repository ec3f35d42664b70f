//! Names of files under a folder that must hold them: what would lead out of it, or mean something else on another
//! system, is refused. It never opens, makes or removes anything.

use std::path::{Component, Path, PathBuf};

use whimbrel_proto::{Error, Kind, Phase, Result};

/// The path of `name` under `base`, for names that a script or a server gives. The same names are taken on every system.
///
/// The name may have folders (`saves/one.json`). Symbolic links that exist now are followed to see where they lead; who
/// can put one there afterwards can do worse already.
///
/// # Errors
/// [`Kind::File`] in [`Phase::Prepare`], naming the file: empty, absolute, with `..`, `\`, `:` or a control character,
/// percent-encoded separators or dots, a name that Windows keeps for a device (`CON`, `com1.txt`), a part that ends in a
/// dot or a space, or a symbolic link that leads out of `base`.
///
/// ```
/// use std::path::Path;
///
/// let base = Path::new("/data/app");
/// assert_eq!(whimbrel::confine(base, "saves/one.json")?, Path::new("/data/app/saves/one.json"));
/// assert!(whimbrel::confine(base, "../secret").is_err());
/// # Ok::<(), whimbrel::Error>(())
/// ```
pub fn confine(base: &Path, name: &str) -> Result<PathBuf> {
    let refused = |why: &str| {
        let shown: String = name.chars().take(200).flat_map(char::escape_debug).collect();
        Err(Error::new(Kind::File, Phase::Prepare, format!("{shown}: {why}")))
    };
    if let Some(why) = fault(name) {
        return refused(why);
    }
    let path = base.join(Path::new(name).components().collect::<PathBuf>());
    if !stays(base, &path) {
        return refused("a symbolic link in it leads out of its folder");
    }
    Ok(path)
}

/// What is wrong with the name by itself.
fn fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("the file name is empty");
    }
    if name.chars().any(char::is_control) {
        return Some("the file name holds a control character");
    }
    if name.contains(['\\', ':']) {
        return Some("the file name holds a backslash or a colon; folders are parted by /");
    }
    let lower = name.to_ascii_lowercase();
    if ["%2e%2e", "%2e.", ".%2e", "%2f", "%5c", "%00"].iter().any(|coded| lower.contains(coded)) {
        return Some("the file name is percent-encoded; give it as it is");
    }
    if name.starts_with('/') || Path::new(name).is_absolute() {
        return Some("the file name is an absolute path; give one under its base directory");
    }
    let mut any = false;
    for component in Path::new(name).components() {
        match component {
            Component::CurDir => {}
            Component::Normal(part) => {
                any = true;
                let part = part.to_string_lossy();
                if part.ends_with(['.', ' ']) {
                    return Some("a part of the file name ends in a dot or a space");
                }
                if is_device(&part) {
                    return Some("the file name is one that Windows keeps for a device");
                }
            }
            _ => return Some("the file name leads out of its folder"),
        }
    }
    if !any || name.ends_with('/') { Some("the file name is a folder's") } else { None }
}

fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or(part).trim_end().to_ascii_uppercase();
    match stem.as_str() {
        "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$" | "CLOCK$" => true,
        _ => {
            let numbered = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
            numbered.is_some_and(|number| {
                matches!(number.chars().collect::<Vec<_>>().as_slice(), ['0'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}'])
            })
        }
    }
}

/// Whether what exists of `path` lies under `base` when links are followed.
fn stays(base: &Path, path: &Path) -> bool {
    // A base that is not there yet holds no link.
    let Ok(root) = base.canonicalize() else { return true };
    let mut at = path;
    loop {
        match at.symlink_metadata() {
            // A link to nothing can't be followed, but written through.
            Ok(_) => return at.canonicalize().is_ok_and(|real| real.starts_with(&root)),
            Err(_) => match at.parent() {
                Some(parent) if parent.starts_with(base) => at = parent,
                _ => return true,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_out_or_mean_something_else_are_refused() {
        let base = std::env::temp_dir();
        for name in [
            "",
            ".",
            "/",
            "./",
            "..",
            "../x",
            "/etc/x",
            "a/../../x",
            "a/..",
            "..\\x",
            "C:x",
            "C:\\x",
            "\\\\?\\",
            "CON",
            "con.txt",
            "a/NUL",
            "com1",
            "LPT9.log",
            "x:ads",
            "x\0y",
            "x\ny",
            "%2e%2e%2f",
            "%2E%2E/x",
            "a%5Cb",
            "x.",
            "x ",
            "a./b",
            "a/",
            "//x",
        ] {
            let error = confine(&base, name).unwrap_err();
            assert_eq!(error.kind(), Kind::File, "{name:?}");
        }
    }

    #[test]
    fn ordinary_names_are_taken_as_they_are() {
        let base = std::env::temp_dir();
        for name in ["a", "a.txt", "a/b/c.json", ".hidden", "..a", "a..b", "console.txt", "com10", "100%", "ä/ö", "a b"]
        {
            assert_eq!(confine(&base, name).unwrap(), base.join(name), "{name:?}");
        }
        assert_eq!(confine(&base, "./a//b").unwrap(), base.join("a/b"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_out_is_refused_and_one_that_stays_is_not() {
        use std::os::unix::fs::symlink;
        let outside = std::env::temp_dir().join(format!("whimbrel-confined-{}", std::process::id()));
        let base = outside.join("base");
        std::fs::create_dir_all(base.join("inner")).unwrap();
        symlink(&outside, base.join("out")).unwrap();
        symlink(base.join("inner"), base.join("in")).unwrap();
        symlink(outside.join("nothing"), base.join("dangling")).unwrap();
        assert!(confine(&base, "out/x").is_err());
        assert!(confine(&base, "out/new/x").is_err());
        assert!(confine(&base, "out").is_err());
        assert!(confine(&base, "dangling").is_err());
        assert!(confine(&base, "in/x").is_ok());
        std::fs::remove_dir_all(outside).unwrap();
    }
}
