//! `WhimbrelHTTPClient`: the polled client, with the names of Godot's `HTTPClient`. It converts values and decides
//! nothing about HTTP.
//!
//! [`methods`] has what Godot's class has, [`additions`] what ours has besides, [`properties`] the properties of both.
//! They stand on [`core`]: the connection under a lock that is never waited for. A method that may run a script (a
//! caller's own StreamPeer) takes a reference of its own to the object and borrows nothing, so the script may do
//! anything, even drop the client.

mod arguments;
mod chunk;
mod core;
mod enum_docs;
mod peer;
mod query;
mod recent;
mod stream;
pub(crate) mod tls;

use std::sync::Arc;

use godot::classes::StreamPeer;
use godot::prelude::*;

use self::core::{Core, Shared};

/// An HTTP/1.1 client for one connection, stepped by its owner.
///
/// It has every method, property and constant of [HTTPClient] with the same names, numbers and defaults, so code moves
/// over by replacing the word. It sends requests to download content, upload files and other data, and to talk to
/// services.
///
/// Connect to a host once with [method connect_to_host], then send any number of requests over that connection, one
/// after the other, and reuse the object for the next host. Since the client is connected already, methods that take a
/// URL usually take just the part after the host. Nothing happens between the calls: call [method poll] in every frame,
/// or in a loop of a [Thread], and look at [method get_status]:
///
/// ```gdscript
/// var http := WhimbrelHTTPClient.new()
/// http.connect_to_host("https://example.com")
/// while http.get_status() in [WhimbrelHTTPClient.STATUS_RESOLVING, WhimbrelHTTPClient.STATUS_CONNECTING]:
///     http.poll()
///     await get_tree().process_frame
/// if http.request(WhimbrelHTTPClient.METHOD_GET, "/index.html", ["Accept: text/html"]) != OK:
///     push_error(http.error_message)
/// while http.get_status() == WhimbrelHTTPClient.STATUS_REQUESTING:
///     http.poll()
///     await get_tree().process_frame
/// var body := PackedByteArray()
/// while http.get_status() == WhimbrelHTTPClient.STATUS_BODY:
///     http.poll()
///     body.append_array(http.read_response_body_chunk())
///     await get_tree().process_frame
/// ```
///
/// A status code of 2xx means success, 3xx that the resource is elsewhere, 4xx that something was wrong with the
/// request, 5xx that the server failed: see [enum ResponseCode]. Redirects are not followed and cookies are not kept;
/// for whole requests in one call, with both, see [WhimbrelHTTP]. The environment's proxies are not used, only [method
/// set_http_proxy] and [method set_https_proxy].
///
/// What goes wrong is told by the status, by an [enum @GlobalScope.Error] and by one sentence in [member
/// error_message].
///
/// A client may be made and used in a [Thread], by one thread at a time. A call during another one, from a second
/// thread or from inside the client's own [StreamPeer], is answered with [constant ERR_BUSY] and does nothing.
///
/// **TLS** is versions 1.2 and 1.3; the older ones are refused. Certificates are verified against the system's roots,
/// the project's [code]network/tls/certificate_bundle_override[/code] or the chain in the [TLSOptions]. Revocation
/// lists, pinned keys and client certificates: see [member revocation_list], [member pinned_keys] and [method
/// set_client_certificate]. Use TLS, and keep secrets such as passwords out of URLs: those end up in logs; headers and
/// bodies do not.
///
/// **Note:** On Android enable the [code]INTERNET[/code] permission in the export preset, or all communication is
/// blocked.
///
/// **Different from** [HTTPClient]: bodies of unknown length are read to their end however they are announced; chunk
/// extensions, trailers, chunks of any size and any spelling of [code]Transfer-Encoding[/code] and
/// [code]Connection[/code] are understood; 1xx responses are passed over; IPv6 addresses are taken as hosts; a line
/// break in a URL or header is refused, as are responses whose length is ambiguous; a truncated body always ends in
/// [constant STATUS_CONNECTION_ERROR].
#[derive(GodotClass)]
#[class(tool, base = RefCounted, init, rename = WhimbrelHTTPClient)]
pub(crate) struct WhimbrelHttpClient {
    /// If `true`, [method poll] waits until a request is sent and the head of its response has come, and [method
    /// read_response_body_chunk] until [member read_chunk_size] bytes, or the rest of the body, are there. Connecting
    /// does not wait. Off by default; only for threads, since a game stands still meanwhile.
    #[var(get = is_blocking_mode_enabled, set = set_blocking_mode)]
    blocking_mode_enabled: PhantomVar<bool>,

    /// The bytes under the client, as a stream; `null` without a connection.
    ///
    /// It is a [WhimbrelStreamPeer], the same object for as long as the connection lives: with it read what a server
    /// sends after an upgrade, or a tunnel's bytes after [code]CONNECT[/code].
    ///
    /// Assigned, any [StreamPeer] becomes the connection: the client closes the one before and is [constant
    /// STATUS_CONNECTED]. A [StreamPeerTCP] or [StreamPeerTLS] is stepped by [method poll]. If TLS options were given
    /// to [method connect_to_host], it must be a [StreamPeerTLS]. The client keeps a reference to it until it is
    /// closed. `null` is refused with an error, and the same object changes nothing.
    #[var(get = get_connection, set = set_connection)]
    connection: PhantomVar<Option<Gd<StreamPeer>>>,

    /// The most bytes that [method read_response_body_chunk] gives at once: 256 to 16777216, 65536 by default. Other
    /// values are refused with an error, and the one before stays.
    #[var(get = get_read_chunk_size, set = set_read_chunk_size)]
    read_chunk_size: PhantomVar<i64>,

    /// Public keys of which one must be in the chain of certificates that the server proves; empty by default: any.
    ///
    /// Each is the SHA-256 of a certificate's SubjectPublicKeyInfo in Base64, with or without [code]sha256/[/code]
    /// before it. The chain is verified besides. Holds for TLS connections that are made afterwards; without a match
    /// they end in [constant STATUS_TLS_HANDSHAKE_ERROR]. If one of them is not such a hash, that is
    /// an error, and [method connect_to_host] refuses TLS connections until the keys are right.
    #[var(get = get_pinned_keys, set = set_pinned_keys)]
    pinned_keys: PhantomVar<PackedStringArray>,

    /// The oldest version of TLS that is spoken: [constant TLS_1_2] (the default) or [constant TLS_1_3]. Holds for
    /// connections that are made afterwards.
    #[var(get = get_min_tls_version, set = set_min_tls_version)]
    min_tls_version: PhantomVar<i64>,

    /// Certificate revocation lists in PEM; a server whose certificate is on one is refused with
    /// [constant STATUS_TLS_HANDSHAKE_ERROR]. Empty by default: nothing is checked. Holds for connections that are made
    /// afterwards.
    #[var(get = get_revocation_list, set = set_revocation_list)]
    revocation_list: PhantomVar<GString>,

    /// If `true`, requests ask for compressed bodies and [method read_response_body_chunk] gives them decoded ([method
    /// get_response_body_length] is then -1). A request with an [code]Accept-Encoding[/code] header of its own is left
    /// as it is. Off by default: bodies come as they were sent.
    #[var(get = is_accept_encoding_enabled, set = set_accept_encoding)]
    accept_encoding: PhantomVar<bool>,

    /// If `true`, [method read_response_body_chunk] gives exactly one chunk of a chunked body at a time, whole, as
    /// [HTTPClient] does, for servers that mean something by them. Off by default: it gives what is there, up to
    /// [member read_chunk_size].
    #[var(get = is_preserving_chunks, set = set_preserve_chunks)]
    preserve_chunks: PhantomVar<bool>,

    /// The file that bodies of 2xx responses are written to by [method poll]; empty by default: none.
    ///
    /// It is a [code]user://[/code] or an absolute path in a folder that exists; [code]res://[/code] is refused with an
    /// error. The file is written beside its place and put there when the body is complete, so it is never seen half.
    /// The status is [constant STATUS_BODY] meanwhile and [method read_response_body_chunk] gives nothing; bodies of
    /// other responses are read with it as ever.
    #[var(get = get_download_file, set = set_download_file)]
    download_file: PhantomVar<GString>,

    /// Why the last call or the connection failed, in one sentence; empty if nothing did. Read-only.
    #[var(get = get_error_message, no_set)]
    error_message: PhantomVar<GString>,

    #[init(val = Shared::new())]
    shared: Arc<Shared>,
    base: Base<RefCounted>,
}

impl WhimbrelHttpClient {
    /// Takes a step that may run scripts. The object lives until it is over, and is not borrowed meanwhile.
    fn run<R>(this: &Gd<Self>, busy: R, step: impl FnOnce(&mut Core) -> R) -> R {
        recent::shared(this).run(step).unwrap_or(busy)
    }

    /// Takes a step that runs no script.
    fn hold<R>(&self, busy: R, step: impl FnOnce(&mut Core) -> R) -> R {
        self.shared.hold(step).unwrap_or(busy)
    }
}

// Below the class, whose derive makes a macro that they need.
mod additions;
mod methods;
mod properties;
