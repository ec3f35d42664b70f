//! The differences from hyper that we want, each with its reason and a predicate that sees no more than it must.

use whimbrel_proto::Kind;

use super::Reply;

type Ours<'a> = &'a Result<Reply, Kind>;
type Theirs<'a> = &'a Result<Reply, String>;
type Row = (&'static str, fn(&Heads<'_>, Ours<'_>, Theirs<'_>) -> bool);

const ROWS: [Row; 9] = [
    ("RFC 9112 §2.2 lets a server skip empty lines before a message, not a client", |heads, ours, theirs| {
        heads.empty_lines && refused(ours, Kind::Protocol) && theirs.is_ok()
    }),
    (
        "a Transfer-Encoding but one `chunked` is refused; hyper looks at the last word, else reads to the end",
        |heads, ours, theirs| heads.odd_coding() && refused(ours, Kind::Coding) && theirs.is_ok(),
    ),
    ("a Content-Length that isn't one number is refused beside a Transfer-Encoding too", |heads, ours, theirs| {
        heads.has_coding() && heads.odd_length() && refused(ours, Kind::Protocol) && theirs.is_ok()
    }),
    ("101 is refused where no Upgrade was asked for", |_, ours, theirs| {
        refused(ours, Kind::Protocol) && matches!(theirs, Ok(reply) if reply.status == 101)
    }),
    ("HTTP/1.2 and later are taken as 1.1 (RFC 9110 §2.5)", |heads, ours, theirs| {
        heads.later_minor
            && !matches!(ours, Err(Kind::Protocol))
            && *theirs == Err("invalid HTTP version parsed".into())
    }),
    ("hyper counts no digits of a chunk's size, we stop at 16", |heads, ours, theirs| {
        heads.chunked() && heads.long_size() && refused(ours, Kind::Protocol) && theirs.is_ok()
    }),
    ("hyper takes controls in a chunk's extensions", |heads, ours, theirs| {
        heads.chunked() && heads.control_in_extension() && refused(ours, Kind::Protocol) && theirs.is_ok()
    }),
    ("fields that frame or route are dropped from trailers (RFC 9110 §6.5.1)", |heads, ours, theirs| {
        match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => {
                let kept = |(name, _): &&(String, Vec<u8>)| {
                    !["connection", "content-length", "host", "transfer-encoding"].contains(&&**name)
                };
                heads.chunked()
                    && (ours.status, &ours.fields, &ours.body) == (theirs.status, &theirs.fields, &theirs.body)
                    && ours.trailers.iter().eq(theirs.trailers.iter().filter(kept))
            }
            _ => false,
        }
    }),
    (
        "lines of the trailer section end in CRLF only; hyper takes an empty line of LF alone for their end",
        |heads, ours, theirs| {
            let bare = heads.body.windows(2).any(|pair| pair == b"\n\n");
            heads.chunked() && bare && refused(ours, Kind::Protocol) && theirs.is_ok()
        },
    ),
];

pub(crate) fn reasons() -> impl Iterator<Item = &'static str> {
    ROWS.iter().map(|(reason, _)| *reason)
}

/// Why this difference is wanted, if it is.
pub(crate) fn reason(bytes: &[u8], ours: Ours<'_>, theirs: Theirs<'_>) -> Option<&'static str> {
    let heads = Heads::of(bytes);
    ROWS.iter().find(|(_, holds)| holds(&heads, ours, theirs)).map(|(reason, _)| *reason)
}

fn refused(ours: Ours<'_>, kind: Kind) -> bool {
    matches!(ours, Err(other) if *other == kind)
}

/// A reply's heads as a lenient reader sees them: enough to name a difference, and made without the code under test.
#[derive(Default)]
struct Heads<'a> {
    /// Empty lines stand before a status line.
    empty_lines: bool,
    /// A status line has a minor version above 1.
    later_minor: bool,
    /// Names (in lower case) and values of the final head.
    fields: Vec<(Vec<u8>, &'a [u8])>,
    /// What follows the final head.
    body: &'a [u8],
}

impl<'a> Heads<'a> {
    fn of(mut rest: &'a [u8]) -> Self {
        let mut heads = Self::default();
        loop {
            let mut status_line = line(&mut rest);
            while status_line.is_some_and(<[u8]>::is_empty) {
                heads.empty_lines = true;
                status_line = line(&mut rest);
            }
            let Some(status_line) = status_line else { return heads };
            heads.later_minor |= status_line.starts_with(b"HTTP/1.") && matches!(status_line.get(7), Some(b'2'..=b'9'));
            heads.fields.clear();
            while let Some(field) = line(&mut rest).filter(|field| !field.is_empty()) {
                if let Some(colon) = field.iter().position(|&byte| byte == b':') {
                    heads.fields.push((field[..colon].to_ascii_lowercase(), field[colon + 1..].trim_ascii()));
                }
            }
            heads.body = rest;
            if status_line.get(9) != Some(&b'1') || status_line[9..].starts_with(b"101") {
                return heads;
            }
        }
    }

    fn values(&self, name: &str) -> Vec<&'a [u8]> {
        self.fields.iter().filter(|(other, _)| other == name.as_bytes()).map(|(_, value)| *value).collect()
    }

    fn chunked(&self) -> bool {
        matches!(*self.values("transfer-encoding"), [value] if value.eq_ignore_ascii_case(b"chunked"))
    }

    fn has_coding(&self) -> bool {
        !self.values("transfer-encoding").is_empty()
    }

    fn odd_coding(&self) -> bool {
        self.has_coding() && !self.chunked()
    }

    /// Not exactly one number that fits 64 bits.
    fn odd_length(&self) -> bool {
        let numbers = |value: &&[u8]| {
            std::str::from_utf8(value).is_ok_and(|text| !text.starts_with('+') && text.parse::<u64>().is_ok())
        };
        let values = self.values("content-length");
        values.len() > 1 || !values.iter().all(numbers)
    }

    /// A line of the body begins with more than 16 hexadecimal digits.
    fn long_size(&self) -> bool {
        self.body
            .split(|&byte| byte == b'\n')
            .any(|line| line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count() > 16)
    }

    /// A line of the body has a semicolon, and a control character behind it.
    fn control_in_extension(&self) -> bool {
        let control = |byte: &u8| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r');
        self.body.split(|&byte| byte == b'\n').any(|line| {
            line.iter().position(|&byte| byte == b';').is_some_and(|semicolon| line[semicolon..].iter().any(control))
        })
    }
}

/// Takes a line off the front, without its end.
fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    if rest.is_empty() {
        return None;
    }
    let end = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len() - 1);
    let (line, tail) = rest.split_at(end + 1);
    *rest = tail;
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}
