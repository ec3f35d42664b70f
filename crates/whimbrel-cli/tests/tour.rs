//! `whimbrel tour`, from outside: every step holds, and what is printed fits a terminal.

mod tool;

use tool::{stderr, stdout, whimbrel};

const TITLES: [&str; 14] = [
    "1. GET",
    "2. POST JSON with cjson",
    "3. PUT",
    "4. DELETE",
    "5. Error handling",
    "6. Retries in a loop with backoff",
    "7. TLS with a CA of one's own",
    "8. A download with progress",
    "9. A download that goes on by itself",
    "10. Requests in parallel",
    "11. Cancel",
    "12. An upload with progress",
    "13. A request across a suspend",
    "14. A connection, polled once a frame",
];

#[test]
fn the_tour_holds_and_shows_each_step() {
    let output = whimbrel().arg("tour").output().expect("the tool runs");
    let text = stdout(&output);
    assert!(output.status.success(), "{text}\n{}", stderr(&output));
    for title in TITLES {
        assert!(text.contains(&format!("\n{title} ")), "{title} is missing in:\n{text}");
    }
    assert_eq!(text.lines().filter(|line| line.starts_with("   ok ")).count(), TITLES.len(), "{text}");
    assert!(text.contains("All 14 steps hold."), "{text}");
    let tally = text.lines().last().unwrap_or_default();
    assert!(tally.contains("requests on") && tally.contains("reused") && tally.contains(" MB received"), "{tally}");
    assert!(!text.contains('\x1b'), "no colour where stdout is no terminal");
}

#[test]
fn no_line_of_the_tour_is_wider_than_80_columns() {
    let output = whimbrel().args(["tour", "--code"]).output().expect("the tool runs");
    assert!(output.status.success(), "{}", stderr(&output));
    for line in stdout(&output).lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(stdout(&output).contains("local http = require(\"http\")"), "--code prints the scripts");
}

#[test]
fn a_proxy_of_the_environment_stays_out_of_the_tour() {
    let output = whimbrel()
        .arg("tour")
        .envs([("http_proxy", "http://127.0.0.1:1/"), ("HTTPS_PROXY", "http://127.0.0.1:1/")])
        .output()
        .expect("the tool runs");
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
}

#[test]
fn the_version_is_printed() {
    let output = whimbrel().arg("--version").output().expect("the tool runs");
    assert_eq!(stdout(&output), format!("whimbrel {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn every_command_has_a_help_with_examples() {
    for command in ["run", "get", "serve", "tour"] {
        let output = whimbrel().args([command, "--help"]).output().expect("the tool runs");
        assert!(output.status.success());
        for part in ["Usage:", "Exit codes:", "Examples:"] {
            assert!(stdout(&output).contains(part), "{command}: {part}");
        }
    }
}
