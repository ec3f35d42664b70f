//! Row 15 of the table of threats, for transfers that go on by themselves: whatever a consumer does at any event, whatever
//! its callbacks do on the I/O thread, and however its values go, transfers end once and the thread goes on. The suite
//! `asan` runs this under AddressSanitizer and LeakSanitizer.

use std::io;
use std::ops::ControlFlow;
use std::process::Stdio;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use whimbrel::{Body, Client, Delivery, Event, Kind, RequestBuilder, TransferId, Transfers};
use whimbrel_testkit::{Origin, RawServer, Script};

use crate::{PATIENCE, Random, again, client, drain, end_of, folder};

/// Long enough for several chunks, and for progress more than once.
const SIZE: usize = 3_000_000;

#[derive(Clone, Copy, Debug, PartialEq)]
enum At {
    Stage,
    Head,
    Progress,
    Chunk,
    End,
}

impl At {
    const ALL: [At; 5] = [At::Stage, At::Head, At::Progress, At::Chunk, At::End];

    fn of(event: &Event) -> Self {
        match event {
            Event::Stage { .. } => At::Stage,
            Event::Head { .. } => At::Head,
            Event::Progress { .. } => At::Progress,
            Event::Chunk { .. } => At::Chunk,
            Event::End { .. } => At::End,
            other => panic!("{other:?}"),
        }
    }
}

/// Everything is told of it.
fn told(client: &Client, origin: &Origin) -> (RequestBuilder, Delivery) {
    let delivery = Delivery::chunks(100_000).head(true).stages(true).progress(Duration::ZERO);
    (client.get(&origin.url(&format!("/bytes/{SIZE}"))), delivery)
}

/// Starts a transfer and stops at its first event of this kind; also how many body bytes were taken by then.
fn stop_at(transfers: &mut Transfers, at: At, client: &Client, origin: &Origin) -> (TransferId, usize) {
    let (request, delivery) = told(client, origin);
    let id = transfers.start(request, delivery);
    let mut taken = 0;
    loop {
        while let Some(event) = transfers.next() {
            if let Event::Chunk { bytes, .. } = &event {
                taken += bytes.len();
            }
            if At::of(&event) == at {
                return (id, taken);
            }
            assert!(!matches!(event, Event::End { .. }), "it ended without {at:?}");
        }
        assert!(transfers.wait(Some(PATIENCE)), "nothing happens any more");
    }
}

/// All of the body comes, and one end.
fn assert_whole(events: &[Event], id: TransferId, taken: usize) {
    let (mut ends, mut bytes) = (0, taken);
    for event in events.iter().filter(|event| event.id() == id) {
        assert_eq!(ends, 0, "{event:?} after the end");
        match event {
            Event::Chunk { bytes: chunk, .. } => bytes += chunk.len(),
            Event::End { outcome, .. } => {
                assert!(outcome.error().is_none(), "{:?}", outcome.error());
                ends += 1;
            }
            _ => {}
        }
    }
    assert_eq!((ends, bytes), (1, SIZE));
}

#[test]
fn a_cancel_at_any_event_is_the_last_that_is_heard() {
    let (origin, client) = (Origin::http(), client());
    for at in At::ALL {
        let mut transfers = Transfers::new();
        let (id, _) = stop_at(&mut transfers, at, &client, &origin);
        assert_eq!(transfers.cancel(id), at != At::End, "{at:?}");
        assert!(!transfers.cancel(id) && !transfers.is_under_way(id) && transfers.progress(id).is_none());
        assert!(!transfers.pause(id) && !transfers.resume(id) && !transfers.set_priority(id, 3));
        assert!(transfers.next().is_none(), "{at:?}");
        let other = transfers.start(client.get(&origin.url("/get")), Delivery::memory());
        assert_eq!(end_of(&mut transfers, other).status(), 200, "{at:?}");
        assert!(drain(&mut transfers).is_empty(), "{at:?}");
    }
}

#[test]
fn a_start_at_any_event_is_a_start_like_any_other() {
    let (origin, client) = (Origin::http(), client());
    for at in At::ALL {
        let mut transfers = Transfers::new();
        let (id, taken) = stop_at(&mut transfers, at, &client, &origin);
        let wrong = transfers.start(client.get("no url"), Delivery::memory());
        let (request, delivery) = told(&client, &origin);
        let other = transfers.start(request, delivery);
        let events = drain(&mut transfers);
        if at != At::End {
            assert_whole(&events, id, taken);
        }
        assert_whole(&events, other, 0);
        assert_eq!(events.iter().filter(|event| event.id() == wrong).count(), 1);
    }
}

#[test]
fn a_pause_a_suspend_or_another_look_at_any_event_loses_nothing() {
    let (origin, client) = (Origin::http(), client());
    type Act<'a> = &'a dyn Fn(&mut Transfers, TransferId);
    let acts: [Act<'_>; 4] = [
        &|transfers, id| {
            let goes_on = transfers.is_under_way(id);
            assert_eq!((transfers.pause(id), transfers.pause(id)), (goes_on, goes_on));
            assert_eq!((transfers.resume(id), transfers.resume(id)), (goes_on, goes_on));
        },
        &|transfers, id| {
            transfers.pause(id);
            assert!(!transfers.wait(Some(Duration::ZERO)) || !transfers.is_empty());
            transfers.resume(id);
        },
        &|_, _| {
            client.suspend();
            client.resume();
        },
        &|transfers, id| {
            client.suspend();
            transfers.pause(id);
            client.resume();
            transfers.set_priority(id, -7);
            transfers.resume(id);
        },
    ];
    for at in At::ALL {
        for act in acts {
            let mut transfers = Transfers::new();
            let (id, taken) = stop_at(&mut transfers, at, &client, &origin);
            act(&mut transfers, id);
            if at != At::End {
                assert_whole(&drain(&mut transfers), id, taken);
            }
            assert!(transfers.is_empty(), "{at:?}");
        }
    }
}

#[test]
fn a_pause_or_a_suspend_at_any_moment_loses_nothing() {
    let origin = Origin::http();
    let mut random = Random::new(15);
    let mut session = client();
    let mut transfers = Transfers::new();
    for round in 0..600 {
        // Every second one makes its connection first.
        if round % 2 == 0 {
            session = client();
        }
        let id = transfers.start(session.get(&origin.url("/bytes/200000")), Delivery::memory());
        let (before, meanwhile) = (random.below(600), random.below(600));
        blink(before);
        let is_pause = round % 3 == 0;
        if is_pause {
            _ = transfers.pause(id)
        } else {
            session.suspend()
        }
        blink(meanwhile);
        let other = transfers.start(session.get(&origin.url("/get")), Delivery::memory());
        if is_pause {
            _ = transfers.resume(id)
        } else {
            session.resume()
        }
        let events = drain(&mut transfers);
        for id in [id, other] {
            let is_its = |event: &&Event| event.id() == id;
            let Some(Event::End { outcome, .. }) = events.iter().find(is_its) else { panic!("round {round}") };
            assert_eq!(outcome.status(), 200, "round {round}: {:?}", outcome.error());
        }
    }
}

/// Passes so many microseconds, more exactly than a sleep does.
fn blink(micros: usize) {
    let until = Instant::now() + Duration::from_micros(micros as u64);
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

#[test]
fn the_consumer_the_client_or_both_may_go_at_any_event() {
    let origin = Origin::http();
    for at in At::ALL {
        for (drops_client, drops_transfers) in [(true, false), (false, true), (true, true)] {
            let client = client();
            let mut transfers = Transfers::new();
            let (id, taken) = stop_at(&mut transfers, at, &client, &origin);
            let mut client = Some(client);
            if drops_client {
                client = None;
            }
            if drops_transfers {
                drop(std::mem::take(&mut transfers));
            } else if at != At::End {
                assert_whole(&drain(&mut transfers), id, taken);
            }
            let client = client.unwrap_or_default();
            let other = transfers.start(client.get(&origin.url("/get")), Delivery::memory());
            assert_eq!(end_of(&mut transfers, other).status(), 200, "{at:?}");
        }
    }
}

#[test]
fn outcomes_outlive_everything_and_go_anywhere() {
    let origin = Origin::http();
    let mut transfers = Transfers::new();
    let ids: Vec<_> = (0..200)
        .map(|_| transfers.start(client().get(&origin.url("/bytes/1000")), Delivery::memory().head(true)))
        .collect();
    let mut outcomes = Vec::new();
    for event in drain(&mut transfers) {
        if let Event::End { outcome, .. } = event {
            outcomes.push(outcome);
        }
    }
    assert_eq!(outcomes.len(), ids.len());
    drop(transfers);
    // Given back to one that never saw them, which has no thread yet; to one that has; or kept.
    let (mut stranger, mut other) = (Transfers::new(), Transfers::new());
    other.start(client().get(&origin.url("/get")), Delivery::memory());
    for (number, outcome) in outcomes.into_iter().enumerate() {
        assert_eq!((outcome.status(), outcome.body().len()), (200, 1000));
        match number % 3 {
            0 => stranger.recycle(outcome),
            1 => other.recycle(outcome),
            _ => assert_eq!(outcome.into_body().len(), 1000),
        }
    }
    assert!(matches!(&drain(&mut other)[..], [Event::End { outcome, .. }] if outcome.status() == 200));
}

#[test]
fn a_thousand_consumers_come_and_go() {
    let origin = Origin::http();
    let silent = RawServer::start_each(|_| Script::new().expect_head().wait_for_close());
    let session = client();
    let before = descriptors();
    for round in 0..1000 {
        let mut transfers = Transfers::new();
        let own = client();
        let client = if round % 3 == 0 { &own } else { &session };
        transfers.start(client.get(&origin.url("/get")), Delivery::memory());
        transfers.start(client.get(&silent.url("/")), Delivery::chunks(10).stages(true));
        if round % 2 == 0 {
            transfers.wait(Some(PATIENCE));
            transfers.next();
        }
    }
    let mut transfers = Transfers::new();
    let id = transfers.start(session.get(&origin.url("/get")), Delivery::memory());
    assert_eq!(end_of(&mut transfers, id).status(), 200);
    // The servers' side of the last few may still be open, and so may what other tests use.
    let after = descriptors();
    assert!(after < before + 400, "{before} descriptors became {after}");
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

#[test]
fn consumers_go_from_thread_to_thread_and_share_a_session() {
    let origin = Origin::http();
    let client = client();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let mut transfers = Transfers::new();
            let (client, url) = (client.clone(), origin.url("/get"));
            transfers.start(client.get(&url), Delivery::memory());
            thread::spawn(move || {
                for _ in 0..50 {
                    transfers.start(client.get(&url), Delivery::memory());
                }
                transfers
            })
        })
        .collect();
    for thread in threads {
        let events = drain(&mut thread.join().unwrap());
        assert_eq!(events.len(), 51);
        assert!(events.iter().all(|event| matches!(event, Event::End { outcome, .. } if outcome.status() == 200)));
    }
}

#[test]
fn a_callback_on_the_thread_may_stop_cancel_or_panic_its_own_transfer() {
    let (origin, client, folder) = (Origin::http(), client(), folder("callbacks"));
    let target = folder.join("target");
    let get = || client.get(&origin.url(&format!("/bytes/{SIZE}")));
    let mut transfers = Transfers::new();
    for to_file in [false, true] {
        let delivery = || if to_file { Delivery::file(&target) } else { Delivery::memory() };
        let stopped = get().on_progress(|progress| match progress.received {
            0 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        });
        let id = transfers.start(stopped, delivery());
        assert_eq!(end_of(&mut transfers, id).error().unwrap().kind(), Kind::Cancelled);

        let handle = Arc::new(Mutex::new(None::<whimbrel::CancelHandle>));
        let inside = handle.clone();
        let mut cancelled = get().on_progress(move |_| {
            inside.lock().unwrap().as_ref().unwrap().cancel();
            ControlFlow::Continue(())
        });
        *handle.lock().unwrap() = Some(cancelled.cancel_handle());
        let id = transfers.start(cancelled, delivery());
        assert_eq!(end_of(&mut transfers, id).error().unwrap().kind(), Kind::Cancelled);

        let panics = get().on_progress(|progress| {
            assert!(progress.received == 0, "the caller's own");
            ControlFlow::Continue(())
        });
        // Those that stand beside it in the same turn go on.
        let beside = transfers.start(get(), Delivery::memory());
        let id = transfers.start(panics, delivery());
        let outcome = end_of(&mut transfers, id);
        assert!(outcome.error().is_some() && outcome.file().is_none());
        if transfers.is_under_way(beside) {
            assert_eq!(end_of(&mut transfers, beside).body().len(), SIZE);
        }
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
    }
    let id = transfers.start(get(), Delivery::memory());
    assert_eq!(end_of(&mut transfers, id).body().len(), SIZE);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_callback_on_the_thread_may_start_others_and_drop_its_own_consumer() {
    let (origin, client) = (Origin::http(), client());
    // It starts one, in a consumer that it makes, and hands that over.
    let (sender, receiver) = mpsc::channel();
    let (inner, url) = (client.clone(), origin.url("/get"));
    let request = client.get(&origin.url("/bytes/10")).on_progress(move |_| {
        let mut transfers = Transfers::new();
        transfers.start(inner.get(&url), Delivery::memory());
        let _ = sender.send(transfers);
        ControlFlow::Continue(())
    });
    let mut transfers = Transfers::new();
    let id = transfers.start(request, Delivery::memory());
    assert_eq!(end_of(&mut transfers, id).status(), 200);
    let events = drain(&mut receiver.recv_timeout(PATIENCE).unwrap());
    assert!(matches!(&events[..], [Event::End { outcome, .. }] if outcome.status() == 200), "{events:?}");

    // It drops the consumer that it belongs to.
    let own: Arc<Mutex<Option<Transfers>>> = Arc::default();
    let (inside, (done, gone)) = (own.clone(), mpsc::channel());
    let request = client.get(&origin.url(&format!("/bytes/{SIZE}"))).on_progress(move |_| {
        if let Some(transfers) = inside.lock().unwrap().take() {
            drop(transfers);
            done.send(()).unwrap();
        }
        ControlFlow::Continue(())
    });
    let mut transfers = Transfers::new();
    {
        let mut place = own.lock().unwrap();
        transfers.start(request, Delivery::chunks(1000).stages(true));
        *place = Some(transfers);
    }
    gone.recv_timeout(PATIENCE).unwrap();
    let mut transfers = Transfers::new();
    let id = transfers.start(client.get(&origin.url("/get")), Delivery::memory());
    assert_eq!(end_of(&mut transfers, id).status(), 200);
}

/// A body's source that acts after its first piece.
struct Source<F>(Option<F>, u32);

impl<F: FnOnce() -> io::Result<()> + Send> io::Read for Source<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 += 1;
        if self.1 == 2
            && let Some(act) = self.0.take()
        {
            act()?;
        }
        buffer.fill(b'x');
        Ok(if self.1 > 4 { 0 } else { buffer.len() })
    }
}

#[test]
fn a_source_on_the_thread_may_fail_or_panic() {
    let (origin, client) = (Origin::http(), client());
    let mut transfers = Transfers::new();
    let mut post = |act: Box<dyn FnOnce() -> io::Result<()> + Send>| {
        let request = client.post(&origin.url("/post")).expect_continue(false);
        let id = transfers.start(request.body(Body::reader(Source(Some(act), 0), None)), Delivery::memory());
        end_of(&mut transfers, id)
    };
    assert_eq!(post(Box::new(|| Ok(()))).status(), 200);
    let failed = post(Box::new(|| Err(io::Error::other("no more"))));
    assert_eq!(failed.error().unwrap().kind(), Kind::File);
    assert!(failed.error().unwrap().to_string().contains("no more"));
    let panicked = post(Box::new(|| panic!("the caller's own")));
    assert!(panicked.error().is_some() && panicked.status() == 0);
    assert_eq!(post(Box::new(|| Ok(()))).status(), 200);
    assert_eq!(origin.request_count(), 2, "no cut upload was taken for a whole one");
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("the caller's own");
    }
}

#[test]
fn a_callback_that_panics_when_it_is_dropped_harms_nobody() {
    let (origin, client) = (Origin::http(), client());
    let silent = RawServer::start_each(|_| Script::new().expect_head().wait_for_close());
    for how in 0..4 {
        let mut transfers = Transfers::new();
        let bomb = Bomb;
        let url = if how == 3 { origin.url("/get") } else { silent.url("/") };
        let request = client.get(&url).on_progress(move |_| {
            let _ = &bomb;
            ControlFlow::Continue(())
        });
        let accepted = silent.accepted();
        let id = transfers.start(request, Delivery::memory());
        match how {
            0 => {
                assert!(silent.wait_received(PATIENCE, |seen| seen.len() > accepted));
                assert!(transfers.cancel(id));
            }
            1 => {
                assert!(silent.wait_received(PATIENCE, |seen| seen.len() > accepted));
                drop(std::mem::take(&mut transfers));
            }
            // Perhaps before it has come to the thread.
            2 => drop(std::mem::take(&mut transfers)),
            _ => {
                let outcome = end_of(&mut transfers, id);
                transfers.recycle(outcome);
            }
        }
        let ids: Vec<_> =
            (0..100).map(|_| transfers.start(client.get(&origin.url("/get")), Delivery::memory())).collect();
        let events = drain(&mut transfers);
        assert_eq!(events.len(), ids.len(), "{how}");
        for event in events {
            let Event::End { outcome, .. } = event else { panic!("{event:?}") };
            assert_eq!(outcome.status(), 200, "{how}: {:?}", outcome.error());
            // So many are given to the thread, the one with the bomb among them.
            transfers.recycle(outcome);
        }
    }
}

#[test]
fn a_process_ends_at_once_whatever_is_under_way() {
    for way in ["return", "exit", "panic"] {
        let mut command = again("lifetimes::a_process_that_ends_with_transfers_under_way");
        let mut process = command.env(WAY, way).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let until = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = process.try_wait().unwrap() {
                break status;
            }
            if Instant::now() > until {
                process.kill().unwrap();
                process.wait().unwrap();
                panic!("{way}: the process hangs");
            }
            thread::sleep(Duration::from_millis(5));
        };
        let expected = if way == "panic" { 101 } else { 0 };
        let mut said = String::new();
        io::Read::read_to_string(&mut process.stderr.take().unwrap(), &mut said).unwrap();
        assert_eq!(status.code(), Some(expected), "{way}: {said}");
    }
}

const WAY: &str = "WHIMBREL_TEST_EXIT";

/// What nobody drops before the process ends.
static LEFT: Mutex<Option<(Transfers, Client, Origin, RawServer)>> = Mutex::new(None);

#[test]
#[ignore = "the test above runs it as a process of its own"]
fn a_process_that_ends_with_transfers_under_way() {
    let Ok(way) = std::env::var(WAY) else { return };
    let origin = Origin::http();
    let silent = RawServer::start_each(|_| Script::new().expect_head().wait_for_close());
    let client = client();
    let mut transfers = Transfers::new();
    for _ in 0..20 {
        transfers.start(client.get(&origin.url("/bytes/50000000")), Delivery::memory().progress(Duration::ZERO));
        transfers.start(client.get(&silent.url("/")), Delivery::memory());
        transfers.start(client.get("http://nobody.invalid/"), Delivery::memory());
    }
    assert!(transfers.wait(Some(PATIENCE)));
    match &*way {
        "exit" => std::process::exit(0),
        "panic" => panic!("with everything under way"),
        // Not even dropped.
        _ => *LEFT.lock().unwrap() = Some((transfers, client, origin, silent)),
    }
}
