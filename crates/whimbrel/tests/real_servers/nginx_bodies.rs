//! nginx: bodies both ways, large, chunked, delimited by the close, refused early, cut off.

use std::fs::File;
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use whimbrel::{Body, Kind, RequestBuilder};
use whimbrel_testkit::{Origin, RawServer, Script};

use crate::nginx::Nginx;
use crate::server::Folder;
use crate::{client, field, pattern};

const MIB: u64 = 1 << 20;

/// An nginx that passes bodies on to this address as they come.
fn passing_on_to(addr: std::net::SocketAddr, more: &str) -> Nginx {
    Nginx::start(&format!(
        "location / {{
            proxy_pass http://{addr};
            proxy_http_version 1.1;
            proxy_request_buffering off;
            proxy_buffering off;
            client_max_body_size 0;
            {more}
        }}"
    ))
}

/// Keeps how many body bytes were sent.
fn counting_sent(request: RequestBuilder) -> (RequestBuilder, Arc<AtomicU64>) {
    let sent = Arc::new(AtomicU64::new(0));
    let counter = sent.clone();
    let request = request.on_progress(move |progress| {
        counter.store(progress.sent, Ordering::Relaxed);
        ControlFlow::Continue(())
    });
    (request, sent)
}

/// A file of this many bytes with no two blocks alike.
fn write_large(folder: &Folder, name: &str, length: u64) {
    let path = folder.write(name, "");
    let mut file = File::create(path).unwrap();
    let mut block = pattern(MIB as usize);
    for number in 0..length / MIB {
        block[..8].copy_from_slice(&number.to_le_bytes());
        file.write_all(&block).unwrap();
    }
}

fn same_content(one: &std::path::Path, other: &std::path::Path) -> bool {
    let (mut one, mut other) = (File::open(one).unwrap(), File::open(other).unwrap());
    if one.metadata().unwrap().len() != other.metadata().unwrap().len() {
        return false;
    }
    let (mut left, mut right) = (vec![0; MIB as usize], vec![0; MIB as usize]);
    loop {
        let count = one.read(&mut left).unwrap();
        if count == 0 {
            return true;
        }
        other.read_exact(&mut right[..count]).unwrap();
        if left[..count] != right[..count] {
            return false;
        }
    }
}

#[test]
fn a_large_download_reaches_the_file_byte_for_byte() {
    let folder = Folder::new("nginx");
    write_large(&folder, "www/large", 256 * MIB);
    let nginx = Nginx::start_in(folder, "");
    let client = nginx.client();
    let (source, target) = (nginx.folder().path().join("www/large"), nginx.folder().path().join("copy"));
    let done = client.get(&nginx.url("/large")).download(&target).unwrap();
    assert_eq!((done.status(), done.bytes_written()), (200, 256 * MIB));
    assert!(same_content(&source, &target));
    let range = client.get(&nginx.tls_url("/large")).header("Range", "bytes=1000-67109863");
    let done = range.download(&target).unwrap();
    assert_eq!((done.status(), done.bytes_written()), (206, 64 * MIB));
    let mut part = vec![0; MIB as usize];
    let mut expected = part.clone();
    let mut source = File::open(&source).unwrap();
    std::io::Seek::seek(&mut source, std::io::SeekFrom::Start(1000)).unwrap();
    let mut copy = File::open(&target).unwrap();
    for _ in 0..64 {
        source.read_exact(&mut expected).unwrap();
        copy.read_exact(&mut part).unwrap();
        assert!(part == expected);
    }
}

#[test]
fn a_gibibyte_is_uploaded_from_a_file_and_counted_at_the_other_end() {
    let origin = Origin::builder().body_cap(1024).start().unwrap();
    let nginx = passing_on_to(origin.addr(), "");
    // A file of holes: its length is what matters, and no disk is filled.
    let path = nginx.folder().write("large", "");
    File::options().write(true).open(&path).unwrap().set_len(1024 * MIB).unwrap();
    let (request, sent) = counting_sent(client().put(&nginx.url("/anything")).body(Body::file(&path).unwrap()));
    let response = request.send().unwrap();
    assert_eq!(response.status(), 200);
    drop(response);
    let seen = origin.requests().pop().unwrap();
    assert_eq!((seen.body_length, sent.load(Ordering::Relaxed)), (1024 * MIB, 1024 * MIB));
    assert_eq!(seen.field("content-length"), Some("1073741824"));
}

#[test]
fn uploads_of_every_framing_arrive_whole_with_and_without_expect() {
    let origin = Origin::http();
    let nginx = passing_on_to(origin.addr(), "proxy_set_header X-Expected $http_expect;");
    let client = nginx.client();
    let bytes = pattern(8 << 20);
    let whole = sha256_of(&origin, &bytes);
    for url in [nginx.url("/anything"), nginx.tls_url("/anything")] {
        for (expect, expected) in [(true, Some("100-continue")), (false, None)] {
            for sized in [true, false] {
                let length = sized.then_some(bytes.len() as u64);
                let body = Body::reader(std::io::Cursor::new(bytes.clone()), length);
                let response = client.post(&url).expect_continue(expect).body(body).send().unwrap();
                assert_eq!(response.status(), 200);
                response.into_bytes().unwrap();
                let seen = origin.requests().pop().unwrap();
                assert_eq!((seen.body_length, &seen.body_sha256), (8 << 20, &whole));
                assert_eq!(seen.field("x-expected"), expected, "{url} {sized}");
                assert_eq!(seen.field("transfer-encoding").is_some(), !sized);
            }
        }
    }
}

/// What the origin itself makes of these bytes when they come straight.
fn sha256_of(origin: &Origin, bytes: &[u8]) -> String {
    let response = client().post(&origin.url("/anything")).body(bytes.to_vec()).send().unwrap();
    assert_eq!(response.status(), 200);
    origin.requests().pop().unwrap().body_sha256
}

#[test]
fn a_body_that_nginx_refuses_by_its_length_is_not_sent_after_expect() {
    let nginx = Nginx::start("client_max_body_size 1m;");
    let body = Body::from(vec![0; 2 << 20]);
    let (request, sent) = counting_sent(client().post(&nginx.url("/hello")).body(body));
    let response = request.send().unwrap();
    assert_eq!(response.status(), 413);
    assert!(response.into_text().unwrap().contains("413 Request Entity Too Large"));
    assert_eq!(sent.load(Ordering::Relaxed), 0);
}

#[test]
fn the_answer_to_a_refused_upload_is_given_though_the_body_was_on_its_way() {
    let nginx = Nginx::start("client_max_body_size 1m;");
    let client = nginx.client();
    for url in [nginx.url("/hello"), nginx.tls_url("/hello")] {
        for length in [2 << 20, 64 << 20] {
            let request = client.post(&url).expect_continue(false).body(vec![0; length]);
            let response = request.send().unwrap_or_else(|error| panic!("{url} {length}: {error:?}"));
            assert_eq!(response.status(), 413);
            assert!(response.into_text().unwrap().contains("413 Request Entity Too Large"));
            assert_eq!(client.idle_connections(), 0);
        }
    }
}

#[test]
fn chunked_responses_come_whole_and_keep_the_connection() {
    let origin = Origin::http();
    let nginx = passing_on_to(origin.addr(), "");
    let client = client();
    for round in 0..3 {
        let response = client.get(&nginx.url("/stream-bytes/100000?seed=7&chunk_size=1000")).send().unwrap();
        assert_eq!((field(&response, "transfer-encoding"), response.content_length()), ("chunked", None));
        assert_eq!(response.is_reused(), round > 0);
        let through = response.into_bytes().unwrap();
        let straight = client.get(&origin.url("/stream-bytes/100000?seed=7&chunk_size=1000")).send().unwrap();
        assert_eq!(through, straight.into_bytes().unwrap());
    }
}

#[test]
fn a_body_that_ends_with_the_connection_comes_whole_and_its_connection_is_not_kept() {
    let origin = Origin::http();
    let nginx = passing_on_to(origin.addr(), "chunked_transfer_encoding off;");
    let client = nginx.client();
    for url in [nginx.url("/stream-bytes/100000?seed=7"), nginx.tls_url("/stream-bytes/100000?seed=7")] {
        let response = client.get(&url).send().unwrap();
        assert_eq!((response.header("transfer-encoding"), response.content_length()), (None, None));
        assert_eq!(field(&response, "connection"), "close");
        assert_eq!(response.into_bytes().unwrap().len(), 100_000);
        assert_eq!(client.idle_connections(), 0);
    }
}

#[test]
fn a_response_that_nginx_must_cut_off_is_truncated() {
    for reply in [
        "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ] {
        let broken = RawServer::start([Script::new().expect_head().send(reply).close()]);
        let nginx = passing_on_to(broken.addr(), "");
        let client = nginx.client();
        for url in [nginx.url("/"), nginx.tls_url("/")] {
            let mut response = client.get(&url).send().unwrap();
            let mut bytes = Vec::new();
            let error = response.read_to_end(&mut bytes).unwrap_err();
            assert_eq!((error.kind(), &*bytes), (Kind::Truncated, &b"half"[..]), "{error}");
            assert_eq!(client.idle_connections(), 0);
        }
    }
}

#[test]
fn a_slow_download_ends_at_the_total_timeout_and_leaves_no_file() {
    let folder = Folder::new("nginx");
    folder.write("www/slow", pattern(1 << 20));
    let nginx = Nginx::start_in(folder, "limit_rate 64k;");
    let target = nginx.folder().path().join("got");
    let started = std::time::Instant::now();
    let request = client().get(&nginx.url("/slow")).total_timeout(Duration::from_millis(300));
    let error = request.download(&target).unwrap_err();
    assert_eq!((error.kind(), error.code()), (Kind::Timeout, "body-timeout"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(5));
    assert!(!target.exists());
}
