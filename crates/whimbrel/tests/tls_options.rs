//! `TlsOptions`, one after the other, against whole servers: what is taken, what is refused, and in which words.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use whimbrel::{Client, ClientBuilder, Kind, Response, Result, TlsOptions, TlsVersion};
use whimbrel_testkit::{Authority, Identity, Origin, Proxy, TlsVersions};

/// Every name is on loopback; what hangs fails rather than blocks.
fn builder() -> ClientBuilder {
    let resolver = |_: &str| Ok(vec![IpAddr::from(Ipv4Addr::LOCALHOST)]);
    Client::builder().no_proxy().total_timeout(Duration::from_secs(20)).resolver(resolver)
}

fn client() -> Client {
    builder().build().unwrap()
}

fn origin(identity: Identity) -> Origin {
    Origin::builder().tls(identity).start().unwrap()
}

fn get(origin: &Origin, host: &str, options: &TlsOptions) -> Result<Response> {
    client().get(&origin.url_at(host, "/get")).tls(options.clone()).send()
}

#[track_caller]
fn taken(origin: &Origin, host: &str, options: &TlsOptions) {
    let before = origin.request_count();
    assert_eq!(get(origin, host, options).unwrap().status(), 200);
    assert_eq!(origin.request_count(), before + 1);
}

#[track_caller]
fn refused(origin: &Origin, host: &str, options: &TlsOptions, detail: &str) {
    let before = origin.request_count();
    let error = get(origin, host, options).unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Certificate, "tls-certificate"), "{error}");
    assert!(error.to_string().contains(detail), "{error}");
    assert_eq!(origin.request_count(), before);
}

#[track_caller]
fn mistaken(origin: &Origin, options: &TlsOptions, detail: &str) {
    let error = get(origin, "a.test", options).unwrap_err();
    assert_eq!(error.kind(), Kind::Input, "{error}");
    assert!(error.to_string().contains(detail), "{error}");
    assert_eq!(origin.request_count(), 0);
}

fn trusting(authority: &Authority) -> TlsOptions {
    TlsOptions::new().only_roots(authority.ca_pem())
}

const UNTRUSTED: &str = "the certificate's issuer is not trusted";

mod roots {
    use super::*;

    #[test]
    fn only_roots_trusts_these_and_nobody_else() {
        let (ours, theirs) = (Authority::new(), Authority::new());
        let origin = origin(ours.issue(&["a.test"]));
        taken(&origin, "a.test", &trusting(&ours));
        refused(&origin, "a.test", &trusting(&theirs), UNTRUSTED);
        refused(&origin, "a.test", &TlsOptions::new(), UNTRUSTED);
        refused(&origin, "b.test", &trusting(&ours), "the certificate is not for b.test but for a.test");
        taken(&origin, "a.test", &TlsOptions::new().only_roots(theirs.ca_pem() + &ours.ca_pem()));
    }

    #[test]
    fn extra_roots_add_to_those_that_are_trusted() {
        let (one, two, three) = (Authority::new(), Authority::new(), Authority::new());
        let both = trusting(&one).extra_roots(two.ca_pem());
        taken(&origin(one.issue(&["a.test"])), "a.test", &both);
        taken(&origin(two.issue(&["a.test"])), "a.test", &both);
        taken(&origin(two.issue(&["a.test"])), "a.test", &TlsOptions::new().extra_roots(two.ca_pem()));
        refused(&origin(three.issue(&["a.test"])), "a.test", &both, UNTRUSTED);
        // The second call takes the place of the first.
        refused(&origin(two.issue(&["a.test"])), "a.test", &both.extra_roots(three.ca_pem()), UNTRUSTED);
    }

    #[test]
    fn an_authority_between_is_found_in_what_the_server_sends_or_trusted_itself() {
        let root = Authority::new();
        let between = root.issue_authority();
        let origin = origin(between.issue(&["a.test"]));
        taken(&origin, "a.test", &trusting(&root));
        taken(&origin, "a.test", &trusting(&between));
    }

    #[test]
    fn options_of_a_client_hold_for_its_requests_and_those_of_a_request_instead_of_them() {
        let (ours, theirs) = (Authority::new(), Authority::new());
        let origin = origin(ours.issue(&["a.test"]));
        let url = origin.url_at("a.test", "/get");
        let client = builder().tls(trusting(&ours)).build().unwrap();
        assert_eq!(client.get(&url).send().unwrap().status(), 200);
        let error = client.get(&url).tls(trusting(&theirs)).send().unwrap_err();
        assert_eq!(error.kind(), Kind::Certificate);
        // What comes after adds to them.
        assert_eq!(client.get(&url).tls(trusting(&theirs)).ca_pem(ours.ca_pem()).send().unwrap().status(), 200);
    }

    #[test]
    fn roots_that_are_no_certificates_are_mistakes() {
        let origin = origin(Authority::new().issue(&["a.test"]));
        for pem in ["", "not PEM", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"] {
            mistaken(&origin, &TlsOptions::new().only_roots(pem), "in PEM form");
            mistaken(&origin, &TlsOptions::new().extra_roots(pem), "in PEM form");
        }
    }
}

/// A server that shows the caller's own root: made by tools that make one certificate for everything.
mod own_certificate {
    use super::*;

    #[test]
    fn a_self_signed_authority_is_taken_where_it_is_the_callers_own_root() {
        let own = Authority::issue_self_signed_authority(&["a.test", "127.0.0.1"]);
        for versions in [TlsVersions::Only12, TlsVersions::Only13] {
            let origin = Origin::builder().tls(own.clone()).tls_versions(versions).start().unwrap();
            for options in [
                TlsOptions::new().only_roots(own.cert_chain_pem()),
                TlsOptions::new().extra_roots(own.cert_chain_pem()),
                trusting(&Authority::new()).extra_roots(own.cert_chain_pem()),
            ] {
                taken(&origin, "a.test", &options);
                taken(&origin, "127.0.0.1", &options);
                refused(&origin, "b.test", &options, "the certificate is not for b.test but for a.test, 127.0.0.1");
                taken(&origin, "b.test", &options.clone().server_name("a.test"));
                taken(&origin, "b.test", &options.danger_accept_invalid_names(true));
            }
        }
    }

    #[test]
    fn one_that_is_no_authority_is_taken_likewise() {
        let own = Authority::issue_self_signed(&["a.test"]);
        let options = TlsOptions::new().only_roots(own.cert_chain_pem());
        taken(&origin(own.clone()), "a.test", &options);
        refused(&origin(own), "b.test", &options, "not for b.test");
    }

    #[test]
    fn a_servers_certificate_is_a_root_without_its_authority() {
        let authority = Authority::new();
        let identity = authority.issue(&["a.test"]);
        let options = TlsOptions::new().only_roots(identity.cert_chain_pem());
        taken(&origin(identity.clone()), "a.test", &options);
        refused(&origin(identity), "b.test", &options, "not for b.test");
        refused(&origin(authority.issue(&["a.test"])), "a.test", &options, UNTRUSTED);
        let old = authority.issue_expired(&["a.test"]);
        let options = TlsOptions::new().only_roots(old.cert_chain_pem());
        refused(&origin(old), "a.test", &options, "the certificate has expired");
    }

    #[test]
    fn one_without_alternative_names_has_its_common_name() {
        for (name, others) in [("a.test", ["b.test", "w.a.test"]), ("127.0.0.1", ["a.test", "127.0.0.2"])] {
            let own = Authority::issue_self_signed_authority_of_common_name(name);
            let options = TlsOptions::new().only_roots(own.cert_chain_pem());
            let origin = origin(own);
            taken(&origin, name, &options);
            taken(&origin, "c.test", &options.clone().server_name(name));
            for other in others {
                let detail = format!("the certificate is not for {other}: it has no alternative name");
                refused(&origin, "c.test", &options.clone().server_name(other), &detail);
            }
        }
        // Where there are alternative names, they are all.
        let own = Authority::issue_self_signed_authority(&["b.test"]);
        let options = TlsOptions::new().only_roots(own.cert_chain_pem());
        refused(&origin(own), "a.test", &options, "not for a.test but for b.test");
    }

    #[test]
    fn an_expired_one_is_refused_whatever_names_are_taken() {
        let own = Authority::issue_expired_self_signed_authority(&["a.test"]);
        let options = TlsOptions::new().only_roots(own.cert_chain_pem());
        let origin = origin(own);
        refused(&origin, "a.test", &options, "the certificate has expired");
        refused(&origin, "b.test", &options.danger_accept_invalid_names(true), "the certificate has expired");
    }

    #[test]
    fn another_of_the_same_subject_is_refused() {
        let [own, other] = [(); 2].map(|()| Authority::issue_self_signed_authority(&["a.test"]));
        let options = TlsOptions::new().only_roots(own.cert_chain_pem());
        refused(&origin(other.clone()), "a.test", &options, "");
        // Nor when the right one is sent along.
        refused(&origin(other.followed_by(&own)), "a.test", &options, "");
    }

    #[test]
    fn it_must_be_the_callers_and_not_only_trusted_by_somebody() {
        let own = Authority::issue_self_signed_authority(&["a.test"]);
        refused(&origin(own.clone()), "a.test", &TlsOptions::new(), "");
        refused(&origin(own), "a.test", &trusting(&Authority::new()), "");
        // What the caller's root signed is no root of the caller's.
        let root = Authority::new();
        let between = root.issue_authority();
        let shown = between.issue(&["a.test"]);
        taken(&origin(shown), "a.test", &trusting(&root));
    }
}

mod names {
    use super::*;

    #[test]
    fn the_server_name_takes_the_place_of_the_hosts_in_sni_and_certificate() {
        let authority = Authority::new();
        let origin = origin(authority.issue(&["b.test", "127.0.0.1", "::1", "xn--bcher-kva.test"]));
        for (name, asked) in [
            ("b.test", Some("b.test")),
            ("B.Test", Some("b.test")),
            ("b.test.", Some("b.test")),
            ("bücher.test", Some("xn--bcher-kva.test")),
            ("127.0.0.1", None),
            ("::1", None),
            ("[::1]", None),
        ] {
            taken(&origin, "a.test", &trusting(&authority).server_name(name));
            let seen = origin.requests().pop().unwrap();
            assert_eq!(seen.server_name.as_deref(), asked, "{name}");
            assert_eq!(seen.field("Host"), Some(&*format!("a.test:{}", origin.addr().port())));
        }
        refused(&origin, "b.test", &trusting(&authority).server_name("a.test"), "not for a.test but for b.test");
        taken(&origin, "b.test", &trusting(&authority).server_name("a.test").server_name(""));
    }

    #[test]
    fn a_server_name_that_is_none_is_a_mistake() {
        let authority = Authority::new();
        let origin = origin(authority.issue(&["a.test"]));
        for name in ["a b", "a.test:443", "https://a.test", "[::1", "a/b"] {
            let detail = format!("the TLS server name {name:?} is neither a host name nor an IP address");
            mistaken(&origin, &trusting(&authority).server_name(name), &detail);
            let error = builder().tls(TlsOptions::new().server_name(name)).build().unwrap_err();
            assert_eq!(error.kind(), Kind::Input);
        }
        assert_eq!(origin.connections(), 0);
    }

    #[test]
    fn any_name_is_taken_but_no_other_chain() {
        let (ours, theirs) = (Authority::new(), Authority::new());
        let options = trusting(&ours).danger_accept_invalid_names(true);
        taken(&origin(ours.issue(&["b.test"])), "a.test", &options);
        taken(&origin(ours.issue(&["b.test"])), "127.0.0.1", &options);
        taken(&origin(ours.issue_authority().issue(&["b.test"])), "a.test", &options);
        for (identity, detail) in [
            (theirs.issue(&["b.test"]), UNTRUSTED),
            (theirs.issue(&["b.test"]).followed_by(&ours.issue(&["a.test"])), UNTRUSTED),
            (ours.issue_expired(&["b.test"]), "the certificate has expired"),
            (ours.issue_client("b.test"), ""),
            (Authority::issue_self_signed(&["b.test"]), UNTRUSTED),
            (Authority::issue_self_signed_authority(&["b.test"]), "authority's own certificate"),
        ] {
            refused(&origin(identity), "a.test", &options, detail);
        }
    }

    #[test]
    fn what_was_taken_under_any_name_is_not_trusted_afterwards() {
        let authority = Authority::new();
        let origin = origin(authority.issue(&["b.test"]));
        let client = client();
        let url = origin.url_at("a.test", "/get");
        for _ in 0..2 {
            let lenient = trusting(&authority).danger_accept_invalid_names(true);
            client.get(&url).tls(lenient).send().unwrap().into_bytes().unwrap();
            let error = client.get(&url).tls(trusting(&authority)).send().unwrap_err();
            assert_eq!(error.kind(), Kind::Certificate);
        }
        assert_eq!(origin.connections(), 3);
    }
}

mod pins {
    use super::*;

    fn pinned(authority: &Authority, pins: &[&str]) -> TlsOptions {
        trusting(authority).pinned_keys(pins).unwrap()
    }

    const NO_PIN: &str = "none of the pinned keys is in the server's chain";

    #[test]
    fn the_key_of_the_server_of_an_authority_between_and_of_the_root_all_count() {
        let (root, other) = (Authority::new(), Authority::new());
        let between = root.issue_authority();
        let identity = between.issue(&["a.test"]);
        let origin = origin(identity.clone());
        for pin in [identity.pin(), between.pin(), root.pin()] {
            taken(&origin, "a.test", &pinned(&root, &[&pin]));
            taken(&origin, "a.test", &pinned(&root, &[&other.pin(), &pin]));
            taken(&origin, "a.test", &pinned(&root, &[pin.strip_prefix("sha256/").unwrap()]));
            refused(&origin, "b.test", &pinned(&root, &[&pin]), "not for b.test");
            taken(&origin, "b.test", &pinned(&root, &[&pin]).danger_accept_invalid_names(true));
            refused(&origin, "a.test", &pinned(&other, &[&pin]), UNTRUSTED);
        }
        for pin in [other.pin(), between.issue(&["a.test"]).pin(), root.issue_authority().pin()] {
            refused(&origin, "a.test", &pinned(&root, &[&pin]), NO_PIN);
            refused(&origin, "b.test", &pinned(&root, &[&pin]).danger_accept_invalid_names(true), NO_PIN);
        }
        taken(&origin, "a.test", &pinned(&root, &[]));
    }

    #[test]
    fn a_callers_own_certificate_counts_when_it_is_shown() {
        let own = Authority::issue_self_signed_authority(&["a.test"]);
        let options = TlsOptions::new().only_roots(own.cert_chain_pem());
        let origin = origin(own.clone());
        taken(&origin, "a.test", &options.clone().pinned_keys([own.pin()]).unwrap());
        refused(&origin, "a.test", &options.pinned_keys([Authority::new().pin()]).unwrap(), NO_PIN);
    }

    #[test]
    fn pins_that_are_none_are_mistakes_that_say_so() {
        let short = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==";
        let url_safe = "sha256/-_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        for pin in ["", "sha256/", "sha1/AAAAAAAAAAAAAAAAAAAAAAAAAAA=", short, url_safe, "sha256/a b"] {
            let error = TlsOptions::new().pinned_keys([pin]).unwrap_err();
            assert_eq!(error.kind(), Kind::Input);
            assert!(error.to_string().contains("is not the SHA-256 of a public key"), "{error}");
        }
        // curl's form, also where the hash begins with a slash.
        let slash = "/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
        let forms = [slash.to_owned(), format!("sha256/{slash}"), format!("sha256//{slash}")];
        let [one, two, three] = forms.map(|pin| TlsOptions::new().pinned_keys([pin]).unwrap());
        assert!(one == two && two == three);
    }

    #[test]
    fn pins_without_verification_are_a_mistake() {
        let authority = Authority::new();
        let identity = authority.issue(&["a.test"]);
        let origin = origin(identity.clone());
        let options = pinned(&authority, &[&identity.pin()]).danger_accept_invalid_certs(true);
        mistaken(&origin, &options, "exclude each other");
        assert_eq!(origin.connections(), 0);
        let error = builder().tls(options.clone()).build().unwrap_err();
        assert_eq!(error.kind(), Kind::Input);
        taken(&origin, "a.test", &options.danger_accept_invalid_certs(false));
    }

    #[test]
    fn other_pins_never_share_a_connection() {
        let authority = Authority::new();
        let identity = authority.issue(&["a.test"]);
        let origin = origin(identity.clone());
        let client = client();
        let ask = |pin: &str| {
            let request = client.get(&origin.url_at("a.test", "/get")).tls(pinned(&authority, &[pin]));
            request.send().map(|response| response.into_bytes().unwrap()).map_err(|error| error.kind())
        };
        assert!(ask(&identity.pin()).is_ok());
        assert_eq!(ask(&Authority::new().pin()), Err(Kind::Certificate));
        assert!(ask(&identity.pin()).is_ok());
        assert!(ask(&authority.pin()).is_ok());
        assert_eq!(origin.connections(), 3);
    }
}

mod versions {
    use super::*;

    #[test]
    fn the_minimum_decides_which_servers_are_spoken_to() {
        let authority = Authority::new();
        let start =
            |versions| Origin::builder().tls(authority.issue(&["a.test"])).tls_versions(versions).start().unwrap();
        for (versions, seen_12, seen_13) in [
            (TlsVersions::Only12, Some("1.2"), None),
            (TlsVersions::Both, Some("1.3"), Some("1.3")),
            (TlsVersions::Only13, Some("1.3"), Some("1.3")),
        ] {
            let origin = start(versions);
            for (minimum, seen) in [(TlsVersion::Tls12, seen_12), (TlsVersion::Tls13, seen_13)] {
                let result = get(&origin, "a.test", &trusting(&authority).min_version(minimum));
                assert_eq!(result.is_ok(), seen.is_some(), "{versions:?}, {minimum:?}");
                match result {
                    Ok(_) => assert_eq!(origin.requests().pop().unwrap().tls_version, seen),
                    Err(error) => {
                        assert_eq!((error.kind(), error.code()), (Kind::Tls, "tls"));
                        assert!(error.to_string().contains("no TLS version in common"), "{error}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_minimum_holds_without_verification_too() {
        let origin = Origin::builder()
            .tls(Authority::issue_self_signed(&["a.test"]))
            .tls_versions(TlsVersions::Only12)
            .start()
            .unwrap();
        let options = TlsOptions::new().danger_accept_invalid_certs(true);
        taken(&origin, "a.test", &options);
        let error = get(&origin, "a.test", &options.min_version(TlsVersion::Tls13)).unwrap_err();
        assert_eq!(error.kind(), Kind::Tls);
    }
}

mod revocation {
    use super::*;

    const REVOKED: &str = "the certificate was revoked";

    /// The DER in a PEM of one block.
    fn der(pem: &str) -> Vec<u8> {
        use base64::Engine as _;
        let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
        base64::engine::general_purpose::STANDARD.decode(body).unwrap()
    }

    #[test]
    fn a_certificate_on_a_list_of_its_issuer_is_refused_and_no_other() {
        let authority = Authority::new();
        let [revoked, good] = [(); 2].map(|()| authority.issue(&["a.test"]));
        let list = authority.revocation_list(&[revoked.serial()]);
        let outdated = authority.outdated_revocation_list(&[revoked.serial()]);
        let several = Authority::new().revocation_list(&[]) + &list;
        let (revoked, good) = (origin(revoked), origin(good));
        for bytes in [list.as_bytes(), &der(&list), outdated.as_bytes(), several.as_bytes()] {
            let options = trusting(&authority).revocation_list(bytes);
            refused(&revoked, "a.test", &options, REVOKED);
            refused(&revoked, "b.test", &options.clone().danger_accept_invalid_names(true), REVOKED);
            taken(&good, "a.test", &options);
        }
        taken(&revoked, "a.test", &trusting(&authority));
    }

    #[test]
    fn each_call_adds_a_list() {
        let authority = Authority::new();
        let identity = authority.issue(&["a.test"]);
        let list = authority.revocation_list(&[identity.serial()]);
        let other = Authority::new().revocation_list(&[identity.serial()]);
        let origin = origin(identity);
        let options = trusting(&authority);
        refused(&origin, "a.test", &options.clone().revocation_list(&*other).revocation_list(&*list), REVOKED);
        refused(&origin, "a.test", &options.clone().revocation_list(&*list).revocation_list(&*other), REVOKED);
        // Somebody else's list says nothing of this authority's numbers.
        taken(&origin, "a.test", &options.revocation_list(other));
    }

    #[test]
    fn an_authority_between_can_be_revoked_too() {
        let root = Authority::new();
        let between = root.issue_authority();
        let origin = origin(between.issue(&["a.test"]));
        let options = trusting(&root).revocation_list(root.revocation_list(&[between.serial()]));
        refused(&origin, "a.test", &options, REVOKED);
        taken(&origin, "a.test", &trusting(&root).revocation_list(root.revocation_list(&[])));
    }

    #[test]
    fn a_list_that_its_issuer_did_not_sign_is_an_error_rather_than_nothing() {
        let authority = Authority::new();
        let identity = authority.issue(&["a.test"]);
        let mut list = der(&authority.revocation_list(&[]));
        *list.last_mut().unwrap() ^= 1;
        let options = trusting(&authority).revocation_list(list);
        refused(&origin(identity), "a.test", &options, "a revocation list can't be used for this chain");
    }

    #[test]
    fn a_revoked_certificate_is_refused_even_as_the_callers_own_root() {
        let authority = Authority::new();
        let identity = authority.issue(&["a.test"]);
        let list = authority.revocation_list(&[identity.serial()]);
        let options = trusting(&authority).extra_roots(identity.cert_chain_pem());
        taken(&origin(identity.clone()), "a.test", &options);
        refused(&origin(identity), "a.test", &options.revocation_list(list), REVOKED);
    }

    #[test]
    fn lists_that_are_none_are_mistakes() {
        let authority = Authority::new();
        let origin = origin(authority.issue(&["a.test"]));
        let wrong = "-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n";
        for list in ["", "text", "\u{30}\u{3}abc", wrong, &authority.ca_pem()] {
            mistaken(&origin, &trusting(&authority).revocation_list(list), "the revocation list");
        }
    }
}

#[test]
fn a_client_certificate_is_shown_to_the_origin_that_asks() {
    let authority = Authority::new();
    let identity = authority.issue_client("somebody");
    for versions in [TlsVersions::Only12, TlsVersions::Only13] {
        let builder = Origin::builder().tls(authority.issue(&["a.test"])).tls_versions(versions);
        let origin = builder.client_auth(&authority).start().unwrap();
        taken(
            &origin,
            "a.test",
            &trusting(&authority).client_certificate(identity.cert_chain_pem(), identity.key_pem()),
        );
        assert!(origin.requests().pop().unwrap().client_certificate);
        assert_eq!(get(&origin, "a.test", &trusting(&authority)).unwrap_err().kind(), Kind::Tls);
    }
}

#[test]
fn an_https_proxy_is_verified_for_itself_without_the_origins_name_pins_and_client_certificate() {
    let authority = Authority::new();
    let identity = authority.issue(&["inner.test"]);
    let origin = Origin::builder().tls(identity.clone()).client_auth(&authority).start().unwrap();
    let target = format!("a.test:{}", origin.addr().port());
    let proxy = Proxy::builder().tls(authority.issue(&["127.0.0.1"])).map(&target, origin.addr()).start().unwrap();
    let somebody = authority.issue_client("somebody");
    let options = trusting(&authority)
        .server_name("inner.test")
        .pinned_keys([identity.pin()])
        .unwrap()
        .client_certificate(somebody.cert_chain_pem(), somebody.key_pem());
    let send =
        |options: TlsOptions| client().get(&origin.url_at("a.test", "/get")).proxy(&proxy.url()).tls(options).send();
    assert_eq!(send(options.clone()).unwrap().status(), 200);
    assert_eq!(origin.requests().pop().unwrap().server_name.as_deref(), Some("inner.test"));
    let error = send(options.pinned_keys([Authority::new().pin()]).unwrap()).unwrap_err();
    assert_eq!(error.kind(), Kind::Certificate, "{error}");
    let error = send(TlsOptions::new()).unwrap_err();
    assert_eq!((error.kind(), origin.request_count()), (Kind::Certificate, 1), "{error}");
}

#[test]
fn options_are_equal_when_they_say_the_same_and_show_no_secret() {
    let identity = Authority::new().issue_client("somebody");
    assert_eq!(TlsOptions::new(), TlsOptions::default());
    let back = TlsOptions::new().danger_accept_invalid_certs(true).danger_accept_invalid_certs(false).server_name("");
    assert_eq!(back, TlsOptions::new());
    let with = |key: String| TlsOptions::new().client_certificate(identity.cert_chain_pem(), key);
    assert_eq!(with(identity.key_pem()), with(identity.key_pem()));
    assert_ne!(with(identity.key_pem()), with("another".into()));
    let text = format!("{:?}", with("the key".into()).only_roots("roots").server_name("a.test"));
    assert!(text.contains("a.test") && !text.contains("the key") && !text.contains("116, 104, 101"), "{text}");
}
