//! Carries bytes between a client and a target, both ways at once, until both have ended.

use std::io::{self, BufRead as _, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use super::ProxyFault;
use super::log::Entry;
use super::peer::Peer;
use crate::wire::Wire;

/// Carries whatever comes. Either side may end its direction first.
pub(super) fn carry(peer: &mut Peer<'_>, target: Arc<TcpStream>) -> io::Result<()> {
    let back = Back::start(peer, target.clone())?;
    let carried = carry_forth(peer, &target);
    let _ = target.shutdown(if carried.is_ok() { Shutdown::Write } else { Shutdown::Both });
    back.join();
    carried
}

fn carry_forth(peer: &mut Peer<'_>, mut target: &TcpStream) -> io::Result<()> {
    loop {
        let bytes = peer.from.fill_buf()?;
        if bytes.is_empty() {
            return Ok(());
        }
        // Logged first: who sees the bytes at the target can rely on the log.
        peer.log.sent_to_target(bytes);
        target.write_all(bytes)?;
        let count = bytes.len();
        peer.from.consume(count);
    }
}

/// A thread that carries what a target says back to the client. When the target ends, the client is told so.
pub(super) struct Back {
    thread: JoinHandle<()>,
    detached: Arc<AtomicBool>,
}

impl Back {
    pub(super) fn start(peer: &Peer<'_>, target: Arc<TcpStream>) -> io::Result<Self> {
        let detached = Arc::new(AtomicBool::new(false));
        let limit = match peer.settings.fault {
            Some(ProxyFault::CutAfter(bytes)) => bytes,
            _ => u64::MAX,
        };
        let thread = thread::Builder::new().name("proxy back".to_owned()).spawn({
            let (wire, log, detached) = (peer.wire.clone(), peer.log.clone(), detached.clone());
            move || {
                let copied = copy_back(&wire, &log, &target, limit);
                match copied {
                    _ if detached.load(Ordering::SeqCst) => {}
                    Ok(()) => wire.finish_writing(),
                    // A side that has gone, or a cut: the other one shall not wait.
                    Err(_) => {
                        let _ = target.shutdown(Shutdown::Both);
                        let _ = wire.tcp().shutdown(Shutdown::Both);
                    }
                }
            }
        })?;
        Ok(Self { thread, detached })
    }

    pub(super) fn is_finished(&self) -> bool {
        self.thread.is_finished()
    }

    pub(super) fn join(self) {
        let _ = self.thread.join();
    }

    /// Lets `target` go, without a word to the client.
    pub(super) fn detach(self, target: &TcpStream) {
        self.detached.store(true, Ordering::SeqCst);
        let _ = target.shutdown(Shutdown::Both);
        self.join();
    }
}

fn copy_back(mut wire: &Wire, log: &Entry, mut target: &TcpStream, mut left: u64) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = target.read(&mut buffer)?;
        if read == 0 {
            return Ok(());
        }
        let count = usize::try_from(left).unwrap_or(usize::MAX).min(read);
        log.sent_by_target(&buffer[..count]);
        wire.write_all(&buffer[..count])?;
        left -= count as u64;
        if left == 0 {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
    }
}
