use std::time::Duration;

use super::*;

const NOW: SystemTime = SystemTime::UNIX_EPOCH;

fn place<'a>(secure: bool, host: &'a str, path: &'a str) -> Place<'a> {
    Place { host, path, secure }
}

fn http<'a>(host: &'a str, path: &'a str) -> Place<'a> {
    place(false, host, path)
}

fn https<'a>(host: &'a str, path: &'a str) -> Place<'a> {
    place(true, host, path)
}

/// A store that was told this, each of it accepted.
fn told(fields: &[(Place<'_>, &str)]) -> Store {
    let mut store = Store::default();
    for (place, field) in fields {
        assert_eq!(store.set(*place, field.as_bytes(), NOW), Ok(()), "{field}");
    }
    store
}

fn sent(store: &mut Store, place: Place<'_>) -> String {
    store.header(place, NOW).unwrap_or_default()
}

#[test]
fn row_09_a_cookie_is_sent_to_its_host_alone_and_with_a_domain_to_the_names_below_it_too() {
    let mut store = told(&[(http("w.a.test", "/"), "own=1"), (http("w.a.test", "/"), "all=2; Domain=a.test")]);
    for (host, expected) in [
        ("w.a.test", "own=1; all=2"),
        ("x.w.a.test", "all=2"),
        ("a.test", "all=2"),
        ("v.a.test", "all=2"),
        ("ba.test", ""),
        ("test", ""),
        ("w.a.test.", ""),
        ("a.test.", ""),
    ] {
        assert_eq!(sent(&mut store, http(host, "/")), expected, "{host}");
    }
}

#[test]
fn row_09_a_trailing_dot_is_another_host() {
    let mut store = told(&[(http("a.test.", "/"), "dotted=1"), (http("a.test", "/"), "plain=1; Domain=a.test")]);
    assert_eq!(sent(&mut store, http("a.test.", "/")), "dotted=1");
    assert_eq!(sent(&mut store, http("a.test", "/")), "plain=1");
}

#[test]
fn row_09_longer_paths_come_first_then_older_cookies_whatever_replaced_them() {
    let mut store = told(&[
        (http("a.test", "/x/y"), "root=1; Path=/"),
        (http("a.test", "/x/y"), "second=1; Path=/"),
        (http("a.test", "/x/y"), "default=1"),
        (http("a.test", "/x/y"), "deep=1; Path=/x/y"),
        (http("a.test", "/x/y"), "root=2; Path=/"),
    ]);
    assert_eq!(sent(&mut store, http("a.test", "/x/y")), "deep=1; default=1; root=2; second=1");
    assert_eq!(sent(&mut store, http("a.test", "/x/yz")), "default=1; root=2; second=1");
    assert_eq!(sent(&mut store, http("a.test", "/xy")), "root=2; second=1");
    assert_eq!(store.len(NOW), 4);
}

#[test]
fn row_09_secure_cookies_are_set_sent_and_replaced_over_tls_alone() {
    let mut store = told(&[(https("a.test", "/"), "s=1; Secure; Domain=a.test; Path=/p")]);
    assert!(store.set(http("a.test", "/"), b"t=1; Secure", NOW).is_err());
    assert_eq!(sent(&mut store, http("a.test", "/p")), "");
    assert_eq!(sent(&mut store, https("a.test", "/p")), "s=1");
    for (host, field) in [
        ("a.test", "s=2; Domain=a.test; Path=/p"),
        ("a.test", "s=2; Path=/p/q"),
        ("w.a.test", "s=2; Path=/p"),
        ("a.test", "s=; Max-Age=0; Domain=a.test; Path=/p"),
    ] {
        assert!(store.set(http(host, "/"), field.as_bytes(), NOW).is_err(), "{host} {field}");
    }
    // Not in its way: another path, another name.
    assert_eq!(store.set(http("a.test", "/"), b"s=2; Path=/", NOW), Ok(()));
    assert_eq!(store.set(http("a.test", "/"), b"S=2; Path=/p", NOW), Ok(()));
    assert_eq!(sent(&mut store, https("a.test", "/p")), "s=1; S=2; s=2");
}

#[test]
fn row_09_prefixes_keep_their_promise_in_any_case() {
    let mut store = Store::default();
    let root = https("w.a.test", "/");
    for field in [
        "__Host-a=1; Secure; Path=/; Domain=w.a.test",
        "__HOST-a=1; Secure; Path=/; Domain=a.test",
        "__Host-a=1; Secure",
        "__host-a=1; Secure; Path=/x",
        "__Host-a=1; Path=/",
        "__Secure-a=1",
        "__SECURE-a=1; Path=/",
        "__Host-a; Secure; Path=/; Domain=a.test",
        "=__Secure-a=1",
    ] {
        assert!(store.set(root, field.as_bytes(), NOW).is_err(), "{field}");
    }
    assert!(store.set(http("a.test", "/"), b"__Host-a=1; Secure; Path=/", NOW).is_err());
    assert_eq!(store.set(root, b"__Host-a=1; Secure; Path=/", NOW), Ok(()));
    assert_eq!(store.set(root, b"__Secure-b=1; Secure; Domain=a.test", NOW), Ok(()));
    assert_eq!(sent(&mut store, https("w.a.test", "/")), "__Host-a=1; __Secure-b=1");
}

#[test]
fn a_cookie_ends_when_it_says_and_max_age_0_removes_it_at_once() {
    let mut store = told(&[(http("a.test", "/"), "a=1; Max-Age=10"), (http("a.test", "/"), "b=1")]);
    let at = |seconds| NOW + Duration::from_secs(seconds);
    assert_eq!(store.header(http("a.test", "/"), at(9)).unwrap(), "a=1; b=1");
    assert_eq!(store.header(http("a.test", "/"), at(10)).unwrap(), "b=1");
    assert_eq!((store.len(at(9)), store.len(at(10)), store.list(at(10)).len()), (2, 1, 1));
    assert_eq!(store.set(http("a.test", "/"), b"b=2; Max-Age=0", NOW), Ok(()));
    assert_eq!(store.set(http("a.test", "/"), b"a=2; Expires=Thu, 01 Jan 1970 00:00:00 GMT", NOW), Ok(()));
    assert!(store.is_empty());
    assert_eq!(sent(&mut store, http("a.test", "/")), "");
}

#[test]
fn row_09_5000_cookies_stay_within_the_limits() {
    let mut store = Store::default();
    for number in 0..5000 {
        let host = format!("h{}.a.test", number % 7);
        store.set(http(&host, "/"), format!("n{number}=1").as_bytes(), NOW).unwrap();
    }
    assert_eq!(store.len(NOW), SITE_LIMIT, "one registrant has one limit for all its names");
    assert_eq!(store.list(NOW)[0].name, format!("n{}", 5000 - SITE_LIMIT), "the oldest went");
    for number in 0..5000 {
        let host = format!("s{number}.test");
        store.set(http(&host, "/"), b"n=1", NOW).unwrap();
    }
    assert_eq!((store.len(NOW), store.count), (TOTAL_LIMIT, TOTAL_LIMIT));
    assert_eq!(sent(&mut store, http("s4999.test", "/")), "n=1");
    assert_eq!(sent(&mut store, http("s1.test", "/")), "");
}

#[test]
fn row_09_what_was_used_stays_and_plain_cookies_never_push_out_secure_ones() {
    let mut store = told(&[(https("a.test", "/"), "safe=1; Secure"), (http("a.test", "/used"), "used=1; Path=/used")]);
    for number in 0..SITE_LIMIT - 2 {
        store.set(http("a.test", "/"), format!("n{number}=1; Path=/other").as_bytes(), NOW).unwrap();
    }
    assert_eq!(sent(&mut store, http("a.test", "/used")), "used=1");
    for number in 0..SITE_LIMIT - 2 {
        store.set(http("a.test", "/"), format!("m{number}=1; Path=/other").as_bytes(), NOW).unwrap();
    }
    let names: Vec<_> = store.list(NOW).into_iter().map(|cookie| cookie.name).collect();
    assert_eq!(names.len(), SITE_LIMIT);
    assert!(names.contains(&"safe".into()) && names.contains(&"used".into()));
}

#[test]
fn a_request_carries_no_more_than_servers_take() {
    let mut store = Store::default();
    for number in 0..100 {
        let field = format!("n{number:02}={}; Secure", "v".repeat(996));
        store.set(https("a.test", "/"), field.as_bytes(), NOW).unwrap();
    }
    let field = sent(&mut store, https("a.test", "/"));
    assert!(field.len() <= FIELD_LIMIT && field.starts_with("n00=") && field.matches('=').count() == 8);
}

#[test]
fn what_is_removed_is_gone_and_nothing_else() {
    let mut store = told(&[(http("a.test", "/"), "a=1"), (http("a.test", "/"), "b=1"), (http("b.test", "/"), "a=1")]);
    assert!(!store.remove("a.test", "/x", "a") && !store.remove("c.test", "/", "a"));
    assert!(store.remove("a.test", "/", "a") && !store.remove("a.test", "/", "a"));
    assert_eq!(sent(&mut store, http("a.test", "/")), "b=1");
    assert_eq!(sent(&mut store, http("b.test", "/")), "a=1");
    store.clear();
    assert!(store.is_empty() && store.list(NOW).is_empty());
}
