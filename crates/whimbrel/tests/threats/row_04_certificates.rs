//! Row 4: which certificates are taken, by which pins, and which name is asked for.

use whimbrel::{Kind, TlsOptions};
use whimbrel_testkit::{Authority, Identity, Origin, TlsVersions};

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

/// A certificate that the server merely sends along is not in the chain that was verified (OkHttp's CVE-2016-2402).
#[test]
fn row_04_a_pinned_certificate_that_is_only_appended_counts_for_nothing() {
    let (pinned, attacker) = (Authority::new(), Authority::new());
    let between = pinned.issue_authority();
    let victim = between.issue(&["a.test"]);
    let own = || attacker.issue(&["a.test"]);
    // Both are trusted; only one is pinned, at every place of its chain.
    let trusted = TlsOptions::new().only_roots(pinned.ca_pem() + &attacker.ca_pem());
    let pins = [pinned.pin(), between.pin(), victim.pin()];
    let options = |pins: &[String]| trusted.clone().pinned_keys(pins).unwrap();
    let client = world::client();
    let send = |origin: &Origin, options: TlsOptions| {
        client.get(&origin.url_at("a.test", "/get")).basic_auth("user", world::SECRET).tls(options).send()
    };
    let good = origin(victim.clone());
    for pin in &pins {
        assert_eq!(send(&good, options(std::slice::from_ref(pin))).unwrap().status(), 200);
    }
    for (name, identity) in [
        ("nothing appended", own()),
        ("the victim's chain appended", own().followed_by(&victim)),
        ("the pinned root appended", own().followed_by_certificate(pinned.ca_der())),
        ("the pinned key under the issuer's name", own().followed_by_certificate(attacker.forge(&pinned))),
        ("the same of the authority between", own().followed_by_certificate(attacker.forge(&between))),
        ("an authority between of its own", attacker.issue_authority().issue(&["a.test"]).followed_by(&victim)),
    ] {
        let origin = origin(identity);
        for pins in [&pins[..], &pins[..1], &pins[1..2], &pins[2..]] {
            let error = send(&origin, options(pins)).unwrap_err();
            assert_eq!((error.kind(), error.code()), (Kind::Certificate, "tls-certificate"), "{name}: {error}");
            assert!(error.to_string().contains("none of the pinned keys is in the server's chain"), "{name}: {error}");
        }
        assert_eq!(origin.request_count(), 0, "{name}");
        // It is the pins alone that refuse it.
        assert_eq!(send(&origin, trusted.clone()).unwrap().status(), 200, "{name}");
    }
}

#[test]
fn row_04_resumed_sessions_obey_pins() {
    for versions in [TlsVersions::Only12, TlsVersions::Only13] {
        let authority = Authority::new();
        let identity = authority.issue(&["a.test"]);
        let origin = Origin::builder().tls(identity.clone()).tls_versions(versions).start().unwrap();
        // Every request makes a connection of its own, and resumes if it may.
        let client = world::builder().max_idle(0).build().unwrap();
        let trusted = TlsOptions::new().only_roots(authority.ca_pem());
        let send = |options: &TlsOptions| {
            client.get(&origin.url_at("a.test", "/get")).tls(options.clone()).send().map(|response| {
                response.into_bytes().unwrap();
            })
        };
        let pinned = trusted.clone().pinned_keys([identity.pin()]).unwrap();
        let mispinned = trusted.clone().pinned_keys([Authority::new().pin()]).unwrap();
        for round in 0..3 {
            send(&trusted).unwrap();
            send(&pinned).unwrap();
            let error = send(&mispinned).unwrap_err();
            assert_eq!(error.kind(), Kind::Certificate, "round {round}: {error}");
        }
        assert_eq!(origin.request_count(), 6);
        assert!(origin.requests().iter().any(|seen| seen.tls_resumed), "nothing was resumed, so nothing was tested");
    }
}

#[test]
fn row_04_a_name_given_instead_of_the_hosts_keeps_the_same_rules() {
    let authority = Authority::new();
    let origin = origin(authority.issue(&["localhost", "a.test"]));
    let trusted = TlsOptions::new().only_roots(authority.ca_pem());
    let client = world::client();
    let send = |host: &str, name: &str| {
        let request = client.get(&origin.url_at(host, "/get")).tls(trusted.clone().server_name(name));
        request.send().map(|_| origin.requests().pop().unwrap().server_name).map_err(|error| error.kind())
    };
    assert_eq!(send("127.0.0.1", "localhost"), Ok(Some("localhost".into())));
    assert_eq!(send("b.test", "a.test."), Ok(Some("a.test".into())));
    // An address is no name, and its certificate must have it as an address.
    for name in ["127.0.0.1", "::1", "[::1]"] {
        assert_eq!(send("a.test", name), Err(Kind::Certificate), "{name}");
    }
}
