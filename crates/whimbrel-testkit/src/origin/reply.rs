//! A reply as a value, and how it is written: framed by length where that is known, chunked otherwise.
//!
//! A field value never breaks out of its line: control characters in it are written as spaces.

use std::io::{self, Write};
use std::time::Duration;

use bytes::Bytes;
use serde_json::Value;

use super::date;
use crate::listener::Stop;

pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) fields: Vec<(String, String)>,
    pub(super) content: Content,
    /// Statuses sent before this one (RFC 9110 §15.2).
    pub(super) informational: Vec<u16>,
    /// How long the head is held back.
    pub(super) delay: Duration,
}

pub(super) enum Content {
    Whole(Bytes),
    /// Pieces made while they are written. Without a length they are sent chunked.
    Pieces {
        length: Option<u64>,
        pieces: Box<dyn Iterator<Item = Piece>>,
    },
}

/// A step of a streamed reply.
pub(super) enum Piece {
    Data(Bytes),
    Wait(Duration),
}

impl Reply {
    pub(super) fn new(status: u16) -> Self {
        Self {
            status,
            fields: Vec::new(),
            content: Content::Whole(Bytes::new()),
            informational: Vec::new(),
            delay: Duration::ZERO,
        }
    }

    pub(super) fn json(value: &Value) -> Self {
        let mut text = serde_json::to_string_pretty(value).expect("a JSON value can be written");
        text.push('\n');
        Self::whole("application/json", text)
    }

    pub(super) fn whole(content_type: &str, content: impl Into<Bytes>) -> Self {
        let mut reply = Self::new(200).field("Content-Type", content_type);
        reply.content = Content::Whole(content.into());
        reply
    }

    pub(super) fn pieces(
        content_type: &str,
        length: Option<u64>,
        pieces: impl Iterator<Item = Piece> + 'static,
    ) -> Self {
        let mut reply = Self::new(200).field("Content-Type", content_type);
        reply.content = Content::Pieces { length, pieces: Box::new(pieces) };
        reply
    }

    /// A refusal with a sentence that says what to do.
    pub(super) fn refusal(status: u16, why: impl Into<String>) -> Self {
        let mut why = why.into();
        why.push('\n');
        Self::whole("text/plain; charset=utf-8", why).status(status)
    }

    pub(super) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    pub(super) fn field(mut self, name: &str, value: impl Into<String>) -> Self {
        self.fields.push((name.to_owned(), value.into()));
        self
    }

    /// Holds the whole reply back for this long.
    pub(super) fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    fn length(&self) -> Option<u64> {
        match &self.content {
            Content::Whole(bytes) => Some(bytes.len() as u64),
            Content::Pieces { length, .. } => *length,
        }
    }
}

/// What the request means for how its reply is written.
pub(super) struct Context<'a> {
    pub(super) is_head: bool,
    pub(super) is_11: bool,
    pub(super) close: bool,
    pub(super) stop: &'a Stop,
}

/// Writes `reply`. Returns whether the connection can carry another one.
pub(super) fn write(to: &mut impl Write, reply: Reply, context: &Context<'_>) -> io::Result<bool> {
    if !reply.delay.is_zero() && !context.stop.wait(reply.delay) {
        return Err(io::ErrorKind::Interrupted.into());
    }
    let mut head = Vec::with_capacity(1024);
    for status in reply.informational.iter().filter(|_| context.is_11) {
        write!(head, "HTTP/1.1 {status} {}\r\n\r\n", reason(*status))?;
    }
    // RFC 9110 §6.4.1: these have no content, whatever the fields say.
    let bodiless = context.is_head || matches!(reply.status, 204 | 304);
    let length = reply.length();
    let chunked = length.is_none() && context.is_11;
    let close = context.close || (length.is_none() && !chunked && !bodiless);

    write!(head, "HTTP/1.1 {} {}\r\n", reply.status, reason(reply.status))?;
    write!(head, "Date: {}\r\nServer: whimbrel-testkit\r\n", date::now())?;
    for (name, value) in &reply.fields {
        let value: String = value.chars().map(|c| if c.is_control() && c != '\t' { ' ' } else { c }).collect();
        write!(head, "{name}: {}\r\n", value.trim())?;
    }
    match length {
        // A length in a 304 would be that of the representation it stands for, which isn't at hand.
        _ if matches!(reply.status, 204 | 304) => {}
        Some(length) => write!(head, "Content-Length: {length}\r\n")?,
        None if chunked => head.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        None => {}
    }
    match (close, context.is_11) {
        (true, _) => head.extend_from_slice(b"Connection: close\r\n"),
        (false, false) => head.extend_from_slice(b"Connection: keep-alive\r\n"),
        (false, true) => {}
    }
    head.extend_from_slice(b"\r\n");

    match reply.content {
        Content::Whole(bytes) if !bodiless && bytes.len() <= 32 * 1024 => {
            head.extend_from_slice(&bytes);
            to.write_all(&head)?;
        }
        Content::Whole(bytes) => {
            to.write_all(&head)?;
            if !bodiless {
                to.write_all(&bytes)?;
            }
        }
        Content::Pieces { pieces, .. } => {
            to.write_all(&head)?;
            if !bodiless {
                write_pieces(to, pieces, chunked, context.stop)?;
            }
        }
    }
    Ok(!close)
}

fn write_pieces(
    to: &mut impl Write,
    pieces: impl Iterator<Item = Piece>,
    chunked: bool,
    stop: &Stop,
) -> io::Result<()> {
    let mut chunk = Vec::new();
    for piece in pieces {
        match piece {
            Piece::Wait(time) if !stop.wait(time) => return Err(io::ErrorKind::Interrupted.into()),
            Piece::Wait(_) => {}
            // An empty chunk would be the last one.
            Piece::Data(data) if data.is_empty() => {}
            Piece::Data(data) if chunked => {
                chunk.clear();
                write!(chunk, "{:x}\r\n", data.len())?;
                chunk.extend_from_slice(&data);
                chunk.extend_from_slice(b"\r\n");
                to.write_all(&chunk)?;
            }
            Piece::Data(data) => to.write_all(&data)?,
        }
    }
    if chunked { to.write_all(b"0\r\n\r\n") } else { Ok(()) }
}

/// The reason phrases of RFC 9110 §15, and those of a few registered statuses beyond it.
pub(crate) fn reason(status: u16) -> &'static str {
    match status {
        100 => "Continue",
        102 => "Processing",
        103 => "Early Hints",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-Authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        305 => "Use Proxy",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Timeout",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Content Too Large",
        414 => "URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Range Not Satisfiable",
        417 => "Expectation Failed",
        418 => "I'm a teapot",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        425 => "Too Early",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Timeout",
        505 => "HTTP Version Not Supported",
        511 => "Network Authentication Required",
        _ => "Unassigned",
    }
}
