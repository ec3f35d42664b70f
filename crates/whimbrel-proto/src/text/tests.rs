//! Tables of what servers send, and any bytes at all.

use proptest::prelude::*;

use super::*;

/// Charset and source, or `binary`.
fn kind(content_type: Option<&str>, status: u16, body: &[u8]) -> String {
    match classify(content_type.map(str::as_bytes), status, body) {
        Content::Binary => "binary".to_owned(),
        Content::Text { charset, source } => format!("{} {}", charset.name(), source.as_str()),
    }
}

#[test]
fn text_and_its_charset_are_told_by_type_then_content() {
    let xml = b"<?xml version='1.0' encoding='ISO-8859-1'?><a/>".as_slice();
    let html = b"<!doctype html><!-- <meta charset=koi8-r> --><META  CHARSET=\"Shift_JIS\"><p>".as_slice();
    let old = b"<meta http-equiv='Content-Type' content='text/html; charset=windows-1251'/>".as_slice();
    for (content_type, status, body, expected) in [
        (Some("text/plain; charset=latin1"), 200, b"x".as_slice(), "windows-1252 protocol"),
        (Some("image/png; charset=utf-8"), 200, b"x", "UTF-8 protocol"),
        (Some("text/plain; charset=klingon"), 200, b"x", "binary"),
        (Some("TEXT/Plain"), 200, b"x", "UTF-8 implicit"),
        (Some("application/json"), 200, b"{}", "UTF-8 implicit"),
        (Some("application/problem+json"), 404, b"{}", "UTF-8 implicit"),
        (Some("application/octet-stream"), 200, b"x", "binary"),
        (Some("application/octet-stream"), 404, b"x", "UTF-8 implicit"),
        (Some("image/png"), 200, b"", "UTF-8 implicit"),
        (None, 200, b"x", "binary"),
        (None, 404, b"x", "UTF-8 implicit"),
        (Some("application/xml"), 200, xml, "windows-1252 content"),
        (Some("image/svg+xml"), 200, xml, "binary"),
        (Some("application/rss+xml"), 200, xml, "windows-1252 content"),
        (Some("application/xml; charset=utf-8"), 200, xml, "UTF-8 protocol"),
        (Some("text/html"), 200, html, "Shift_JIS content"),
        (Some("text/html"), 200, old, "windows-1251 content"),
        (Some("text/html"), 200, b"<meta charset=utf-16>", "UTF-8 content"),
        (Some("text/html"), 200, b"<meta charset=", "UTF-8 implicit"),
        (Some("text/plain"), 200, html, "UTF-8 implicit"),
        (Some("text/plain"), 200, b"\xff\xfea\0", "UTF-16LE content"),
        (Some("text/plain"), 200, b"\xef\xbb\xbfa", "UTF-8 content"),
    ] {
        assert_eq!(kind(content_type, status, body), expected, "{content_type:?} {status}");
    }
}

#[test]
fn a_charset_beyond_the_first_1024_bytes_is_not_seen() {
    let html = |spaces: usize| [vec![b' '; spaces], b"<meta charset=koi8-r>".to_vec()].concat();
    assert_eq!(kind(Some("text/html"), 200, &html(900)), "KOI8-R content");
    assert_eq!(kind(Some("text/html"), 200, &html(1024)), "UTF-8 implicit");
}

#[test]
fn text_becomes_utf_8_and_what_can_not_stays_bytes() {
    for (content_type, body, expected) in [
        ("text/plain; charset=Shift_JIS", b"\x83e\x83X\x83g".as_slice(), Some("テスト")),
        ("text/plain; charset=windows-1252", b"\x80", Some("€")),
        ("text/plain; charset=utf-16le", b"h\0i\0", Some("hi")),
        ("text/plain; charset=utf-16", b"\xfe\xff\0h\0i", Some("hi")),
        ("text/plain; charset=utf-16le", b"h\0i", None),
        ("text/plain", b"\xef\xbb\xbfhi", Some("hi")),
        ("text/plain", b"caf\xe9", None),
        ("text/plain", b"\xe2\x82", None),
        ("text/plain; charset=Shift_JIS", b"\x83", None),
        ("text/plain", b"a\0b", Some("a\0b")),
        ("application/zip", b"hi", None),
        ("application/zip", b"", Some("")),
    ] {
        assert_eq!(decode(body, Some(content_type.as_bytes()), 200).as_deref(), expected, "{content_type}");
    }
    assert_eq!(decode(b"\x89PNG", Some(b"image/png"), 404), None);
    assert!(matches!(decode(b"hi", Some(b"text/plain"), 200), Some(Cow::Borrowed("hi"))));
}

#[test]
fn request_text_is_written_in_the_charset_that_it_names() {
    assert_eq!(encode("é€", "latin1").unwrap(), b"\xe9\x80");
    assert_eq!(encode("テ", "shift_jis").unwrap(), b"\x83e");
    assert_eq!(encode("hi", "UTF-16LE").unwrap(), b"h\0i\0");
    assert_eq!(encode("h\u{1f600}", "utf-16be").unwrap(), b"\0h\xd8\x3d\xde\0");
    assert_eq!(encode("é", " UTF-8 ").unwrap(), "é".as_bytes());
    assert_eq!(encode("aテb", "latin1").unwrap(), b"a?b");
    let error = encode("x", "klingon").unwrap_err().to_string();
    assert_eq!(error, "the charset \"klingon\" is not known; use utf-8, or give the body as bytes");
}

#[test]
fn a_charset_is_added_only_where_none_is() {
    for (given, charset, becomes) in [
        ("application/json", None, "application/json; charset=UTF-8"),
        ("text/plain; charset=koi8-r", Some("koi8-r"), "text/plain; charset=koi8-r"),
        ("text/plain;CharSet = \"utf-8\" ; x=y", Some("utf-8"), "text/plain;CharSet = \"utf-8\" ; x=y"),
        ("text/plain;", None, "text/plain; charset=UTF-8"),
        ("text/plain; charset=", None, "text/plain; charset=; charset=UTF-8"),
        ("a/b; x=\"; charset=no\\\"; charset=no\"", None, "a/b; x=\"; charset=no\\\"; charset=no\"; charset=UTF-8"),
        ("a/b; x=\"é;\"; charset=big5", Some("big5"), "a/b; x=\"é;\"; charset=big5"),
    ] {
        assert_eq!(charset_of(given), charset, "{given}");
        assert_eq!(with_utf8_charset(given), becomes);
    }
}

proptest! {
    #[test]
    fn any_bytes_and_any_type_are_judged_without_a_panic(
        content_type in "(text/html|application/xml|[ -~é]{0,20})(; ?charset=[ -~]{0,12})?",
        head in "(<\\?xml|<meta|<!--)?[ a-z=\"'<>/;é-]{0,40}",
        body in proptest::collection::vec(any::<u8>(), 0..64),
        status in 100..600u16,
    ) {
        let body = [head.into_bytes(), body].concat();
        let _ = decode(&body, Some(content_type.as_bytes()), status);
        let _ = with_utf8_charset(&content_type);
    }

    #[test]
    fn what_was_encoded_is_decoded_again(text in "[ -~]{0,80}") {
        for label in ["utf-8", "latin1", "utf-16le", "utf-16be", "gb18030", "iso-2022-jp"] {
            let body = encode(&text, label).unwrap();
            let content_type = format!("text/plain; charset={label}");
            let decoded = decode(&body, Some(content_type.as_bytes()), 200);
            prop_assert_eq!(decoded.as_deref(), Some(&*text), "{}", label);
        }
    }
}
