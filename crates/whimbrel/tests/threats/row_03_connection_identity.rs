//! Row 3: two requests share a connection exactly if nothing that makes connections different differs.

use std::collections::HashMap;

use whimbrel::{Client, Kind, RequestBuilder, TlsOptions, TlsVersion};
use whimbrel_testkit::{Authority, Identity, Origin, Proxy};

use crate::world;

const OTHER_PIN: &str = "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

struct Scene {
    plain: [Origin; 2],
    secure: [Origin; 2],
    proxies: [Proxy; 2],
    socks: Proxy,
    ca: String,
    /// Trusts the same authority by another bundle.
    wider_ca: String,
    clients: [Identity; 2],
    /// The authority's key, and a list of its that revokes nothing.
    pin: String,
    list: String,
}

impl Scene {
    fn new() -> Self {
        let authority = Authority::new();
        let plain = [Origin::http(), Origin::http()];
        let secure = [world::secure(&authority), world::secure(&authority)];
        let proxy = |builder: whimbrel_testkit::ProxyBuilder| {
            let origins = plain.iter().chain(&secure);
            let mapped = origins.fold(builder, |builder, origin| {
                builder.map(&format!("a.test:{}", origin.addr().port()), origin.addr())
            });
            mapped.start().unwrap()
        };
        Self {
            proxies: [proxy(Proxy::builder()), proxy(Proxy::builder())],
            socks: proxy(Proxy::builder().socks()),
            ca: authority.ca_pem(),
            wider_ca: authority.ca_pem() + &Authority::new().ca_pem(),
            clients: [authority.issue_client("one"), authority.issue_client("two")],
            pin: authority.pin(),
            list: authority.revocation_list(&[]),
            plain,
            secure,
        }
    }

    /// Specs that differ from each other in one field of a connection's identity, or in the origin.
    fn specs(&self, client: &Client) -> Vec<(&'static str, RequestBuilder)> {
        let https = |name| client.get(&self.secure[0].url_at(name, "/get")).ca_pem(&self.ca);
        let http = |name| client.get(&self.plain[0].url_at(name, "/get"));
        let (https_name, http_name) = (self.name(&self.secure[0]), self.name(&self.plain[0]));
        let [one, two] = &self.clients;
        let user = |name: &str| self.proxies[0].url().replacen("://", &format!("://{name}:pw@"), 1);
        // Looks names up here, so that an override decides what it is asked for.
        let socks = self.socks.url().replacen("socks5h", "socks5", 1);
        let tls = |options: TlsOptions| client.get(&self.secure[0].url_at("a.test", "/get")).tls(options);
        let only = TlsOptions::new().only_roots(&*self.ca);
        let other_plain = self.plain[1].addr().to_string();
        vec![
            ("https", https("a.test")),
            ("https, another host", https("b.test")),
            ("https, another port", client.get(&self.secure[1].url_at("a.test", "/get")).ca_pem(&self.ca)),
            ("https, verify off", https("a.test").danger_accept_invalid_certs(true)),
            ("https, another CA bundle", https("a.test").ca_pem(&self.wider_ca)),
            ("https, client one", https("a.test").client_cert(one.cert_chain_pem(), one.key_pem())),
            ("https, client two", https("a.test").client_cert(two.cert_chain_pem(), two.key_pem())),
            ("https, one root", tls(only.clone())),
            ("https, one root, any name", tls(only.clone().danger_accept_invalid_names(true))),
            ("https, one root, its own name given", tls(only.clone().server_name("a.test"))),
            ("https, one root, another name given", tls(only.clone().server_name("b.test"))),
            ("https, one root, a newer version", tls(only.clone().min_version(TlsVersion::Tls13))),
            ("https, one root, a pin", tls(only.clone().pinned_keys([&self.pin]).unwrap())),
            ("https, one root, a pin and another", tls(only.clone().pinned_keys([&self.pin, OTHER_PIN]).unwrap())),
            ("https, one root, a list", tls(only.clone().revocation_list(&*self.list))),
            ("https, one root, the list twice", tls(only.revocation_list(&*self.list).revocation_list(&*self.list))),
            ("https, its own address given", https("a.test").resolve(&https_name, "127.0.0.1")),
            ("https, another address given", https("a.test").resolve(&https_name, &self.secure[1].addr().to_string())),
            ("https by a proxy", https("a.test").proxy(&self.proxies[0].url())),
            ("https by another proxy", https("a.test").proxy(&self.proxies[1].url())),
            ("https by a user of the proxy", https("a.test").proxy(&user("one"))),
            ("https by another user", https("a.test").proxy(&user("two"))),
            ("http", http("a.test")),
            ("http, another host", http("b.test")),
            ("http, a trailing dot", http("a.test.")),
            ("http, its address as the host", client.get(&self.plain[0].url("/get"))),
            ("http, another address given", http("a.test").resolve(&http_name, &other_plain)),
            ("http by a proxy", http("a.test").proxy(&self.proxies[0].url())),
            ("http by another proxy", http("a.test").proxy(&self.proxies[1].url())),
            ("http by a user of the proxy", http("a.test").proxy(&user("one"))),
            ("http by SOCKS", http("a.test").proxy(&socks)),
            ("http by SOCKS, another address given", http("a.test").proxy(&socks).resolve(&http_name, &other_plain)),
            ("http by SOCKS, names looked up there", http("a.test").proxy(&self.socks.url())),
        ]
    }

    fn name(&self, origin: &Origin) -> String {
        format!("a.test:{}", origin.addr().port())
    }

    /// The connection that the latest request came on, over all origins.
    fn connection(&self, counts: &mut [usize; 4]) -> (usize, usize) {
        let origins = self.plain.iter().chain(&self.secure).collect::<Vec<_>>();
        let moved: Vec<usize> = (0..4).filter(|&index| origins[index].request_count() > counts[index]).collect();
        let [origin] = moved[..] else { panic!("one request reached {moved:?}") };
        counts[origin] += 1;
        (origin, origins[origin].requests().pop().unwrap().connection)
    }
}

/// Also that an override is followed: the request reaches the origin that it names.
#[test]
fn row_03_specs_share_a_connection_exactly_if_they_are_the_same_in_everything_that_matters() {
    let scene = Scene::new();
    let client = world::builder().max_idle(100).build().unwrap();
    let mut counts = [0; 4];
    let mut connections: HashMap<(usize, usize), &str> = HashMap::new();
    // Every spec once in order, then 200 in an order of no order.
    let mut random = world::Random::new(3);
    let count = scene.specs(&client).len();
    let order = (0..count).chain(std::iter::from_fn(|| Some(random.below(count))).take(200));
    let mut asked = vec![false; count];
    for (turn, index) in order.enumerate() {
        let (name, request) = scene.specs(&client).swap_remove(index);
        let mut response = request.send().unwrap_or_else(|error| panic!("{name}: {error}"));
        response.read_to_end(&mut Vec::new()).unwrap();
        assert_eq!(response.is_reused(), asked[index], "{name}, turn {turn}");
        asked[index] = true;
        let connection = scene.connection(&mut counts);
        let owner = *connections.entry(connection).or_insert(name);
        assert_eq!(owner, name, "turn {turn} came on the other's connection");
        let overridden = name.contains("another address") || name == "https, another port";
        assert_eq!(connection.0 % 2, usize::from(overridden), "{name}");
    }
    assert_eq!(connections.len(), count);
    assert_eq!(client.idle_connections(), count);
}

#[test]
fn row_03_what_was_taken_without_verification_is_never_trusted_afterwards() {
    let origin = world::secure(&Authority::new());
    let client = world::client();
    let url = origin.url_at("a.test", "/get");
    for _ in 0..3 {
        let response = client.get(&url).danger_accept_invalid_certs(true).send().unwrap();
        response.into_bytes().unwrap();
        // Neither the kept connection nor its session ticket is used.
        assert_eq!(client.get(&url).send().unwrap_err().kind(), Kind::Certificate);
    }
    client.close_idle();
    assert_eq!(client.get(&url).send().unwrap_err().kind(), Kind::Certificate);
}

#[test]
fn row_03_sessions_share_nothing() {
    let origin = Origin::http();
    let url = origin.url("/get");
    let (one, two) = (world::client(), world::client());
    for round in 0..3 {
        for client in [&one, &two, &one.clone()] {
            let response = client.get(&url).send().unwrap();
            response.into_bytes().unwrap();
            assert_eq!(client.idle_connections(), 1, "round {round}");
        }
    }
    assert_eq!(origin.connections(), 2);
}
