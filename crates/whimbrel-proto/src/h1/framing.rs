//! Decides how a response's body is framed (RFC 9112 §6.3) and whether its connection persists (§9.3), from the few
//! fields that matter for it. Reads no body.

use super::head::Version;
use crate::error::{Error, Kind, Phase, Result};

/// How the end of a response's body is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// There is no body, whatever the fields say: a reply to HEAD, 204, 304.
    #[default]
    None,
    /// Exactly this many bytes.
    Length(u64),
    /// The chunked transfer coding.
    Chunked,
    /// Everything until the peer closes the connection.
    Close,
    /// What follows isn't HTTP: after 101, or after 2xx to CONNECT.
    Upgraded,
}

/// What of a request's method decides the framing of the response. Methods are case-sensitive (RFC 9110 §9.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum MethodClass {
    Head,
    Connect,
    Other,
}

impl MethodClass {
    pub(super) fn of(method: &str) -> Self {
        match method {
            "HEAD" => Self::Head,
            "CONNECT" => Self::Connect,
            _ => Self::Other,
        }
    }
}

/// The fields that frame a message, gathered while its head is parsed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FramingFields {
    length: ContentLength,
    coding: TransferEncoding,
    close: bool,
    keep_alive: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ContentLength {
    #[default]
    Absent,
    Once(u64),
    /// The same value several times, in a list or in several fields (RFC 9110 §8.6 lets us take it).
    Repeated(u64),
    Differing,
    Malformed,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum TransferEncoding {
    #[default]
    Absent,
    Chunked,
    /// Other codings, and no `chunked` yet.
    Open,
    /// Other codings, and `chunked` once at the end.
    Listed,
    Other,
}

/// How a response is framed, and what that means for its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) framing: Framing,
    /// The peer says that it ends the connection after this response (RFC 9112 §9.3).
    pub(super) closes: bool,
    /// The connection may carry another request after this response, as far as the head tells.
    pub(super) persistent: bool,
}

impl FramingFields {
    /// Takes note of a field if it is one of those that matter.
    #[inline]
    pub(super) fn note(&mut self, name: &str, value: &[u8]) {
        match name.len() {
            10 if name.eq_ignore_ascii_case("connection") => self.note_connection(value),
            14 if name.eq_ignore_ascii_case("content-length") => self.note_length(value),
            17 if name.eq_ignore_ascii_case("transfer-encoding") => self.note_coding(value),
            _ => {}
        }
    }

    fn note_connection(&mut self, value: &[u8]) {
        for option in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            self.close |= option.eq_ignore_ascii_case(b"close");
            self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }

    fn note_length(&mut self, value: &[u8]) {
        for item in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            self.length = match (self.length, decimal(item)) {
                (ContentLength::Malformed, _) | (_, None) => ContentLength::Malformed,
                (ContentLength::Absent, Some(new)) => ContentLength::Once(new),
                (ContentLength::Once(old) | ContentLength::Repeated(old), Some(new)) if old == new => {
                    ContentLength::Repeated(old)
                }
                _ => ContentLength::Differing,
            };
        }
    }

    fn note_coding(&mut self, value: &[u8]) {
        for item in value.split(|&byte| byte == b',').map(<[u8]>::trim_ascii) {
            self.coding = match (self.coding, item.eq_ignore_ascii_case(b"chunked")) {
                (TransferEncoding::Absent, true) => TransferEncoding::Chunked,
                (TransferEncoding::Absent | TransferEncoding::Open, false) if !item.is_empty() => {
                    TransferEncoding::Open
                }
                (TransferEncoding::Open, true) => TransferEncoding::Listed,
                _ => TransferEncoding::Other,
            };
        }
    }

    /// Whether an informational response says something that only a final one may say (RFC 9110 §8.6, RFC 9112 §6.1),
    /// or asks to close: such a connection isn't used again.
    pub(super) fn odd_for_informational(&self) -> bool {
        self.close || self.length != ContentLength::Absent || self.coding != TransferEncoding::Absent
    }

    /// How the final response with these fields is framed, by the rules of RFC 9112 §6.3 in their order. `lists`: a list
    /// of transfer codings that ends in `chunked` is taken; the others are the caller's to decode.
    pub(super) fn verdict(&self, method: MethodClass, version: Version, status: u16, lists: bool) -> Result<Verdict> {
        let kept = match version {
            Version::Http11 => !self.close,
            Version::Http10 => self.keep_alive && !self.close,
        };
        let verdict = |framing, sound| Verdict { framing, closes: !kept, persistent: kept && sound };
        if status == 101 || (method == MethodClass::Connect && (200..300).contains(&status)) {
            return Ok(verdict(Framing::Upgraded, false));
        }
        if method == MethodClass::Head || status == 304 {
            // Lengths and codings tell of the response that GET would have had; only nonsense makes them doubtful.
            let sound = !matches!(self.length, ContentLength::Malformed | ContentLength::Differing);
            return Ok(verdict(Framing::None, sound));
        }
        if status == 204 {
            // A body announced where none may be: some servers send it, so what follows can't be told apart.
            let sound = matches!(self.length, ContentLength::Absent | ContentLength::Once(0))
                && self.coding == TransferEncoding::Absent;
            return Ok(verdict(Framing::None, sound));
        }
        let length = match self.length {
            ContentLength::Absent => None,
            ContentLength::Once(length) => Some((length, true)),
            ContentLength::Repeated(length) => Some((length, false)),
            ContentLength::Differing => return Err(protocol("the response has Content-Length values that differ")),
            ContentLength::Malformed => return Err(protocol("the response's Content-Length is not a number")),
        };
        match (self.coding, length) {
            (TransferEncoding::Listed, length) if lists && version == Version::Http11 => {
                Ok(verdict(Framing::Chunked, length.is_none()))
            }
            (TransferEncoding::Other | TransferEncoding::Open | TransferEncoding::Listed, _) => {
                Err(coding("the response's Transfer-Encoding is not exactly \"chunked\", the only one known"))
            }
            (TransferEncoding::Chunked, _) if version == Version::Http10 => {
                Err(coding("the response has a Transfer-Encoding though it is HTTP/1.0, which has none"))
            }
            // Transfer-Encoding overrides Content-Length, and the connection is not used again (RFC 9112 §6.3 item 3).
            (TransferEncoding::Chunked, length) => Ok(verdict(Framing::Chunked, length.is_none())),
            (TransferEncoding::Absent, Some((length, sound))) => Ok(verdict(Framing::Length(length), sound)),
            (TransferEncoding::Absent, None) => Ok(verdict(Framing::Close, false)),
        }
    }
}

/// `1*DIGIT` that fits 64 bits.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

#[cold]
fn protocol(detail: &'static str) -> Error {
    Error::new(Kind::Protocol, Phase::Wait, detail)
}

#[cold]
fn coding(detail: &'static str) -> Error {
    Error::new(Kind::Coding, Phase::Wait, detail)
}
