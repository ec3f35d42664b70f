//! What a request costs in memory while it waits for its answer, with ten thousand of them; and what asking for events
//! costs meanwhile.
//!
//! The server is another process, which counts the requests that it holds: the figures are the client's alone. The
//! kernel's memory for sockets is in none of them.

use super::holder::Holder;
use super::measure::Shuffle;
use super::peers::{self, Peer};
use super::report::{Claim, median, most_of};
use super::rows::{NETWORK_LUA, TRANSFERS};
use super::{Scale, select};
use crate::process::Outcome;

/// What a program has open besides its requests.
const OTHER_FILES: u64 = 100;

pub(super) fn measure(peers: &[Peer], scale: &Scale, claims: &mut Vec<Claim>) -> Outcome {
    let allowed = peers::most_files().saturating_sub(OTHER_FILES) as usize;
    let count = scale.held.min(allowed);
    if count < scale.held {
        println!("\nThis user may open only {} files: {count} requests wait, not {}", peers::most_files(), scale.held);
    }
    memory(peers, scale, count, claims)?;
    idle(peers, scale, count, claims)
}

fn memory(peers: &[Peer], scale: &Scale, count: usize, claims: &mut Vec<Claim>) -> Outcome {
    let holder = Holder::start()?;
    let peers = select(peers, &["epoll", TRANSFERS, NETWORK_LUA, "multi"]);
    let mut grown = vec![Vec::new(); peers.len()];
    let mut totals = vec![0.0_f64; peers.len()];
    let mut failures = vec![None; peers.len()];
    let mut shuffle = Shuffle::new();
    for _ in 0..scale.rounds {
        for index in shuffle.order(peers.len()) {
            match peers[index].figures(&[], &["waiting", holder.root(), &count.to_string()]) {
                Ok([before, after, held]) => {
                    grown[index].push((after - before) / held);
                    totals[index] = totals[index].max(after);
                }
                Err(reason) => failures[index] = Some(reason),
            }
        }
    }
    println!("\nMemory while {count} requests wait (growth a request; the whole process)");
    for (((peer, grown), total), failure) in peers.iter().zip(&grown).zip(&totals).zip(&failures) {
        match failure {
            Some(reason) => println!("  {:18} {reason}", peer.name),
            None => println!("  {:18} {:>8.0} B {:>8.1} MB", peer.name, median(grown), total / 1e6),
        }
    }
    for (key, limit) in [(TRANSFERS, 3.0), (NETWORK_LUA, 4.0)] {
        let at = peers.iter().position(|peer| peer.key == key);
        let measured = at.filter(|at| failures[*at].is_none()).map(|at| median(&grown[at]) / 1000.0);
        let name = at.map_or(key, |at| peers[at].name);
        claims.push(Claim {
            what: format!("Memory: {name}: <= {limit} KB a waiting request"),
            measured: most_of(measured, limit, 2),
        });
    }
    Ok(())
}

fn idle(peers: &[Peer], scale: &Scale, count: usize, claims: &mut Vec<Claim>) -> Outcome {
    let holder = Holder::start()?;
    println!("\nAsking for events when there are none, {count} requests waiting");
    for peer in select(peers, &[TRANSFERS, NETWORK_LUA]) {
        let (mut asking, mut empty, mut failure) = (Vec::new(), Vec::new(), None);
        for _ in 0..scale.rounds {
            match peer.figures(&[], &["idle", holder.root(), &count.to_string()]) {
                Ok([asked, nothing]) => {
                    asking.push(asked);
                    empty.push(nothing);
                }
                Err(reason) => failure = Some(reason),
            }
        }
        let measured = match &failure {
            Some(reason) => {
                println!("  {:18} {reason}", peer.name);
                None
            }
            None => {
                println!(
                    "  {:18} {:>8.1} ns (a call that does nothing: {:.1})",
                    peer.name,
                    median(&asking),
                    median(&empty)
                );
                Some(median(&asking) / 1000.0)
            }
        };
        claims.push(Claim { what: format!("Idle: {}: <= 0.1 us", peer.name), measured: most_of(measured, 0.1, 3) });
    }
    Ok(())
}
