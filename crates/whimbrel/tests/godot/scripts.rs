//! One test for each script of `tests/godot`, and what makes a run a good one.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::engine::{Addon, Project, Run, scripts_folder};
use crate::world::{AUTHORITY, World};

/// Far above what any script takes; a script error leaves the engine running until then.
const LIMIT: Duration = Duration::from_secs(120);

/// Errors and warnings that the engine may tell in a script that doesn't say how many mistakes it makes on purpose.
const FEW_ERRORS: usize = 20;

/// How long one error may be: its text and place, and where the script was.
const LINES_OF_AN_ERROR: usize = 10;

/// What is no test by itself: what others extend or load, and what has a test elsewhere.
const PARTS: &[&str] = &["check_http", "check", "peer", "sse_reader", "probe", "servers", "settings"];

macro_rules! scripts {
    ($($name:ident: $script:literal,)*) => {
        const SCRIPTS: &[&str] = &[$($script),*];
        $(#[test] fn $name() { pass($script); })*
    };
}

scripts! {
    every_name_of_the_native_class_is_there_with_its_shape: "surface",
    what_the_native_class_gets_wrong_is_mended: "mends",
    what_public_projects_do_works: "usage",
    every_method_in_every_state_returns_and_leaves_a_client_that_works: "misuse",
    clients_may_go_at_any_moment: "lifetimes",
    what_the_native_class_does_not_have_works: "beyond",
    quitting_in_the_middle_of_everything_leaves_nothing: "quit",
    both_kinds_of_proxy_work: "proxies",
    each_event_of_a_stream_is_there_within_a_frame: "sse",
    a_connection_is_a_stream_and_a_stream_can_be_the_connection: "connection",
    each_member_of_the_client_does_what_it_says: "client_smoke",
}

#[test]
fn the_projects_own_settings_hold() {
    let project = Project::new("settings", Addon::With);
    let settings = format!(
        "config_version=5\n[application]\nconfig/name=\"whimbrel-tests\"\n[network]\n\
         tls/certificate_bundle_override=\"{}\"\nlimits/tcp/connect_timeout_seconds=1\n",
        project.folder().join(AUTHORITY).display()
    );
    project.write("project.godot", settings);
    let run = World::start().run(&project, "settings.gd", &[], LIMIT);
    judge(&run).unwrap_or_else(|why| panic!("settings.gd {why}\n{}{}", run.stdout, run.stderr));
}

/// The scripts of the high-level class, each by its own name.
#[test]
fn the_scripts_of_the_high_level_class_pass() {
    let failures: Vec<String> =
        all_scripts().into_iter().filter(|name| name.starts_with("http_")).filter_map(|name| failure(&name)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_script_has_a_test() {
    let known = SCRIPTS.iter().chain(PARTS).map(|&name| name.to_owned());
    let known: BTreeSet<String> = known.collect();
    let there: BTreeSet<String> = all_scripts().into_iter().filter(|name| !name.starts_with("http_")).collect();
    assert_eq!(known, there, "the scripts that have a test (left) and those of the folder (right)");
}

fn all_scripts() -> BTreeSet<String> {
    let entries = std::fs::read_dir(scripts_folder()).unwrap().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter_map(|name| name.strip_suffix(".gd").map(str::to_owned)).collect()
}

fn pass(name: &str) {
    if let Some(failure) = failure(name) {
        panic!("{failure}");
    }
}

fn failure(name: &str) -> Option<String> {
    let world = World::start();
    let project = Project::new(name, Addon::With);
    let run = world.run(&project, &format!("{name}.gd"), &[], LIMIT);
    judge(&run)
        .err()
        .map(|why| format!("{name}.gd {why}\n--- printed\n{}--- errors\n{}", run.stdout, ends(&run.stderr)))
}

/// Whether a run was a good one.
pub(crate) fn judge(run: &Run) -> Result<(), String> {
    let lines = |start: &str| run.stdout.lines().filter(|line| line.starts_with(start)).count();
    let allowed = run.stdout.lines().filter_map(|line| line.strip_prefix("errors at most: "));
    let allowed: usize = allowed.filter_map(|count| count.parse().ok()).max().unwrap_or(FEW_ERRORS);
    let is_error =
        |line: &&str| ["ERROR:", "WARNING:", "USER ", "Unicode parsing"].iter().any(|start| line.starts_with(start));
    let errors = run.stderr.lines().filter(is_error).count();
    let told = run.stderr.lines().count();
    let says =
        |text: &str| run.stderr.lines().chain(run.stdout.lines()).find(|line| line.contains(text)).map(str::to_owned);
    if let Some(line) =
        ["SCRIPT ERROR", "panicked", "Parse Error", "handle_crash", "at exit"].into_iter().find_map(says)
    {
        return Err(format!("has an error: {line}"));
    }
    if run.is_late {
        return Err("did not end".to_owned());
    }
    if run.code != Some(0) || lines("not ok ") > 0 {
        return Err(format!("quit with {:?}, {} of its checks failed", run.code, lines("not ok ")));
    }
    if lines("ok ") == 0 {
        return Err("checked nothing".to_owned());
    }
    if errors > allowed || told > errors * LINES_OF_AN_ERROR + FEW_ERRORS {
        return Err(format!("told {errors} errors in {told} lines, of which {allowed} are allowed"));
    }
    Ok(())
}

/// The beginning and the end of a long text.
fn ends(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    if lines.len() <= 80 {
        return text.to_owned();
    }
    format!("{}\n... {} lines ...\n{}", lines[..40].join("\n"), lines.len() - 80, lines[lines.len() - 40..].join("\n"))
}

#[test]
fn a_run_is_judged_by_what_it_printed_told_and_returned() {
    let good = || Run { stdout: "ok a\n".to_owned(), stderr: String::new(), code: Some(0), is_late: false };
    judge(&good()).unwrap();
    let many = "ERROR: x\n   at: y\n".repeat(FEW_ERRORS + 1);
    let bad = [
        Run { stdout: String::new(), ..good() },
        Run { stdout: "ok a\nnot ok b: c\n".to_owned(), ..good() },
        Run { code: Some(1), ..good() },
        Run { code: None, ..good() },
        Run { is_late: true, ..good() },
        Run { stderr: "SCRIPT ERROR: x\n".to_owned(), ..good() },
        Run { stderr: "thread 'main' panicked at y\n".to_owned(), ..good() },
        Run { stderr: "WARNING: ObjectDB instances leaked at exit\n".to_owned(), ..good() },
        Run { stderr: many.clone(), ..good() },
    ];
    for run in bad {
        assert!(judge(&run).is_err(), "{} {}", run.stdout, run.stderr);
    }
    let foreseen = format!("ok a\nerrors at most: {}\n", FEW_ERRORS + 1);
    judge(&Run { stdout: foreseen, stderr: many, ..good() }).unwrap();
}
