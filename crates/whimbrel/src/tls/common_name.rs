//! The common name of a certificate's subject. Names are looked for there no more (RFC 9525 §6.3), but in a certificate
//! that the caller handed over themselves and that has no other name.

/// Attribute type 2.5.4.3 (RFC 5280, appendix A.1).
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
const UTF8_STRING: u8 = 0x0c;
const PRINTABLE_STRING: u8 = 0x13;
const IA5_STRING: u8 = 0x16;

/// The only common name in the content of an RDNSequence (RFC 5280 §4.1.2.4), if it is text.
pub(super) fn common_name(mut subject: &[u8]) -> Option<&str> {
    let mut found = None;
    while !subject.is_empty() {
        let mut set = take(&mut subject, SET)?;
        while !set.is_empty() {
            let mut attribute = take(&mut set, SEQUENCE)?;
            if take(&mut attribute, OBJECT_IDENTIFIER)? != COMMON_NAME {
                continue;
            }
            let tag = *attribute.first()?;
            let is_text = [UTF8_STRING, PRINTABLE_STRING, IA5_STRING].contains(&tag);
            let text = std::str::from_utf8(take(&mut attribute, tag)?).ok()?;
            if !is_text || found.replace(text).is_some() {
                return None;
            }
        }
    }
    found
}

/// The content of the element at the front, which must have this tag, in DER with a length below 65536 (X.690 §8.1).
fn take<'a>(from: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (&found, rest) = from.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match (first, rest) {
        (0..=0x7f, rest) => (usize::from(first), rest),
        (0x81, [length, rest @ ..]) => (usize::from(*length), rest),
        (0x82, [high, low, rest @ ..]) => (usize::from(u16::from_be_bytes([*high, *low])), rest),
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    *from = rest;
    (found == tag).then_some(content)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One attribute, `2.5.4.<kind>`, in a set of its own.
    fn attribute(kind: u8, tag: u8, text: &[u8]) -> Vec<u8> {
        let length = text.len() as u8;
        let head = [SET, length + 9, SEQUENCE, length + 7, OBJECT_IDENTIFIER, 3, 0x55, 0x04, kind, tag, length];
        [&head, text].concat()
    }

    #[test]
    fn the_common_name_is_found_among_others() {
        let organization = attribute(10, UTF8_STRING, b"b.test");
        for tag in [UTF8_STRING, PRINTABLE_STRING, IA5_STRING] {
            let name = attribute(3, tag, b"a.test");
            assert_eq!(common_name(&name), Some("a.test"));
            assert_eq!(common_name(&[&*organization, &*name, &*organization].concat()), Some("a.test"));
        }
        assert_eq!(common_name(&organization), None);
        assert_eq!(common_name(&[]), None);
    }

    #[test]
    fn two_of_them_other_encodings_and_broken_ones_are_none() {
        let name = attribute(3, UTF8_STRING, b"a.test");
        assert_eq!(common_name(&[&*name, &*name].concat()), None);
        assert_eq!(common_name(&attribute(3, 0x1e, b"\0a")), None);
        assert_eq!(common_name(&attribute(3, UTF8_STRING, b"\xff")), None);
        for end in 1..name.len() {
            assert_eq!(common_name(&name[..end]), None, "cut at {end}");
        }
        for index in 0..name.len() {
            for byte in [0, 0x7f, 0x80, 0x81, 0x82, 0x84, 0xff] {
                let mut broken = name.clone();
                broken[index] = byte;
                // Whatever it finds, it ends.
                common_name(&broken);
            }
        }
    }
}
