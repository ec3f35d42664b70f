//! Any bytes as what a server says to a polled client: no panic, an end, and the same body and state in whatever pieces
//! they come and are read.

#![no_main]

use std::io::{self, Read, Write};

use libfuzzer_sys::fuzz_target;
use whimbrel::{PollClient, PollMethod, PollStatus};

/// Gives its bytes in pieces, with nothing now between them, and then the end. Takes all.
struct Script {
    bytes: Vec<u8>,
    at: usize,
    piece: usize,
    pauses: bool,
}

impl Read for Script {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.pauses = !self.pauses;
        if self.pauses && self.piece < usize::MAX {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = (self.bytes.len() - self.at).min(buffer.len()).min(self.piece);
        buffer[..count].copy_from_slice(&self.bytes[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}

impl Write for Script {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fuzz_target!(|input: &[u8]| {
    // The first byte says what is asked for and how it is read, the second how it comes.
    let [choice, size, bytes @ ..] = input else { return };
    let whole = run(*choice, bytes, usize::MAX);
    let pieces = run(*choice, bytes, 1 + usize::from(*size));
    assert_eq!(whole.1, pieces.1);
    // How much of a spoilt coding is undone depends on how it comes.
    let text = String::from_utf8_lossy(bytes).to_ascii_lowercase();
    if !["gzip", "deflate", "br", "zstd"].iter().any(|coding| text.contains(coding)) {
        assert_eq!(whole.0, pieces.0);
    }
});

fn run(choice: u8, bytes: &[u8], piece: usize) -> (Vec<u8>, PollStatus, u16) {
    thread_local! {
        static SESSION: whimbrel::Client = whimbrel::Client::new();
    }
    let mut client: PollClient = SESSION.with(whimbrel::Client::poll_client);
    client.set_transport(Script { bytes: bytes.to_vec(), at: 0, piece, pauses: false });
    client.set_preserve_chunks(choice & 1 != 0);
    client.set_accept_encoding(choice & 2 != 0);
    let method =
        [PollMethod::Get, PollMethod::Head, PollMethod::Connect, PollMethod::Post][usize::from(choice >> 2) % 4];
    let url = if method == PollMethod::Connect { "a.test:1" } else { "/" };
    let lines: &[&str] = if choice & 16 != 0 { &["Upgrade: x"] } else { &[] };
    client.request(method, url, lines, "").unwrap();
    let (mut body, mut code) = (Vec::new(), 0);
    for _ in 0..100_000 {
        match client.status() {
            PollStatus::Requesting => drop(client.poll()),
            PollStatus::Body => {
                code = client.response_code();
                if choice & 32 != 0 {
                    let _ = client.poll();
                }
                let mut buffer = vec![0; if choice & 64 != 0 { 7 } else { client.read_room() }];
                let count = client.read_body(&mut buffer);
                body.extend_from_slice(&buffer[..count]);
            }
            status => return (body, status, code),
        }
    }
    panic!("it does not end in {}", client.status());
}
