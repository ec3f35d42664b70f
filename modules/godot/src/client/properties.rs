//! The properties, Godot's and ours: one accessor for each way. None of them runs a script.

use godot::classes::StreamPeer;
use godot::prelude::*;
use whimbrel::TlsOptions;

use super::core::Core;
use super::peer::Peer;
use super::{__godot_WhimbrelHttpClient_Funcs, WhimbrelHttpClient};
use crate::paths;

/// The numbers of `TLSVersion`.
const TLS_1_2: i64 = 0;
const TLS_1_3: i64 = 1;

#[godot_api]
impl WhimbrelHttpClient {
    /// Sets [member blocking_mode_enabled].
    #[func]
    pub(super) fn set_blocking_mode(&self, enabled: bool) {
        self.hold((), |core| core.client.set_blocking_mode(enabled));
    }

    /// Returns [member blocking_mode_enabled].
    #[func]
    pub(super) fn is_blocking_mode_enabled(&self) -> bool {
        self.hold(false, |core| core.client.blocking_mode())
    }

    /// Sets [member connection].
    #[func]
    pub(super) fn set_connection(&self, connection: Option<Gd<StreamPeer>>) {
        // It may only retire the stream before it: the last reference to that may run a script.
        self.hold((), |core| set_connection(core, connection));
    }

    /// Returns [member connection].
    #[func]
    pub(super) fn get_connection(&self) -> Option<Gd<StreamPeer>> {
        self.hold(None, |core| core.stream(&self.shared))
    }

    /// Sets [member read_chunk_size].
    #[func]
    pub(super) fn set_read_chunk_size(&self, bytes: i64) {
        let is_set = self.hold(true, |core| {
            core.spare = PackedByteArray::new();
            core.client.set_read_chunk_size(bytes)
        });
        if !is_set {
            godot_error!("read_chunk_size: {bytes} is not between 256 and 16777216");
        }
    }

    /// Returns [member read_chunk_size].
    #[func]
    pub(super) fn get_read_chunk_size(&self) -> i64 {
        self.hold(0, |core| core.client.read_chunk_size())
    }

    /// Sets [member pinned_keys].
    #[func]
    pub(super) fn set_pinned_keys(&self, keys: PackedStringArray) {
        let keys: Vec<String> = keys.as_slice().iter().map(GString::to_string).collect();
        let checked = TlsOptions::new().pinned_keys(&keys);
        // They are kept in any case: a connection without the pins that were meant would be worse than none.
        self.hold((), |core| core.tls.pinned_keys = keys);
        if let Err(error) = checked {
            self.refuse_value(format!("pinned_keys: {error}"));
        }
    }

    /// Returns [member pinned_keys].
    #[func]
    pub(super) fn get_pinned_keys(&self) -> PackedStringArray {
        self.hold(PackedStringArray::new(), |core| core.tls.pinned_keys.iter().map(GString::from).collect())
    }

    /// Sets [member min_tls_version].
    #[func]
    pub(super) fn set_min_tls_version(&self, version: i64) {
        match version {
            TLS_1_2 | TLS_1_3 => self.hold((), |core| core.tls.tls_1_3_only = version == TLS_1_3),
            _ => self.refuse_value(format!("min_tls_version: {version} is neither TLS_1_2 nor TLS_1_3")),
        }
    }

    /// Returns [member min_tls_version].
    #[func]
    pub(super) fn get_min_tls_version(&self) -> i64 {
        self.hold(TLS_1_2, |core| if core.tls.tls_1_3_only { TLS_1_3 } else { TLS_1_2 })
    }

    /// Sets [member revocation_list].
    #[func]
    pub(super) fn set_revocation_list(&self, pem: GString) {
        self.hold((), |core| core.tls.revocation_list = pem.to_string());
    }

    /// Returns [member revocation_list].
    #[func]
    pub(super) fn get_revocation_list(&self) -> GString {
        self.hold(GString::new(), |core| GString::from(&core.tls.revocation_list))
    }

    /// Sets [member accept_encoding].
    #[func]
    pub(super) fn set_accept_encoding(&self, enabled: bool) {
        self.hold((), |core| core.client.set_accept_encoding(enabled));
    }

    /// Returns [member accept_encoding].
    #[func]
    pub(super) fn is_accept_encoding_enabled(&self) -> bool {
        self.hold(false, |core| core.client.accept_encoding())
    }

    /// Sets [member preserve_chunks].
    #[func]
    pub(super) fn set_preserve_chunks(&self, enabled: bool) {
        self.hold((), |core| core.client.set_preserve_chunks(enabled));
    }

    /// Returns [member preserve_chunks].
    #[func]
    pub(super) fn is_preserving_chunks(&self) -> bool {
        self.hold(false, |core| core.client.preserve_chunks())
    }

    /// Sets [member download_file].
    #[func]
    pub(super) fn set_download_file(&self, path: GString) {
        let name = path.to_string();
        let target = match name.as_str() {
            "" => Ok(None),
            // It would work until the project is exported.
            name if name.starts_with("res://") => {
                Err(format!("{name}: an exported project can't be written to; use user://"))
            }
            name => paths::to_write(name).map(Some).map_err(|error| error.to_string()),
        };
        match target {
            Ok(target) => self.hold((), |core| {
                core.client.set_download_file(target);
                core.download_file = path;
            }),
            Err(message) => self.refuse_value(format!("download_file: {message}")),
        }
    }

    /// Returns [member download_file].
    #[func]
    pub(super) fn get_download_file(&self) -> GString {
        self.hold(GString::new(), |core| core.download_file.clone())
    }

    /// Returns [member error_message].
    #[func]
    pub(super) fn get_error_message(&self) -> GString {
        self.hold(GString::new(), |core| GString::from(core.error_message().as_str()))
    }
}

impl WhimbrelHttpClient {
    /// A property keeps its value, and the script hears why.
    fn refuse_value(&self, message: String) {
        godot_error!("{message}");
        self.hold((), |core| core.refuse(message));
    }
}

fn set_connection(core: &mut Core, connection: Option<Gd<StreamPeer>>) {
    let Some(connection) = connection else {
        core.refuse("connection: null is not a connection; use close()");
        godot_error!("connection: null is not a connection; use close()");
        return;
    };
    if core.is_same(&connection) {
        return;
    }
    if core.secure && !connection.is_class("StreamPeerTLS") {
        core.refuse("connection: the client was connected with TLS options, so its stream must be a StreamPeerTLS");
        godot_error!("connection: the client was connected with TLS options, so its stream must be a StreamPeerTLS");
        return;
    }
    core.begin();
    core.adopt(connection.clone());
    core.client.set_transport(Peer::new(connection));
}
