//! The query string of Godot's `query_string_from_dict`.

use std::fmt::Write as _;

/// `name=value` pairs joined by `&`, in their order; `None` is a name alone. Both are percent-encoded but for the
/// unreserved characters (RFC 3986 §2.3), with upper-case digits and `%20` for a space.
///
/// ```
/// # use whimbrel_proto::polled::query_string;
/// assert_eq!(query_string([("a b", Some("c&d")), ("flag", None)]), "a%20b=c%26d&flag");
/// ```
pub fn query_string<'a>(pairs: impl IntoIterator<Item = (&'a str, Option<&'a str>)>) -> String {
    let mut query = String::new();
    for (name, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        encode(&mut query, name);
        if let Some(value) = value {
            query.push('=');
            encode(&mut query, value);
        }
    }
    query
}

fn encode(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a String can't fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}
