//! What an origin has been asked: the latest requests, as they came.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard};

/// One request, as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The number of the connection it came on, counted from 0.
    pub connection: usize,
    /// The method, such as `GET`.
    pub method: String,
    /// The request target as it was written (RFC 9112 §3.2).
    pub target: String,
    /// The fields, in order, with the case of their names. Bytes that are not UTF-8 are replaced; [`head`](Self::head)
    /// has them.
    pub fields: Vec<(String, String)>,
    /// The whole head, byte for byte, with the empty line at its end.
    pub head: Vec<u8>,
    /// The body after its transfer coding is undone, up to the origin's cap (see `OriginBuilder::body_cap`).
    pub body: bytes::Bytes,
    /// The length of the whole body in bytes.
    pub body_length: u64,
    /// The SHA-256 of the whole body, in lower-case hex.
    pub body_sha256: String,
    /// The name the client asked for by SNI; `None` without TLS or SNI.
    pub server_name: Option<String>,
    /// The protocol agreed on by ALPN; `None` without TLS or ALPN.
    pub alpn: Option<String>,
    /// The TLS version, `"1.2"` or `"1.3"`; `None` without TLS.
    pub tls_version: Option<&'static str>,
    /// Whether the TLS session was resumed rather than made afresh (RFC 8446 §2.2, RFC 5077).
    pub tls_resumed: bool,
    /// Whether the client showed a certificate.
    pub client_certificate: bool,
}

impl Seen {
    /// The value of the first field of that name, in any case.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The values of every field of that name, in any case.
    pub fn field_values(&self, name: &str) -> Vec<&str> {
        let named = self.fields.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }
}

/// What is kept of bodies in all, so that a long run of uploads does not fill the memory.
const KEPT_BODIES: usize = 64 << 20;

/// A ring of the latest requests.
pub(super) struct Record {
    limit: usize,
    state: Mutex<RecordState>,
}

#[derive(Default)]
struct RecordState {
    count: usize,
    body_bytes: usize,
    latest: VecDeque<Seen>,
}

impl Record {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, state: Mutex::default() }
    }

    pub(super) fn add(&self, seen: impl FnOnce() -> Seen) {
        let mut state = self.lock();
        state.count += 1;
        if self.limit == 0 {
            return;
        }
        let seen = seen();
        state.body_bytes += seen.body.len();
        state.latest.push_back(seen);
        // The newest one stays, whatever its size.
        while state.latest.len() > self.limit || (state.body_bytes > KEPT_BODIES && state.latest.len() > 1) {
            let Some(oldest) = state.latest.pop_front() else { break };
            state.body_bytes -= oldest.body.len();
        }
    }

    pub(super) fn latest(&self) -> Vec<Seen> {
        self.lock().latest.iter().cloned().collect()
    }

    pub(super) fn count(&self) -> usize {
        self.lock().count
    }

    fn lock(&self) -> MutexGuard<'_, RecordState> {
        self.state.lock().expect("no thread panics while it holds this lock")
    }
}
