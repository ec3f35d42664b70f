//! Accepts connections and gives each one a thread of its own; on drop it wakes whatever they wait for and lets go.
//!
//! It never reads or writes a byte of a connection: what is said on it is up to the server that asked for the listener.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// The default place of every server: loopback, a port that the system picks.
pub(crate) const LOOPBACK: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// Deep enough for an unoptimised TLS handshake, small enough for a thousand connections.
const STACK_BYTES: usize = 512 * 1024;

/// A listening socket and the thread that accepts from it.
pub(crate) struct Listener {
    addr: SocketAddr,
    stop: Arc<Stop>,
    accepted: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Listener {
    /// Binds `addr` and calls `serve` with each connection and its number (from 0), on a new thread each time.
    pub(crate) fn start<F>(addr: SocketAddr, name: &str, serve: F) -> io::Result<Self>
    where
        F: Fn(Arc<TcpStream>, usize, &Arc<Stop>) + Send + Sync + 'static,
    {
        let socket = TcpListener::bind(addr)?;
        let addr = socket.local_addr()?;
        let stop = Arc::new(Stop::default());
        let accepted = Arc::new(AtomicUsize::new(0));
        let thread = thread::Builder::new().name(format!("{name} accept")).spawn({
            let (stop, accepted, name, serve) = (stop.clone(), accepted.clone(), name.to_owned(), Arc::new(serve));
            move || accept_until_stopped(&socket, &stop, &accepted, &name, &serve)
        })?;
        Ok(Self { addr, stop, accepted, thread: Some(thread) })
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.stop.now();
        // The thread sits in accept(2), which only a connection ends on every system.
        let _ = TcpStream::connect_timeout(&reachable(self.addr), Duration::from_secs(1));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn accept_until_stopped<F>(socket: &TcpListener, stop: &Arc<Stop>, accepted: &AtomicUsize, name: &str, serve: &Arc<F>)
where
    F: Fn(Arc<TcpStream>, usize, &Arc<Stop>) + Send + Sync + 'static,
{
    loop {
        let stream = socket.accept();
        if stop.is_set() {
            return;
        }
        let Ok((stream, _)) = stream else {
            // Out of file descriptors, or the peer gave up in between: neither ends the server.
            stop.wait(Duration::from_millis(10));
            continue;
        };
        let _ = stream.set_nodelay(true);
        let stream = Arc::new(stream);
        stop.watch(&stream);
        let index = accepted.fetch_add(1, Ordering::SeqCst);
        let (stop, serve) = (stop.clone(), serve.clone());
        let started = thread::Builder::new()
            .name(format!("{name} {index}"))
            .stack_size(STACK_BYTES)
            .spawn(move || serve(stream, index, &stop));
        drop(started);
    }
}

/// An unspecified address is one to listen on, not one to connect to.
fn reachable(addr: SocketAddr) -> SocketAddr {
    let ip = match addr.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, addr.port())
}

/// Tells every thread of a server that it ends, and ends the reads and writes they are blocked in.
#[derive(Default)]
pub(crate) struct Stop {
    state: Mutex<StopState>,
    changed: Condvar,
}

#[derive(Default)]
struct StopState {
    set: bool,
    sockets: Vec<Weak<TcpStream>>,
    prune_at: usize,
}

impl Stop {
    /// Shuts `socket` down when the server stops, or at once when it has.
    pub(crate) fn watch(&self, socket: &Arc<TcpStream>) {
        let mut state = self.state.lock().expect("no thread panics while it holds this lock");
        if state.set {
            let _ = socket.shutdown(Shutdown::Both);
            return;
        }
        if state.sockets.len() >= state.prune_at {
            state.sockets.retain(|socket| socket.strong_count() > 0);
            state.prune_at = (state.sockets.len() * 2).max(64);
        }
        state.sockets.push(Arc::downgrade(socket));
    }

    pub(crate) fn is_set(&self) -> bool {
        self.state.lock().expect("no thread panics while it holds this lock").set
    }

    /// Waits that long, or less when the server stops. Returns whether it goes on.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut state = self.state.lock().expect("no thread panics while it holds this lock");
        while !state.set {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            state = self.changed.wait_timeout(state, left).expect("no thread panics while it holds this lock").0;
        }
        false
    }

    fn now(&self) {
        let mut state = self.state.lock().expect("no thread panics while it holds this lock");
        state.set = true;
        for socket in state.sockets.drain(..).filter_map(|socket| socket.upgrade()) {
            let _ = socket.shutdown(Shutdown::Both);
        }
        self.changed.notify_all();
    }
}
