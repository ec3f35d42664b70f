//! What is said of options that are wrong: which name was meant, which type was wanted, which one came.

use godot::builtin::{Variant, VariantType};
use whimbrel::Error;

/// Every option, with what it must be.
pub(super) const KNOWN: [(&str, &str); 33] = [
    ("allow_downgrade", "a bool"),
    ("any_status", "a bool"),
    ("basic_auth", "an Array of user name and password"),
    ("bearer_token", "a String"),
    ("body", "a String or a PackedByteArray"),
    ("body_file", "a String, the path of a file"),
    ("client_certificate", "an X509Certificate"),
    ("client_key", "a CryptoKey"),
    ("connect_timeout", "a number of seconds, 0 for none"),
    ("cookies", "a bool"),
    ("decompress", "a bool"),
    ("download_file", "a String, the path of a file"),
    ("form", "a Dictionary of texts, numbers and bools"),
    ("headers", "a Dictionary, or an Array of \"Name: value\" lines"),
    ("idle_timeout", "a number of seconds, 0 for none"),
    ("json", "anything that JSON can hold"),
    ("max_body", "a number of bytes, 0 for no limit"),
    ("max_rate", "a number of bytes a second, 0 for no limit"),
    ("max_redirects", "a number, 0 to follow none"),
    ("method", "a String such as \"POST\", or a number of HTTPClient.Method"),
    ("min_tls_version", "WhimbrelHTTPClient.TLS_1_2 or TLS_1_3"),
    ("pinned_keys", "a PackedStringArray of \"sha256/BASE64\""),
    ("priority", "a number from -128 to 127"),
    ("progress", "a Callable that takes (received, total)"),
    ("proxy", "a String, the proxy's URL, or \"\" for none"),
    ("query", "a Dictionary of texts, numbers and bools"),
    ("resolve", "a Dictionary of \"host:port\" to an address"),
    ("retry", "a number, or a Dictionary with max, wait, max_wait, statuses"),
    ("revocation_list", "a String in PEM"),
    ("stream", "a bool"),
    ("timeout", "a number of seconds, 0 for none"),
    ("tls", "a TLSOptions"),
    ("user_agent", "a String"),
];

/// What other libraries call an option of ours.
const ELSEWHERE: [(&str, &str); 19] = [
    ("auth", "basic_auth"),
    ("content", "body"),
    ("data", "body"),
    ("body_size_limit", "max_body"),
    ("ca", "tls"),
    ("cert", "client_certificate"),
    ("file", "download_file"),
    ("follow_redirects", "max_redirects"),
    ("max_retries", "retry"),
    ("on_progress", "progress"),
    ("output", "download_file"),
    ("params", "query"),
    ("redirects", "max_redirects"),
    ("retries", "retry"),
    ("tls_options", "tls"),
    ("token", "bearer_token"),
    ("total_timeout", "timeout"),
    ("upload_file", "body_file"),
    ("verify_ssl", "tls"),
];

/// An option of another type than it must be.
pub(super) fn of_type(option: &str, got: &Variant) -> Error {
    let wanted = KNOWN.iter().find(|(name, _)| *name == option).map_or("something else", |(_, wanted)| *wanted);
    Error::input(format!("option '{option}' must be {wanted}, and is {}", type_name(got)))
}

/// An option that there is not.
pub(super) fn unknown(option: &str) -> Error {
    let shown: String = option.chars().take(60).flat_map(char::escape_debug).collect();
    let lower = option.to_ascii_lowercase().replace(['-', ' '], "_");
    let elsewhere = ELSEWHERE.iter().find(|(name, _)| *name == lower).map(|(_, ours)| *ours);
    let near = || {
        let near = KNOWN.iter().map(|(name, _)| (distance(&lower, name), *name)).min()?;
        (near.0 <= 1 + near.1.len() / 4).then_some(near.1)
    };
    Error::input(match elsewhere.or_else(near) {
        Some(ours) => format!("there is no option '{shown}'; did you mean '{ours}'?"),
        None => format!("there is no option '{shown}'; the documentation of WhimbrelHTTP lists those that there are"),
    })
}

/// How many letters must be put in, left out or changed to make one word of the other (Levenshtein).
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (at, letter) in one.chars().take(60).enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], at + 1);
        for (column, wanted) in other.iter().enumerate() {
            let change = diagonal + usize::from(letter != *wanted);
            diagonal = row[column + 1];
            row[column + 1] = change.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

/// The name of a value's type, as GDScript has it.
pub(super) fn type_name(value: &Variant) -> String {
    match value.get_type() {
        VariantType::NIL => "null".to_owned(),
        kind => godot::global::type_string(kind.ord.into()).to_string(),
    }
}
