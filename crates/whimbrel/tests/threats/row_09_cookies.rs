//! Row 9, over the wire: whose cookie goes where. The rules themselves are tested where they are (`src/cookies/`).

use whimbrel::{Client, CookieJar};
use whimbrel_testkit::{Authority, Origin, Proxy, RawServer, Script};

use crate::world::{self, Folder, SECRET, leading_to};

fn client() -> Client {
    world::builder().cookies(true).build().unwrap()
}

/// Sends a GET and gives what the server at the end saw as `Cookie`.
fn shown(client: &Client, origin: &Origin, url: &str) -> Vec<String> {
    assert_eq!(client.get(url).send().unwrap().status(), 200, "{url}");
    last_cookies(origin)
}

fn last_cookies(origin: &Origin) -> Vec<String> {
    origin.requests().last().unwrap().field_values("Cookie").into_iter().map(str::to_owned).collect()
}

/// Answers every request with these fields.
fn setting(fields: &str) -> RawServer {
    RawServer::start([world::always(format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 0\r\n\r\n"))])
}

fn names(jar: &CookieJar) -> Vec<String> {
    jar.list().into_iter().map(|cookie| cookie.name).collect()
}

#[test]
fn row_09_cookies_are_off_until_somebody_asks_for_them() {
    let origin = Origin::http();
    let set = origin.url_at("a.test", "/cookies/set/a/1");
    let plain = world::client();
    assert!(shown(&plain, &origin, &set).is_empty());
    assert!(plain.cookies().is_empty());
    plain.get(&set).cookies(true).send().unwrap();
    assert_eq!((last_cookies(&origin), plain.cookies().len()), (vec!["a=1".to_owned()], 1));
    assert!(shown(&plain, &origin, &set).is_empty());
    let asking = client();
    asking.get(&set).cookies(false).send().unwrap();
    assert!(asking.cookies().is_empty());
}

#[test]
fn row_09_a_login_that_redirects_is_remembered_and_a_logout_too() {
    let origin = Origin::http();
    let client = client();
    let at = |path: &str| origin.url_at("a.test", path);
    assert_eq!(shown(&client, &origin, &at("/cookies/set?a=1&b=2")), ["a=1; b=2"]);
    assert_eq!(shown(&client, &origin, &at("/get")), ["a=1; b=2"]);
    assert_eq!(shown(&client, &origin, &at("/cookies/delete?a")), ["b=2"]);
    assert_eq!(shown(&client.clone(), &origin, &at("/get")), ["b=2"], "clones are one session");
    assert!(shown(&self::client(), &origin, &at("/get")).is_empty(), "sessions share nothing");
}

#[test]
fn row_09_each_hop_sees_its_own_cookies_and_no_others() {
    let (a, b) = (Origin::http(), Origin::http());
    let client = client();
    client.cookies().set("http://a.test/", &format!("a={SECRET}")).unwrap();
    client.cookies().set("http://b.test/", "b=1").unwrap();
    let onwards = leading_to(&a, "a.test", &b.url_at("b.test", "/get"));
    assert_eq!(client.get(&onwards).header("Cookie", format!("mine={SECRET}")).send().unwrap().status(), 200);
    assert_eq!(last_cookies(&a), [format!("mine={SECRET}; a={SECRET}")]);
    assert_eq!(last_cookies(&b), ["b=1"]);
    assert!(!world::knows_the_secret(&b));
    for name in ["w.a.test", "ba.test", "a.test.", "test"] {
        assert!(shown(&client, &b, &b.url_at(name, "/get")).is_empty(), "{name}");
    }
}

#[test]
fn row_09_a_host_header_does_not_choose_whose_cookies_they_are() {
    let origin = Origin::http();
    let client = client();
    client.cookies().set("http://a.test/", &format!("a={SECRET}")).unwrap();
    let url = origin.url_at("b.test", "/cookies/set/b/1");
    assert_eq!(client.get(&url).header("Host", "a.test").send().unwrap().status(), 200);
    assert!(!world::knows_the_secret(&origin));
    let domains: Vec<_> = client.cookies().list().into_iter().map(|cookie| cookie.domain).collect();
    assert_eq!(domains, ["a.test", "b.test"]);
}

#[test]
fn row_09_the_callers_own_cookies_and_the_jars_make_one_field_and_the_callers_names_win() {
    let origin = Origin::http();
    let client = client();
    for cookie in ["a=jar", "b=jar"] {
        client.cookies().set("http://a.test/", cookie).unwrap();
    }
    let url = origin.url_at("a.test", "/get");
    let request = || client.get(&url);
    request().header("Cookie", "a=mine; c=mine;").header("cookie", "d=mine").send().unwrap();
    assert_eq!(last_cookies(&origin), ["a=mine; c=mine; d=mine; b=jar"]);
    request().without_header("Cookie").send().unwrap();
    assert!(last_cookies(&origin).is_empty());
    assert_eq!(client.cookies().len(), 2, "what the caller sends is not stored");
}

#[test]
fn row_09_what_a_response_may_not_set_is_not_set() {
    let fields = "Set-Cookie: suffix=1; Domain=test\r\nSet-Cookie: other=1; Domain=b.test\r\n\
                  Set-Cookie: dot=1; Domain=a.test.\r\nSet-Cookie: secure=1; Secure\r\n\
                  Set-Cookie: __Host-a=1; Path=/\r\nSet-Cookie: tab=a\tb\r\nSet-Cookie: good=1; Domain=.A.Test\r\n";
    let server = setting(fields);
    let client = client();
    let url = format!("http://w.a.test:{}/", server.addr().port());
    assert_eq!(client.get(&url).send().unwrap().status(), 200);
    assert_eq!(names(&client.cookies()), ["good"]);
    assert_eq!(client.cookies().header_for("http://v.a.test/").as_deref(), Some("good=1"));
}

#[test]
fn row_09_only_the_first_50_cookies_of_a_response_count() {
    let fields: String = (0..60).map(|number| format!("Set-Cookie: n{number}=1\r\n")).collect();
    let server = setting(&fields);
    let client = client();
    assert_eq!(client.get(&server.url("/")).send().unwrap().status(), 200);
    assert_eq!(client.cookies().len(), 50);
}

#[test]
fn row_09_interim_responses_and_proxies_set_nothing() {
    let script = Script::new()
        .expect_head()
        .send("HTTP/1.1 103 Early Hints\r\nSet-Cookie: hint=1\r\n\r\n")
        .send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    let server = RawServer::start([script]);
    let client = client();
    assert_eq!(client.get(&server.url("/")).send().unwrap().status(), 200);
    let refusal = "HTTP/1.1 407 Proxy Authentication Required\r\nSet-Cookie: proxy=1\r\nContent-Length: 0\r\n\r\n";
    let proxy = RawServer::start([world::always(refusal)]);
    assert_eq!(client.get("http://a.test/").proxy(&proxy.url("")).send().unwrap().status(), 407);
    assert!(client.get("https://a.test/").proxy(&proxy.url("")).send().is_err());
    assert!(client.cookies().is_empty());
}

#[test]
fn row_09_secure_cookies_travel_through_a_proxys_tunnel_and_never_in_the_clear() {
    let authority = Authority::new();
    let (plain, secure) = (Origin::http(), world::secure(&authority));
    let proxy = Proxy::builder()
        .map(&format!("a.test:{}", secure.addr().port()), secure.addr())
        .map(&format!("a.test:{}", plain.addr().port()), plain.addr())
        .start()
        .unwrap();
    let client = world::builder().cookies(true).ca_pem(authority.ca_pem()).proxy(&proxy.url()).build().unwrap();
    client.cookies().set("https://a.test/", &format!("s={SECRET}; Secure")).unwrap();
    let onwards = leading_to(&secure, "a.test", &plain.url_at("a.test", "/get"));
    assert_eq!(client.get(&onwards).send().unwrap().status(), 200);
    assert_eq!(last_cookies(&secure), [format!("s={SECRET}")]);
    assert!(!world::knows_the_secret(&plain));
    assert!(!world::shows_the_secret(&proxy.seen_by_proxy()));
}

#[test]
fn row_09_refusals_say_why_and_neither_they_nor_debug_show_a_value() {
    let jar = client().cookies();
    for (url, cookie, why) in [
        ("http://a.co.uk/", "n=hush; Domain=co.UK", "public suffix"),
        ("http://a.github.io/", "n=hush; Domain=github.io", "public suffix"),
        ("http://127.0.0.1/", "n=hush; Domain=.1", "not that of the URL"),
        ("http://a.test/", "n=hush; Secure", "https"),
        ("https://a.test/", "__Host-n=hush; Secure; Domain=a.test; Path=/", "__Host-"),
        ("http://a.test/", "n=hush\r\nX: y", "control character"),
        ("ftp://a.test/", "n=hush", "http"),
    ] {
        let error = jar.set(url, cookie).unwrap_err().to_string();
        assert!(error.contains(why) && !error.contains("hush"), "{error}");
    }
    jar.set("http://a.test/", "n=hush").unwrap();
    let shown = format!("{jar:?} {:?}", jar.list());
    assert!(shown.contains("len: 1") && !shown.contains("hush"), "{shown}");
}

#[test]
fn a_jar_is_kept_in_a_file_from_session_to_session() {
    let folder = Folder::new("cookie-file");
    let path = folder.0.join("cookies.txt");
    let kept = || world::builder().cookie_file(&path).build().unwrap();
    drop(kept());
    assert!(folder.names().is_empty(), "nothing to keep");
    let origin = Origin::http();
    let client = kept();
    let jar = client.cookies();
    assert_eq!(shown(&client, &origin, &origin.url_at("a.test", "/cookies/set/a/1")), ["a=1"]);
    jar.set("https://b.test/p/", "b=\"x y\"; Secure; HttpOnly; Domain=b.test; Max-Age=1000").unwrap();
    drop(client);
    assert!(folder.names().is_empty(), "a handle is left");
    let before = jar.list();
    drop(jar);
    assert_eq!(folder.names(), ["cookies.txt"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let client = kept();
    let after = client.cookies().list();
    assert_eq!(after.len(), 2);
    for (old, new) in before.iter().zip(&after) {
        assert_eq!((&old.name, &old.value, &old.domain, &old.path), (&new.name, &new.value, &new.domain, &new.path));
        assert_eq!((old.host_only, old.secure, old.http_only), (new.host_only, new.secure, new.http_only));
        assert_eq!(old.expires.is_some(), new.expires.is_some());
    }
    assert_eq!(shown(&client, &origin, &origin.url_at("a.test", "/get")), ["a=1"]);
}

#[test]
fn a_damaged_file_changes_nothing_and_an_expired_cookie_is_not_loaded() {
    let folder = Folder::new("cookie-damage");
    let path = folder.0.join("cookies.txt");
    let jar = client().cookies();
    jar.set("http://a.test/", "a=1").unwrap();
    assert_eq!(jar.load(&path).unwrap_err().kind(), whimbrel::Kind::File);
    std::fs::write(&path, "b.test\tFALSE\t/\tFALSE\t0\tb\thush\nb.test\tFALSE\thush\n").unwrap();
    let error = jar.load(&path).unwrap_err().to_string();
    assert!(error.contains("line 2") && !error.contains("hush"), "{error}");
    assert!(world::builder().cookie_file(&path).build().is_err());
    assert_eq!(names(&jar), ["a"]);
    let lines = ["b.test\tFALSE\t/\tFALSE\t1000\told\t1", ".b.test\tTRUE\t/\tFALSE\t4102444800\tb\t1"];
    std::fs::write(&path, lines.join("\r\n")).unwrap();
    assert_eq!(jar.load(&path).unwrap(), 1);
    assert_eq!(names(&jar), ["a", "b"]);
    let far = jar.list()[1].expires.unwrap().duration_since(std::time::SystemTime::now()).unwrap();
    assert!(far.as_secs() <= 400 * 86_400, "a file lets no cookie live longer than a server can");
}
