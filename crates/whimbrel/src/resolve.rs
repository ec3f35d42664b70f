//! Names to addresses: the system's resolver (hosts file, VPN and mDNS stay right), on at most two parked threads, cached,
//! each name asked once however many wait. A late answer only fills the cache.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use whimbrel_proto::{Error, Kind, Phase, Result};

use crate::sys::Waker;

/// How long an answer is used. The system's resolver does not tell a name's own time to live.
const FRESH: Duration = Duration::from_secs(60);
/// How long a failure is used: long enough for the retries of one call, short enough for a network that comes back.
const FAILED: Duration = Duration::from_secs(1);
/// Names kept at most, and names that may wait for a thread.
const CAPACITY: usize = 1024;
const THREADS: usize = 2;

/// What looks a name up: the system, or a host's own function.
pub(crate) type Lookup = dyn Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync;

/// Addresses of a name, in the order in which they should be tried.
pub(crate) type Addresses = Arc<[IpAddr]>;

/// A resolver with its cache and threads, and the process generation they belong to.
pub(crate) struct Resolver {
    shared: Mutex<(u32, Arc<Shared>)>,
}

struct Shared {
    lookup: Arc<Lookup>,
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    cache: HashMap<Box<str>, Entry>,
    queue: VecDeque<Box<str>>,
    threads: usize,
    parked: usize,
    closed: bool,
}

enum Entry {
    Known(Addresses, Instant),
    Failed(io::ErrorKind, String, Instant),
    /// Whom to ring. Weak, so that a call that gave up takes its descriptor with it, however long the lookup hangs.
    Asked(Vec<Weak<Waker>>),
}

/// The answer to a question.
pub(crate) enum Answer {
    /// The addresses.
    Known(Addresses),
    /// Not yet: the waker rings.
    Pending,
}

impl Resolver {
    /// The process's resolver: the system's.
    pub(crate) fn system() -> Arc<Self> {
        static SYSTEM: OnceLock<Arc<Resolver>> = OnceLock::new();
        SYSTEM.get_or_init(|| Arc::new(Self::new(ask_system))).clone()
    }

    /// A resolver over another function.
    pub(crate) fn new(lookup: impl Fn(&str) -> io::Result<Vec<IpAddr>> + Send + Sync + 'static) -> Self {
        Self { shared: Mutex::new((crate::fork::generation(), Shared::new(Arc::new(lookup)))) }
    }

    /// What belongs to this process: a forked child does not have its parent's threads.
    fn shared(&self) -> Arc<Shared> {
        let generation = crate::fork::generation();
        let mut shared = lock(&self.shared);
        if shared.0 != generation {
            let fresh = Shared::new(shared.1.lookup.clone());
            // The parent's threads and wakers stay the parent's: nothing of it is touched, not even to drop it.
            std::mem::forget(std::mem::replace(&mut *shared, (generation, fresh)));
        }
        shared.1.clone()
    }

    /// Asks for a name. The waker, made only when needed, rings when the answer is there: then ask again.
    pub(crate) fn ask(
        &self,
        name: &str,
        now: Instant,
        waker: &mut dyn FnMut() -> io::Result<Arc<Waker>>,
    ) -> Result<Answer> {
        // RFC 6761 §6.3: localhost is never asked of anybody.
        let trimmed = name.strip_suffix('.').unwrap_or(name);
        if trimmed.eq_ignore_ascii_case("localhost") || ends_in_localhost(trimmed) {
            return Ok(Answer::Known(Arc::from([Ipv4Addr::LOCALHOST.into(), IpAddr::from(Ipv6Addr::LOCALHOST)])));
        }
        let shared = self.shared();
        let mut state = lock(&shared.state);
        match state.cache.get_mut(name) {
            Some(Entry::Known(addresses, until)) if *until > now => return Ok(Answer::Known(addresses.clone())),
            Some(Entry::Failed(kind, text, until)) if *until > now => return Err(failure(name, *kind, text)),
            Some(Entry::Asked(wakers)) => {
                let waker = waker().map_err(no_waker)?;
                wakers.retain(|other| other.strong_count() > 0 && !std::ptr::eq(other.as_ptr(), Arc::as_ptr(&waker)));
                wakers.push(Arc::downgrade(&waker));
                return Ok(Answer::Pending);
            }
            _ => {}
        }
        let waker = waker().map_err(no_waker)?;
        if state.queue.len() >= CAPACITY {
            state.forget_abandoned();
            if state.queue.len() >= CAPACITY {
                return Err(Error::new(Kind::Resolve, Phase::Resolve, "too many other names are being looked up"));
            }
        }
        if state.cache.len() >= CAPACITY {
            state.cache.retain(|_, entry| matches!(entry, Entry::Asked(_)));
        }
        state.cache.insert(name.into(), Entry::Asked(vec![Arc::downgrade(&waker)]));
        state.queue.push_back(name.into());
        // A parked thread that was called for another name is no longer free, though it has not woken yet.
        if state.queue.len() > state.parked && state.threads < THREADS {
            state.threads += 1;
            let serving = shared.clone();
            let spawned = std::thread::Builder::new().name("whimbrel-resolver".into()).spawn(move || serving.serve());
            if let Err(error) = spawned {
                state.threads -= 1;
                if state.threads == 0 {
                    state.cache.remove(name);
                    state.queue.clear();
                    return Err(
                        Error::new(Kind::Resolve, Phase::Resolve, "no thread could be started").with_source(error)
                    );
                }
            }
        }
        shared.work.notify_one();
        Ok(Answer::Pending)
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        let shared = self.shared();
        lock(&shared.state).closed = true;
        shared.work.notify_all();
    }
}

impl State {
    /// Whether a call still waits for this name.
    fn is_awaited(&self, name: &str) -> bool {
        let Some(Entry::Asked(wakers)) = self.cache.get(name) else { return false };
        wakers.iter().any(|waker| waker.strong_count() > 0)
    }

    /// Drops the questions whose callers gave up before a thread took them.
    fn forget_abandoned(&mut self) {
        let queue = std::mem::take(&mut self.queue);
        for name in queue {
            if self.is_awaited(&name) {
                self.queue.push_back(name);
            } else {
                self.cache.remove(&name);
            }
        }
    }
}

impl Shared {
    fn new(lookup: Arc<Lookup>) -> Arc<Self> {
        Arc::new(Self { lookup, state: Mutex::default(), work: Condvar::new() })
    }

    fn serve(&self) {
        let mut state = lock(&self.state);
        loop {
            if state.closed {
                return;
            }
            let Some(name) = state.queue.pop_front() else {
                state.parked += 1;
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.parked -= 1;
                continue;
            };
            if !state.is_awaited(&name) {
                state.cache.remove(&name);
                continue;
            }
            drop(state);
            // A host's function may panic; that is a failed lookup, not a lost thread.
            let answer = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| (self.lookup)(&name)))
                .unwrap_or_else(|_| Err(io::Error::other("the lookup function panicked")));
            let now = Instant::now();
            let entry = match answer {
                Ok(addresses) if addresses.is_empty() => {
                    Entry::Failed(io::ErrorKind::NotFound, "the name has no address".into(), now + FAILED)
                }
                Ok(addresses) => Entry::Known(addresses.into(), now + FRESH),
                Err(error) => Entry::Failed(error.kind(), error.to_string(), now + FAILED),
            };
            state = lock(&self.state);
            if let Some(Entry::Asked(wakers)) = state.cache.insert(name, entry) {
                for waker in wakers.iter().filter_map(Weak::upgrade) {
                    waker.wake();
                }
            }
        }
    }
}

fn ask_system(name: &str) -> io::Result<Vec<IpAddr>> {
    Ok((name, 0).to_socket_addrs()?.map(|addr| addr.ip()).collect())
}

fn ends_in_localhost(name: &str) -> bool {
    let suffix = ".localhost";
    name.len() > suffix.len()
        && name.is_char_boundary(name.len() - suffix.len())
        && name[name.len() - suffix.len()..].eq_ignore_ascii_case(suffix)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cold]
fn failure(name: &str, kind: io::ErrorKind, text: &str) -> Error {
    let source = io::Error::new(kind, text.to_owned());
    Error::new(Kind::Resolve, Phase::Resolve, format!("{name}: {text}")).with_source(source)
}

#[cold]
fn no_waker(error: io::Error) -> Error {
    Error::new(Kind::Resolve, Phase::Resolve, "no descriptor is left to wait with").with_source(error)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::sys::{Interests as _, PollSet, wait};

    /// A resolver whose lookups of `hang…` wait until the sender is dropped, and the names that were looked up.
    fn hanging() -> (Resolver, mpsc::Sender<()>, Arc<Mutex<Vec<String>>>) {
        let (gate, opened) = mpsc::channel();
        let (opened, asked) = (Mutex::new(opened), Arc::<Mutex<Vec<String>>>::default());
        let seen = asked.clone();
        let resolver = Resolver::new(move |name| {
            lock(&seen).push(name.to_owned());
            if name.starts_with("hang") {
                let _ = lock(&opened).recv();
            }
            Ok(vec![Ipv4Addr::LOCALHOST.into()])
        });
        (resolver, gate, asked)
    }

    fn ask(resolver: &Resolver, name: &str) -> (Result<Answer>, Arc<Waker>) {
        let waker = Arc::new(Waker::new().unwrap());
        (resolver.ask(name, Instant::now(), &mut || Ok(waker.clone())), waker)
    }

    #[test]
    fn a_call_that_gave_up_leaves_no_descriptor_behind_while_its_lookup_hangs() {
        let (resolver, _gate, _) = hanging();
        for name in ["hang1", "hang1", "hang2", "hang3", "hang1"] {
            let (answer, waker) = ask(&resolver, name);
            assert!(matches!(answer, Ok(Answer::Pending)));
            let kept = Arc::downgrade(&waker);
            drop(waker);
            assert_eq!(kept.strong_count(), 0, "{name}");
        }
    }

    #[test]
    fn questions_that_nobody_waits_for_are_not_asked_and_do_not_pile_up() {
        let (resolver, gate, asked) = hanging();
        let (_, first) = ask(&resolver, "hang1");
        let (_, second) = ask(&resolver, "hang2");
        for number in 0..3 * CAPACITY {
            assert!(ask(&resolver, &format!("abandoned{number}")).0.is_ok());
        }
        let shared = resolver.shared();
        assert!(lock(&shared.state).queue.len() <= CAPACITY + 2);
        assert!(lock(&shared.state).cache.len() <= CAPACITY + 4);
        let (answer, waker) = ask(&resolver, "wanted");
        assert!(matches!(answer, Ok(Answer::Pending)));
        drop(gate);
        let mut interests = PollSet::default();
        interests.waker(&waker);
        let now = Instant::now();
        wait(interests, Some(now + Duration::from_secs(20)), now).unwrap();
        assert!(matches!(ask(&resolver, "wanted").0, Ok(Answer::Known(_))));
        assert!(!lock(&asked).iter().any(|name| name.starts_with("abandoned")));
        drop((first, second));
    }
}
