//! The other side of `probe.gd`: a server whose answer to `/case/NAME` is literal bytes, some of them sent only when
//! the script says so, and how the connection goes on afterwards. It knows nothing of what a client makes of that.
//!
//! The script paces it over a third port, a line at a time: `step` lets the latest answer go on by one piece and is
//! answered when the piece is with the system; `closed NAME` is answered when an answer of that name has ended its
//! connection. So nothing depends on time: what the script asked for is there to be received when it looks.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// How long the server waits for a script that has gone astray.
const PATIENCE: Duration = Duration::from_secs(20);

/// The scripted server's three ports. Its threads end with the process.
pub(crate) struct Cases {
    pub(crate) plain: u16,
    pub(crate) tls: u16,
    pub(crate) control: u16,
}

impl Cases {
    pub(crate) fn start(config: Arc<ServerConfig>) -> Self {
        let pace = Arc::new(Pace::default());
        let plain = listen({
            let pace = pace.clone();
            move |tcp| {
                let mut forwarder = tcp.try_clone()?;
                serve(&tcp.try_clone()?, &mut BufReader::new(tcp), &mut forwarder, &pace)
            }
        });
        let tls = listen({
            let pace = pace.clone();
            move |tcp| {
                let session = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
                let both = Tls(Mutex::new(StreamOwned::new(session, tcp.try_clone()?)));
                serve(&tcp, &mut BufReader::new(&both), &mut &both, &pace)
            }
        });
        let control = listen(move |tcp| pace.obey(&tcp));
        Self { plain, tls, control }
    }
}

fn listen(serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let serve = Arc::new(serve);
    thread::spawn(move || {
        for tcp in listener.incoming().flatten() {
            let serve = serve.clone();
            thread::spawn(move || {
                let _ = tcp.set_nodelay(true);
                let _ = serve(tcp);
            });
        }
    });
    port
}

/// One thread uses it, for both directions.
struct Tls(Mutex<StreamOwned<ServerConnection, TcpStream>>);

impl Read for &Tls {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.lock().unwrap().read(buffer)
    }
}

impl Write for &Tls {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.lock().unwrap().flush()
    }
}

/// Which answer may go on, and which ones have ended their connection.
#[derive(Default)]
struct Pace {
    state: Mutex<PaceState>,
    changed: Condvar,
}

#[derive(Default)]
struct PaceState {
    /// The number of the latest answer that waits for steps.
    turn: u64,
    permits: usize,
    taken: usize,
    /// Whether that answer has no more to give.
    is_over: bool,
    closed: HashMap<String, usize>,
}

impl Pace {
    fn begin(&self) -> u64 {
        let mut state = self.state.lock().unwrap();
        state.turn += 1;
        (state.permits, state.taken, state.is_over) = (0, 0, false);
        state.turn
    }

    /// Waits for a step of answer `turn`.
    fn wait(&self, turn: u64) -> io::Result<()> {
        let state = self.state.lock().unwrap();
        let waits = |state: &mut PaceState| state.turn == turn && state.permits <= state.taken;
        let (state, _) = self.changed.wait_timeout_while(state, PATIENCE, waits).unwrap();
        if state.turn == turn && state.permits > state.taken { Ok(()) } else { Err(io::ErrorKind::TimedOut.into()) }
    }

    fn taken(&self, turn: u64) {
        let mut state = self.state.lock().unwrap();
        if state.turn == turn {
            state.taken += 1;
        }
        self.changed.notify_all();
    }

    fn over(&self, turn: u64) {
        let mut state = self.state.lock().unwrap();
        state.is_over |= state.turn == turn;
        self.changed.notify_all();
    }

    fn closed(&self, name: &str) {
        *self.state.lock().unwrap().closed.entry(name.to_owned()).or_default() += 1;
        self.changed.notify_all();
    }

    /// The control port: obeys until the script closes it.
    fn obey(&self, tcp: &TcpStream) -> io::Result<()> {
        for line in BufReader::new(tcp).lines() {
            let line = line?;
            let mut state = self.state.lock().unwrap();
            let in_time = match line.split_once(' ') {
                Some(("closed", name)) => {
                    let is_open = |state: &mut PaceState| state.closed.get(name).is_none_or(|&count| count == 0);
                    let (mut state, wait) = self.changed.wait_timeout_while(state, PATIENCE, is_open).unwrap();
                    state.closed.entry(name.to_owned()).and_modify(|count| *count = count.saturating_sub(1));
                    !wait.timed_out()
                }
                _ => {
                    state.permits += 1;
                    self.changed.notify_all();
                    let goes_on = |state: &mut PaceState| state.taken < state.permits && !state.is_over;
                    !self.changed.wait_timeout_while(state, PATIENCE, goes_on).unwrap().1.timed_out()
                }
            };
            (&*tcp).write_all(if in_time { b"ok\n" } else { b"late\n" })?;
        }
        Ok(())
    }
}

/// What is sent, and what becomes of the connection.
struct Answer {
    /// Sent at once.
    first: Vec<u8>,
    /// Each sent after a step, or after 50 ms where the script cannot step.
    pieces: Vec<Vec<u8>>,
    then: Then,
    is_timed: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// The next request.
    Next,
    /// The end (FIN, under TLS without a word), behind the last piece.
    End,
    /// The end, after one more step.
    EndAtStep,
    /// Silence, until the client goes.
    Hold,
}

fn serve(tcp: &TcpStream, reader: &mut impl BufRead, writer: &mut dyn Write, pace: &Pace) -> io::Result<()> {
    while let Some((head, body)) = read_request(reader)? {
        let line = head.split(|&byte| byte == b'\r').next().unwrap_or_default();
        let mut words = line.splitn(3, |&byte| byte == b' ');
        let (Some(method), Some(path), Some(_)) = (words.next(), words.next(), words.next()) else { break };
        let path = String::from_utf8_lossy(path).into_owned();
        if method == b"CONNECT" {
            return tunnel(tcp, &path);
        }
        let (name, query) = path.split_once('?').unwrap_or((&path, ""));
        let name = name.rsplit('/').next().unwrap_or_default().to_owned();
        let mut answer = answer(&name, query);
        if name == "echo" {
            let echo = [&head[..], b"\r\n\r\n", &body].concat();
            answer.first = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", echo.len()).into_bytes();
            if method != b"HEAD" {
                answer.first.extend(echo);
            }
        }
        if method == b"HEAD" && answer.then == Then::EndAtStep {
            // Nothing is read that could find nothing.
            answer.then = Then::End;
        }
        let turn = if answer.is_timed { 0 } else { pace.begin() };
        writer.write_all(&answer.first)?;
        writer.flush()?;
        for piece in &answer.pieces {
            if answer.is_timed {
                thread::sleep(Duration::from_millis(50));
            } else {
                pace.wait(turn)?;
            }
            writer.write_all(piece)?;
            writer.flush()?;
            pace.taken(turn);
        }
        if answer.then == Then::EndAtStep {
            pace.wait(turn)?;
        }
        if matches!(answer.then, Then::End | Then::EndAtStep) {
            tcp.shutdown(Shutdown::Write)?;
            pace.closed(&name);
        }
        pace.over(turn);
        if answer.then == Then::Next {
            continue;
        }
        // Read to the client's end, so that the close doesn't turn into a reset.
        io::copy(&mut &*tcp, &mut io::sink())?;
        break;
    }
    let _ = writer.flush();
    tcp.shutdown(Shutdown::Both)
}

fn read_request(reader: &mut impl BufRead) -> io::Result<Option<(Vec<u8>, Vec<u8>)>> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head)? == 0 {
            return Ok(None);
        }
    }
    head.truncate(head.len() - 4);
    let text = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = text.lines().filter_map(|line| line.strip_prefix("content-length:")).next_back();
    let length = length.and_then(|length| length.trim().parse().ok()).unwrap_or(0);
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    Ok(Some((head, body)))
}

/// CONNECT: to the port on loopback, whatever the name, but for `deny.test`.
fn tunnel(client: &TcpStream, authority: &str) -> io::Result<()> {
    if authority.contains("deny") {
        (&*client).write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")?;
        return io::copy(&mut &*client, &mut io::sink()).map(drop);
    }
    let port = authority.rsplit(':').next().and_then(|port| port.parse().ok()).unwrap_or(0_u16);
    let target = TcpStream::connect(("127.0.0.1", port))?;
    (&*client).write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")?;
    let (from, to) = (target.try_clone()?, client.try_clone()?);
    let back = thread::spawn(move || carry(&from, &to));
    carry(client, &target);
    let _ = back.join();
    Ok(())
}

fn carry(mut from: &TcpStream, mut to: &TcpStream) {
    let _ = io::copy(&mut from, &mut to);
    let _ = to.shutdown(Shutdown::Write);
}

fn answer(name: &str, query: &str) -> Answer {
    let at_once = |first: &[u8], then| Answer { first: first.to_vec(), pieces: Vec::new(), then, is_timed: false };
    let next = |first: &str| at_once(first.as_bytes(), Then::Next);
    let end = |first: &str| at_once(first.as_bytes(), Then::End);
    let in_pieces = |first: &str, pieces: &[&str], then| {
        let pieces = pieces.iter().map(|piece| piece.as_bytes().to_vec()).collect();
        Answer { first: first.as_bytes().to_vec(), pieces, then, is_timed: query == "timed" }
    };
    let ok = |rest: &str| format!("HTTP/1.1 200 OK\r\n{rest}");
    let chunked = |rest: &str| ok(&format!("Transfer-Encoding: chunked\r\n\r\n{rest}"));
    match name {
        "echo" => next(""),
        "len" => next(&ok("Content-Length: 5\r\nX-A: 1\r\nX-A: 2\r\nx-b:  spaced  \r\nSet-Cookie: a=1\r\n\
             Set-Cookie: b=2; Path=/\r\nNoColonLine\r\n\r\nhello")),
        "zero" => next(&ok("Content-Length: 0\r\n\r\n")),
        "204" => next("HTTP/1.1 204 No Content\r\nX: y\r\n\r\n"),
        "204cl" => next("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"),
        "304" => next("HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"),
        "304cl" => end("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n"),
        "nolen_keep" => end(&ok("X: y\r\n\r\nbody-without-length")),
        "eof" => in_pieces(&ok("Connection: close\r\n\r\nuntil eof"), &[], Then::EndAtStep),
        "eof_upper" => in_pieces(&ok("CONNECTION: Close\r\n\r\nuntil eof"), &[], Then::EndAtStep),
        "eof_tab" => end(&ok("Connection:close\r\n\r\nuntil eof")),
        "http10" => end("HTTP/1.0 200 OK\r\nX: y\r\n\r\nold style"),
        "close_len" => end(&ok("Content-Length: 5\r\nConnection: close\r\n\r\nhello")),
        "short" => in_pieces(&ok("Content-Length: 50\r\n\r\nhello"), &[], Then::EndAtStep),
        "chunk" => next(&chunked("5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")),
        "chunk_slow" => {
            let pieces = ["5\r\nhe", "llo\r", "\n6\r\n wor", "ld\r\n0", "\r\n\r\n"];
            in_pieces(&chunked(""), &pieces, Then::Next)
        }
        "chunk_upper" => end(&ok("Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")),
        "chunk_gz_list" => end(&ok("Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")),
        "chunk_ext" => end(&chunked("5;a=b\r\nhello\r\n0\r\n\r\n")),
        "chunk_trailer" => next(&chunked("5\r\nhello\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\n")),
        "chunk_bad" => end(&chunked("zz\r\nhello\r\n0\r\n\r\n")),
        "chunk_nocrlf" => end(&chunked("5\r\nhelloXX0\r\n\r\n")),
        "chunk_cut" => in_pieces(&chunked("5\r\nhello\r\n5\r\nwo"), &[], Then::EndAtStep),
        "chunk_and_len" => next(&ok("Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")),
        "chunk_huge" => next(&chunked(&format!("1000001\r\n{}\r\n0\r\n\r\n", "x".repeat(0x100_0001)))),
        "chunk_16m" => next(&chunked(&format!("1000000\r\n{}\r\n0\r\n\r\n", "x".repeat(0x100_0000)))),
        "lf_only" => next("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello"),
        "noversion" => next("Weird 299 Hmm\r\nContent-Length: 2\r\n\r\nok"),
        "status_long" => next("HTTP/1.1 299 A long reason phrase\r\nContent-Length: 2\r\n\r\nok"),
        "noreason" => next("HTTP/1.1 404\r\nContent-Length: 2\r\n\r\nno"),
        "continue" => next(&format!("HTTP/1.1 100 Continue\r\n\r\n{}", ok("Content-Length: 5\r\n\r\nhello"))),
        "103" => {
            next(&format!("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n{}", ok("Content-Length: 5\r\n\r\nhello")))
        }
        "redirect" => next("HTTP/1.1 302 Found\r\nLocation: /case/len\r\nContent-Length: 0\r\n\r\n"),
        "gzip" => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(b"hello gzip").unwrap();
            let coded = encoder.finish().unwrap();
            let head = ok(&format!("Content-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", coded.len()));
            at_once(&[head.as_bytes(), &coded].concat(), Then::Next)
        }
        "utf8" => {
            let head = [ok("X-U: gr\u{fc}\u{df}\r\n").as_bytes(), b"X-L: caf\xe9\r\n"].concat();
            at_once(&[&head[..], b"Content-Length: 2\r\n\r\nok"].concat(), Then::Next)
        }
        "fold" => next(&ok("X-F: one\r\n two\r\nContent-Length: 2\r\n\r\nok")),
        "twolen" => end(&ok("Content-Length: 5\r\nContent-Length: 3\r\n\r\nhello")),
        "badlen" => end(&ok("Content-Length: abc\r\n\r\nhello")),
        "neglen" => in_pieces(&ok("Content-Length: -5\r\n\r\nhello"), &[], Then::Hold),
        "biglen" => in_pieces(&ok("Content-Length: 5000000000\r\n\r\nhello"), &[], Then::EndAtStep),
        "hang" => at_once(b"", Then::Hold),
        "closenow" => end(""),
        "partialhead" => end("HTTP/1.1 200 OK\r\nCont"),
        "idleclose" => in_pieces(&ok("Content-Length: 5\r\n\r\nhello"), &[], Then::EndAtStep),
        "bytes" => {
            let count = query.strip_prefix("n=").and_then(|count| count.parse().ok()).unwrap_or(0);
            next(&ok(&format!("Content-Length: {count}\r\n\r\n{}", "x".repeat(count))))
        }
        "slowbody" => in_pieces(&ok("Content-Length: 10\r\n\r\n"), &["ab"; 5], Then::Next),
        _ => next("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"),
    }
}
