//! When a hop that broke is sent again (RFC 9112 §9.3.1): only on a connection that was kept, and never what the server may
//! have acted on. The small list under the threats table: a non-idempotent request only when unsent.

use std::time::{Duration, SystemTime};

use whimbrel_proto::exchange::Verdict;
use whimbrel_proto::exchange::retry::{Again, Reached, Retry};
use whimbrel_proto::exchange::spec::BodyShape;
use whimbrel_proto::{Error, Kind, Phase};

use crate::scenario::{Draft, Scenario, fields};

const STALE: Reached = Reached { reused: true, sent: 100, body_taken: 0, received: 0 };
const UNSENT: Reached = Reached { sent: 0, ..STALE };
const FIRST: Reached = Reached { reused: false, ..STALE };

#[test]
fn a_dead_kept_connection_is_replaced_once_and_the_same_head_sent() {
    let scenario = Draft::get("http://a.test/").basic("u", "p").start();
    let head = scenario.head();
    let mut scenario = scenario.retries(Kind::Empty, STALE);
    assert_eq!(scenario.head(), head);
    scenario.gives_up(Kind::Empty, STALE);
}

#[test]
fn every_hop_may_be_tried_again_and_forgets_that_the_last_one_was() {
    let scenario = Draft::get("http://a.test/").start().retries(Kind::Receive, STALE).follows(302, "/b");
    assert!(!scenario.hop().fresh);
    scenario.retries(Kind::Send, STALE).sends("GET http://a.test/b");
}

#[test]
fn what_may_be_sent_again_depends_on_method_body_and_how_far_it_came() {
    let once = BodyShape::Sized { len: 5, replayable: false };
    let taken = |reached: Reached| Reached { body_taken: 5, ..reached };
    for (name, draft, kind, reached, again) in [
        ("POST that went out", Draft::post("http://a.test/"), Kind::Empty, STALE, false),
        ("POST that did not", Draft::post("http://a.test/"), Kind::Send, UNSENT, true),
        ("POST partly out", Draft::post("http://a.test/"), Kind::Send, Reached { sent: 1, ..STALE }, false),
        ("PUT", Draft::new("PUT", "http://a.test/"), Kind::Empty, STALE, true),
        ("unknown method", Draft::new("PURGE", "http://a.test/"), Kind::Empty, STALE, false),
        ("body taken once", Draft::new("PUT", "http://a.test/").body(once), Kind::Send, taken(STALE), false),
        ("body not touched", Draft::new("PUT", "http://a.test/").body(once), Kind::Send, STALE, true),
        ("an answer began", Draft::get("http://a.test/"), Kind::Receive, Reached { received: 1, ..STALE }, false),
        ("a new connection", Draft::get("http://a.test/"), Kind::Empty, FIRST, false),
        ("a deadline", Draft::get("http://a.test/"), Kind::Timeout, STALE, false),
        ("a cancel", Draft::get("http://a.test/"), Kind::Cancelled, STALE, false),
        ("nonsense", Draft::get("http://a.test/"), Kind::Protocol, STALE, false),
        ("a reader that failed", Draft::get("http://a.test/"), Kind::File, UNSENT, false),
    ] {
        let mut scenario = draft.start();
        if again {
            scenario.retries(kind, reached);
        } else {
            scenario.gives_up(kind, reached);
            assert!(!scenario.hop().fresh, "{name}");
        }
    }
}

#[test]
fn a_post_that_became_a_get_is_judged_as_what_it_is_now() {
    Draft::post("http://a.test/").start().follows(303, "/b").retries(Kind::Empty, STALE);
    Draft::post("http://a.test/").start().follows(307, "/b").gives_up(Kind::Empty, STALE);
}

/// What the exchange makes of a failure: `None` is the error itself.
fn fails(scenario: &mut Scenario, kind: Kind, reached: Reached, left: Option<Duration>) -> Option<Again> {
    scenario.exchange.on_failure(Error::new(kind, Phase::Wait, ""), &reached, left).ok()
}

/// What the exchange makes of a status, a `Retry-After` with it.
fn answers(scenario: &mut Scenario, status: u16, after: Option<&str>, left: Option<Duration>) -> Verdict {
    let list: Vec<_> = after.map(|value| ("Retry-After", value)).into_iter().collect();
    let reached = Reached { sent: 105, body_taken: 5, received: 100, reused: false };
    scenario.exchange.on_head(status, &fields(&list), &reached, SystemTime::UNIX_EPOCH, left).unwrap()
}

fn with_policy(draft: Draft, retry: Retry) -> Scenario {
    draft.set(|spec| spec.retry = Some(retry)).start()
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_policy_waits_longer_each_time_and_gives_up_after_its_last() {
    let mut scenario = with_policy(Draft::get("http://a.test/"), Retry::new(3).first_wait(seconds(1)));
    for whole in [1, 2, 4] {
        let Some(Again::After(wait)) = fails(&mut scenario, Kind::Connect, Reached::default(), None) else {
            panic!("it should be tried again");
        };
        assert!(wait >= seconds(whole) / 2 && wait <= seconds(whole), "{wait:?} of {whole} s");
    }
    assert_eq!(fails(&mut scenario, Kind::Connect, Reached::default(), None), None);
    assert_eq!(scenario.exchange.retries(), 3);
}

#[test]
fn a_dead_kept_connection_is_replaced_at_once_and_does_not_count() {
    let mut scenario = with_policy(Draft::get("http://a.test/"), Retry::new(1));
    assert_eq!(fails(&mut scenario, Kind::Empty, STALE, None), Some(Again::Now));
    assert!(scenario.hop().fresh);
    assert!(matches!(fails(&mut scenario, Kind::Empty, FIRST, None), Some(Again::After(_))));
    assert!(!scenario.hop().fresh);
    assert_eq!(fails(&mut scenario, Kind::Empty, STALE, None), Some(Again::Now));
    assert_eq!(fails(&mut scenario, Kind::Empty, FIRST, None), None);
    assert_eq!(scenario.exchange.retries(), 1);
}

#[test]
fn a_policy_repeats_only_what_is_harmless_and_may_pass() {
    let unsent = Reached::default();
    let sent = Reached { sent: 105, body_taken: 5, ..unsent };
    let once = BodyShape::Sized { len: 5, replayable: false };
    for (name, draft, kind, reached, again) in [
        ("name", Draft::get("http://a.test/"), Kind::Resolve, unsent, true),
        ("deadline", Draft::get("http://a.test/"), Kind::Timeout, sent, true),
        ("cut head", Draft::get("http://a.test/"), Kind::Truncated, sent, true),
        ("POST unsent", Draft::post("http://a.test/"), Kind::Connect, unsent, true),
        ("POST sent", Draft::post("http://a.test/"), Kind::Receive, sent, false),
        ("PUT sent", Draft::new("PUT", "http://a.test/"), Kind::Receive, sent, true),
        ("body gone", Draft::new("PUT", "http://a.test/").body(once), Kind::Receive, sent, false),
        ("cancel", Draft::get("http://a.test/"), Kind::Cancelled, unsent, false),
        ("certificate", Draft::get("https://a.test/"), Kind::Certificate, unsent, false),
        ("nonsense", Draft::get("http://a.test/"), Kind::Protocol, sent, false),
        ("file", Draft::get("http://a.test/"), Kind::File, unsent, false),
    ] {
        let mut scenario = with_policy(draft, Retry::new(1));
        assert_eq!(fails(&mut scenario, kind, reached, None).is_some(), again, "{name}");
    }
}

#[test]
fn a_status_is_tried_again_when_the_server_says_or_when_we_think() {
    let retry = Retry::new(9).first_wait(seconds(1)).max_wait(seconds(20));
    for (method, status, after, expected) in [
        ("GET", 503, Some("7"), Some((7, 7))),
        ("GET", 429, Some("Thu, 01 Jan 1970 00:00:09 GMT"), Some((9, 9))),
        ("GET", 502, None, Some((0, 1))),
        ("GET", 504, Some("garbage"), Some((0, 1))),
        ("GET", 503, Some("21"), None),
        ("GET", 503, Some("Fri, 31 Dec 9999 23:59:59 GMT"), None),
        ("GET", 503, Some("99999999999999999999999"), None),
        ("GET", 500, Some("1"), None),
        ("GET", 200, Some("1"), None),
        ("POST", 503, Some("1"), None),
    ] {
        let mut scenario = with_policy(Draft::new(method, "http://a.test/"), retry);
        let verdict = answers(&mut scenario, status, after, None);
        match expected {
            Some((least, most)) => {
                let Verdict::Wait(wait) = verdict else { panic!("{method} {status} {after:?}: {verdict:?}") };
                assert!(!wait.is_zero() && wait >= seconds(least) && wait <= seconds(most), "{after:?}: {wait:?}");
            }
            None => assert_eq!(verdict, Verdict::Deliver, "{method} {status} {after:?}"),
        }
    }
    let mut scenario = with_policy(Draft::get("http://a.test/"), retry.statuses(false));
    assert_eq!(answers(&mut scenario, 503, None, None), Verdict::Deliver);
    assert_eq!(answers(&mut Draft::get("http://a.test/").start(), 503, None, None), Verdict::Deliver);
}

#[test]
fn no_wait_outlives_the_call() {
    let mut scenario = with_policy(Draft::get("http://a.test/"), Retry::new(2).first_wait(seconds(8)));
    assert_eq!(answers(&mut scenario, 503, Some("5"), Some(seconds(5))), Verdict::Deliver);
    assert_eq!(fails(&mut scenario, Kind::Timeout, Reached::default(), Some(Duration::ZERO)), None);
    assert_eq!(scenario.exchange.retries(), 0);
    assert_eq!(answers(&mut scenario, 503, Some("5"), Some(seconds(6))), Verdict::Wait(seconds(5)));
}
