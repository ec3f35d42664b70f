//! Who may set a cookie for whom, and who sees it (RFC 6265bis §5.1 and §5.7): domains, public suffixes, paths, prefixes
//! of names. Asks only the target's URL, never a `Host` field.

use url::Host;

use super::Refusal;
use super::parse::Said;

/// The domain of a cookie and whether it is for that host alone. `host` is that of a URL: lower case, ASCII.
///
/// A trailing dot makes another name: such hosts have cookies of their own, and no `Domain` may have one.
pub(super) fn domain(host: &str, wanted: Option<&str>) -> Result<(Box<str>, bool), Refusal> {
    let alone = Ok((host.into(), true));
    let Some(wanted) = wanted else { return alone };
    let wanted = wanted.strip_prefix('.').unwrap_or(wanted);
    if wanted.is_empty() || wanted.contains('%') || wanted.ends_with('.') {
        return Err(Refusal("its Domain is no host name"));
    }
    let wanted = match Host::parse(wanted) {
        Ok(Host::Domain(name)) => name,
        // An address has no subdomains.
        Ok(address) => return if address.to_string() == host { alone } else { Err(FOREIGN) },
        Err(_) => return Err(Refusal("its Domain is no host name")),
    };
    if is_public_suffix(&wanted) {
        return if wanted == host { alone } else { Err(Refusal("its Domain is a public suffix")) };
    }
    if !domain_matches(host, &wanted) {
        return Err(FOREIGN);
    }
    Ok((wanted.into(), false))
}

const FOREIGN: Refusal = Refusal("its Domain is not that of the URL");

/// Whether everybody may register names under this one. What no list knows is one if it has no dot.
pub(super) fn is_public_suffix(name: &str) -> bool {
    psl2::lookup(name).is_none_or(|found| found.is_public_suffix())
}

/// The name that one registrant owns, which all cookies that a host may see share; the host itself if there is none.
pub(super) fn site(host: &str) -> &str {
    if host.ends_with('.') || is_address(host) {
        return host;
    }
    psl2::lookup(host).and_then(|found| found.registrable_domain()).unwrap_or(host)
}

/// RFC 6265bis §5.1.3.
pub(super) fn domain_matches(host: &str, domain: &str) -> bool {
    host == domain || (host.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.')) && !is_address(host))
}

/// A host of a URL whose last label starts with a digit is an IPv4 address; one in brackets is IPv6.
pub(super) fn is_address(host: &str) -> bool {
    host.starts_with('[') || host.parse::<std::net::Ipv4Addr>().is_ok()
}

/// RFC 6265bis §5.1.4; `path` is that of the URL, without its query.
pub(super) fn path_matches(path: &str, cookie_path: &str) -> bool {
    path.strip_prefix(cookie_path)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || cookie_path.ends_with('/'))
}

/// What a cookie without `Path` gets (RFC 6265bis §5.1.4).
pub(super) fn default_path(path: &str) -> &str {
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(end) => &path[..end],
    }
}

/// What the name promises must be so (RFC 6265bis §5.7, steps for `__Secure-` and `__Host-`).
pub(super) fn check_prefix(name: &str, value: &str, host_rules: bool, secure: bool) -> Result<(), Refusal> {
    let starts = |text: &str, prefix: &str| {
        text.as_bytes().get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    if name.is_empty() && (starts(value, "__Secure-") || starts(value, "__Host-")) {
        return Err(Refusal("it has no name but a value like a name with a prefix"));
    }
    if starts(name, "__Secure-") && !secure {
        return Err(Refusal("its name starts with __Secure-, but it isn't Secure"));
    }
    if starts(name, "__Host-") && !(secure && host_rules) {
        return Err(Refusal("its name starts with __Host-, but it isn't Secure with Path=/ and no Domain"));
    }
    Ok(())
}

/// Whether it is what `__Host-` asks for: for one host, and all of it, in so many words.
pub(super) fn keeps_host_rules(said: &Said<'_>) -> bool {
    said.domain.is_none() && said.path == Some("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_09_a_public_suffix_is_nobodys_domain() {
        for (host, wanted) in [
            ("a.co.uk", "co.uk"),
            ("a.co.uk", "co.UK"),
            ("a.co.uk", ".co.uk"),
            ("a.co.uk", "co.uk."),
            ("a.co.uk.", "co.uk."),
            ("a.co.uk.", "co.uk"),
            ("a.co.uk", "uk"),
            ("a.github.io", "github.io"),
            ("a.github.io", "GitHub.IO"),
            ("a.com", "com"),
            ("a.unknown", "unknown"),
            ("a.b.ck", "b.ck"),
            ("a.xn--55qx5d.cn", "公司.cn"),
            ("a.local", "local"),
        ] {
            assert!(domain(host, Some(wanted)).is_err(), "{host} {wanted}");
        }
        for host in ["github.io", "co.uk", "localhost", "b.ck"] {
            assert_eq!(domain(host, Some(host)), Ok((host.into(), true)), "{host}");
        }
    }

    #[test]
    fn row_09_a_domain_is_the_hosts_own_or_a_parent_in_any_spelling() {
        for (host, wanted, expected) in [
            ("a.b.test", "b.test", "b.test"),
            ("a.b.test", ".B.Test", "b.test"),
            ("a.b.test", "a.b.test", "a.b.test"),
            ("www.ck", "www.ck", "www.ck"),
            ("a.xn--bcher-kva.example", "bücher.example", "xn--bcher-kva.example"),
        ] {
            assert_eq!(domain(host, Some(wanted)), Ok((expected.into(), false)), "{host} {wanted}");
        }
        for (host, wanted) in [
            ("b.test", "a.b.test"),
            ("ab.test", "b.test"),
            ("a.test", "b.test"),
            ("a.test", "..a.test"),
            ("a.test", "."),
            ("a.test", ".1"),
            ("a.test", "a%2etest"),
            ("a.test", "a.test/"),
            ("a.test", "a.test."),
            ("a.test.", "a.test."),
            ("a.test.", "a.test"),
            ("a.b.test.", "b.test"),
        ] {
            assert!(domain(host, Some(wanted)).is_err(), "{host} {wanted}");
        }
    }

    #[test]
    fn row_09_an_address_has_cookies_of_its_own_alone() {
        for host in ["127.0.0.1", "[::1]"] {
            assert_eq!(domain(host, None), Ok((host.into(), true)));
            assert_eq!(domain(host, Some(host)), Ok((host.into(), true)));
            for wanted in [".1", "1", "0.0.1", "0.0.0.1", "127.0.0.2", "[::2]", "test"] {
                assert!(domain(host, Some(wanted)).is_err(), "{host} {wanted}");
            }
            assert_eq!(site(host), host);
        }
        assert!(!domain_matches("127.0.0.1", "0.0.1"));
    }

    #[test]
    fn row_09_a_path_ends_at_a_slash() {
        for (path, cookie_path, expected) in [
            ("/a", "/a", true),
            ("/a/", "/a", true),
            ("/a/b", "/a", true),
            ("/ab", "/a", false),
            ("/a", "/a/", false),
            ("/a/b", "/a/", true),
            ("/", "/", true),
            ("/x", "/", true),
            ("/A", "/a", false),
        ] {
            assert_eq!(path_matches(path, cookie_path), expected, "{path} {cookie_path}");
        }
        for (path, expected) in [("/", "/"), ("/a", "/"), ("/a/", "/a"), ("/a/b", "/a"), ("/a/b/c", "/a/b")] {
            assert_eq!(default_path(path), expected, "{path}");
        }
    }

    #[test]
    fn a_site_is_what_one_registrant_owns() {
        for (host, expected) in [
            ("a.b.example.co.uk", "example.co.uk"),
            ("example.co.uk", "example.co.uk"),
            ("co.uk", "co.uk"),
            ("a.b.github.io", "b.github.io"),
            ("localhost", "localhost"),
            ("a.test.", "a.test."),
        ] {
            assert_eq!(site(host), expected, "{host}");
        }
    }
}
