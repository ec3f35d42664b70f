//! The probe: the same script asks the native class and ours. The native class's answers are `golden.txt`, which shows
//! that script and server are true; ours are `golden.txt` with every block of `mends.txt` put in, each of which names
//! its reason.

use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

use crate::engine::{Addon, Project, scripts_folder};
use crate::world::World;

/// The reasons for which ours may answer differently. A block of `mends.txt` names one of them, and each is named by a
/// block.
const MENDS: &[&str] = &[
    "1xx is not the reply",
    "CR and LF can't be injected",
    "HEAD, 204 and 304 never wait for a body",
    "HTTP/1.0 and unframed bodies go to the end of the connection",
    "IPv6 literals",
    "Transfer-Encoding in any case, and lists",
    "a Content-Length that is not the body's is refused",
    "a length beside chunks counts for nothing",
    "a missing connection is null",
    "a stream of the caller's own is the one that poll() looks at",
    "a stream without a host has none in Host",
    "a truncated body is an error whoever sees its end",
    "absolute URL through a proxy",
    "bodiless POST and PUT say Content-Length: 0",
    "chunk extensions and chunks above 16 MiB",
    "chunks are given as they come",
    "field names go out without space around them",
    "lengths that are negative, garbled or contradict each other are refused",
    "replies that are not HTTP/1.1's are refused",
    "stale keep-alive: sent again once",
    "the connection is a stream of ours",
    "urls are percent-encoded and have no fragment",
];

const LIMIT: Duration = Duration::from_secs(300);

#[test]
fn the_native_class_answers_the_probe_as_the_golden_file_says() {
    let answers = answers(Addon::Without, |script| script);
    compare(&answers, &golden());
}

#[test]
fn ours_answers_the_probe_as_the_golden_file_and_the_mends_say() {
    let answers = answers(Addon::With, |script| script.replace("HTTPClient", "WhimbrelHTTPClient"));
    compare(&answers, &mended());
}

#[test]
fn every_mend_of_the_probe_has_a_known_reason_and_changes_an_answer() {
    mended();
    let reasons: BTreeSet<String> = blocks().into_iter().map(|block| block.reason).collect();
    let known: BTreeSet<String> = MENDS.iter().map(|&mend| mend.to_owned()).collect();
    assert_eq!(reasons, known, "the reasons in mends.txt (left) and those that there may be (right)");
}

/// What the probe prints when `change` was made to its text, with what differs from run to run normalised.
fn answers(addon: Addon, change: impl FnOnce(String) -> String) -> Vec<String> {
    let world = World::start();
    let project = Project::new("probe", addon);
    let script = fs::read_to_string(scripts_folder().join("probe.gd")).unwrap();
    project.write("probe.gd", change(script));
    let run = world.run(&project, "probe.gd", &[], LIMIT);
    assert!(!run.is_late, "the probe did not end. It printed:\n{}\n{}", run.stdout, run.stderr);
    // The engine says what it thinks of a certificate between the answers.
    let said = |line: &&str| line.is_empty() || line.starts_with("mbedtls error");
    let lines = run.stdout.lines().skip_while(|line| !line.starts_with("== fresh")).filter(|line| !said(line));
    let lines: Vec<String> = lines.map(|line| normalised(line, &world)).collect();
    assert_eq!(lines.last().map(String::as_str), Some("== done"), "{}\n{}", run.stdout, run.stderr);
    if let Some(path) = std::env::var_os("WHIMBREL_PROBE_ANSWERS") {
        fs::write(path, lines.join("\n") + "\n").unwrap();
    }
    lines
}

/// Ports are chosen by the system; the User-Agent names the engine's build, and ours is the engine's own.
fn normalised(line: &str, world: &World) -> String {
    let line = line.replace(&format!(":{}", world.cases.tls), ":TLS");
    let mut line = line.replace(&format!(":{}", world.cases.plain), ":PLAIN");
    if let Some(start) = line.find("GodotEngine/") {
        let end = line[start..].find(')').map_or(line.len(), |end| start + end + 1);
        line.replace_range(start..end, "GodotEngine/VERSION (PLATFORM)");
    }
    line
}

fn golden() -> Vec<String> {
    read("golden.txt").lines().map(str::to_owned).collect()
}

fn read(name: &str) -> String {
    fs::read_to_string(scripts_folder().join(name)).unwrap()
}

struct Block {
    reason: String,
    native: Vec<String>,
    ours: Vec<String>,
}

/// `mends.txt`: lines that begin with `#` are remarks; a block is `@ reason`, then the native answers behind `- ` and
/// ours behind `+ `.
fn blocks() -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    for line in read("mends.txt").lines() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(reason) = line.strip_prefix("@ ") {
            blocks.push(Block { reason: reason.to_owned(), native: Vec::new(), ours: Vec::new() });
            continue;
        }
        let block = blocks.last_mut().expect("mends.txt begins with a reason");
        match line.split_at_checked(2) {
            Some(("- ", answer)) => block.native.push(answer.to_owned()),
            Some(("+ ", answer)) => block.ours.push(answer.to_owned()),
            _ => panic!("mends.txt: this line begins with none of `@ `, `- `, `+ `: {line}"),
        }
    }
    blocks
}

/// The golden answers with every mend put in.
fn mended() -> Vec<String> {
    let mut lines = golden();
    for block in blocks() {
        assert_eq!(block.native.len(), block.ours.len(), "a mend gives an answer for each: {}", block.reason);
        for (native, ours) in block.native.iter().zip(&block.ours) {
            assert_ne!(native, ours, "a mend changes the answer: {}", block.reason);
            let mut places = lines.iter().enumerate().filter(|(_, line)| *line == native).map(|(place, _)| place);
            let place = places.next().unwrap_or_else(|| panic!("no answer in golden.txt is mended by:\n- {native}"));
            assert_eq!(places.next(), None, "golden.txt has this answer twice: {native}");
            drop(places);
            lines[place] = ours.clone();
        }
    }
    lines
}

fn compare(answers: &[String], expected: &[String]) {
    let mut differences = String::new();
    for place in 0..answers.len().max(expected.len()) {
        let (answer, expected) = (answers.get(place), expected.get(place));
        // With port 80 in use on this machine, a port below 0 finds a server there: the one answer that is not ours to
        // arrange.
        let depends = expected.is_some_and(|line| line.starts_with("port -5 ")) && port_80_is_open();
        if answer != expected && !depends {
            let line = |line: Option<&String>| line.map_or("(nothing)", String::as_str).to_owned();
            differences.push_str(&format!("- {}\n+ {}\n", line(expected), line(answer)));
        }
    }
    assert!(differences.is_empty(), "expected (-) and answered (+):\n{differences}");
}

fn port_80_is_open() -> bool {
    std::net::TcpStream::connect(("127.0.0.1", 80)).is_ok()
}
