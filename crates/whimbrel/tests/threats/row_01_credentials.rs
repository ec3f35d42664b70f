//! Row 1: credentials and redirects. Whatever way a caller hands a credential over, no other origin sees it, and coming
//! back restores nothing.

use whimbrel::{Client, RequestBuilder};
use whimbrel_testkit::{Authority, Origin};

use crate::world::{self, SECRET, knows_the_secret, leading_to};

/// Every way, as a request for this URL.
fn ways(client: &Client, url: &str) -> Vec<(&'static str, RequestBuilder)> {
    let with_userinfo = url.replacen("://", "://user:hush@", 1);
    vec![
        ("basic_auth", client.get(url).basic_auth("user", SECRET)),
        ("bearer_auth", client.get(url).bearer_auth(SECRET)),
        ("Authorization", client.get(url).header("authorization", SECRET)),
        ("Cookie", client.get(url).header("Cookie", format!("sid={SECRET}"))),
        ("Proxy-Authorization", client.get(url).header("Proxy-Authorization", SECRET)),
        ("X-API-Key", client.get(url).header("X-API-Key", SECRET)),
        ("a marked field", client.get(url).secret_header("X-Mine", SECRET)),
        ("userinfo", client.get(&with_userinfo)),
    ]
}

/// The caller's own origin, and one that only differs in host, port, scheme or by a label.
struct Scene {
    client: Client,
    home: Origin,
    others: Vec<(&'static str, Origin, &'static str)>,
}

fn scene() -> Scene {
    let authority = Authority::new();
    Scene {
        client: world::builder().ca_pem(authority.ca_pem()).build().unwrap(),
        home: world::secure(&authority),
        others: vec![
            ("host", world::secure(&authority), "b.test"),
            ("port", world::secure(&authority), "a.test"),
            ("scheme", Origin::http(), "a.test"),
            ("subdomain", world::secure(&authority), "w.a.test"),
        ],
    }
}

#[test]
fn row_01_credentials_reach_their_own_origin() {
    let Scene { client, home, .. } = scene();
    let next = home.url_at("a.test", "/get");
    for (name, request) in ways(&client, &leading_to(&home, "a.test", &next)) {
        assert_eq!(request.send().unwrap().status(), 200, "{name}");
        let seen = home.requests();
        let shown = seen[seen.len() - 2..].iter().all(|seen| world::shows_the_secret(&seen.head));
        // Without a proxy, what is meant for one goes nowhere.
        assert_eq!(shown, name != "Proxy-Authorization", "{name}");
    }
}

#[test]
fn row_01_credentials_never_reach_another_origin() {
    let Scene { client, home, others } = scene();
    for (what, other, name) in &others {
        let next = other.url_at(name, "/anything");
        for (way, request) in ways(&client, &leading_to(&home, "a.test", &next)) {
            let response = request.send().unwrap();
            assert_eq!((response.status(), response.url()), (200, next.as_str()), "{way} over {what}");
        }
        assert_eq!(other.request_count(), 8, "{what}");
        assert!(!knows_the_secret(other), "over {what}: {:?}", other.requests());
    }
}

#[test]
fn row_01_coming_back_restores_nothing() {
    let Scene { client, home, others } = scene();
    let back = home.url_at("a.test", "/anything");
    for (what, other, name) in &others {
        let there = leading_to(other, name, &back);
        for (way, request) in ways(&client, &leading_to(&home, "a.test", &there)) {
            let response = request.send().unwrap();
            assert_eq!((response.url(), response.redirects()), (back.as_str(), 2), "{way} over {what}");
            let last = home.requests().pop().unwrap();
            assert_eq!(last.target, "/anything");
            assert!(!world::shows_the_secret(&last.head), "{way} over {what}: {last:?}");
        }
        assert!(!knows_the_secret(other), "over {what}");
    }
}

#[test]
fn row_01_a_kept_body_goes_along_without_the_credentials() {
    let Scene { client, home, others } = scene();
    let (_, other, name) = &others[0];
    let next = format!("{}&status_code=307", leading_to(&home, "a.test", &other.url_at(name, "/anything")));
    let response = client.post(&next).body("payload").basic_auth("user", SECRET).send().unwrap();
    assert_eq!(response.status(), 200);
    let seen = other.requests().pop().unwrap();
    assert_eq!((seen.method.as_str(), &seen.body[..]), ("POST", &b"payload"[..]));
    assert!(!knows_the_secret(other));
}
