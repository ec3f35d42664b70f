//! Servers that say literal bytes: what each connection reads, writes and waits for is a [`Script`], byte by byte.
//!
//! A raw server never thinks about HTTP beyond finding the end of a head. Whatever is sent is what the script says, so
//! that a client can be shown every fault a peer is able to commit, under TLS too.

mod script;

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rustls::ServerConfig;

pub use script::Script;

use crate::authority::Identity;
use crate::listener::{LOOPBACK, Listener, Stop};
use crate::tls::{TlsVersions, server_config};
use crate::wire::Wire;

/// A server on loopback that plays one [`Script`] per connection and keeps every byte that it is sent.
///
/// ```
/// use std::io::{Read, Write};
/// use whimbrel_testkit::{RawServer, Script};
///
/// let server = RawServer::start([Script::new().expect_head().send("HTTP/1.1 204 No Content\r\n\r\n")]);
/// let mut client = std::net::TcpStream::connect(server.addr()).unwrap();
/// client.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
/// let mut reply = String::new();
/// client.read_to_string(&mut reply).unwrap();
/// assert_eq!(reply, "HTTP/1.1 204 No Content\r\n\r\n");
/// assert_eq!(server.received()[0], b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
/// ```
pub struct RawServer {
    listener: Listener,
    log: Arc<Log>,
    scheme: &'static str,
}

impl RawServer {
    /// Plays the first script on the first connection, and so on; the last one on every later connection too.
    ///
    /// # Panics
    /// When there is no script, or when loopback has no free port.
    pub fn start(scripts: impl IntoIterator<Item = Script>) -> Self {
        Self::start_on(LOOPBACK, scripts).expect("loopback has a free port")
    }

    /// As [`start`](Self::start), on an address of the caller's choice, such as `[::1]:0`.
    ///
    /// # Errors
    /// When the address cannot be bound.
    ///
    /// # Panics
    /// When there is no script.
    pub fn start_on(addr: SocketAddr, scripts: impl IntoIterator<Item = Script>) -> io::Result<Self> {
        Self::play(addr, None, in_turn(scripts.into_iter().collect()))
    }

    /// As [`start`](Self::start), with TLS in front: the scripts' bytes are what goes inside. A handshake that fails
    /// plays no script. ALPN, where a client offers it, is answered with `http/1.1`.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn start_tls(identity: &Identity, scripts: impl IntoIterator<Item = Script>) -> Self {
        let config = server_config(identity, TlsVersions::Both, None, &[b"http/1.1"]);
        let scripts = in_turn(scripts.into_iter().collect());
        Self::play(LOOPBACK, Some(config), scripts).expect("loopback has a free port")
    }

    /// Plays what `script` returns for the number of the connection, counted from 0.
    ///
    /// # Panics
    /// When loopback has no free port.
    pub fn start_each(script: impl Fn(usize) -> Script + Send + Sync + 'static) -> Self {
        Self::play(LOOPBACK, None, script).expect("loopback has a free port")
    }

    fn play(
        addr: SocketAddr,
        config: Option<Arc<ServerConfig>>,
        script: impl Fn(usize) -> Script + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let log = Arc::new(Log::default());
        let scheme = if config.is_some() { "https" } else { "http" };
        let serve = {
            let log = log.clone();
            move |stream: Arc<TcpStream>, index: usize, stop: &Arc<Stop>| {
                log.open(index);
                if let Ok(wire) = Wire::accept(stream, config.as_ref()) {
                    script::play(&script(index), &wire, stop, |bytes| log.append(index, bytes));
                    // The socket closes here, before the end is told.
                    drop(wire);
                }
                log.finish();
            }
        };
        let listener = Listener::start(addr, "raw server", serve)?;
        Ok(Self { listener, log, scheme })
    }

    /// Where the server listens.
    pub fn addr(&self) -> SocketAddr {
        self.listener.addr()
    }

    /// The URL of `path`, which begins with a slash.
    pub fn url(&self, path: &str) -> String {
        format!("{}://{}{path}", self.scheme, self.addr())
    }

    /// How many connections have been accepted.
    pub fn accepted(&self) -> usize {
        self.listener.accepted()
    }

    /// How many connections have played their script to its end and are closed.
    pub fn finished(&self) -> usize {
        self.log.lock().finished
    }

    /// What each connection has received so far, in the order in which they were accepted: without TLS, all its bytes;
    /// under TLS, all that was inside.
    pub fn received(&self) -> Vec<Vec<u8>> {
        self.log.lock().received.clone()
    }

    /// Waits until what has been received satisfies `enough`. Returns `false` when that takes longer than `timeout`.
    pub fn wait_received(&self, timeout: Duration, enough: impl Fn(&[Vec<u8>]) -> bool) -> bool {
        self.log.wait(timeout, |state| enough(&state.received))
    }

    /// Waits until `count` connections are played to their end and closed. Returns `false` when that takes longer than
    /// `timeout`.
    pub fn wait_finished(&self, count: usize, timeout: Duration) -> bool {
        self.log.wait(timeout, |state| state.finished >= count)
    }
}

fn in_turn(scripts: Vec<Script>) -> impl Fn(usize) -> Script {
    assert!(!scripts.is_empty(), "a raw server needs at least one script: pass one, such as Script::new().hold_open()");
    move |index| scripts[index.min(scripts.len() - 1)].clone()
}

#[derive(Default)]
struct Log {
    state: Mutex<LogState>,
    changed: Condvar,
}

#[derive(Default)]
struct LogState {
    received: Vec<Vec<u8>>,
    finished: usize,
}

impl Log {
    fn lock(&self) -> MutexGuard<'_, LogState> {
        self.state.lock().expect("no thread panics while it holds this lock")
    }

    fn open(&self, index: usize) {
        let mut state = self.lock();
        if state.received.len() <= index {
            state.received.resize(index + 1, Vec::new());
        }
        self.changed.notify_all();
    }

    fn append(&self, index: usize, bytes: &[u8]) {
        self.lock().received[index].extend_from_slice(bytes);
        self.changed.notify_all();
    }

    fn finish(&self) {
        self.lock().finished += 1;
        self.changed.notify_all();
    }

    fn wait(&self, timeout: Duration, enough: impl Fn(&LogState) -> bool) -> bool {
        let until = Instant::now() + timeout;
        let mut state = self.lock();
        while !enough(&state) {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            state = self.changed.wait_timeout(state, left).expect("no thread panics while it holds this lock").0;
        }
        true
    }
}
