//! What a game pays in each frame, at 60 a second, while a thousand downloads stream: the time of asking for events, with
//! and without listeners for progress.

use super::holder::Holder;
use super::peers::Peer;
use super::report::{Claim, median, most_of};
use super::rows::{NETWORK_LUA, TRANSFERS};
use super::{Scale, select};
use crate::process::Outcome;

const DOWNLOADS: &str = "1000";

pub(super) fn measure(peers: &[Peer], scale: &Scale, claims: &mut Vec<Claim>) -> Outcome {
    let holder = Holder::start()?;
    println!("\n{DOWNLOADS} streaming downloads, {} frames at 60 a second, {} rounds", scale.frames, scale.rounds);
    println!(
        "  {:34} {:>8} {:>8} {:>8} {:>12} {:>9}",
        "asking for events, us", "p50", "p99", "max", "events/frame", "ns/event"
    );
    for peer in select(peers, &[TRANSFERS, NETWORK_LUA]) {
        row(peer, "empty", "nothing asked", &holder, scale);
        let quiet = row(peer, "quiet", "no listener", &holder, scale);
        claims.push(Claim {
            what: format!("Frames: {}: <= 10 us p99 without a listener for progress", peer.name),
            measured: most_of(quiet.map(|figures| figures[1]), 10.0, 1),
        });
        let progress = row(peer, "progress", "500 listeners", &holder, scale);
        claims.push(Claim {
            what: format!("Frames: {}: <= 1 us an event of progress", peer.name),
            measured: most_of(progress.map(|figures| figures[4] / 1000.0), 1.0, 2),
        });
    }
    Ok(())
}

/// The medians over the rounds of what the program prints; of the longest frame, the longest.
fn row(peer: &Peer, mode: &str, shown: &str, holder: &Holder, scale: &Scale) -> Option<[f64; 5]> {
    let title = format!("{}, {shown}", peer.name);
    let mode = format!("{mode}-{}", scale.frames);
    let mut rounds = Vec::new();
    for _ in 0..scale.rounds {
        match peer.figures::<5, _>(&[], &[mode.as_str(), holder.root(), DOWNLOADS]) {
            Ok(figures) => rounds.push(figures),
            Err(reason) => {
                println!("  {title:34} {reason}");
                return None;
            }
        }
    }
    let column = |index: usize| rounds.iter().map(|figures| figures[index]).collect::<Vec<f64>>();
    let most = column(2).into_iter().fold(0.0, f64::max);
    let events = median(&column(3));
    let figures = [median(&column(0)), median(&column(1)), most, events, median(&column(4))];
    let [p50, p99, _, _, each] = figures;
    let each = if events > 0.0 { format!("{each:.0}") } else { "-".to_owned() };
    println!("  {title:34} {p50:>8.1} {p99:>8.1} {most:>8.1} {:>12.1} {each:>9}", events / scale.frames as f64);
    Some(figures)
}
