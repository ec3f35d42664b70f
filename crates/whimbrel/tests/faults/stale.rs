//! Kept connections that are dead, or answer before they were asked.

use std::time::{Duration, Instant};

use whimbrel::{Body, Client, Kind, Phase};
use whimbrel_testkit::{Authority, RawServer, Script};

use crate::outcome::{SLACK, client, failure, whole};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn ok() -> Script {
    Script::new().expect_head().send(OK)
}

/// Waits until the server has done with the first connection: its end has reached this side by then.
fn ended(server: &RawServer) {
    assert!(server.wait_finished(1, SLACK));
}

#[test]
fn a_connection_closed_between_two_requests_costs_nothing_whatever_the_method() {
    for method in ["GET", "POST", "PATCH", "DELETE"] {
        for end in [Script::close, Script::reset] {
            let server = RawServer::start([end(ok()), ok()]);
            let client = client();
            whole(client.get(&server.url("/1"))).unwrap();
            ended(&server);
            let body = Body::reader(std::io::Cursor::new("once"), Some(4));
            let request = client.request(method, &server.url("/2"));
            let request = if method == "GET" { request } else { request.body(body) };
            assert_eq!(whole(request).unwrap(), (200, b"ok".to_vec()), "{method}");
            assert_eq!(server.accepted(), 2);
            let asked = server.received()[0].windows(4).filter(|window| window == b" /2 ").count();
            assert_eq!(asked, 0, "the dead connection was not even tried");
        }
    }
}

#[test]
fn a_tls_connection_closed_between_two_requests_costs_nothing() {
    let authority = Authority::new();
    for end in [Script::close, Script::close_without_notify, Script::reset] {
        let server = RawServer::start_tls(&authority.issue(&["127.0.0.1"]), [end(ok()), ok()]);
        let client = client();
        let post = |path: &str| client.post(&server.url(path)).ca_pem(authority.ca_pem()).body("a");
        whole(post("/1")).unwrap();
        ended(&server);
        assert_eq!(whole(post("/2")).unwrap(), (200, b"ok".to_vec()));
        assert_eq!(server.accepted(), 2);
    }
}

#[test]
fn a_connection_that_closes_when_the_second_request_comes_is_replaced_once_for_a_get() {
    for end in [Script::close, Script::reset] {
        let server = RawServer::start([end(ok().expect_head()), ok()]);
        let client = client();
        whole(client.get(&server.url("/1"))).unwrap();
        let response = client.get(&server.url("/2")).send().unwrap();
        assert!(!response.is_reused());
        assert_eq!(response.into_text().unwrap(), "ok");
        assert_eq!(server.accepted(), 2);
    }
}

#[test]
fn a_connection_that_closes_when_the_second_request_comes_is_an_error_for_a_post() {
    let cases = [
        (Script::close as fn(Script) -> Script, Kind::Empty, "empty", "Server returned nothing (no headers, no data)"),
        (Script::reset, Kind::Receive, "receive", "Failure when receiving data from the peer"),
    ];
    for (end, kind, code, text) in cases {
        let server = RawServer::start([end(ok().expect_head().expect_bytes(1)), ok()]);
        let client = client();
        whole(client.get(&server.url("/1"))).unwrap();
        failure(kind, Phase::Wait, code, text).of(|| client.post(&server.url("/2")).body("a").send());
        assert_eq!(server.accepted(), 1, "a POST that was sent is never sent twice");
    }
}

#[test]
fn a_get_is_tried_again_only_once() {
    let server = RawServer::start([ok().expect_head().close(), Script::new().expect_head().close()]);
    let client = client();
    whole(client.get(&server.url("/1"))).unwrap();
    failure(Kind::Empty, Phase::Wait, "empty", "Server returned nothing").of(|| client.get(&server.url("/2")).send());
    assert_eq!(server.accepted(), 2);
}

#[test]
fn a_get_whose_response_has_begun_is_not_tried_again() {
    let server = RawServer::start([ok().expect_head().send("HTTP/1.1 200").close(), ok()]);
    let client = client();
    whole(client.get(&server.url("/1"))).unwrap();
    failure(Kind::Truncated, Phase::Wait, "truncated", "Transferred a partial file")
        .of(|| client.get(&server.url("/2")).send());
    assert_eq!(server.accepted(), 1);
}

#[test]
fn a_get_is_not_tried_again_after_a_timeout() {
    let server = RawServer::start([ok().expect_head().hold_open(), ok()]);
    let client = client();
    whole(client.get(&server.url("/1"))).unwrap();
    let text = "Timeout was reached: idle timeout of 0.2 s while waiting for the response";
    failure(Kind::Timeout, Phase::Wait, "wait-timeout", text)
        .of(|| client.get(&server.url("/2")).idle_timeout(Duration::from_millis(200)).send());
    assert_eq!(server.accepted(), 1);
}

#[test]
fn a_timeout_on_a_kept_connection_is_as_long_as_on_a_fresh_one() {
    let server = RawServer::start([ok().expect_head().hold_open()]);
    let limit = Duration::from_millis(1200);
    let text = "Timeout was reached: total timeout of 1.2 s while waiting for the response";
    // Not another second later; a busy machine gets more than one try.
    let is_in_time = (0..4).any(|_| {
        let client = client();
        whole(client.get(&server.url("/1"))).unwrap();
        let start = Instant::now();
        failure(Kind::Timeout, Phase::Wait, "wait-timeout", text)
            .after(limit, || client.get(&server.url("/2")).total_timeout(limit).send());
        start.elapsed() < limit + Duration::from_millis(700)
    });
    assert!(is_in_time);
}

#[test]
fn a_large_body_that_stalls_ends_at_its_timeout_and_not_later() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\nbegin";
    let server = RawServer::start([Script::new().expect_head().send(head).hold_open()]);
    let limit = Duration::from_millis(1200);
    let text = "Timeout was reached: idle timeout of 1.2 s while receiving the body";
    let is_in_time = (0..4).any(|_| {
        let start = Instant::now();
        failure(Kind::Timeout, Phase::Body, "body-timeout", text)
            .after(limit, || client().get(&server.url("/")).idle_timeout(limit).send()?.copy_to(&mut std::io::sink()));
        start.elapsed() < limit + Duration::from_millis(700)
    });
    assert!(is_in_time);
}

#[test]
fn a_408_on_an_idle_connection_answers_nothing() {
    let late = "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    let server = RawServer::start([ok().pause(Duration::from_millis(50)).send(late).close(), ok()]);
    let client = client();
    whole(client.get(&server.url("/1"))).unwrap();
    ended(&server);
    assert_eq!(whole(client.post(&server.url("/2")).body("a")).unwrap(), (200, b"ok".to_vec()));
    assert_eq!(server.accepted(), 2);
}

#[test]
fn connections_are_kept_only_as_long_and_as_many_as_told() {
    let server = RawServer::start([ok().again()]);
    let keep = |client: Client| {
        whole(client.get(&server.url("/"))).unwrap();
        client
    };
    assert_eq!(keep(Client::builder().no_proxy().max_idle(0).build().unwrap()).idle_connections(), 0);
    assert_eq!(keep(Client::builder().no_proxy().max_idle_per_host(0).build().unwrap()).idle_connections(), 0);
    let client = keep(Client::builder().no_proxy().pool_idle_timeout(Duration::ZERO).build().unwrap());
    assert!(!client.get(&server.url("/")).send().unwrap().is_reused());
    let client = keep(client_of_one());
    // Two at once: only one is kept.
    let first = client.get(&server.url("/")).send().unwrap();
    let second = client.get(&server.url("/")).send().unwrap();
    assert!(first.is_reused() && !second.is_reused());
    drop((first.into_bytes().unwrap(), second.into_bytes().unwrap()));
    assert_eq!(client.idle_connections(), 1);
    client.close_idle();
    assert_eq!(client.idle_connections(), 0);
}

fn client_of_one() -> Client {
    Client::builder().no_proxy().max_idle_per_host(1).build().unwrap()
}

#[test]
fn the_last_clone_of_a_client_closes_its_connections() {
    let server = RawServer::start([ok().wait_for_close()]);
    let client = client();
    whole(client.get(&server.url("/"))).unwrap();
    let clone = client.clone();
    drop(client);
    assert_eq!((clone.idle_connections(), server.finished()), (1, 0));
    drop(clone);
    ended(&server);
}
