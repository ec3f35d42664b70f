//! Which proxy each hop goes through, and where its credentials stand (threats rows 2 and 14).

use whimbrel_proto::Kind;

use crate::scenario::Draft;

const P: &str = "http://p.test:3128";
/// `u:hush` at P.
const WITH_SECRET: &str = "http://u:hush@p.test:3128";
const SECRET: &str = "Basic dTpodXNo";

#[test]
fn http_is_forwarded_in_absolute_form_and_https_is_tunnelled() {
    Draft::get("http://a.test/x?y").proxy(P).start().forwarded(P).line("GET http://a.test/x?y HTTP/1.1");
    Draft::get("https://a.test/x?y").proxy(P).start().tunnelled(P).line("GET /x?y HTTP/1.1");
    let secure = "https://p.test:443";
    Draft::get("http://a.test/").proxy(secure).start().forwarded(secure);
    for socks in ["socks4", "socks4a", "socks5", "socks5h"] {
        let proxy = format!("{socks}://p.test:1080");
        for scheme in ["http", "https"] {
            let url = format!("{scheme}://a.test/x");
            Draft::get(&url).proxy(&proxy).start().tunnelled(&proxy).line("GET /x HTTP/1.1");
        }
    }
}

#[test]
fn no_userinfo_reaches_the_proxy_in_the_target() {
    Draft::get("http://user:hush@a.test/").proxy(P).start().line("GET http://a.test/ HTTP/1.1").hides("hush");
}

#[test]
fn row_02_the_proxys_credentials_stand_only_in_heads_that_the_proxy_reads() {
    Draft::get("http://a.test/")
        .proxy(WITH_SECRET)
        .start()
        .with("Proxy-Authorization", SECRET)
        .without("Authorization")
        .follows(302, "http://b.test/")
        .with("Proxy-Authorization", SECRET)
        .follows(302, "https://b.test/")
        .tunnelled(P)
        .without("Proxy-Authorization")
        .hides("dTpodXNo");
    Draft::get("http://a.test/").proxy("socks5://u:hush@p.test").start().without("Proxy-Authorization").hides("hush");
}

#[test]
fn row_02_a_proxy_authorization_of_the_callers_own_goes_to_the_proxy_only() {
    let own = |url| Draft::get(url).field("proxy-authorization", "Own hush");
    own("http://a.test/").proxy(WITH_SECRET).start().with("Proxy-Authorization", "Own hush");
    own("http://a.test/").start().without("Proxy-Authorization");
    own("https://a.test/").proxy(P).start().without("Proxy-Authorization");
    own("http://a.test/").proxy("socks5://p.test").start().without("Proxy-Authorization");
    // Away from home the proxy's own credentials stand again.
    let away = own("http://a.test/").proxy(WITH_SECRET).start().follows(302, "http://b.test/");
    away.with("Proxy-Authorization", SECRET);
}

#[test]
fn row_02_the_environment_is_asked_again_at_each_hop() {
    let env = [("http_proxy", WITH_SECRET), ("https_proxy", "http://q.test:3129"), ("no_proxy", "n.test")];
    Draft::get("http://a.test/")
        .env(&env)
        .start()
        .forwarded(P)
        .with("Proxy-Authorization", SECRET)
        .follows(302, "https://a.test/")
        .tunnelled("http://q.test:3129")
        .without("Proxy-Authorization")
        .follows(302, "http://n.test/")
        .direct()
        .line("GET / HTTP/1.1")
        .without("Proxy-Authorization")
        .follows(302, "http://a.test/")
        .forwarded(P)
        .with("Proxy-Authorization", SECRET);
}

#[test]
fn row_14_an_unusable_proxy_is_an_error_and_never_a_direct_connection() {
    let env = [("https_proxy", "gopher://u:hush@p.test")];
    let error = Draft::get("https://a.test/").env(&env).refused();
    assert_eq!(error.kind(), Kind::Scheme);
    assert!(!format!("{error} {error:?}").contains("hush"));
    let error = Draft::get("http://a.test/").env(&env).start().direct().refuses(302, "https://a.test/");
    assert_eq!(error.kind(), Kind::Scheme);
}
