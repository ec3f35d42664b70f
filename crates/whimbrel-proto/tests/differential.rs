//! The same replies, valid and mutated, to our codec and to hyper's client. They must agree on what is refused and on
//! every byte of what isn't; where they don't, the difference must be one that we want, with its reason, in the table
//! of `intended`.

#[path = "differential/hyper_client.rs"]
mod hyper_client;
#[path = "differential/intended.rs"]
mod intended;
mod outcome;
mod reply;

use std::collections::BTreeMap;

use reply::Random;
use whimbrel_proto::Kind;

const VALID: u64 = 4_000;
const MUTATED: u64 = 100_000;

/// A complete reply, comparable between clients: names in lower case, fields sorted by name.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) trailers: Vec<(String, Vec<u8>)>,
}

fn ours(method: &str, bytes: &[u8]) -> Result<Reply, Kind> {
    let outcome = outcome::drive(outcome::sent(method), [bytes]);
    outcome.end?;
    let status = outcome.status.expect("a complete reply has a status");
    Ok(sorted(Reply { status, fields: outcome.fields, body: outcome.body, trailers: outcome.trailers }))
}

/// By name only, so that the order of repeated fields still counts.
fn sorted(mut reply: Reply) -> Reply {
    for list in [&mut reply.fields, &mut reply.trailers] {
        list.iter_mut().for_each(|(name, _)| name.make_ascii_lowercase());
        list.sort_by(|(one, _), (other, _)| one.cmp(other));
    }
    reply
}

#[test]
fn valid_replies_are_taken_by_both_with_the_same_result() {
    for number in 0..VALID {
        let mut random = Random::new(number);
        let method = random.pick(&["GET", "GET", "POST", "HEAD"]);
        let bytes = reply::valid(&mut random, method);
        let (ours, theirs) = (ours(method, &bytes), hyper_client::receive(method, &bytes).map(sorted));
        let shown = String::from_utf8_lossy(&bytes);
        assert_eq!(ours.map_err(|kind| format!("{kind:?}")), theirs, "reply {number} to {method}:\n{shown}");
    }
}

#[test]
fn mutated_replies_differ_only_where_we_mean_them_to_row_6() {
    let (mut unexplained, mut explained, mut agreed) = (Vec::new(), BTreeMap::new(), [0; 2]);
    for number in 0..MUTATED {
        let mut random = Random::new(number);
        let method = random.pick(&["GET", "GET", "POST", "HEAD"]);
        let mut bytes = reply::valid(&mut random, method);
        reply::mutate(&mut random, &mut bytes);
        let (ours, theirs) = (ours(method, &bytes), hyper_client::receive(method, &bytes).map(sorted));
        match (&ours, &theirs) {
            (Err(_), Err(_)) => agreed[0] += 1,
            (Ok(ours), Ok(theirs)) if ours == theirs => agreed[1] += 1,
            _ => match intended::reason(&bytes, &ours, &theirs) {
                Some(reason) => *explained.entry(reason).or_insert(0) += 1,
                None => {
                    let shown = bytes.escape_ascii();
                    unexplained
                        .push(format!("reply {number} to {method}: \"{shown}\"\n ours {ours:?}\n hyper's {theirs:?}"));
                }
            },
        }
    }
    assert!(
        unexplained.is_empty(),
        "{} differences, such as\n{}",
        unexplained.len(),
        unexplained[..unexplained.len().min(25)].join("\n")
    );
    // A harness that refuses everything would agree too.
    assert!(agreed[0] > 10_000 && agreed[1] > 10_000, "both refused {}, both took {}", agreed[0], agreed[1]);
    for reason in intended::reasons() {
        assert!(explained.contains_key(reason), "no reply shows this difference any more: {reason}");
    }
}
