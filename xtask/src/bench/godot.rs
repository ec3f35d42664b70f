//! `cargo xtask bench godot`: Godot's own classes and ours in the same engine, against nginx on loopback.
//!
//! Each row is one process of the engine, in which the subjects take turns in shuffled order; ratios are those within a
//! round. The scripts are in `bench/godot`, and say what is measured how. The extension is built for release first: what
//! is judged is what is shipped.

mod project;
mod rows;

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use self::project::Project;
use self::rows::{Bound, Column, Row, Target};
use super::Folder;
use super::measure::Shuffle;
use super::report::{self, Claim, median};
use super::server::Server;
use crate::process::{self, Outcome};
use crate::{godot, godot_engine, setup};

/// How much to measure.
struct Scale {
    /// Rounds of each row.
    rounds: usize,
    /// What the scripts divide their counts by.
    divisor: u32,
}

const FULL: Scale = Scale { rounds: 5, divisor: 1 };
const QUICK: Scale = Scale { rounds: 3, divisor: 4 };

/// The size of the large body, in bytes.
const BULK: u64 = 256 << 20;

/// Bodies that are read a piece in each frame: their names, which tell the piece's size in KiB, and their sizes in MiB.
const PARTS: [(&str, usize); 2] = [("part64", 8), ("part1024", 64)];

/// What every round of a row gave, by subject and figure.
type Samples = HashMap<(String, String), Vec<f64>>;

pub(super) fn measure(is_quick: bool) -> Outcome {
    let scale = if is_quick { QUICK } else { FULL };
    for note in setup::install() {
        println!("setup: {note}");
    }
    godot_engine::install()?;
    godot::command(&[])?;
    let folder = Folder::new()?;
    let server = Server::start(&folder.0, BULK)?;
    parts(&folder.0.join("www"))?;
    let project = Project::new(&folder.0, &server)?;
    println!("\nGodot {}, nginx on loopback, {} rounds in shuffled order", project.version()?, scale.rounds);
    let mut claims = Vec::new();
    for row in rows::ROWS {
        let samples = if row.apart { apart(&project, row, &scale) } else { together(&project, row, &scale) };
        match samples {
            Ok(samples) => {
                table(row, &samples);
                claims.extend(row.targets.iter().map(|target| claim(row, target, Some(&samples))));
            }
            Err(reason) => {
                println!("\n{}\n  {reason}", row.title);
                claims.extend(row.targets.iter().map(|target| claim(row, target, None)));
            }
        }
    }
    report::targets(&claims);
    Ok(())
}

fn parts(www: &Path) -> Outcome {
    for (name, size) in PARTS {
        let path = www.join(name);
        fs::write(&path, vec![b'p'; size << 20]).map_err(|error| process::about(&path, error))?;
    }
    Ok(())
}

/// All subjects in one process.
fn together(project: &Project, row: &Row, scale: &Scale) -> Result<Samples, String> {
    project.run(row.script, row.name, scale.rounds, scale.divisor)
}

/// Each in processes of its own, for what a process can be measured by once only.
fn apart(project: &Project, row: &Row, scale: &Scale) -> Result<Samples, String> {
    let mut samples = Samples::new();
    let mut shuffle = Shuffle::new();
    for _ in 0..scale.rounds {
        for index in shuffle.order(row.subjects.len()) {
            for (key, figures) in project.run(row.script, row.subjects[index], 1, 1)? {
                samples.entry(key).or_default().extend(figures);
            }
        }
    }
    Ok(samples)
}

fn table(row: &Row, samples: &Samples) {
    let first = row.subjects[0];
    println!("\n{} (ratio: to {first})", row.title);
    let heads: String = row.columns.iter().map(|column| format!(" {:>12}", column.name)).collect();
    println!("  {:20} {:>7}{heads}", "class", "ratio");
    for subject in row.subjects {
        let ratio = ratio(samples, subject, first, row.columns[0].name);
        let shown = |column: &Column| match figures(samples, subject, column.name) {
            [] => format!(" {:>12}", "-"),
            figures => format!(" {:>12.*}", column.digits, median(figures)),
        };
        let cells: String = row.columns.iter().map(shown).collect();
        let ratio = ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.2}"));
        println!("  {subject:20} {ratio:>7}{cells}");
    }
}

fn claim(row: &Row, target: &Target, samples: Option<&Samples>) -> Claim {
    let subject = target.subject;
    let (wanted, measured) = match target.bound {
        Bound::Times(least, other) => {
            let ratio = samples.and_then(|samples| ratio(samples, subject, other, row.columns[0].name));
            (format!(">= {least} x {other}"), ratio.map(|ratio| (format!("{ratio:.2}"), ratio >= least)))
        }
        Bound::Most(most, figure, digits) => {
            let figures = samples.map(|samples| figures(samples, subject, figure)).filter(|found| !found.is_empty());
            (format!("{figure} <= {most}"), report::most_of(figures.map(median), most, digits))
        }
    };
    Claim { what: format!("{}: {subject}: {wanted}", row.title), measured }
}

/// How many times as much of a rate: the median of the ratios within each round.
fn ratio(samples: &Samples, subject: &str, other: &str, figure: &str) -> Option<f64> {
    let rounds = figures(samples, subject, figure).iter().zip(figures(samples, other, figure));
    let ratios: Vec<f64> = rounds.map(|(own, other)| own / other).collect();
    (!ratios.is_empty()).then(|| median(&ratios))
}

fn figures<'a>(samples: &'a Samples, subject: &str, figure: &str) -> &'a [f64] {
    samples.get(&(subject.to_owned(), figure.to_owned())).map_or(&[], Vec::as_slice)
}
