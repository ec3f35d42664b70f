//! When a hop that broke is sent again (RFC 9112 §9.3.1): only on a connection that was kept, and never what the server may
//! have acted on. The small list under the threats table: a non-idempotent request only when unsent.

use whimbrel_proto::Kind;
use whimbrel_proto::exchange::retry::Reached;
use whimbrel_proto::exchange::spec::BodyShape;

use crate::scenario::Draft;

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
