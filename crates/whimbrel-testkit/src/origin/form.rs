//! Reads the two kinds of forms: `application/x-www-form-urlencoded` and `multipart/form-data` (RFC 7578).

use url::form_urlencoded;

#[derive(Default)]
pub(super) struct Form {
    pub(super) fields: Vec<(String, String)>,
    pub(super) files: Vec<File>,
}

pub(super) struct File {
    pub(super) name: String,
    pub(super) content_type: String,
    pub(super) content: Vec<u8>,
}

/// `None` when the content is no form, or not a well-formed one.
pub(super) fn parse(content_type: &str, content: &[u8]) -> Option<Form> {
    let media_type = content_type.split(';').next()?.trim().to_ascii_lowercase();
    match media_type.as_str() {
        "application/x-www-form-urlencoded" => {
            Some(Form { fields: form_urlencoded::parse(content).into_owned().collect(), files: Vec::new() })
        }
        "multipart/form-data" => multipart(&parameter(content_type, "boundary")?, content),
        _ => None,
    }
}

fn multipart(boundary: &str, content: &[u8]) -> Option<Form> {
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter has no line before it when there is no preamble.
    let content = [b"\r\n", content].concat();
    let mut form = Form::default();
    let mut rest = &content[find(&content, delimiter.as_bytes())? + delimiter.len()..];
    while !rest.starts_with(b"--") {
        let part = &rest[find(rest, b"\r\n")? + 2..];
        let end = find(part, delimiter.as_bytes())?;
        rest = &part[end + delimiter.len()..];
        add_part(&mut form, &part[..end])?;
    }
    Some(form)
}

fn add_part(form: &mut Form, part: &[u8]) -> Option<()> {
    let head_end = find(part, b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&part[..head_end]);
    let content = &part[head_end + 4..];
    let field = |wanted: &str| {
        let named = head.split("\r\n").filter_map(|line| line.split_once(':'));
        named
            .filter(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value.trim().to_owned())
            .next()
    };
    let disposition = field("Content-Disposition")?;
    let name = parameter(&disposition, "name")?;
    if parameter(&disposition, "filename").is_some() {
        let content_type = field("Content-Type").unwrap_or_else(|| "application/octet-stream".to_owned());
        form.files.push(File { name, content_type, content: content.to_vec() });
    } else {
        form.fields.push((name, String::from_utf8_lossy(content).into_owned()));
    }
    Some(())
}

/// A parameter of a field value, quoted or not (RFC 9110 §5.6.6).
fn parameter(value: &str, wanted: &str) -> Option<String> {
    let mut rest = value.split_once(';')?.1;
    loop {
        let (name, behind) = rest.split_once('=')?;
        let (text, left) = match behind.trim_start().strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let (text, left) = behind.split_once(';').unwrap_or((behind, ""));
                (text.trim().to_owned(), left)
            }
        };
        if name.trim_matches([' ', ';', '\t']).eq_ignore_ascii_case(wanted) {
            return Some(text);
        }
        rest = left;
    }
}

/// Undoes a quoted string whose first quote is gone. Returns what is behind it too.
fn unquote(quoted: &str) -> Option<(String, &str)> {
    let mut text = String::new();
    let mut chars = quoted.char_indices();
    loop {
        match chars.next()? {
            (at, '"') => return Some((text, &quoted[at + 1..])),
            (_, '\\') => text.push(chars.next()?.1),
            (_, c) => text.push(c),
        }
    }
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multipart_form_is_split_into_fields_and_files() {
        let content = b"--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n--xyz\r\n\
            Content-Disposition: form-data; name=\"f\"; filename=\"a \\\"b\\\".bin\"\r\nContent-Type: image/png\r\n\r\n\
            \x00\xff\r\n\r\n--xyz--\r\n";
        let form = parse("multipart/form-data; boundary=\"xyz\"", content).unwrap();
        assert_eq!(form.fields, [("a".to_owned(), "one".to_owned())]);
        assert_eq!(form.files.len(), 1);
        assert_eq!(form.files[0].name, "f");
        assert_eq!(form.files[0].content_type, "image/png");
        assert_eq!(form.files[0].content, b"\x00\xff\r\n");
    }

    #[test]
    fn a_multipart_form_without_its_end_is_no_form() {
        let content = b"--xyz\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n";
        assert!(parse("multipart/form-data; boundary=xyz", content).is_none());
    }
}
