//! Names: missing ones, lookups that hang or panic, and that one that hangs holds up nobody else.

use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Instant;

use whimbrel::{Client, Kind, Phase};
use whimbrel_testkit::Origin;

use crate::outcome::{SLACK, failure, millis};

/// A gate that lookups of `hang.test` wait at.
#[derive(Default)]
struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    waiting: usize,
    open: bool,
}

impl Gate {
    fn wait(&self) {
        let mut state = self.state.lock().unwrap();
        state.waiting += 1;
        self.changed.notify_all();
        drop(self.changed.wait_while(state, |state| !state.open).unwrap());
    }

    fn await_somebody(&self) {
        let state = self.state.lock().unwrap();
        let (_state, timeout) = self.changed.wait_timeout_while(state, SLACK, |state| state.waiting == 0).unwrap();
        assert!(!timeout.timed_out(), "nobody asked for the name");
    }

    fn open(&self) {
        self.state.lock().unwrap().open = true;
        self.changed.notify_all();
    }
}

fn resolver(gate: &Arc<Gate>) -> impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static {
    let gate = gate.clone();
    move |name| match name {
        "hang.test" => {
            gate.wait();
            Ok(vec![Ipv4Addr::LOCALHOST.into()])
        }
        "missing.test" => Err(io::Error::new(io::ErrorKind::NotFound, "no such name")),
        "nowhere.test" => Ok(Vec::new()),
        "panic.test" => panic!("this lookup function panics"),
        _ => Ok(vec![Ipv4Addr::LOCALHOST.into()]),
    }
}

fn client(gate: &Arc<Gate>) -> Client {
    Client::builder().no_proxy().resolver(resolver(gate)).build().unwrap()
}

#[test]
fn a_name_without_an_address_is_an_error_of_kind_resolve() {
    let client = client(&Arc::default());
    for (name, text) in [
        ("missing.test", "Could not resolve hostname: missing.test: no such name"),
        ("nowhere.test", "Could not resolve hostname: nowhere.test: the name has no address"),
        ("panic.test", "Could not resolve hostname: panic.test: the lookup function panicked"),
    ] {
        failure(Kind::Resolve, Phase::Resolve, "resolve", text).of(|| client.get(&format!("http://{name}/")).send());
    }
}

#[test]
fn a_lookup_that_hangs_ends_at_each_timeout_and_holds_up_no_other_name() {
    let gate = Arc::new(Gate::default());
    let origin = Origin::http();
    let client = client(&gate);
    let hanging = origin.url_at("hang.test", "/get");
    let text = "Timeout was reached: connect timeout of 0.2 s while looking up the name";
    failure(Kind::Timeout, Phase::Resolve, "resolve-timeout", text)
        .after(millis(200), || client.get(&hanging).connect_timeout(millis(200)).send());
    let text = "Timeout was reached: total timeout of 0.2 s while looking up the name";
    failure(Kind::Timeout, Phase::Resolve, "resolve-timeout", text)
        .after(millis(200), || client.get(&hanging).total_timeout(millis(200)).send());
    for name in ["a.test", "b.test", "c.test"] {
        assert_eq!(client.get(&origin.url_at(name, "/get")).send().unwrap().status(), 200);
    }
    // A late answer fills the cache.
    gate.open();
    assert_eq!(client.get(&hanging).send().unwrap().status(), 200);
}

#[test]
fn a_lookup_that_hangs_can_be_cancelled() {
    let gate = Arc::new(Gate::default());
    let client = client(&gate);
    let mut request = client.get("http://hang.test/");
    let handle = request.cancel_handle();
    let text = "Operation was cancelled: by its handle";
    thread::scope(|scope| {
        scope.spawn(|| {
            gate.await_somebody();
            handle.cancel();
        });
        failure(Kind::Cancelled, Phase::Resolve, "cancelled", text).of(|| request.send());
    });
    gate.open();
}

#[test]
fn names_asked_for_at_the_same_moment_as_one_that_hangs_are_found() {
    for _ in 0..20 {
        let gate = Arc::new(Gate::default());
        let origin = Origin::http();
        let client = client(&gate);
        // One thread of the resolver is parked from here on.
        client.get(&origin.url_at("warm.test", "/get")).send().unwrap();
        thread::scope(|scope| {
            scope.spawn(|| client.get(&origin.url_at("hang.test", "/get")).send().unwrap());
            let quick = scope.spawn(|| {
                let start = Instant::now();
                client.get(&origin.url_at("quick.test", "/get")).total_timeout(SLACK).send().map(|_| start.elapsed())
            });
            let quick = quick.join();
            gate.open();
            quick.unwrap().unwrap();
        });
    }
}
