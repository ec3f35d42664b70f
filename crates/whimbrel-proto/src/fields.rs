//! Header and trailer fields (RFC 9110 §5): ordered, repeated, with their names' case kept.

use std::fmt;

use crate::error::{Error, Result};

/// An ordered list of fields as they stand on the wire. Lookup ignores case; iteration shows names as given.
///
/// All bytes live in one buffer, so that a list costs two allocations, however long it is. `Debug` hides the values of
/// fields that carry credentials.
#[derive(Clone, Default)]
pub struct Fields {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

/// Where one field stands in the buffer.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) name: (u32, u32),
    pub(crate) value: (u32, u32),
}

impl Span {
    const PACKED: usize = 4 * size_of::<u32>();

    fn pack(self) -> [u8; Self::PACKED] {
        let mut packed = [0; Self::PACKED];
        let places = [self.name.0, self.name.1, self.value.0, self.value.1];
        for (four, place) in packed.chunks_exact_mut(4).zip(places) {
            four.copy_from_slice(&place.to_le_bytes());
        }
        packed
    }

    fn unpack(packed: &[u8]) -> Option<Self> {
        let place = |index: usize| Some(u32::from_le_bytes(*packed.get(4 * index..)?.first_chunk()?));
        Some(Self { name: (place(0)?, place(1)?), value: (place(2)?, place(3)?) })
    }
}

impl Fields {
    /// An empty list.
    pub const fn new() -> Self {
        Self { bytes: Vec::new(), spans: Vec::new() }
    }

    /// A list over bytes that hold it already: the fields of a received head. Every span must lie within `bytes`, and
    /// every name must be ASCII.
    pub(crate) fn from_parts(bytes: Vec<u8>, spans: Vec<Span>) -> Self {
        Self { bytes, spans }
    }

    /// The bytes that [`Fields::from_parts`] was given.
    pub(crate) fn section(&self) -> &[u8] {
        &self.bytes
    }

    /// Appends a field after checking it: the name must be a token (RFC 9110 §5.6.2), the value must hold no CR, LF,
    /// NUL or other control but TAB. Space and TAB around the value are taken off; a line break there is one too many.
    ///
    /// # Errors
    /// [`Kind::Input`](crate::Kind::Input), naming the field but never its value.
    pub fn append(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<()> {
        let value = trim_space(value.as_ref());
        check_name(name)?;
        check_value(name, value)?;
        self.check_room(name, value)?;
        self.push(name, value);
        Ok(())
    }

    /// Replaces every field of that name by one (at the first one's place, or at the end).
    ///
    /// # Errors
    /// As [`Fields::append`].
    pub fn set(&mut self, name: &str, value: impl AsRef<[u8]>) -> Result<()> {
        let value = trim_space(value.as_ref());
        check_name(name)?;
        check_value(name, value)?;
        self.check_room(name, value)?;
        let place = self.position(name);
        self.remove(name);
        self.push(name, value);
        if let Some(place) = place
            && let Some(last) = self.spans.pop()
        {
            self.spans.insert(place, last);
        }
        Ok(())
    }

    /// Removes every field of that name.
    pub fn remove(&mut self, name: &str) {
        let bytes = &self.bytes;
        self.spans.retain(|span| !slice(bytes, span.name).eq_ignore_ascii_case(name.as_bytes()));
    }

    /// The first value of that name.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.position(name).map(|index| slice(&self.bytes, self.spans[index].value))
    }

    /// The first value of that name as text, if it is UTF-8.
    pub fn get_str(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Every value of that name, in order.
    pub fn get_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter().filter(move |(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Whether a field of that name is there.
    pub fn contains(&self, name: &str) -> bool {
        self.position(name).is_some()
    }

    /// Names as they stand on the wire, with their values, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> + Clone {
        self.spans.iter().map(|span| {
            // Names are ASCII by `append` and by the parser, so nothing is ever lost here.
            let name = std::str::from_utf8(slice(&self.bytes, span.name)).unwrap_or_default();
            (name, slice(&self.bytes, span.value))
        })
    }

    /// As [`Fields::iter`], for those who only copy the bytes or compare them.
    pub fn iter_bytes(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.spans.iter().map(|span| (slice(&self.bytes, span.name), slice(&self.bytes, span.value)))
    }

    /// Appends all of it in one run of bytes, for those who keep many: [`Fields::unpack`] reads it.
    pub fn pack(&self, out: &mut Vec<u8>) {
        out.reserve(4 + self.spans.len() * Span::PACKED + self.bytes.len());
        out.extend_from_slice(&(self.spans.len() as u32).to_le_bytes());
        for span in &self.spans {
            out.extend_from_slice(&span.pack());
        }
        out.extend_from_slice(&self.bytes);
    }

    /// Whether [`Fields::pack`] would append just these bytes.
    pub fn packs_to(&self, packed: &[u8]) -> bool {
        let Some((spans, bytes)) = split_packed(packed) else { return false };
        spans.len() == self.spans.len() * Span::PACKED
            && bytes == self.bytes
            && self.spans.iter().zip(spans.chunks_exact(Span::PACKED)).all(|(span, packed)| span.pack()[..] == *packed)
    }

    /// Names and values of what [`Fields::pack`] appended. Of other bytes, whatever they may be taken for.
    pub fn unpack(packed: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
        let (spans, bytes) = split_packed(packed).unwrap_or_default();
        let part = |(start, end)| bytes.get(start as usize..end as usize);
        spans.chunks_exact(Span::PACKED).map_while(move |span| {
            let span = Span::unpack(span)?;
            Some((part(span.name)?, part(span.value)?))
        })
    }

    /// Whether a name comes twice, in whatever case. Nearly free for the few fields that messages have: names of
    /// different length are told apart without a look at them.
    pub fn has_repeats(&self) -> bool {
        let is_repeated = |index: usize, span: &Span| {
            let (length, name) = (span.name.1 - span.name.0, slice(&self.bytes, span.name));
            self.spans[..index].iter().any(|other| {
                other.name.1 - other.name.0 == length && slice(&self.bytes, other.name).eq_ignore_ascii_case(name)
            })
        };
        self.spans.iter().enumerate().any(|(index, span)| is_repeated(index, span))
    }

    /// How many fields there are, repeated ones counted each time.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// A copy without the values of these fields, to be shown to people.
    #[must_use]
    pub fn redacted(&self, names: &[Box<str>]) -> Self {
        let mut copy = Self::new();
        for (name, value) in self.iter() {
            let hidden = names.iter().any(|secret| secret.eq_ignore_ascii_case(name));
            copy.push(name, if hidden { b"(hidden)" } else { value });
        }
        copy
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.spans.iter().position(|span| slice(&self.bytes, span.name).eq_ignore_ascii_case(name.as_bytes()))
    }

    /// Spans count in 32 bits.
    fn check_room(&self, name: &str, value: &[u8]) -> Result<()> {
        match u32::try_from(self.bytes.len() + name.len() + value.len()) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::input("the headers are over 4 GiB")),
        }
    }

    /// Appends without a check: for names and values that are known to be sound.
    pub(crate) fn push(&mut self, name: &str, value: &[u8]) {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(name.as_bytes());
        let middle = self.bytes.len() as u32;
        self.bytes.extend_from_slice(value);
        let end = self.bytes.len() as u32;
        self.spans.push(Span { name: (start, middle), value: (middle, end) });
    }
}

impl PartialEq for Fields {
    /// The same fields in the same order, names in the same case.
    fn eq(&self, other: &Self) -> bool {
        self.iter_bytes().eq(other.iter_bytes())
    }
}

impl Eq for Fields {}

/// The spans and the bytes of what [`Fields::pack`] wrote.
fn split_packed(packed: &[u8]) -> Option<(&[u8], &[u8])> {
    let (count, rest) = packed.split_first_chunk()?;
    rest.split_at_checked((u32::from_le_bytes(*count) as usize).checked_mul(Span::PACKED)?)
}

/// Optional whitespace is space and TAB (RFC 9110 §5.6.3).
fn trim_space(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

fn slice(bytes: &[u8], (start, end): (u32, u32)) -> &[u8] {
    &bytes[start as usize..end as usize]
}

/// Whether `text` is a token (RFC 9110 §5.6.2).
pub fn is_token(text: &[u8]) -> bool {
    !text.is_empty()
        && text.iter().all(|&byte| {
            matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'z' | b'|' | b'~')
                || byte.is_ascii_alphanumeric()
        })
}

/// Whether the values of this field are secrets: they are hidden in `Debug`, and never leave their origin on a redirect.
pub fn is_secret(name: &str) -> bool {
    ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token"]
        .iter()
        .any(|secret| name.eq_ignore_ascii_case(secret))
}

fn check_name(name: &str) -> Result<()> {
    if is_token(name.as_bytes()) {
        return Ok(());
    }
    Err(Error::input(format!("header name {:?} is not a token (letters, digits and !#$%&'*+-.^_`|~)", clip(name))))
}

fn check_value(name: &str, value: &[u8]) -> Result<()> {
    match value.iter().find(|&&byte| (byte < b' ' && byte != b'\t') || byte == 0x7f) {
        None => Ok(()),
        Some(b'\r' | b'\n') => {
            Err(Error::input(format!("the value of header {name:?} holds a line break; send one line")))
        }
        Some(0) => Err(Error::input(format!("the value of header {name:?} holds a NUL byte"))),
        Some(byte) => Err(Error::input(format!("the value of header {name:?} holds the control byte 0x{byte:02x}"))),
    }
}

/// At most 60 characters of what the caller gave, for an error text.
fn clip(text: &str) -> &str {
    match text.char_indices().nth(60) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = f.debug_map();
        for (name, value) in self.iter() {
            if is_secret(name) {
                map.entry(&name, &"(hidden)");
            } else {
                map.entry(&name, &String::from_utf8_lossy(value));
            }
        }
        map.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_case_and_repeats_are_kept() {
        let mut fields = Fields::new();
        fields.append("X-b", "1").unwrap();
        fields.append("x-A", " 2 ").unwrap();
        fields.append("X-B", "3").unwrap();
        assert_eq!(fields.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["X-b", "x-A", "X-B"]);
        assert_eq!(fields.get("X-a"), Some(&b"2"[..]));
        assert_eq!(fields.get_all("x-b").collect::<Vec<_>>(), [b"1", b"3"]);
        fields.set("x-b", "4").unwrap();
        assert_eq!(fields.iter().collect::<Vec<_>>(), [("x-b", &b"4"[..]), ("x-A", b"2")]);
    }

    #[test]
    fn setting_a_field_that_is_not_there_appends_it() {
        let mut fields = Fields::new();
        fields.set("X-A", "1").unwrap();
        fields.set("X-B", "2").unwrap();
        assert_eq!(fields.iter().collect::<Vec<_>>(), [("X-A", &b"1"[..]), ("X-B", b"2")]);
    }

    #[test]
    fn lists_are_equal_by_their_fields_however_they_came_about() {
        let mut fields = Fields::new();
        for (name, value) in [("A", "1"), ("B", ""), ("C", "3"), ("b", "4")] {
            fields.append(name, value).unwrap();
        }
        fields.set("B", "5").unwrap();
        fields.remove("a");
        let mut same = Fields::new();
        same.append("B", "5").unwrap();
        same.append("C", "3").unwrap();
        assert_eq!(fields, same);
        assert_ne!(fields, Fields::new());
    }

    #[test]
    fn packed_fields_are_the_same_again_and_other_bytes_do_no_harm() {
        let mut fields = Fields::new();
        for (name, value) in [("A", "1"), ("B", ""), ("a", "\u{e9}")] {
            fields.append(name, value).unwrap();
        }
        fields.remove("B");
        let mut packed = Vec::new();
        fields.pack(&mut packed);
        assert!(Fields::unpack(&packed).eq(fields.iter_bytes()));
        assert!(fields.packs_to(&packed));
        let mut other = fields.clone();
        other.set("A", "2").unwrap();
        assert!(!other.packs_to(&packed) && !Fields::new().packs_to(&packed));
        for cut in 0..packed.len() {
            assert!(Fields::unpack(&packed[..cut]).count() <= fields.len());
            assert!(!fields.packs_to(&packed[..cut]));
        }
        assert_eq!(Fields::unpack(&[0xff; 100]).count(), 0);
    }

    /// threats row 5
    #[test]
    fn line_breaks_and_controls_are_refused_and_values_not_shown() {
        for bad in ["a\r\nb", "a\nb", "a\rb", "a\0b", "a\x01b", "a\x7fb", "\n", "\r\n", " \n ", "\0"] {
            let error = Fields::new().append("X-Key", format!("hush{bad}")).unwrap_err();
            assert!(!error.to_string().contains("hush"), "{error}");
        }
        for bad in ["", "a b", "a:b", "a\r\nb", "a\0", "\u{10a}", "a\u{e9}"] {
            assert!(Fields::new().append(bad, "x").is_err(), "{bad:?}");
        }
    }

    #[test]
    fn debug_hides_secrets() {
        let mut fields = Fields::new();
        fields.append("Authorization", "Bearer hush").unwrap();
        assert!(!format!("{fields:?}").contains("hush"));
    }
}
