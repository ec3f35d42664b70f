//! What the pages for Godot say: their examples run, and the command of the migration does what its page promises.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::engine::{Addon, Project, Run, root, scripts_folder};
use crate::scripts::judge;
use crate::world::{AUTHORITY, World};

const LIMIT: Duration = Duration::from_secs(120);

#[test]
fn the_examples_of_the_godot_page_run() {
    let told = [
        "the server saw id 7",
        "status 200, ",
        "there is no connection",
        "Could not connect to server",
        "100 %",
        "20000000 bytes, {",
        "20000000 of 20000000 bytes sent",
        "true: SSL peer certificate",
        "tick 4: ",
        "1000000 bytes",
    ];
    examples_run("docs/godot.md", &told);
}

#[test]
fn the_examples_of_the_migration_page_run() {
    examples_run("docs/godot-migration.md", &["bob\nok example 1", "bob\nok example 2"]);
}

fn examples_run(page: &str, told: &[&str]) {
    let world = World::start();
    let project = Project::new("pages", Addon::With);
    let reader = fs::read_to_string(root().join("examples/godot-demo/event_reader.gd")).unwrap();
    project.write("event_reader.gd", reader);
    let examples = blocks(&fs::read_to_string(root().join(page)).unwrap(), "gdscript");
    for (index, example) in examples.iter().enumerate() {
        project.write(&format!("examples/{index}.gd"), script(example, &world));
    }
    let run = world.run(&project, "pages/run.gd", &[("WHIMBREL_EXAMPLES", examples.len().to_string())], LIMIT);
    let shown = format!("--- printed\n{}--- errors\n{}", run.stdout, run.stderr);
    judge(&run).unwrap_or_else(|why| panic!("an example of {page} {why}\n{shown}"));
    assert!(!run.stderr.contains("USER ERROR"), "an example of {page} pushed an error\n{shown}");
    for text in told {
        assert!(run.stdout.contains(text), "no example of {page} printed {text:?}\n{shown}");
    }
}

/// An example as a script: as it stands, or its statements as a function. The page's ports are those of this world.
fn script(example: &str, world: &World) -> String {
    let port = |origin: &whimbrel_testkit::Origin| origin.addr().port().to_string();
    let example = example.replace("8080", &port(&world.origin)).replace("8443", &port(&world.secure));
    let example = example.replace("res://ca.crt", &format!("res://{AUTHORITY}"));
    if example.starts_with("class_name ") {
        return example;
    }
    // Names of classes are known to a project that the editor has seen.
    let reader = "extends Node\nconst EventReader := preload(\"res://event_reader.gd\")\n";
    match example.strip_prefix("extends Node\n") {
        Some(rest) if rest.contains("EventReader") => format!("{reader}{rest}"),
        Some(_) => example,
        None => {
            let lines: Vec<String> = example.lines().map(|line| format!("\t{line}\n")).collect();
            format!("extends Node\nfunc run() -> void:\n{}", lines.concat())
        }
    }
}

/// The code blocks of a page in this language.
fn blocks(page: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let after = page.split(&fence).skip(1);
    after.map(|text| text.split("```").next().unwrap_or_default().to_owned()).collect()
}

#[test]
fn the_command_of_the_migration_leaves_a_program_that_prints_the_same() {
    let page = fs::read_to_string(root().join("docs/godot-migration.md")).unwrap();
    let command = &blocks(&page, "sh")[0];
    let world = World::start();
    let project = Project::new("migration", Addon::With);
    copy(&project, "migration");
    let run = |world: &World| world.run(&project, "migration/tutorial.gd", &[], LIMIT);

    let before = run(&world);
    expect(&before, "before");
    let migrate = || {
        let folder = project.folder().join("migration");
        let status = Command::new("sh").arg("-c").arg(command).current_dir(folder).status().unwrap();
        assert!(status.success());
        ["tutorial", "pool", "HTTPClient"].map(|name| read(&project, &format!("migration/{name}.gd")))
    };
    let migrated = migrate();
    let after = run(&world);
    expect(&after, "after");
    let lines =
        |run: &Run| run.stdout.lines().filter(|line| line.contains("ok ")).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(lines(&before), lines(&after));

    let [tutorial, pool, settings] = &migrated;
    assert!(tutorial.contains("var http := WhimbrelHTTPClient.new()") && !tutorial.contains("= HTTPClient.new()"));
    assert!(tutorial.contains("func post(http: WhimbrelHTTPClient, method: HTTPClient.Method, body: String)"));
    assert!(
        pool.contains("class HTTPClientSlot:")
            && pool.contains("var MyHTTPClient")
            && pool.contains("Array[WhimbrelHTTPClient]")
    );
    assert_eq!(settings, &fs::read_to_string(scripts_folder().join("migration/HTTPClient.gd")).unwrap());
    assert_eq!(migrate(), migrated, "a second run changes nothing");
}

fn expect(run: &Run, when: &str) {
    judge(run).unwrap_or_else(|why| panic!("{when}: {why}\n--- printed\n{}--- errors\n{}", run.stdout, run.stderr));
}

/// Puts a copy of a folder of `tests/godot` in place of its link.
fn copy(project: &Project, name: &str) {
    let from = scripts_folder().join(name);
    let _ = fs::remove_file(project.folder().join(name));
    for entry in fs::read_dir(&from).unwrap().flatten() {
        let path = Path::new(name).join(entry.file_name());
        project.write(path.to_str().unwrap(), fs::read(entry.path()).unwrap());
    }
}

fn read(project: &Project, name: &str) -> String {
    fs::read_to_string(project.folder().join(name)).unwrap()
}
