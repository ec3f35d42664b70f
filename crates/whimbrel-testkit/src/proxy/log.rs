//! What went over each connection of a proxy, in both directions.

use std::sync::{Arc, Mutex, MutexGuard};

/// What is kept of each direction.
const KEPT_BYTES: usize = 16 << 20;

/// One connection from a client, and what the proxy did for it. Of each direction the first 16 MiB are kept.
#[derive(Clone, Debug, Default)]
pub struct Proxied {
    /// The targets that were asked for, as `host:port`, in order.
    pub targets: Vec<String>,
    /// What the client sent to the proxy itself: the heads of its requests, the bodies of forwarded ones, SOCKS
    /// messages.
    pub to_proxy: Vec<u8>,
    /// What the proxy itself answered.
    pub from_proxy: Vec<u8>,
    /// What the proxy sent to its targets: whatever came through a tunnel, and forwarded requests as they were
    /// rewritten.
    pub to_target: Vec<u8>,
    /// What targets sent back.
    pub from_target: Vec<u8>,
}

#[derive(Default)]
pub(super) struct Log {
    entries: Mutex<Vec<Arc<Entry>>>,
}

impl Log {
    pub(super) fn open(&self, index: usize) -> Arc<Entry> {
        let mut entries = self.entries.lock().expect("no thread panics while it holds this lock");
        while entries.len() <= index {
            entries.push(Arc::default());
        }
        entries[index].clone()
    }

    pub(super) fn snapshot(&self) -> Vec<Proxied> {
        let entries = self.entries.lock().expect("no thread panics while it holds this lock");
        entries.iter().map(|entry| entry.lock().clone()).collect()
    }
}

/// One connection's part of the log.
#[derive(Default)]
pub(super) struct Entry {
    proxied: Mutex<Proxied>,
}

impl Entry {
    fn lock(&self) -> MutexGuard<'_, Proxied> {
        self.proxied.lock().expect("no thread panics while it holds this lock")
    }

    pub(super) fn target(&self, authority: &str) {
        self.lock().targets.push(authority.to_owned());
    }

    pub(super) fn sent_to_proxy(&self, bytes: &[u8]) {
        keep(&mut self.lock().to_proxy, bytes);
    }

    pub(super) fn sent_by_proxy(&self, bytes: &[u8]) {
        keep(&mut self.lock().from_proxy, bytes);
    }

    pub(super) fn sent_to_target(&self, bytes: &[u8]) {
        keep(&mut self.lock().to_target, bytes);
    }

    pub(super) fn sent_by_target(&self, bytes: &[u8]) {
        keep(&mut self.lock().from_target, bytes);
    }
}

fn keep(kept: &mut Vec<u8>, bytes: &[u8]) {
    let room = KEPT_BYTES.saturating_sub(kept.len()).min(bytes.len());
    kept.extend_from_slice(&bytes[..room]);
}
