//! How a failure is told to a script: one of Godot's `Error` codes, a stable code and one sentence. It decides nothing
//! about requests.

use godot::global::Error as Code;
use whimbrel::{Error, Kind, Phase};

/// What went wrong, as a response has it.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// For `match` and `error_string`.
    pub(super) error: Code,
    /// Stable, in kebab case.
    pub(super) code: &'static str,
    /// One sentence, without a secret.
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(error: &Error) -> Self {
        Self { error: number(error.kind(), error.phase()), code: error.code(), message: error.to_string() }
    }

    /// The whole response came, and says that there is an error.
    pub(super) fn of_status(status: u16, reason: &str) -> Self {
        let gap = if reason.is_empty() { "" } else { " " };
        let message = format!("The server answered {status}{gap}{reason}");
        Self { error: Code::OK, code: "status", message }
    }

    /// The body is no JSON.
    pub(super) fn of_json(message: String) -> Self {
        Self { error: Code::ERR_PARSE_ERROR, code: "json", message }
    }
}

/// Godot's number for a failure.
fn number(kind: Kind, phase: Phase) -> Code {
    match kind {
        // Where a redirect leads is not the script's mistake.
        Kind::Url | Kind::Scheme if phase > Phase::Prepare => Code::ERR_INVALID_DATA,
        Kind::Input | Kind::Url | Kind::Scheme => Code::ERR_INVALID_PARAMETER,
        Kind::Resolve => Code::ERR_CANT_RESOLVE,
        Kind::Connect | Kind::Proxy | Kind::Tls | Kind::Certificate => Code::ERR_CANT_CONNECT,
        Kind::Timeout => Code::ERR_TIMEOUT,
        Kind::Cancelled => Code::ERR_SKIP,
        Kind::Protocol | Kind::Coding | Kind::TooLarge => Code::ERR_INVALID_DATA,
        Kind::Empty | Kind::Truncated | Kind::Send | Kind::Receive => Code::ERR_CONNECTION_ERROR,
        Kind::BodyLimit => Code::ERR_OUT_OF_MEMORY,
        Kind::Redirects => Code::ERR_CYCLIC_LINK,
        Kind::File => match phase {
            Phase::Prepare => Code::ERR_FILE_BAD_PATH,
            Phase::Send => Code::ERR_FILE_CANT_READ,
            _ => Code::ERR_FILE_CANT_WRITE,
        },
        _ => Code::FAILED,
    }
}
