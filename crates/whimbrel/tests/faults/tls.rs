//! TLS: certificates that are refused, versions that are too old, handshakes that stall or break, ends without a
//! `close_notify`.

use whimbrel::{Kind, Phase, RequestBuilder};
use whimbrel_testkit::{
    Authority, Identity, Origin, RawServer, Script, TlsVersions, tls_version_refused_server, tls10_server,
};

use crate::outcome::{client, failure, millis, whole};

const CERTIFICATE: &str = "SSL peer certificate or SSH remote key was not OK: ";

fn https(server: &RawServer) -> String {
    server.url("/").replace("http://", "https://")
}

fn origin(identity: Identity) -> Origin {
    Origin::builder().tls(identity).start().unwrap()
}

fn refused(request: impl FnOnce() -> RequestBuilder, detail: &str) {
    let error = failure(Kind::Certificate, Phase::Tls, "tls-certificate", CERTIFICATE).of(|| request().send());
    assert!(error.to_string().contains(detail), "{error}");
}

#[test]
fn a_self_signed_certificate_is_refused() {
    let origin = origin(Authority::issue_self_signed(&["127.0.0.1"]));
    refused(|| client().get(&origin.url("/get")), "");
    assert_eq!(origin.request_count(), 0);
}

#[test]
fn an_unknown_authority_is_refused() {
    let (ours, theirs) = (Authority::new(), Authority::new());
    let origin = origin(theirs.issue(&["127.0.0.1"]));
    refused(|| client().get(&origin.url("/get")), "issuer is not trusted");
    refused(|| client().get(&origin.url("/get")).ca_pem(ours.ca_pem()), "issuer is not trusted");
    assert_eq!(client().get(&origin.url("/get")).ca_pem(theirs.ca_pem()).send().unwrap().status(), 200);
    assert_eq!(origin.request_count(), 1);
}

#[test]
fn an_expired_certificate_is_refused() {
    let authority = Authority::new();
    let origin = origin(authority.issue_expired(&["127.0.0.1"]));
    refused(|| client().get(&origin.url("/get")).ca_pem(authority.ca_pem()), "the certificate has expired");
}

#[test]
fn a_certificate_for_another_name_is_refused() {
    let authority = Authority::new();
    let origin = origin(authority.issue(&["b.test"]));
    let addr = origin.addr().to_string();
    let get = |host: &str| {
        let authority_of = format!("{host}:{}", origin.addr().port());
        client().get(&origin.url_at(host, "/get")).ca_pem(authority.ca_pem()).resolve(&authority_of, &addr)
    };
    refused(|| get("a.test"), "the certificate is not for a.test but for b.test");
    refused(|| get("127.0.0.1"), "the certificate is not for 127.0.0.1 but for b.test");
    assert_eq!(get("b.test").send().unwrap().status(), 200);
}

#[test]
fn an_unverified_connection_serves_no_verified_request() {
    let origin = origin(Authority::issue_self_signed(&["127.0.0.1"]));
    let client = client();
    whole(client.get(&origin.url("/get")).danger_accept_invalid_certs(true)).unwrap();
    assert_eq!(client.idle_connections(), 1);
    refused(|| client.get(&origin.url("/get")), "");
    whole(client.get(&origin.url("/get")).danger_accept_invalid_certs(true)).unwrap();
    assert_eq!((origin.request_count(), origin.connections()), (2, 2));
}

#[test]
fn a_server_that_knows_only_tls_1_0_is_refused_even_unverified() {
    for server in [tls10_server(), tls_version_refused_server()] {
        for accept in [false, true] {
            failure(Kind::Tls, Phase::Tls, "tls", "SSL connect error: ")
                .of(|| client().get(&https(&server)).danger_accept_invalid_certs(accept).send());
        }
    }
}

#[test]
fn a_handshake_that_stalls_ends_at_the_connect_timeout() {
    let server = RawServer::start([Script::new().wait_for_close()]);
    let text = "Timeout was reached: connect timeout of 0.3 s while in the TLS handshake";
    failure(Kind::Timeout, Phase::Tls, "tls-timeout", text)
        .after(millis(300), || client().get(&https(&server)).connect_timeout(millis(300)).send());
    let text = "Timeout was reached: total timeout of 0.3 s while in the TLS handshake";
    failure(Kind::Timeout, Phase::Tls, "tls-timeout", text)
        .after(millis(300), || client().get(&https(&server)).total_timeout(millis(300)).send());
}

#[test]
fn a_handshake_that_breaks_is_an_error_of_kind_tls() {
    for (script, text) in [
        (
            Script::new().expect_bytes(5).close(),
            "SSL connect error: the peer closed the connection in the TLS handshake",
        ),
        (Script::new().expect_bytes(5).reset(), "SSL connect error: the connection broke in the TLS handshake"),
        (
            Script::new().expect_bytes(5).send("HTTP/1.1 400 Bad Request\r\n\r\n").wait_for_close(),
            "SSL connect error: ",
        ),
    ] {
        let server = RawServer::start([script]);
        failure(Kind::Tls, Phase::Tls, "tls", text).of(|| client().get(&https(&server)).send());
    }
}

#[test]
fn a_missing_client_certificate_is_an_error_of_kind_tls() {
    let authority = Authority::new();
    let identity = authority.issue_client("somebody");
    for versions in [TlsVersions::Only12, TlsVersions::Only13] {
        let builder = Origin::builder().tls(authority.issue(&["127.0.0.1"])).tls_versions(versions);
        let origin = builder.client_auth(&authority).start().unwrap();
        let get = || client().get(&origin.url("/get")).ca_pem(authority.ca_pem());
        // TLS 1.3 tells only after the client's side of the handshake is done.
        let phase = if versions == TlsVersions::Only12 { Phase::Tls } else { Phase::Wait };
        failure(Kind::Tls, phase, "tls", "SSL connect error: ").of(|| get().send());
        let request = get().client_cert(identity.cert_chain_pem(), identity.key_pem());
        assert_eq!(request.send().unwrap().status(), 200);
    }
}

#[test]
fn an_end_without_close_notify_truncates_only_what_the_close_ends() {
    let authority = Authority::new();
    let get = |reply: &str, end: fn(Script) -> Script| {
        let server =
            RawServer::start_tls(&authority.issue(&["127.0.0.1"]), [end(Script::new().expect_head().send(reply))]);
        whole(client().get(&server.url("/")).ca_pem(authority.ca_pem()))
    };
    let unending = "HTTP/1.1 200 OK\r\n\r\nhello";
    assert_eq!(get(unending, Script::close).unwrap().1, b"hello");
    let text = "Transferred a partial file: the connection broke off inside the body";
    failure(Kind::Truncated, Phase::Body, "truncated", text).of(|| get(unending, Script::close_without_notify));
    for reply in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ] {
        assert_eq!(get(reply, Script::close_without_notify).unwrap().1, b"hello");
    }
    let text = "Transferred a partial file: the connection closed 4 bytes before the body's end";
    failure(Kind::Truncated, Phase::Body, "truncated", text)
        .of(|| get("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", Script::close_without_notify));
}

#[test]
fn faults_inside_tls_are_told_as_without() {
    let authority = Authority::new();
    let identity = authority.issue(&["127.0.0.1"]);
    let get = |script: Script| {
        let server = RawServer::start_tls(&identity, [script]);
        whole(client().get(&server.url("/")).ca_pem(authority.ca_pem()).total_timeout(millis(5000)))
    };
    let text = "Server returned nothing (no headers, no data): ";
    failure(Kind::Empty, Phase::Wait, "empty", text).of(|| get(Script::new().expect_head().close()));
    let text = "Failure when receiving data from the peer: Connection reset";
    failure(Kind::Receive, Phase::Wait, "receive", text).of(|| get(Script::new().expect_head().reset()));
    let half = Script::new().expect_head().send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello");
    failure(Kind::Receive, Phase::Body, "receive", text).of(|| get(half.reset()));
    failure(Kind::Protocol, Phase::Wait, "protocol", "Weird server reply: the reply is not HTTP")
        .of(|| get(Script::new().expect_head().send("garbage").hold_open()));
}
