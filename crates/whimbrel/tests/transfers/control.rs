//! Cancel, pause, priority, limits, suspend and retry: what a consumer may do to transfers under way.

use std::time::{Duration, Instant};

use whimbrel::{Body, Client, Delivery, Event, Kind, Retry, Stage, Transfers};
use whimbrel_testkit::{Origin, RawServer, Script, refused_addr};

use crate::{PATIENCE, client, drain, end_of, has_a_head};

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn narrow(per_host: usize, total: usize) -> Client {
    let limits = Client::builder().no_proxy().max_connections_per_host(per_host).max_connections(total);
    limits.build().unwrap()
}

/// The paths that a server was asked for, in order.
fn paths(server: &RawServer) -> Vec<String> {
    let path = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).split(' ').nth(1).unwrap_or("").to_owned();
    server.received().iter().map(path).collect()
}

/// The thread takes things up in their order: what was started before this is in its queue after it.
fn until_all_are_taken_up() {
    let mut transfers = Transfers::new();
    let get = client().get(&format!("http://{}/", refused_addr()));
    let id = transfers.start(get, Delivery::memory());
    end_of(&mut transfers, id);
}

#[test]
fn the_higher_priority_goes_first_and_may_change_while_it_waits() {
    let server = RawServer::start_each(|_| Script::new().expect_head().send(OK).close());
    let client = narrow(1, 9);
    let mut transfers = Transfers::new();
    // Nothing starts before all are there.
    client.suspend();
    let mut start =
        |path: &str, priority| transfers.start(client.get(&server.url(path)), Delivery::memory().priority(priority));
    start("/low", -1);
    start("/first", 0);
    let late = start("/late", 0);
    start("/high", 5);
    transfers.set_priority(late, 9);
    until_all_are_taken_up();
    client.resume();
    drain(&mut transfers);
    assert_eq!(paths(&server), ["/late", "/high", "/first", "/low"]);
}

#[test]
fn a_host_at_its_limit_keeps_no_other_from_its_turn() {
    let busy = RawServer::start_each(|_| Script::new().expect_head().wait_for_close());
    let idle = Origin::http();
    let client = narrow(2, 4);
    let mut transfers = Transfers::new();
    for _ in 0..10 {
        transfers.start(client.get(&busy.url("/")), Delivery::memory());
    }
    let id = transfers.start(client.get(&idle.url("/get")), Delivery::memory());
    assert_eq!(end_of(&mut transfers, id).status(), 200);
    assert!(busy.wait_received(PATIENCE, |seen| seen.len() == 2), "{}", busy.accepted());
    assert_eq!(transfers.len(), 10);
}

#[test]
fn limits_that_are_set_later_hold_from_the_next_transfer_that_starts_alone() {
    let busy = RawServer::start_each(|_| Script::new().expect_head().wait_for_close());
    let client = client();
    client.limit_connections(1, 9);
    let mut transfers = Transfers::new();
    for _ in 0..3 {
        transfers.start(client.get(&busy.url("/")), Delivery::memory());
    }
    // The thread takes commands in order: when this one is answered, all of those that may start have started.
    let idle = Origin::http();
    let id = transfers.start(client.get(&idle.url("/get")), Delivery::memory());
    assert_eq!(end_of(&mut transfers, id).status(), 200);
    assert!(busy.wait_received(PATIENCE, has_a_head));
    assert_eq!((busy.accepted(), transfers.len()), (1, 3));
}

#[test]
fn a_cancelled_one_makes_room_for_the_next() {
    let server = RawServer::start_each(|number| match number {
        0 => Script::new().expect_head().wait_for_close(),
        _ => Script::new().expect_head().send(OK),
    });
    let client = narrow(1, 1);
    let mut transfers = Transfers::new();
    let first = transfers.start(client.get(&server.url("/first")), Delivery::memory());
    let second = transfers.start(client.get(&server.url("/second")), Delivery::memory());
    let third = transfers.start(client.get(&server.url("/third")), Delivery::memory());
    assert!(server.wait_received(PATIENCE, has_a_head));
    assert!(transfers.cancel(second));
    assert!(transfers.cancel(first));
    assert_eq!(end_of(&mut transfers, third).status(), 200);
    assert_eq!(paths(&server), ["/first", "/third"]);
}

#[test]
fn one_that_waits_for_its_turn_times_out_by_its_total_deadline_only() {
    let server = RawServer::start_each(|_| Script::new().expect_head().wait_for_close());
    let client = narrow(1, 1);
    let mut transfers = Transfers::new();
    transfers.start(client.get(&server.url("/first")), Delivery::memory());
    let get = client.get(&server.url("/")).idle_timeout(Duration::from_millis(1));
    let id = transfers.start(get.total_timeout(Duration::from_millis(150)), Delivery::memory());
    let outcome = end_of(&mut transfers, id);
    let error = outcome.error().unwrap();
    assert_eq!(error.kind(), Kind::Timeout);
    assert!(error.detail().starts_with("total"), "{error}");
}

#[test]
fn a_paused_transfer_stands_still_and_times_nothing_out() {
    let origin = Origin::http();
    let client = client();
    let mut transfers = Transfers::new();
    let get = client.get(&origin.url("/bytes/20000000")).idle_timeout(Duration::from_millis(300));
    let id = transfers.start(get, Delivery::memory().head(true));
    loop {
        assert!(transfers.wait(Some(PATIENCE)));
        if let Some(Event::Head { .. }) = transfers.next() {
            break;
        }
    }
    assert!(transfers.pause(id));
    // What was under way as the pause was asked for may still be counted.
    let settle = Instant::now() + Duration::from_millis(200);
    assert!(!transfers.wait(Some(settle - Instant::now())));
    let then = transfers.progress(id).unwrap().transferred;
    assert!(!transfers.wait(Some(Duration::from_millis(500))), "longer than the idle timeout");
    assert_eq!(transfers.progress(id).unwrap().transferred, then);
    assert!(then < 20_000_000);
    assert!(transfers.resume(id));
    let outcome = end_of(&mut transfers, id);
    assert_eq!(outcome.body().len(), 20_000_000, "{:?}", outcome.error());
    assert!(!transfers.pause(id) && !transfers.resume(id));
}

#[test]
fn a_suspended_session_goes_on_where_it_stood() {
    let server = RawServer::start_each(|_| Script::new().expect_head().pause(Duration::from_millis(300)).send(OK));
    let client = client();
    let mut transfers = Transfers::new();
    let get = || client.get(&server.url("/")).idle_timeout(Duration::from_millis(900));
    let before = transfers.start(get(), Delivery::memory());
    assert!(server.wait_received(PATIENCE, has_a_head));
    client.suspend();
    assert!(client.is_suspended());
    let meanwhile = transfers.start(get(), Delivery::memory());
    assert!(!transfers.wait(Some(Duration::from_millis(1200))), "longer than the idle timeout");
    assert_eq!(server.accepted(), 1, "a request that was made while suspended must not start");
    client.resume();
    let outcome = end_of(&mut transfers, before);
    assert_eq!(outcome.status(), 200, "{:?}", outcome.error());
    let outcome = end_of(&mut transfers, meanwhile);
    assert_eq!(outcome.status(), 200, "{:?}", outcome.error());
}

#[test]
fn a_connection_that_died_in_a_suspend_is_replaced_where_asking_twice_is_harmless() {
    for (method, again) in [("GET", true), ("POST", false)] {
        let server = RawServer::start([
            Script::new().expect_head().pause(Duration::from_millis(100)).close(),
            Script::new().expect_head().send(OK),
        ]);
        let client = client();
        let mut transfers = Transfers::new();
        let id = transfers.start(client.request(method, &server.url("/")), Delivery::memory());
        assert!(server.wait_received(PATIENCE, has_a_head));
        client.suspend();
        assert!(server.wait_finished(1, PATIENCE));
        client.resume();
        let outcome = end_of(&mut transfers, id);
        assert_eq!(outcome.error().is_none(), again, "{method}: {:?}", outcome.error());
    }
}

#[test]
fn a_rate_is_kept_for_one_and_for_all() {
    let origin = Origin::http();
    let mut transfers = Transfers::new();
    let get = client().get(&origin.url("/bytes/100000"));
    let start = Instant::now();
    let id = transfers.start(get, Delivery::memory().max_rate(200_000));
    assert_eq!(end_of(&mut transfers, id).body().len(), 100_000);
    assert!(start.elapsed() > Duration::from_millis(300), "{:?}", start.elapsed());
    let slow = Client::builder().no_proxy().max_rate(200_000).build().unwrap();
    let start = Instant::now();
    transfers.start(slow.get(&origin.url("/bytes/50000")), Delivery::memory());
    transfers.start(slow.post(&origin.url("/post")).body(Body::from(vec![b'x'; 50_000])), Delivery::memory());
    for event in drain(&mut transfers) {
        let Event::End { outcome, .. } = event else { panic!("{event:?}") };
        assert_eq!(outcome.status(), 200, "{:?}", outcome.error());
    }
    assert!(start.elapsed() > Duration::from_millis(300), "{:?}", start.elapsed());
}

#[test]
fn a_retry_rests_and_asks_again_until_it_has_an_answer() {
    let busy = "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\nRetry-After: 0\r\n\r\nbusy";
    let server = RawServer::start([
        Script::new().expect_head().send(busy).expect_head().send(busy).close(),
        Script::new().expect_head().send(OK),
    ]);
    let mut transfers = Transfers::new();
    let retry = Retry::new(4).first_wait(Duration::from_millis(20));
    let get = client().get(&server.url("/")).retry(retry);
    let id = transfers.start(get, Delivery::memory().stages(true));
    let events = drain(&mut transfers);
    let rests = events.iter().filter(|event| matches!(event, Event::Stage { stage: Stage::Resting, .. })).count();
    let Some(Event::End { outcome, id: whose }) = events.last() else { panic!("{events:?}") };
    assert_eq!((*whose, outcome.status(), outcome.body()), (id, 200, &b"ok"[..]), "{:?}", outcome.error());
    assert!(rests >= 2 && outcome.retries() as usize == rests, "{rests} {}", outcome.retries());
    // A refused connection is tried as often as that, and then it is an error like any other.
    let id = transfers.start(
        client().get(&format!("http://{}/", refused_addr())).retry(Retry::new(2).first_wait(Duration::from_millis(5))),
        Delivery::memory(),
    );
    let outcome = end_of(&mut transfers, id);
    assert_eq!((outcome.error().unwrap().kind(), outcome.retries()), (Kind::Connect, 2));
    // The blocking driver does the same.
    let server = RawServer::start([Script::new().expect_head().send(busy).expect_head().send(OK)]);
    let response = client().get(&server.url("/")).retry(retry).send().unwrap();
    assert_eq!(response.status(), 200);
}

#[test]
fn a_cancel_handle_works_there_too() {
    let server = RawServer::start([Script::new().expect_head().wait_for_close()]);
    let mut transfers = Transfers::new();
    let mut get = client().get(&server.url("/"));
    let handle = get.cancel_handle();
    let id = transfers.start(get, Delivery::memory());
    assert!(server.wait_received(PATIENCE, |seen| !seen.is_empty()));
    handle.cancel();
    assert_eq!(end_of(&mut transfers, id).error().unwrap().kind(), Kind::Cancelled);
}
