//! The project that the engine runs: the scripts of `bench/godot` with the built addon in it, in a folder that passes away.
//! It reads what the scripts print, and judges none of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Samples;
use crate::bench::server::{self, Port, Server};
use crate::process::{self, Outcome};
use crate::{godot, godot_engine};

/// How long a row may take, in seconds. The engine goes on for ever after an error of a script.
const LIMIT: &str = "600";

pub(super) struct Project {
    folder: PathBuf,
    /// The variables that the scripts know the server by.
    environment: [(&'static str, String); 5],
}

impl Project {
    /// Lays it out beside the server's files.
    pub(super) fn new(folder: &Path, server: &Server) -> Result<Project, String> {
        let project = Project {
            folder: folder.join("project"),
            environment: [
                ("BENCH_PLAIN", server.number(Port::Kept).to_string()),
                ("BENCH_TLS", server.number(Port::TlsKept).to_string()),
                ("BENCH_TLS_FULL", server.number(Port::TlsFull).to_string()),
                ("BENCH_CA", server::ca(folder).display().to_string()),
                // Where `user://` is: with the server's files, in memory.
                ("GODOT_HOME", folder.join("home").display().to_string()),
            ],
        };
        copy(&process::root().join("bench/godot"), &project.folder)?;
        copy(&godot::addon(), &project.folder.join("addons/whimbrel"))?;
        // What the editor's import would write; without it no extension is loaded, and nothing says so.
        make(&project.folder.join(".godot"))?;
        make(&folder.join("home"))?;
        let list = project.folder.join(".godot/extension_list.cfg");
        fs::write(&list, "res://addons/whimbrel/whimbrel.gdextension\n")
            .map_err(|error| process::about(&list, error))?;
        Ok(project)
    }

    pub(super) fn version(&self) -> Result<String, String> {
        let printed = process::output(self.engine().arg("--version"))?;
        Ok(printed.trim().to_owned())
    }

    /// Runs one row of a script.
    pub(super) fn run(&self, script: &str, row: &str, rounds: usize, divisor: u32) -> Result<Samples, String> {
        let mut command = self.engine();
        command.arg("--path").arg(&self.folder).args(["--script", "res://run.gd", "--", script, row]);
        command.args([rounds.to_string(), divisor.to_string()]);
        let output = command.output().map_err(|error| format!("cannot start the engine: {error}"))?;
        let printed = String::from_utf8_lossy(&output.stdout);
        if let Some(failure) = printed.lines().find_map(|line| line.strip_prefix("!\t")) {
            return Err(failure.to_owned());
        }
        if !output.status.success() {
            let words = String::from_utf8_lossy(&output.stderr);
            let error = words.lines().find(|line| line.contains("SCRIPT ERROR")).unwrap_or_default();
            return Err(format!("the engine failed ({}): {error}", output.status));
        }
        let mut samples = Samples::new();
        for line in printed.lines() {
            let words: Vec<&str> = line.split('\t').collect();
            let ["=", subject, figure, value] = words[..] else { continue };
            let value = value.parse().map_err(|_| format!("`{line}` has no figure"))?;
            samples.entry((subject.to_owned(), figure.to_owned())).or_default().push(value);
        }
        Ok(samples)
    }

    /// The engine without a window, for so long and no longer.
    fn engine(&self) -> Command {
        let mut command = process::command("timeout");
        command.args(["--kill-after=5", LIMIT]).arg(godot_engine::runner()).arg("--headless");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        for name in ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"] {
            command.env_remove(name);
        }
        command
    }
}

/// Copies the files of a folder, not those of folders in it.
fn copy(from: &Path, to: &Path) -> Outcome {
    make(to)?;
    for entry in fs::read_dir(from).map_err(|error| process::about(from, error))?.flatten() {
        let path = entry.path();
        if path.is_file() {
            fs::copy(&path, to.join(entry.file_name())).map_err(|error| process::about(&path, error))?;
        }
    }
    Ok(())
}

fn make(folder: &Path) -> Outcome {
    fs::create_dir_all(folder).map_err(|error| process::about(folder, error))
}
