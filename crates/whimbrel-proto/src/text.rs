//! Whether a representation is text, in which charset, and its way to and from UTF-8. Labels and decoders are WHATWG's
//! (Encoding Standard). It never guesses from letter frequencies: where nothing says a charset, it is UTF-8.

mod sniff;

use std::borrow::Cow;
use std::fmt;

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE};

/// What a representation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Bytes, to be passed on as they are.
    Binary,
    /// Text.
    Text {
        /// How its bytes are to be read.
        charset: Charset,
        /// Who says so.
        source: CharsetSource,
    },
}

/// A charset of the Encoding Standard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

impl Charset {
    /// The charset of a label, in any case (`latin1` is windows-1252); `None` if there is none.
    pub fn for_label(label: &str) -> Option<Self> {
        Encoding::for_label_no_replacement(label.as_bytes()).map(Self)
    }

    /// Its name (`UTF-8`, `windows-1252`).
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

/// Where a charset is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CharsetSource {
    /// The `charset` parameter of the `Content-Type` field.
    Protocol,
    /// The content: a byte order mark, an XML declaration, a `<meta>` of HTML.
    Content,
    /// Nothing says one: UTF-8.
    Implicit,
}

impl CharsetSource {
    /// `protocol`, `content` or `implicit`.
    pub fn as_str(self) -> &'static str {
        match self {
            CharsetSource::Protocol => "protocol",
            CharsetSource::Content => "content",
            CharsetSource::Implicit => "implicit",
        }
    }
}

/// The caller names a charset that nobody knows, or that no request is written in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCharset(Box<str>);

impl fmt::Display for UnknownCharset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the charset {:?} is not known; use utf-8, or give the body as bytes", self.0)
    }
}

impl std::error::Error for UnknownCharset {}

/// Judges a representation by its `Content-Type`, its response's status and its first 1024 bytes.
///
/// Text is what has a `charset` parameter that we know; every `text/*`, JSON, JavaScript, form and XML type; an empty
/// body; and, unless [`decode`] finds that it is none, whatever comes with a status outside 200 to 299.
pub fn classify(content_type: Option<&[u8]>, status: u16, body: &[u8]) -> Content {
    let content_type = content_type.and_then(|value| std::str::from_utf8(value).ok()).unwrap_or_default();
    if let Some(label) = charset_of(content_type) {
        return match Charset::for_label(label) {
            Some(charset) => Content::Text { charset, source: CharsetSource::Protocol },
            None => Content::Binary,
        };
    }
    let essence = essence(content_type);
    let is_success = (200..300).contains(&status);
    if is_success && !body.is_empty() && !is_textual(&essence) {
        return Content::Binary;
    }
    let told = match sniff::byte_order_mark(body) {
        Some(charset) => Some(charset),
        None if is_xml(&essence) || essence.is_empty() => sniff::xml_declaration(body),
        None if essence == "text/html" => sniff::xml_declaration(body).or_else(|| sniff::meta(body)),
        None => None,
    };
    match told {
        Some(charset) => Content::Text { charset: Charset(charset), source: CharsetSource::Content },
        None => Content::Text { charset: Charset(UTF_8), source: CharsetSource::Implicit },
    }
}

/// The text of a representation as UTF-8, without its byte order mark (which wins over any label). `None`: it is binary,
/// or its bytes are none of its charset's; pass it on as it is.
pub fn decode<'a>(body: &'a [u8], content_type: Option<&[u8]>, status: u16) -> Option<Cow<'a, str>> {
    let Content::Text { charset, .. } = classify(content_type, status, body) else { return None };
    let (text, _, malformed) = charset.0.decode(body);
    (!malformed).then_some(text)
}

/// Text in the charset that a request names, for its body. Characters that it lacks become `?`.
///
/// # Errors
/// A label that is none.
pub fn encode(text: &str, charset: &str) -> Result<Vec<u8>, UnknownCharset> {
    let Some(Charset(encoding)) = Charset::for_label(charset) else { return Err(UnknownCharset(charset.into())) };
    // The Encoding Standard has no encoder for these: forms are never written in them. Bodies may be.
    if encoding == UTF_16LE {
        return Ok(text.encode_utf16().flat_map(u16::to_le_bytes).collect());
    }
    if encoding == UTF_16BE {
        return Ok(text.encode_utf16().flat_map(u16::to_be_bytes).collect());
    }
    let mut encoder = encoding.new_encoder();
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        out.reserve(rest.len() + 16);
        let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(rest, &mut out, true);
        rest = &rest[read..];
        match result {
            encoding_rs::EncoderResult::InputEmpty => return Ok(out),
            encoding_rs::EncoderResult::OutputFull => out.reserve(out.capacity().max(64)),
            encoding_rs::EncoderResult::Unmappable(_) => {
                // Through the encoder, which may have to shift back to ASCII first.
                out.reserve(16);
                let _ = encoder.encode_from_utf8_to_vec_without_replacement("?", &mut out, false);
            }
        }
    }
}

/// A `Content-Type` that says UTF-8 where it said no charset.
pub fn with_utf8_charset(content_type: &str) -> String {
    if charset_of(content_type).is_some() {
        return content_type.to_owned();
    }
    format!("{}; charset=UTF-8", content_type.trim_end_matches([' ', '\t', ';']))
}

/// The value of the `charset` parameter (RFC 9110 §8.3.2), without quotes; `None` where there is none or an empty one.
pub fn charset_of(content_type: &str) -> Option<&str> {
    let (_, mut rest) = content_type.split_once(';')?;
    loop {
        let end = parameter_end(rest);
        if let Some((name, value)) = rest[..end].split_once('=')
            && name.trim().eq_ignore_ascii_case("charset")
        {
            let value = value.trim().trim_matches(['"', '\'']).trim();
            if !value.is_empty() {
                return Some(value);
            }
        }
        rest = rest.get(end + 1..)?;
    }
}

/// Where a parameter ends: at the next semicolon outside a quoted string.
fn parameter_end(text: &str) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b';' if !quoted => return at,
            _ => {}
        }
    }
    text.len()
}

/// Type and subtype, in lower case.
fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn is_textual(essence: &str) -> bool {
    const APPLICATIONS: [&str; 5] = ["json", "javascript", "x-javascript", "ecmascript", "x-www-form-urlencoded"];
    essence.starts_with("text/")
        || is_xml(essence)
        || essence.strip_prefix("application/").is_some_and(|sub| APPLICATIONS.contains(&sub) || sub.ends_with("+json"))
}

fn is_xml(essence: &str) -> bool {
    matches!(essence, "text/xml" | "application/xml")
        || essence.starts_with("application/xhtml")
        || (essence.starts_with("application/") && essence.ends_with("+xml"))
}

#[cfg(test)]
mod tests;
