//! The states of a polled client, the numbers that its methods return, and which of both a failure is.

use std::fmt;

use crate::error::{Error, Kind, Phase};

/// The state of a polled client: Godot's `HTTPClient.Status`, with its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PollStatus {
    /// There is no connection.
    Disconnected = 0,
    /// The host's name is being looked up.
    Resolving = 1,
    /// The host's name has no address.
    CantResolve = 2,
    /// The connection is being made: TCP, a proxy's tunnel, TLS.
    Connecting = 3,
    /// No connection could be made.
    CantConnect = 4,
    /// There is a connection, and no request is under way.
    Connected = 5,
    /// A request is being sent, or its response awaited.
    Requesting = 6,
    /// The response's head has come; its body is to be read.
    Body = 7,
    /// The connection failed, or carried what is not HTTP.
    ConnectionError = 8,
    /// The TLS handshake failed, or the certificate was refused.
    TlsHandshakeError = 9,
}

impl PollStatus {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 10] = [
        Self::Disconnected,
        Self::Resolving,
        Self::CantResolve,
        Self::Connecting,
        Self::CantConnect,
        Self::Connected,
        Self::Requesting,
        Self::Body,
        Self::ConnectionError,
        Self::TlsHandshakeError,
    ];

    /// The name of Godot's constant, as `STATUS_BODY`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Disconnected => "STATUS_DISCONNECTED",
            Self::Resolving => "STATUS_RESOLVING",
            Self::CantResolve => "STATUS_CANT_RESOLVE",
            Self::Connecting => "STATUS_CONNECTING",
            Self::CantConnect => "STATUS_CANT_CONNECT",
            Self::Connected => "STATUS_CONNECTED",
            Self::Requesting => "STATUS_REQUESTING",
            Self::Body => "STATUS_BODY",
            Self::ConnectionError => "STATUS_CONNECTION_ERROR",
            Self::TlsHandshakeError => "STATUS_TLS_HANDSHAKE_ERROR",
        }
    }

    /// What `poll` answers in this state when it changes nothing.
    ///
    /// # Errors
    /// The state is none that a connection can go on from.
    pub const fn answer(self) -> Result<(), PollError> {
        match self {
            Self::Disconnected => Err(PollError::Unconfigured),
            Self::CantResolve => Err(PollError::CantResolve),
            Self::CantConnect => Err(PollError::CantConnect),
            Self::ConnectionError | Self::TlsHandshakeError => Err(PollError::ConnectionError),
            _ => Ok(()),
        }
    }

    /// The state that a failure leaves.
    pub fn after(error: &Error) -> Self {
        match (error.kind(), error.phase()) {
            // There was a connection, if only one that could not be replaced.
            (_, Phase::Send | Phase::Wait | Phase::Body) => Self::ConnectionError,
            (Kind::Resolve, _) | (Kind::Timeout, Phase::Resolve) => Self::CantResolve,
            (Kind::Tls | Kind::Certificate, Phase::Tls | Phase::Prepare) | (Kind::Timeout, Phase::Tls) => {
                Self::TlsHandshakeError
            }
            (Kind::Connect | Kind::Proxy, _) | (Kind::Tls | Kind::Certificate, Phase::Proxy) => Self::CantConnect,
            (Kind::Timeout, Phase::Connect | Phase::Proxy) | (Kind::Input, _) => Self::CantConnect,
            _ => Self::ConnectionError,
        }
    }
}

impl fmt::Display for PollStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Why a method of a polled client said no: Godot's `Error`, with its numbers. `OK`, 0, is `Ok(())` here. The sentence that
/// goes with it is the client's `error()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
#[non_exhaustive]
pub enum PollError {
    /// `ERR_UNCONFIGURED`: there is no connection; call `connect_to_host` first.
    Unconfigured = 3,
    /// `ERR_FILE_CANT_OPEN`: the file that the body should go to can't be written.
    FileCantOpen = 12,
    /// `ERR_FILE_CANT_WRITE`: writing the body to its file failed.
    FileCantWrite = 13,
    /// `ERR_CANT_CONNECT`: no connection could be made, or no TLS on it.
    CantConnect = 25,
    /// `ERR_CANT_RESOLVE`: the host's name has no address.
    CantResolve = 26,
    /// `ERR_CONNECTION_ERROR`: the connection failed.
    ConnectionError = 27,
    /// `ERR_INVALID_DATA`: there is no stream to use.
    InvalidData = 30,
    /// `ERR_INVALID_PARAMETER`: an argument is wrong, or the call is not one for this state.
    InvalidParameter = 31,
}

impl PollError {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Unconfigured,
        Self::FileCantOpen,
        Self::FileCantWrite,
        Self::CantConnect,
        Self::CantResolve,
        Self::ConnectionError,
        Self::InvalidData,
        Self::InvalidParameter,
    ];

    /// The name of Godot's constant, as `ERR_CANT_CONNECT`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unconfigured => "ERR_UNCONFIGURED",
            Self::FileCantOpen => "ERR_FILE_CANT_OPEN",
            Self::FileCantWrite => "ERR_FILE_CANT_WRITE",
            Self::CantConnect => "ERR_CANT_CONNECT",
            Self::CantResolve => "ERR_CANT_RESOLVE",
            Self::ConnectionError => "ERR_CONNECTION_ERROR",
            Self::InvalidData => "ERR_INVALID_DATA",
            Self::InvalidParameter => "ERR_INVALID_PARAMETER",
        }
    }

    /// What the `poll` returns in which a client came to this state: as [`PollStatus::answer`], but for TLS, which says
    /// that it could not connect.
    pub const fn on_entering(status: PollStatus) -> Self {
        match status {
            PollStatus::CantResolve => Self::CantResolve,
            PollStatus::CantConnect | PollStatus::TlsHandshakeError => Self::CantConnect,
            PollStatus::Disconnected => Self::Unconfigured,
            _ => Self::ConnectionError,
        }
    }
}

impl fmt::Display for PollError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unconfigured => "there is no connection; call connect_to_host first",
            Self::FileCantOpen => "the file can't be opened",
            Self::FileCantWrite => "the file can't be written",
            Self::CantConnect => "no connection could be made",
            Self::CantResolve => "the host's name could not be resolved",
            Self::ConnectionError => "the connection failed",
            Self::InvalidData => "there is no stream",
            Self::InvalidParameter => "an argument or the state is wrong",
        })
    }
}

impl std::error::Error for PollError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_of_connecting_has_the_state_that_godot_gives_it() {
        for (kind, phase, status) in [
            (Kind::Resolve, Phase::Resolve, PollStatus::CantResolve),
            (Kind::Resolve, Phase::Proxy, PollStatus::CantResolve),
            (Kind::Timeout, Phase::Resolve, PollStatus::CantResolve),
            (Kind::Connect, Phase::Connect, PollStatus::CantConnect),
            (Kind::Proxy, Phase::Proxy, PollStatus::CantConnect),
            (Kind::Timeout, Phase::Connect, PollStatus::CantConnect),
            (Kind::Certificate, Phase::Proxy, PollStatus::CantConnect),
            (Kind::Tls, Phase::Tls, PollStatus::TlsHandshakeError),
            (Kind::Certificate, Phase::Tls, PollStatus::TlsHandshakeError),
            (Kind::Timeout, Phase::Tls, PollStatus::TlsHandshakeError),
            (Kind::Tls, Phase::Body, PollStatus::ConnectionError),
            (Kind::Connect, Phase::Wait, PollStatus::ConnectionError),
            (Kind::Resolve, Phase::Wait, PollStatus::ConnectionError),
            (Kind::Protocol, Phase::Wait, PollStatus::ConnectionError),
            (Kind::Truncated, Phase::Body, PollStatus::ConnectionError),
        ] {
            assert_eq!(PollStatus::after(&Error::new(kind, phase, "")), status, "{kind:?} in {phase:?}");
        }
    }

    #[test]
    fn the_numbers_are_the_places_in_the_list() {
        for (number, status) in PollStatus::ALL.into_iter().enumerate() {
            assert_eq!(status as usize, number);
        }
    }
}
