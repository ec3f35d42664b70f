//! Cancel from another thread, in each phase. The lookup's is with the lookups.

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::mpsc;
use std::thread;

use whimbrel::{Body, CancelHandle, Kind, Phase, RequestBuilder};
use whimbrel_testkit::{BlackHole, RawServer, Script};

use crate::outcome::{SLACK, client, failure, millis, whole};

/// The call ends as cancelled, in this phase, when another thread cancels after `event`.
#[track_caller]
fn cancelled(phase: Phase, mut request: RequestBuilder, event: impl FnOnce() + Send) {
    let handle = request.cancel_handle();
    thread::scope(|scope| {
        scope.spawn(|| {
            event();
            handle.cancel();
        });
        failure(Kind::Cancelled, phase, "cancelled", "Operation was cancelled: by its handle").of(|| whole(request));
    });
}

fn received(server: &RawServer, count: usize) {
    assert!(server.wait_received(SLACK, |received| received.concat().len() >= count));
}

#[test]
fn cancelled_before_it_is_sent() {
    let server = RawServer::start([Script::new().hold_open()]);
    let mut request = client().get(&server.url("/"));
    let handle = request.cancel_handle();
    handle.cancel();
    handle.clone().cancel();
    assert!(handle.is_cancelled());
    failure(Kind::Cancelled, Phase::Prepare, "cancelled", "Operation was cancelled").of(|| request.send());
    assert_eq!(server.accepted(), 0);
}

#[test]
fn cancelled_while_connecting() {
    let hole = BlackHole::new();
    let request = client().get(&format!("http://{}/", hole.addr()));
    // Nobody can see that somebody tries to connect to a black hole.
    cancelled(Phase::Connect, request, || thread::sleep(millis(100)));
}

#[test]
fn cancelled_in_the_tls_handshake() {
    let server = RawServer::start([Script::new().wait_for_close()]);
    let request = client().get(&server.url("/").replace("http://", "https://"));
    cancelled(Phase::Tls, request, || received(&server, 5));
    assert!(server.wait_finished(1, SLACK), "the connection is closed");
}

#[test]
fn cancelled_while_sending() {
    let server = RawServer::start([Script::new().expect_head().hold_open()]);
    let (tell, told) = mpsc::channel();
    let body = Body::reader(std::io::repeat(b'x').take(1 << 30), Some(1 << 30));
    let request = client().post(&server.url("/")).expect_continue(false).body(body).on_progress(move |progress| {
        if progress.sent > 0 {
            let _ = tell.send(());
        }
        ControlFlow::Continue(())
    });
    cancelled(Phase::Send, request, move || told.recv_timeout(SLACK).unwrap());
}

#[test]
fn cancelled_while_waiting_for_the_head() {
    let server = RawServer::start([Script::new().expect_head().wait_for_close()]);
    let end = b"\r\n\r\n";
    cancelled(Phase::Wait, client().get(&server.url("/")), || {
        assert!(server.wait_received(SLACK, |received| received.first().is_some_and(|bytes| bytes.ends_with(end))));
    });
    assert!(server.wait_finished(1, SLACK), "the connection is closed");
}

#[test]
fn cancelled_in_the_body() {
    let script = Script::new().expect_head().send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello").wait_for_close();
    let server = RawServer::start([script]);
    let (tell, told) = mpsc::channel();
    let client = client();
    let request = client.get(&server.url("/")).on_progress(move |progress| {
        if progress.received == 5 {
            let _ = tell.send(());
        }
        ControlFlow::Continue(())
    });
    cancelled(Phase::Body, request, move || told.recv_timeout(SLACK).unwrap());
    assert!(server.wait_finished(1, SLACK), "the connection is closed");
    assert_eq!(client.idle_connections(), 0);
}

#[test]
fn cancelled_between_two_reads() {
    let script = Script::new().expect_head().send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello").wait_for_close();
    let server = RawServer::start([script]);
    let mut request = client().get(&server.url("/"));
    let handle = request.cancel_handle();
    let response = request.send().unwrap();
    handle.cancel();
    failure(Kind::Cancelled, Phase::Body, "cancelled", "Operation was cancelled").of(|| response.into_bytes());
}

#[test]
fn a_call_that_is_over_is_not_disturbed_and_its_connection_stays() {
    let script = Script::new().expect_head().send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let server = RawServer::start([script.again()]);
    let client = client();
    for round in 0..3 {
        let mut request = client.get(&server.url("/"));
        let handle: CancelHandle = request.cancel_handle();
        let response = request.send().unwrap();
        assert_eq!(response.is_reused(), round > 0);
        assert_eq!(response.into_bytes().unwrap(), b"ok");
        handle.cancel();
        assert_eq!(client.idle_connections(), 1);
    }
}

#[test]
fn on_progress_that_breaks_cancels() {
    let script = Script::new().expect_head().send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello").wait_for_close();
    let server = RawServer::start([script]);
    let request = client().get(&server.url("/")).on_progress(|progress| match progress.received {
        0 => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    });
    failure(Kind::Cancelled, Phase::Body, "cancelled", "Operation was cancelled: by on_progress").of(|| whole(request));
    assert!(server.wait_finished(1, SLACK), "the connection is closed");
}
