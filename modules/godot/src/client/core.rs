//! What stands behind a `WhimbrelHTTPClient`: its connection, and a lock that nobody waits for. It decides who may use
//! the connection at this moment, never what goes over it.
//!
//! A caller's own StreamPeer runs code of others while it is read and written, and that code may call the client again,
//! or another thread may. Both find the lock taken and are told `ERR_BUSY`.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, TryLockError};

use godot::classes::StreamPeer;
use godot::prelude::*;
use whimbrel::{PollClient, PollStatus};

use super::stream::WhimbrelStreamPeer;
use super::tls::TlsExtras;
use crate::engine;

/// A client's connection, shared with the StreamPeer that shows its bytes.
pub(crate) struct Shared {
    core: Mutex<Core>,
    /// The status after the last use, for those who ask during one.
    status: AtomicU8,
    /// Whether a use during a use was told on the console.
    told: AtomicBool,
}

// SAFETY: what is not `Send` in it is the core's references to objects and arrays of the engine. Their counts are
// atomic, they are used under the lock only, and Godot lets an object be used on any one thread at a time.
unsafe impl Send for Shared {}
// SAFETY: as above; the lock lets one thread in.
unsafe impl Sync for Shared {}

/// The connection with everything that belongs to it.
pub(crate) struct Core {
    pub(crate) client: PollClient,
    /// What the facade itself had to refuse; beside it stands the engine's own last error.
    message: Option<Cow<'static, str>>,
    pub(crate) tls: TlsExtras,
    /// Whether `connect_to_host` was asked for TLS.
    pub(crate) secure: bool,
    /// As the script wrote it.
    pub(crate) download_file: GString,
    /// The caller's own stream, while it is the connection.
    peer: Option<Gd<StreamPeer>>,
    /// The stream over our own connection, once somebody asked for it.
    stream: Option<Gd<WhimbrelStreamPeer>>,
    /// Which connection this is, so that a stream over an earlier one can tell.
    connection: u64,
    /// Streams that are no longer used: their last reference may run a script, so they are released without the lock.
    retired: Vec<Gd<StreamPeer>>,
    /// A buffer that a read found nothing for.
    pub(crate) spare: PackedByteArray,
}

impl Shared {
    pub(crate) fn new() -> Arc<Self> {
        let mut client = engine::client().poll_client();
        client.set_connect_timeout(engine::connect_timeout());
        client.set_user_agent(engine::default_user_agent());
        Arc::new(Self {
            core: Mutex::new(Core {
                client,
                message: None,
                tls: TlsExtras::default(),
                secure: false,
                download_file: GString::new(),
                peer: None,
                stream: None,
                connection: 0,
                retired: Vec::new(),
                spare: PackedByteArray::new(),
            }),
            status: AtomicU8::new(PollStatus::Disconnected as u8),
            told: AtomicBool::new(false),
        })
    }

    /// Uses the core, or gives `None` where it is in use already. `step` may run scripts; nothing of the caller's may
    /// be borrowed from the engine meanwhile.
    pub(crate) fn run<R>(&self, step: impl FnOnce(&mut Core) -> R) -> Option<R> {
        let (result, retired) = self.hold(|core| (step(core), std::mem::take(&mut core.retired)))?;
        drop(retired);
        Some(result)
    }

    /// As [`run`](Self::run), for steps that run no script, nor release anything that could.
    pub(crate) fn hold<R>(&self, step: impl FnOnce(&mut Core) -> R) -> Option<R> {
        let mut core = match self.core.try_lock() {
            Ok(core) => core,
            // A step that panicked was told on the console; the connection under it is whole or fails by itself.
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => {
                self.tell_busy();
                return None;
            }
        };
        let result = step(&mut core);
        if core.peer.is_some() && !core.client.has_connection() {
            core.forget_connection();
        }
        self.status.store(core.client.status() as u8, Ordering::Relaxed);
        Some(result)
    }

    pub(crate) fn status(&self) -> u8 {
        self.status.load(Ordering::Relaxed)
    }

    /// Once for each object, so that a mistake that is made in every frame does not fill the log.
    #[cold]
    fn tell_busy(&self) {
        if !self.told.swap(true, Ordering::Relaxed) {
            godot_error!(
                "WhimbrelHTTPClient: a call while another one is running was refused (ERR_BUSY); use a client on one \
                 thread at a time, and not from inside its own StreamPeer."
            );
        }
    }
}

impl Core {
    /// What the facade refuses, in one sentence.
    pub(crate) fn refuse(&mut self, message: impl Into<Cow<'static, str>>) {
        self.message = Some(message.into());
    }

    /// A new use begins: what the facade refused before is over.
    pub(crate) fn begin(&mut self) {
        self.message = None;
    }

    /// Why the last call or the connection failed; empty if nothing did.
    pub(crate) fn error_message(&self) -> String {
        match (&self.message, self.client.error()) {
            (Some(message), _) => message.to_string(),
            (None, Some(error)) => error.to_string(),
            (None, None) => String::new(),
        }
    }

    /// The connection ends or is replaced: streams over it are over.
    pub(crate) fn forget_connection(&mut self) {
        self.connection += 1;
        self.stream = None;
        self.retired.extend(self.peer.take());
    }

    /// From now on the caller's own stream is the connection.
    pub(crate) fn adopt(&mut self, peer: Gd<StreamPeer>) {
        self.forget_connection();
        self.peer = Some(peer);
    }

    /// Whether that is the stream that the connection runs over, or shows.
    pub(crate) fn is_same(&self, stream: &Gd<StreamPeer>) -> bool {
        let id = stream.instance_id();
        let shown = self.stream.as_ref().is_some_and(|stream| stream.instance_id() == id);
        shown || self.peer.as_ref().is_some_and(|peer| peer.instance_id() == id)
    }

    /// Whether the stream that was made for that connection is still over it.
    pub(crate) fn is_connection(&self, connection: u64) -> bool {
        self.connection == connection && self.peer.is_none() && self.client.has_connection()
    }

    /// The connection as a stream; the same object as long as it is the same connection.
    pub(crate) fn stream(&mut self, shared: &Arc<Shared>) -> Option<Gd<StreamPeer>> {
        if !self.client.has_connection() {
            return None;
        }
        if let Some(peer) = &self.peer {
            return Some(peer.clone());
        }
        let connection = self.connection;
        let stream = self.stream.get_or_insert_with(|| WhimbrelStreamPeer::over(Arc::downgrade(shared), connection));
        Some(stream.clone().upcast())
    }
}
