//! The requests of the polled idiom: which methods, URLs and header lines are taken, and what is added to them.
//!
//! As Godot has it: the caller's lines come first, in their order and case; then `Host`, `Content-Length`, `User-Agent`
//! and `Accept`, each where the caller gave none. No `Connection`, no `Content-Type`.
//!
//! Mended, since the request would be broken or could be two: CR, LF, NUL and other controls are refused; a field's
//! name is sent without the space around it (RFC 9112 §5.1); spaces and what is not ASCII are percent-encoded in a URL,
//! and its fragment is cut (RFC 9112 §3.2); a `Content-Length` that is not the body's, and any `Transfer-Encoding`,
//! are refused; POST, PUT and PATCH with no body say so (RFC 9110 §8.6); a forward proxy is asked for an absolute URL as
//! it was given.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_encode};

use crate::coding::ACCEPT_ENCODING;
use crate::error::{Error, Result};
use crate::exchange::spec::BodyShape;
use crate::fields::Fields;
use crate::h1::{SendBody, encode_head};
use crate::target::Target;

/// The methods, with Godot's numbers (`HTTPClient.Method`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum PollMethod {
    /// `GET`
    Get = 0,
    /// `HEAD`
    Head = 1,
    /// `POST`
    Post = 2,
    /// `PUT`
    Put = 3,
    /// `DELETE`
    Delete = 4,
    /// `OPTIONS`
    Options = 5,
    /// `TRACE`
    Trace = 6,
    /// `CONNECT`
    Connect = 7,
    /// `PATCH`
    Patch = 8,
}

impl PollMethod {
    /// All of them, in the order of their numbers. Godot's `METHOD_MAX` is their count.
    pub const ALL: [Self; 9] = [
        Self::Get,
        Self::Head,
        Self::Post,
        Self::Put,
        Self::Delete,
        Self::Options,
        Self::Trace,
        Self::Connect,
        Self::Patch,
    ];

    /// The method of a number; `None` for what is none.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }

    /// As it goes on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Head => "HEAD",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Delete => "DELETE",
            Self::Options => "OPTIONS",
            Self::Trace => "TRACE",
            Self::Connect => "CONNECT",
            Self::Patch => "PATCH",
        }
    }
}

/// What of a request is not the caller's header lines.
#[derive(Clone, Copy, Debug)]
pub struct Heading<'a> {
    /// The method.
    pub method: PollMethod,
    /// `/path?query`, an absolute URL, `*` for OPTIONS, `host:port` for CONNECT.
    pub url: &'a str,
    /// The value of `Host`.
    pub authority: &'a str,
    /// What goes before the path where a proxy forwards the request: `http://host:port`.
    pub absolute: Option<&'a str>,
    /// The value of `User-Agent`.
    pub user_agent: &'a str,
    /// Whether codings are asked for, and decoded, where the caller says nothing of them.
    pub accept_encoding: bool,
    /// The body.
    pub body: BodyShape,
}

/// What the codec must know of a request whose head is written.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// How the body is framed.
    pub send: SendBody,
    /// The body waits for a 100 (Continue).
    pub expects: bool,
    /// The request asks for another protocol.
    pub upgrade: bool,
    /// The request ends its connection.
    pub close: bool,
    /// The response is to be decoded.
    pub decodes: bool,
}

impl Heading<'_> {
    /// Appends the head of the request to `out`.
    ///
    /// # Errors
    /// [`Kind::Input`](crate::Kind::Input) with what is wrong; nothing is appended then.
    pub fn write<L: AsRef<[u8]>>(&self, out: &mut Vec<u8>, lines: impl IntoIterator<Item = L>) -> Result<Request> {
        let target = self.target()?;
        let mut fields = Fields::new();
        for line in lines {
            append_line(&mut fields, line.as_ref())?;
        }
        if !fields.contains("host") {
            // A proxy is asked for another origin than the connection's: Host is that one's (RFC 9112 §3.2.2).
            match self.absolute {
                Some(_) if self.is_absolute() => fields.append("Host", Target::parse(self.url)?.authority())?,
                _ => fields.append("Host", self.authority)?,
            }
        }
        let send = self.frame(&mut fields)?;
        if !fields.contains("user-agent") {
            fields.append("User-Agent", self.user_agent)?;
        }
        if !fields.contains("accept") {
            fields.append("Accept", "*/*")?;
        }
        let decodes = self.accept_encoding && !fields.contains("accept-encoding");
        if decodes {
            fields.append("Accept-Encoding", ACCEPT_ENCODING)?;
        }
        encode_head(out, self.method.name(), &target, &fields)?;
        let has_option = |name: &str, option: &[u8]| {
            let mut options = fields.get_all(name).flat_map(|value| value.split(|&byte| byte == b','));
            options.any(|other| other.trim_ascii().eq_ignore_ascii_case(option))
        };
        let expects = !matches!(send, SendBody::None | SendBody::Length(0)) && has_option("expect", b"100-continue");
        Ok(Request {
            send,
            expects,
            upgrade: fields.contains("upgrade"),
            close: has_option("connection", b"close"),
            decodes,
        })
    }

    fn is_absolute(&self) -> bool {
        self.url.starts_with("http://") || self.url.starts_with("https://")
    }

    /// The request target (RFC 9112 §3.2).
    fn target(&self) -> Result<Cow<'_, str>> {
        let url = self.url;
        if url.bytes().any(|byte| byte.is_ascii_control()) {
            return Err(Error::input("the URL holds a line break or another control character; percent-encode it"));
        }
        if self.method == PollMethod::Connect {
            return match url.rsplit_once(':') {
                Some((host, port)) if !host.is_empty() && !port.is_empty() => Ok(Cow::Borrowed(url)),
                _ => Err(Error::input("CONNECT takes host:port, such as example.com:443")),
            };
        }
        let is_absolute = self.is_absolute();
        if self.method == PollMethod::Options && url == "*" {
            // Through a proxy, the server itself is the URL without a path (RFC 9112 §3.2.4).
            return Ok(Cow::Borrowed(self.absolute.unwrap_or(url)));
        }
        if !url.starts_with('/') && !is_absolute {
            return Err(Error::input(
                "the URL must begin with / (or http://, https://); the host was given to connect_to_host",
            ));
        }
        let url = url.split_once('#').map_or(url, |(url, _)| url);
        let url: Cow<'_, str> = percent_encode(url.as_bytes(), UNSENDABLE).into();
        match self.absolute {
            Some(absolute) if !is_absolute => Ok(Cow::Owned(format!("{absolute}{url}"))),
            _ => Ok(url),
        }
    }

    /// Says in `fields` how the body is framed.
    fn frame(&self, fields: &mut Fields) -> Result<SendBody> {
        if fields.contains("transfer-encoding") {
            return Err(Error::input("leave the Transfer-Encoding header out; the body is framed by itself"));
        }
        let send = match self.body {
            BodyShape::None => SendBody::None,
            BodyShape::Sized { len, .. } => SendBody::Length(len),
            BodyShape::Unsized { .. } => SendBody::Chunked,
        };
        let length = if let SendBody::Length(len) = send { len } else { 0 };
        if let Some(given) = fields.get_str("content-length") {
            // A sign is none that others take.
            let is_number = given.trim().bytes().all(|byte| byte.is_ascii_digit());
            if send == SendBody::Chunked || !is_number || given.trim().parse() != Ok(length) {
                return Err(Error::input("the Content-Length header is not the body's length; leave it out"));
            }
            return Ok(send);
        }
        match send {
            SendBody::Length(len) if len > 0 => fields.append("Content-Length", len.to_string())?,
            SendBody::Chunked => fields.append("Transfer-Encoding", "chunked")?,
            _ if matches!(self.method, PollMethod::Post | PollMethod::Put | PollMethod::Patch) => {
                fields.append("Content-Length", "0")?;
            }
            _ => {}
        }
        Ok(send)
    }
}

/// What can't stand in a request target: it would end it.
const UNSENDABLE: &AsciiSet = &CONTROLS.add(b' ');

fn append_line(fields: &mut Fields, line: &[u8]) -> Result<()> {
    let wrong = || Error::input("a header must be a string like \"Name: value\"");
    let colon = line.iter().position(|&byte| byte == b':').ok_or_else(wrong)?;
    // Space and TAB alone: a line break is one too many, wherever it stands.
    let name = std::str::from_utf8(&line[..colon]).map_err(|_| wrong())?.trim_matches([' ', '\t']);
    if name.is_empty() {
        return Err(wrong());
    }
    fields.append(name, &line[colon + 1..])
}

/// The transfer codings of a response besides `chunked`, in the order in which they were applied (RFC 9112 §6.1).
pub fn transfer_codings(fields: &Fields) -> impl Iterator<Item = &[u8]> {
    let codings = fields.get_all("transfer-encoding").flat_map(|value| value.split(|&byte| byte == b','));
    codings.map(<[u8]>::trim_ascii).filter(|coding| !coding.eq_ignore_ascii_case(b"chunked"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heading(method: PollMethod, url: &str) -> Heading<'_> {
        Heading {
            method,
            url,
            authority: "a.test:81",
            absolute: None,
            user_agent: "Curlew/1",
            accept_encoding: false,
            body: BodyShape::None,
        }
    }

    fn wire(heading: &Heading<'_>, lines: &[&str]) -> String {
        let mut out = Vec::new();
        match heading.write(&mut out, lines) {
            Ok(_) => String::from_utf8(out).unwrap().replace("\r\n", "|"),
            Err(error) => {
                assert!(out.is_empty());
                format!("{:?}", error.kind())
            }
        }
    }

    #[test]
    fn what_the_caller_gave_comes_first_and_what_is_missing_follows() {
        let sized = |len| BodyShape::Sized { len, replayable: true };
        let get = heading(PollMethod::Get, "/x");
        let post = heading(PollMethod::Post, "/x");
        let rest = "User-Agent: Curlew/1|Accept: */*||";
        for (heading, lines, expected) in [
            (get, &[] as &[&str], format!("GET /x HTTP/1.1|Host: a.test:81|{rest}")),
            (get, &["A:"], format!("GET /x HTTP/1.1|A:|Host: a.test:81|{rest}")),
            (get, &["b:1", "A: 2"], format!("GET /x HTTP/1.1|b: 1|A: 2|Host: a.test:81|{rest}")),
            (get, &["A :b"], format!("GET /x HTTP/1.1|A: b|Host: a.test:81|{rest}")),
            (get, &["host: example.org"], format!("GET /x HTTP/1.1|host: example.org|{rest}")),
            (get, &["USER-AGENT: x", "accept: y"], "GET /x HTTP/1.1|USER-AGENT: x|accept: y|Host: a.test:81||".into()),
            (post, &[], format!("POST /x HTTP/1.1|Host: a.test:81|Content-Length: 0|{rest}")),
            (
                Heading { body: sized(4), ..post },
                &[],
                format!("POST /x HTTP/1.1|Host: a.test:81|Content-Length: 4|{rest}"),
            ),
            (
                Heading { body: sized(4), ..get },
                &["content-length: 4"],
                format!("GET /x HTTP/1.1|content-length: 4|Host: a.test:81|{rest}"),
            ),
            (
                Heading { body: BodyShape::Unsized { replayable: false }, ..post },
                &[],
                format!("POST /x HTTP/1.1|Host: a.test:81|Transfer-Encoding: chunked|{rest}"),
            ),
            (
                Heading { absolute: Some("http://a.test:81"), url: "http://b.test:82/y", ..get },
                &[],
                format!("GET http://b.test:82/y HTTP/1.1|Host: b.test:82|{rest}"),
            ),
            (
                Heading { accept_encoding: true, ..get },
                &[],
                "GET /x HTTP/1.1|Host: a.test:81|User-Agent: Curlew/1|Accept: */*|Accept-Encoding: gzip, br, zstd||"
                    .into(),
            ),
        ] {
            assert_eq!(wire(&heading, lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn urls_are_what_godot_takes_made_fit_to_be_sent() {
        for (method, url, absolute, target) in [
            (PollMethod::Get, "/a b/\u{fc}?q=%20#frag", None, "/a%20b/%C3%BC?q=%20"),
            (PollMethod::Get, "http://other.test/x", None, "http://other.test/x"),
            (PollMethod::Get, "//x", None, "//x"),
            (PollMethod::Get, "/x", Some("http://a.test:81"), "http://a.test:81/x"),
            (PollMethod::Get, "http://a.test/x", Some("http://a.test:80"), "http://a.test/x"),
            (PollMethod::Options, "*", None, "*"),
            (PollMethod::Options, "*", Some("http://a.test:81"), "http://a.test:81"),
            (PollMethod::Connect, "h:1", None, "h:1"),
        ] {
            let line = wire(&Heading { absolute, ..heading(method, url) }, &[]);
            assert_eq!(line.split('|').next().unwrap(), format!("{} {target} HTTP/1.1", method.name()));
        }
        for (method, url) in [
            (PollMethod::Get, ""),
            (PollMethod::Get, "x"),
            (PollMethod::Get, "*"),
            (PollMethod::Get, "?a=b"),
            (PollMethod::Get, "ftp://x/"),
            (PollMethod::Get, "HTTP://x/"),
            (PollMethod::Options, ""),
            (PollMethod::Connect, "x"),
            (PollMethod::Connect, ":1"),
            (PollMethod::Connect, "h:"),
            (PollMethod::Connect, "a b:1"),
        ] {
            assert_eq!(wire(&heading(method, url), &[]), "Input", "{url:?}");
        }
    }

    /// threats row 5
    #[test]
    fn nothing_that_could_split_a_request_is_taken() {
        for url in ["/a\r\nX: y", "/a\n", "/a\r", "/\0", "http://h/\n"] {
            assert_eq!(wire(&heading(PollMethod::Get, url), &[]), "Input", "{url:?}");
        }
        let lines =
            ["A: b\r\nC: d", "A: b\n", "A: b\0", "A\r\n: b", "A\n:b", "", "  ", "NoColon", ":x", " :x", "A b: c"];
        for line in lines {
            assert_eq!(wire(&heading(PollMethod::Get, "/"), &[line]), "Input", "{line:?}");
        }
        for lines in [
            &["Host: a", "host: b"] as &[&str],
            &["Content-Length: 2"],
            &["Content-Length: +0"],
            &["Content-Length: 0", "content-length: 0"],
            &["Transfer-Encoding: chunked"],
        ] {
            assert_eq!(wire(&heading(PollMethod::Post, "/"), lines), "Input", "{lines:?}");
        }
    }
}
