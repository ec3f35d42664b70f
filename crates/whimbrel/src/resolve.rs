//! Names to addresses: the system's resolver (hosts file, VPN and mDNS stay right), on at most two parked threads, cached,
//! each name asked once however many wait. A late answer only fills the cache.

use std::collections::{HashMap, VecDeque};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use whimbrel_proto::{Error, Kind, Phase, Result};

use crate::sys::Waker;

/// How long an answer is used. The system's resolver does not tell a name's own time to live.
const FRESH: Duration = Duration::from_secs(60);
/// How long a failure is used: long enough for the retries of one call, short enough for a network that comes back.
const FAILED: Duration = Duration::from_secs(1);
/// Names kept at most.
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
    Asked(Vec<Arc<Waker>>),
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
                if !wakers.iter().any(|other| Arc::ptr_eq(other, &waker)) {
                    wakers.push(waker);
                }
                return Ok(Answer::Pending);
            }
            _ => {}
        }
        let waker = waker().map_err(no_waker)?;
        if state.cache.len() >= CAPACITY {
            state.cache.retain(|_, entry| matches!(entry, Entry::Asked(_)));
        }
        state.cache.insert(name.into(), Entry::Asked(vec![waker]));
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
                for waker in wakers {
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
