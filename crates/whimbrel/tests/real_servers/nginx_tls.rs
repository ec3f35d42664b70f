//! nginx and OpenSSL: versions of TLS, sessions that are resumed, client certificates.

use whimbrel::{Client, Kind};
use whimbrel_testkit::Authority;

use crate::field;
use crate::nginx::Nginx;
use crate::server::{Folder, free_port};

const SAY: &str = "location = / { return 200 \"$ssl_protocol $ssl_session_reused\"; }";

#[test]
fn both_versions_of_tls_are_spoken_and_older_ones_refused() {
    for (directive, version) in [("TLSv1.2", "TLSv1.2"), ("TLSv1.3", "TLSv1.3"), ("TLSv1.2 TLSv1.3", "TLSv1.3")] {
        let nginx = Nginx::start(&format!("ssl_protocols {directive}; {SAY}"));
        let client = nginx.client();
        for round in 0..3 {
            let response = client.get(&nginx.tls_url("/")).send().unwrap();
            assert_eq!(response.is_reused(), round > 0);
            assert_eq!(response.timings().secured().is_some(), round == 0);
            assert_eq!(response.into_text().unwrap(), format!("{version} ."));
        }
    }
    let nginx = Nginx::start(&format!("ssl_protocols TLSv1.1; ssl_ciphers ALL:@SECLEVEL=0; {SAY}"));
    let error = nginx.client().get(&nginx.tls_url("/")).send().unwrap_err();
    assert_eq!(error.kind(), Kind::Tls, "{error}");
    let request = nginx.client().get(&nginx.tls_url("/")).danger_accept_invalid_certs(true);
    assert_eq!(request.send().unwrap_err().kind(), Kind::Tls);
}

#[test]
fn every_safe_ecdsa_cipher_suite_of_tls_1_2_is_spoken() {
    for suite in ["ECDHE-ECDSA-AES128-GCM-SHA256", "ECDHE-ECDSA-AES256-GCM-SHA384", "ECDHE-ECDSA-CHACHA20-POLY1305"] {
        let directives =
            format!("ssl_protocols TLSv1.2; ssl_ciphers {suite}; location = / {{ return 200 $ssl_cipher; }}");
        let nginx = Nginx::start(&directives);
        let text = nginx.client().get(&nginx.tls_url("/")).send().unwrap().into_text().unwrap();
        assert_eq!(text, suite);
    }
}

#[test]
fn http_1_1_is_agreed_on_with_a_server_that_would_rather_speak_http_2() {
    let folder = Folder::new("nginx");
    let port = free_port();
    let nginx = Nginx::start_in(
        folder,
        &format!(
            "listen 127.0.0.1:{port} ssl http2; location = / {{ return 200 \"$server_protocol $ssl_alpn_protocol\"; }}"
        ),
    );
    let response = nginx.client().get(&format!("https://127.0.0.1:{port}/")).send().unwrap();
    assert_eq!(response.into_text().unwrap(), "HTTP/1.1 http/1.1");
}

#[test]
fn sessions_are_resumed_in_both_versions_by_ticket_and_by_number() {
    for directives in [
        "ssl_protocols TLSv1.3;",
        "ssl_protocols TLSv1.2;",
        "ssl_protocols TLSv1.2; ssl_session_tickets off; ssl_session_cache shared:sessions:1m;",
    ] {
        let nginx = Nginx::start(&format!("keepalive_timeout 0; {directives} {SAY}"));
        let client = nginx.client();
        let ask = |client: &Client| {
            let response = client.get(&nginx.tls_url("/")).send().unwrap();
            assert!(!response.is_reused());
            response.into_text().unwrap()
        };
        assert!(ask(&client).ends_with(" ."), "{directives}");
        for _ in 0..3 {
            assert!(ask(&client).ends_with(" r"), "{directives}");
        }
        // A session of its own knows nothing of another's.
        assert!(ask(&nginx.client()).ends_with(" ."), "{directives}");
    }
}

#[test]
fn nothing_is_resumed_where_nginx_keeps_no_session() {
    let nginx = Nginx::start(&format!("ssl_protocols TLSv1.3; keepalive_timeout 0; ssl_session_tickets off; {SAY}"));
    let client = nginx.client();
    for _ in 0..3 {
        assert_eq!(client.get(&nginx.tls_url("/")).send().unwrap().into_text().unwrap(), "TLSv1.3 .");
    }
}

#[test]
fn a_client_certificate_is_shown_to_who_asks_and_its_connection_is_not_shared() {
    for version in ["TLSv1.2", "TLSv1.3"] {
        let users = Authority::new();
        let folder = Folder::new("nginx");
        folder.write("users.pem", users.ca_pem());
        let nginx = Nginx::start_in(
            folder,
            &format!(
                "ssl_protocols {version}; ssl_client_certificate users.pem; ssl_verify_client optional;
                location = / {{ return 200 \"$ssl_client_verify $ssl_client_s_dn\"; }}"
            ),
        );
        let client = nginx.client();
        let (alice, bob) = (users.issue_client("alice"), users.issue_client("bob"));
        let mut connections = Vec::new();
        for _ in 0..2 {
            for (identity, expected) in
                [(None, "NONE "), (Some(&alice), "SUCCESS CN=alice"), (Some(&bob), "SUCCESS CN=bob")]
            {
                let mut request = client.get(&nginx.tls_url("/"));
                if let Some(identity) = identity {
                    request = request.client_cert(identity.cert_chain_pem(), identity.key_pem());
                }
                let response = request.send().unwrap();
                connections.push(field(&response, "x-connection").to_owned());
                assert_eq!(response.into_text().unwrap(), expected);
            }
        }
        assert_eq!(connections[..3], connections[3..]);
        let stranger = Authority::new().issue_client("mallory");
        let request = client.get(&nginx.tls_url("/")).client_cert(stranger.cert_chain_pem(), stranger.key_pem());
        let response = request.send().unwrap();
        assert_eq!(response.status(), 400);
        assert!(response.into_text().unwrap().contains("The SSL certificate error"));
    }
}

#[test]
fn a_required_client_certificate_from_files_opens_the_server() {
    let users = Authority::new();
    let folder = Folder::new("nginx");
    folder.write("users.pem", users.ca_pem());
    let alice = users.issue_client("alice");
    let certificate = folder.write("alice.pem", alice.cert_chain_pem());
    let key = folder.write("alice.key", alice.key_pem());
    let nginx = Nginx::start_in(
        folder,
        "ssl_client_certificate users.pem; ssl_verify_client on; location = / { return 200 $ssl_client_s_dn; }",
    );
    let client = nginx.client();
    let response = client.get(&nginx.tls_url("/")).send().unwrap();
    assert_eq!(response.status(), 400);
    assert!(response.into_text().unwrap().contains("No required SSL certificate was sent"));
    let response = client.get(&nginx.tls_url("/")).client_cert_files(certificate, key).send().unwrap();
    assert_eq!(response.into_text().unwrap(), "CN=alice");
}

#[test]
fn a_certificate_of_another_authority_or_for_another_name_is_refused() {
    let nginx = Nginx::start(&format!("ssl_protocols TLSv1.2; {SAY}"));
    let url = nginx.tls_url("/");
    let stranger = crate::client();
    let error = stranger.get(&url).send().unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Certificate, "tls-certificate"), "{error}");
    let (_, port) = url.trim_end_matches('/').rsplit_once(':').unwrap();
    let named = |name: &str| {
        let request = nginx.client().get(&format!("https://{name}:{port}/"));
        request.resolve(&format!("{name}:{port}"), "127.0.0.1").send()
    };
    let error = named("b.test").unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Certificate, "tls-certificate"), "{error}");
    assert_eq!(named("a.test").unwrap().status(), 200);
    // Taken on request only, and never on the verified connections' account.
    assert_eq!(stranger.get(&url).danger_accept_invalid_certs(true).send().unwrap().into_text().unwrap(), "TLSv1.2 .");
    assert_eq!(stranger.get(&url).send().unwrap_err().kind(), Kind::Certificate);
}

#[test]
fn plain_http_on_a_tls_port_and_tls_on_a_plain_one_fail_clearly() {
    let nginx = Nginx::start(SAY);
    let client = nginx.client();
    let response = client.get(&nginx.tls_url("/").replace("https", "http")).send().unwrap();
    assert_eq!(response.status(), 400);
    let error = client.get(&nginx.url("/").replace("http", "https")).send().unwrap_err();
    assert_eq!(error.kind(), Kind::Tls, "{error}");
}
