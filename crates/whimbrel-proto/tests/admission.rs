//! Admission against a model so simple that it can be read at once, and its cost with very many waiting.

use proptest::prelude::*;
use whimbrel_proto::admission::{Admission, Limits, Ticket};

/// Host, priority, and what waits.
type Lane = (u8, i8, Vec<(Ticket, u32)>);

/// Every lane in a plain list, in the order of its turn; every rule a search through it.
struct Model {
    limits: Limits,
    running: Vec<u8>,
    lanes: Vec<Lane>,
}

impl Model {
    fn push(&mut self, host: u8, priority: i8, ticket: Ticket, item: u32) {
        let at = self.lanes.iter().position(|lane| (lane.0, lane.1) == (host, priority)).unwrap_or_else(|| {
            self.lanes.push((host, priority, Vec::new()));
            self.lanes.len() - 1
        });
        self.lanes[at].2.push((ticket, item));
        self.lanes[at].2.sort();
    }

    fn next(&mut self) -> Option<(Ticket, u8, u32)> {
        let running = |host: u8| self.running.iter().filter(|&&other| other == host).count();
        let may = |lane: &&Lane| running(lane.0) < self.limits.per_host;
        let best = self.lanes.iter().filter(may).map(|lane| lane.1).max()?;
        if self.running.len() >= self.limits.total {
            return None;
        }
        let at = self.lanes.iter().position(|lane| lane.1 == best && may(&lane))?;
        let mut lane = self.lanes.remove(at);
        let (ticket, item) = lane.2.remove(0);
        self.running.push(lane.0);
        let host = lane.0;
        if !lane.2.is_empty() {
            self.lanes.push(lane);
        }
        Some((ticket, host, item))
    }

    fn release(&mut self, host: u8) {
        if let Some(at) = self.running.iter().position(|&other| other == host) {
            self.running.remove(at);
        }
    }

    fn remove(&mut self, ticket: Ticket) -> Option<(u8, i8, u32)> {
        let at = self.lanes.iter().position(|lane| lane.2.iter().any(|entry| entry.0 == ticket))?;
        let lane = &mut self.lanes[at];
        let entry = lane.2.iter().position(|entry| entry.0 == ticket)?;
        let found = (lane.0, lane.1, lane.2.remove(entry).1);
        if lane.2.is_empty() {
            self.lanes.remove(at);
        }
        Some(found)
    }

    fn set_priority(&mut self, ticket: Ticket, priority: i8) {
        let holds = |lane: &&Lane| lane.2.iter().any(|entry| entry.0 == ticket);
        if self.lanes.iter().find(holds).is_some_and(|lane| lane.1 != priority)
            && let Some((host, _, item)) = self.remove(ticket)
        {
            self.push(host, priority, ticket, item);
        }
    }

    fn len(&self) -> usize {
        self.lanes.iter().map(|lane| lane.2.len()).sum()
    }
}

#[derive(Clone, Debug)]
enum Event {
    Push(u8, i8),
    Next,
    Release(u8),
    Remove(usize),
    SetPriority(usize, i8),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0..5u8, -2..3i8).prop_map(|(host, priority)| Event::Push(host, priority)),
        4 => Just(Event::Next),
        3 => (0..5u8).prop_map(Event::Release),
        1 => any::<usize>().prop_map(Event::Remove),
        1 => (any::<usize>(), -2..3i8).prop_map(|(which, priority)| Event::SetPriority(which, priority)),
    ]
}

proptest! {
    #[test]
    fn it_does_what_the_model_does(
        per_host in 1..4usize,
        total in 1..8usize,
        events in proptest::collection::vec(event(), 1..200),
    ) {
        let limits = Limits { per_host, total };
        let mut admission = Admission::new(limits);
        let mut model = Model { limits, running: Vec::new(), lanes: Vec::new() };
        let mut tickets = Vec::new();
        for (item, event) in events.into_iter().enumerate() {
            match event {
                Event::Push(host, priority) => {
                    let ticket = admission.push(host, priority, item as u32);
                    model.push(host, priority, ticket, item as u32);
                    tickets.push(ticket);
                }
                Event::Next => prop_assert_eq!(admission.next(), model.next()),
                Event::Release(host) => {
                    admission.release(&host);
                    model.release(host);
                }
                Event::Remove(which) if !tickets.is_empty() => {
                    let ticket = tickets[which % tickets.len()];
                    prop_assert_eq!(admission.remove(ticket), model.remove(ticket).map(|found| found.2));
                }
                Event::SetPriority(which, priority) if !tickets.is_empty() => {
                    let ticket = tickets[which % tickets.len()];
                    admission.set_priority(ticket, priority);
                    model.set_priority(ticket, priority);
                }
                _ => {}
            }
            prop_assert_eq!(admission.len(), model.len());
            prop_assert_eq!(admission.is_empty(), model.len() == 0);
            prop_assert_eq!(admission.running(), model.running.len());
        }
    }
}

fn admitted<T>(admission: &mut Admission<&'static str, T>) -> Vec<T> {
    std::iter::from_fn(|| admission.next().map(|(_, _, item)| item)).collect()
}

#[test]
fn a_host_that_asked_for_a_thousand_does_not_starve_one_that_asked_for_one() {
    let mut admission = Admission::new(Limits { per_host: 1000, total: 3 });
    for number in 0..1000 {
        admission.push("many.test", 0, number);
    }
    admission.push("one.test", 0, 5000);
    assert_eq!(admitted(&mut admission), [0, 5000, 1]);
}

#[test]
fn a_higher_priority_goes_first_and_a_host_at_its_limit_blocks_nobody() {
    let mut admission = Admission::new(Limits { per_host: 1, total: 2 });
    admission.push("a.test", 5, "a1");
    admission.push("a.test", 5, "a2");
    admission.push("b.test", -5, "b");
    admission.push("c.test", 0, "c");
    assert_eq!(admitted(&mut admission), ["a1", "c"]);
    admission.release(&"c.test");
    assert_eq!(admitted(&mut admission), ["b"]);
    admission.release(&"a.test");
    assert_eq!(admitted(&mut admission), ["a2"]);
}

#[test]
fn limits_of_nothing_still_let_one_run() {
    let mut admission = Admission::new(Limits { per_host: 0, total: 0 });
    admission.push("a.test", 0, 1);
    admission.push("a.test", 0, 2);
    assert_eq!(admitted(&mut admission), [1]);
    admission.release(&"a.test");
    assert_eq!(admitted(&mut admission), [2]);
}

#[test]
fn a_release_without_one_running_changes_nothing() {
    let mut admission = Admission::<_, u32>::new(Limits { per_host: 1, total: 1 });
    admission.release(&"a.test");
    admission.push("a.test", 0, 1);
    admission.release(&"a.test");
    assert_eq!(admission.running(), 0);
    assert_eq!(admitted(&mut admission), [1]);
}

/// Quadratic work would take minutes here.
#[test]
fn two_hundred_thousand_waiting_are_served_one_by_one() {
    let mut admission = Admission::new(Limits { per_host: 1, total: 8 });
    let hosts = 5_000u32;
    for number in 0..200_000u32 {
        admission.push(number % hosts, (number % 3) as i8, number);
    }
    let mut running = Vec::new();
    let mut served = 0;
    while !admission.is_empty() {
        while let Some((_, host, _)) = admission.next() {
            running.push(host);
            served += 1;
        }
        for host in running.drain(..) {
            admission.release(&host);
        }
    }
    assert_eq!((served, admission.running()), (200_000, 0));
}
