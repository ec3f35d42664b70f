//! The bytes below HTTP: read and sent as they are, and a stream that the caller brings.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};

use whimbrel::{PollError, PollMethod, PollStatus};
use whimbrel_testkit::{RawServer, Script};

use crate::{PATIENCE, ask, connected, poll_while, read, read_all};

fn recv(client: &mut whimbrel::PollClient, wanted: usize) -> Vec<u8> {
    let begun = std::time::Instant::now();
    let mut all = Vec::new();
    while all.len() < wanted {
        let mut buffer = [0; 64];
        let count = client.connection_recv(&mut buffer).unwrap();
        all.extend_from_slice(&buffer[..count]);
        assert!(begun.elapsed() < PATIENCE);
    }
    all
}

#[test]
fn an_upgraded_connection_is_a_stream_with_the_bytes_that_came_with_the_head() {
    let script = Script::new()
        .expect_head()
        .send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nearly")
        .expect_bytes(4)
        .send("late")
        .wait_for_close();
    let server = RawServer::start([script]);
    let mut client = connected(&server);
    client.request(PollMethod::Get, "/", ["Connection: Upgrade", "Upgrade: echo"], "").unwrap();
    poll_while(&mut client, &[PollStatus::Requesting]).unwrap();
    assert_eq!((client.status(), client.response_code()), (PollStatus::Connected, 101));
    assert!(client.is_upgraded() && client.has_connection());
    assert_eq!(client.connection_available(), 5);
    assert_eq!(recv(&mut client, 5), b"early");
    assert_eq!(client.connection_send(b"ping"), Ok(4));
    client.poll().unwrap();
    assert_eq!(recv(&mut client, 4), b"late");
    assert_eq!(client.request(PollMethod::Get, "/", [""; 0], ""), Err(PollError::InvalidParameter));
    assert!(client.error().unwrap().to_string().contains("upgraded"));
}

#[test]
fn a_body_may_be_read_from_the_stream_and_no_byte_comes_twice() {
    let script = Script::new()
        .expect_head()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhelloworld")
        .expect_head()
        .send("HTTP/1.1 200 OK\r\n\r\nunframed")
        .close();
    let server = RawServer::start([script]);
    let mut client = connected(&server);
    ask(&mut client, PollMethod::Get, "/").unwrap();
    while client.connection_available() < 10 {}
    let mut five = [0; 5];
    assert_eq!(client.connection_recv(&mut five), Ok(5));
    assert_eq!(&five, b"hello");
    assert_eq!(read_all(&mut client), b"world");
    assert_eq!(client.status(), PollStatus::Connected);
    ask(&mut client, PollMethod::Get, "/").unwrap();
    assert_eq!(recv(&mut client, 8), b"unframed");
    let begun = std::time::Instant::now();
    while client.status() == PollStatus::Body {
        assert!(read(&mut client).is_empty() && begun.elapsed() < PATIENCE);
    }
    assert_eq!(client.status(), PollStatus::Disconnected);
}

#[test]
fn a_chunked_body_comes_from_the_stream_as_it_is_framed() {
    let framed = "5\r\nhello\r\n0\r\n\r\n";
    let server = RawServer::start([Script::new()
        .expect_head()
        .send(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{framed}"))
        .wait_for_close()]);
    let mut client = connected(&server);
    ask(&mut client, PollMethod::Get, "/").unwrap();
    assert_eq!(recv(&mut client, framed.len()), framed.as_bytes());
    assert!(read(&mut client).is_empty());
    assert_eq!(client.status(), PollStatus::Body);
}

/// Both ends of a stream in memory.
#[derive(Clone, Default)]
struct Pipe(Arc<Mutex<(VecDeque<u8>, Vec<u8>)>>);

impl Pipe {
    fn answer(&self, bytes: &str) {
        self.0.lock().unwrap().0.extend(bytes.bytes());
    }
}

impl Read for Pipe {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let incoming = &mut self.0.lock().unwrap().0;
        if incoming.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        incoming.read(buffer)
    }
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A stream that takes little at once.
        self.0.lock().unwrap().1.write(&bytes[..bytes.len().min(7)])
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_stream_of_the_callers_own_carries_requests() {
    let pipe = Pipe::default();
    let mut client = whimbrel::PollClient::new();
    client.set_transport(pipe.clone());
    assert_eq!(client.status(), PollStatus::Connected);
    client.poll().unwrap();
    for number in 0..3 {
        client.request(PollMethod::Post, &format!("/{number}"), ["Host: own.test"], "hello").unwrap();
        for _ in 0..100 {
            client.poll().unwrap();
        }
        assert_eq!(client.status(), PollStatus::Requesting);
        let sent = String::from_utf8(std::mem::take(&mut pipe.0.lock().unwrap().1)).unwrap();
        assert!(
            sent.starts_with(&format!("POST /{number} HTTP/1.1\r\nHost: own.test\r\n"))
                && sent.ends_with("\r\n\r\nhello")
        );
        pipe.answer("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
        poll_while(&mut client, &[PollStatus::Requesting]).unwrap();
        assert_eq!(read(&mut client), b"abc");
        assert!(read(&mut client).is_empty());
        assert_eq!(client.status(), PollStatus::Body);
        pipe.answer("0\r\n\r\n");
        assert!(read(&mut client).is_empty());
        assert_eq!(client.status(), PollStatus::Connected);
    }
}
