//! Runs the suites one after the other, whatever the others said, and reports each with its time. A suite whose programs
//! are missing is skipped and named with the reason; it is never taken for passed.

use std::time::{Duration, Instant};

use crate::process::{self, Outcome};
use crate::setup;
use crate::suites::{SUITES, Suite};

enum Verdict {
    Passed,
    Failed(String),
    Skipped(String),
}

/// Runs the suites named, or all.
pub(crate) fn command(arguments: &[String]) -> Outcome {
    let (flags, names): (Vec<&String>, Vec<&String>) = arguments.iter().partition(|argument| argument.starts_with('-'));
    let given = |flag: &str| flags.iter().any(|given| *given == flag);
    if let Some(unknown) = flags.iter().find(|flag| !["--list", "--deny-skips", "--no-setup"].contains(&flag.as_str()))
    {
        return Err(format!("there is no option `{unknown}`; the options are --list, --deny-skips and --no-setup"));
    }
    if given("--list") {
        return list();
    }
    if let Some(unknown) = names.iter().find(|name| !SUITES.iter().any(|suite| suite.name == name.as_str())) {
        return Err(format!("there is no suite `{unknown}`; --list names them"));
    }
    if !given("--no-setup") {
        for note in setup::install() {
            println!("setup: {note}");
        }
    }
    let chosen = SUITES.iter().filter(|suite| names.is_empty() || names.iter().any(|name| *name == suite.name));
    let results: Vec<_> = chosen.map(run).collect();
    report(&results, given("--deny-skips"))
}

fn list() -> Outcome {
    for Suite { name, about, needs, .. } in SUITES {
        let needs = if needs.is_empty() { String::new() } else { format!(" (needs {})", needs.join(", ")) };
        println!("{name:12} {about}{needs}");
    }
    Ok(())
}

fn run(suite: &'static Suite) -> (&'static Suite, Verdict, Duration) {
    let begun = Instant::now();
    println!("\n── {}: {}", suite.name, suite.about);
    let missing: Vec<&str> = suite.needs.iter().copied().filter(|program| process::find(program).is_none()).collect();
    let verdict = if missing.is_empty() {
        match (suite.run)() {
            Ok(()) => Verdict::Passed,
            Err(reason) => Verdict::Failed(reason),
        }
    } else {
        Verdict::Skipped(format!("missing: {}", missing.join(", ")))
    };
    if let Verdict::Failed(reason) = &verdict {
        println!("{}: FAILED: {reason}", suite.name);
    }
    (suite, verdict, begun.elapsed())
}

fn report(results: &[(&Suite, Verdict, Duration)], deny_skips: bool) -> Outcome {
    println!("\nsuite        outcome  seconds");
    let (mut passed, mut failed, mut skipped) = (0, 0, 0);
    for (suite, verdict, time) in results {
        let (word, reason) = match verdict {
            Verdict::Passed => ("passed", ""),
            Verdict::Failed(reason) => ("FAILED", reason.lines().next().unwrap_or_default()),
            Verdict::Skipped(reason) => ("skipped", reason.as_str()),
        };
        match verdict {
            Verdict::Passed => passed += 1,
            Verdict::Failed(_) => failed += 1,
            Verdict::Skipped(_) => skipped += 1,
        }
        println!("{:12} {word:8} {:>7.1}  {reason}", suite.name, time.as_secs_f64());
    }
    // The last line on both outcomes, and the exit status beside it: nothing follows.
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if failed > 0 || (deny_skips && skipped > 0) {
        std::process::exit(1);
    }
    Ok(())
}
