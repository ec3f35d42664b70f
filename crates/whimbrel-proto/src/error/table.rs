//! Kind × phase → stable code and sentence. Another idiom's column (Godot status, C number) goes here too.

use super::{Kind, Phase};

pub(super) struct Row {
    pub(super) code: &'static str,
    pub(super) sentence: &'static str,
}

const fn row_of(code: &'static str, sentence: &'static str) -> Row {
    Row { code, sentence }
}

const TIMEOUT: &str = "Timeout was reached";
const WEIRD: &str = "Weird server reply";

/// The column of the idiom `network`: what Solar2D says on Windows.
pub(super) fn network(kind: Kind) -> &'static str {
    match kind {
        Kind::Timeout => "Timed out",
        Kind::Url | Kind::Scheme => "Invalid URL",
        Kind::Resolve | Kind::Connect | Kind::Proxy | Kind::Tls | Kind::Certificate => "Connection failure",
        Kind::Cancelled | Kind::Empty | Kind::Truncated | Kind::Send | Kind::Receive => "Connection aborted",
        _ => "Unknown error",
    }
}

/// The row of a pair. The sentences are libcurl 8.13's, which old scripts print; ours stand where it has none.
pub(super) fn row(kind: Kind, phase: Phase) -> Row {
    match (kind, phase) {
        (Kind::Input, _) => row_of("input", "Invalid argument"),
        (Kind::Url, _) => row_of("url", "URL using bad/illegal format or missing URL"),
        (Kind::Scheme, _) => row_of("scheme", "Unsupported protocol"),
        (Kind::Resolve, Phase::Proxy) => row_of("resolve-proxy", "Could not resolve proxy name"),
        (Kind::Resolve, _) => row_of("resolve", "Could not resolve hostname"),
        (Kind::Connect, _) => row_of("connect", "Could not connect to server"),
        (Kind::Proxy, _) => row_of("proxy", "proxy handshake error"),
        (Kind::Tls, _) => row_of("tls", "SSL connect error"),
        (Kind::Certificate, _) => row_of("tls-certificate", "SSL peer certificate or SSH remote key was not OK"),
        (Kind::Timeout, Phase::Resolve) => row_of("resolve-timeout", TIMEOUT),
        (Kind::Timeout, Phase::Connect) => row_of("connect-timeout", TIMEOUT),
        (Kind::Timeout, Phase::Proxy) => row_of("proxy-timeout", TIMEOUT),
        (Kind::Timeout, Phase::Tls) => row_of("tls-timeout", TIMEOUT),
        (Kind::Timeout, Phase::Send) => row_of("send-timeout", TIMEOUT),
        (Kind::Timeout, Phase::Wait) => row_of("wait-timeout", TIMEOUT),
        (Kind::Timeout, Phase::Body) => row_of("body-timeout", TIMEOUT),
        (Kind::Timeout, _) => row_of("timeout", TIMEOUT),
        (Kind::Cancelled, _) => row_of("cancelled", "Operation was cancelled"),
        (Kind::Protocol, _) => row_of("protocol", WEIRD),
        (Kind::Coding, _) => row_of("coding", "Unrecognized or bad HTTP Content or Transfer-Encoding"),
        (Kind::Empty, _) => row_of("empty", "Server returned nothing (no headers, no data)"),
        (Kind::Truncated, _) => row_of("truncated", "Transferred a partial file"),
        (Kind::Send, _) => row_of("send", "Failed sending data to the peer"),
        (Kind::Receive, _) => row_of("receive", "Failure when receiving data from the peer"),
        (Kind::TooLarge, _) => row_of("too-large", WEIRD),
        (Kind::BodyLimit, _) => row_of("body-limit", "Response body exceeded its limit"),
        (Kind::Redirects, _) => row_of("redirects", "Number of redirects hit maximum amount"),
        (Kind::RedirectRefused, _) => row_of("redirect-refused", "Redirect was not followed"),
        (Kind::File, Phase::Prepare | Phase::Send) => {
            row_of("file-read", "Failed to open/read local data from file/application")
        }
        (Kind::File, _) => row_of("file-write", "Failed writing received data to disk/application"),
        (Kind::Status, _) => row_of("status", "The server answered with an error status"),
    }
}
