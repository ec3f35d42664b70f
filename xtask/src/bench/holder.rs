//! The server of `bench/rust/src/bin/holder.rs`, in a process of its own: it holds connections, counts them, and feeds
//! slow streams.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};

use super::peers;

/// A running holder; it ends with this value.
pub(super) struct Holder {
    child: Child,
    root: String,
}

impl Holder {
    pub(super) fn start() -> Result<Holder, String> {
        let mut command = peers::many_files(&peers::holder());
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut holder =
            Holder { child: child.map_err(|error| format!("cannot start holder: {error}"))?, root: String::new() };
        let printed = holder.child.stdout.take().ok_or("holder has no standard output")?;
        let mut port = String::new();
        BufReader::new(printed).read_line(&mut port).map_err(|error| format!("holder: {error}"))?;
        let port: u16 = port.trim().parse().map_err(|_| "holder printed no port".to_owned())?;
        holder.root = format!("http://127.0.0.1:{port}/");
        Ok(holder)
    }

    /// The URL of its root, with a slash at the end.
    pub(super) fn root(&self) -> &str {
        &self.root
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
