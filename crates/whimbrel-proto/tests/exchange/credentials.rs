//! What never leaves its origin (threats row 1): scheme, host and port, and never again after the first hop away.

use crate::scenario::{Draft, Scenario};

const HOME: &str = "https://a.test:8443/";

/// Every way in which a caller hands over a credential; each holds `hush` or its Basic form.
fn secrets() -> Vec<(&'static str, Draft)> {
    let get = || Draft::get(HOME);
    vec![
        ("basic", get().basic("u", "hush")),
        ("bearer", get().bearer("hush")),
        ("userinfo", Draft::get("https://u:hush@a.test:8443/")),
        ("Authorization", get().field("authorization", "Basic hush")),
        ("Cookie", get().field("Cookie", "sid=hush")),
        ("X-API-Key", get().field("X-Api-Key", "hush")),
        ("X-Auth-Token", get().field("x-auth-token", "hush")),
        ("marked secret", get().secret("X-Mine", "hush").set(|spec| spec.secret_fields[0] = "x-MINE".into())),
    ]
}

fn shows(scenario: &Scenario) -> bool {
    // `u:hush` in Base64.
    scenario.head().contains("hush") || scenario.head().contains("dTpodXNo")
}

#[test]
fn row_01_credentials_go_to_their_origin_and_along_redirects_within_it() {
    for (name, draft) in secrets() {
        let scenario = draft.start();
        assert!(shows(&scenario), "{name}");
        for location in ["/next", "https://a.test:8443/other", "//A.Test:8443/", "https://u2:p2@a.test:8443/"] {
            let scenario = secrets().into_iter().find(|(other, _)| *other == name).unwrap().1.start();
            let scenario = scenario.follows(302, location);
            assert!(shows(&scenario) || location.contains("u2"), "{name} {location}: {}", scenario.head());
        }
    }
}

#[test]
fn row_01_credentials_never_reach_another_origin() {
    for (name, draft) in secrets() {
        for (what, location) in [
            ("host", "https://b.test:8443/"),
            ("port", "https://a.test:8444/"),
            ("default port", "https://a.test/"),
            ("scheme", "http://a.test:8443/"),
            ("subdomain", "https://w.a.test:8443/"),
            ("parent", "https://test:8443/"),
            ("trailing dot", "https://a.test.:8443/"),
        ] {
            for status in [301, 302, 303, 307, 308] {
                let scenario = draft.clone().start().follows(status, location);
                assert!(!shows(&scenario), "{name} over {what} by {status}: {}", scenario.head());
            }
        }
    }
}

#[test]
fn row_01_coming_back_restores_nothing() {
    for (name, draft) in secrets() {
        let scenario = draft.start().follows(302, "https://b.test/").follows(302, HOME).sends(&format!("GET {HOME}"));
        assert!(!shows(&scenario), "{name}: {}", scenario.head());
        let scenario = scenario.follows(302, "/again");
        assert!(!shows(&scenario), "{name}: {}", scenario.head());
    }
}

#[test]
fn the_callers_field_wins_over_the_option_and_that_over_the_urls() {
    let url = "http://url:u@a.test/";
    Draft::get(url).start().with("Authorization", "Basic dXJsOnU=").sends("GET http://a.test/");
    Draft::get(url).basic("opt", "o").start().with("Authorization", "Basic b3B0Om8=");
    Draft::get(url).basic("opt", "o").field("AUTHORIZATION", "Own 1").start().with("Authorization", "Own 1");
    // Also where the redirect within the origin brings a name of its own.
    let scenario = Draft::get(url).basic("opt", "o").start().follows(302, "http://x:y@a.test/");
    scenario.with("Authorization", "Basic b3B0Om8=");
}

#[test]
fn the_userinfo_of_a_location_is_its_own_origins() {
    Draft::get("http://a.test/")
        .basic("u", "hush")
        .start()
        .follows(302, "http://b:c@b.test/")
        .sends("GET http://b.test/")
        .with("Authorization", "Basic Yjpj")
        .follows(302, "http://c.test/")
        .without("Authorization");
}

#[test]
fn a_host_of_the_callers_own_is_sent_only_at_home() {
    Draft::get("http://a.test/")
        .field("hOst", "virtual.test")
        .start()
        .with("Host", "virtual.test")
        .follows(302, "/b")
        .with("Host", "virtual.test")
        .follows(302, "http://b.test/")
        .with("Host", "b.test")
        .follows(302, "http://a.test/")
        .with("Host", "a.test");
}

#[test]
fn other_fields_go_along_in_their_order_and_case() {
    let scenario = Draft::get("http://a.test/")
        .field("X-b", "1")
        .field("User-agent", "mine")
        .field("x-A", "2")
        .field("X-B", "3")
        .start()
        .follows(302, "http://b.test:81/p");
    let expected = "GET /p HTTP/1.1\r\nHost: b.test:81\r\nAccept: */*\r\nAccept-Encoding: gzip, br, zstd\r\nX-b: 1\r\n\
                    User-agent: mine\r\nx-A: 2\r\nX-B: 3\r\n\r\n";
    assert_eq!(scenario.head(), expected);
}

/// The small list under the threats table: secrets in `Debug`.
#[test]
fn debug_shows_no_secret_of_a_request() {
    for (name, draft) in secrets() {
        let scenario = draft.start();
        assert!(!format!("{:?}", scenario.exchange).contains("hush"), "{name}: {:?}", scenario.exchange);
    }
    let proxied = Draft::get("http://a.test/").proxy("http://u:hush@p.test").start();
    assert!(!format!("{:?}", proxied.exchange).contains("hush"));
}

#[test]
fn row_09_a_jars_cookies_and_the_callers_make_one_field_and_the_callers_stay_at_home() {
    let cookies = |scenario: &Scenario, jar: Option<&str>| {
        let mut out = Vec::new();
        scenario.exchange.write_hop_head(&mut out, jar).unwrap();
        let head = String::from_utf8(out).unwrap();
        let lines = head.lines().filter_map(|line| line.strip_prefix("Cookie: "));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let jar = Some("a=jar; b=jar; nameless");
    let scenario = Draft::get(HOME).field("Cookie", "a=mine; c=mine;").start();
    assert_eq!(cookies(&scenario, None), ["a=mine; c=mine;"]);
    assert_eq!(cookies(&scenario, jar), ["a=mine; c=mine; b=jar; nameless"]);
    let scenario = scenario.follows(302, "https://b.test/");
    assert_eq!(cookies(&scenario, jar), ["a=jar; b=jar; nameless"]);
    assert!(cookies(&scenario, None).is_empty());
    let scenario = Draft::get(HOME).set(|spec| spec.without.push("cookie".into())).start();
    assert!(cookies(&scenario, jar).is_empty());
}
