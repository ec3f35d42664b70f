//! Which responses lead on, with which method and body, and where the line is drawn (RFC 9110 §15.4).

use whimbrel_proto::Kind;
use whimbrel_proto::exchange::Verdict;
use whimbrel_proto::exchange::spec::BodyShape;

use crate::scenario::Draft;

const ONCE: BodyShape = BodyShape::Sized { len: 5, replayable: false };

#[test]
fn methods_bodies_and_content_fields_follow_the_table() {
    for (status, method, becomes, keeps_body) in [
        (301, "GET", "GET", true),
        (301, "POST", "GET", false),
        (301, "PUT", "PUT", true),
        (302, "POST", "GET", false),
        (302, "PATCH", "PATCH", true),
        (302, "DELETE", "DELETE", true),
        (303, "POST", "GET", false),
        (303, "PUT", "GET", false),
        (303, "DELETE", "GET", false),
        (303, "PURGE", "GET", false),
        (307, "POST", "POST", true),
        (307, "PURGE", "PURGE", true),
        (308, "PATCH", "PATCH", true),
    ] {
        let row = format!("{status} {method}");
        let scenario = Draft::new(method, "http://a.test/")
            .body(BodyShape::Sized { len: 5, replayable: true })
            .field("Content-Type", "text/plain")
            .field("Content-Language", "en")
            .field("X-Kept", "yes")
            .start()
            .follows(status, "/next")
            .sends(&format!("{becomes} http://a.test/next"))
            .with("X-Kept", "yes");
        let sent = |name| scenario.values(name).len() == 1;
        assert_eq!(scenario.exchange.hop_body() != BodyShape::None, keeps_body, "{row}");
        for name in ["Content-Length", "Content-Type", "Content-Language"] {
            assert_eq!(sent(name), keeps_body, "{row}: {name}");
        }
    }
}

#[test]
fn a_head_stays_a_head_whatever_the_status() {
    for status in [301, 302, 303, 307, 308] {
        Draft::new("HEAD", "http://a.test/").start().follows(status, "/b").sends("HEAD http://a.test/b");
    }
}

#[test]
fn a_body_that_was_dropped_does_not_come_back_on_a_later_hop() {
    Draft::post("http://a.test/")
        .start()
        .follows(303, "/b")
        .follows(307, "/c")
        .sends("GET http://a.test/c")
        .without("Content-Length");
}

#[test]
fn other_statuses_and_those_without_a_location_are_the_answer() {
    for status in [200, 201, 300, 304, 305, 306, 399, 401, 404, 500] {
        Draft::get("http://a.test/").start().delivers(status, &[("Location", "/b")]);
    }
    for status in [301, 302, 303, 307, 308] {
        Draft::get("http://a.test/").start().delivers(status, &[]);
        Draft::get("http://a.test/").start().delivers(status, &[("Location", "")]);
        let off = Draft::get("http://a.test/").set(|spec| spec.redirects.follow = false);
        off.start().delivers(status, &[("Location", "/b")]);
    }
}

#[test]
fn the_location_is_resolved_against_the_hop_and_its_fragment_is_never_sent() {
    Draft::get("http://a.test/x/y?q#f")
        .start()
        .line("GET /x/y?q HTTP/1.1")
        .follows(302, "z#g")
        .line("GET /x/z HTTP/1.1")
        .follows(302, "//b.test/p")
        .sends("GET http://b.test/p")
        .with("Host", "b.test")
        .follows(302, "?r")
        .sends("GET http://b.test/p?r");
}

#[test]
fn exactly_as_many_redirects_as_allowed_are_followed() {
    for max in [0, 1, 3, 30] {
        let mut scenario = Draft::get("http://a.test/0").set(|spec| spec.redirects.max = max).start();
        for hop in 0..max {
            scenario = scenario.follows(302, &format!("/{hop}"));
        }
        assert_eq!(scenario.exchange.redirects(), max);
        let error = scenario.refuses(302, "/more");
        assert_eq!(error.kind(), Kind::Redirects);
        assert_eq!(error.detail(), format!("{max} were followed"));
    }
}

/// The small list under the threats table: redirects to `file:`, `javascript:` and other schemes.
#[test]
fn only_http_and_https_are_followed() {
    for location in ["file:///etc/passwd", "javascript:alert(1)", "ftp://a.test/", "data:,x", "gopher://a.test"] {
        let error = Draft::get("http://a.test/").start().refuses(302, location);
        assert_eq!(error.kind(), Kind::Scheme, "{location}");
    }
    for location in ["http://", "http://a b/", "https://a.test:99999/", "http://[fe80::1%25lo]/", "http://a.test:0/"] {
        let error = Draft::get("http://a.test/").start().refuses(302, location);
        assert_eq!(error.kind(), Kind::RedirectRefused, "{location}");
    }
}

/// The small list under the threats table: refusing a downgrade is an option.
#[test]
fn a_downgrade_is_refused_where_the_caller_says_so_at_any_hop() {
    let draft = Draft::get("https://a.test/").set(|spec| spec.redirects.allow_downgrade = false);
    let error = draft.clone().start().refuses(302, "http://a.test/");
    assert_eq!(error.kind(), Kind::RedirectRefused);
    assert!(error.detail().contains("allow_downgrade"), "{error}");
    let error = draft.start().follows(302, "https://b.test/").refuses(302, "http://b.test/");
    assert_eq!(error.kind(), Kind::RedirectRefused);
    Draft::get("https://a.test/").start().follows(302, "http://a.test/").sends("GET http://a.test/");
    let up = Draft::get("http://a.test/").set(|spec| spec.redirects.allow_downgrade = false);
    up.start().follows(302, "https://a.test/").sends("GET https://a.test/");
}

#[test]
fn a_body_that_was_not_touched_yet_goes_along_whatever_it_is() {
    let hop = Draft::post("http://a.test/").body(ONCE).start();
    hop.early(307, &[("Location", "/b")], Verdict::Follow).sends("POST http://a.test/b").with("Content-Length", "5");
}

/// The small list under the threats table: 307 and 308 with a body that can be sent only once.
#[test]
fn a_body_that_can_be_sent_once_only_is_a_clear_error_where_it_must_be_sent_again() {
    for body in [ONCE, BodyShape::Unsized { replayable: false }] {
        for status in [307, 308] {
            let error = Draft::post("http://a.test/").body(body).start().refuses(status, "/b");
            assert_eq!(error.kind(), Kind::RedirectRefused);
            assert!(error.detail().contains("body must be sent again"), "{error}");
        }
        for status in [301, 302, 303] {
            Draft::post("http://a.test/").body(body).start().follows(status, "/b").sends("GET http://a.test/b");
        }
    }
}
