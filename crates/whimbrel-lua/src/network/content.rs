//! The type of a request body as the library always set it, and its charset. It changes no byte of what is no text.

use whimbrel::text;

use super::plan::Plan;
use crate::options::Options;

const FORM: &str = "application/x-www-form-urlencoded; charset=UTF-8";
const TEXT: &str = "text/plain; charset=UTF-8";
const BINARY: &str = "application/octet-stream";

/// Sets the Content-Type, and gives a text body the charset that it says. An error is a sentence for the script.
pub(super) fn prepare(options: &mut Options, plan: &mut Plan, method: &str) -> Result<(), String> {
    let has_body = plan.body.is_some() || plan.body_name.is_some();
    if has_body {
        // One body is sent; this is the library's own.
        (options.json, options.form, options.data) = (None, None, None);
    }
    let given = options.headers.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(b"Content-Type"));
    if let Some((_, value)) = given {
        return if plan.text && !value.is_empty() { in_charset(value, &mut plan.body) } else { Ok(()) };
    }
    let other = options.json.is_some() || options.form.is_some();
    let kind = match (&plan.body, plan.text) {
        _ if plan.form_posts && method == "POST" && !other => FORM,
        (Some(_), true) => TEXT,
        (Some(_), false) => BINARY,
        (None, _) if plan.body_name.is_some() => BINARY,
        _ => return Ok(()),
    };
    if !matches!(method, "GET" | "HEAD") {
        options.headers.push((b"Content-Type".to_vec(), kind.into()));
    }
    Ok(())
}

/// A type without a charset gets UTF-8's, which is what a script's text is in; otherwise the text gets that charset.
fn in_charset(value: &mut Vec<u8>, body: &mut Option<Vec<u8>>) -> Result<(), String> {
    // A value that is no text is the engine's to judge.
    let Ok(content_type) = std::str::from_utf8(value) else { return Ok(()) };
    let Some(charset) = text::charset_of(content_type) else {
        *value = text::with_utf8_charset(content_type).into_bytes();
        return Ok(());
    };
    let Some(bytes) = body.take() else { return Ok(()) };
    match std::str::from_utf8(&bytes) {
        // What is no text is nothing to convert.
        Err(_) => *body = Some(bytes),
        Ok(text) => match text::encode(text, charset) {
            Ok(encoded) => *body = Some(encoded),
            Err(_) => {
                return Err(format!(
                    "'header' value for Content-Type header contained an unsupported character encoding: {charset}"
                ));
            }
        },
    }
    Ok(())
}
