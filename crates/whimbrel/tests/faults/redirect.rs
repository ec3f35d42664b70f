//! Redirects that never end, and responses with one whose body is a trap.

use whimbrel::{Kind, Phase};
use whimbrel_testkit::{RawServer, Script};

use crate::outcome::{client, failure, millis, whole};

#[test]
fn endless_redirects_end_at_the_limit() {
    let script = Script::new().expect_head().send("HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
    let server = RawServer::start([script.again()]);
    let client = client();
    let text = "Number of redirects hit maximum amount: 30 were followed";
    failure(Kind::Redirects, Phase::Done, "redirects", text).of(|| client.get(&server.url("/")).send());
    let text = "Number of redirects hit maximum amount: 2 were followed";
    failure(Kind::Redirects, Phase::Done, "redirects", text)
        .of(|| client.get(&server.url("/")).max_redirects(2).send());
    let asked = server.received().concat().windows(4).filter(|window| window == b"GET ").count();
    assert_eq!(asked, 31 + 3);
    assert!(server.accepted() <= 3, "redirects stay on their connection");
}

#[test]
fn a_redirect_whose_body_is_endless_is_followed_on_another_connection() {
    let redirect = "HTTP/1.1 302 Found\r\nLocation: /next\r\nTransfer-Encoding: chunked\r\n\r\n";
    let server = RawServer::start([
        Script::new().expect_head().send(redirect).send_endlessly("3e8\r\n".to_owned() + &"x".repeat(1000) + "\r\n"),
        Script::new().expect_head().send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
    ]);
    assert_eq!(whole(client().get(&server.url("/"))).unwrap(), (200, b"hi".to_vec()));
    assert_eq!(server.accepted(), 2);
}

#[test]
fn a_redirect_whose_body_is_cut_is_followed_all_the_same() {
    let redirect = "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 10\r\n\r\nhello";
    for end in [Script::close, Script::reset] {
        let server = RawServer::start([
            end(Script::new().expect_head().send(redirect)),
            Script::new().expect_head().send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"),
        ]);
        assert_eq!(whole(client().get(&server.url("/"))).unwrap(), (200, b"hi".to_vec()));
    }
}

#[test]
fn a_redirect_whose_body_drips_keeps_its_connection() {
    let redirect = "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 10\r\n\r\n";
    let server = RawServer::start([Script::new()
        .expect_head()
        .send(redirect)
        .send_slowly([b'x'; 10], millis(30))
        .expect_head()
        .send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")]);
    assert_eq!(whole(client().get(&server.url("/"))).unwrap(), (200, b"hi".to_vec()));
    assert_eq!(server.accepted(), 1);
}

#[test]
fn a_redirect_whose_body_stalls_is_followed_on_another_connection() {
    let redirect = "HTTP/1.1 302 Found\r\nLocation: /next\r\nContent-Length: 40\r\n\r\n";
    let answer = Script::new().expect_head().send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi");
    let server = RawServer::start([Script::new().expect_head().send(redirect).hold_open(), answer]);
    let request = client().get(&server.url("/")).idle_timeout(millis(300)).total_timeout(millis(5000));
    assert_eq!(whole(request).unwrap(), (200, b"hi".to_vec()));
    assert_eq!(server.accepted(), 2);
}
