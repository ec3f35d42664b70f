//! microsocks: SOCKS5 with and without credentials, names looked up here or there.

use std::net::IpAddr;

use whimbrel::{Client, ClientBuilder, Kind, Phase};
use whimbrel_testkit::{Authority, Origin, refused_addr};

use crate::nginx::Nginx;
use crate::server::{Folder, Server, free_port, has_ipv6};

struct Socks {
    _server: Server,
    port: u16,
}

impl Socks {
    fn start(options: &[&str]) -> Self {
        let port = free_port();
        let number = port.to_string();
        let mut arguments = vec!["-i", "127.0.0.1", "-p", &number];
        arguments.extend(options);
        Self { _server: Server::start("microsocks", "microsocks", &arguments, &[port], Folder::new("socks")), port }
    }

    fn builder(&self, scheme: &str, credentials: &str) -> ClientBuilder {
        Client::builder().proxy(&format!("{scheme}://{credentials}127.0.0.1:{}", self.port))
    }
}

#[test]
fn plain_and_tls_go_through_the_proxy_and_are_kept() {
    let authority = Authority::new();
    let origins = [Origin::http(), Origin::https(&authority, &["a.test"])];
    let socks = Socks::start(&[]);
    let lookup = |name: &str| match name {
        "a.test" => Ok(vec![IpAddr::from([127, 0, 0, 1])]),
        _ => Err(std::io::Error::other("no such name")),
    };
    let client = socks.builder("socks5", "").ca_pem(authority.ca_pem()).resolver(lookup).build().unwrap();
    for origin in &origins {
        for round in 0..3 {
            let response = client.get(&origin.url_at("a.test", "/bytes/300000")).send().unwrap();
            assert_eq!((response.status(), response.is_reused()), (200, round > 0));
            assert_eq!(response.into_bytes().unwrap().len(), 300_000);
        }
        let response = client.post(&origin.url_at("a.test", "/anything")).body(vec![1; 3 << 20]).send().unwrap();
        assert_eq!(response.status(), 200);
        response.into_bytes().unwrap();
        assert_eq!(origin.requests().pop().unwrap().body_length, 3 << 20);
        assert_eq!(origin.connections(), 1);
    }
    let error = client.get("http://b.test/").send().unwrap_err();
    assert_eq!(error.kind(), Kind::Resolve, "{error}");
}

#[test]
fn the_origin_sees_the_proxy_s_address_and_not_ours() {
    let nginx = Nginx::start("location = / { return 200 $remote_addr; }");
    // All of 127/8 is loopback: the proxy leaves from another address than we do.
    let socks = Socks::start(&["-b", "127.0.0.2"]);
    let through = socks.builder("socks5", "").build().unwrap();
    assert_eq!(through.get(&nginx.url("/")).send().unwrap().into_text().unwrap(), "127.0.0.2");
    assert_eq!(through.get(&nginx.url("/")).no_proxy().send().unwrap().into_text().unwrap(), "127.0.0.1");
}

#[test]
fn the_proxy_looks_names_up_with_socks5h() {
    // The system's own name, whichever of its addresses the proxy tries.
    let port = free_port();
    let _four = Origin::builder().bind(([127, 0, 0, 1], port).into()).start().unwrap();
    let _six =
        has_ipv6().then(|| Origin::builder().bind((std::net::Ipv6Addr::LOCALHOST, port).into()).start().unwrap());
    let socks = Socks::start(&[]);
    let never = |name: &str| panic!("{name} is the proxy's to look up");
    let client = socks.builder("socks5h", "").resolver(never).build().unwrap();
    let response = client.get(&format!("http://localhost:{port}/get")).send().unwrap();
    assert_eq!(response.status(), 200);
}

#[test]
fn credentials_are_given_where_asked_for_and_judged() {
    let origin = Origin::http();
    let socks = Socks::start(&["-u", "user", "-P", "s3 cret:"]);
    for scheme in ["socks5", "socks5h"] {
        let client = socks.builder(scheme, "user:s3%20cret%3A@").build().unwrap();
        for round in 0..2 {
            let response = client.get(&origin.url("/get")).send().unwrap();
            assert_eq!((response.status(), response.is_reused()), (200, round > 0));
            response.into_bytes().unwrap();
        }
    }
    let before = origin.connections();
    for credentials in ["", "user:wrong-s3cret@", "nobody:s3%20cret%3A@"] {
        let client = socks.builder("socks5", credentials).build().unwrap();
        let error = client.get(&origin.url("/get")).send().unwrap_err();
        assert_eq!((error.kind(), error.phase()), (Kind::Proxy, Phase::Proxy), "{credentials} {error}");
        assert!(!format!("{error} {error:?}").contains("cret"), "{error:?}");
    }
    assert_eq!(origin.connections(), before);
    // A proxy that asks for none takes those who bring some.
    let open = Socks::start(&[]);
    let client = open.builder("socks5", "user:password@").build().unwrap();
    assert_eq!(client.get(&origin.url("/get")).send().unwrap().status(), 200);
}

#[test]
fn an_origin_that_the_proxy_cannot_reach_is_told_as_such() {
    let socks = Socks::start(&[]);
    let client = socks.builder("socks5", "").build().unwrap();
    let error = client.get(&format!("http://127.0.0.1:{}/", refused_addr().port())).send().unwrap_err();
    assert_eq!((error.kind(), error.phase()), (Kind::Proxy, Phase::Proxy), "{error}");
    assert!(error.to_string().contains("refused"), "{error}");
}

#[test]
fn a_proxy_that_is_gone_is_no_reason_to_go_direct() {
    let origin = Origin::http();
    let client = Client::builder().proxy(&format!("socks5://{}", refused_addr())).build().unwrap();
    let error = client.get(&origin.url("/get")).send().unwrap_err();
    assert_eq!(error.kind(), Kind::Connect, "{error}");
    assert_eq!(origin.connections(), 0);
}
