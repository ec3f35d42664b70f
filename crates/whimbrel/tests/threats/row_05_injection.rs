//! Row 5: line breaks and NUL in anything that a caller hands over. What has no business holding them is an error before a
//! byte is written; what may hold anything is encoded.

use whimbrel::{Client, Kind, RequestBuilder};
use whimbrel_testkit::{Origin, Proxy};

use crate::world;

/// The last one is a line feed where only the low byte is looked at.
const BREAKS: [&str; 5] = ["\r\nX-Evil: 1\r\n", "\nX-Evil: 1", "\r", "\0", "\u{10a}X-Evil: 1"];

#[test]
fn row_05_every_input_that_can_not_hold_a_line_break_refuses_it_before_anything_is_sent() {
    let (origin, proxy) = (Origin::http(), Proxy::http());
    let client = world::client();
    let (url, authority) = (origin.url("/get"), origin.addr().to_string());
    for bad in &BREAKS[..4] {
        let requests: [(&str, RequestBuilder); 17] = [
            ("method", client.request(&format!("GET{bad}"), &url)),
            ("path", client.get(&format!("{url}{bad}"))),
            ("query", client.get(&format!("{url}?a={bad}&b"))),
            ("host", client.get(&format!("http://a{bad}.test/"))),
            ("userinfo", client.get(&format!("http://u{bad}:p@{authority}/"))),
            ("fragment", client.get(&format!("{url}#{bad}f"))),
            ("field name", client.get(&url).header(&format!("X{bad}"), "1")),
            ("field value", client.get(&url).header("X", format!("1{bad}2"))),
            ("end of a value", client.get(&url).header("X", format!("1{bad}"))),
            ("start of a value", client.get(&url).header("X", format!("{bad}1"))),
            ("secret value", client.get(&url).secret_header("X", format!("1{bad}2"))),
            ("Host", client.get(&url).header("Host", format!("a{bad}.test"))),
            ("Authorization", client.get(&url).header("Authorization", format!("Basic{bad}x"))),
            ("bearer", client.get(&url).bearer_auth(format!("tok{bad}en"))),
            ("proxy host", client.get(&url).proxy(&format!("http://p{bad}.test"))),
            ("proxy user", client.get(&url).proxy(&proxy.url().replacen("://", &format!("://u{bad}u@"), 1))),
            ("resolve", client.get(&url).resolve(&format!("a{bad}.test:80"), "127.0.0.1")),
        ];
        for (name, request) in requests {
            let error = request.send().unwrap_err();
            assert_eq!(error.kind(), Kind::Input, "{name} with {bad:?}: {error}");
        }
        let escaped: String = url::form_urlencoded::byte_serialize(bad.as_bytes()).collect();
        let request = client.get(&url).proxy(&proxy.url().replacen("://", &format!("://u{escaped}:p@"), 1));
        assert_eq!(request.send().unwrap_err().kind(), Kind::Input, "escaped proxy user with {bad:?}");
        for builder in [
            Client::builder().user_agent(&format!("a{bad}b")),
            Client::builder().default_header("X", format!("a{bad}b")),
            Client::builder().default_header(&format!("X{bad}"), "a"),
            Client::builder().proxy(&format!("http://p{bad}.test")),
        ] {
            assert_eq!(builder.build().unwrap_err().kind(), Kind::Input, "a default with {bad:?}");
        }
    }
    for bad in BREAKS {
        for request in [client.request(&format!("GET{bad}"), &url), client.get(&url).header(&format!("X{bad}"), "1")] {
            assert_eq!(request.send().unwrap_err().kind(), Kind::Input, "{bad:?}");
        }
    }
    assert_eq!((origin.connections(), proxy.accepted()), (0, 0));
}

#[test]
fn row_05_what_may_hold_anything_never_becomes_a_field() {
    let origin = Origin::http();
    let client = world::client();
    let url = origin.url("/anything");
    for bad in BREAKS {
        for request in [
            client.get(&url).query("name", bad).query(bad, "value"),
            client.post(&url).form([("name", bad), (bad, "value")]),
            client.post(&url).body(bad),
            client.get(&url).basic_auth(bad.replace(':', ""), bad),
            client.get(&url).without_header(bad),
        ] {
            assert_eq!(request.send().unwrap().status(), 200, "{bad:?}");
        }
    }
    let wide = client.get(&format!("{url}/\u{10a}X-Evil: 1?\u{10a}X-Evil: 1")).header("X-Wide", "\u{10a}X-Evil: 1");
    assert_eq!(wide.send().unwrap().status(), 200);
    for seen in origin.requests() {
        assert_eq!(seen.field("X-Evil"), None, "{seen:?}");
        assert!(!seen.head.contains(&0));
        let breaks = seen.head.iter().filter(|&&byte| byte == b'\n').count();
        assert_eq!(breaks, seen.fields.len() + 2, "{seen:?}");
    }
}

/// A `Location` is a peer's input, and so is everything else that comes back.
#[test]
fn row_05_a_redirect_can_not_write_into_the_next_head() {
    let origin = Origin::http();
    let client = world::client();
    for bad in ["/get\u{85}X-Evil:1", "/get%0d%0aX-Evil:%201", "/get?a=%0aX-Evil:1", "/get X-Evil: 1"] {
        let response = client.get(&world::leading_to(&origin, "a.test", bad)).send().unwrap();
        assert_eq!(response.redirects(), 1, "{bad:?}");
        let seen = origin.requests().pop().unwrap();
        assert!(seen.target.starts_with("/get") && seen.field("X-Evil").is_none(), "{bad:?}: {seen:?}");
    }
}
