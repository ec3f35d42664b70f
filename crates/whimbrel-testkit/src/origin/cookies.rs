//! Cookies (RFC 6265): shown, set and deleted.

use serde_json::{Map, Value, json};

use super::reply::Reply;
use super::request::Request;

pub(super) fn show(request: &Request) -> Reply {
    let mut cookies = Map::new();
    for (_, value) in request.fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Cookie")) {
        for pair in value.split(';') {
            if let Some((name, value)) = pair.split_once('=') {
                cookies.insert(name.trim().to_owned(), Value::from(value.trim()));
            }
        }
    }
    cookies.sort_keys();
    Reply::json(&json!({ "cookies": cookies }))
}

/// Sets each and redirects to where they are shown.
pub(super) fn set(cookies: &[(String, String)]) -> Result<Reply, String> {
    let line = |name: &str, value: &str| format!("{name}={value}; Path=/");
    redirect(cookies, line)
}

/// Deletes each by an expiry that is long past, and redirects to where the rest is shown.
pub(super) fn delete(cookies: &[(String, String)]) -> Result<Reply, String> {
    let line = |name: &str, _: &str| format!("{name}=; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/");
    redirect(cookies, line)
}

fn redirect(cookies: &[(String, String)], line: impl Fn(&str, &str) -> String) -> Result<Reply, String> {
    let mut reply = Reply::new(302).field("Location", "/cookies");
    for (name, value) in cookies {
        let is_octet = |byte: u8| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte);
        if name.is_empty() || name.contains('=') || !name.bytes().chain(value.bytes()).all(is_octet) {
            return Err("A cookie's name and value are ASCII without spaces, quotes, commas and semicolons.".to_owned());
        }
        reply = reply.field("Set-Cookie", line(name, value));
    }
    Ok(reply)
}
