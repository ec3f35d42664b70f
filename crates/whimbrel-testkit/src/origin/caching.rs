//! Validators and freshness: entity tags (RFC 9110 §13) and `Cache-Control` (RFC 9111).

use super::inspect;
use super::reply::Reply;
use super::request::Request;
use super::route::number;

/// What `/cache` was last modified at.
const MODIFIED: &str = "Sat, 01 Jan 2022 00:00:00 GMT";

pub(super) fn etag(request: &Request, tag: &str) -> Reply {
    let etag = format!("\"{}\"", tag.replace('"', ""));
    precondition(request, &etag).unwrap_or_else(|| inspect::get(request)).field("ETag", etag)
}

/// The reply of a precondition by entity tag that does not hold: 412 for If-Match, 304 for If-None-Match.
pub(super) fn precondition(request: &Request, etag: &str) -> Option<Reply> {
    let lists = |value: &str, weakly: bool| {
        value.split(',').map(str::trim).any(|listed| {
            listed == "*" || listed == etag || (weakly && listed.strip_prefix("W/").is_some_and(|tag| tag == etag))
        })
    };
    if request.field("If-Match").is_some_and(|value| !lists(value, false)) {
        return Some(Reply::new(412));
    }
    if request.field("If-None-Match").is_some_and(|value| lists(value, true)) {
        return Some(Reply::new(304).field("ETag", etag));
    }
    None
}

/// A 304 for any conditional request, else a representation with both validators.
pub(super) fn cache(request: &Request) -> Reply {
    let is_conditional = request.field("If-Modified-Since").is_some() || request.field("If-None-Match").is_some();
    let reply = if is_conditional { Reply::new(304) } else { inspect::get(request) };
    reply.field("Last-Modified", MODIFIED).field("ETag", "\"whimbrel\"")
}

pub(super) fn max_age(request: &Request, seconds: &str) -> Result<Reply, String> {
    let seconds: u32 = number("The age in seconds", seconds)?;
    Ok(inspect::get(request).field("Cache-Control", format!("public, max-age={seconds}")))
}
