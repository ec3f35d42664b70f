//! Row 4, without pins: which certificates are taken, and which name is asked for.

use whimbrel::Kind;
use whimbrel_testkit::{Authority, Identity, Origin};

use crate::world;

fn origin(identity: Identity) -> Origin {
    Origin::builder().tls(identity).start().unwrap()
}

#[test]
fn row_04_certificates_that_do_not_verify_are_refused_before_a_byte_of_the_request() {
    let (trusted, attacker) = (Authority::new(), Authority::new());
    for (name, identity) in [
        ("another authority", attacker.issue(&["a.test"])),
        ("another authority, ours appended", attacker.issue(&["a.test"]).followed_by(&trusted.issue(&["a.test"]))),
        ("self-signed", Authority::issue_self_signed(&["a.test"])),
        ("expired", trusted.issue_expired(&["a.test"])),
        ("another name", trusted.issue(&["b.test"])),
        ("a label more", trusted.issue(&["w.a.test"])),
        ("a wildcard below", trusted.issue(&["*.a.test"])),
        ("a wildcard of a whole domain", trusted.issue(&["*.test", "*"])),
        ("a client's", trusted.issue_client("a.test")),
    ] {
        let origin = origin(identity);
        let client = world::builder().ca_pem(trusted.ca_pem()).build().unwrap();
        let result = client.get(&origin.url_at("a.test", "/get")).basic_auth("user", world::SECRET).send();
        let error = result.unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Certificate, "tls-certificate"), "{name}: {error}");
        assert_eq!(origin.request_count(), 0, "{name}");
    }
}

#[test]
fn row_04_a_wildcard_stands_for_one_label_of_one_site() {
    let authority = Authority::new();
    let client = world::builder().ca_pem(authority.ca_pem()).build().unwrap();
    let origin = origin(authority.issue(&["*.a.test"]));
    assert_eq!(client.get(&origin.url_at("w.a.test", "/get")).send().unwrap().status(), 200);
    for host in ["a.test", "v.w.a.test", "w.b.test"] {
        let error = client.get(&origin.url_at(host, "/get")).send().unwrap_err();
        assert_eq!(error.kind(), Kind::Certificate, "{host}: {error}");
    }
}

#[test]
fn row_04_an_address_is_verified_as_an_address_and_a_name_as_a_name() {
    let authority = Authority::new();
    let client = world::builder().ca_pem(authority.ca_pem()).build().unwrap();
    for (names, host, is_good) in [
        (&["localhost"][..], "127.0.0.1", false),
        (&["127.0.0.1"], "127.0.0.1", true),
        (&["127.0.0.1"], "localhost", false),
        (&["localhost"], "localhost", true),
        (&["a.test"], "a.test.", true),
    ] {
        let origin = origin(authority.issue(names));
        let result = client.get(&origin.url_at(host, "/get")).send();
        assert_eq!(result.is_ok(), is_good, "{names:?} for {host}: {result:?}");
        if let Err(error) = result {
            assert_eq!(error.kind(), Kind::Certificate, "{error}");
        }
    }
}

#[test]
fn row_04_the_name_asked_for_is_the_hosts_never_an_address_and_without_a_trailing_dot() {
    let authority = Authority::new();
    let origin = world::secure(&authority);
    let client = world::builder().ca_pem(authority.ca_pem()).build().unwrap();
    for (host, asked) in [("a.test", Some("a.test")), ("A.Test", Some("a.test")), ("a.test.", Some("a.test"))] {
        client.get(&origin.url_at(host, "/get")).send().unwrap();
        assert_eq!(origin.requests().pop().unwrap().server_name.as_deref(), asked, "{host}");
    }
    client.get(&origin.url("/get")).send().unwrap();
    assert_eq!(origin.requests().pop().unwrap().server_name, None);
    // A Host of the caller's own changes neither.
    client.get(&origin.url_at("a.test", "/get")).header("Host", "b.test").send().unwrap();
    let seen = origin.requests().pop().unwrap();
    assert_eq!((seen.server_name.as_deref(), seen.field("Host")), (Some("a.test"), Some("b.test")));
}

#[test]
fn row_04_a_resumed_session_belongs_to_the_name_that_was_verified() {
    let authority = Authority::new();
    let origin = origin(authority.issue(&["a.test"]));
    let client = world::builder().ca_pem(authority.ca_pem()).max_idle(0).build().unwrap();
    for _ in 0..3 {
        client.get(&origin.url_at("a.test", "/get")).send().unwrap().into_bytes().unwrap();
        let error = client.get(&origin.url_at("b.test", "/get")).send().unwrap_err();
        assert_eq!(error.kind(), Kind::Certificate, "{error}");
    }
    assert_eq!(origin.request_count(), 3);
}
