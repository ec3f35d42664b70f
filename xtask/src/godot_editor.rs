//! Opens the built addon in the real editor, without a window: it starts and ends well, nothing is told as an error, and
//! the help has a description of every public member. The pages are read by the plugin in `tests/godot/editor`.
//!
//! The project lists the extension before the editor starts, as the editor itself does on its first start; a headless
//! editor that finds an extension while it runs breaks when it ends, whatever the extension is (Godot 4.4 to 4.7).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::process::{self, Outcome};
use crate::{godot, godot_engine};

const PROJECT: &str = "\
config_version=5

[application]

config/name=\"Whimbrel in the editor\"
";

const PLUGIN: &str = "
[editor_plugins]

enabled=PackedStringArray(\"res://addons/documentation/plugin.cfg\")
";

/// How a line begins that makes a run a bad one.
const COMPLAINTS: [&str; 5] = ["not ok ", "ERROR", "SCRIPT ERROR", "WARNING", "Backtrace for "];

/// Checks the addon that `godot::command` has laid out.
pub(crate) fn check() -> Outcome {
    let folder = process::target().join("godot-editor");
    let project = folder.join("project");
    let _ = fs::remove_dir_all(&project);
    copy_all(&godot::addon(), &project.join("addons/whimbrel"))?;
    copy_all(&process::root().join("tests/godot/editor"), &project.join("addons/documentation"))?;
    write(&project.join(".godot/extension_list.cfg"), "res://addons/whimbrel/whimbrel.gdextension\n")?;

    // An extension's documentation is shown from the second start on: the first one writes the engine's own to a cache.
    write(&project.join("project.godot"), PROJECT)?;
    run(&folder, &["--quit"])?;
    write(&project.join("project.godot"), &format!("{PROJECT}{PLUGIN}"))?;
    let said = run(&folder, &[])?;
    let pages: Vec<&str> = said.lines().filter(|line| line.starts_with("ok ")).collect();
    println!("godot: the editor's help describes every member of {} classes", pages.len());
    if pages.is_empty() { Err("the editor's help has no page of ours".to_owned()) } else { Ok(()) }
}

/// Runs the editor for a minute at most and returns what it printed.
fn run(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let engine = process::find("godot").unwrap_or_else(godot_engine::runner);
    let output = Command::new("timeout")
        .args(["--kill-after=5", "60"])
        .arg(engine)
        .args(["--headless", "--editor", "--path"])
        .arg(folder.join("project"))
        .args(arguments)
        .env("GODOT_HOME", folder.join("home"))
        // With it the bindings say which class was made in the editor without being one for tools.
        .env("RUST_BACKTRACE", "1")
        .output()
        .map_err(|error| format!("cannot start the editor: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    let complaints: Vec<&str> = said
        .lines()
        .chain(told.lines())
        .filter(|line| COMPLAINTS.iter().any(|start| line.starts_with(start)))
        .collect();
    if !complaints.is_empty() {
        return Err(format!("the editor says: {}", complaints.join("; ")));
    }
    if output.status.success() { Ok(said) } else { Err(format!("the editor failed ({})", output.status)) }
}

fn copy_all(from: &Path, to: &Path) -> Outcome {
    fs::create_dir_all(to).map_err(|error| process::about(to, error))?;
    let files: Vec<PathBuf> = fs::read_dir(from)
        .map_err(|error| process::about(from, error))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.is_file())
        .collect();
    for file in files {
        let name = file.file_name().expect("a file has a name");
        fs::copy(&file, to.join(name)).map_err(|error| process::about(&file, error))?;
    }
    Ok(())
}

fn write(path: &Path, content: &str) -> Outcome {
    let folder = path.parent().expect("a file lies in a folder");
    fs::create_dir_all(folder).map_err(|error| process::about(folder, error))?;
    fs::write(path, content).map_err(|error| process::about(path, error))
}
