//! Fork after a request: the child and the parent both go on, each on connections and threads of its own. And what only a
//! process of one's own can show: no descriptor left, signals all the time. Alone in their binary, since a child is a copy
//! of one thread only.
#![cfg(unix)]
#![allow(unsafe_code, reason = "fork has no safe wrapper")]

use std::fs::File;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use whimbrel::{Client, Delivery, Event, Kind, Transfers};
use whimbrel_testkit::{Authority, Origin, RawServer, Script};

/// One test forks at a time, so that no thread of another one holds anything then.
static FORKING: Mutex<()> = Mutex::new(());

/// Runs `child` in a copy of the process, which ends with the code that it gives.
fn fork(child: impl FnOnce() -> i32) -> libc::pid_t {
    // SAFETY: the child touches nothing that another thread may hold at this moment (the servers are silent, the
    // resolver's thread is parked) and ends by _exit.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        // A child that hangs would hang the test: the alarm ends it.
        // SAFETY: alarm has no preconditions.
        unsafe { libc::alarm(20) };
        let code = child();
        // SAFETY: _exit has no preconditions.
        unsafe { libc::_exit(code) };
    }
    assert!(pid > 0, "fork failed");
    pid
}

fn exit_code(pid: libc::pid_t) -> i32 {
    wait(pid, 0).expect("the child has ended")
}

/// `None` while the child runs.
fn try_exit_code(pid: libc::pid_t) -> Option<i32> {
    wait(pid, libc::WNOHANG)
}

fn wait(pid: libc::pid_t, options: libc::c_int) -> Option<i32> {
    let mut status = 0;
    // SAFETY: status is a valid place for the status of our own child.
    let waited = unsafe { libc::waitpid(pid, &mut status, options) };
    if waited == 0 {
        return None;
    }
    assert_eq!(waited, pid);
    assert!(libc::WIFEXITED(status), "the child was killed: {status:#x}");
    Some(libc::WEXITSTATUS(status))
}

/// What the child reports: which step failed, or 0.
fn child(client: &Client, authority: &Authority, urls: [&str; 2]) -> i32 {
    whimbrel::forked();
    if client.idle_connections() != urls.len() {
        return 1;
    }
    for (step, url) in (2..).zip(urls) {
        for round in 0..2 {
            let Ok(response) = client.get(url).query("from", "child").ca_pem(authority.ca_pem()).send() else {
                return step;
            };
            // The parent's connection is not the child's; its own is.
            if response.is_reused() != (round == 1) {
                return step + 10;
            }
            match response.into_text() {
                Ok(text) if text.contains("\"child\"") => {}
                _ => return step + 20,
            }
        }
    }
    // A name that the parent never asked for: a resolver's thread of the child's own finds it.
    match client.get(&urls[0].replace("a.test", "b.test")).send() {
        Ok(response) if response.status() == 200 => 0,
        _ => 4,
    }
}

#[test]
fn after_a_fork_both_sides_go_on() {
    let _alone = FORKING.lock().unwrap_or_else(PoisonError::into_inner);
    let authority = Authority::new();
    let (http, https) = (Origin::http(), Origin::https(&authority, &["a.test"]));
    let client = Client::builder()
        .no_proxy()
        .resolver(|_| Ok(vec![IpAddr::from(Ipv4Addr::LOCALHOST)]))
        .total_timeout(Duration::from_secs(10))
        .build()
        .unwrap();
    let urls = [http.url_at("a.test", "/get"), https.url_at("a.test", "/get")];
    let urls = [urls[0].as_str(), urls[1].as_str()];
    let get = |url: &str, round: usize| {
        let request = client.get(url).query("from", "parent").query("round", &round.to_string());
        let response = request.ca_pem(authority.ca_pem()).send().unwrap();
        let is_reused = response.is_reused();
        let text = response.into_text().unwrap();
        assert!(text.contains("\"parent\"") && text.contains(&format!("\"round\": \"{round}\"")), "{text}");
        is_reused
    };
    for url in urls {
        assert!(!get(url, 0));
    }

    let pid = fork(|| child(&client, &authority, urls));
    // At the same time as the child, and after it.
    for url in urls {
        assert!(get(url, 1), "the parent's connection is still its own");
    }
    assert_eq!(exit_code(pid), 0, "the child failed");
    for url in urls {
        assert!(get(url, 2), "the child has not disturbed the parent's connection");
    }
    // The parent's, and the child's to each name.
    assert_eq!((http.connections(), https.connections()), (1 + 2, 1 + 1));
}

/// The parent's transfer is not the child's; its own go on, on a thread of its own.
fn child_with_transfers(client: &Client, transfers: &mut Transfers, url: &str) -> i32 {
    whimbrel::forked();
    match transfers.next() {
        Some(Event::End { outcome, .. }) if outcome.error().is_some_and(|error| error.kind() == Kind::Cancelled) => {}
        _ => return 1,
    }
    if transfers.next().is_some() || !transfers.is_empty() {
        return 2;
    }
    for round in 0..3 {
        transfers.start(client.get(url), Delivery::memory());
        match next_of(transfers) {
            Some(Event::End { outcome, .. }) if outcome.status() == 200 && outcome.is_reused() == (round > 0) => {}
            _ => return 3,
        }
    }
    0
}

fn next_of(transfers: &mut Transfers) -> Option<Event> {
    while transfers.wait(Some(Duration::from_secs(10))) {
        if let Some(event) = transfers.next() {
            return Some(event);
        }
    }
    None
}

#[test]
fn after_a_fork_the_transfers_of_both_sides_go_on() {
    let _alone = FORKING.lock().unwrap_or_else(PoisonError::into_inner);
    let origin = Origin::http();
    let silent = RawServer::start([Script::new().expect_head().wait_for_close()]);
    let client = Client::builder().no_proxy().build().unwrap();
    let mut transfers = Transfers::new();
    transfers.start(client.get(&origin.url("/get")), Delivery::memory());
    assert!(matches!(next_of(&mut transfers), Some(Event::End { outcome, .. }) if outcome.status() == 200));
    let waiting = transfers.start(client.get(&silent.url("/")), Delivery::memory());
    let has_head = |received: &[Vec<u8>]| received.concat().ends_with(b"\r\n\r\n");
    assert!(silent.wait_received(Duration::from_secs(5), has_head));

    let pid = fork(|| child_with_transfers(&client, &mut transfers, &origin.url("/get")));
    assert_eq!(exit_code(pid), 0, "the child failed");
    assert!(transfers.is_under_way(waiting), "the child has not disturbed the parent's transfer");
    for _ in 0..3 {
        transfers.start(client.get(&origin.url("/get")), Delivery::memory());
        let event = next_of(&mut transfers);
        let Some(Event::End { outcome, .. }) = event else { panic!("{event:?}") };
        assert!(outcome.status() == 200 && outcome.is_reused(), "{:?}", outcome.error());
    }
    assert!(transfers.cancel(waiting));
    assert!(silent.wait_finished(1, Duration::from_secs(5)));
    assert_eq!(origin.connections(), 2);
}

/// Asks while no descriptor is left, and again when there are some.
fn exhausted(origin: &Origin) -> i32 {
    whimbrel::forked();
    let client =
        Client::builder().no_proxy().resolver(|_| Ok(vec![IpAddr::from(Ipv4Addr::LOCALHOST)])).build().unwrap();
    let limit = libc::rlimit { rlim_cur: 256, rlim_max: 256 };
    // SAFETY: the limit is a valid one.
    if unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) } != 0 {
        return 1;
    }
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    let addressed = client.get(&origin.url("/get")).send().map_err(|error| (error.kind(), error.to_string()));
    let named = client.get(&origin.url_at("a.test", "/get")).send().map_err(|error| error.kind());
    // Without a bell, a cancel is seen when the call next moves: making the handle does not fail.
    let mut request = client.get(&origin.url("/get"));
    request.cancel_handle().cancel();
    let cancelled = request.send().map_err(|error| error.kind());
    drop(taken);
    match (addressed, named, cancelled) {
        (Err((Kind::Connect, text)), Err(Kind::Resolve), Err(Kind::Cancelled)) if text.contains("open files") => {}
        _ => return 2,
    }
    for url in [origin.url("/get"), origin.url_at("a.test", "/get")] {
        match client.get(&url).send() {
            Ok(response) if response.status() == 200 => {}
            _ => return 3,
        }
    }
    0
}

#[test]
fn without_a_descriptor_calls_fail_with_one_clear_error_and_recover() {
    let _alone = FORKING.lock().unwrap_or_else(PoisonError::into_inner);
    let origin = Origin::http();
    assert_eq!(exit_code(fork(|| exhausted(&origin))), 0);
}

extern "C" fn on_signal(_: libc::c_int) {}

/// Waits for a silent server on a kept connection while signals come all the time.
fn interrupted(server: &RawServer) -> i32 {
    whimbrel::forked();
    let handler: extern "C" fn(libc::c_int) = on_signal;
    // SAFETY: the handler does nothing, which every signal allows.
    if unsafe { libc::signal(libc::SIGUSR1, handler as libc::sighandler_t) } == libc::SIG_ERR {
        return 1;
    }
    let client = Client::builder().no_proxy().build().unwrap();
    match client.get(&server.url("/1")).send().and_then(whimbrel::Response::into_bytes) {
        Ok(body) if body == b"ok" => {}
        _ => return 2,
    }
    let (start, limit) = (Instant::now(), Duration::from_millis(1500));
    match client.get(&server.url("/2")).total_timeout(limit).send() {
        Err(error) if error.code() == "wait-timeout" && start.elapsed() >= limit => 0,
        _ => 3,
    }
}

#[test]
fn signals_neither_end_a_wait_nor_stretch_it() {
    let _alone = FORKING.lock().unwrap_or_else(PoisonError::into_inner);
    let reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let server = RawServer::start([Script::new().expect_head().send(reply).expect_head().hold_open()]);
    let pid = fork(|| interrupted(&server));
    let second = |received: &[Vec<u8>]| received.concat().windows(3).any(|window| window == b" /2");
    assert!(server.wait_received(Duration::from_secs(5), second), "the handler stands when the second request comes");
    let start = Instant::now();
    let code = loop {
        // SAFETY: it is our own child, which has not been waited for.
        unsafe { libc::kill(pid, libc::SIGUSR1) };
        std::thread::sleep(Duration::from_millis(20));
        if let Some(code) = try_exit_code(pid) {
            break code;
        }
    };
    assert_eq!(code, 0);
    assert!(start.elapsed() < Duration::from_secs(8), "{:?}", start.elapsed());
}
