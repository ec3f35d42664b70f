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
    check_method(method)?;
    check_target(target)?;
    let mut size = method.len() + target.len() + " \u{20}HTTP/1.1\r\n\r\n".len();
    let (mut hosts, mut lengths, mut codings) = (0, 0, 0);
    for (name, value) in fields.iter() {
        size += name.len() + value.len() + ": \r\n".len();
        match name.len() {
            4 if name.eq_ignore_ascii_case("host") => hosts += 1,
            14 if name.eq_ignore_ascii_case("content-length") => lengths += 1,
            17 if name.eq_ignore_ascii_case("transfer-encoding") => codings += 1,
            _ => {}
        }
    }
    check_counts(hosts, lengths, codings)?;

    out.reserve(size);
    out.extend_from_slice(method.as_bytes());
    out.push(b' ');
    out.extend_from_slice(target.as_bytes());
    out.extend_from_slice(b" HTTP/1.1\r\n");
    for (name, value) in fields.iter() {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(if value.is_empty() { b":" } else { b": " });
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
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
