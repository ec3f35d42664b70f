//! What the first bytes of a text say of its charset. They are looked at and never parsed as a document.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// How many bytes are looked at (HTML Standard, "prescan a byte stream").
const WINDOW: usize = 1024;

pub(super) fn byte_order_mark(body: &[u8]) -> Option<&'static Encoding> {
    Encoding::for_bom(body).map(|(encoding, _)| encoding)
}

/// The `encoding` of `<?xml ...?>` at the very start.
pub(super) fn xml_declaration(body: &[u8]) -> Option<&'static Encoding> {
    let window = window(body);
    let rest = window.strip_prefix("<?xml")?;
    let end = rest.find("?>")?;
    label(attribute(&rest[..end], "encoding")?)
}

/// The first `<meta charset=...>`, or `<meta http-equiv=content-type content="...; charset=...">`, outside comments.
pub(super) fn meta(body: &[u8]) -> Option<&'static Encoding> {
    let window = window(body);
    let mut rest = &*window;
    while let Some(at) = rest.find('<') {
        rest = &rest[at..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            rest = &comment[comment.find("-->")?..];
            continue;
        }
        let Some(tag) = rest.strip_prefix("<meta") else {
            rest = &rest[1..];
            continue;
        };
        let end = tag.find('>')?;
        let (attributes, after) = tag.split_at(end);
        let named = attribute(attributes, "charset");
        let equivalent = || {
            let is_type = attribute(attributes, "http-equiv")?.trim() == "content-type";
            is_type.then(|| super::charset_of(attribute(attributes, "content")?)).flatten()
        };
        if let Some(encoding) = named.or_else(equivalent).and_then(label) {
            return Some(encoding);
        }
        rest = after;
    }
    None
}

/// The first bytes in lower case, what is no ASCII replaced: the marks looked for are all ASCII.
fn window(body: &[u8]) -> String {
    let bytes = body[..body.len().min(WINDOW)].iter();
    bytes.map(|&byte| if byte.is_ascii() { char::from(byte.to_ascii_lowercase()) } else { '?' }).collect()
}

/// The value of an attribute of a tag's inside. Both are in lower case.
fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let mut rest = tag;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '=' || c == '/').unwrap_or(rest.len());
        let (found, after) = rest.split_at(end);
        if rest.is_empty() {
            return None;
        }
        let Some(value) = after.trim_start().strip_prefix('=') else {
            // A name without a value.
            rest = if end == 0 { &rest[1..] } else { after };
            continue;
        };
        let value = value.trim_start();
        let (value, after) = match value.chars().next() {
            Some(quote @ ('"' | '\'')) => value[1..].split_once(quote)?,
            _ => value.split_at(value.find(|c: char| c.is_ascii_whitespace()).unwrap_or(value.len())),
        };
        if found == name {
            return Some(value);
        }
        rest = after;
    }
}

/// What could be read as ASCII is no UTF-16, whatever it says (HTML Standard, "prescan a byte stream").
fn label(text: &str) -> Option<&'static Encoding> {
    let encoding = Encoding::for_label_no_replacement(text.as_bytes())?;
    Some(if encoding == UTF_16LE || encoding == UTF_16BE { UTF_8 } else { encoding })
}
