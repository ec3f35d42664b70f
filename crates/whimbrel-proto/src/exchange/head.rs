//! The fields of one hop, built afresh each time from the caller's wishes: nothing that belongs to another origin can
//! leak by being forgotten.

use super::redirect::CONTENT_FIELDS;
use super::spec::{BodyShape, RequestSpec};
use super::{Hop, Route};
use crate::error::{Error, Result};
use crate::fields::is_secret;
use crate::h1::HeadWriter;
use crate::target::Target;

/// Checks once what the caller's fields say of framing, which is ours to say.
pub(super) fn check(spec: &RequestSpec) -> Result<()> {
    let fields = &spec.fields;
    if fields.contains("transfer-encoding") {
        return Err(Error::input("Transfer-Encoding is set by the engine; leave the header out"));
    }
    if fields.get_all("host").count() > 1 {
        return Err(Error::input("the header Host is given twice; give it once"));
    }
    let mut lengths = fields.get_all("content-length");
    match (lengths.next(), lengths.next()) {
        (None, _) => Ok(()),
        (Some(_), Some(_)) => Err(Error::input("the header Content-Length is given twice; leave it out")),
        (Some(given), None) => match (parse_length(given), spec.body) {
            (Some(0), BodyShape::None) => Ok(()),
            (Some(given), BodyShape::Sized { len, .. }) if given == len => Ok(()),
            _ => Err(Error::input("the header Content-Length is not the body's length; leave it out")),
        },
    }
}

fn parse_length(value: &[u8]) -> Option<u64> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// [`ACCEPT_ENCODING`](crate::coding::ACCEPT_ENCODING) as a line.
const ACCEPT_ENCODING_LINE: &str = "Accept-Encoding: gzip, br, zstd\r\n";

/// Host first, then the engine's defaults where the caller has not spoken, then the caller's fields in order, then
/// framing. `cookie` comes from a jar that knows what this hop's target may see.
pub(super) fn write(out: &mut Vec<u8>, spec: &RequestSpec, hop: &Hop, cookie: Option<&str>) -> Result<()> {
    let given = &spec.fields;
    let mut head = HeadWriter::begin(out, hop.method.as_str(), hop.request_target())?;
    let is_default = |name: &str| !given.contains(name) && !leaves_out(spec, name);
    match given.get("host") {
        Some(host) if hop.at_home => head.field("Host", host),
        _ => head.field("Host", host_field(&hop.target).as_bytes()),
    }
    if is_default("User-Agent") {
        head.field("User-Agent", spec.user_agent.as_bytes());
    }
    if is_default("Accept") {
        head.ready_line("Accept: */*\r\n");
    }
    if hop.decodes && is_default("Accept-Encoding") {
        head.ready_line(ACCEPT_ENCODING_LINE);
    }
    if let Some(value) = authorization(spec, hop) {
        head.field("Authorization", &value);
    }
    if let Route::Forward(proxy) = &hop.route
        && let Some(credentials) = proxy.credentials()
        && !(hop.at_home && given.contains("proxy-authorization"))
    {
        head.field("Proxy-Authorization", credentials.basic().as_bytes());
    }
    let cookie = cookie.filter(|_| !leaves_out(spec, "Cookie"));
    if let Some(cookie) = cookie {
        head.field("Cookie", &cookies(spec, hop, cookie));
    }
    for (name, value) in given.iter().filter(|(name, _)| goes_along(spec, hop, name)) {
        if cookie.is_none() || !name.eq_ignore_ascii_case("cookie") {
            head.field(name, value);
        }
    }
    frame(&mut head, spec, hop);
    head.finish()
}

/// The port stays off where it is the default; a trailing dot is the resolver's business and stays too.
fn host_field(target: &Target) -> &str {
    target.authority()
}

/// The caller's own field wins, then the option, then the userinfo of the hop's URL, then that of the first; away from
/// home only what the hop's own URL brings.
fn authorization(spec: &RequestSpec, hop: &Hop) -> Option<Vec<u8>> {
    if hop.at_home {
        if spec.fields.contains("authorization") {
            return None;
        }
        if let Some(authorization) = &spec.authorization {
            return Some(authorization.value());
        }
    }
    let given = if hop.at_home { spec.target.credentials() } else { None };
    hop.target.credentials().or(given).map(|credentials| credentials.basic().into_bytes())
}

/// One field (RFC 6265 §5.4) of the caller's cookies, where they go along, and those of the jar that have other names.
fn cookies(spec: &RequestSpec, hop: &Hop, jar: &str) -> Vec<u8> {
    let given = spec.fields.get_all("cookie").filter(|_| goes_along(spec, hop, "cookie"));
    let mut line = Vec::with_capacity(jar.len());
    let mut names = Vec::new();
    for value in given.map(<[u8]>::trim_ascii).filter(|value| !value.is_empty()) {
        names.extend(value.split(|&byte| byte == b';').map(cookie_name).filter(|name| !name.is_empty()));
        push_cookie(&mut line, value);
    }
    for pair in jar.as_bytes().split(|&byte| byte == b';') {
        if !names.contains(&cookie_name(pair)) {
            push_cookie(&mut line, pair.trim_ascii());
        }
    }
    line
}

fn push_cookie(line: &mut Vec<u8>, pairs: &[u8]) {
    if !line.is_empty() {
        line.extend_from_slice(b"; ");
    }
    line.extend_from_slice(pairs.strip_suffix(b";").unwrap_or(pairs));
}

/// Empty where the pair has no name.
fn cookie_name(pair: &[u8]) -> &[u8] {
    pair.iter().position(|&byte| byte == b'=').map_or(&pair[..0], |end| pair[..end].trim_ascii())
}

/// Whether one of the caller's fields is sent on this hop.
fn goes_along(spec: &RequestSpec, hop: &Hop, name: &str) -> bool {
    let is = |other: &str| name.eq_ignore_ascii_case(other);
    if is("host") || is("content-length") {
        return false;
    }
    if !hop.at_home && (is_secret(name) || spec.secret_fields.iter().any(|secret| is(secret))) {
        return false;
    }
    if is("proxy-authorization") {
        // It is the proxy's, and only where the proxy reads this head.
        return matches!(hop.route, Route::Forward(_));
    }
    if is("expect") {
        // Without content there is nothing to wait with (RFC 9110 §10.1.1), and to ask again what was refused is vain.
        return hop.body(spec) != BodyShape::None && !hop.expectation_failed;
    }
    hop.keeps_body || !CONTENT_FIELDS.iter().any(|field| is(field))
}

/// Content-Length, Transfer-Encoding and Expect (RFC 9112 §6, RFC 9110 §10.1.1).
fn frame(head: &mut HeadWriter<'_>, spec: &RequestSpec, hop: &Hop) {
    match hop.body(spec) {
        BodyShape::None if hop.method.anticipates_content() => head.field("Content-Length", b"0"),
        BodyShape::None => {}
        BodyShape::Sized { len, .. } => head.field("Content-Length", len.to_string().as_bytes()),
        BodyShape::Unsized { .. } => head.field("Transfer-Encoding", b"chunked"),
    }
    if hop.expects_continue(spec) && !spec.fields.contains("expect") {
        head.field("Expect", b"100-continue");
    }
}

/// Whether the caller does not want this default field.
pub(super) fn leaves_out(spec: &RequestSpec, name: &str) -> bool {
    spec.without.iter().any(|other| other.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_asks_for_what_is_decoded() {
        assert_eq!(ACCEPT_ENCODING_LINE, format!("Accept-Encoding: {}\r\n", crate::coding::ACCEPT_ENCODING));
    }
}
