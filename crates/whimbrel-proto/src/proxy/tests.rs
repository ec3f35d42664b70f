//! Handshakes as a proxy sees them: literal bytes in both directions, split anywhere.

use proptest::prelude::*;

use super::*;

const TARGET: &str = "a.test";

fn start(proxy: &str, host: &str, addr: Option<&str>) -> Result<Handshake> {
    let host = match url::Host::parse(host).unwrap() {
        url::Host::Domain(name) => Host::Domain(name.into()),
        url::Host::Ipv4(addr) => Host::V4(addr),
        url::Host::Ipv6(addr) => Host::V6(addr),
    };
    let addr = addr.map(|addr| addr.parse().unwrap());
    Handshake::new(&ProxyUri::parse(proxy)?, HandshakeTarget { host: &host, port: 443, addr }, None)
}

/// Sends all output.
fn sent(handshake: &mut Handshake) -> Vec<u8> {
    let bytes = handshake.output().to_vec();
    handshake.sent(bytes.len());
    assert!(handshake.output().is_empty());
    bytes
}

/// Plays `(what is sent, what the proxy answers)`; the answers come in pieces of `piece` bytes.
fn play(mut handshake: Handshake, script: &[(&[u8], &[u8])], piece: usize) -> Result<()> {
    for (index, (expected, answer)) in script.iter().enumerate() {
        assert_eq!(sent(&mut handshake).escape_ascii().to_string(), expected.escape_ascii().to_string());
        for part in answer.chunks(piece) {
            assert!(!handshake.is_done(), "done before the end of answer {index}");
            assert_eq!(handshake.receive(part)?, part.len());
        }
    }
    assert!(handshake.is_done() && handshake.output().is_empty());
    Ok(())
}

/// The error of a dialogue whose last answer is refused.
fn refusal(proxy: &str, script: &[&[u8]]) -> String {
    let mut texts = [1, 3, usize::MAX].map(|piece| {
        let mut handshake = start(proxy, TARGET, Some("10.0.0.7")).unwrap();
        for answer in script {
            sent(&mut handshake);
            for part in answer.chunks(piece) {
                assert!(!handshake.is_done());
                if let Err(error) = handshake.receive(part) {
                    assert_eq!((error.kind(), error.phase()), (Kind::Proxy, Phase::Proxy));
                    return error.to_string();
                }
            }
        }
        panic!("{script:?} was not refused")
    });
    assert!(texts.iter().all(|text| *text == texts[0]), "{texts:?}");
    std::mem::take(&mut texts[0])
}

#[test]
fn connect_asks_for_host_and_port_with_credentials_for_the_proxy() {
    for (proxy, host, request) in [
        ("http://p", TARGET, "CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n"),
        ("https://p", "[::1]", "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n\r\n"),
        (
            "http://Aladdin:open%20sesame@p",
            "10.0.0.7",
            "CONNECT 10.0.0.7:443 HTTP/1.1\r\nHost: 10.0.0.7:443\r\n\
             Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n",
        ),
    ] {
        let answer = b"HTTP/1.1 200 Connection established\r\n\r\n";
        play(start(proxy, host, None).unwrap(), &[(request.as_bytes(), answer)], 7).unwrap();
    }
}

#[test]
fn a_2xx_opens_the_tunnel_whatever_its_fields_claim() {
    let request: &[u8] = b"CONNECT a.test:443 HTTP/1.1\r\nHost: a.test:443\r\n\r\n";
    for answer in [
        "HTTP/1.0 200 \r\n\r\n",
        "HTTP/1.1 200\r\n\r\n",
        "HTTP/1.1 204 No\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nX: y\r\n\r\nHTTP/1.1 299 ok\r\nX: y\r\n\r\n",
    ] {
        for piece in 1..=answer.len() {
            play(start("http://p", TARGET, None).unwrap(), &[(request, answer.as_bytes())], piece).unwrap();
        }
    }
}

#[test]
fn an_answer_that_opens_no_tunnel_is_an_error_that_says_why() {
    let flood = "HTTP/1.1 100 x\r\n\r\n".repeat(5000);
    let long = format!("HTTP/1.1 200 ok\r\nX: {}\r\n\r\n", "y".repeat(40_000));
    let fields = format!("HTTP/1.1 200 ok\r\n{}\r\n", "x: y\r\n".repeat(101));
    for (answer, expected) in [
        ("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno", "the proxy answered 403"),
        ("HTTP/1.1 502 Bad Gateway\r\n\r\n", "the proxy answered 502"),
        ("HTTP/1.1 301 Moved\r\nLocation: http://b.test/\r\n\r\n", "the proxy answered 301"),
        ("HTTP/1.1 101 Switching\r\n\r\n", "the proxy answered 101"),
        ("HTTP/1.1 407 Auth\r\nProxy-Authenticate: Basic\r\n\r\n", "put them into the proxy's URL"),
        ("HTTP/2 200\r\n\r\n", "is no HTTP/1"),
        ("\x05\x00", "is no HTTP/1"),
        ("\x15\x03\x01", "is no HTTP/1"),
        ("HTTP/1.1 200 ok\n\n", "is no HTTP/1"),
        ("HTTP/1.1 2x0 ok\r\n\r\n", "is no HTTP/1"),
        ("HTTP/1.1 200 ok\r\nbad field: x\r\n\r\n", "is no HTTP/1"),
        ("HTTP/1.1 200 ok\r\n folded\r\n\r\n", "is no HTTP/1"),
        (&flood, "is over 32 KiB"),
        (&long, "is over 32 KiB"),
        (&fields, "too many fields"),
    ] {
        let error = refusal("http://p", &[answer.as_bytes()]);
        assert!(error.contains(expected), "{answer:.40?}: {error}");
    }
    let error = refusal("http://alice:hunter2@p", &[b"HTTP/1.1 407 Auth\r\n\r\n"]);
    assert!(error.contains("refused the user name or the password") && !error.contains("hunter2"), "{error}");
}

/// A TLS client speaks first: what comes before that is not from the target (threats, the small list).
#[test]
fn bytes_behind_the_answer_are_refused() {
    for (proxy, answers) in [
        ("http://p", vec![&b"HTTP/1.1 200 ok\r\n\r\n!"[..]]),
        ("socks4://p", vec![&b"\0\x5a\0\0\0\0\0\0!"[..]]),
        ("socks5://p", vec![&b"\x05\0"[..], &b"\x05\0\0\x01\0\0\0\0\0\0!"[..]]),
    ] {
        let mut handshake = start(proxy, TARGET, Some("10.0.0.7")).unwrap();
        let mut result = Ok(0);
        for answer in answers {
            sent(&mut handshake);
            result = handshake.receive(answer);
        }
        let error = result.unwrap_err();
        assert_eq!(error.kind(), Kind::Proxy);
        assert!(error.to_string().contains("before anything was asked"), "{error}");
    }
}

#[test]
fn an_answer_to_what_was_not_sent_is_refused() {
    for (proxy, answer) in [
        ("http://p", &b"HTTP/1.1 200 ok\r\n\r\n"[..]),
        ("socks4://p", b"\0\x5a\0\0\0\0\0\0"),
        ("socks5://p", b"\x05\0"),
    ] {
        let mut handshake = start(proxy, TARGET, Some("10.0.0.7")).unwrap();
        handshake.sent(2);
        let error = handshake.receive(answer).unwrap_err();
        assert!(error.to_string().contains("before it was asked"), "{error}");
    }
}

#[test]
fn socks_requests_are_as_their_protocols_say() {
    const DONE_4: &[u8] = b"\0\x5a\x01\xbb\x0a\0\0\x07";
    const DONE_5: &[u8] = b"\x05\0\0\x01\x7f\0\0\x01\x01\xbb";
    const DONE_5_V6: &[u8] = b"\x05\0\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x01\xbb";
    const DONE_5_NAME: &[u8] = b"\x05\0\0\x03\x04boxy\x01\xbb";
    const NONE: (&[u8], &[u8]) = (b"\x05\x01\0", b"\x05\0");
    type Script<'a> = &'a [(&'a [u8], &'a [u8])];
    let cases: &[(&str, &str, Option<&str>, Script<'_>)] = &[
        ("socks4://p", TARGET, Some("10.0.0.7"), &[(b"\x04\x01\x01\xbb\x0a\0\0\x07\0", DONE_4)]),
        ("socks4://me@p", "10.0.0.8", None, &[(b"\x04\x01\x01\xbb\x0a\0\0\x08me\0", DONE_4)]),
        ("socks4a://me@p", TARGET, None, &[(b"\x04\x01\x01\xbb\0\0\0\x01me\0a.test\0", DONE_4)]),
        ("socks4a://p", "10.0.0.8", None, &[(b"\x04\x01\x01\xbb\x0a\0\0\x08\0", DONE_4)]),
        ("socks5://p", TARGET, Some("10.0.0.7"), &[NONE, (b"\x05\x01\0\x01\x0a\0\0\x07\x01\xbb", DONE_5)]),
        ("socks5h://p", TARGET, None, &[NONE, (b"\x05\x01\0\x03\x06a.test\x01\xbb", DONE_5_NAME)]),
        ("socks5h://p", "10.0.0.8", None, &[NONE, (b"\x05\x01\0\x01\x0a\0\0\x08\x01\xbb", DONE_5_V6)]),
        (
            "socks5://p",
            "[::1]",
            None,
            &[NONE, (b"\x05\x01\0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x01\xbb", DONE_5_V6)],
        ),
        (
            "socks5h://me:pw%20@p",
            TARGET,
            None,
            &[
                (b"\x05\x02\0\x02", b"\x05\x02"),
                (b"\x01\x02me\x03pw ", b"\x01\0"),
                (b"\x05\x01\0\x03\x06a.test\x01\xbb", DONE_5),
            ],
        ),
        // Credentials are not sent to a proxy that doesn't want them.
        (
            "socks5h://me:pw@p",
            TARGET,
            None,
            &[(b"\x05\x02\0\x02", b"\x05\0"), (b"\x05\x01\0\x03\x06a.test\x01\xbb", DONE_5)],
        ),
    ];
    for (proxy, host, addr, script) in cases {
        for piece in [1, 2, 3, 5, usize::MAX] {
            play(start(proxy, host, *addr).unwrap(), script, piece).unwrap_or_else(|error| panic!("{proxy}: {error}"));
        }
    }
}

#[test]
fn socks_refusals_say_what_the_proxy_said() {
    for (proxy, script, expected) in [
        ("socks4://p", &[&b"\0\x5b\0\0\0\0\0\0"[..]][..], "could not or would not reach the target"),
        ("socks4a://p", &[b"\0\x5d\0\0\0\0\0\0"], "does not accept this user"),
        ("socks4a://p", &[b"\0\x20\0\0\0\0\0\0"], "unknown SOCKS4 code 32"),
        ("socks4://p", &[b"HTTP/1.1 400 Bad Request\r\n"], "is no SOCKS4"),
        ("socks5://p", &[b"HTTP/1.1 400 Bad Request\r\n"], "is no SOCKS5"),
        ("socks5://p", &[b"\x05\xff"], "put user name and password into the proxy's URL"),
        ("socks5://me:pw@p", &[b"\x05\xff"], "accepts neither"),
        ("socks5://p", &[b"\x05\x02"], "was not offered"),
        ("socks5://me:pw@p", &[b"\x05\x01"], "was not offered"),
        ("socks5://me:pw@p", &[b"\x05\x02", b"\x01\x01"], "refused the user name or the password"),
        ("socks5://p", &[b"\x05\0", b"\x05\x01"], "the proxy failed"),
        ("socks5://p", &[b"\x05\0", b"\x05\x02"], "rules do not allow"),
        ("socks5://p", &[b"\x05\0", b"\x05\x04\0\x01\0\0\0\0\0\0"], "can't reach the target's host"),
        ("socks5://p", &[b"\x05\0", b"\x05\x05"], "the target refused"),
        ("socks5://p", &[b"\x05\0", b"\x05\x63"], "unknown code (SOCKS5 code 99)"),
        ("socks5://p", &[b"\x05\0", b"\x04\0"], "is no SOCKS5"),
        ("socks5://p", &[b"\x05\0", b"\x05\0\0\x02"], "is no SOCKS5"),
    ] {
        let error = refusal(proxy, script);
        assert!(error.contains(expected), "{script:?}: {error}");
    }
}

/// threats row 5, and the names over 255 bytes of its small list
#[test]
fn what_a_protocol_cannot_carry_is_refused_before_a_byte_is_sent() {
    let long = Host::Domain(["a".repeat(63).as_str(); 5].join(".").into());
    let host = |name: &str| Host::Domain(name.into());
    let v6 = Host::V6("::1".parse().unwrap());
    let cases = [
        ("socks4a://p", long.clone(), None, None),
        ("socks5h://p", long, None, None),
        ("socks4://p", v6.clone(), None, None),
        ("socks4a://p", v6, None, None),
        ("socks4://p", host(TARGET), Some("::1"), None),
        ("socks4://p", host(TARGET), None, None),
        ("socks5://p", host(TARGET), None, None),
        ("http://p", host("a.test\r\nX: y"), None, None),
        ("http://p", host("a\0"), None, None),
        ("socks5h://p", host("a\n"), None, None),
        ("socks4a://p", host("a\0b"), None, None),
        ("http://p", host("a b"), None, None),
        ("http://p", host(""), None, None),
        ("http://p", host(TARGET), None, Some("x\r\ny: z")),
        ("http://p", host(TARGET), None, Some("x\0")),
    ];
    for (proxy, host, addr, user_agent) in cases {
        let addr = addr.map(|addr| addr.parse().unwrap());
        let target = HandshakeTarget { host: &host, port: 443, addr };
        let error = Handshake::new(&ProxyUri::parse(proxy).unwrap(), target, user_agent).expect_err(proxy);
        assert_eq!(error.kind(), Kind::Input, "{proxy} {host}: {error}");
    }
}

#[test]
fn a_closed_connection_is_told_by_whether_an_answer_had_begun() {
    for (proxy, part) in [("http://p", &b"HTTP/1.1 200"[..]), ("socks4://p", b"\0"), ("socks5://p", b"\x05")] {
        let mut handshake = start(proxy, TARGET, Some("10.0.0.7")).unwrap();
        sent(&mut handshake);
        assert!(handshake.receive_eof().to_string().contains("without an answer"));
        handshake.receive(part).unwrap();
        assert!(handshake.receive_eof().to_string().contains("inside its answer"));
    }
}

#[test]
fn the_user_agent_is_shown_to_http_proxies() {
    let host = Host::Domain(TARGET.into());
    let target = HandshakeTarget { host: &host, port: 443, addr: None };
    let handshake = Handshake::new(&ProxyUri::parse("http://u:hunter2@p").unwrap(), target, Some("Bird/1")).unwrap();
    let request = String::from_utf8(handshake.output().to_vec()).unwrap();
    assert!(request.ends_with("\r\nUser-Agent: Bird/1\r\n\r\n"), "{request}");
    let shown = format!("{handshake:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("dTpodW50ZXIy"), "{shown}");
}

proptest! {
    /// Whatever a proxy sends, in whatever pieces: no panic, and the same verdict as in one piece.
    #[test]
    fn answers_mean_the_same_in_any_pieces(
        proxy in prop::sample::select(vec!["http://p", "socks4://p", "socks5://p", "socks5h://me:pw@p"]),
        answer in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..40),
            prop::collection::vec(prop::sample::select(b"\0\x01\x02\x03\x04\x05\x5a".to_vec()), 0..40),
            "HTTP/1\\.[01] [12450]{3}( ok)?\r\n([ab]: [a-c]{0,3}\r\n){0,3}\r\n.{0,3}".prop_map(String::into_bytes),
        ],
        piece in 1..10usize,
    ) {
        // A piece that ends a reply exactly is where a proxy has to wait for us: replies are played back to back.
        let verdict = |piece: usize| {
            let mut handshake = start(proxy, TARGET, Some("10.0.0.7")).unwrap();
            for part in answer.chunks(piece) {
                sent(&mut handshake);
                match handshake.receive(part) {
                    Ok(taken) => assert_eq!(taken, part.len()),
                    Err(error) => return Err(error.to_string()),
                }
                if handshake.is_done() {
                    return Ok(true);
                }
            }
            Ok(handshake.is_done())
        };
        let by_bytes = verdict(1);
        let by_pieces = verdict(piece);
        // Pieces may join a reply with what a proxy can't have been asked for yet; that is refused.
        if let Ok(done) = by_pieces {
            prop_assert_eq!(Ok(done), by_bytes);
        }
    }
}
