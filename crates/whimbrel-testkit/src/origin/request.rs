//! Reads one request from a connection: head, framing, body (RFC 9112 §§3–7).
//!
//! It is strict: what is not well-formed is refused with a sentence for the client's author, never guessed at.

use std::io::{self, BufRead};
use std::net::IpAddr;

use bytes::Bytes;
use percent_encoding::percent_decode_str;
use ring::digest::{Context, SHA256};
use url::form_urlencoded;

/// The longest head that is read. A test of a client may well send large fields.
const HEAD_BYTES: usize = 1 << 20;
const HEAD_FIELDS: usize = 2048;

/// A request that has been read completely.
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) target: String,
    /// Whether it is HTTP/1.1, rather than HTTP/1.0.
    pub(crate) is_11: bool,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) head: Vec<u8>,
    pub(crate) scheme: &'static str,
    pub(crate) peer: IpAddr,
    pub(crate) body: Body,
}

/// What came behind the head.
pub(crate) struct Body {
    /// The first bytes, up to the origin's cap.
    pub(crate) kept: Bytes,
    pub(crate) length: u64,
    pub(crate) sha256: String,
}

/// Why no request came.
pub(crate) enum Failure {
    /// The connection ended.
    Gone,
    /// The client wrote something that is no request: the status and the sentence to answer it with.
    Refused(u16, String),
}

impl From<io::Error> for Failure {
    fn from(_: io::Error) -> Self {
        Self::Gone
    }
}

impl Request {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether a list-valued field has this member, in any case.
    pub(super) fn lists(&self, name: &str, member: &str) -> bool {
        let named = self.fields.iter().filter(|(field, _)| field.eq_ignore_ascii_case(name));
        named.flat_map(|(_, value)| value.split(',')).any(|listed| listed.trim().eq_ignore_ascii_case(member))
    }

    /// The target in origin-form, whichever form it came in (RFC 9112 §3.2).
    fn origin_form(&self) -> &str {
        if self.target.starts_with('/') {
            return &self.target;
        }
        let behind_authority = self.target.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]));
        behind_authority.unwrap_or("/")
    }

    /// The path's segments, percent-decoded; an empty one at its end is left out.
    pub(super) fn segments(&self) -> Vec<String> {
        let path = self.origin_form().split(['?', '#']).next().unwrap_or_default();
        let mut segments: Vec<String> = path
            .split('/')
            .skip(1)
            .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
            .collect();
        if segments.last().is_some_and(String::is_empty) {
            segments.pop();
        }
        segments
    }

    /// The query's pairs, decoded as `application/x-www-form-urlencoded`.
    pub(super) fn query(&self) -> Vec<(String, String)> {
        let query = self.origin_form().split_once('?').map_or("", |(_, query)| query);
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }

    /// The first value of a query parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        self.query().into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    pub(super) fn authority(&self) -> &str {
        self.field("Host").unwrap_or("localhost")
    }

    /// The URL that was asked for, as the client sees it.
    pub(super) fn url(&self) -> String {
        format!("{}://{}{}", self.scheme, self.authority(), self.origin_form())
    }

    pub(crate) fn asks_to_close(&self) -> bool {
        self.lists("Connection", "close") || (!self.is_11 && !self.lists("Connection", "keep-alive"))
    }

    pub(super) fn expects_continue(&self) -> bool {
        self.is_11 && self.lists("Expect", "100-continue")
    }
}

/// Reads a head. The body's place is empty until [`read_body`] has filled it.
pub(crate) fn read_head(from: &mut impl BufRead, scheme: &'static str, peer: IpAddr) -> Result<Request, Failure> {
    let head = read_head_bytes(from)?;
    let mut fields = vec![httparse::EMPTY_HEADER; HEAD_FIELDS.min(head.iter().filter(|&&byte| byte == b'\n').count())];
    let mut parsed = httparse::Request::new(&mut fields);
    match parsed.parse(&head) {
        Ok(httparse::Status::Complete(_)) => {}
        Ok(httparse::Status::Partial) => return Err(refused(400, "the head is incomplete")),
        Err(httparse::Error::TooManyHeaders) => return Err(refused(431, "the head has more than 2048 fields")),
        Err(error) => return Err(refused(400, &format!("the head is malformed: {error}"))),
    }
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let request = Request {
        method: parsed.method.unwrap_or_default().to_owned(),
        target: parsed.path.unwrap_or_default().to_owned(),
        is_11: parsed.version == Some(1),
        fields: parsed.headers.iter().map(|field| (field.name.to_owned(), text(field.value))).collect(),
        head: Vec::new(),
        scheme,
        peer,
        body: Body { kept: Bytes::new(), length: 0, sha256: String::new() },
    };
    let hosts = request.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Host")).count();
    if hosts > 1 || (hosts == 0 && request.is_11) {
        return Err(refused(400, "a request has exactly one Host field (RFC 9112 §3.2)"));
    }
    Ok(Request { head, ..request })
}

fn read_head_bytes(from: &mut impl BufRead) -> Result<Vec<u8>, Failure> {
    let mut head = Vec::new();
    loop {
        let start = head.len();
        let mut limited = io::Read::take(&mut *from, (HEAD_BYTES - start) as u64);
        limited.read_until(b'\n', &mut head)?;
        match &head[start..] {
            [] | [.., 0..=9 | 11..] if head.len() < HEAD_BYTES => return Err(Failure::Gone),
            // An empty line before a request line is skipped, as RFC 9112 §2.2 asks.
            b"\r\n" if start == 0 => head.clear(),
            b"\r\n" => return Ok(head),
            [.., b'\r', b'\n'] => {}
            [.., b'\n'] => return Err(refused(400, "a line of the head ends in LF without CR (RFC 9112 §2.2)")),
            _ => return Err(refused(431, "the head is longer than 1 MiB")),
        }
    }
}

/// How the body is framed (RFC 9112 §6.3).
pub(crate) enum Framing {
    None,
    Length(u64),
    Chunked,
}

pub(crate) fn framing(request: &Request) -> Result<Framing, Failure> {
    let values = |wanted: &str| -> Vec<&str> {
        let named = request.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(wanted));
        named.map(|(_, value)| value.as_str()).collect()
    };
    match (values("Transfer-Encoding").as_slice(), values("Content-Length").as_slice()) {
        ([], []) => Ok(Framing::None),
        ([], [length]) if !length.is_empty() && length.bytes().all(|byte| byte.is_ascii_digit()) => {
            length.parse().map(Framing::Length).map_err(|_| refused(400, "Content-Length is out of range"))
        }
        ([], _) => Err(refused(400, "Content-Length is one decimal number, once (RFC 9110 §8.6)")),
        ([coding], []) if request.is_11 && coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
        (_, []) => Err(refused(501, "the only transfer coding understood is chunked, in HTTP/1.1")),
        _ => Err(refused(400, "Transfer-Encoding and Content-Length exclude each other (RFC 9112 §6.2)")),
    }
}

/// Reads the body: all of it is counted and hashed, the first `cap` bytes are kept.
pub(super) fn read_body(from: &mut impl BufRead, framing: &Framing, cap: usize) -> Result<Body, Failure> {
    let mut taken = Taken { kept: Vec::new(), cap, length: 0, hash: Context::new(&SHA256) };
    match framing {
        Framing::None => {}
        Framing::Length(length) => taken.take(from, *length)?,
        Framing::Chunked => loop {
            let line = read_line(from)?;
            let size = line.split(';').next().unwrap_or_default();
            let is_hex = !size.is_empty() && size.len() <= 16 && size.bytes().all(|byte| byte.is_ascii_hexdigit());
            let size = u64::from_str_radix(size, 16).ok().filter(|_| is_hex);
            let size = size.ok_or_else(|| refused(400, "a chunk's size is a hexadecimal number (RFC 9112 §7.1)"))?;
            if size == 0 {
                while !read_line(from)?.is_empty() {}
                break;
            }
            taken.take(from, size)?;
            if !read_line(from)?.is_empty() {
                return Err(refused(400, "a chunk is longer than its size says (RFC 9112 §7.1)"));
            }
        },
    }
    Ok(Body { kept: taken.kept.into(), length: taken.length, sha256: hex(taken.hash.finish().as_ref()) })
}

struct Taken {
    kept: Vec<u8>,
    cap: usize,
    length: u64,
    hash: Context,
}

impl Taken {
    fn take(&mut self, from: &mut impl BufRead, mut left: u64) -> Result<(), Failure> {
        while left > 0 {
            let available = from.fill_buf()?;
            if available.is_empty() {
                return Err(Failure::Gone);
            }
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(available.len());
            self.hash.update(&available[..count]);
            let keep = count.min(self.cap - self.kept.len());
            self.kept.extend_from_slice(&available[..keep]);
            from.consume(count);
            self.length += count as u64;
            left -= count as u64;
        }
        Ok(())
    }
}

/// A line of a chunked body, without its CR LF.
pub(crate) fn read_line(from: &mut impl BufRead) -> Result<String, Failure> {
    let mut line = Vec::new();
    io::Read::take(&mut *from, 8 * 1024).read_until(b'\n', &mut line)?;
    let Some(text) = line.strip_suffix(b"\r\n") else {
        return Err(if line.ends_with(b"\n") || line.len() == 8 * 1024 {
            refused(400, "a line of a chunked body ends in CR LF and is shorter than 8 KiB")
        } else {
            Failure::Gone
        });
    };
    String::from_utf8(text.to_vec()).map_err(|_| refused(400, "a line of a chunked body is ASCII"))
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn refused(status: u16, why: &str) -> Failure {
    Failure::Refused(status, why.to_owned())
}
