//! Checks that the project stands alone: no tracked file names a folder of somebody's machine or a registry's host.
//!
//! Lock files are left out: cargo writes the registry's name there by itself.

use std::process::Command;

use crate::process::{self, Outcome};

/// Extended regular expressions, each written so that it does not match its own line here.
const FORBIDDEN: [(&str, &str); 5] = [
    ("a machine's folder", "(^|[^A-Za-z0-9_.)}])/(wor[k]|roo[t])/[A-Za-z0-9_.]"),
    ("somebody's home folder", "(^|[^A-Za-z0-9_.)}])/(hom[e]|User[s])/[a-z]"),
    ("a folder beside the project", "\\.\\./share[d]/"),
    ("a registry's host", "(index|static)\\.crate[s]\\.io"),
    (
        "an address of a private network",
        "://(10\\.[0-9]+|192\\.168)\\.[0-9]+\\.[0-9]+[:/][0-9a-z]*/?(api|crate[s]|simple|index)",
    ),
];

/// Looks through every tracked file; the error names each line found.
pub(crate) fn check() -> Outcome {
    let mut found = Vec::new();
    for (what, pattern) in FORBIDDEN {
        let output = Command::new("git")
            .current_dir(process::root())
            .args(["grep", "-nIE", "-e", pattern, "--", ".", ":!*Cargo.lock"])
            .output()
            .map_err(|error| format!("cannot start git: {error}"))?;
        match output.status.code() {
            Some(0) => {
                let lines = String::from_utf8_lossy(&output.stdout).trim_end().replace('\n', "\n  ");
                found.push(format!("{what}:\n  {lines}"));
            }
            Some(1) => {}
            _ => return Err(format!("git grep failed: {}", String::from_utf8_lossy(&output.stderr).trim())),
        }
    }
    if found.is_empty() { Ok(()) } else { Err(format!("files name what only one machine has; {}", found.join("\n"))) }
}
