//! Caddy, and with it Go's HTTP server and TLS: what it does otherwise than nginx.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use whimbrel::{Body, Client, Kind, Phase};
use whimbrel_testkit::{Origin, RawServer, Script};

use crate::server::{Folder, Server, free_port};
use crate::{field, pattern};

struct Caddy {
    _server: Server,
    plain: u16,
    tls: u16,
    client: Client,
}

impl Caddy {
    /// Starts Caddy with these directives for its plain and its TLS site.
    fn start(folder: Folder, directives: &str) -> Self {
        let (plain, tls) = (free_port(), free_port());
        let ca_pem = folder.certify().ca_pem();
        folder.write(
            "Caddyfile",
            format!(
                "{{
    admin off
    auto_https off
}}
(site) {{
    root * www
    header X-Served-By Caddy
    {directives}
}}
http://127.0.0.1:{plain} {{
    bind 127.0.0.1
    import site
}}
https://127.0.0.1:{tls} {{
    bind 127.0.0.1
    tls server.pem server.key
    import site
}}
"
            ),
        );
        let arguments = ["run", "--config", "Caddyfile", "--adapter", "caddyfile"];
        let server = Server::start("caddy", "caddy", &arguments, &[plain, tls], folder);
        let client = Client::builder().no_proxy().ca_pem(ca_pem).build().unwrap();
        Self { _server: server, plain, tls, client }
    }

    fn urls(&self, path: &str) -> [String; 2] {
        [format!("http://127.0.0.1:{}{path}", self.plain), format!("https://127.0.0.1:{}{path}", self.tls)]
    }
}

#[test]
fn connections_are_kept_over_tls_1_3_in_http_1_1_though_caddy_offers_more() {
    let caddy = Caddy::start(Folder::new("caddy"), "respond \"{http.request.proto} over {http.request.tls.version}\"");
    for (url, expected) in caddy.urls("/").iter().zip(["HTTP/1.1 over ", "HTTP/1.1 over tls1.3"]) {
        for round in 0..5 {
            let response = caddy.client.get(url).send().unwrap();
            assert_eq!((response.status(), response.is_reused()), (200, round > 0));
            assert_eq!(field(&response, "x-served-by"), "Caddy");
            // Caddy leaves the version's placeholder as it is where there is no TLS.
            let text = response.into_text().unwrap();
            assert!(text.starts_with(expected), "{text}");
        }
    }
    assert_eq!(caddy.client.idle_connections(), 2);
}

#[test]
fn gzip_and_zstd_are_decoded_as_caddy_encodes_them() {
    let text = "The whimbrel's call is a series of seven whistles.\n".repeat(20_000);
    for coding in ["gzip", "zstd"] {
        let folder = Folder::new("caddy");
        folder.write("www/text.txt", &text);
        let caddy = Caddy::start(folder, &format!("encode {coding}\nfile_server"));
        for url in caddy.urls("/text.txt") {
            let response = caddy.client.get(&url).send().unwrap();
            assert_eq!(field(&response, "content-encoding"), coding);
            assert_eq!(response.into_text().unwrap(), text);
            let response = caddy.client.get(&url).decompress(false).send().unwrap();
            assert_eq!((response.header("content-encoding"), response.is_reused()), (None, true));
            assert_eq!(response.into_text().unwrap(), text);
        }
    }
}

#[test]
fn files_ranges_and_heads_come_on_one_connection() {
    let folder = Folder::new("caddy");
    let bytes = pattern(5_000_000);
    folder.write("www/data", &bytes);
    let target = folder.path().join("copy");
    let caddy = Caddy::start(folder, "file_server");
    for url in caddy.urls("/data") {
        let done = caddy.client.get(&url).download(&target).unwrap();
        assert_eq!(done.bytes_written(), 5_000_000);
        assert!(std::fs::read(&target).unwrap() == bytes);
        let head = caddy.client.head(&url).send().unwrap();
        assert_eq!((head.content_length(), head.is_reused()), (Some(5_000_000), true));
        let etag = field(&head, "etag").to_owned();
        assert_eq!(head.into_bytes().unwrap(), b"");
        let part = caddy.client.get(&url).header("Range", "bytes=4999990-").send().unwrap();
        assert_eq!((part.status(), part.is_reused()), (206, true));
        assert_eq!(part.into_bytes().unwrap(), bytes[4_999_990..]);
        let beyond = caddy.client.get(&url).header("Range", "bytes=5000000-").send().unwrap();
        assert_eq!((beyond.status(), beyond.is_reused()), (416, true));
        beyond.into_bytes().unwrap();
        let same = caddy.client.get(&url).header("If-None-Match", etag).send().unwrap();
        assert_eq!((same.status(), same.is_reused()), (304, true));
        same.into_bytes().unwrap();
        let missing = caddy.client.get(&format!("{url}/none")).send().unwrap();
        assert_eq!((missing.status(), missing.is_reused()), (404, true));
        missing.into_bytes().unwrap();
        assert!(caddy.client.get(&url).send().unwrap().is_reused());
    }
}

#[test]
fn uploads_reach_the_origin_behind_caddy_whole() {
    let origin = Origin::http();
    let caddy = Caddy::start(Folder::new("caddy"), &format!("reverse_proxy {}", origin.addr()));
    let bytes = pattern(16 << 20);
    let straight = caddy.client.post(&origin.url("/anything")).body(bytes.clone()).send().unwrap();
    assert_eq!(straight.status(), 200);
    let sha256 = origin.requests().pop().unwrap().body_sha256;
    for url in caddy.urls("/anything") {
        for expect in [true, false] {
            for length in [Some(16 << 20), None] {
                let body = Body::reader(std::io::Cursor::new(bytes.clone()), length);
                let response = caddy.client.post(&url).expect_continue(expect).body(body).send().unwrap();
                assert_eq!((response.status(), field(&response, "x-served-by")), (200, "Caddy"));
                response.into_bytes().unwrap();
                assert_eq!(origin.requests().pop().unwrap().body_sha256, sha256, "{url} {expect} {length:?}");
            }
        }
    }
    let [url, _] = caddy.urls("/stream-bytes/50000?chunk_size=100");
    let response = caddy.client.get(&url).send().unwrap();
    assert_eq!(field(&response, "transfer-encoding"), "chunked");
    assert_eq!(response.into_bytes().unwrap().len(), 50_000);
}

#[test]
fn trailers_and_early_hints_from_behind_caddy_are_passed_over_and_kept() {
    let reply = Script::new()
        .expect_head()
        .send("HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n")
        .send("HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n")
        .send("4\r\nbody\r\n0\r\nX-Sum: 42\r\n\r\n")
        .again();
    let backend = RawServer::start([reply]);
    let caddy = Caddy::start(Folder::new("caddy"), &format!("reverse_proxy {}", backend.addr()));
    for url in caddy.urls("/") {
        for round in 0..2 {
            let mut response = caddy.client.get(&url).send().unwrap();
            assert_eq!((response.status(), response.is_reused()), (200, round > 0));
            assert!(response.trailers().is_empty());
            let mut body = Vec::new();
            response.read_to_end(&mut body).unwrap();
            assert_eq!((&*body, response.trailers().get_str("x-sum")), (&b"body"[..], Some("42")));
            assert_eq!(response.header("x-sum"), None);
        }
    }
}

#[test]
fn an_upload_that_caddy_answers_at_once_is_not_sent_after_expect_and_answered_without() {
    let caddy = Caddy::start(Folder::new("caddy"), "respond \"no uploads\" 403");
    for url in caddy.urls("/") {
        let sent = Arc::new(AtomicU64::new(0));
        let counter = sent.clone();
        let request = caddy.client.post(&url).body(vec![0; 32 << 20]).on_progress(move |progress| {
            counter.store(progress.sent, Ordering::Relaxed);
            ControlFlow::Continue(())
        });
        let response = request.send().unwrap();
        assert_eq!((response.status(), response.into_text().unwrap().as_str()), (403, "no uploads"));
        assert_eq!(sent.load(Ordering::Relaxed), 0);

        let request = caddy.client.post(&url).expect_continue(false).body(vec![0; 32 << 20]);
        let response = request.send().unwrap_or_else(|error| panic!("{url}: {error:?}"));
        assert_eq!((response.status(), response.into_text().unwrap().as_str()), (403, "no uploads"));
        assert_eq!(caddy.client.get(&url).send().unwrap().status(), 403);
    }
}

#[test]
fn a_name_that_caddy_has_no_certificate_for_ends_with_its_alert() {
    let caddy = Caddy::start(Folder::new("caddy"), "respond ok");
    let [_, url] = caddy.urls("/");
    let named = url.replace("127.0.0.1", "b.test");
    let request = caddy.client.get(&named).resolve(&format!("b.test:{}", caddy.tls), "127.0.0.1");
    let error = request.send().unwrap_err();
    assert_eq!((error.kind(), error.phase()), (Kind::Tls, Phase::Tls), "{error}");
    assert!(error.to_string().contains("alert"), "{error}");
}
