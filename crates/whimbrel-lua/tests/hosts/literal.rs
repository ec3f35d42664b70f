//! A server that does what the path of the request says, step by step: a script decides itself which bytes it meets, and
//! when. It knows nothing of HTTP beyond the end of a head and Content-Length.
//!
//! | segment of the path | step |
//! |---|---|
//! | `x48492e` | sends these bytes |
//! | `n100000` | sends so many letters `n` |
//! | `wait-NAME`, `open-NAME` | waits until the gate of that name is open; opens it |
//! | `take-100`, `take` | reads so much of the request's body, or the rest of it |
//! | `log-NAME` | reads the rest of the body, and keeps head and body |
//! | `show-NAME` | answers with everything kept under the name, and forgets it |
//! | `gone` | reads until the client closes |
//! | `close` | ends the connection |
//! | `turn-NAME` … `or` … `or` … | (first) the first request does the first part, the next the next, the last part stays |

use std::collections::{HashMap, HashSet};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Ends when dropped.
pub(crate) struct Literal {
    addr: SocketAddr,
    world: Arc<World>,
    thread: Option<JoinHandle<()>>,
}

impl Literal {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
        let addr = listener.local_addr().expect("a listener has an address");
        let world = Arc::new(World::default());
        let thread = std::thread::spawn({
            let world = world.clone();
            move || accept(&listener, &world)
        });
        Self { addr, world, thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}

impl Drop for Literal {
    fn drop(&mut self) {
        let mut state = self.world.lock();
        state.stopped = true;
        for socket in state.sockets.drain(..).filter_map(|socket| socket.upgrade()) {
            let _ = socket.shutdown(Shutdown::Both);
        }
        drop(state);
        self.world.changed.notify_all();
        // The thread sits in accept(2).
        let _ = TcpStream::connect(self.addr);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[derive(Default)]
struct World {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    stopped: bool,
    sockets: Vec<Weak<TcpStream>>,
    open: HashSet<String>,
    turns: HashMap<String, usize>,
    kept: HashMap<String, Vec<u8>>,
}

impl World {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("no thread panics while it holds this lock")
    }

    fn open(&self, name: &str) {
        self.lock().open.insert(name.to_owned());
        self.changed.notify_all();
    }

    /// A gate that nobody opens is a test's mistake, and ends its connection after a while.
    fn wait(&self, name: &str) -> io::Result<()> {
        let until = Instant::now() + Duration::from_secs(60);
        let mut state = self.lock();
        loop {
            if state.open.contains(name) {
                return Ok(());
            }
            let left = until.saturating_duration_since(Instant::now());
            if state.stopped || left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            state = self.changed.wait_timeout(state, left).expect("no thread panics while it holds this lock").0;
        }
    }

    /// Which of so many parts this request does.
    fn turn(&self, name: &str, parts: usize) -> usize {
        let mut state = self.lock();
        let turn = state.turns.entry(name.to_owned()).or_default();
        *turn += 1;
        (*turn - 1).min(parts - 1)
    }
}

fn accept(listener: &TcpListener, world: &Arc<World>) {
    while let Ok((socket, _)) = listener.accept() {
        let socket = Arc::new(socket);
        let mut state = world.lock();
        if state.stopped {
            return;
        }
        state.sockets.retain(|socket| socket.strong_count() > 0);
        state.sockets.push(Arc::downgrade(&socket));
        drop(state);
        let _ = socket.set_nodelay(true);
        let world = world.clone();
        std::thread::spawn(move || {
            let mut connection = Connection { socket: &socket, world: &world, pending: Vec::new() };
            while let Ok(true) = connection.serve() {}
            let _ = socket.shutdown(Shutdown::Both);
        });
    }
}

struct Connection<'a> {
    socket: &'a TcpStream,
    world: &'a World,
    /// What was read beyond what was asked for.
    pending: Vec<u8>,
}

impl Connection<'_> {
    /// One request; whether another may follow.
    fn serve(&mut self) -> io::Result<bool> {
        let head = self.head()?;
        let text = String::from_utf8_lossy(&head);
        let length = text
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .and_then(|(_, value)| value.trim().parse().ok());
        let mut missing: usize = length.unwrap_or(0);
        let target = text.split(' ').nth(1).unwrap_or_default();
        let path = target.split(['?', '#']).next().unwrap_or_default();
        let mut steps: Vec<&str> = path.split('/').filter(|step| !step.is_empty()).collect();
        if let Some(name) = steps.first().and_then(|step| step.strip_prefix("turn-")) {
            let parts: Vec<&[&str]> = steps[1..].split(|step| *step == "or").collect();
            steps = parts[self.world.turn(name, parts.len())].to_vec();
        }
        for step in steps {
            let (verb, name) = step.split_once('-').unwrap_or((step, ""));
            match verb {
                "wait" => self.world.wait(name)?,
                "open" => self.world.open(name),
                "take" => {
                    let wanted = name.parse().unwrap_or(missing).min(missing);
                    self.take(wanted)?;
                    missing -= wanted;
                }
                "log" => {
                    let body = self.take(std::mem::take(&mut missing))?;
                    let mut state = self.world.lock();
                    let kept = state.kept.entry(name.to_owned()).or_default();
                    kept.extend_from_slice(&head);
                    kept.extend_from_slice(&body);
                }
                "show" => {
                    let kept = self.world.lock().kept.remove(name).unwrap_or_default();
                    self.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", kept.len()).as_bytes())?;
                    self.send(&kept)?;
                }
                "gone" => while self.read()? > 0 {},
                "close" => return Ok(false),
                _ if verb.starts_with('n') => {
                    let mut left: usize = verb[1..].parse().expect("n is followed by a number");
                    let letters = [b'n'; 16 * 1024];
                    while left > 0 {
                        let piece = left.min(letters.len());
                        self.send(&letters[..piece])?;
                        left -= piece;
                    }
                }
                _ => self.send(&bytes_of(verb))?,
            }
        }
        self.take(missing)?;
        Ok(true)
    }

    fn head(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if let Some(at) = self.pending.windows(4).position(|window| window == b"\r\n\r\n") {
                return Ok(self.pending.drain(..at + 4).collect());
            }
            self.more()?;
        }
    }

    fn take(&mut self, count: usize) -> io::Result<Vec<u8>> {
        while self.pending.len() < count {
            self.more()?;
        }
        Ok(self.pending.drain(..count).collect())
    }

    fn more(&mut self) -> io::Result<()> {
        if self.read()? == 0 { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
    }

    fn read(&mut self) -> io::Result<usize> {
        let mut buffer = [0; 16 * 1024];
        let count = self.socket.read(&mut buffer)?;
        self.pending.extend_from_slice(&buffer[..count]);
        Ok(count)
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.socket.write_all(bytes)
    }
}

fn bytes_of(step: &str) -> Vec<u8> {
    let digits = step.strip_prefix('x').unwrap_or_else(|| panic!("the path holds the unknown step {step:?}"));
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).expect("hex digits are ASCII");
        u8::from_str_radix(pair, 16).expect("two hex digits a byte")
    };
    digits.as_bytes().chunks(2).map(byte).collect()
}
