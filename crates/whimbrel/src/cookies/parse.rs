//! The syntax of `Set-Cookie` (RFC 6265bis §5.6): what one field says, with its limits. Knows neither who said it nor
//! what is stored.

use std::time::{Duration, SystemTime};

use super::{Refusal, SameSite, date};

/// How many bytes name and value may have together (RFC 6265bis §5.6).
pub(super) const PAIR_LIMIT: usize = 4096;

/// How many bytes an attribute's value may have: a longer one is as if it were not there (RFC 6265bis §5.6).
pub(super) const ATTRIBUTE_LIMIT: usize = 1024;

/// How long a cookie lives at most, whatever it says (RFC 6265bis §5.5).
pub(super) const LIFETIME_LIMIT: Duration = Duration::from_secs(400 * 86_400);

/// What a field says.
#[derive(Debug, Default)]
pub(super) struct Said<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    /// Neither empty nor checked in any way.
    pub(super) domain: Option<&'a str>,
    /// Starts with `/`.
    pub(super) path: Option<&'a str>,
    pub(super) secure: bool,
    pub(super) http_only: bool,
    pub(super) same_site: Option<SameSite>,
    /// `None`: until the session ends.
    pub(super) expires: Option<SystemTime>,
}

/// What `field` says at the time `now`. The last of several attributes of one name counts, `Max-Age` before `Expires`.
pub(super) fn parse(field: &[u8], now: SystemTime) -> Result<Said<'_>, Refusal> {
    let Ok(field) = std::str::from_utf8(field) else { return Err(Refusal("it is not UTF-8")) };
    if field.bytes().any(|byte| byte.is_ascii_control() && byte != b'\t') {
        return Err(Refusal("it holds a control character"));
    }
    let mut parts = field.split(';');
    let pair = parts.next().unwrap_or_default();
    let (name, value) = pair.split_once('=').unwrap_or(("", pair));
    let mut said = Said { name: trim(name), value: trim(value), ..Said::default() };
    check_pair(said.name, said.value)?;
    let (mut expires, mut max_age) = (None, None);
    for part in parts {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        let (name, value) = (trim(name), trim(value));
        if value.len() > ATTRIBUTE_LIMIT {
            continue;
        }
        match &*name.to_ascii_lowercase() {
            "expires" => expires = date::parse(value).or(expires),
            "max-age" => max_age = seconds(value).or(max_age),
            "domain" => said.domain = Some(value).filter(|value| !value.is_empty()),
            "path" => said.path = Some(value).filter(|value| value.starts_with('/')),
            "secure" => said.secure = true,
            "httponly" => said.http_only = true,
            "samesite" => said.same_site = SameSite::parse(value),
            _ => {}
        }
    }
    if said.path.is_some_and(|path| path.contains('\t')) {
        return Err(Refusal("its path holds a tab"));
    }
    let latest = now + LIFETIME_LIMIT;
    said.expires = match max_age {
        None => expires.map(|at| at.min(latest)),
        Some(Duration::ZERO) => Some(SystemTime::UNIX_EPOCH),
        Some(age) => Some(now + age.min(LIFETIME_LIMIT)),
    };
    Ok(said)
}

/// What holds for every name and value, wherever they come from.
pub(super) fn check_pair(name: &str, value: &str) -> Result<(), Refusal> {
    if name.is_empty() && value.is_empty() {
        return Err(Refusal("it has neither a name nor a value"));
    }
    if name.len() + value.len() > PAIR_LIMIT {
        return Err(Refusal("its name and value have more than 4096 bytes"));
    }
    // What separates cookies, and the columns of a cookie file.
    if name.bytes().chain(value.bytes()).any(|byte| byte.is_ascii_control() || byte == b';') {
        return Err(Refusal("its name or value holds a tab, a semicolon or another control character"));
    }
    Ok(())
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// `None` for what is no number, zero for the past; a number that no integer holds is the longest time there is.
fn seconds(text: &str) -> Option<Duration> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(if digits.len() < text.len() {
        Duration::ZERO
    } else {
        Duration::from_secs(digits.parse().unwrap_or(u64::MAX))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn said(field: &str) -> Said<'_> {
        parse(field.as_bytes(), NOW).unwrap()
    }

    #[test]
    fn a_pair_is_split_at_its_first_equals_sign_and_trimmed() {
        for (field, name, value) in [
            ("a=b", "a", "b"),
            (" a = b ; Path=/", "a", "b"),
            ("a==b=c", "a", "=b=c"),
            ("a", "", "a"),
            ("=a", "", "a"),
            ("a=", "a", ""),
            ("a=\"b c\"", "a", "\"b c\""),
            ("ä=ö", "ä", "ö"),
        ] {
            assert_eq!((said(field).name, said(field).value), (name, value), "{field}");
        }
    }

    #[test]
    fn attributes_are_known_in_any_case_and_the_last_one_counts() {
        let all = said("a=b; DOMAIN=x.test; path=/p; SECURE; httponly=yes; SameSite=lax; domain=y.test; Unknown=1");
        assert_eq!((all.domain, all.path), (Some("y.test"), Some("/p")));
        assert!(all.secure && all.http_only);
        assert_eq!(all.same_site, Some(SameSite::Lax));
        let none = said("a=b; Domain=; Path=relative; SameSite=sometimes");
        assert_eq!((none.domain, none.path, none.same_site, none.expires), (None, None, None, None));
        assert!(!none.secure && !none.http_only);
    }

    #[test]
    fn row_09_max_age_wins_over_expires_and_400_days_over_both() {
        let after = |field| said(field).expires.map(|at| at.duration_since(NOW).unwrap().as_secs());
        let most = Some(400 * 86_400);
        assert_eq!(after("a=b; Max-Age=10; Expires=Thu, 01 Jan 1970 00:00:00 GMT"), Some(10));
        assert_eq!(after("a=b; Expires=Fri, 02 Jan 1970 00:00:00 GMT; Max-Age=x"), Some(86_400));
        assert_eq!(after("a=b; Max-Age=0"), Some(0));
        assert_eq!(after("a=b; Max-Age=-99999999999999999999999"), Some(0));
        assert_eq!(after("a=b; Max-Age=99999999999999999999999"), most);
        assert_eq!(after("a=b; Expires=Fri, 31 Dec 9999 23:59:59 GMT"), most);
        assert_eq!(after("a=b; Expires=soon"), None);
    }

    #[test]
    fn row_09_control_characters_and_what_is_over_a_limit_are_refused() {
        let refused = |field: &[u8]| parse(field, NOW).is_err();
        for field in [
            "a=b\0",
            "a=\x01b",
            "a=b\x7f",
            "a\r=b",
            "a=b; Path=/\n",
            "a\t1=b",
            "a=b\tc",
            "a=b; path=/\ta",
            "",
            ";",
            "=",
        ] {
            assert!(refused(field.as_bytes()), "{field:?}");
        }
        assert!(refused(b"a=\xff"));
        assert!(!refused(b"a=b;\tSecure"), "a tab between attributes is space");
        assert!(!refused(format!("a={}", "v".repeat(4095)).as_bytes()));
        assert!(refused(format!("a={}", "v".repeat(4096)).as_bytes()));
        let path = |len: usize| format!("a=b; Path=/{}", "p".repeat(len - 1));
        assert!(said(&path(1024)).path.is_some());
        assert!(said(&path(1025)).path.is_none());
    }
}
