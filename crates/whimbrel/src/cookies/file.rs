//! Cookie files in Netscape's format: a line for each cookie, seven columns between tabs (domain, whether names below it
//! see it, path, secure, end in seconds since 1970 or 0, name, value); `#HttpOnly_` before the domain is curl's addition.
//! Writes through `part_file.rs`; a file that can't be understood in full is not read at all.

use std::path::Path;
use std::time::{Duration, SystemTime};

use whimbrel_proto::{Error, Kind, Phase, Result};

use super::{Cookie, Refusal, parse, scope};
use crate::download::file_error;
use crate::part_file::PartFile;

const HTTP_ONLY: &str = "#HttpOnly_";

/// More than any full jar of ours has, in bytes.
const FILE_LIMIT: u64 = 32 << 20;

pub(super) fn write(path: &Path, cookies: &[Cookie]) -> Result<()> {
    let mut file = PartFile::create(path)?;
    file.write(format(cookies).as_bytes())?;
    file.keep_private()
}

/// All cookies of a file that have not expired and that the rules allow.
pub(super) fn read(path: &Path, now: SystemTime) -> Result<Vec<Cookie>> {
    let unread = |error| file_error(path, error).in_phase(Phase::Prepare);
    let metadata = std::fs::metadata(path).map_err(unread)?;
    if metadata.len() > FILE_LIMIT {
        return Err(damaged(path, "it has more than 32 MiB"));
    }
    let bytes = std::fs::read(path).map_err(unread)?;
    let Ok(text) = String::from_utf8(bytes) else { return Err(damaged(path, "it is not UTF-8")) };
    let latest = now + parse::LIFETIME_LIMIT;
    let mut cookies = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let cookie = parse_line(line).map_err(|Refusal(why)| damaged(path, &format!("line {number}: {why}")))?;
        let cookie = cookie.filter(|cookie| cookie.expires.is_none_or(|at| at > now) && is_allowed(cookie));
        cookies.extend(cookie.map(|cookie| Cookie { expires: cookie.expires.map(|at| at.min(latest)), ..cookie }));
    }
    Ok(cookies)
}

#[cold]
fn damaged(path: &Path, why: &str) -> Error {
    Error::new(Kind::File, Phase::Prepare, format!("{} is no cookie file that can be read: {why}", path.display()))
}

fn format(cookies: &[Cookie]) -> String {
    let mut text =
        String::from("# Netscape HTTP Cookie File\n# Written by Whimbrel. Edit it while no session uses it.\n\n");
    for cookie in cookies {
        let ends = cookie.expires.and_then(|at| at.duration_since(SystemTime::UNIX_EPOCH).ok());
        let ends = ends.map_or(0, |since| since.as_secs()).to_string();
        let truth = |is: bool| if is { "TRUE" } else { "FALSE" };
        let columns =
            [truth(!cookie.host_only), &cookie.path, truth(cookie.secure), &ends, &cookie.name, &cookie.value];
        if cookie.http_only {
            text.push_str(HTTP_ONLY);
        }
        if !cookie.host_only {
            text.push('.');
        }
        text.push_str(&cookie.domain);
        for column in columns {
            text.push('\t');
            text.push_str(column);
        }
        text.push('\n');
    }
    text
}

/// `None` for an empty line or a comment.
fn parse_line(line: &str) -> Result<Option<Cookie>, Refusal> {
    let (line, http_only) = match line.strip_prefix(HTTP_ONLY) {
        Some(rest) => (rest, true),
        None if line.starts_with('#') || line.trim().is_empty() => return Ok(None),
        None => (line, false),
    };
    let columns: Vec<_> = line.split('\t').collect();
    // curl reads a line without its last column as a cookie without a value.
    let Some((&[domain, below, path, secure, ends, name], rest)) = columns.split_first_chunk() else {
        return Err(COLUMNS);
    };
    let value = match rest {
        [] => "",
        [value] => value,
        _ => return Err(COLUMNS),
    };
    let host_only = !truth(below)?;
    let domain = domain.strip_prefix('.').unwrap_or(domain);
    let Ok(host) = url::Host::parse(domain) else { return Err(Refusal("the domain is no host name")) };
    if !path.starts_with('/') || path.bytes().any(|byte| byte.is_ascii_control()) {
        return Err(Refusal("the path does not start with a slash, or holds a control character"));
    }
    parse::check_pair(name, value)?;
    let Ok(ends) = ends.parse::<u64>() else { return Err(Refusal("the end is no number of seconds")) };
    let ends = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(ends)).filter(|_| ends > 0);
    Ok(Some(Cookie {
        name: name.into(),
        value: value.into(),
        domain: host.to_string(),
        host_only,
        path: path.into(),
        secure: truth(secure)?,
        http_only,
        same_site: None,
        expires: ends,
    }))
}

const COLUMNS: Refusal = Refusal("it has not the seven columns of a cookie");

fn truth(text: &str) -> Result<bool, Refusal> {
    match text {
        "TRUE" => Ok(true),
        "FALSE" => Ok(false),
        _ => Err(Refusal("what should be TRUE or FALSE is neither")),
    }
}

/// Whether a server might have set it: lists and rules change while a file stays.
fn is_allowed(cookie: &Cookie) -> bool {
    let Cookie { name, value, domain, host_only, path, secure, .. } = cookie;
    let is_shared = !host_only;
    let no_domain = scope::is_address(domain) || domain.ends_with('.') || scope::is_public_suffix(domain);
    !(is_shared && no_domain) && scope::check_prefix(name, value, *host_only && path == "/", *secure).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Result<Option<Cookie>, Refusal> {
        parse_line(text)
    }

    #[test]
    fn what_is_written_reads_the_same() {
        let cookies = [
            "a.test\tFALSE\t/\tFALSE\t0\tname\tvalue",
            ".b.test\tTRUE\t/p\tTRUE\t4102444800\tn\t\"a b\"",
            "#HttpOnly_[::1]\tFALSE\t/\tFALSE\t0\t\tnameless",
            "c.test.\tFALSE\t/\tFALSE\t0\tempty\t",
        ];
        let cookies: Vec<_> = cookies.iter().map(|text| line(text).unwrap().unwrap()).collect();
        assert!(cookies[2].http_only && cookies[0].host_only && !cookies[1].host_only && cookies[1].secure);
        assert_eq!((&*cookies[1].domain, &*cookies[2].value), ("b.test", "nameless"));
        let text = format(&cookies);
        let again: Vec<_> = text.lines().filter_map(|text| line(text).unwrap()).collect();
        assert_eq!(again, cookies);
    }

    #[test]
    fn comments_and_empty_lines_say_nothing_and_what_has_other_columns_is_damage() {
        for text in ["", "   ", "# a.test\tFALSE", "#"] {
            assert_eq!(line(text), Ok(None), "{text}");
        }
        for text in [
            "a.test",
            "a.test FALSE / FALSE 0 n v",
            "a.test\tFALSE\t/\tFALSE\t0",
            "a.test\tFALSE\t/\tFALSE\t0\tn\tv\tw",
            "a.test\tfalse\t/\tFALSE\t0\tn\tv",
            "a.test\tFALSE\t/\tyes\t0\tn\tv",
            "a.test\tFALSE\tp\tFALSE\t0\tn\tv",
            "a.test\tFALSE\t/\tFALSE\t-1\tn\tv",
            "a.test\tFALSE\t/\tFALSE\tsoon\tn\tv",
            "a b\tFALSE\t/\tFALSE\t0\tn\tv",
            "\tFALSE\t/\tFALSE\t0\tn\tv",
            "a.test\tFALSE\t/\tFALSE\t0\t\t",
            "a.test\tFALSE\t/\tFALSE\t0\tn\tv;w",
        ] {
            assert!(line(text).is_err(), "{text:?}");
        }
        assert!(line("a.test\tFALSE\t/\tFALSE\t0\tn").unwrap().is_some(), "curl writes it so");
    }

    #[test]
    fn row_09_a_file_can_do_no_more_than_a_server() {
        let allowed = |text| is_allowed(&line(text).unwrap().unwrap());
        assert!(allowed(".a.github.io\tTRUE\t/\tFALSE\t0\tn\tv"));
        assert!(allowed("github.io\tFALSE\t/\tFALSE\t0\tn\tv"));
        assert!(!allowed(".github.io\tTRUE\t/\tFALSE\t0\tn\tv"));
        assert!(!allowed(".co.UK\tTRUE\t/\tFALSE\t0\tn\tv"));
        assert!(!allowed("127.0.0.1\tTRUE\t/\tFALSE\t0\tn\tv"));
        assert!(!allowed("a.test\tFALSE\t/\tFALSE\t0\t__Secure-n\tv"));
        assert!(!allowed(".a.test\tTRUE\t/\tTRUE\t0\t__Host-n\tv"));
        assert!(allowed("a.test\tFALSE\t/\tTRUE\t0\t__Host-n\tv"));
    }
}
