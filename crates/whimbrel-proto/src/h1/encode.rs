//! Writes request heads (RFC 9112 §3). Checks what would break the message's framing or routing; changes nothing: names
//! keep their case, fields their order.

use crate::error::{Error, Result};
use crate::fields::{Fields, is_token};

/// Appends a request head to `out`: the request line, the fields in the order and case given, the empty line.
///
/// Nothing is appended when there is an error.
///
/// # Errors
/// [`Kind::Input`](crate::Kind::Input) if the method is no token (RFC 9110 §9.1), the target is empty or holds anything
/// but visible ASCII (RFC 9112 §3.2), there isn't exactly one `Host` (RFC 9112 §3.2), or the fields contradict
/// each other about the framing: `Content-Length` twice, `Transfer-Encoding` twice, or both (RFC 9112 §6.2).
pub fn encode_head(out: &mut Vec<u8>, method: &str, target: &str, fields: &Fields) -> Result<()> {
    let mut head = HeadWriter::begin(out, method, target)?;
    for (name, value) in fields.iter_bytes() {
        head.line(name, value);
    }
    head.finish()
}

/// Writes a request head line by line, for those who have no list of its fields: as [`encode_head`] otherwise.
pub(crate) struct HeadWriter<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    hosts: usize,
    lengths: usize,
    codings: usize,
}

impl<'a> HeadWriter<'a> {
    /// Writes the request line.
    pub(crate) fn begin(out: &'a mut Vec<u8>, method: &str, target: &str) -> Result<Self> {
        check_method(method)?;
        check_target(target)?;
        let start = out.len();
        out.reserve(method.len() + target.len() + "  HTTP/1.1\r\n".len());
        out.extend_from_slice(method.as_bytes());
        out.push(b' ');
        out.extend_from_slice(target.as_bytes());
        out.extend_from_slice(b" HTTP/1.1\r\n");
        Ok(Self { out, start, hosts: 0, lengths: 0, codings: 0 })
    }

    /// Writes a field whose name is a token and whose value is one line.
    pub(crate) fn field(&mut self, name: &str, value: &[u8]) {
        self.line(name.as_bytes(), value);
    }

    /// Writes a whole line that says nothing about routing or framing, its end included: what nearly every request has.
    pub(crate) fn ready_line(&mut self, line: &'static str) {
        self.out.extend_from_slice(line.as_bytes());
    }

    fn line(&mut self, name: &[u8], value: &[u8]) {
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => self.hosts += 1,
            14 if name.eq_ignore_ascii_case(b"content-length") => self.lengths += 1,
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => self.codings += 1,
            _ => {}
        }
        self.out.extend_from_slice(name);
        // Two calls with a length known here are two stores; one with either length would be a call.
        if value.is_empty() {
            self.out.push(b':');
        } else {
            self.out.extend_from_slice(b": ");
        }
        self.out.extend_from_slice(value);
        self.out.extend_from_slice(b"\r\n");
    }

    /// Writes the empty line, or takes everything back.
    pub(crate) fn finish(self) -> Result<()> {
        check_counts(self.hosts, self.lengths, self.codings).inspect_err(|_| self.out.truncate(self.start))?;
        self.out.extend_from_slice(b"\r\n");
        Ok(())
    }
}

fn check_method(method: &str) -> Result<()> {
    if is_token(method.as_bytes()) {
        return Ok(());
    }
    Err(Error::input("the method is not a token; use letters, such as GET or POST"))
}

fn check_target(target: &str) -> Result<()> {
    // The target may hold a query with secrets, so an error names the byte and never the text.
    match target.bytes().find(|byte| !byte.is_ascii_graphic()) {
        None if target.is_empty() => Err(Error::input("the request target is empty; use / for the root")),
        None => Ok(()),
        Some(byte) => Err(Error::input(format!(
            "the request target holds the byte 0x{byte:02x}; percent-encode it (%{byte:02X})"
        ))),
    }
}

fn check_counts(hosts: usize, lengths: usize, codings: usize) -> Result<()> {
    let sentence = match (hosts, lengths, codings) {
        (1, 0, 0) | (1, 1, 0) | (1, 0, 1) => return Ok(()),
        (0, ..) => "the request has no Host header; give one",
        (2.., ..) => "the request has more than one Host header; give one",
        (_, 2.., _) => "the request has more than one Content-Length header; give one or none",
        (_, _, 2..) => "the request has more than one Transfer-Encoding header; give one or none",
        _ => "the request has both Content-Length and Transfer-Encoding; give one of them",
    };
    Err(Error::input(sentence))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(list: &[(&str, &str)]) -> Fields {
        let mut fields = Fields::new();
        for (name, value) in list {
            fields.append(name, value).unwrap();
        }
        fields
    }

    #[test]
    fn a_head_keeps_order_case_and_repeats() {
        let mut out = b"before".to_vec();
        let fields = fields(&[("hOST", "a.test"), ("X-b", "1"), ("x-A", "caf\u{e9}"), ("X-B", ""), ("X-b", "2")]);
        encode_head(&mut out, "GET", "/tour?a=b", &fields).unwrap();
        let expected =
            "beforeGET /tour?a=b HTTP/1.1\r\nhOST: a.test\r\nX-b: 1\r\nx-A: caf\u{e9}\r\nX-B:\r\nX-b: 2\r\n\r\n";
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }

    /// threats row 5
    #[test]
    fn a_method_or_target_that_could_split_the_request_is_refused_and_nothing_written() {
        let fields = fields(&[("Host", "a.test")]);
        let mut out = Vec::new();
        for method in ["", "GET ", "GE T", "GET\r\n", "GET\n", "G\0", "GET\u{10a}", "G:T", "GET\t"] {
            let error = encode_head(&mut out, method, "/", &fields).unwrap_err();
            assert_eq!(error.kind(), crate::Kind::Input, "{method:?}");
        }
        for target in ["", "/a b", "/a\r\nX: y", "/a\n", "/a\r", "/\0", "/\t", "/\u{10a}", "/\u{e9}", "/\x7f"] {
            let error = encode_head(&mut out, "GET", target, &fields).unwrap_err();
            assert_eq!(error.kind(), crate::Kind::Input, "{target:?}");
        }
        assert!(out.is_empty());
    }

    /// threats row 6
    #[test]
    fn framing_and_routing_fields_may_not_contradict_each_other() {
        let host = ("Host", "a.test");
        let sound: [&[(&str, &str)]; 3] =
            [&[host], &[host, ("Content-Length", "5")], &[host, ("Transfer-Encoding", "chunked")]];
        for list in sound {
            encode_head(&mut Vec::new(), "POST", "/", &fields(list)).unwrap();
        }
        let unsound: [&[(&str, &str)]; 5] = [
            &[],
            &[host, ("hOST", "a.test")],
            &[host, ("Content-Length", "5"), ("content-length", "5")],
            &[host, ("Transfer-Encoding", "chunked"), ("transfer-encoding", "chunked")],
            &[host, ("Content-Length", "5"), ("Transfer-Encoding", "chunked")],
        ];
        for list in unsound {
            let error = encode_head(&mut Vec::new(), "POST", "/", &fields(list)).unwrap_err();
            assert_eq!(error.kind(), crate::Kind::Input, "{list:?}");
        }
    }
}
