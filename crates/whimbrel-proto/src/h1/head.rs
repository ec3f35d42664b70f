//! Parses response heads and trailer sections (RFC 9112 §4, §5, §7.1.2) with `httparse`, and keeps their bytes as they
//! came. Decides what is a head and what is not HTTP; what a head means for the body is decided in `framing`.

use std::borrow::Cow;
use std::fmt;
use std::mem::MaybeUninit;

use httparse::{EMPTY_HEADER, Header, ParserConfig, Response, Status};

use super::framing::FramingFields;
use super::limits::Limits;
use super::scan::{LineEnd, LineScan};
use crate::error::{Error, Kind, Phase, Result};
use crate::fields::{Fields, Span};

/// The version of a response. A higher minor version than 1 is taken as 1.1 (RFC 9110 §2.5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
}

impl Version {
    /// As it stands on the wire: `HTTP/1.0` or `HTTP/1.1`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Version::Http10 => "HTTP/1.0",
            Version::Http11 => "HTTP/1.1",
        }
    }
}

/// The head of a response, informational or final.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResponseHead {
    /// The version that the peer speaks.
    pub version: Version,
    /// The status code, 100 to 999. Codes of 600 and above are to be taken as 5xx (RFC 9110 §15).
    pub status: u16,
    /// The fields as received, names in their own case; values are bytes, without the space around them.
    pub fields: Fields,
    reason: Cow<'static, [u8]>,
}

impl ResponseHead {
    /// The reason phrase as received: any bytes but controls, often empty. It means nothing to HTTP (RFC 9112 §4).
    pub fn reason(&self) -> &[u8] {
        &self.reason
    }

    /// The lines of the fields as they stood, without the space around them: also those without a colon that a
    /// [lenient](super::Call::be_lenient) call passed over.
    pub fn lines(&self) -> impl Iterator<Item = &[u8]> {
        self.fields.section().split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty())
    }

    /// Whether this is an interim response (1xx) that another one follows. 101 is final for HTTP.
    pub fn is_informational(&self) -> bool {
        self.status < 200 && self.status != 101
    }
}

/// Where the search for a head's end stands.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct HeadScan {
    scan: LineScan,
    /// An attempt to parse at once was made: from now on, only the end is looked for, and each byte once.
    tried: bool,
}

/// A head that was found and understood.
#[derive(Debug)]
pub(super) struct Parsed {
    /// Bytes of the head, its empty line included.
    pub(super) size: usize,
    pub(super) head: ResponseHead,
    pub(super) framing: FramingFields,
}

impl HeadScan {
    /// The head at the front of `input`, or `None` if its end hasn't arrived. Nothing is consumed until then.
    /// `lenient`: lines without a colon are passed over.
    pub(super) fn advance(&mut self, input: &[u8], limits: &Limits, lenient: bool) -> Result<Option<Parsed>> {
        check_preamble(input)?;
        let window = &input[..input.len().min(limits.head())];
        if !self.tried && !window.is_empty() {
            // The usual case: the whole head came in one piece, and one pass does it all.
            self.tried = true;
            if let Some(parsed) = parse(window, limits, lenient)? {
                return Ok(Some(parsed));
            }
        }
        match self.scan.find_end(window, LineEnd::Lenient) {
            Ok(None) if window.len() < limits.head() => Ok(None),
            _ => match parse(window, limits, lenient)? {
                Some(parsed) => Ok(Some(parsed)),
                None => Err(too_large(format!("the response head is longer than {} bytes", limits.head()))),
            },
        }
    }
}

/// What the end of the connection means while a head is awaited and `input` is all there is of it.
#[cold]
pub(super) fn error_at_eof(input: &[u8], limits: &Limits) -> Error {
    let window = &input[..input.len().min(limits.head())];
    match check_preamble(window).and_then(|()| parse(window, limits, false)) {
        Err(error) => error,
        Ok(_) => Error::new(Kind::Truncated, Phase::Wait, "the connection closed inside the response head"),
    }
}

/// Refuses what can't become an HTTP/1.x status line, at its first wrong byte.
fn check_preamble(input: &[u8]) -> Result<()> {
    const PREAMBLE: &[u8] = b"HTTP/1.";
    let known = input.len().min(PREAMBLE.len());
    if input[..known] == PREAMBLE[..known] {
        return Ok(());
    }
    Err(not_http(input))
}

#[cold]
fn not_http(input: &[u8]) -> Error {
    protocol(match input {
        [b'H', b'T', b'T', b'P', b'/', ..] => "the reply's version is not HTTP/1.x",
        // A TLS alert or handshake record (RFC 8446 §5.1).
        [0x15 | 0x16, 0x03, ..] => "the reply is TLS, not HTTP; use https",
        _ => "the reply is not HTTP",
    })
}

/// How many fields are parsed without a heap allocation.
const USUAL_FIELDS: usize = 64;

fn parse(window: &[u8], limits: &Limits, lenient: bool) -> Result<Option<Parsed>> {
    // `httparse` knows 1.0 and 1.1. A later minor version is a 1.1 message to us (RFC 9110 §2.5).
    let known: Cow<'_, [u8]> = match window.get(7) {
        Some(b'2'..=b'9') => {
            let mut copy = window.to_vec();
            copy[7] = b'1';
            Cow::Owned(copy)
        }
        _ => Cow::Borrowed(window),
    };
    let strict = ParserConfig::default();
    let mut slots = [const { MaybeUninit::uninit() }; USUAL_FIELDS];
    match parse_into(&known, &mut slots[..limits.max_fields.min(USUAL_FIELDS)], &strict) {
        Err(httparse::Error::TooManyHeaders) if limits.max_fields > USUAL_FIELDS => {
            let mut slots = vec![MaybeUninit::uninit(); limits.max_fields];
            parse_into(&known, &mut slots, &strict)
        }
        Err(httparse::Error::HeaderName) if lenient => parse_without_strays(&known, limits),
        result => result,
    }
    .map_err(|error| refused(error, limits))?
    .map(checked_status)
    .transpose()
}

fn checked_status(parsed: Parsed) -> Result<Parsed> {
    match parsed.head.status {
        100.. => Ok(parsed),
        _ => Err(protocol("the response's status code is below 100")),
    }
}

/// Parses a head in which lines without a colon are passed over. Every other line that is no field is refused still.
#[cold]
fn parse_without_strays(window: &[u8], limits: &Limits) -> Result<Option<Parsed>, httparse::Error> {
    let mut lenient = ParserConfig::default();
    lenient.ignore_invalid_headers_in_responses(true);
    let mut slots = vec![MaybeUninit::uninit(); limits.max_fields];
    let Some(parsed) = parse_into(window, &mut slots, &lenient)? else { return Ok(None) };
    let section = &window[memchr::memchr(b'\n', window).map_or(0, |end| end + 1)..parsed.size];
    let mut fields = 0;
    for line in section.split(|&byte| byte == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let is_folded = matches!(line, [b' ' | b'\t', ..]);
        if is_folded || line.iter().any(|&byte| byte.is_ascii_control() && byte != b'\t') {
            return Err(httparse::Error::HeaderName);
        }
        fields += usize::from(line.contains(&b':'));
    }
    if fields != parsed.head.fields.len() {
        return Err(httparse::Error::HeaderName);
    }
    Ok(Some(parsed))
}

/// One pass over a head. The bytes of the fields are copied once, whole; the spans point into the copy.
fn parse_into<'b>(
    window: &'b [u8],
    slots: &mut [MaybeUninit<Header<'b>>],
    config: &ParserConfig,
) -> Result<Option<Parsed>, httparse::Error> {
    let mut response = Response::new(&mut []);
    let Status::Complete(size) = config.parse_response_with_uninit_headers(&mut response, window, slots)? else {
        return Ok(None);
    };
    let (Some(minor), Some(status)) = (response.version, response.code) else {
        return Err(httparse::Error::Status);
    };
    let line_end = memchr::memchr(b'\n', window).unwrap_or_default();
    let mut framing = FramingFields::default();
    let fields = collect(&window[..size], line_end + 1, response.headers, &mut framing);
    let reason = reason_phrase(status, &window[..line_end]);
    let version = if minor == 0 { Version::Http10 } else { Version::Http11 };
    Ok(Some(Parsed { size, head: ResponseHead { version, status, fields, reason }, framing }))
}

/// The fields of a section that begins at `start` of `bytes`, which every one of `headers` lies in.
fn collect(bytes: &[u8], start: usize, headers: &[Header<'_>], framing: &mut FramingFields) -> Fields {
    let base = bytes.as_ptr() as usize + start;
    let spans = headers
        .iter()
        .map(|header| {
            framing.note(header.name, header.value);
            let name = (header.name.as_ptr() as usize - base) as u32;
            let value = (header.value.as_ptr() as usize - base) as u32;
            Span { name: (name, name + header.name.len() as u32), value: (value, value + header.value.len() as u32) }
        })
        .collect();
    Fields::from_parts(bytes[start..].to_vec(), spans)
}

/// What follows the status code on the status line; without an allocation if it is what nearly everyone sends.
fn reason_phrase(status: u16, line: &[u8]) -> Cow<'static, [u8]> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let reason = line.get("HTTP/1.1 200 ".len()..).unwrap_or_default();
    let usual: &'static [u8] = match status {
        200 => b"OK",
        204 => b"No Content",
        206 => b"Partial Content",
        301 => b"Moved Permanently",
        302 => b"Found",
        304 => b"Not Modified",
        404 => b"Not Found",
        _ => b"",
    };
    if reason == usual { Cow::Borrowed(usual) } else { Cow::Owned(reason.to_vec()) }
}

/// The trailer fields of a complete section. Those that must not come in a trailer (RFC 9110 §6.5.1) are dropped.
pub(super) fn parse_trailers(section: &[u8], limits: &Limits) -> Result<Fields> {
    let mut slots = vec![EMPTY_HEADER; limits.max_fields];
    let headers = match httparse::parse_headers(section, &mut slots) {
        Ok(Status::Complete((_, headers))) => headers,
        Ok(Status::Partial) => return Err(protocol("the trailer section is malformed").in_phase(Phase::Body)),
        Err(error) => return Err(refused(error, limits).in_phase(Phase::Body)),
    };
    let mut fields = Fields::new();
    for header in headers.iter().filter(|header| may_be_trailer(header.name)) {
        fields.push(header.name, header.value);
    }
    Ok(fields)
}

/// Fields that say how a message is framed, routed, authenticated or to be processed come too late in a trailer.
fn may_be_trailer(name: &str) -> bool {
    const FORBIDDEN: [&str; 24] = [
        "age",
        "authorization",
        "cache-control",
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "date",
        "expires",
        "host",
        "keep-alive",
        "location",
        "proxy-authenticate",
        "proxy-authorization",
        "retry-after",
        "set-cookie",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "vary",
        "warning",
        "www-authenticate",
    ];
    !FORBIDDEN.iter().any(|forbidden| name.eq_ignore_ascii_case(forbidden))
}

#[cold]
fn refused(error: httparse::Error, limits: &Limits) -> Error {
    protocol(match error {
        httparse::Error::TooManyHeaders => {
            return too_large(format!("the response has more than {} fields", limits.max_fields));
        }
        httparse::Error::Version => "the reply's version is not HTTP/1.x",
        httparse::Error::Status => "the response's status line is malformed",
        httparse::Error::HeaderName => "a response field's name is malformed",
        httparse::Error::HeaderValue => "a response field's value holds a control character",
        _ => "a line of the response head ends in a bare CR",
    })
}

#[cold]
fn too_large(detail: String) -> Error {
    Error::new(Kind::TooLarge, Phase::Wait, detail)
}

#[cold]
fn protocol(detail: &'static str) -> Error {
    Error::new(Kind::Protocol, Phase::Wait, detail)
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Http10 => "HTTP/1.0",
            Self::Http11 => "HTTP/1.1",
        })
    }
}
