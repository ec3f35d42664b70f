//! Every kind of proxy, well behaved, refusing and misbehaving: what a caller gets, and which peer saw which bytes.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use whimbrel::{Client, Kind, Phase, RequestBuilder};
use whimbrel_testkit::{Authority, BlackHole, Origin, Proxy, ProxyBuilder, ProxyFault, refused_addr};

const SECRET: &str = "proxy-pass";
/// `user:proxy-pass`, as Basic has it.
const BASIC: &str = "dXNlcjpwcm94eS1wYXNz";

/// Looks every name up to loopback, and takes no proxy from the environment.
fn client() -> Client {
    Client::builder().no_proxy().resolver(|_| Ok(vec![IpAddr::from(Ipv4Addr::LOCALHOST)])).build().unwrap()
}

/// One origin for http and one for https, both under the name `a.test`.
struct Site {
    authority: Authority,
    http: Origin,
    https: Origin,
}

impl Site {
    fn new() -> Self {
        let authority = Authority::new();
        Self { http: Origin::http(), https: Origin::https(&authority, &["a.test"]), authority }
    }

    /// The target of each origin, and its URL.
    fn targets(&self) -> [(String, String); 2] {
        [&self.http, &self.https].map(|origin| (self.target(origin), origin.url_at("a.test", "/get")))
    }

    fn target(&self, origin: &Origin) -> String {
        format!("a.test:{}", origin.addr().port())
    }

    fn builder(&self) -> ProxyBuilder {
        let (http, https) = (self.target(&self.http), self.target(&self.https));
        Proxy::builder().map(&http, self.http.addr()).map(&https, self.https.addr())
    }

    fn get(&self, client: &Client, url: &str, proxy: &str) -> RequestBuilder {
        client.get(url).proxy(proxy).ca_pem(self.authority.ca_pem())
    }

    fn requests(&self) -> usize {
        self.http.request_count() + self.https.request_count()
    }

    fn connections(&self) -> usize {
        self.http.connections() + self.https.connections()
    }
}

fn with_scheme(proxy: &Proxy, scheme: &str, credentials: &str) -> String {
    format!("{scheme}://{credentials}{}", proxy.addr())
}

fn contains(bytes: &[u8], what: &str) -> bool {
    bytes.windows(what.len()).any(|window| window == what.as_bytes())
}

/// The call fails as a proxy's refusal that says so, within five seconds.
#[track_caller]
fn refused(request: RequestBuilder, detail: &str) {
    let start = Instant::now();
    let error = request.send().unwrap_err();
    assert_eq!((error.kind(), error.phase(), error.code()), (Kind::Proxy, Phase::Proxy, "proxy"), "{error}");
    let text = error.to_string();
    assert!(text.starts_with("proxy handshake error: ") && text.contains(detail), "{text}");
    assert!(!text.contains(SECRET) && !text.contains(BASIC), "{text}");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[test]
fn http_proxies_forward_http_and_tunnel_https_with_and_without_credentials_and_tls() {
    let site = Site::new();
    let client = client();
    for is_tls in [false, true] {
        for credentials in ["", "user:proxy-pass@"] {
            let mut builder = site.builder();
            if is_tls {
                builder = builder.tls(site.authority.issue(&["127.0.0.1"]));
            }
            if !credentials.is_empty() {
                builder = builder.credentials("user", SECRET);
            }
            let proxy = builder.start().unwrap();
            let url = with_scheme(&proxy, if is_tls { "https" } else { "http" }, credentials);
            for (target, page) in site.targets() {
                for round in 0..2 {
                    let request = site.get(&client, &page, &url).header("X-Secret", "origin's");
                    let response = request.send().unwrap();
                    assert_eq!((response.status(), response.is_reused()), (200, round == 1), "{url} {page}");
                    response.into_bytes().unwrap();
                }
                let log = proxy.log();
                let (seen, is_tunnel) = (&log.last().unwrap().to_proxy, page.starts_with("https"));
                assert_eq!(log.last().unwrap().targets[0], target);
                let start = if is_tunnel { format!("CONNECT {target} ") } else { format!("GET {page} ") };
                assert!(seen.starts_with(start.as_bytes()), "{}", String::from_utf8_lossy(seen));
                assert_eq!(contains(seen, BASIC), !credentials.is_empty());
                assert_eq!(contains(seen, "X-Secret"), !is_tunnel, "a tunnel's proxy sees no request");
            }
            assert_eq!(proxy.accepted(), 2);
        }
    }
    for origin in [&site.http, &site.https] {
        assert!(!origin.saw("Proxy-Authorization") && !origin.saw(BASIC) && !origin.saw(SECRET));
        let host = site.target(origin);
        assert!(origin.requests().iter().all(|seen| seen.field("host") == Some(&host)));
    }
}

#[test]
fn socks_proxies_carry_http_and_https_and_get_a_name_or_an_address_as_their_scheme_says() {
    let site = Site::new();
    let client = client();
    for (scheme, credentials, gets_name) in [
        ("socks4", "", false),
        ("socks4", "user@", false),
        ("socks4a", "", true),
        ("socks4a", "user@", true),
        ("socks5", "", false),
        ("socks5", "user:proxy-pass@", false),
        ("socks5h", "", true),
        ("socks5h", "user:proxy-pass@", true),
    ] {
        let builder = site.builder().socks();
        let builder = if credentials.is_empty() { builder } else { builder.credentials("user", SECRET) };
        let proxy = builder.start().unwrap();
        let url = with_scheme(&proxy, scheme, credentials);
        for (target, page) in site.targets() {
            for round in 0..2 {
                let response = site.get(&client, &page, &url).send().unwrap();
                assert_eq!((response.status(), response.is_reused()), (200, round == 1), "{url} {page}");
                response.into_bytes().unwrap();
            }
            let asked = if gets_name { target } else { target.replace("a.test", "127.0.0.1") };
            assert_eq!(proxy.log().last().unwrap().targets, [asked], "{scheme}");
        }
    }
    assert!(!site.http.saw(SECRET) && !site.https.saw(SECRET));
}

#[test]
fn refused_credentials_are_an_error_that_keeps_them_and_no_origin_is_reached() {
    let site = Site::new();
    let client = client();
    let http = site.builder().credentials("user", "another").start().unwrap();
    let socks = site.builder().socks().credentials("user", "another").start().unwrap();
    let [(_, page), (_, secure)] = site.targets();
    let http_as = |credentials: &str| with_scheme(&http, "http", credentials);
    refused(site.get(&client, &secure, &http_as("user:proxy-pass@")), "refused the user name or the password");
    refused(site.get(&client, &secure, &http_as("")), "put them into the proxy's URL");
    // A proxy that forwards answers itself: that is a response like any other.
    for credentials in ["", "user:proxy-pass@"] {
        assert_eq!(site.get(&client, &page, &http_as(credentials)).send().unwrap().status(), 407);
    }
    for page in [&page, &secure] {
        let socks_as = |scheme: &str, credentials: &str| with_scheme(&socks, scheme, credentials);
        refused(site.get(&client, page, &socks_as("socks5h", "user:proxy-pass@")), "refused the user name");
        refused(site.get(&client, page, &socks_as("socks5", "")), "asks for credentials");
        refused(site.get(&client, page, &socks_as("socks4a", "nobody@")), "");
    }
    assert_eq!((site.requests(), site.connections()), (0, 0));
}

#[test]
fn a_proxy_that_refuses_or_talks_nonsense_is_an_error_of_kind_proxy() {
    let site = Site::new();
    let client = client();
    let [_, (_, secure)] = site.targets();
    let nonsense = || ProxyFault::Answer(b"\x16\x03\x01 this is no proxy's answer\r\n\r\n".to_vec());
    for (fault, detail) in [
        (ProxyFault::Refuse(403), "the proxy answered 403"),
        (ProxyFault::Refuse(503), "the proxy answered 503"),
        (nonsense(), "no HTTP/1"),
        (ProxyFault::Answer(Vec::new()), "closed the connection without an answer"),
        (ProxyFault::Answer([b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 1 << 20]].concat()), "is over 32 KiB"),
        (ProxyFault::EarlyBytes(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()), "before anything was asked"),
        (ProxyFault::CloseMidReply, "closed the connection inside its answer"),
    ] {
        let proxy = site.builder().fault(fault).start().unwrap();
        refused(site.get(&client, &secure, &proxy.url()), detail);
    }
    for scheme in ["socks5h", "socks4a"] {
        for fault in [
            ProxyFault::Refuse(5),
            nonsense(),
            ProxyFault::Answer(Vec::new()),
            ProxyFault::EarlyBytes(b"HTTP/1.1 200 OK\r\n\r\n".to_vec()),
            ProxyFault::WrongVersion,
            ProxyFault::CloseMidReply,
        ] {
            let proxy = site.builder().socks().fault(fault).start().unwrap();
            refused(site.get(&client, &secure, &with_scheme(&proxy, scheme, "")), "");
        }
    }
    assert_eq!((site.requests(), client.idle_connections()), (0, 0));
}

#[test]
fn replies_in_single_bytes_are_put_together() {
    let site = Site::new();
    let client = client();
    let [_, (_, secure)] = site.targets();
    let http = site.builder().credentials("user", SECRET).fault(ProxyFault::SplitReplies).start().unwrap();
    let request = site.get(&client, &secure, &with_scheme(&http, "http", "user:proxy-pass@"));
    assert_eq!(request.send().unwrap().status(), 200);
    for (scheme, credentials) in [("socks5h", "user:proxy-pass@"), ("socks4a", "user@")] {
        let builder = site.builder().socks().credentials("user", SECRET);
        let proxy = builder.fault(ProxyFault::SplitReplies).start().unwrap();
        let response = site.get(&client, &secure, &with_scheme(&proxy, scheme, credentials)).send().unwrap();
        assert_eq!(response.status(), 200, "{scheme}");
    }
}

#[test]
fn a_proxy_that_never_answers_ends_at_the_connect_timeout_and_can_be_cancelled() {
    let site = Site::new();
    let client = client();
    let [_, (_, secure)] = site.targets();
    let limit = Duration::from_millis(300);
    for proxy in [site.builder(), site.builder().socks()] {
        let proxy = proxy.fault(ProxyFault::Silent).start().unwrap();
        let start = Instant::now();
        let error = site.get(&client, &secure, &proxy.url()).connect_timeout(limit).send().unwrap_err();
        assert_eq!((error.kind(), error.phase(), error.code()), (Kind::Timeout, Phase::Proxy, "proxy-timeout"));
        let text = "Timeout was reached: connect timeout of 0.3 s while asking the proxy";
        assert!(error.to_string().starts_with(text), "{error}");
        assert!((limit..limit + Duration::from_secs(5)).contains(&start.elapsed()));

        let mut request = site.get(&client, &secure, &proxy.url());
        let handle = request.cancel_handle();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let until = Instant::now() + Duration::from_secs(5);
                while proxy.log().get(1).is_none_or(|proxied| proxied.to_proxy.is_empty()) && Instant::now() < until {
                    std::thread::yield_now();
                }
                handle.cancel();
            });
            let error = request.send().unwrap_err();
            assert_eq!((error.kind(), error.phase()), (Kind::Cancelled, Phase::Proxy), "{error}");
        });
    }
}

#[test]
fn a_proxy_that_cannot_be_used_never_leads_to_a_direct_connection() {
    let site = Site::new();
    let missing = |_: &str| Err(std::io::Error::new(std::io::ErrorKind::NotFound, "no such name"));
    let client = Client::builder().no_proxy().resolver(missing).build().unwrap();
    let hole = BlackHole::new();
    // Addresses need no lookup: a direct connection would work.
    for page in [site.http.url("/get"), site.https.url("/get")] {
        for scheme in ["http", "https", "socks4", "socks4a", "socks5", "socks5h"] {
            let error = site.get(&client, &page, &format!("{scheme}://{}", refused_addr())).send().unwrap_err();
            assert_eq!(
                (error.kind(), error.phase(), error.code()),
                (Kind::Connect, Phase::Proxy, "connect"),
                "{error}"
            );
            assert!(error.to_string().contains("the proxy "), "{error}");
            let error = site.get(&client, &page, &format!("{scheme}://proxy.test:3128")).send().unwrap_err();
            let expected = (Kind::Resolve, Phase::Proxy, "resolve-proxy");
            assert_eq!((error.kind(), error.phase(), error.code()), expected, "{error}");
            assert!(error.to_string().starts_with("Could not resolve proxy name: proxy.test"), "{error}");
        }
        let request = site.get(&client, &page, &format!("http://{}", hole.addr()));
        let error = request.connect_timeout(Duration::from_millis(200)).send().unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Timeout, "connect-timeout"), "{error}");
        for (url, kind) in [
            ("ftp://127.0.0.1:1", Kind::Scheme),
            ("http://", Kind::Url),
            ("http://127.0.0.1:0", Kind::Url),
            ("socks4://user:proxy-pass@127.0.0.1:1", Kind::Input),
        ] {
            let error = site.get(&client, &page, url).send().unwrap_err();
            assert_eq!((error.kind(), error.phase()), (kind, Phase::Prepare), "{error}");
            assert!(!error.to_string().contains(SECRET));
        }
    }
    // TLS to the proxy fails: its certificate is unknown, or it speaks none.
    let unknown = Proxy::https(&Authority::new(), &["127.0.0.1"]);
    let error = site.get(&client, &site.http.url("/get"), &unknown.url()).send().unwrap_err();
    assert_eq!((error.kind(), error.phase(), error.code()), (Kind::Certificate, Phase::Proxy, "tls-certificate"));
    let error =
        site.get(&client, &site.http.url("/get"), &with_scheme(&Proxy::http(), "https", "")).send().unwrap_err();
    assert_eq!((error.kind(), error.phase(), error.code()), (Kind::Tls, Phase::Proxy, "tls"));
    assert_eq!((site.requests(), site.connections()), (0, 0));
}

#[test]
fn a_tunnel_cut_in_the_handshake_or_the_body_is_told_as_such() {
    let site = Site::new();
    let client = client();
    let [_, (_, secure)] = site.targets();
    let proxy = site.builder().fault(ProxyFault::CutAfter(100)).start().unwrap();
    let error = site.get(&client, &secure, &proxy.url()).send().unwrap_err();
    assert_eq!((error.kind(), error.phase(), error.code()), (Kind::Tls, Phase::Tls, "tls"), "{error}");
    let proxy = site.builder().fault(ProxyFault::CutAfter(50_000)).start().unwrap();
    let page = site.https.url_at("a.test", "/bytes/100000");
    let error = site.get(&client, &page, &proxy.url()).send().unwrap().into_bytes().unwrap_err();
    assert_eq!((error.kind(), error.phase(), error.code()), (Kind::Truncated, Phase::Body, "truncated"), "{error}");
}

#[test]
fn connections_through_one_proxy_serve_no_other_proxy_or_user_and_no_direct_request() {
    let site = Site::new();
    let client = client();
    let (http, socks) = (site.builder().start().unwrap(), site.builder().socks().start().unwrap());
    for (_, page) in site.targets() {
        let before = site.connections();
        let ways = [
            with_scheme(&http, "http", "user1:secret1@"),
            with_scheme(&http, "http", "user2:secret2@"),
            with_scheme(&http, "http", "user1:other@"),
            with_scheme(&http, "http", ""),
            with_scheme(&socks, "socks5h", "user1:secret1@"),
            with_scheme(&socks, "socks5h", ""),
            with_scheme(&socks, "socks5", ""),
            with_scheme(&socks, "socks4a", "user1@"),
        ];
        // The first round makes a connection for each way, the second finds it again.
        for round in 0..2 {
            for way in &ways {
                let response = site.get(&client, &page, way).send().unwrap();
                assert_eq!(response.is_reused(), round == 1, "{way} {page}");
                response.into_bytes().unwrap();
            }
            let response = client.get(&page).ca_pem(site.authority.ca_pem()).send().unwrap();
            assert_eq!(response.is_reused(), round == 1, "direct");
            response.into_bytes().unwrap();
        }
        assert_eq!(site.connections() - before, ways.len() + 1);
        client.close_idle();
    }
}
