//! The polled client, byte by byte: its states, what it sends, what it makes of every reply, and how it ends.

mod connect;
mod files;
mod modes;
mod requests;
mod responses;
mod reuse;
mod review;
mod stream;

use std::time::{Duration, Instant};

use whimbrel::{Client, PollClient, PollError, PollMethod, PollStatus};
use whimbrel_testkit::RawServer;

/// Long enough for any machine: a test that waits for it has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Polls while the state is one of these, and gives the last answer.
pub(crate) fn poll_while(client: &mut PollClient, states: &[PollStatus]) -> Result<(), PollError> {
    let begun = Instant::now();
    let mut answer = Ok(());
    while states.contains(&client.status()) {
        answer = client.poll();
        assert!(begun.elapsed() < PATIENCE, "nothing happens any more in {}", client.status());
        std::thread::sleep(Duration::from_micros(100));
    }
    answer
}

pub(crate) fn settle(client: &mut PollClient) -> Result<(), PollError> {
    poll_while(client, &[PollStatus::Resolving, PollStatus::Connecting])
}

/// A client of a session without proxies, connected to a port of loopback.
pub(crate) fn connected_to(port: u16) -> PollClient {
    let mut client = Client::builder().no_proxy().build().unwrap().poll_client();
    client.connect_to_host("127.0.0.1", i64::from(port), None).unwrap();
    settle(&mut client).unwrap();
    assert_eq!(client.status(), PollStatus::Connected);
    client
}

pub(crate) fn connected(server: &RawServer) -> PollClient {
    connected_to(server.addr().port())
}

/// Asks for a path and polls until the head has come.
pub(crate) fn ask(client: &mut PollClient, method: PollMethod, url: &str) -> Result<(), PollError> {
    client.request(method, url, [""; 0], "").unwrap();
    assert_eq!(client.status(), PollStatus::Requesting);
    poll_while(client, &[PollStatus::Requesting])
}

/// One read of the body.
pub(crate) fn read(client: &mut PollClient) -> Vec<u8> {
    let mut buffer = vec![0; client.read_room()];
    let count = client.read_body(&mut buffer);
    buffer.truncate(count);
    buffer
}

/// The body in the pieces in which it came, read until the state is another.
pub(crate) fn read_pieces(client: &mut PollClient) -> Vec<Vec<u8>> {
    let begun = Instant::now();
    let mut pieces = Vec::new();
    while client.status() == PollStatus::Body {
        let _ = client.poll();
        let piece = read(client);
        assert!(begun.elapsed() < PATIENCE, "the body does not end");
        if piece.is_empty() {
            std::thread::sleep(Duration::from_micros(200));
        } else {
            pieces.push(piece);
        }
    }
    pieces
}

pub(crate) fn read_all(client: &mut PollClient) -> Vec<u8> {
    read_pieces(client).concat()
}

/// The header lines, taken.
pub(crate) fn lines(client: &mut PollClient) -> Vec<String> {
    client.take_response_headers().lines().map(|line| line.into_owned()).collect()
}

/// A folder of this test's own.
pub(crate) fn folder(name: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("whimbrel-poll-{}-{name}", std::process::id()));
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).unwrap();
    path
}
