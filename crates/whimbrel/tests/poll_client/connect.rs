//! From a host to a connection: names, ports, proxies, TLS, and how each of them fails.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use whimbrel::{Client, PollClient, PollError, PollMethod, PollStatus, TlsOptions};
use whimbrel_testkit::{Authority, BlackHole, Origin, Proxy, RawServer, Script, refused_addr};

use crate::{PATIENCE, ask, read_all, read_pieces, settle};

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/// Every name is loopback, but for those that begin with `no`.
fn client() -> PollClient {
    let resolver = |name: &str| match name.starts_with("no") {
        true => Err(std::io::ErrorKind::NotFound.into()),
        false => Ok(vec![IpAddr::from(Ipv4Addr::LOCALHOST)]),
    };
    Client::builder().no_proxy().resolver(resolver).build().unwrap().poll_client()
}

#[test]
fn a_host_that_is_none_fails_as_godot_says() {
    for (host, port, answer, status, end) in [
        ("", 80, Err(PollError::InvalidParameter), PollStatus::Disconnected, PollStatus::Disconnected),
        ("a", 80, Err(PollError::InvalidParameter), PollStatus::Disconnected, PollStatus::Disconnected),
        ("127.0.0.1/path", 80, Ok(()), PollStatus::Resolving, PollStatus::CantResolve),
        ("ftp://127.0.0.1", 80, Ok(()), PollStatus::Resolving, PollStatus::CantResolve),
        ("127.0.0.1", 0, Err(PollError::InvalidParameter), PollStatus::CantConnect, PollStatus::CantConnect),
        ("127.0.0.1", 65536, Err(PollError::InvalidParameter), PollStatus::CantConnect, PollStatus::CantConnect),
        ("nowhere.test", 80, Ok(()), PollStatus::Resolving, PollStatus::CantResolve),
    ] {
        let mut client = client();
        assert_eq!(client.connect_to_host(host, port, None), answer, "{host:?}");
        assert_eq!(client.status(), status, "{host:?}");
        let last = settle(&mut client);
        assert_eq!(client.status(), end, "{host:?}");
        if status != end {
            assert_eq!(last, Err(PollError::CantResolve));
        }
        assert!(client.error().is_some() && !client.has_connection());
        assert!(client.poll().is_err());
    }
}

#[test]
fn a_refused_and_a_silent_port_are_cant_connect() {
    let mut client = client();
    client.connect_to_host("127.0.0.1", i64::from(refused_addr().port()), None).unwrap();
    assert_eq!(settle(&mut client), Err(PollError::CantConnect));
    assert_eq!((client.status(), client.poll()), (PollStatus::CantConnect, Err(PollError::CantConnect)));
    let hole = BlackHole::new();
    client.set_connect_timeout(Duration::from_millis(50));
    client.connect_to_host("127.0.0.1", i64::from(hole.addr().port()), None).unwrap();
    assert_eq!(settle(&mut client), Err(PollError::CantConnect));
    assert!(client.error().unwrap().to_string().contains("0.05 s"));
}

#[test]
fn ipv6_addresses_are_taken_with_brackets_and_without() {
    let Ok(server) =
        RawServer::start_on("[::1]:0".parse().unwrap(), [Script::new().expect_head().send(HELLO).wait_for_close()])
    else {
        return; // A machine without IPv6.
    };
    let port = i64::from(server.addr().port());
    for host in ["::1", "[::1]", "http://[::1]"] {
        let mut client = client();
        client.connect_to_host(host, port, None).unwrap();
        settle(&mut client).unwrap();
        ask(&mut client, PollMethod::Get, "/").unwrap();
        assert_eq!(read_all(&mut client), b"hello", "{host}");
    }
    let seen = String::from_utf8(server.received()[0].clone()).unwrap();
    assert!(seen.contains(&format!("\r\nHost: [::1]:{port}\r\n")), "{seen}");
}

#[test]
fn connecting_again_closes_what_there_was() {
    let server =
        RawServer::start([Script::new().wait_for_close(), Script::new().expect_head().send(HELLO).wait_for_close()]);
    let port = i64::from(server.addr().port());
    let mut client = client();
    client.connect_to_host("a.test", port, None).unwrap();
    settle(&mut client).unwrap();
    client.connect_to_host("a.test", port, None).unwrap();
    assert_ne!(client.status(), PollStatus::Connected);
    settle(&mut client).unwrap();
    ask(&mut client, PollMethod::Get, "/").unwrap();
    assert_eq!(read_all(&mut client), b"hello");
}

#[test]
fn tls_is_spoken_as_the_options_say() {
    let authority = Authority::new();
    let server =
        RawServer::start_tls(&authority.issue(&["a.test"]), [Script::new().expect_head().send(HELLO).wait_for_close()]);
    let port = i64::from(server.addr().port());
    let trusting = || TlsOptions::new().only_roots(authority.ca_pem());
    for (host, options, status) in [
        ("a.test", Some(trusting()), PollStatus::Connected),
        ("https://a.test", Some(trusting()), PollStatus::Connected),
        ("https://a.test", None, PollStatus::TlsHandshakeError),
        ("b.test", Some(trusting()), PollStatus::TlsHandshakeError),
        ("b.test", Some(trusting().server_name("a.test")), PollStatus::Connected),
        ("a.test", Some(trusting().server_name("b.test")), PollStatus::TlsHandshakeError),
        ("b.test", Some(TlsOptions::new().danger_accept_invalid_certs(true)), PollStatus::Connected),
        ("b.test", Some(trusting().danger_accept_invalid_names(true)), PollStatus::Connected),
        ("a.test", Some(TlsOptions::new()), PollStatus::TlsHandshakeError),
    ] {
        let mut client = client();
        client.connect_to_host(host, port, options).unwrap();
        let last = settle(&mut client);
        assert_eq!(client.status(), status, "{host}: {:?}", client.error());
        if status == PollStatus::Connected {
            ask(&mut client, PollMethod::Get, "/").unwrap();
            assert_eq!(read_all(&mut client), b"hello");
        } else {
            assert_eq!(last, Err(PollError::CantConnect));
            assert_eq!(client.poll(), Err(PollError::ConnectionError));
        }
    }
}

#[test]
fn a_peer_may_speak_first_over_tls() {
    let authority = Authority::new();
    let script = Script::new().send("first").expect_bytes(6).send("third").wait_for_close();
    let server = RawServer::start_tls(&authority.issue(&["a.test"]), [script]);
    let mut client = client();
    let options = TlsOptions::new().only_roots(authority.ca_pem());
    client.connect_to_host("a.test", i64::from(server.addr().port()), Some(options)).unwrap();
    settle(&mut client).unwrap();
    let mut said = |wanted: &[u8]| {
        let begun = Instant::now();
        while client.connection_available() < wanted.len() {
            client.poll().unwrap();
            assert!(begun.elapsed() < PATIENCE);
        }
        let mut buffer = [0; 16];
        let count = client.connection_recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..count], wanted);
        client.connection_send(b"second").unwrap();
    };
    said(b"first");
    said(b"third");
}

#[test]
fn one_read_gives_all_the_tls_records_that_are_there() {
    let authority = Authority::new();
    // Four records, and less than any socket holds.
    let body = vec![b'b'; 60_000];
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    let script = Script::new().expect_head().send([head.as_bytes(), &body].concat()).close();
    let server = RawServer::start_tls(&authority.issue(&["a.test"]), [script]);
    let mut client = client();
    let options = TlsOptions::new().only_roots(authority.ca_pem());
    client.connect_to_host("a.test", i64::from(server.addr().port()), Some(options)).unwrap();
    settle(&mut client).unwrap();
    ask(&mut client, PollMethod::Get, "/").unwrap();
    assert!(server.wait_finished(1, PATIENCE), "the whole body was sent");
    let pieces: Vec<usize> = read_pieces(&mut client).iter().map(Vec::len).collect();
    assert_eq!(pieces.iter().sum::<usize>(), body.len());
    assert!(pieces.len() <= 2, "what came with the head, and the rest, not {pieces:?}");
}

#[test]
fn a_body_that_the_end_of_tls_ends_is_whole_only_with_its_goodbye() {
    let authority = Authority::new();
    let head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil eof";
    for (script, end) in [
        (Script::new().expect_head().send(head).close(), PollStatus::Disconnected),
        (Script::new().expect_head().send(head).close_without_notify(), PollStatus::ConnectionError),
    ] {
        let server = RawServer::start_tls(&authority.issue(&["a.test"]), [script]);
        let mut client = client();
        let options = TlsOptions::new().only_roots(authority.ca_pem());
        client.connect_to_host("a.test", i64::from(server.addr().port()), Some(options)).unwrap();
        settle(&mut client).unwrap();
        ask(&mut client, PollMethod::Get, "/").unwrap();
        assert_eq!(read_all(&mut client), b"until eof");
        assert_eq!(client.status(), end);
    }
}

#[test]
fn proxies_forward_plain_requests_and_tunnel_tls() {
    let authority = Authority::new();
    let (http, https) = (Origin::http(), Origin::https(&authority, &["a.test"]));
    let proxy = Proxy::builder()
        .map(&format!("a.test:{}", http.addr().port()), http.addr())
        .map(&format!("a.test:{}", https.addr().port()), https.addr())
        .start()
        .unwrap();
    let proxy_port = i64::from(proxy.addr().port());
    let mut client = client();
    client.set_http_proxy("127.0.0.1", proxy_port);
    client.set_https_proxy("127.0.0.1", proxy_port);
    client.connect_to_host("a.test", i64::from(http.addr().port()), None).unwrap();
    settle(&mut client).unwrap();
    for url in ["/get".to_owned(), format!("http://a.test:{}/get", http.addr().port())] {
        ask(&mut client, PollMethod::Get, &url).unwrap();
        assert_eq!(client.response_code(), 200);
        read_all(&mut client);
    }
    let options = TlsOptions::new().only_roots(authority.ca_pem());
    client.connect_to_host("a.test", i64::from(https.addr().port()), Some(options)).unwrap();
    settle(&mut client).unwrap();
    ask(&mut client, PollMethod::Get, "/get").unwrap();
    assert_eq!(client.response_code(), 200);
    assert_eq!((http.request_count(), https.request_count(), proxy.accepted()), (2, 1, 2));
    // Taken back, they are used no more; a refusal is CANT_CONNECT.
    client.set_http_proxy("", -1);
    client.connect_to_host("127.0.0.1", i64::from(http.addr().port()), None).unwrap();
    settle(&mut client).unwrap();
    assert_eq!(proxy.accepted(), 2);
    client.connect_to_host("denied.test", 443, Some(TlsOptions::new())).unwrap();
    assert_eq!(settle(&mut client), Err(PollError::CantConnect));
    assert_eq!(client.status(), PollStatus::CantConnect);
}
