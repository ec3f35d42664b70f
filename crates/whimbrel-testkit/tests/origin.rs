//! The origin, asked by literal bytes.

mod support;

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use support::{connect, plain, tls_over};
use whimbrel_testkit::{Authority, Origin, TlsVersions, bytes_of_seed};

#[test]
fn get_answers_in_httpbins_shape() {
    let origin = Origin::http();
    let reply = plain(origin.addr()).get("/get?b=2&a=1&b=3", "X-lower-CASE: v\r\nX-lower-case: w\r\n");
    assert_eq!(reply.status, 200);
    assert_eq!(reply.field("Content-Type"), Some("application/json"));
    let json = reply.json();
    assert_eq!(json["args"], serde_json::json!({ "a": "1", "b": ["2", "3"] }));
    assert_eq!(json["headers"], serde_json::json!({ "Host": "a.test", "X-Lower-Case": "v,w" }));
    assert_eq!(json["origin"], "127.0.0.1");
    assert_eq!(json["url"], "http://a.test/get?b=2&a=1&b=3");
}

#[test]
fn post_answers_with_data_json_form_and_files() {
    let origin = Origin::http();
    let mut client = plain(origin.addr());
    let json = client.post("/post", "Content-Type: application/json\r\n", br#"{"a":[1]}"#).json();
    assert_eq!((&json["data"], &json["json"]["a"][0]), (&r#"{"a":[1]}"#.into(), &1.into()));
    let form = client.post("/anything/x", "Content-Type: application/x-www-form-urlencoded\r\n", b"a=1+2&b=%41").json();
    assert_eq!(form["form"], serde_json::json!({ "a": "1 2", "b": "A" }));
    assert_eq!((&form["data"], &form["method"]), (&"".into(), &"POST".into()));
    let binary = client.post("/post", "", b"\xff\x00").json();
    assert_eq!(binary["data"], "data:application/octet-stream;base64,/wA=");
    let content = b"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"n\"\r\n\r\ntext\r\n--b--\r\n";
    let files = client.post("/post", "Content-Type: multipart/form-data; boundary=b\r\n", content).json();
    assert_eq!(files["files"], serde_json::json!({ "f": "text" }));
}

#[test]
fn requests_are_recorded_with_the_order_and_case_of_their_fields() {
    let origin = Origin::http();
    plain(origin.addr())
        .send(
            "POST /post HTTP/1.1\r\nzEBRA: 1\r\nHOST: a.test\r\nTransfer-Encoding: chunked\r\n\r\n\
        3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\nTrailer: x\r\n\r\n",
        )
        .reply();
    plain(origin.addr()).get("/ip", "Authorization: secret-token\r\n");
    let seen = origin.requests();
    assert_eq!(seen.len(), 2);
    let names: Vec<&str> = seen[0].fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["zEBRA", "HOST", "Transfer-Encoding"]);
    assert_eq!((&seen[0].body[..], seen[0].body_length), (&b"abcde"[..], 5));
    assert_eq!(seen[0].body_sha256, "36bbe50ed96841d10443bcb670d6554f0a34b761be67ec9c4a8ad2c0c44ca42c");
    assert_eq!((seen[0].connection, seen[1].connection), (0, 1));
    assert_eq!((origin.connections(), origin.request_count()), (2, 2));
    assert!(origin.saw("secret-token"));
    assert!(!origin.saw("other-token"));
}

#[test]
fn head_has_the_fields_of_get_and_no_content() {
    let origin = Origin::http();
    let mut client = plain(origin.addr());
    for path in ["/get", "/gzip", "/bytes/100000000000", "/range/10", "/html", "/image/png", "/stream/3", "/status/404"]
    {
        client.send(format!("HEAD {path} HTTP/1.1\r\nHost: a.test\r\n\r\n"));
        let reply = client.reply_to(true);
        assert_eq!(reply.status, if path == "/status/404" { 404 } else { 200 }, "{path}");
    }
    // Nothing of a body was in between, or this reply would not be one.
    assert_eq!(client.get("/get", "").status, 200);
    assert_eq!(origin.connections(), 1);
}

#[test]
fn malformed_requests_are_refused_and_the_connection_is_closed() {
    let origin = Origin::http();
    for request in [
        "GET / HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
        "POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na",
        "POST /post HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0x1\r\na\r\n0\r\n\r\n",
        "POST /post HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
    ] {
        let mut client = plain(origin.addr());
        assert_eq!(client.send(request).reply().status, 400, "{request:?}");
        assert!(client.is_closed(), "{request:?}");
    }
}

#[test]
fn unknown_paths_methods_and_numbers_are_refused() {
    let origin = Origin::http();
    let mut client = plain(origin.addr());
    assert_eq!(client.get("/nothing", "").status, 404);
    let reply = client.post("/get", "", b"");
    assert_eq!((reply.status, reply.field("Allow")), (405, Some("GET, HEAD, OPTIONS")));
    assert_eq!(client.get("/bytes/-1", "").status, 400);
    assert_eq!(client.get("/status/99", "").status, 400);
    assert_eq!(client.get("/redirect/0", "").status, 400);
    assert_eq!(client.get("/", "").status, 200);
}

#[test]
fn redirects_lead_to_get() {
    let origin = Origin::http();
    let mut client = plain(origin.addr());
    let location = |client: &mut support::Client<std::net::TcpStream>, path: &str| {
        let reply = client.get(path, "");
        (reply.status, reply.field("Location").unwrap().to_owned())
    };
    assert_eq!(location(&mut client, "/redirect/3"), (302, "/relative-redirect/2".to_owned()));
    assert_eq!(location(&mut client, "/relative-redirect/1"), (302, "/get".to_owned()));
    assert_eq!(location(&mut client, "/absolute-redirect/2"), (302, "http://a.test/absolute-redirect/1".to_owned()));
    let to = "/redirect-to?url=http%3A%2F%2Fb.test%2F%0D%0AX-Injected%3A%201&status_code=307";
    assert_eq!(location(&mut client, to), (307, "http://b.test/  X-Injected: 1".to_owned()));
    assert_eq!(location(&mut client, "/status/308"), (308, "/redirect/1".to_owned()));
}

#[test]
fn cookies_are_shown_set_and_deleted() {
    let origin = Origin::http();
    let mut client = plain(origin.addr());
    let shown = client.get("/cookies", "Cookie: b=2; a=1\r\n").json();
    assert_eq!(shown, serde_json::json!({ "cookies": { "a": "1", "b": "2" } }));
    let set = client.get("/cookies/set/name/value", "");
    assert_eq!((set.status, set.field("Set-Cookie")), (302, Some("name=value; Path=/")));
    assert!(client.get("/cookies/delete?name", "").field("Set-Cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(client.get("/cookies/set/a%0D%0Ab/c", "").status, 400);
}

#[test]
fn credentials_are_checked() {
    let origin = Origin::http();
    let mut client = plain(origin.addr());
    let challenged = client.get("/basic-auth/user/pass", "");
    assert_eq!(challenged.field("WWW-Authenticate"), Some("Basic realm=\"Fake Realm\""));
    let right = "Authorization: Basic dXNlcjpwYXNz\r\n";
    assert_eq!(client.get("/basic-auth/user/pass", right).json()["user"], "user");
    assert_eq!(client.get("/basic-auth/user/other", right).status, 401);
    assert_eq!(client.get("/hidden-basic-auth/user/other", right).status, 404);
    assert_eq!(client.get("/bearer", "").status, 401);
    assert_eq!(client.get("/bearer", "Authorization: Bearer abc\r\n").json()["token"], "abc");
}

/// What a client answers to a challenge (RFC 7616 §3.4.1), with MD5 and qop "auth".
fn digest_answer(challenge: &str, path: &str, password: &str, count: &str) -> String {
    use md5::Digest as _;
    let md5 = |text: String| -> String { md5::Md5::digest(text).iter().map(|byte| format!("{byte:02x}")).collect() };
    let of = |name: &str| challenge.split_once(&format!("{name}=\"")).unwrap().1.split('"').next().unwrap().to_owned();
    let (realm, nonce, opaque) = (of("realm"), of("nonce"), of("opaque"));
    let secret = md5(format!("user:{realm}:{password}"));
    let action = md5(format!("GET:{path}"));
    let response = md5(format!("{secret}:{nonce}:{count}:abc:auth:{action}"));
    format!(
        "Authorization: Digest username=\"user\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{path}\", qop=auth, \
         nc={count}, cnonce=\"abc\", response=\"{response}\", opaque=\"{opaque}\", algorithm=MD5\r\n"
    )
}

#[test]
fn digest_credentials_are_good_for_one_target_and_never_twice() {
    let origin = Origin::http();
    let mut client = plain(origin.addr());
    let path = "/digest-auth/auth/user/pass";
    let challenge = client.get(path, "").field("WWW-Authenticate").unwrap().to_owned();
    assert!(challenge.starts_with("Digest realm=") && challenge.contains("qop=\"auth\""), "{challenge}");
    let right = digest_answer(&challenge, path, "pass", "00000001");
    let reply = client.get(path, &right);
    assert_eq!((reply.status, reply.json()["user"].as_str()), (200, Some("user")));
    assert!(reply.field("Authentication-Info").unwrap().contains("nc=00000001"));
    let replayed = client.get(path, &right);
    assert_eq!(replayed.status, 401);
    assert!(replayed.field("WWW-Authenticate").unwrap().contains("stale=true"));
    assert_eq!(client.get(path, &digest_answer(&challenge, path, "pass", "00000002")).status, 200);
    let wrong = client.get(path, &digest_answer(&challenge, path, "other", "00000003"));
    assert_eq!(wrong.status, 401);
    assert!(!wrong.field("WWW-Authenticate").unwrap().contains("stale"));
    let elsewhere = digest_answer(&challenge, "/digest-auth/auth/user/pass?x", "pass", "00000004");
    assert_eq!(client.get(path, &elsewhere).status, 401);
}

#[test]
fn a_nonce_goes_stale_after_the_uses_it_is_good_for() {
    let origin = Origin::http();
    let mut client = plain(origin.addr());
    let path = "/digest-auth/auth/user/pass/MD5/1";
    let challenge = client.get(path, "").field("WWW-Authenticate").unwrap().to_owned();
    assert_eq!(client.get(path, &digest_answer(&challenge, path, "pass", "00000001")).status, 200);
    let stale = client.get(path, &digest_answer(&challenge, path, "pass", "00000002"));
    let challenge = stale.field("WWW-Authenticate").unwrap().to_owned();
    assert!(stale.status == 401 && challenge.contains("stale=true"), "{challenge}");
    assert_eq!(client.get(path, &digest_answer(&challenge, path, "pass", "00000001")).status, 200);
    assert!(client.get("/digest-auth/auth-int/u/p/SHA-256", "").field("WWW-Authenticate").unwrap().contains("SHA-256"));
    assert_eq!(client.get("/digest-auth/auth/u/p/SHA-1", "").status, 400);
}

#[test]
fn early_refusals_spare_the_client_its_upload() {
    let origin = Origin::http();
    let head = "Host: a.test\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
    let mut client = plain(origin.addr());
    assert_eq!(client.send(format!("POST /post HTTP/1.1\r\n{head}")).reply().status, 100);
    assert_eq!(client.send("abc").reply().json()["data"], "abc");
    assert_eq!(client.send(format!("POST /status/413 HTTP/1.1\r\n{head}")).reply().status, 413);
    assert!(client.is_closed());
}

#[test]
fn informational_statuses_come_ahead_of_a_final_one() {
    let origin = Origin::http();
    let mut client = plain(origin.addr());
    assert_eq!(client.get("/status/103", "").status, 103);
    assert_eq!(client.reply().status, 200);
    assert_eq!(client.get("/status/204", "").status, 204);
    assert_eq!(client.get("/status/304", "").status, 304);
}

#[test]
fn ranges_conditions_and_validators_work_together() {
    let origin = Origin::http();
    let mut client = plain(origin.addr());
    let part = client.get("/range/100", "Range: bytes=24-27\r\n");
    assert_eq!((part.status, part.text()), (206, "yzab"));
    assert_eq!(part.field("Content-Range"), Some("bytes 24-27/100"));
    assert_eq!(client.get("/range/100", "Range: bytes=0-0\r\nIf-Range: \"range100\"\r\n").status, 206);
    assert_eq!(client.get("/range/100", "Range: bytes=0-0\r\nIf-Range: \"range99\"\r\n").body.len(), 100);
    let beyond = client.get("/range/100", "Range: bytes=100-\r\n");
    assert_eq!((beyond.status, beyond.field("Content-Range")), (416, Some("bytes */100")));
    assert_eq!(client.get("/etag/x", "If-None-Match: W/\"y\", W/\"x\"\r\n").status, 304);
    assert_eq!(client.get("/etag/x", "If-Match: \"y\"\r\n").status, 412);
    assert_eq!(client.get("/etag/x", "").field("ETag"), Some("\"x\""));
    assert_eq!(client.get("/cache", "If-Modified-Since: x\r\n").status, 304);
    assert_eq!(client.get("/cache/9", "").field("Cache-Control"), Some("public, max-age=9"));
}

#[test]
fn bytes_and_streams_are_those_of_their_seed() {
    let origin = Origin::http();
    let mut client = plain(origin.addr());
    let wanted = bytes_of_seed(3, 150_000);
    assert!(client.get("/bytes/150000?seed=3", "").body == wanted);
    assert!(client.get("/stream-bytes/150000?seed=3&chunk_size=777", "").body == wanted);
    let lines = client.get("/stream/3", "");
    assert_eq!(lines.text().lines().count(), 3);
    assert!(lines.text().lines().nth(2).unwrap().contains("\"id\":2"));
    assert_eq!(client.get("/drip?numbytes=5&duration=0.1&delay=0&code=202", "").text(), "*****");
    assert_eq!(client.get("/delay/0.05", "").status, 200);
}

#[test]
fn events_are_numbered_and_go_on_where_their_reader_left_off() {
    let origin = Origin::http();
    let mut client = plain(origin.addr());
    let whole = client.get("/sse?count=3&interval=0.01", "");
    assert_eq!(whole.field("Content-Type"), Some("text/event-stream"));
    let ids =
        |text: &str| text.lines().filter_map(|line| line.strip_prefix("id: ").map(str::to_owned)).collect::<Vec<_>>();
    assert_eq!(ids(whole.text()), ["0", "1", "2"]);
    assert!(whole.text().split("\n\n").next().unwrap().contains("\nevent: tick\ndata: {\"id\": 0, "));
    assert_eq!(ids(client.get("/sse?count=3&interval=0.01", "Last-Event-ID: 1\r\n").text()), ["2"]);
    assert_eq!(client.get("/sse?count=3", "Last-Event-ID: x\r\n").status, 400);
}

#[test]
fn content_codings_are_named() {
    use std::io::Read as _;
    let origin = Origin::http();
    let mut client = plain(origin.addr());
    let gzip = client.get("/gzip", "");
    let mut text = String::new();
    flate2::read::GzDecoder::new(&gzip.body[..]).read_to_string(&mut text).unwrap();
    assert!(text.contains("\"gzipped\": true"));
    let deflate = client.get("/deflate", "");
    text.clear();
    flate2::read::ZlibDecoder::new(&deflate.body[..]).read_to_string(&mut text).unwrap();
    assert!(text.contains("\"deflated\": true"));
    let br = client.get("/brotli", "");
    let mut plain = Vec::new();
    brotli::BrotliDecompress(&mut &br.body[..], &mut plain).unwrap();
    assert!(String::from_utf8(plain).unwrap().contains("\"brotli\": true"));
    let zstd = client.get("/zstd", "");
    let mut plain = vec![0; 4096];
    let length = zstd_safe::decompress(&mut plain[..], &zstd.body).unwrap();
    assert!(std::str::from_utf8(&plain[..length]).unwrap().contains("\"zstd\": true"));
    let names = [&gzip, &deflate, &br, &zstd].map(|reply| reply.field("Content-Encoding").unwrap().to_owned());
    assert_eq!(names, ["gzip", "deflate", "br", "zstd"]);
}

#[test]
fn a_large_upload_is_counted_and_hashed_but_not_echoed() {
    let origin = Origin::builder().body_cap(10).start().unwrap();
    let json = plain(origin.addr()).post("/post", "", &[b'a'; 1000]).json();
    assert_eq!((&json["length"], &json["data"]), (&1000.into(), &"".into()));
    assert_eq!(json["sha256"], "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3");
    assert_eq!(origin.requests()[0].body.len(), 10);
}

#[test]
fn only_the_latest_requests_are_kept() {
    let origin = Origin::builder().record(2).body_cap(40 << 20).start().unwrap();
    let mut client = plain(origin.addr());
    for path in ["/ip", "/uuid", "/xml"] {
        client.get(path, "");
    }
    let targets = |origin: &Origin| origin.requests().into_iter().map(|seen| seen.target).collect::<Vec<_>>();
    assert_eq!((targets(&origin), origin.request_count()), (vec!["/uuid".to_owned(), "/xml".to_owned()], 3));
    // Two bodies of 40 MiB are more than are kept together.
    let body = vec![b'1'; 40 << 20];
    client.post("/anything/1", "Content-Type: text/plain\r\n", &body);
    client.post("/anything/2", "Content-Type: text/plain\r\n", &body);
    assert_eq!(targets(&origin), ["/anything/2"]);
}

#[test]
fn a_client_may_ask_to_close_and_http_10_closes_unless_it_asks_not_to() {
    let origin = Origin::builder().requests_per_connection(2).start().unwrap();
    let mut client = plain(origin.addr());
    assert_eq!(client.get("/ip", "Connection: close\r\n").field("Connection"), Some("close"));
    assert!(client.is_closed());
    let mut client = plain(origin.addr());
    assert_eq!(client.get("/ip", "").field("Connection"), None);
    assert_eq!(client.get("/ip", "").field("Connection"), Some("close"));
    assert!(client.is_closed());
    let mut client = plain(origin.addr());
    let reply = client.send("GET /stream/2 HTTP/1.0\r\n\r\n").reply();
    assert_eq!(reply.field("Transfer-Encoding"), None);
    assert_eq!(reply.text().lines().count(), 2);
}

#[test]
fn https_is_spoken_with_a_certificate_of_the_authority() {
    let authority = Authority::new();
    for (versions, wanted) in [(TlsVersions::Only12, "1.2"), (TlsVersions::Only13, "1.3"), (TlsVersions::Both, "1.3")] {
        let identity = authority.issue(&["a.test"]);
        let origin = Origin::builder().tls(identity).tls_versions(versions).start().unwrap();
        let stream = tls_over(connect(origin.addr()), &authority, "a.test", None).unwrap();
        let mut client = support::Client::over(stream);
        assert_eq!(client.get("/get", "").json()["url"], "https://a.test/get");
        assert!(client.get("/bytes/1000000?seed=1", "").body == bytes_of_seed(1, 1_000_000));
        assert_eq!(client.post("/post", "", &vec![b'x'; 300_000]).json()["data"].as_str().unwrap().len(), 300_000);
        let seen = &origin.requests()[0];
        assert_eq!((seen.tls_version, seen.alpn.as_deref()), (Some(wanted), Some("http/1.1")));
        assert_eq!(seen.server_name.as_deref(), Some("a.test"));
    }
}

#[test]
fn bad_certificates_are_bad() {
    let authority = Authority::new();
    let served = [
        (authority.issue(&["b.test"]), "NotValidForName"),
        (authority.issue_expired(&["a.test"]), "Expired"),
        (Authority::issue_self_signed(&["a.test"]), "UnknownIssuer"),
        (Authority::new().issue(&["a.test"]), "UnknownIssuer"),
        (authority.issue_client("a.test"), "InvalidPurpose"),
    ];
    for (identity, reason) in served {
        let origin = Origin::builder().tls(identity).start().unwrap();
        let error = tls_over(connect(origin.addr()), &authority, "a.test", None).expect_err(reason);
        assert!(format!("{error:?}").contains(reason), "{error:?}");
        assert_eq!(origin.request_count(), 0);
    }
}

#[test]
fn an_address_may_be_a_name_of_the_certificate() {
    let authority = Authority::new();
    let origin = Origin::https(&authority, &["127.0.0.1"]);
    assert!(tls_over(connect(origin.addr()), &authority, "127.0.0.1", None).is_ok());
    assert!(tls_over(connect(origin.addr()), &authority, "a.test", None).is_err());
}

#[test]
fn a_client_without_its_certificate_is_turned_away() {
    let authority = Authority::new();
    let builder = Origin::builder().tls(authority.issue(&["a.test"])).client_auth(&authority);
    let origin = builder.start().unwrap();
    let mine = authority.issue_client("client");
    let stream = tls_over(connect(origin.addr()), &authority, "a.test", Some(&mine)).unwrap();
    assert_eq!(support::Client::over(stream).get("/get", "").status, 200);
    assert!(origin.requests()[0].client_certificate);
    // TLS 1.3 tells the client with its first read.
    let refused = tls_over(connect(origin.addr()), &authority, "a.test", None).and_then(|mut stream| {
        stream.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")?;
        stream.read(&mut [0; 1])
    });
    assert!(format!("{:?}", refused.unwrap_err()).contains("CertificateRequired"));
    assert_eq!(origin.request_count(), 1);
}

#[test]
fn dropping_the_origin_ends_what_it_is_busy_with() {
    let origin = Origin::http();
    let mut slow = connect(origin.addr());
    let mut idle = plain(origin.addr());
    assert_eq!(idle.get("/ip", "").status, 200);
    slow.write_all(b"GET /delay/300 HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    while origin.request_count() < 2 {
        std::thread::yield_now();
    }
    let begun = Instant::now();
    let addr = origin.addr();
    drop(origin);
    assert!(idle.is_closed());
    // Closed with or without a reset: no reply in either case.
    assert!(!matches!(slow.read(&mut [0; 1]), Ok(1..)));
    assert!(std::net::TcpStream::connect(addr).is_err());
    assert!(begun.elapsed() < Duration::from_secs(10));
}
