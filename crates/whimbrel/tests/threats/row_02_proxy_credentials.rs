//! Row 2, with Basic: a proxy's credentials are seen by that proxy and by nobody else.

use whimbrel::Kind;
use whimbrel_testkit::{Authority, Origin, Proxy};

use crate::world::{self, SECRET, SECRET_BASIC, knows_the_secret, leading_to, shows_the_secret};

struct Scene {
    authority: Authority,
    plain: Origin,
    secure: Origin,
    /// Wants `user:hush`.
    p: Proxy,
    /// Wants nothing.
    q: Proxy,
}

fn scene() -> Scene {
    let authority = Authority::new();
    let (plain, secure) = (Origin::http(), world::secure(&authority));
    let proxy = |builder: whimbrel_testkit::ProxyBuilder| {
        let plain_name = format!("a.test:{}", plain.addr().port());
        let secure_name = format!("a.test:{}", secure.addr().port());
        builder.map(&plain_name, plain.addr()).map(&secure_name, secure.addr()).start().unwrap()
    };
    let p = proxy(Proxy::builder().credentials("user", SECRET));
    let q = proxy(Proxy::builder());
    Scene { authority, plain, secure, p, q }
}

fn with_credentials(proxy: &Proxy, user: &str, password: &str) -> String {
    proxy.url().replacen("://", &format!("://{user}:{password}@"), 1)
}

#[test]
fn row_02_the_origin_another_proxy_and_a_direct_request_never_see_a_proxys_credentials() {
    let Scene { authority, plain, secure, p, q } = scene();
    let client = world::builder().ca_pem(authority.ca_pem()).build().unwrap();
    let p_url = with_credentials(&p, "user", SECRET);
    for url in [plain.url_at("a.test", "/get"), secure.url_at("a.test", "/get")] {
        for _ in 0..2 {
            assert_eq!(client.get(&url).proxy(&p_url).send().unwrap().status(), 200);
            assert_eq!(client.get(&url).proxy(&q.url()).send().unwrap().status(), 200);
            assert_eq!(client.get(&url).send().unwrap().status(), 200);
        }
    }
    let onwards = leading_to(&plain, "a.test", &secure.url_at("a.test", "/anything"));
    assert_eq!(client.get(&onwards).proxy(&p_url).send().unwrap().status(), 200);
    assert!(shows_the_secret(&p.seen_by_proxy()), "the proxy that wants them got them");
    assert!(!shows_the_secret(&p.seen_by_targets()));
    assert!(!shows_the_secret(&q.seen_by_proxy()) && !shows_the_secret(&q.seen_by_targets()));
    for origin in [&plain, &secure] {
        assert!(!knows_the_secret(origin));
        assert!(origin.requests().iter().all(|seen| seen.field("Proxy-Authorization").is_none()));
    }
}

#[test]
fn row_02_a_forwarded_head_and_a_connect_carry_the_credentials_once() {
    let Scene { authority, plain, secure, p, .. } = scene();
    let client = world::builder().ca_pem(authority.ca_pem()).build().unwrap();
    let p_url = with_credentials(&p, "user", SECRET);
    client.get(&plain.url_at("a.test", "/get")).proxy(&p_url).send().unwrap();
    client.get(&secure.url_at("a.test", "/get")).proxy(&p_url).send().unwrap();
    let seen = String::from_utf8(p.seen_by_proxy()).unwrap();
    assert_eq!(seen.matches("Proxy-Authorization:").count(), 2, "{seen}");
    assert_eq!(seen.matches(SECRET_BASIC).count(), 2, "{seen}");
}

#[test]
fn row_02_a_tunnel_of_one_user_is_never_anothers() {
    let Scene { authority, plain, secure, p, .. } = scene();
    let client = world::builder().ca_pem(authority.ca_pem()).build().unwrap();
    let (url, http) = (secure.url_at("a.test", "/get"), plain.url_at("a.test", "/get"));
    for _ in 0..2 {
        let response = client.get(&url).proxy(&with_credentials(&p, "user", SECRET)).send().unwrap();
        assert_eq!(response.into_bytes().map(|_| ()).map_err(|error| error.kind()), Ok(()));
        let error = client.get(&url).proxy(&with_credentials(&p, "other", SECRET)).send().unwrap_err();
        assert_eq!(error.kind(), Kind::Proxy, "{error}");
        let error = client.get(&url).proxy(&p.url()).send().unwrap_err();
        assert_eq!(error.kind(), Kind::Proxy, "{error}");
        assert!(!error.to_string().contains(SECRET));
        let request = |proxy: &str| client.get(&http).proxy(proxy).send().unwrap().status();
        assert_eq!(request(&with_credentials(&p, "user", SECRET)), 200);
        assert_eq!(request(&with_credentials(&p, "user", "wrong")), 407);
        assert_eq!(request(&p.url()), 407);
    }
    // The tunnel of the right user was kept and used again.
    assert_eq!(secure.connections(), 1);
}

#[test]
fn row_02_the_environments_proxies_and_exceptions_hold_at_each_hop() {
    if std::env::var_os("WHIMBREL_THREATS_START").is_some() {
        return environment_child();
    }
    let Scene { authority, plain, secure, p, q } = scene();
    let exempt = Origin::http();
    let folder = world::Folder::new("environment");
    authority.write_ca(folder.0.join("ca.pem")).unwrap();
    // a.test by P, on to https by Q, on to b.test by none, and back.
    let back = plain.url_at("a.test", "/anything");
    let third = leading_to(&exempt, "b.test", &back);
    let start = leading_to(&plain, "a.test", &leading_to(&secure, "a.test", &third));
    let output = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "row_02_proxy_credentials::row_02_the_environments_proxies_and_exceptions_hold_at_each_hop"])
        .env_clear()
        .env("WHIMBREL_THREATS_START", &start)
        .env("WHIMBREL_THREATS_CA", folder.0.join("ca.pem"))
        .env("http_proxy", with_credentials(&p, "user", SECRET))
        .env("HTTPS_PROXY", q.url())
        .env("NO_PROXY", "c.test, .b.test")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert_eq!((plain.request_count(), secure.request_count(), exempt.request_count()), (2, 1, 1));
    assert_eq!(q.log()[0].targets, [format!("a.test:{}", secure.addr().port())]);
    assert!(p.log().iter().all(|entry| entry.targets.iter().all(|target| target.starts_with("a.test:"))));
    assert!(shows_the_secret(&p.seen_by_proxy()));
    assert!(!shows_the_secret(&q.seen_by_proxy()));
    assert!([&plain, &secure, &exempt].into_iter().all(|origin| !knows_the_secret(origin)));
}

/// In a process of its own, since the environment is the process's.
fn environment_child() {
    let var = |name| std::env::var(name).unwrap();
    let client = whimbrel::Client::builder()
        .resolver(|_| Ok(vec!["127.0.0.1".parse().unwrap()]))
        .total_timeout(world::PATIENCE)
        .build()
        .unwrap();
    let request = client.get(&var("WHIMBREL_THREATS_START")).ca_file(var("WHIMBREL_THREATS_CA"));
    let response = request.send().unwrap();
    assert_eq!((response.status(), response.redirects()), (200, 3));
}
