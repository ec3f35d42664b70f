//! What a polled client may be told besides requests, in any state: it counts from the next call on that asks for it.

use std::path::PathBuf;
use std::time::Duration;

use whimbrel_proto::{Error, Fields};

use super::PollClient;

/// The least and the most that [`PollClient::set_read_chunk_size`] takes, in bytes.
const CHUNK_SIZES: std::ops::RangeInclusive<i64> = 256..=16 << 20;

impl PollClient {
    /// Whether [`poll`](PollClient::poll) sends the whole request and waits for the response's head, and
    /// [`read_body`](PollClient::read_body) waits until the buffer is full or the body at its end. Connecting never
    /// waits. Default false.
    pub fn set_blocking_mode(&mut self, on: bool) {
        self.blocking = on;
    }

    /// See [`set_blocking_mode`](Self::set_blocking_mode).
    pub fn blocking_mode(&self) -> bool {
        self.blocking
    }

    /// The most that one read gives, in bytes: 256 to 16 MiB; default 64 KiB. False, and unchanged, for any other.
    pub fn set_read_chunk_size(&mut self, bytes: i64) -> bool {
        if !CHUNK_SIZES.contains(&bytes) {
            self.error = Some(Error::input("read_chunk_size must be from 256 to 16777216 bytes"));
            return false;
        }
        self.chunk_size = bytes as usize;
        true
    }

    /// See [`set_read_chunk_size`](Self::set_read_chunk_size).
    pub fn read_chunk_size(&self) -> i64 {
        self.chunk_size as i64
    }

    /// Whether a read of a chunked body gives exactly one whole chunk as the server made it (RFC 9112 §7.1), whatever
    /// its size up to 16 MiB, as Godot's class does. Holds for the bodies of responses that come from then on. Default
    /// false: what is there, up to the chunk size of the client.
    pub fn set_preserve_chunks(&mut self, on: bool) {
        self.preserve_chunks = on;
    }

    /// See [`set_preserve_chunks`](Self::set_preserve_chunks).
    pub fn preserve_chunks(&self) -> bool {
        self.preserve_chunks
    }

    /// Whether requests without an `Accept-Encoding` of their own ask for gzip, br and zstd, and their bodies are decoded.
    /// The length of a decoded body is not known. Default false.
    pub fn set_accept_encoding(&mut self, on: bool) {
        self.accept_encoding = on;
    }

    /// See [`set_accept_encoding`](Self::set_accept_encoding).
    pub fn accept_encoding(&self) -> bool {
        self.accept_encoding
    }

    /// Where the bodies of the coming requests' 2xx responses go: [`poll`](PollClient::poll) writes them, up to 1 MiB a
    /// call, beside the target, which is replaced when all has come; `read_body` gives nothing then. `None`, the
    /// default: to `read_body`. The body of any other status always goes there.
    pub fn set_download_file(&mut self, path: Option<PathBuf>) {
        self.download_file = path;
    }

    /// See [`set_download_file`](Self::set_download_file).
    pub fn download_file(&self) -> Option<&PathBuf> {
        self.download_file.as_ref()
    }

    /// The `User-Agent` of requests that have none of their own; the session's by default. False, and unchanged, where it
    /// can't be sent.
    pub fn set_user_agent(&mut self, user_agent: &str) -> bool {
        if let Err(error) = Fields::new().append("User-Agent", user_agent) {
            self.error = Some(error);
            return false;
        }
        self.user_agent = user_agent.into();
        true
    }

    /// How long looking up, TCP, a proxy's tunnel and TLS may take, each of the first two together and the others for
    /// itself; default 30 s.
    pub fn set_connect_timeout(&mut self, timeout: Duration) {
        self.connect_timeout = timeout;
    }
}
