//! Row 14: one host. What is looked up and dialled, what stands in `Host`, what TLS asks for and what the certificate must
//! name are the same, however the URL is written. The lists of `NO_PROXY` are in `whimbrel-proto`; the environment as a
//! whole is played in row 2.

use std::sync::{Arc, Mutex};

use whimbrel::{Client, Kind};
use whimbrel_testkit::{Authority, Origin, RawServer};

use crate::world;

/// A client that notes which names it looks up.
fn noting(authority: &Authority) -> (Client, Arc<Mutex<Vec<String>>>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let noted = asked.clone();
    let client = world::builder().ca_pem(authority.ca_pem()).max_idle(0).resolver(move |name| {
        noted.lock().unwrap().push(name.to_owned());
        Ok(vec!["127.0.0.1".parse().unwrap()])
    });
    (client.build().unwrap(), asked)
}

#[test]
fn row_14_the_host_that_is_dialled_is_the_one_in_host_and_in_the_certificate() {
    let authority = Authority::new();
    let names = ["a.test", "b.test", "xn--bcher-kva.test", "127.0.0.1", "w.a.test"];
    let origin = Origin::https(&authority, &names);
    let port = origin.addr().port();
    for (written, host) in [
        ("https://a.test:{}/get", "a.test"),
        ("HTTPS:\\\\a.test:{}\\get", "a.test"),
        ("https:/a.test:{}/get", "a.test"),
        ("https://A.TEST:{}/get", "a.test"),
        ("https://a%2etest:{}/get", "a.test"),
        ("https://%61.test:{}/get", "a.test"),
        ("https://a.test%2f@b.test:{}/get", "b.test"),
        ("https://a.test%3a443@b.test:{}/get", "b.test"),
        ("https://a.test\\@b.test:{}/get", "a.test"),
        ("https://a.test#@b.test:{}/get", "a.test"),
        ("https://a.test?@b.test:{}/get", "a.test"),
        ("https://w.a.test:{}/get", "w.a.test"),
        ("https://b\u{fc}cher.test:{}/get", "xn--bcher-kva.test"),
        ("https://B\u{dc}CHER\u{3002}test:{}/get", "xn--bcher-kva.test"),
        ("https://a\u{ff0e}test:{}/get", "a.test"),
        ("https://\u{ff41}.test:{}/get", "a.test"),
        ("https://127.0.0.1:{}/get", "127.0.0.1"),
        ("https://0x7f.1:{}/get", "127.0.0.1"),
        ("https://2130706433:{}/get", "127.0.0.1"),
        ("https://0177.0.0.01:{}/get", "127.0.0.1"),
        ("https://127.1:{}/get", "127.0.0.1"),
        ("https://%31%32%37.0.0.1:{}/get", "127.0.0.1"),
    ] {
        let (client, asked) = noting(&authority);
        // Those whose port belongs to what is no authority go to 443, which an override leads here.
        let url = written.replace("{}", &port.to_string());
        let request = client.get(&url).resolve(&format!("{host}:443"), &origin.addr().to_string());
        let response = request.send().unwrap_or_else(|error| panic!("{url}: {error}"));
        assert!(matches!(response.status(), 200 | 404), "{url}");
        let seen = origin.requests().pop().unwrap();
        let in_field = seen.field("Host").unwrap().trim_end_matches(&format!(":{port}")).to_owned();
        assert_eq!(in_field, host, "{url}");
        let is_name = host.parse::<std::net::IpAddr>().is_err();
        assert_eq!(seen.server_name.as_deref(), is_name.then_some(host), "{url}");
        let asked = asked.lock().unwrap();
        assert!(asked.iter().all(|name| name == host), "{url} asked for {asked:?}");
        let by_override = in_field == seen.field("Host").unwrap();
        assert_eq!(asked.len(), usize::from(is_name && !by_override), "{url}");
    }
}

#[test]
fn row_14_what_names_no_certain_host_is_refused_before_anything_is_looked_up() {
    let authority = Authority::new();
    let (client, asked) = noting(&authority);
    for url in [
        "http://[fe80::1%25lo]/",
        "http://[fe80::1%lo]/",
        "http://[::1/",
        "http://::1/",
        "http://[::1].a.test/",
        "http://256.0.0.1/",
        "http://0x100000000/",
        "http://1.2.3.4.5/",
        "http://a b/",
        "http://a%00.test/",
        "http://a%0d.test/",
        "http://a%2f.test/",
        "http://a<b/",
        "http://\u{ad}/",
        "http://xn--a/",
        "http://:80/",
        "http://@/",
        "http://u:p@/",
        "http://a.test:65536/",
        "http://a.test:0/",
        "http://a.test:-1/",
        "http://a.test:8 0/",
    ] {
        let error = client.get(url).send().unwrap_err();
        assert_eq!(error.kind(), Kind::Url, "{url}: {error}");
    }
    assert!(asked.lock().unwrap().is_empty(), "{asked:?}");
}

#[test]
fn row_14_an_address_of_either_family_is_dialled_and_named_as_it_is() {
    let ok = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let server = RawServer::start_on("[::1]:0".parse().unwrap(), [world::always(ok)]).unwrap();
    let port = server.addr().port();
    for (written, host) in [("[::1]", "[::1]"), ("[0:0::0:1]", "[::1]"), ("[::0.0.0.1]", "[::1]")] {
        let client = world::client();
        assert_eq!(client.get(&format!("http://{written}:{port}/")).send().unwrap().status(), 200);
        let head = String::from_utf8(server.received().pop().unwrap()).unwrap();
        assert!(head.contains(&format!("\r\nHost: {host}:{port}\r\n")), "{head}");
    }
}

#[test]
fn row_14_a_proxy_is_told_the_same_host() {
    let authority = Authority::new();
    let origin = world::secure(&authority);
    let port = origin.addr().port();
    let proxy = whimbrel_testkit::Proxy::builder().map(&format!("b.test:{port}"), origin.addr()).start().unwrap();
    let client = world::builder().ca_pem(authority.ca_pem()).build().unwrap();
    let url = format!("https://a.test%2f@B\u{ff0e}test:{port}/get");
    assert_eq!(client.get(&url).proxy(&proxy.url()).send().unwrap().status(), 200);
    assert_eq!(proxy.log()[0].targets, [format!("b.test:{port}")]);
    let connect = String::from_utf8(proxy.seen_by_proxy()).unwrap();
    assert!(connect.starts_with(&format!("CONNECT b.test:{port} HTTP/1.1\r\nHost: b.test:{port}\r\n")), "{connect}");
}
