//! The Rust API against a whole origin: what a caller sees, and what goes on the wire for it.

use std::io::Read;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use whimbrel::{Body, Client, Kind};
use whimbrel_testkit::{Authority, Origin};

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

#[test]
fn a_get_gives_status_fields_and_body_and_keeps_its_connection() {
    let origin = Origin::http();
    let client = client();
    for round in 0..3 {
        let response = client.get(&origin.url("/get?a=1")).header("X-Order", "kept").send().unwrap();
        assert_eq!((response.status(), response.reason()), (200, &b"OK"[..]));
        assert_eq!(response.version().as_str(), "HTTP/1.1");
        assert_eq!(response.is_reused(), round > 0);
        assert!(response.header("content-type").unwrap().starts_with("application/json"));
        assert!(response.into_text().unwrap().contains("\"a\": \"1\""));
        assert_eq!(client.idle_connections(), 1);
    }
    assert_eq!(origin.connections(), 1);
}

#[test]
fn every_body_is_sent_whole_and_framed() {
    let origin = Origin::http();
    let client = client();
    let dir = std::env::temp_dir().join(format!("whimbrel-api-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let big = vec![b'x'; 3 << 20];
    std::fs::write(dir.join("big"), &big).unwrap();
    let post = |body: Body| {
        let response = client.post(&origin.url("/post")).body(body).send().unwrap();
        assert_eq!(response.status(), 200);
        response.into_bytes().unwrap();
        origin.requests().pop().unwrap()
    };
    let seen = post(Body::from("a=1"));
    assert_eq!((seen.body_length, seen.field("content-length")), (3, Some("3")));
    let seen = post(Body::empty());
    assert_eq!((seen.body_length, seen.field("content-length")), (0, Some("0")));
    let seen = post(Body::from(big.clone()));
    assert_eq!((seen.body_length, seen.field("expect")), (3 << 20, Some("100-continue")));
    let seen = post(Body::file(dir.join("big")).unwrap());
    assert_eq!((seen.body_length, seen.field("content-length")), (3 << 20, Some("3145728")));
    let seen = post(Body::reader(std::io::Cursor::new(big), None));
    assert_eq!((seen.body_length, seen.field("transfer-encoding")), (3 << 20, Some("chunked")));
    let seen = post(Body::reader(std::io::Cursor::new(vec![1; 10]), Some(10)));
    assert_eq!((seen.body_length, seen.field("content-length")), (10, Some("10")));
    assert_eq!(origin.connections(), 1);
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn a_download_replaces_the_target_only_when_it_is_complete() {
    let origin = Origin::http();
    let client = client();
    let dir = std::env::temp_dir().join(format!("whimbrel-download-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let target = dir.join("file");
    let steps = Arc::new(Mutex::new(Vec::new()));
    let heard = steps.clone();
    let done = client
        .get(&origin.url("/bytes/1000000?seed=1"))
        .on_progress(move |progress| {
            heard.lock().unwrap().push((progress.received, progress.receive_total));
            ControlFlow::Continue(())
        })
        .download(&target)
        .unwrap();
    assert_eq!((done.status(), done.bytes_written()), (200, 1_000_000));
    assert_eq!(std::fs::metadata(&target).unwrap().len(), 1_000_000);
    assert_eq!(steps.lock().unwrap().last(), Some(&(1_000_000, Some(1_000_000))));
    assert!(steps.lock().unwrap().is_sorted());

    let error = client.get(&origin.url("/status/404")).only_success(true).download(&target).unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Status, "status"));
    let error = client.get(&origin.url("/bytes/100")).on_progress(|_| ControlFlow::Break(())).download(&target);
    assert_eq!(error.unwrap_err().kind(), Kind::Cancelled);
    assert_eq!(std::fs::metadata(&target).unwrap().len(), 1_000_000);
    let left: Vec<_> = std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["file"]);
    let error = client.get(&origin.url("/get")).download(dir.join("no/such/folder/file")).unwrap_err();
    assert_eq!(error.kind(), Kind::File);
    assert!(error.to_string().contains("no/such/folder/file"), "{error}");
    std::fs::remove_dir_all(dir).unwrap();
}

#[test]
fn every_coding_is_decoded_and_asked_for() {
    let origin = Origin::http();
    let client = client();
    for coding in ["gzip", "brotli", "zstd"] {
        let response = client.get(&origin.url(&format!("/{coding}"))).send().unwrap();
        assert!(response.header("content-encoding").is_some());
        let text = response.into_text().unwrap_or_else(|error| panic!("{coding}: {error}"));
        assert!(text.contains("headers"), "{coding}: {text}");
        assert_eq!(origin.requests().pop().unwrap().field("accept-encoding"), Some("gzip, br, zstd"));
    }
    let raw = client.get(&origin.url("/gzip")).decompress(false).send().unwrap().into_bytes().unwrap();
    assert_eq!(raw[..2], [0x1f, 0x8b]);
    let raw = client.get(&origin.url("/gzip")).header("Accept-Encoding", "gzip").send().unwrap().into_bytes().unwrap();
    assert_eq!(raw[..2], [0x1f, 0x8b]);
}

#[test]
fn redirects_are_followed_told_and_limited() {
    let origin = Origin::http();
    let client = client();
    let response = client.get(&origin.url("/redirect/3")).send().unwrap();
    assert_eq!((response.status(), response.redirects()), (200, 3));
    assert_eq!(response.url(), origin.url("/get"));
    drop(response);
    let response = client.get(&origin.url("/redirect/1")).follow_redirects(false).send().unwrap();
    assert_eq!(response.status(), 302);
    let error = client.get(&origin.url("/redirect/5")).max_redirects(4).send().unwrap_err();
    assert_eq!(error.kind(), Kind::Redirects);
    assert!(error.to_string().starts_with("Number of redirects hit maximum amount"), "{error}");
}

#[test]
fn https_is_verified_against_the_given_authority_and_name() {
    let authority = Authority::new();
    let origin = Origin::https(&authority, &["a.test"]);
    let client = client();
    let addr = origin.addr().to_string();
    let url = format!("https://a.test:{}/get", origin.addr().port());
    let name = format!("a.test:{}", origin.addr().port());
    for round in 0..2 {
        let request = client.get(&url).resolve(&name, &addr).ca_pem(authority.ca_pem());
        let response = request.send().unwrap();
        assert_eq!((response.status(), response.is_reused()), (200, round > 0));
        response.into_bytes().unwrap();
    }
    let error = client.get(&url).resolve(&name, &addr).send().unwrap_err();
    assert_eq!(error.kind(), Kind::Certificate, "{error}");
    assert!(error.to_string().starts_with("SSL peer certificate or SSH remote key was not OK"), "{error}");
    let other = url.replace("a.test", "b.test");
    let name = name.replace("a.test", "b.test");
    let error = client.get(&other).resolve(&name, &addr).ca_pem(authority.ca_pem()).send().unwrap_err();
    assert_eq!(error.kind(), Kind::Certificate, "{error}");
    let response = client.get(&other).resolve(&name, &addr).danger_accept_invalid_certs(true).send().unwrap();
    assert_eq!(response.status(), 200);
}

#[test]
fn the_body_reads_as_a_reader_of_any_step() {
    let origin = Origin::http();
    let mut response = client().get(&origin.url("/stream-bytes/5000?chunk_size=7&seed=3")).send().unwrap();
    let mut bytes = Vec::new();
    let mut piece = [0; 11];
    while let count @ 1.. = response.read(&mut piece).unwrap() {
        bytes.extend_from_slice(&piece[..count]);
    }
    assert_eq!(bytes.len(), 5000);
    assert_eq!(response.read(&mut piece).unwrap(), 0);
}

#[test]
fn names_are_looked_up_once_and_off_the_callers_thread() {
    let origin = Origin::http();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let heard = asked.clone();
    let client = Client::builder()
        .no_proxy()
        .max_idle(0)
        .resolver(move |name| {
            heard.lock().unwrap().push((name.to_owned(), std::thread::current().id()));
            Ok(vec!["127.0.0.1".parse().unwrap()])
        })
        .build()
        .unwrap();
    for _ in 0..3 {
        client.get(&origin.url_at("a.test", "/get")).send().unwrap();
    }
    let asked = asked.lock().unwrap();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].0, "a.test");
    assert_ne!(asked[0].1, std::thread::current().id());
}

#[test]
fn mistakes_are_told_before_anything_is_sent() {
    let origin = Origin::http();
    let client = client();
    let url = origin.url("/post");
    let requests = [
        (client.get("ftp://a.test/"), Kind::Scheme),
        (client.get("http://"), Kind::Url),
        (client.request("GE T", &url), Kind::Input),
        (client.get(&url).header("a\nb", "c"), Kind::Input),
        (client.get(&url).header("a", "b\r\nc: d"), Kind::Input),
        (client.post(&url).body("abc").header("Content-Length", "4"), Kind::Input),
        (client.post(&url).body("abc").header("Transfer-Encoding", "chunked"), Kind::Input),
        (client.get(&url).proxy("gopher://a"), Kind::Scheme),
        (client.get(&url).ca_file("/no/such/file"), Kind::Input),
        (client.get(&url).resolve("a.test", "127.0.0.1"), Kind::Input),
        (client.get(&url).bearer_auth("a\r\nb"), Kind::Input),
        (client.get(&url).basic_auth("a:b", "c"), Kind::Input),
    ];
    for (request, kind) in requests {
        assert_eq!(request.send().unwrap_err().kind(), kind);
    }
    assert_eq!(origin.connections(), 0);
}
