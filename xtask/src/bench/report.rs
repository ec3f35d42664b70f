//! Prints the tables, and judges the targets.

use super::Scale;
use super::measure::Result;
use super::rows::{Bound, Row};

/// A target with what was measured.
pub(super) struct Claim {
    pub(super) what: String,
    /// The figure and whether it suffices; none if it could not be measured.
    pub(super) measured: Option<(String, bool)>,
}

/// One row's table.
pub(super) fn table(row: &Row, results: &[Result], scale: &Scale) {
    let (unit, to) = if row.is_bulk() { ("GB/s", "cpu s/GiB") } else { ("req/s", "cpu us/req") };
    let first = results.first().map_or("", |result| result.name);
    println!("\n{} (ratio: to {first})", row.title);
    println!(
        "  {:18} {:>8} {:>10} {:>9} {:>6} {:>10} {:>8}",
        "client", "syscalls", "instr", unit, "ratio", to, "peak MB"
    );
    for result in results {
        if let Some(reason) = &result.failure {
            println!("  {:18} {reason}", result.name);
            continue;
        }
        let amount = if row.is_bulk() { scale.bulk as f64 / 1e9 } else { f64::from(result.count) };
        let speed = amount / median(&result.seconds);
        let cpu = match row.is_bulk() {
            true => median(&result.cpu) / (scale.bulk as f64 / f64::from(1 << 30)),
            false => median(&result.cpu) / f64::from(result.count) * 1e6,
        };
        println!(
            "  {:18} {:>8} {:>10} {:>9} {:>6.2} {:>10.2} {:>8.1}",
            result.name,
            result.syscalls.map_or("-".to_owned(), |count| format!("{count:.1}")),
            result.instructions.map_or("-".to_owned(), |count| format!("{count:.0}")),
            if row.is_bulk() { format!("{speed:.2}") } else { format!("{speed:.0}") },
            ratio(result, &results[0]).unwrap_or(f64::NAN),
            cpu,
            result.peak as f64 / 1000.0,
        );
    }
}

/// The row's targets beside what was measured.
pub(super) fn claims(row: &Row, results: &[Result]) -> Vec<Claim> {
    let named = |key: &str| results.iter().find(|result| result.key == key && result.failure.is_none());
    let claim = |peer: &str, bound: &Bound| {
        let result = named(peer);
        let (wanted, measured) = match bound {
            Bound::Syscalls(most) => {
                (format!("syscalls <= {most}"), most_of(result.and_then(|r| r.syscalls), *most, 1))
            }
            Bound::Instructions(most) => {
                (format!("instructions <= {most}"), most_of(result.and_then(|r| r.instructions), *most, 0))
            }
            Bound::Peak(most) => {
                (format!("peak memory <= {most} MB"), most_of(result.map(|r| r.peak as f64 / 1000.0), *most, 1))
            }
            Bound::Faster(least, other) => {
                let ratio = result.zip(named(other)).and_then(|(result, other)| ratio(result, other));
                (format!(">= {least} x {other}"), ratio.map(|ratio| (format!("{ratio:.3}"), ratio >= *least)))
            }
            Bound::FasterAtBest(least, other) => {
                let times = result.and_then(best).zip(named(other).and_then(best));
                let ratio = times.map(|(own, other)| other / own);
                (format!(">= {least} x {other}, best rounds"), ratio.map(|r| (format!("{r:.3}"), r >= *least)))
            }
        };
        let name = results.iter().find(|result| result.key == peer).map_or(peer, |result| result.name);
        Claim { what: format!("{}: {name}: {wanted}", row.title), measured }
    };
    row.targets.iter().map(|target| claim(target.peer, &target.bound)).collect()
}

/// A claim that a figure is at most so much.
pub(super) fn most_of(figure: Option<f64>, most: f64, digits: usize) -> Option<(String, bool)> {
    // Counts are compared as they are printed: 4.001 system calls are one more in the whole run, not in each request.
    figure.map(|figure| {
        let shown = format!("{figure:.digits$}");
        let met = shown.parse::<f64>().unwrap_or(figure) <= most;
        (shown, met)
    })
}

/// All targets, and how many are met.
pub(super) fn targets(claims: &[Claim]) {
    println!("\nTargets");
    let mut met = 0;
    for Claim { what, measured } in claims {
        match measured {
            Some((figure, true)) => {
                met += 1;
                println!("  met      {what} ({figure})");
            }
            Some((figure, false)) => println!("  NOT MET  {what} ({figure})"),
            None => println!("  NOT MET  {what} (not measured)"),
        }
    }
    println!("{met} of {} targets met", claims.len());
}

/// Seconds of a request in the quickest round.
fn best(result: &Result) -> Option<f64> {
    let seconds = result.seconds.iter().copied().reduce(f64::min)?;
    Some(seconds / f64::from(result.count))
}

/// How many times as fast: the median of the ratios within each round.
fn ratio(result: &Result, other: &Result) -> Option<f64> {
    if result.seconds.is_empty() || other.seconds.is_empty() {
        return None;
    }
    let counts = f64::from(result.count) / f64::from(other.count);
    let rounds = other.seconds.iter().zip(&result.seconds);
    Some(median(&rounds.map(|(other, own)| other / own * counts).collect::<Vec<_>>()))
}

/// The middle value; of an even number, the mean of the middle two.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match sorted.len() {
        0 => f64::NAN,
        length if length % 2 == 1 => sorted[length / 2],
        length => f64::midpoint(sorted[length / 2 - 1], sorted[length / 2]),
    }
}
