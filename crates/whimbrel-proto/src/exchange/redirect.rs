//! Redirects (RFC 9110 §15.4): which responses are followed, with which method, and whether the body goes along.

use super::spec::Redirects;
use crate::error::{Error, Kind, Phase, Result};
use crate::fields::Fields;
use crate::method::Method;
use crate::target::{Scheme, Target};

/// Where to go next.
#[derive(Debug)]
pub(super) struct Next {
    pub(super) target: Target,
    pub(super) method: Method,
    pub(super) keeps_body: bool,
}

/// Fields that describe the content, dropped together with it.
pub(super) const CONTENT_FIELDS: [&str; 7] = [
    "content-type",
    "content-length",
    "content-encoding",
    "content-language",
    "content-location",
    "content-range",
    "transfer-encoding",
];

/// What a response asks for: nothing, or another hop. `followed` is how many were followed already; `can_repeat` whether
/// the body can be sent from its beginning.
pub(super) fn decide(
    policy: &Redirects,
    followed: u32,
    from: &Target,
    method: &Method,
    can_repeat: bool,
    status: u16,
    fields: &Fields,
) -> Result<Option<Next>> {
    if !policy.follow || !matches!(status, 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let Some(location) = fields.get("location").filter(|location| !location.is_empty()) else { return Ok(None) };
    if followed >= policy.max {
        return Err(Error::new(Kind::Redirects, Phase::Done, format!("{} were followed", policy.max)));
    }
    let target = from.join(location).map_err(|error| unusable(&error))?;
    if from.origin().scheme == Scheme::Https && target.origin().scheme == Scheme::Http && !policy.allow_downgrade {
        return Err(refused("it leads from https to http; allow_downgrade = true follows it"));
    }
    let (method, keeps_body) = rewrite(status, method);
    if keeps_body && !can_repeat {
        return Err(refused(
            "the body must be sent again and can't be: give it as bytes or a file, or ask the new URL",
        ));
    }
    Ok(Some(Next { target, method, keeps_body }))
}

/// 303 becomes GET (HEAD stays); 301 and 302 change only POST; 307 and 308 keep method and body.
fn rewrite(status: u16, method: &Method) -> (Method, bool) {
    match (status, method.as_str()) {
        (303, "HEAD") => (Method::HEAD, false),
        (303, _) | (301 | 302, "POST") => (Method::GET, false),
        _ => (method.clone(), true),
    }
}

/// A server's own mistake, told in the words for the caller's: only http and https are followed, and only a URL.
#[cold]
fn unusable(error: &Error) -> Error {
    match error.kind() {
        Kind::Scheme => Error::new(Kind::Scheme, Phase::Done, format!("the redirect's target {}", error.detail())),
        _ => refused(&format!("its Location is no usable URL: {}", error.detail())),
    }
}

#[cold]
fn refused(detail: &str) -> Error {
    Error::new(Kind::RedirectRefused, Phase::Done, detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_and_bodies_follow_the_table() {
        for (status, method, becomes, keeps_body) in [
            (301, "GET", "GET", true),
            (301, "POST", "GET", false),
            (301, "PUT", "PUT", true),
            (302, "POST", "GET", false),
            (302, "PATCH", "PATCH", true),
            (303, "GET", "GET", false),
            (303, "HEAD", "HEAD", false),
            (303, "PUT", "GET", false),
            (307, "POST", "POST", true),
            (308, "POST", "POST", true),
        ] {
            let (next, keeps) = rewrite(status, &Method::parse(method).unwrap());
            assert_eq!((next.as_str(), keeps), (becomes, keeps_body), "{status} {method}");
        }
    }
}
