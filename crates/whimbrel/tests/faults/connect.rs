//! No connection: refused, a black hole, the next address.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use whimbrel::{Client, Kind, Phase};
use whimbrel_testkit::{BlackHole, Origin, refused_addr};

use crate::outcome::{client, failure, millis};

#[test]
fn a_refused_connection_is_an_error_that_names_the_address() {
    let addr = refused_addr();
    let error =
        failure(Kind::Connect, Phase::Connect, "connect", "Could not connect to server: 127.0.0.1 at 127.0.0.1:")
            .of(|| client().get(&format!("http://{addr}/")).send());
    assert!(error.to_string().contains(&addr.to_string()), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}

#[test]
fn a_black_hole_ends_at_the_connect_timeout() {
    let hole = BlackHole::new();
    let text = "Timeout was reached: connect timeout of 0.3 s while connecting";
    failure(Kind::Timeout, Phase::Connect, "connect-timeout", text)
        .after(millis(300), || client().get(&format!("http://{}/", hole.addr())).connect_timeout(millis(300)).send());
}

#[test]
fn a_black_hole_ends_at_the_total_timeout() {
    let hole = BlackHole::new();
    let text = "Timeout was reached: total timeout of 0.3 s while connecting";
    failure(Kind::Timeout, Phase::Connect, "connect-timeout", text)
        .after(millis(300), || client().get(&format!("http://{}/", hole.addr())).total_timeout(millis(300)).send());
}

#[test]
fn an_address_that_refuses_is_followed_by_the_next_one() {
    let origin = Origin::http();
    // Only the last one listens on this port.
    let addresses = [IpAddr::from(Ipv6Addr::LOCALHOST), Ipv4Addr::new(127, 0, 0, 9).into(), Ipv4Addr::LOCALHOST.into()];
    let client = Client::builder().no_proxy().resolver(move |_| Ok(addresses.to_vec())).build().unwrap();
    let response = client.get(&origin.url_at("a.test", "/get")).send().unwrap();
    assert_eq!((response.status(), origin.connections()), (200, 1));
}

#[test]
fn an_error_after_all_addresses_names_one_that_failed() {
    let port = refused_addr().port();
    let addresses = [IpAddr::from(Ipv4Addr::new(127, 0, 0, 9)), Ipv4Addr::new(127, 0, 0, 8).into()];
    let client = Client::builder().no_proxy().resolver(move |_| Ok(addresses.to_vec())).build().unwrap();
    let error = failure(Kind::Connect, Phase::Connect, "connect", "Could not connect to server: a.test at 127.0.0.")
        .of(|| client.get(&format!("http://a.test:{port}/")).send());
    assert!(error.to_string().contains("refused"), "{error}");
}
