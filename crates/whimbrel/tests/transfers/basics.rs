//! One transfer, and many.

use std::time::Duration;

use whimbrel::{Body, Delivery, Event, Kind, Stage, Transfers};
use whimbrel_testkit::{Authority, Origin, RawServer, Script, refused_addr};

use crate::{PATIENCE, client, drain, end_of, folder};

#[test]
fn a_transfer_says_its_end_once_and_nothing_else_unless_asked() {
    let origin = Origin::http();
    let client = client();
    let mut transfers = Transfers::new();
    assert!(transfers.next().is_none() && transfers.is_empty());
    for round in 0..3 {
        let id = transfers.start(client.get(&origin.url("/get?a=1")), Delivery::memory());
        assert!(transfers.is_under_way(id));
        let events = drain(&mut transfers);
        let [Event::End { id: whose, outcome }] = &events[..] else { panic!("{events:?}") };
        assert_eq!((*whose, outcome.status(), outcome.is_reused()), (id, 200, round > 0));
        assert!(outcome.error().is_none() && !transfers.is_under_way(id));
        assert!(std::str::from_utf8(outcome.body()).unwrap().contains("\"a\": \"1\""));
    }
    assert_eq!(origin.connections(), 1);
}

/// A script that asks again whenever a request fails must not keep its frame for ever.
#[test]
fn a_mistake_that_is_made_while_events_are_told_waits_for_the_next_time() {
    let client = client();
    let mut transfers = Transfers::new();
    let start = |transfers: &mut Transfers| transfers.start(client.get("nowhere at all"), Delivery::memory());
    for _ in 0..2 {
        start(&mut transfers);
    }
    for _ in 0..3 {
        assert!(transfers.wait(None));
        let mut told = 0;
        while let Some(event) = transfers.next() {
            assert!(matches!(event, Event::End { .. }));
            start(&mut transfers);
            told += 1;
            assert!(told <= 2, "it goes on and on");
        }
        assert_eq!((told, transfers.len()), (2, 2));
    }
    let id = start(&mut transfers);
    assert!(transfers.next().is_some() && transfers.cancel(id));
    assert!(transfers.next().is_some() && transfers.next().is_none() && transfers.is_empty());
}

#[test]
fn stages_head_progress_and_end_come_in_order() {
    let origin = Origin::http();
    let mut transfers = Transfers::new();
    let delivery = Delivery::memory().head(true).stages(true).progress(Duration::ZERO);
    let id = transfers.start(client().get(&origin.url("/bytes/3000000")), delivery);
    let events = drain(&mut transfers);
    let mut stages = Vec::new();
    let mut counts = Vec::new();
    let mut heads = 0;
    for event in &events {
        assert_eq!(event.id(), id);
        match event {
            Event::Stage { stage, .. } => stages.push(*stage),
            Event::Head { head, progress, .. } => {
                heads += 1;
                assert!(counts.is_empty());
                assert_eq!((head.status, progress.transfer_total), (200, Some(3_000_000)));
            }
            Event::Progress { progress, .. } => counts.push(progress.transferred),
            Event::End { outcome, .. } => {
                assert_eq!(outcome.body().len(), 3_000_000);
                assert_eq!(outcome.progress().transferred, 3_000_000);
            }
            other => panic!("{other:?}"),
        }
    }
    use Stage::{Connecting, Queued, Receiving, Resolving, Sending, Waiting};
    assert_eq!(stages, [Queued, Resolving, Connecting, Sending, Waiting, Receiving]);
    assert_eq!(heads, 1);
    assert!(!counts.is_empty() && counts.is_sorted());
    assert!(matches!(events.last(), Some(Event::End { .. })));
}

#[test]
fn hundreds_at_once_all_end_over_few_connections() {
    let origin = Origin::http();
    let client = client();
    let mut transfers = Transfers::new();
    for number in 0..500 {
        transfers.start(client.get(&origin.url(&format!("/get?n={number}"))), Delivery::memory());
    }
    let events = drain(&mut transfers);
    assert_eq!(events.len(), 500);
    assert!(events.iter().all(|event| matches!(event, Event::End { outcome, .. } if outcome.status() == 200)));
    assert!(origin.connections() <= 16, "{}", origin.connections());
    assert_eq!(origin.request_count(), 500);
}

#[test]
fn tls_redirects_and_bodies_work_as_they_do_on_the_callers_thread() {
    let authority = Authority::new();
    let origin = Origin::https(&authority, &["localhost", "127.0.0.1"]);
    let client = client();
    let mut transfers = Transfers::new();
    let get = client.get(&origin.url("/redirect/3")).ca_pem(authority.ca_pem());
    let id = transfers.start(get, Delivery::memory());
    let outcome = end_of(&mut transfers, id);
    assert_eq!((outcome.status(), outcome.redirects()), (200, 3), "{:?}", outcome.error());
    let body = vec![b'x'; 3 << 20];
    let post = client.post(&origin.url("/post")).ca_pem(authority.ca_pem()).body(Body::from(body));
    let id = transfers.start(post, Delivery::memory().upload_progress(Duration::ZERO));
    let events = drain(&mut transfers);
    let sent: Vec<_> = events
        .iter()
        .filter_map(|event| if let Event::Progress { progress, .. } = event { Some(progress.sent) } else { None })
        .collect();
    assert!(!sent.is_empty() && sent.is_sorted());
    let Some(Event::End { outcome, id: whose }) = events.last() else { panic!("{events:?}") };
    assert_eq!((*whose, outcome.status(), outcome.progress().sent), (id, 200, 3 << 20), "{:?}", outcome.error());
}

#[test]
fn a_mistake_or_a_failure_is_an_end() {
    let client = client();
    let mut transfers = Transfers::new();
    let id = transfers.start(client.get("no url"), Delivery::memory());
    assert!(transfers.wait(Some(PATIENCE)));
    assert_eq!(end_of(&mut transfers, id).error().unwrap().kind(), Kind::Url);
    let id = transfers.start(client.get(&format!("http://{}/", refused_addr())), Delivery::memory());
    assert_eq!(end_of(&mut transfers, id).error().unwrap().kind(), Kind::Connect);
    let server =
        RawServer::start([Script::new().expect_head().send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")]);
    let id = transfers.start(client.get(&server.url("/")), Delivery::memory());
    let outcome = end_of(&mut transfers, id);
    assert_eq!(outcome.error().unwrap().kind(), Kind::Truncated);
    assert_eq!((outcome.status(), outcome.body()), (200, &b"abc"[..]));
}

#[test]
fn an_idle_timeout_ends_a_silent_transfer() {
    let server = RawServer::start([Script::new().expect_head().hold_open()]);
    let mut transfers = Transfers::new();
    let get = client().get(&server.url("/")).idle_timeout(Duration::from_millis(100));
    let id = transfers.start(get, Delivery::memory());
    let outcome = end_of(&mut transfers, id);
    assert_eq!(outcome.error().unwrap().kind(), Kind::Timeout, "{:?}", outcome.error());
}

#[test]
fn a_file_is_put_in_place_only_when_it_is_complete_and_successful() {
    let origin = Origin::http();
    let client = client();
    let folder = folder("files");
    let target = folder.join("a");
    let mut transfers = Transfers::new();
    let id = transfers.start(client.get(&origin.url("/bytes/300000")), Delivery::file(&target));
    let outcome = end_of(&mut transfers, id);
    assert_eq!((outcome.file(), outcome.body().len()), (Some(&*target), 0), "{:?}", outcome.error());
    assert_eq!(std::fs::read(&target).unwrap().len(), 300_000);
    let id = transfers.start(client.get(&origin.url("/status/404")), Delivery::file(&target));
    let outcome = end_of(&mut transfers, id);
    assert_eq!((outcome.file(), outcome.status()), (None, 404));
    assert_eq!(std::fs::read(&target).unwrap().len(), 300_000);
    let below = folder.join("b/c/d");
    let id = transfers.start(client.get(&origin.url("/bytes/10")), Delivery::file(&below));
    assert_eq!(end_of(&mut transfers, id).error().unwrap().kind(), Kind::File);
    let id = transfers.start(client.get(&origin.url("/bytes/10")), Delivery::file(&below).create_folders(true));
    assert_eq!(end_of(&mut transfers, id).file(), Some(&*below));
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 2);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn chunks_hold_the_server_back_until_they_are_taken() {
    let origin = Origin::http();
    let mut transfers = Transfers::new();
    let size = 64 << 20;
    let id = transfers.start(client().get(&origin.url(&format!("/bytes/{size}"))), Delivery::chunks(100_000));
    let mut got = 0;
    let mut largest = 0;
    loop {
        assert!(transfers.wait(Some(PATIENCE)));
        let Some(event) = transfers.next() else { continue };
        match event {
            Event::Chunk { bytes, .. } => {
                got += bytes.len();
                largest = largest.max(bytes.len());
            }
            Event::End { outcome, .. } => {
                assert!(outcome.error().is_none() && outcome.body().is_empty());
                break;
            }
            other => panic!("{other:?} of {id:?}"),
        }
    }
    assert_eq!(got, size);
    assert!(largest <= 100_000, "{largest}");
}

#[test]
fn a_cancelled_transfer_says_nothing_more_and_lets_go_of_its_connection() {
    let server = RawServer::start([Script::new().expect_head().wait_for_close()]);
    let mut transfers = Transfers::new();
    let id = transfers.start(client().get(&server.url("/")), Delivery::memory());
    assert!(server.wait_received(PATIENCE, |seen| !seen.is_empty()));
    assert!(transfers.cancel(id) && !transfers.cancel(id));
    assert!(server.wait_finished(1, PATIENCE));
    assert!(transfers.is_empty() && transfers.next().is_none());
}

#[test]
fn dropping_the_consumer_cancels_all() {
    let server = RawServer::start_each(|_| Script::new().expect_head().wait_for_close());
    let mut transfers = Transfers::new();
    let client = client();
    for _ in 0..5 {
        transfers.start(client.get(&server.url("/")), Delivery::memory());
    }
    assert!(server.wait_received(PATIENCE, |seen| seen.len() == 5));
    drop(transfers);
    assert!(server.wait_finished(5, PATIENCE));
}
