//! Proxies, driven by literal bytes.

mod support;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::Duration;

use support::{Client, connect, plain, tls_over};
use whimbrel_testkit::{Authority, Origin, Proxy, ProxyBuilder, ProxyFault, RawServer, Script, refused_addr};

const CONNECT: &str = "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n";
/// SOCKS 5 without credentials, then a request for a.test:443.
const GREETING: &[u8] = b"\x05\x01\x00";
const REQUEST: &[u8] = b"\x05\x01\x00\x03\x06a.test\x01\xbb";

fn to(origin: &Origin) -> ProxyBuilder {
    Proxy::builder().map("a.test:80", origin.addr()).map("a.test:443", origin.addr())
}

fn read_to_end(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

#[test]
fn requests_in_absolute_form_are_forwarded_without_what_is_the_proxys() {
    let origin = Origin::http();
    let proxy = to(&origin).credentials("user", "proxy-pass").start().unwrap();
    let mut client = plain(proxy.addr());
    assert_eq!(client.get("http://a.test/get", "").status, 407);
    let credentials = "Proxy-Authorization: Basic dXNlcjpwcm94eS1wYXNz\r\n";
    assert_eq!(client.get("http://a.test/get?x=1", credentials).json()["url"], "http://a.test/get?x=1");
    assert_eq!(client.post("http://a.test/post", credentials, b"body").json()["data"], "body");
    let chunked =
        format!("POST http://a.test/post HTTP/1.1\r\nHost: a.test\r\n{credentials}Transfer-Encoding: chunked\r\n\r\n");
    assert_eq!(client.send(chunked).send("2\r\nab\r\n1\r\nc\r\n0\r\n\r\n").reply().json()["data"], "abc");
    assert_eq!((proxy.accepted(), origin.connections()), (1, 1));
    assert!(!origin.saw("Proxy-Authorization") && !origin.saw("dXNlcjpwcm94eS1wYXNz"));
    assert!(origin.saw("Via: 1.1 whimbrel-testkit"));
    let log = &proxy.log()[0];
    assert_eq!(log.targets, ["a.test:80"]);
    assert!(String::from_utf8_lossy(&log.to_proxy).contains("dXNlcjpwcm94eS1wYXNz"));
    assert!(log.from_proxy.starts_with(b"HTTP/1.1 407 "));
    assert!(log.to_target.starts_with(b"GET /get?x=1 HTTP/1.1\r\nHost: a.test\r\n"));
    assert!(log.from_target.starts_with(b"HTTP/1.1 200 OK\r\n"));
}

#[test]
fn one_client_may_ask_for_several_targets() {
    let (a, b) = (Origin::http(), Origin::http());
    let proxy = Proxy::builder().map("a.test:80", a.addr()).map("b.test:8080", b.addr()).start().unwrap();
    let mut client = plain(proxy.addr());
    for _ in 0..3 {
        assert_eq!(client.get("http://a.test/ip", "").status, 200);
        assert_eq!(client.get("http://b.test:8080", "").status, 200);
    }
    assert_eq!((a.request_count(), b.request_count(), proxy.accepted()), (3, 3, 1));
}

#[test]
fn a_tunnel_carries_tls_that_the_proxy_cannot_read() {
    let authority = Authority::new();
    let origin = Origin::https(&authority, &["a.test"]);
    let proxy = to(&origin).start().unwrap();
    let mut stream = connect(proxy.addr());
    stream.write_all(CONNECT.as_bytes()).unwrap();
    let mut granted = [0; 39];
    stream.read_exact(&mut granted).unwrap();
    assert_eq!(&granted, b"HTTP/1.1 200 Connection Established\r\n\r\n");
    let mut client = Client::over(tls_over(stream, &authority, "a.test", None).unwrap());
    assert_eq!(client.get("/get", "Authorization: Bearer secret\r\n").status, 200);
    assert!(origin.saw("Bearer secret"));
    assert_eq!(proxy.seen_by_proxy(), CONNECT.as_bytes());
    let through = String::from_utf8_lossy(&proxy.seen_by_targets()).into_owned();
    assert!(!through.is_empty() && !through.contains("secret"));
}

#[test]
fn a_proxy_under_tls_forwards_and_opens_tunnels() {
    let authority = Authority::new();
    let origin = Origin::https(&authority, &["a.test"]);
    let http = Origin::http();
    let proxy = Proxy::builder()
        .tls(authority.issue(&["proxy.test"]))
        .map("a.test:443", origin.addr())
        .map("a.test:80", http.addr())
        .start()
        .unwrap();
    let stream = tls_over(connect(proxy.addr()), &authority, "proxy.test", None).unwrap();
    assert_eq!(Client::over(stream).get("http://a.test/ip", "").status, 200);

    let mut stream = tls_over(connect(proxy.addr()), &authority, "proxy.test", None).unwrap();
    stream.write_all(CONNECT.as_bytes()).unwrap();
    stream.read_exact(&mut [0; 39]).unwrap();
    let mut inner = Client::over(tls_over(stream, &authority, "a.test", None).unwrap());
    assert_eq!(inner.get("/bytes/1000000", "").body.len(), 1_000_000);
    assert_eq!(inner.post("/post", "", &vec![b'x'; 500_000]).json()["data"].as_str().unwrap().len(), 500_000);
    assert!(proxy.url().starts_with("https://127.0.0.1:"));
}

#[test]
fn socks_5_takes_names_addresses_and_credentials() {
    let origin = Origin::http();
    let proxy = to(&origin).socks().credentials("user", "pass").start().unwrap();
    let mut stream = connect(proxy.addr());
    stream.write_all(b"\x05\x02\x00\x02").unwrap();
    stream.write_all(b"\x01\x04user\x04pass").unwrap();
    stream.write_all(REQUEST).unwrap();
    let mut replies = [0; 14];
    stream.read_exact(&mut replies).unwrap();
    assert_eq!(replies, *b"\x05\x02\x01\x00\x05\x00\x00\x01\0\0\0\0\0\0");
    assert_eq!(Client::over(stream).get("/ip", "").status, 200);
    assert_eq!(proxy.log()[0].targets, ["a.test:443"]);
    assert_eq!(proxy.seen_by_proxy(), [b"\x05\x02\x00\x02\x01\x04user\x04pass", REQUEST].concat());

    let mut wrong = connect(proxy.addr());
    wrong.write_all(b"\x05\x01\x02\x01\x04user\x05wrong").unwrap();
    assert_eq!(read_to_end(wrong), b"\x05\x02\x01\x01");
    let mut without = connect(proxy.addr());
    without.write_all(GREETING).unwrap();
    assert_eq!(read_to_end(without), b"\x05\xff");

    let open = Proxy::socks();
    let mut stream = connect(open.addr());
    let port = origin.addr().port().to_be_bytes();
    stream.write_all(&[GREETING, &[5, 1, 0, 1, 127, 0, 0, 1], &port].concat()).unwrap();
    stream.read_exact(&mut [0; 12]).unwrap();
    assert_eq!(Client::over(stream).get("/ip", "").status, 200);
}

#[test]
fn socks_4_and_4a_are_spoken_too() {
    let origin = Origin::http();
    let proxy = to(&origin).socks().credentials("user", "").start().unwrap();
    let mut stream = connect(proxy.addr());
    stream.write_all(b"\x04\x01\x01\xbb\0\0\0\x01user\0a.test\0").unwrap();
    let mut reply = [0; 8];
    stream.read_exact(&mut reply).unwrap();
    assert_eq!(reply[..2], [0, 90]);
    assert_eq!(Client::over(stream).get("/ip", "").status, 200);
    let mut other = connect(proxy.addr());
    other.write_all(b"\x04\x01\x01\xbb\x7f\0\0\x01other\0").unwrap();
    assert_eq!(read_to_end(other)[..2], [0, 93]);
}

#[test]
fn targets_that_cannot_be_reached_are_told() {
    let closed = refused_addr();
    let proxy = Proxy::builder().map("a.test:443", closed).start().unwrap();
    assert_eq!(plain(proxy.addr()).send(CONNECT).reply().status, 502);
    assert_eq!(plain(proxy.addr()).get("http://unmapped.test/", "").status, 502);
    assert_eq!(plain(proxy.addr()).get("/no-url", "").status, 400);
    let socks = Proxy::builder().socks().map("a.test:443", closed).start().unwrap();
    let mut stream = connect(socks.addr());
    stream.write_all(&[GREETING, REQUEST].concat()).unwrap();
    assert_eq!(read_to_end(stream)[2..4], [5, 5]);
}

#[test]
fn http_proxies_go_wrong_as_told() {
    let origin = Origin::http();
    let whole = |fault: ProxyFault| {
        let proxy = to(&origin).fault(fault).start().unwrap();
        let mut stream = connect(proxy.addr());
        stream.write_all(CONNECT.as_bytes()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        String::from_utf8(read_to_end(stream)).unwrap()
    };
    assert!(whole(ProxyFault::Refuse(403)).starts_with("HTTP/1.1 403 Forbidden\r\n"));
    assert_eq!(whole(ProxyFault::Answer(b"garbage".to_vec())), "garbage");
    assert!(whole(ProxyFault::EarlyBytes(b"early".to_vec())).ends_with("\r\n\r\nearly"));
    assert_eq!(whole(ProxyFault::SplitReplies), "HTTP/1.1 200 Connection Established\r\n\r\n");
    let half = whole(ProxyFault::CloseMidReply);
    assert!(half.starts_with("HTTP/1.1 200") && !half.contains("\r\n\r\n"));
}

#[test]
fn socks_proxies_go_wrong_as_told() {
    let origin = Origin::http();
    let whole = |fault: ProxyFault| {
        let proxy = to(&origin).socks().fault(fault).start().unwrap();
        let mut stream = connect(proxy.addr());
        stream.write_all(&[GREETING, REQUEST].concat()).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        read_to_end(stream)
    };
    let granted = b"\x05\x00\x05\x00\x00\x01\0\0\0\0\0\0";
    assert_eq!(whole(ProxyFault::SplitReplies), granted);
    assert_eq!(whole(ProxyFault::EarlyBytes(b"early".to_vec())), [&granted[..], b"early"].concat());
    assert_eq!(whole(ProxyFault::Refuse(2))[2..4], [5, 2]);
    assert_eq!(whole(ProxyFault::WrongVersion)[0], 9);
    assert_eq!(whole(ProxyFault::CloseMidReply).len(), 7);
}

#[test]
fn a_tunnel_is_cut_where_it_is_told() {
    let origin = Origin::http();
    let proxy = to(&origin).fault(ProxyFault::CutAfter(100)).start().unwrap();
    let mut stream = connect(proxy.addr());
    stream.write_all(CONNECT.as_bytes()).unwrap();
    stream.write_all(b"GET /bytes/100000 HTTP/1.1\r\nHost: a.test\r\n\r\n").unwrap();
    assert_eq!(read_to_end(stream).len(), 39 + 100);
    assert_eq!(proxy.log()[0].from_target.len(), 100);
}

#[test]
fn a_silent_proxy_stays_silent_until_it_is_dropped() {
    let proxy = Proxy::builder().fault(ProxyFault::Silent).start().unwrap();
    let mut stream = connect(proxy.addr());
    stream.write_all(CONNECT.as_bytes()).unwrap();
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || tell.send(read_to_end(stream)));
    assert!(told.recv_timeout(Duration::from_millis(100)).is_err());
    drop(proxy);
    assert_eq!(told.recv_timeout(Duration::from_secs(20)).unwrap(), b"");
}

#[test]
fn the_end_of_a_target_is_passed_on() {
    let target = RawServer::start([Script::new().expect_head().send("bye").close()]);
    let proxy = Proxy::builder().map("a.test:443", target.addr()).start().unwrap();
    let mut stream = connect(proxy.addr());
    stream.write_all(CONNECT.as_bytes()).unwrap();
    stream.write_all(b"head\r\n\r\n").unwrap();
    assert!(read_to_end(stream).ends_with(b"bye"));
    assert!(target.wait_finished(1, Duration::from_secs(20)));
}
