//! Row 6: a response whose framing is doubtful never leaves its connection for the next request. Every reply on its own is
//! in the codec's tables (`whimbrel-proto`, tests/replies.rs); here it is the pool that must not have the connection.

use whimbrel::Kind;
use whimbrel_testkit::{Origin, RawServer};

use crate::world::{self, always};

const OK: &str = "HTTP/1.1 200 OK\r\n";

/// Asks twice on one client: what both gave, and how many connections it took.
fn twice(method: &str, reply: &str) -> ([Result<Vec<u8>, Kind>; 2], usize) {
    let server = RawServer::start([always(reply)]);
    let client = world::client();
    let ask = || {
        let response = client.request(method, &server.url("/")).send();
        response.and_then(|response| response.into_bytes()).map_err(|error| error.kind())
    };
    let answers = [ask(), ask()];
    (answers, server.accepted())
}

#[test]
fn row_06_a_sound_response_leaves_its_connection_for_the_next_request() {
    for (method, reply) in [
        ("GET", format!("{OK}Content-Length: 2\r\n\r\nhi")),
        ("GET", format!("{OK}Transfer-Encoding: chunked\r\n\r\n2;x=y\r\nhi\r\n0\r\nX-Trailer: 1\r\n\r\n")),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n".into()),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n".into()),
        ("HEAD", format!("{OK}Content-Length: 9\r\n\r\n")),
        ("GET", format!("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n{OK}Content-Length: 0\r\n\r\n")),
    ] {
        let ([first, second], connections) = twice(method, &reply);
        assert!(first.is_ok() && first == second, "{reply}");
        assert_eq!(connections, 1, "{reply}");
    }
}

#[test]
fn row_06_a_doubtful_response_is_delivered_but_never_leaves_its_connection() {
    for (method, reply, body) in [
        ("GET", format!("{OK}Content-Length: 2, 2\r\n\r\nhi"), "hi"),
        ("GET", format!("{OK}Content-Length: 2\r\nContent-Length: 2\r\n\r\nhi"), "hi"),
        ("GET", format!("{OK}Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"), "hi"),
        ("GET", format!("{OK}Transfer-Encoding: chunked\r\n\r\n2 \r\nhi\r\n0\r\n\r\n"), "hi"),
        ("GET", format!("{OK}Content-Length: 2\r\n\r\nhiHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"), "hi"),
        ("GET", "HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\nevil".into(), ""),
        ("GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\nevil".into(), ""),
        ("HEAD", format!("{OK}Content-Length: 4\r\n\r\nevil"), ""),
        ("GET", format!("{OK}Connection: close\r\nContent-Length: 2\r\n\r\nhi"), "hi"),
        ("GET", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi".into(), "hi"),
        ("GET", format!("HTTP/1.1 103 Hints\r\nContent-Length: 5\r\n\r\n{OK}Content-Length: 2\r\n\r\nhi"), "hi"),
    ] {
        let (answers, connections) = twice(method, &reply);
        assert_eq!(answers, [Ok(body.into()), Ok(body.into())], "{reply}");
        assert_eq!(connections, 2, "{reply}");
    }
}

#[test]
fn row_06_a_refused_response_is_an_error_and_never_leaves_its_connection() {
    for (reply, kind) in [
        (format!("{OK}Content-Length: +2\r\n\r\nhi"), Kind::Protocol),
        (format!("{OK}Content-Length: 2, 3\r\n\r\nhi"), Kind::Protocol),
        (format!("{OK}Content-Length: 2\r\nContent-Length: 3\r\n\r\nhi"), Kind::Protocol),
        (format!("{OK}Transfer-Encoding: chunked, identity\r\n\r\n2\r\nhi\r\n0\r\n\r\n"), Kind::Coding),
        (format!("{OK}Transfer-Encoding: xchunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"), Kind::Coding),
        (format!("{OK}Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\nhi"), Kind::Protocol),
        (format!("{OK}Transfer-Encoding: chunked\r\n\r\n-1\r\nhi"), Kind::Protocol),
        (format!("{OK}Transfer-Encoding: chunked\r\n\r\n0x10\r\nhi"), Kind::Protocol),
        (format!("{OK}Transfer-Encoding: chunked\r\n\r\n2\nhi\r\n0\r\n\r\n"), Kind::Protocol),
        (format!("{OK}Content-Length : 2\r\n\r\nhi"), Kind::Protocol),
        (format!("{OK}X: a\r\n b\r\nContent-Length: 2\r\n\r\nhi"), Kind::Protocol),
        (format!("{OK}X: a\rb\r\nContent-Length: 2\r\n\r\nhi"), Kind::Protocol),
        ("HTTP/1.1 101 Switching Protocols\r\nUpgrade: evil\r\n\r\n".into(), Kind::Protocol),
        ("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(100), Kind::TooLarge),
        ("<html>HTTP/0.9</html>\r\n".into(), Kind::Protocol),
    ] {
        let (answers, connections) = twice("GET", &reply);
        assert_eq!(answers, [Err(kind), Err(kind)], "{reply}");
        assert_eq!(connections, 2, "{reply}");
    }
}

#[test]
fn row_06_a_caller_can_not_frame_twice() {
    let origin = Origin::http();
    let client = world::client();
    let post = || client.post(&origin.url("/post")).body("hello");
    for request in [
        post().header("Content-Length", "5").header("content-length", "5"),
        post().header("Content-Length", "6"),
        post().header("Content-Length", "5").header("Transfer-Encoding", "chunked"),
        post().header("transfer-encoding", "identity"),
        post().header("Host", "a.test").header("HOST", "b.test"),
    ] {
        assert_eq!(request.send().unwrap_err().kind(), Kind::Input);
    }
    assert_eq!(origin.connections(), 0);
    assert_eq!(post().header("content-length", "5").send().unwrap().status(), 200);
    assert_eq!(origin.requests()[0].field_values("Content-Length"), ["5"]);
}
