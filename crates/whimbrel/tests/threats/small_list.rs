//! The small list under the table of threats, as far as it applies to what there is. Half-closed servers, unanswered
//! expectations and kept connections that were closed in between are among the faults (tests/faults).

use whimbrel::{Body, Kind};
use whimbrel_testkit::{Authority, Origin, Proxy, ProxyFault, RawServer, Script};

use crate::world::{self, SECRET, always, leading_to};

#[test]
fn redirects_to_file_javascript_and_the_like_are_refused() {
    let origin = Origin::http();
    let client = world::client();
    for next in ["file:///etc/passwd", "javascript:alert(1)", "ftp://a.test/", "gopher://a.test/", "data:,x"] {
        let error = client.get(&leading_to(&origin, "a.test", next)).send().unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Scheme, "scheme"), "{next}");
        let response = client.get(&leading_to(&origin, "a.test", next)).follow_redirects(false).send().unwrap();
        assert_eq!((response.status(), response.header("location")), (302, Some(next)));
    }
}

#[test]
fn a_downgrade_is_refused_on_request_and_followed_without_credentials_otherwise() {
    let authority = Authority::new();
    let (secure, plain) = (world::secure(&authority), Origin::http());
    let client = world::builder().ca_pem(authority.ca_pem()).build().unwrap();
    let url = leading_to(&secure, "a.test", &plain.url_at("a.test", "/anything"));
    let error = client.get(&url).basic_auth("user", SECRET).allow_downgrade(false).send().unwrap_err();
    assert_eq!(error.kind(), Kind::RedirectRefused);
    assert_eq!(plain.connections(), 0);
    assert_eq!(client.get(&url).basic_auth("user", SECRET).send().unwrap().status(), 200);
    assert!(!world::knows_the_secret(&plain));
}

#[test]
fn neither_userinfo_nor_fragment_is_ever_sent_in_a_head() {
    let origin = Origin::http();
    let proxy = Proxy::http();
    let url = origin.url("/get?a#fragment").replacen("://", "://user:hush@", 1);
    for request in [world::client().get(&url), world::client().get(&url).proxy(&proxy.url())] {
        assert_eq!(request.send().unwrap().status(), 200);
    }
    for seen in origin.requests() {
        let head = String::from_utf8(seen.head).unwrap();
        assert!(head.starts_with("GET /get?a HTTP/1.1\r\n"), "{head}");
        assert!(!head.contains("fragment") && !head.contains("hush") && !head.contains("Referer"), "{head}");
    }
    let seen = String::from_utf8(proxy.seen_by_proxy()).unwrap();
    assert!(!seen.contains("fragment") && !seen.contains("hush"), "{seen}");
}

/// A server that closes a kept connection after it has read the second request whole.
#[test]
fn a_post_that_may_have_arrived_is_never_sent_twice_and_a_get_is() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    let server = || RawServer::start([Script::new().expect_head().send(ok).expect_head().close(), always(ok)]);
    for (method, again) in [("GET", true), ("PUT", true), ("DELETE", true), ("POST", false), ("PATCH", false)] {
        let server = server();
        let client = world::client();
        client.get(&server.url("/first")).send().unwrap().into_bytes().unwrap();
        let result = client.request(method, &server.url("/second")).send();
        let asked = String::from_utf8(server.received().concat()).unwrap().matches("/second").count();
        assert_eq!((result.is_ok(), asked), (again, if again { 2 } else { 1 }), "{method}");
        if let Err(error) = result {
            assert_eq!(error.kind(), Kind::Empty, "{method}: {error}");
        }
    }
}

#[test]
fn a_body_that_can_be_sent_once_only_is_a_clear_error_where_a_redirect_wants_it_again() {
    let origin = Origin::http();
    for status in [307, 308] {
        let url = format!("{}&status_code={status}", leading_to(&origin, "a.test", "/anything"));
        let body = Body::reader(&b"once"[..], Some(4));
        let error = world::client().post(&url).body(body).send().unwrap_err();
        assert_eq!(error.kind(), Kind::RedirectRefused);
        assert!(error.to_string().contains("the body must be sent again"), "{error}");
        assert_eq!(world::client().post(&url).body("again").send().unwrap().status(), 200);
    }
}

#[test]
fn a_name_that_socks_can_not_carry_is_refused_before_the_proxy_is_asked() {
    let long = ["a".repeat(63).as_str(); 5].join(".");
    for scheme in ["socks5h", "socks4a"] {
        let proxy = Proxy::socks();
        let by = proxy.url().replacen("socks5h", scheme, 1);
        let error = world::client().get(&format!("http://{long}/")).proxy(&by).send().unwrap_err();
        assert!(matches!(error.kind(), Kind::Input | Kind::Url), "{scheme}: {error}");
        assert!(proxy.seen_by_proxy().is_empty());
    }
}

#[test]
fn socks_replies_may_come_byte_by_byte() {
    let origin = Origin::http();
    for scheme in ["socks4", "socks4a", "socks5", "socks5h"] {
        let name = format!("a.test:{}", origin.addr().port());
        let builder = Proxy::builder().socks().map(&name, origin.addr()).fault(ProxyFault::SplitReplies);
        let proxy = builder.start().unwrap();
        let by = proxy.url().replacen("socks5h", scheme, 1);
        assert_eq!(world::client().get(&origin.url_at("a.test", "/get")).proxy(&by).send().unwrap().status(), 200);
    }
}

#[test]
fn bytes_that_come_through_a_tunnel_before_anything_was_asked_are_refused() {
    let authority = Authority::new();
    let origin = world::secure(&authority);
    let early = ProxyFault::EarlyBytes(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil".to_vec());
    let http = Proxy::builder().fault(early.clone()).start().unwrap();
    let socks = Proxy::builder().socks().fault(early).start().unwrap();
    let client = world::builder().ca_pem(authority.ca_pem()).build().unwrap();
    for proxy in [&http, &socks] {
        let error = client.get(&origin.url("/get")).proxy(&proxy.url()).send().unwrap_err();
        assert_eq!(error.kind(), Kind::Proxy, "{error}");
    }
    assert_eq!(origin.request_count(), 0);
}

#[test]
fn secrets_are_in_no_debug_text_and_no_error() {
    let origin = Origin::http();
    let reply = format!("HTTP/1.1 200 OK\r\nSet-Cookie: sid={SECRET}\r\nContent-Length: 0\r\n\r\n");
    let server = RawServer::start([always(reply)]);
    let by = format!("http://user:{SECRET}@{}", whimbrel_testkit::refused_addr());
    let builder = world::builder().default_header("Authorization", SECRET).proxy(&by);
    let mut shown = vec![format!("{builder:?}")];
    let client = builder.build().unwrap();
    let url = server.url("/").replacen("://", "://user:hush@", 1);
    let request = || {
        let request = client.get(&url).basic_auth("user", SECRET).header("Cookie", SECRET);
        request.secret_header("X-Mine", SECRET).client_cert(SECRET, SECRET)
    };
    shown.push(format!("{client:?} {:?}", request()));
    // The proxy refuses; then none is used.
    let error = request().send().unwrap_err();
    shown.push(format!("{error} {error:?}"));
    let response = request().no_proxy().send().unwrap();
    shown.push(format!("{response:?}"));
    for bad in [
        client.get(&url).bearer_auth(format!("{SECRET}\n")),
        client.get(&url).header("Authorization", format!("{SECRET}\n")),
        client.get(&format!("http://user:{SECRET}@[::1/")),
        client.get(&format!("http://user:{SECRET}\n@a.test/")),
        client.get(&url).proxy(&format!("gopher://user:{SECRET}@a.test")),
        client.get(&url).proxy(&format!("http://user:{SECRET}\n@a.test")),
        client.get(&origin.url("/get")).no_proxy().ca_pem(SECRET),
        client.get(&url.replacen("http", "https", 1)).no_proxy().client_cert(SECRET, SECRET),
    ] {
        shown.push(format!("{bad:?}"));
        if let Err(error) = bad.send() {
            shown.push(format!("{error} {error:?}"));
        }
    }
    assert_eq!(client.get("ftp://a.test").send().unwrap_err().kind(), Kind::Scheme);
    for text in shown {
        assert!(!text.contains(SECRET) && !text.contains(world::SECRET_BASIC), "{text}");
    }
}
