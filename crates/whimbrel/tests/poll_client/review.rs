//! What a second look found: bytes that answer nothing, streams that break their word, ends that nobody saw.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Read, Write};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use whimbrel::{PollClient, PollError, PollMethod, PollStatus};
use whimbrel_testkit::{Origin, RawServer, Script};

use crate::{PATIENCE, ask, connected, connected_to, folder, poll_while, read, read_all, settle};

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const FORGED: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged";

/// What would hang fails instead.
fn within_patience<T: Send + 'static>(what: impl FnOnce() -> T + Send + 'static) -> T {
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || sender.send(what()));
    receiver.recv_timeout(PATIENCE).expect("it ends")
}

/// A stream in memory that does what it is told; what is read is given piece by piece, and then nothing.
#[derive(Default)]
struct Scripted {
    pieces: VecDeque<Vec<u8>>,
    takes: Option<usize>,
    /// What reads and writes claim beyond what they did.
    lie: usize,
    write_error: Option<io::ErrorKind>,
    flush_error: Option<io::ErrorKind>,
    interrupted: bool,
    /// Whether the end follows the pieces.
    ends: bool,
}

impl Scripted {
    fn of(pieces: &[&str]) -> Self {
        Self { pieces: pieces.iter().map(|piece| piece.as_bytes().to_vec()).collect(), ..Self::default() }
    }
}

impl Read for Scripted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let Some(piece) = self.pieces.front_mut() else {
            return if self.ends { Ok(0) } else { Err(io::ErrorKind::WouldBlock.into()) };
        };
        if piece.is_empty() {
            // Nothing now, this once.
            self.pieces.pop_front();
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = piece.len().min(buffer.len());
        buffer[..count].copy_from_slice(&piece[..count]);
        piece.drain(..count);
        if piece.is_empty() {
            self.pieces.pop_front();
        }
        Ok(if self.lie > 0 { buffer.len() + self.lie } else { count })
    }
}

impl Write for Scripted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(kind) = self.write_error {
            return Err(kind.into());
        }
        if self.interrupted {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let taken = self.takes.map_or(bytes.len(), |left| left.min(bytes.len()));
        self.takes = self.takes.map(|left| left - taken);
        Ok(if self.lie > 1 { bytes.len() + self.lie } else { taken })
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.flush_error.take() {
            Some(kind) => Err(kind.into()),
            None => Ok(()),
        }
    }
}

fn over(stream: Scripted) -> PollClient {
    let mut client = PollClient::new();
    client.set_transport(stream);
    client
}

#[test]
fn a_response_that_waits_in_the_socket_never_answers_a_later_request() {
    for method in [PollMethod::Get, PollMethod::Post] {
        let server = RawServer::start([
            Script::new().expect_head().send(HELLO).expect_bytes(1).send(FORGED).close(),
            Script::new().expect_head().send(HELLO).wait_for_close(),
        ]);
        let mut client = connected(&server);
        ask(&mut client, PollMethod::Get, "/").unwrap();
        assert_eq!(read_all(&mut client), b"hello");
        client.connection_send(b"x").unwrap();
        assert!(server.wait_finished(1, PATIENCE));
        ask(&mut client, method, "/again").unwrap();
        assert_eq!(read_all(&mut client), b"hello", "{}", method.name());
        assert_eq!(server.accepted(), 2);
    }
}

#[test]
fn nor_does_one_that_was_seen_by_who_asked_what_is_there() {
    let server = RawServer::start([
        Script::new().expect_head().send(HELLO).expect_bytes(1).send(FORGED).wait_for_close(),
        Script::new().expect_head().send(HELLO).wait_for_close(),
    ]);
    let mut client = connected(&server);
    ask(&mut client, PollMethod::Get, "/").unwrap();
    assert_eq!(read_all(&mut client), b"hello");
    client.connection_send(b"x").unwrap();
    let begun = Instant::now();
    while client.connection_available() < FORGED.len() {
        assert!(begun.elapsed() < PATIENCE);
    }
    ask(&mut client, PollMethod::Get, "/again").unwrap();
    assert_eq!(read_all(&mut client), b"hello");
    assert_eq!(server.accepted(), 2);
}

#[test]
fn a_stream_of_the_callers_own_that_may_carry_no_more_requests_is_refused_not_used() {
    // What came too much.
    let mut client = over(Scripted::of(&[&format!("{HELLO}{FORGED}")]));
    client.request(PollMethod::Get, "/", [""; 0], "").unwrap();
    poll_while(&mut client, &[PollStatus::Requesting]).unwrap();
    assert_eq!(read_all(&mut client), b"hello");
    client.request(PollMethod::Get, "/again", [""; 0], "").unwrap();
    assert_eq!(poll_while(&mut client, &[PollStatus::Requesting]), Err(PollError::ConnectionError));
    assert!(client.error().unwrap().to_string().contains("set another"), "{:?}", client.error());
    // A request that was answered before it was sent: the next one would be read as its body.
    let refused = "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n";
    let stream = Scripted { takes: Some(500), ..Scripted::of(&[refused, HELLO]) };
    let mut client = over(stream);
    client.request(PollMethod::Put, "/", [""; 0], vec![b'x'; 100_000]).unwrap();
    poll_while(&mut client, &[PollStatus::Requesting]).unwrap();
    assert!(read(&mut client).is_empty());
    assert_eq!((client.status(), client.response_code()), (PollStatus::Connected, 413));
    client.request(PollMethod::Get, "/again", [""; 0], "").unwrap();
    assert_eq!(poll_while(&mut client, &[PollStatus::Requesting]), Err(PollError::ConnectionError));
}

#[test]
fn a_stream_that_claims_more_than_it_could_is_an_error() {
    for lie in [1, 2] {
        let mut client = over(Scripted { lie, ..Scripted::of(&[HELLO]) });
        client.request(PollMethod::Get, "/", [""; 0], "").unwrap();
        assert_eq!(poll_while(&mut client, &[PollStatus::Requesting]), Err(PollError::ConnectionError));
        assert!(client.error().unwrap().to_string().contains("more than"), "{:?}", client.error());
    }
    let mut client = over(Scripted { lie: 1, ..Scripted::of(&["x"]) });
    assert_eq!(client.poll(), Err(PollError::ConnectionError));
}

#[test]
fn a_stream_that_is_always_interrupted_does_not_hold_the_caller() {
    within_patience(|| {
        let mut client = over(Scripted { interrupted: true, ..Scripted::default() });
        client.poll().unwrap();
        client.request(PollMethod::Get, "/", [""; 0], "").unwrap();
        client.poll().unwrap();
        assert_eq!(client.status(), PollStatus::Requesting);
    });
    let mut client = over(Scripted { flush_error: Some(io::ErrorKind::Interrupted), ..Scripted::of(&[HELLO]) });
    client.request(PollMethod::Get, "/", [""; 0], "").unwrap();
    poll_while(&mut client, &[PollStatus::Requesting]).unwrap();
    assert_eq!(read_all(&mut client), b"hello");
}

#[test]
fn a_stream_that_takes_nothing_and_says_nothing_is_broken() {
    let mut client = over(Scripted { write_error: Some(io::ErrorKind::BrokenPipe), ..Scripted::default() });
    client.request(PollMethod::Get, "/", [""; 0], "").unwrap();
    assert_eq!(poll_while(&mut client, &[PollStatus::Requesting]), Err(PollError::ConnectionError));
    // What it had said before counts.
    let mut client = over(Scripted { write_error: Some(io::ErrorKind::BrokenPipe), ..Scripted::of(&[HELLO]) });
    client.request(PollMethod::Get, "/", [""; 0], "").unwrap();
    poll_while(&mut client, &[PollStatus::Requesting]).unwrap();
    assert_eq!(read_all(&mut client), b"hello");
}

#[test]
fn a_blocking_read_goes_on_sending_what_the_response_waits_for() {
    const SIZE: usize = 48 << 20;
    let server = RawServer::start([Script::new()
        .expect_head()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
        .expect_bytes(SIZE)
        .send("ok")
        .wait_for_close()]);
    let port = server.addr().port();
    within_patience(move || {
        let mut client = connected_to(port);
        client.set_blocking_mode(true);
        client.request(PollMethod::Put, "/", [""; 0], vec![b'x'; SIZE]).unwrap();
        client.poll().unwrap();
        assert_eq!(client.status(), PollStatus::Body);
        assert_eq!(read(&mut client), b"ok");
        assert_eq!(client.status(), PollStatus::Connected);
        assert_eq!(client.progress().sent, SIZE as u64);
    });
}

#[test]
fn reads_alone_go_on_sending_and_the_count_goes_on_with_them() {
    const SIZE: usize = 16 << 20;
    let server = RawServer::start([Script::new()
        .expect_head()
        .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        .expect_bytes(SIZE)
        .send("2\r\nok\r\n0\r\n\r\n")
        .wait_for_close()]);
    let mut client = connected(&server);
    client.request(PollMethod::Put, "/", [""; 0], vec![b'x'; SIZE]).unwrap();
    poll_while(&mut client, &[PollStatus::Requesting]).unwrap();
    let begun = Instant::now();
    let mut body = Vec::new();
    while client.status() == PollStatus::Body {
        body.extend(read(&mut client));
        assert!(begun.elapsed() < PATIENCE);
    }
    assert_eq!(body, b"ok");
    assert_eq!((client.status(), client.progress().sent), (PollStatus::Connected, SIZE as u64));
}

#[test]
fn whole_chunks_stay_whole_though_the_switch_is_turned_within_the_body() {
    let server = RawServer::start([Script::new()
        .expect_head()
        .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
        .wait_for_close()]);
    let mut client = connected(&server);
    client.set_preserve_chunks(true);
    ask(&mut client, PollMethod::Get, "/").unwrap();
    let begun = Instant::now();
    while client.read_room() == 0 {
        client.poll().unwrap();
        assert!(begun.elapsed() < PATIENCE);
    }
    client.set_preserve_chunks(false);
    assert_eq!(read_all(&mut client), b"onetwo");
}

#[test]
fn a_blocking_client_waits_for_its_whole_chunk() {
    let server = RawServer::start([Script::new()
        .expect_head()
        .send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\none")
        .pause(Duration::from_millis(20))
        .send("two\r\n0\r\n\r\n")
        .wait_for_close()]);
    let mut client = connected(&server);
    client.set_preserve_chunks(true);
    client.set_blocking_mode(true);
    ask(&mut client, PollMethod::Get, "/").unwrap();
    assert_eq!(client.read_room(), 6);
    assert_eq!(read(&mut client), b"onetwo");
    assert!(read(&mut client).is_empty());
    assert_eq!(client.status(), PollStatus::Connected);
}

#[test]
fn a_poll_takes_no_bytes_from_who_reads_the_stream_itself() {
    let framed = "5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n";
    let server = RawServer::start([Script::new()
        .expect_head()
        .send(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{framed}"))
        .wait_for_close()]);
    let mut client = connected(&server);
    ask(&mut client, PollMethod::Get, "/").unwrap();
    let mut seen = Vec::new();
    let begun = Instant::now();
    while seen.len() < framed.len() {
        let mut few = [0; 4];
        let count = client.connection_recv(&mut few).unwrap();
        seen.extend_from_slice(&few[..count]);
        client.set_preserve_chunks(true);
        client.poll().unwrap();
        client.read_room();
        assert!(begun.elapsed() < PATIENCE);
    }
    assert_eq!(seen, framed.as_bytes());
}

#[test]
fn nobody_takes_bytes_from_a_body_that_goes_to_a_file() {
    let folder = folder("stolen");
    let server = RawServer::start([Script::new().expect_head().send(HELLO).wait_for_close()]);
    let mut client = connected(&server);
    client.set_download_file(Some(folder.join("body")));
    ask(&mut client, PollMethod::Get, "/").unwrap();
    assert_eq!(client.connection_available(), 0);
    assert_eq!(client.connection_recv(&mut [0; 8]), Err(PollError::Unconfigured));
    poll_while(&mut client, &[PollStatus::Body]).unwrap();
    assert_eq!(fs::read(folder.join("body")).unwrap(), b"hello");
}

#[test]
fn a_response_to_head_puts_no_empty_file_in_the_targets_place() {
    let folder = folder("head");
    let target = folder.join("body");
    fs::write(&target, "old").unwrap();
    let server = RawServer::start([Script::new()
        .expect_head()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n")
        .expect_head()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        .wait_for_close()]);
    let mut client = connected(&server);
    client.set_download_file(Some(target.clone()));
    ask(&mut client, PollMethod::Head, "/").unwrap();
    read_all(&mut client);
    assert_eq!(client.status(), PollStatus::Connected);
    assert_eq!(fs::read(&target).unwrap(), b"old");
    // A body of no bytes is one.
    ask(&mut client, PollMethod::Get, "/").unwrap();
    poll_while(&mut client, &[PollStatus::Body]).unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn a_read_into_nothing_ends_no_body_that_is_still_to_be_decoded() {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packed.write_all(&[b'x'; 100_000]).unwrap();
    let packed = packed.finish().unwrap();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", packed.len());
    let server =
        RawServer::start([Script::new().expect_head().send([head.as_bytes(), &packed].concat()).wait_for_close()]);
    let mut client = connected(&server);
    client.set_accept_encoding(true);
    ask(&mut client, PollMethod::Get, "/").unwrap();
    let mut body = Vec::new();
    let begun = Instant::now();
    while client.status() == PollStatus::Body {
        let mut few = [0; 512];
        let count = client.read_body(&mut few);
        body.extend_from_slice(&few[..count]);
        assert_eq!(client.read_body(&mut []), 0);
        assert!(begun.elapsed() < PATIENCE);
    }
    assert_eq!(body.len(), 100_000);
}

#[test]
fn a_proxy_that_can_be_none_is_not_passed_by() {
    let origin = Origin::http();
    let port = i64::from(origin.addr().port());
    for (host, proxy_port) in [("127.0.0.1", 70_000), ("127.0.0.1", -5), ("127.0.0.1", 0), ("a b", 80), ("p:1", 80)] {
        let mut client = PollClient::new();
        client.set_http_proxy(host, proxy_port);
        client.connect_to_host("127.0.0.1", port, None).unwrap();
        assert_eq!(settle(&mut client), Err(PollError::CantConnect), "{host}:{proxy_port}");
        assert_eq!(client.status(), PollStatus::CantConnect);
        assert!(client.error().unwrap().to_string().contains("proxy"), "{:?}", client.error());
        client.set_http_proxy("", -1);
        client.connect_to_host("127.0.0.1", port, None).unwrap();
        settle(&mut client).unwrap();
    }
    assert_eq!(origin.request_count(), 0);
}

#[test]
fn a_connection_that_cannot_be_replaced_is_a_connection_error() {
    let server = RawServer::start([Script::new()
        .expect_head()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        .wait_for_close()]);
    let mut client = connected(&server);
    ask(&mut client, PollMethod::Get, "/").unwrap();
    read_all(&mut client);
    drop(server);
    client.request(PollMethod::Get, "/", [""; 0], "").unwrap();
    assert_eq!(poll_while(&mut client, &[PollStatus::Requesting]), Err(PollError::ConnectionError));
    assert_eq!(client.status(), PollStatus::ConnectionError);
}

#[test]
fn a_new_connection_is_as_good_as_new() {
    let close = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let server = RawServer::start([
        Script::new().expect_head().send(close).close(),
        Script::new().expect_head().send(HELLO).wait_for_close(),
    ]);
    let mut client = connected(&server);
    ask(&mut client, PollMethod::Get, "/").unwrap();
    read_all(&mut client);
    client.connect_to_host("127.0.0.1", i64::from(server.addr().port()), None).unwrap();
    settle(&mut client).unwrap();
    ask(&mut client, PollMethod::Get, "/").unwrap();
    assert_eq!(read_all(&mut client), b"hello");
    assert_eq!(server.accepted(), 2);
}

/// A generator of numbers that are the same in every run (xorshift64*).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) as usize % limit
    }

    fn is_one_of(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }
}

/// A whole reply with a body in one of its framings, and the state that it leaves.
fn reply(numbers: &mut Numbers, body: &[u8]) -> (Vec<u8>, PollStatus) {
    let mut reply = Vec::new();
    for _ in 0..numbers.below(3) {
        reply.extend_from_slice(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
    }
    reply.extend_from_slice(b"HTTP/1.1 200 OK\r\nX-A: b\r\n");
    if numbers.is_one_of(4) {
        reply.extend_from_slice(b"no colon here\r\n");
    }
    match numbers.below(3) {
        0 => {
            reply.extend_from_slice(format!("Content-Length: {}\r\n\r\n", body.len()).as_bytes());
            reply.extend_from_slice(body);
            (reply, PollStatus::Connected)
        }
        1 => {
            reply.extend_from_slice(b"Transfer-Encoding: Chunked\r\n\r\n");
            let mut rest = body;
            while !rest.is_empty() {
                let (chunk, after) = rest.split_at(1 + numbers.below(rest.len()));
                reply.extend_from_slice(format!("{:x};ext\r\n", chunk.len()).as_bytes());
                reply.extend_from_slice(chunk);
                reply.extend_from_slice(b"\r\n");
                rest = after;
            }
            reply.extend_from_slice(b"0\r\nX-Trailer: t\r\n\r\n");
            (reply, PollStatus::Connected)
        }
        _ => {
            reply.extend_from_slice(b"Connection: close\r\n\r\n");
            reply.extend_from_slice(body);
            (reply, PollStatus::Disconnected)
        }
    }
}

/// Cuts bytes into pieces, with nothing now and then between them.
fn cut(numbers: &mut Numbers, bytes: &[u8], blocks: bool) -> VecDeque<Vec<u8>> {
    let mut pieces = VecDeque::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let most = if numbers.is_one_of(3) { rest.len() } else { rest.len().min(40) };
        let (piece, after) = rest.split_at(1 + numbers.below(most));
        pieces.push_back(piece.to_vec());
        if blocks && numbers.is_one_of(2) {
            pieces.push_back(Vec::new());
        }
        rest = after;
    }
    pieces
}

/// One request with whatever calls a program may make, until the response is over; the body as it was read.
fn run(numbers: &mut Numbers, pieces: VecDeque<Vec<u8>>, blocking: bool) -> (Vec<u8>, PollStatus) {
    let mut client = over(Scripted { pieces, ends: true, ..Scripted::default() });
    client.set_blocking_mode(blocking);
    client.set_preserve_chunks(numbers.is_one_of(3));
    client.set_read_chunk_size([256, 300, 65536][numbers.below(3)]);
    client.request(PollMethod::Put, "/", [""; 0], "some body").unwrap();
    let mut body = Vec::new();
    for step in 0.. {
        assert!(step < 20_000, "it does not end in {}", client.status());
        match client.status() {
            PollStatus::Requesting => {
                let _ = client.poll();
            }
            PollStatus::Body => {
                if numbers.is_one_of(3) {
                    let _ = client.poll();
                }
                if numbers.is_one_of(9) {
                    client.set_preserve_chunks(numbers.is_one_of(2));
                    client.connection_available();
                }
                let size = if numbers.is_one_of(4) { numbers.below(20) } else { client.read_room() };
                let mut buffer = vec![0; size];
                let count = client.read_body(&mut buffer);
                body.extend_from_slice(&buffer[..count]);
            }
            status => return (body, status),
        }
    }
    unreachable!()
}

#[test]
fn every_reply_is_read_whole_in_whatever_pieces_and_by_whatever_calls() {
    let mut numbers = Numbers(0x5eed);
    for case in 0..3000 {
        let body: Vec<u8> = (0..numbers.below(1500)).map(|index| b'a' + (index % 26) as u8).collect();
        let (reply, end) = reply(&mut numbers, &body);
        let blocking = numbers.is_one_of(10);
        let pieces = cut(&mut numbers, &reply, !blocking);
        let read = run(&mut numbers, pieces, blocking);
        assert_eq!(read, (body, end), "case {case}: {}", String::from_utf8_lossy(&reply));
    }
}

#[test]
fn a_spoilt_reply_ends_and_gives_nothing_that_was_not_in_it() {
    let mut numbers = Numbers(0xbad);
    for _ in 0..5000 {
        let body: Vec<u8> = (0..numbers.below(300)).map(|index| b'a' + (index % 26) as u8).collect();
        let (mut reply, _) = reply(&mut numbers, &body);
        for _ in 0..=numbers.below(4) {
            let at = numbers.below(reply.len());
            match numbers.below(3) {
                0 => reply[at] = b"\r\n\0 :;09afHTP\xff"[numbers.below(14)],
                1 if reply.len() > 1 => drop(reply.remove(at)),
                _ => reply.truncate(at.max(1)),
            }
        }
        let blocking = numbers.is_one_of(10);
        let pieces = cut(&mut numbers, &reply, !blocking);
        let (read, status) = run(&mut numbers, pieces, blocking);
        assert!(read.is_empty() || reply.len() >= read.len());
        assert!(matches!(status, PollStatus::Connected | PollStatus::Disconnected | PollStatus::ConnectionError));
    }
}
