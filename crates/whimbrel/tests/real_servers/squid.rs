//! squid: plain requests in absolute form, tunnels, credentials, and what it refuses.

use std::path::Path;

use whimbrel::{Body, Client, Kind, Phase};
use whimbrel_testkit::{Authority, Origin, refused_addr};

use crate::pattern;
use crate::server::{Folder, Server, free_port};

/// `user` with the password `s3cret`, as `openssl passwd -apr1` writes it.
const USERS: &str = "user:$apr1$whimbrel$g7Hv7eWHjSj0kNsAOoiIT1\n";
const CREDENTIALS: &str = "user:s3cret@";

struct Squid {
    _server: Server,
    port: u16,
    tls_port: u16,
    /// What the proxy's own certificate stands on.
    authority: Authority,
}

impl Drop for Squid {
    /// What it shares with processes of its own stays when it is killed.
    fn drop(&mut self) {
        for part in ["metadata", "queues", "readers"] {
            let _ = std::fs::remove_file(format!("/dev/shm/whimbrel{}-cf__{part}.shm", self.port));
        }
    }
}

impl Squid {
    /// Starts squid with these access rules. It knows `a.test` and `b.test`, asks no name server and keeps nothing.
    fn start(rules: &str) -> Self {
        let folder = Folder::new("squid");
        folder.write("hosts", "127.0.0.1 a.test b.test\n");
        folder.write("users", USERS);
        let (port, tls_port) = (free_port(), free_port());
        let authority = folder.certify();
        let directory = folder.path().display();
        folder.write(
            "squid.conf",
            format!(
                "http_port 127.0.0.1:{port}
https_port 127.0.0.1:{tls_port} tls-cert={directory}/server.pem tls-key={directory}/server.key
visible_hostname proxy.test
pid_filename none
access_log none
cache_log /dev/null
cache_store_log none
cache deny all
cache_mem 0
coredump_dir none
hosts_file {directory}/hosts
dns_nameservers 127.0.0.1
auth_param basic program {helper} {directory}/users
auth_param basic realm proxy
auth_param basic children 2 startup=1
acl known proxy_auth REQUIRED
{rules}
",
                helper = helper()
            ),
        );
        let configuration = folder.path().join("squid.conf");
        // Its service name keeps what squids share apart.
        let service = format!("whimbrel{port}");
        let arguments = ["-N", "-d", "1", "-n", &service, "-f", configuration.to_str().unwrap()];
        let _server = Server::start("squid", "squid", &arguments, &[port, tls_port], folder);
        Self { _server, port, tls_port, authority }
    }

    /// A client that goes through the plain port and trusts origins of this authority.
    fn client(&self, credentials: &str, authority: &Authority) -> Client {
        client(&format!("http://{credentials}127.0.0.1:{}", self.port), authority.ca_pem())
    }

    /// A client that goes through the TLS port and trusts the proxy, and origins of the proxy's authority.
    fn tls_client(&self, credentials: &str) -> Client {
        client(&format!("https://{credentials}127.0.0.1:{}", self.tls_port), self.authority.ca_pem())
    }
}

fn client(proxy: &str, ca_pem: String) -> Client {
    let builder = Client::builder().proxy(proxy).ca_pem(ca_pem);
    builder.resolver(|name| panic!("{name} is the proxy's to look up")).build().unwrap()
}

/// squid's helper for credentials from a file, where the distributions keep it.
fn helper() -> &'static str {
    let places = ["/usr/lib/squid/basic_ncsa_auth", "/usr/lib64/squid/basic_ncsa_auth", "/usr/libexec/basic_ncsa_auth"];
    places.into_iter().find(|place| Path::new(place).exists()).unwrap_or_else(|| {
        panic!("squid's basic_ncsa_auth is in none of {places:?}: install the package squid (cargo xtask setup does)")
    })
}

#[test]
fn plain_requests_to_any_origin_share_a_connection_and_credentials_stay_with_the_proxy() {
    let (one, other) = (Origin::http(), Origin::http());
    let squid = Squid::start("http_access allow known\nhttp_access deny all");
    let client = squid.client(CREDENTIALS, &Authority::new());
    for (round, origin) in [&one, &other, &one].into_iter().enumerate() {
        let response = client.get(&origin.url_at("a.test", "/get?a=1")).send().unwrap();
        assert_eq!((response.status(), response.is_reused()), (200, round > 0));
        assert!(response.header("via").is_some_and(|via| via.contains("proxy.test")), "{response:?}");
        response.into_bytes().unwrap();
        let seen = origin.requests().pop().unwrap();
        assert_eq!(seen.target, "/get?a=1");
        assert_eq!(seen.field("host"), Some(&*format!("a.test:{}", origin.addr().port())));
        assert_eq!(seen.field("proxy-authorization"), None);
    }
}

#[test]
fn bodies_go_through_squid_whole_in_every_framing() {
    let authority = Authority::new();
    let origins = [Origin::http(), Origin::https(&authority, &["a.test"])];
    let squid = Squid::start("http_access allow all");
    let client = squid.client("", &authority);
    let bytes = pattern(4 << 20);
    for origin in &origins {
        let url = origin.url_at("a.test", "/anything");
        let mut sums = Vec::new();
        for expect in [true, false] {
            for length in [Some(4 << 20), None] {
                let body = Body::reader(std::io::Cursor::new(bytes.clone()), length);
                let response = client.put(&url).expect_continue(expect).body(body).send().unwrap();
                assert_eq!(response.status(), 200);
                response.into_bytes().unwrap();
                let seen = origin.requests().pop().unwrap();
                assert_eq!(seen.body_length, 4 << 20);
                sums.push(seen.body_sha256);
            }
        }
        sums.dedup();
        assert_eq!(sums.len(), 1);
        let response = client.get(&origin.url_at("a.test", "/stream-bytes/100000?seed=3")).send().unwrap();
        assert_eq!(response.into_bytes().unwrap().len(), 100_000);
        let response = client.get(&origin.url_at("a.test", "/gzip")).send().unwrap();
        assert!(response.into_text().unwrap().contains("\"gzipped\": true"));
    }
}

#[test]
fn a_tunnel_carries_tls_to_the_origin_and_is_kept() {
    let authority = Authority::new();
    let (origin, other) = (Origin::https(&authority, &["a.test"]), Origin::https(&authority, &["b.test"]));
    let squid = Squid::start("http_access allow known\nhttp_access deny all");
    let client = squid.client(CREDENTIALS, &authority);
    for round in 0..3 {
        let response = client.get(&origin.url_at("a.test", "/get")).send().unwrap();
        assert_eq!((response.status(), response.is_reused()), (200, round > 0));
        assert_eq!(response.header("via"), None);
        response.into_bytes().unwrap();
    }
    let seen = origin.requests().pop().unwrap();
    assert_eq!((seen.server_name.as_deref(), seen.field("proxy-authorization")), (Some("a.test"), None));
    assert_eq!(origin.connections(), 1);
    // Another origin gets a tunnel of its own, and its certificate is judged by its own name.
    let response = client.get(&other.url_at("b.test", "/get")).send().unwrap();
    assert!(!response.is_reused());
    let error = client.get(&other.url_at("a.test", "/get")).send().unwrap_err();
    assert_eq!(error.kind(), Kind::Certificate, "{error}");
}

#[test]
fn without_the_right_credentials_squid_answers_407_and_opens_no_tunnel() {
    let authority = Authority::new();
    let (plain, secure) = (Origin::http(), Origin::https(&authority, &["a.test"]));
    let squid = Squid::start("http_access allow known\nhttp_access deny all");
    for credentials in ["", "user:wrong-s3cret@", "nobody:s3cret@"] {
        let client = squid.client(credentials, &authority);
        let response = client.get(&plain.url_at("a.test", "/get")).send().unwrap();
        assert_eq!((response.status(), response.header("proxy-authenticate")), (407, Some("Basic realm=\"proxy\"")));
        let error = client.get(&secure.url_at("a.test", "/get")).send().unwrap_err();
        assert_eq!((error.kind(), error.phase()), (Kind::Proxy, Phase::Proxy), "{error}");
        let told = format!("{error} {error:?}");
        assert!(told.contains("407"), "{told}");
        assert!(!told.contains("s3cret"), "{told}");
    }
    assert_eq!((plain.connections(), secure.connections()), (0, 0));
}

#[test]
fn what_squid_denies_is_a_403_and_no_tunnel() {
    let authority = Authority::new();
    let (plain, secure) = (Origin::http(), Origin::https(&authority, &["a.test", "b.test"]));
    let squid = Squid::start("acl denied dstdomain b.test\nhttp_access deny denied\nhttp_access allow all");
    let client = squid.client("", &authority);
    assert_eq!(client.get(&plain.url_at("a.test", "/get")).send().unwrap().status(), 200);
    assert_eq!(client.get(&plain.url_at("b.test", "/get")).send().unwrap().status(), 403);
    assert_eq!(client.get(&secure.url_at("a.test", "/get")).send().unwrap().status(), 200);
    let error = client.get(&secure.url_at("b.test", "/get")).send().unwrap_err();
    assert_eq!(error.kind(), Kind::Proxy, "{error}");
    assert!(error.to_string().contains("403"), "{error}");
    assert_eq!((plain.request_count(), secure.request_count()), (1, 1));
}

#[test]
fn an_origin_that_squid_cannot_reach_is_its_503() {
    let authority = Authority::new();
    let squid = Squid::start("http_access allow all");
    let client = squid.client("", &authority);
    let port = refused_addr().port();
    assert_eq!(client.get(&format!("http://a.test:{port}/")).send().unwrap().status(), 503);
    let error = client.get(&format!("https://a.test:{port}/")).send().unwrap_err();
    assert_eq!(error.kind(), Kind::Proxy, "{error}");
    assert!(error.to_string().contains("503"), "{error}");
}

#[test]
fn over_tls_to_the_proxy_plain_requests_and_tunnels_go_as_without() {
    let squid = Squid::start("http_access allow known\nhttp_access deny all");
    let (plain, secure) = (Origin::http(), Origin::https(&squid.authority, &["a.test"]));
    let client = squid.tls_client(CREDENTIALS);
    for round in 0..3 {
        for origin in [&plain, &secure] {
            let response = client.get(&origin.url_at("a.test", "/bytes/300000?seed=1")).send().unwrap();
            assert_eq!((response.status(), response.is_reused()), (200, round > 0));
            assert_eq!(response.into_bytes().unwrap().len(), 300_000);
            let response = client.post(&origin.url_at("a.test", "/anything")).body(vec![7; 3 << 20]).send().unwrap();
            assert_eq!((response.status(), response.is_reused()), (200, true));
            response.into_bytes().unwrap();
            let seen = origin.requests().pop().unwrap();
            assert_eq!((seen.body_length, seen.field("proxy-authorization")), (3 << 20, None));
        }
    }
    let error = squid.tls_client("").get(&secure.url_at("a.test", "/get")).send().unwrap_err();
    assert_eq!(error.kind(), Kind::Proxy, "{error}");
}

#[test]
fn a_proxy_whose_certificate_is_not_trusted_hears_nothing() {
    let squid = Squid::start("http_access allow all");
    let origin = Origin::http();
    let proxy = format!("https://{CREDENTIALS}127.0.0.1:{}", squid.tls_port);
    let stranger = client(&proxy, Authority::new().ca_pem());
    let error = stranger.get(&origin.url_at("a.test", "/get")).send().unwrap_err();
    assert_eq!(error.kind(), Kind::Certificate, "{error}");
    assert_eq!(origin.connections(), 0);
}
