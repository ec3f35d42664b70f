//! Raw servers and the faults made of them.

mod support;

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use support::{connect, tls_over};
use whimbrel_testkit::{
    Authority, BlackHole, RawServer, Script, refused_addr, tls_version_refused_server, tls10_server,
};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const LONG: Duration = Duration::from_secs(20);

fn exchange(server: &RawServer) -> (Vec<u8>, io::Result<usize>) {
    let mut client = connect(server.addr());
    client.write_all(REQUEST).unwrap();
    let mut reply = Vec::new();
    let end = client.read_to_end(&mut reply);
    (reply, end)
}

#[test]
fn scripts_are_played_in_turn_and_the_last_one_again() {
    let one = Script::new().expect_head().send("one");
    let server = RawServer::start([one, Script::new().expect_head().send("two").close()]);
    let replies = [exchange(&server).0, exchange(&server).0, exchange(&server).0];
    assert_eq!(replies, [b"one", b"two", b"two"]);
    assert!(server.wait_finished(3, LONG));
    assert_eq!((server.accepted(), server.received()), (3, vec![REQUEST.to_vec(); 3]));
}

#[test]
fn a_script_may_depend_on_the_number_of_the_connection() {
    let server = RawServer::start_each(|index| Script::new().expect_head().send(index.to_string()));
    assert_eq!([exchange(&server).0, exchange(&server).0], [b"0", b"1"]);
}

#[test]
fn a_server_may_listen_on_an_ipv6_address_of_the_tests_choice() {
    let server = RawServer::start_on("[::1]:0".parse().unwrap(), [Script::new().expect_head().send("six")]).unwrap();
    assert_eq!(exchange(&server).0, b"six");
    assert!(server.url("/a").starts_with("http://[::1]:"));
}

#[test]
fn a_reset_is_seen_as_one() {
    let server = RawServer::start([Script::new().expect_head().reset()]);
    assert_eq!(exchange(&server).1.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn bytes_come_one_by_one() {
    let script = Script::new().expect_head().send_slowly("abc", Duration::from_millis(30)).close();
    let server = RawServer::start([script]);
    let mut client = connect(server.addr());
    client.write_all(REQUEST).unwrap();
    let mut pieces = Vec::new();
    let mut buffer = [0; 16];
    while let Ok(read @ 1..) = client.read(&mut buffer) {
        pieces.push(buffer[..read].to_vec());
    }
    assert_eq!(pieces.concat(), b"abc");
}

#[test]
fn a_script_may_begin_again_on_the_same_connection() {
    let server = RawServer::start([Script::new().expect_head().expect_bytes(2).send("ok").again()]);
    let mut client = connect(server.addr());
    for _ in 0..3 {
        client.write_all(REQUEST).unwrap();
        client.write_all(b"xy").unwrap();
        let mut reply = [0; 2];
        client.read_exact(&mut reply).unwrap();
        assert_eq!(&reply, b"ok");
    }
    assert_eq!(server.accepted(), 1);
}

#[test]
fn a_flood_ends_when_the_client_leaves() {
    let server = RawServer::start([Script::new().expect_head().send("head ").send_endlessly("flood ")]);
    let mut client = connect(server.addr());
    client.write_all(REQUEST).unwrap();
    let mut buffer = [0; 100_000];
    client.read_exact(&mut buffer).unwrap();
    assert!(buffer.starts_with(b"head flood flood "));
    drop(client);
    assert!(server.wait_finished(1, LONG));
}

#[test]
fn a_half_closed_connection_still_reads() {
    let server = RawServer::start([Script::new().finish_writing().wait_for_close()]);
    let mut client = connect(server.addr());
    assert_eq!(client.read(&mut [0; 1]).unwrap(), 0);
    client.write_all(b"late").unwrap();
    assert!(server.wait_received(LONG, |received| received[0] == b"late"));
    assert_eq!(server.finished(), 0);
    drop(client);
    assert!(server.wait_finished(1, LONG));
}

#[test]
fn a_slow_upload_is_read_to_its_end() {
    let server =
        RawServer::start([Script::new().expect_bytes_slowly(20_000, Duration::from_millis(1)).send("done").close()]);
    let mut client = connect(server.addr());
    client.write_all(&[7; 20_000]).unwrap();
    let mut reply = String::new();
    client.read_to_string(&mut reply).unwrap();
    assert_eq!((reply.as_str(), server.received()[0].len()), ("done", 20_000));
}

#[test]
fn faults_occur_inside_tls_too() {
    let authority = Authority::new();
    let reply = "HTTP/1.1 200 OK\r\n\r\n";
    let scripts = [
        Script::new().expect_head().send(reply).close(),
        Script::new().expect_head().send(reply).close_without_notify(),
        Script::new().expect_head().send(reply).reset(),
    ];
    let server = RawServer::start_tls(&authority.issue(&["a.test"]), scripts);
    let mut ends = Vec::new();
    for _ in 0..3 {
        let mut client = tls_over(connect(server.addr()), &authority, "a.test", None).unwrap();
        client.write_all(REQUEST).unwrap();
        ends.push(client.read_to_end(&mut Vec::new()).map_err(|error| error.kind()));
    }
    let truncated = Err(io::ErrorKind::UnexpectedEof);
    assert_eq!(ends, [Ok(reply.len()), truncated, Err(io::ErrorKind::ConnectionReset)]);
    assert_eq!(server.received()[2], REQUEST);
}

#[test]
fn a_held_connection_is_let_go_with_its_server() {
    let server = RawServer::start([Script::new().hold_open()]);
    let mut client = connect(server.addr());
    client.write_all(b"x").unwrap();
    while server.accepted() == 0 {
        std::thread::yield_now();
    }
    drop(server);
    // The unread byte may turn the close into a reset.
    assert!(!matches!(client.read(&mut [0; 1]), Ok(1..)));
}

#[test]
fn a_refused_port_refuses() {
    assert_eq!(TcpStream::connect(refused_addr()).unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn a_black_hole_neither_answers_nor_refuses() {
    let hole = BlackHole::new();
    for _ in 0..3 {
        let error = TcpStream::connect_timeout(&hole.addr(), Duration::from_millis(200)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}

#[test]
fn a_modern_client_refuses_an_old_server() {
    let authority = Authority::new();
    let error = tls_over(connect(tls10_server().addr()), &authority, "a.test", None).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{error:?}");
    let server = tls_version_refused_server();
    let error = tls_over(connect(server.addr()), &authority, "a.test", None).unwrap_err();
    assert!(format!("{error:?}").contains("ProtocolVersion"), "{error:?}");
}
