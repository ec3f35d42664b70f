//! Uploads: servers that answer before the end, that ignore or refuse `Expect: 100-continue`, that stop to read.

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use whimbrel::{Body, CancelHandle, Kind, Phase, RequestBuilder};
use whimbrel_testkit::{RawServer, Script};

use crate::outcome::{SLACK, client, failure, millis, whole};

const HUGE: u64 = 100 << 20;

fn huge() -> Body {
    Body::reader(std::io::repeat(b'x').take(HUGE), Some(HUGE))
}

fn post(server: &RawServer) -> RequestBuilder {
    client().post(&server.url("/")).total_timeout(SLACK)
}

/// How much CPU time this thread has used, in milliseconds.
#[cfg(target_os = "linux")]
fn busy_millis() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse::<u64>().unwrap() / 1_000_000
}

#[test]
fn a_413_in_the_middle_of_a_large_upload_is_delivered() {
    let reply = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\n\r\ntoo much";
    let answer = || Script::new().expect_head().expect_bytes(1 << 20).send(reply);
    // The server goes on reading, reads no more, closes in good order, or resets what it does not want.
    for script in [answer().wait_for_close(), answer().hold_open(), answer().close(), answer().reset()] {
        let server = RawServer::start([script]);
        let response = whole(post(&server).expect_continue(false).body(huge()));
        assert_eq!(response.unwrap(), (413, b"too much".to_vec()));
    }
}

#[test]
fn a_413_before_the_body_and_a_close_without_reading_is_delivered() {
    let reply = "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 8\r\n\r\ntoo much";
    let server = RawServer::start([Script::new().expect_head().send(reply).close()]);
    let response = whole(post(&server).expect_continue(false).body(huge()));
    assert_eq!(response.unwrap(), (413, b"too much".to_vec()));
}

#[test]
fn a_200_in_the_middle_of_a_large_upload_is_delivered_and_its_connection_not_used_again() {
    let reply = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nenough";
    let server = RawServer::start([
        Script::new().expect_head().expect_bytes(1 << 20).send(reply).hold_open(),
        Script::new().expect_head().send(reply),
    ]);
    let client = client();
    let request = client.post(&server.url("/")).total_timeout(SLACK).expect_continue(false).body(huge());
    assert_eq!(whole(request).unwrap(), (200, b"enough".to_vec()));
    assert_eq!(client.idle_connections(), 0);
    assert_eq!(whole(client.get(&server.url("/"))).unwrap().0, 200);
    assert_eq!(server.accepted(), 2);
}

#[test]
fn a_200_whose_body_comes_while_the_upload_goes_on_is_read_to_its_end() {
    let size = 8 << 20;
    let reply = Script::new().expect_head().send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello");
    let server = RawServer::start([reply.expect_bytes(size).send("world")]);
    let body = Body::reader(std::io::repeat(b'x').take(size as u64), Some(size as u64));
    assert_eq!(whole(post(&server).expect_continue(false).body(body)).unwrap(), (200, b"helloworld".to_vec()));
}

#[test]
fn a_server_that_ignores_100_continue_gets_the_body_after_a_second() {
    let reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let server = RawServer::start([Script::new().expect_head().expect_bytes(5).send(reply)]);
    let start = Instant::now();
    let response = whole(post(&server).expect_continue(true).body("hello")).unwrap();
    let took = start.elapsed();
    assert_eq!(response, (200, b"ok".to_vec()));
    assert!((millis(1000)..millis(1000) + SLACK).contains(&took), "{took:?}");
}

#[test]
fn a_100_continue_opens_the_body_at_once() {
    let reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let script = Script::new().expect_head().send("HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n");
    let server = RawServer::start([script.expect_bytes(5).send(reply).again()]);
    let client = client();
    // Faster than the second after which the body is sent anyway; a busy machine gets more than one try.
    let is_at_once = (0..10).any(|_| {
        let start = Instant::now();
        let request = client.post(&server.url("/")).expect_continue(true).body("hello");
        assert_eq!(whole(request).unwrap(), (200, b"ok".to_vec()));
        assert_eq!(client.idle_connections(), 1);
        start.elapsed() < millis(900)
    });
    assert!(is_at_once);
    assert_eq!(server.accepted(), 1);
}

#[test]
fn a_final_answer_instead_of_100_continue_spares_the_body() {
    for (status, reason) in [(401, "Unauthorized"), (200, "OK")] {
        let reply = format!("HTTP/1.1 {status} {reason}\r\nContent-Length: 2\r\n\r\nno");
        let server = RawServer::start([Script::new().expect_head().send(reply).wait_for_close()]);
        let client = client();
        let request = client.post(&server.url("/")).expect_continue(true).body("hello");
        assert_eq!(whole(request).unwrap(), (status, b"no".to_vec()));
        // The server may still wait for the body: nothing else must come on this connection.
        assert_eq!(client.idle_connections(), 0);
        assert!(server.wait_finished(1, SLACK));
        assert!(server.received()[0].ends_with(b"\r\n\r\n"), "the body was sent");
    }
}

#[test]
fn a_refused_expectation_is_repeated_without_it() {
    let refusal = Script::new().expect_head().send("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
    let answer = Script::new().expect_head().expect_bytes(5).send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let server = RawServer::start([refusal.wait_for_close(), answer]);
    let reader = Body::reader(std::io::Cursor::new("hello"), Some(5));
    let request = client().post(&server.url("/")).expect_continue(true).body(reader);
    assert_eq!(whole(request).unwrap(), (200, b"ok".to_vec()));
    let heads = server.received();
    assert!(heads[0].ends_with(b"\r\nExpect: 100-continue\r\n\r\n"));
    assert!(heads[1].ends_with(b"\r\nContent-Length: 5\r\n\r\nhello"), "{:?}", String::from_utf8_lossy(&heads[1]));
}

#[test]
fn a_redirect_before_an_untouched_body_is_followed_though_the_body_can_be_sent_once_only() {
    let there = "HTTP/1.1 307 Temporary Redirect\r\nLocation: /there\r\nContent-Length: 0\r\n\r\n";
    let answer = Script::new().expect_head().expect_bytes(5).send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    let server = RawServer::start([Script::new().expect_head().send(there).wait_for_close(), answer]);
    let reader = Body::reader(std::io::Cursor::new("hello"), Some(5));
    let request = client().post(&server.url("/here")).expect_continue(true).body(reader);
    assert_eq!(whole(request).unwrap(), (200, b"ok".to_vec()));
    assert!(server.received()[1].starts_with(b"POST /there HTTP/1.1\r\n"));
}

#[test]
fn a_server_that_stops_reading_ends_at_the_idle_timeout() {
    let server = RawServer::start([Script::new().expect_head().hold_open()]);
    let text = "Timeout was reached: idle timeout of 0.5 s while sending the request";
    failure(Kind::Timeout, Phase::Send, "send-timeout", text)
        .after(millis(500), || post(&server).expect_continue(false).idle_timeout(millis(500)).body(huge()).send());
}

#[test]
fn a_reset_inside_an_upload_is_an_error() {
    let server = RawServer::start([Script::new().expect_head().expect_bytes(1 << 20).reset()]);
    let error = post(&server).expect_continue(false).body(huge()).send().unwrap_err();
    // Which of the two sees the reset first is up to the system.
    assert!(matches!(error.code(), "send" | "receive"), "{error}");
    assert!(error.to_string().contains("Connection reset") || error.to_string().contains("Broken pipe"), "{error}");
    assert_eq!(server.accepted(), 1);
}

#[test]
fn a_half_closed_server_ends_an_upload_at_once() {
    let server = RawServer::start([Script::new().expect_head().expect_bytes(1 << 20).finish_writing().hold_open()]);
    let text = "Server returned nothing (no headers, no data): the peer closed the connection before it answered";
    failure(Kind::Empty, Phase::Wait, "empty", text).of(|| post(&server).expect_continue(false).body(huge()).send());
}

#[cfg(target_os = "linux")]
#[test]
fn waiting_for_a_half_closed_or_blocked_server_costs_no_cpu_time() {
    let head = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    // An early answer: the upload is stuck, the response body does not come yet, and then the server half-closes.
    let script = Script::new().expect_head().send(head).pause(millis(800)).send("hello").finish_writing().hold_open();
    let server = RawServer::start([script]);
    let mut request = post(&server).expect_continue(false).body(huge());
    // A handle's bell is watched as well.
    let _handle = request.cancel_handle();
    let response = request.send().unwrap();
    let before = busy_millis();
    assert_eq!(response.into_bytes().unwrap(), b"hello");
    let busy = busy_millis() - before;
    assert!(busy < 300, "{busy} ms of CPU time for a wait");
}

#[test]
fn a_redirect_in_the_middle_of_an_upload_is_followed_with_the_whole_body_or_none() {
    let size = 8 << 20;
    let redirect = |status: u16| format!("HTTP/1.1 {status} Go\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n");
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let first = |status| Script::new().expect_head().expect_bytes(1 << 20).send(redirect(status)).hold_open();
    let put = |server: &RawServer, body: Body| {
        whole(client().put(&server.url("/")).total_timeout(SLACK).expect_continue(false).body(body))
    };

    let server = RawServer::start([first(307), Script::new().expect_head().expect_bytes(size).send(ok)]);
    assert_eq!(put(&server, Body::from(vec![b'x'; size])).unwrap(), (200, b"ok".to_vec()));
    assert!(server.received()[1].starts_with(b"PUT /next HTTP/1.1\r\n"));

    let server = RawServer::start([first(303), Script::new().expect_head().send(ok)]);
    assert_eq!(put(&server, huge()).unwrap(), (200, b"ok".to_vec()));
    assert!(server.received()[1].starts_with(b"GET /next HTTP/1.1\r\n"));

    let server = RawServer::start([first(308)]);
    let text = "Redirect was not followed: the body must be sent again and can't be";
    failure(Kind::RedirectRefused, Phase::Done, "redirect-refused", text).of(|| put(&server, huge()));
}

/// Gives a piece at each read, and cancels its own request at the third.
struct Cancelling {
    handle: CancelHandle,
    reads: Arc<AtomicUsize>,
}

impl Read for Cancelling {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.reads.fetch_add(1, Ordering::Relaxed) == 2 {
            self.handle.cancel();
        }
        buffer[..10].fill(b'x');
        Ok(10)
    }
}

#[test]
fn a_cancel_and_progress_hold_between_the_pieces_of_a_reader_though_the_peer_takes_all() {
    for length in [None, Some(HUGE)] {
        let server = RawServer::start([Script::new().expect_head().wait_for_close()]);
        let mut request = client().post(&server.url("/")).expect_continue(false);
        let (handle, reads) = (request.cancel_handle(), Arc::<AtomicUsize>::default());
        let told = Arc::new(Mutex::new(Vec::new()));
        let (seen, body) = (told.clone(), Cancelling { handle, reads: reads.clone() });
        let request = request.body(Body::reader(body, length)).on_progress(move |progress| {
            seen.lock().unwrap().push(progress.sent);
            ControlFlow::Continue(())
        });
        failure(Kind::Cancelled, Phase::Send, "cancelled", "Operation was cancelled").of(|| request.send());
        assert_eq!(reads.load(Ordering::Relaxed), 3);
        assert!(told.lock().unwrap().ends_with(&[10, 20, 30]), "{told:?}");
    }
}
