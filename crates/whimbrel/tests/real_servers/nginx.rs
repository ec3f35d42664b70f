//! nginx: connections and how they end, heads and their limits, ranges, codings, redirects, credentials.

use std::time::{Duration, Instant};

use whimbrel::{Client, Kind, Phase};
use whimbrel_testkit::Origin;

use crate::server::{Folder, Server, free_port};
use crate::{client, field, pattern};

/// A running nginx with one `server` block.
pub(crate) struct Nginx {
    server: Server,
    plain: u16,
    tls: u16,
    ca_pem: String,
}

impl Nginx {
    /// Starts nginx with these directives in its `server` block.
    pub(crate) fn start(directives: &str) -> Self {
        let folder = Folder::new("nginx");
        folder.write("www/hello", "Hello, world!");
        Self::start_in(folder, directives)
    }

    /// As [`start`](Self::start), in a folder that holds what the directives name.
    pub(crate) fn start_in(folder: Folder, directives: &str) -> Self {
        let (plain, tls) = (free_port(), free_port());
        let ca_pem = folder.certify().ca_pem();
        folder.write(
            "nginx.conf",
            format!(
                "daemon off;
master_process off;
pid nginx.pid;
events {{ worker_connections 512; }}
http {{
    access_log off;
    default_type text/plain;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{plain};
        listen 127.0.0.1:{tls} ssl;
        ssl_certificate {dir}/server.pem;
        ssl_certificate_key {dir}/server.key;
        root {dir}/www;
        add_header X-Connection $connection always;
        {directives}
    }}
}}
",
                dir = folder.path().display()
            ),
        );
        let dir = folder.path().to_str().unwrap().to_owned();
        let arguments = ["-p", &dir, "-e", "stderr", "-c", "nginx.conf"];
        let server = Server::start("nginx", "nginx-light", &arguments, &[plain, tls], folder);
        Self { server, plain, tls, ca_pem }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.plain)
    }

    pub(crate) fn tls_url(&self, path: &str) -> String {
        format!("https://127.0.0.1:{}{path}", self.tls)
    }

    /// A client that trusts this server.
    pub(crate) fn client(&self) -> Client {
        Client::builder().no_proxy().ca_pem(&self.ca_pem).build().unwrap()
    }

    pub(crate) fn folder(&self) -> &Folder {
        self.server.folder()
    }
}

#[test]
fn connections_are_kept_until_nginx_has_had_enough_requests_on_one() {
    let nginx = Nginx::start("keepalive_requests 3;");
    let client = client();
    let mut connections = Vec::new();
    for round in 0..8 {
        let response = client.get(&nginx.url("/hello")).send().unwrap();
        assert_eq!(response.is_reused(), round % 3 != 0, "round {round}");
        assert_eq!(field(&response, "connection"), if round % 3 == 2 { "close" } else { "keep-alive" });
        connections.push(field(&response, "x-connection").to_owned());
        assert_eq!(response.into_text().unwrap(), "Hello, world!");
        assert_eq!(client.idle_connections(), usize::from(round % 3 != 2), "round {round}");
    }
    connections.dedup();
    assert_eq!(connections.len(), 3, "{connections:?}");
}

#[test]
fn a_connection_that_nginx_closed_while_idle_is_replaced_for_get_and_post_alike() {
    let nginx = Nginx::start(
        "location /hello { keepalive_timeout 50ms; } location = /post { return 200 posted; }
        location = /status { stub_status; keepalive_timeout 0; }",
    );
    let (client, watch) = (client(), client());
    let warm = || client.get(&nginx.url("/hello")).send().unwrap().into_text().unwrap();
    let wait_for_close = || {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let status = watch.get(&nginx.url("/status")).send().unwrap().into_text().unwrap();
            // Only the connection that asks is left.
            if status.contains("Active connections: 1 \n") {
                return;
            }
            assert!(Instant::now() < deadline, "nginx keeps the idle connection: {status}");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    warm();
    wait_for_close();
    assert_eq!(client.idle_connections(), 1);
    let response = client.post(&nginx.url("/post")).body("once").send().unwrap();
    assert_eq!((response.status(), response.is_reused()), (200, false));
    drop(response);
    warm();
    wait_for_close();
    let response = client.get(&nginx.url("/hello")).send().unwrap();
    assert_eq!((response.status(), response.is_reused()), (200, false));
}

#[test]
fn gets_that_race_with_nginx_closing_the_connection_all_succeed() {
    let nginx = Nginx::start("keepalive_timeout 3ms;");
    let client = client();
    let mut fresh = 0;
    for round in 0..300_u64 {
        let response = client.get(&nginx.url("/hello")).send().unwrap_or_else(|error| panic!("{round}: {error}"));
        fresh += u32::from(!response.is_reused());
        assert_eq!(response.into_text().unwrap(), "Hello, world!");
        // Around the moment at which nginx closes.
        std::thread::sleep(Duration::from_micros(2000 + round * 7 % 2000));
    }
    assert!(fresh > 1, "nginx closed no connection, so nothing was raced with");
}

#[test]
fn a_post_that_races_with_nginx_closing_the_connection_is_never_sent_twice() {
    let origin = Origin::http();
    let nginx = Nginx::start(&format!("keepalive_timeout 3ms; location / {{ proxy_pass http://{}; }}", origin.addr()));
    let client = client();
    let mut answered = Vec::new();
    for round in 0..300_u64 {
        let path = format!("/anything/{round}");
        match client.post(&nginx.url(&path)).body("once").send() {
            Ok(response) => {
                assert_eq!(response.status(), 200);
                response.into_bytes().unwrap();
                answered.push(path);
            }
            // It may have reached the server: to send it again is the caller's to decide.
            Err(error) => assert!(matches!(error.kind(), Kind::Send | Kind::Receive | Kind::Empty), "{round}: {error}"),
        }
        std::thread::sleep(Duration::from_micros(2000 + round * 7 % 2000));
    }
    let seen: Vec<_> = origin.requests().into_iter().map(|seen| seen.target).collect();
    assert!(answered.len() > 1 && answered.iter().all(|path| seen.contains(path)));
    let mut once = seen.clone();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), seen.len(), "sent twice");
}

#[test]
fn threads_share_a_client_and_no_more_connections_than_they_are() {
    let nginx = Nginx::start("");
    let client = nginx.client();
    let mut connections = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8)
            .map(|_| {
                scope.spawn(|| {
                    let ask = |_| {
                        let response = client.get(&nginx.tls_url("/hello")).send().unwrap();
                        let connection = field(&response, "x-connection").to_owned();
                        assert_eq!(response.into_text().unwrap(), "Hello, world!");
                        connection
                    };
                    (0..100).map(ask).collect::<Vec<_>>()
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(connections.len(), 800);
    connections.sort();
    connections.dedup();
    assert!(connections.len() <= 8, "{connections:?}");
    assert_eq!(client.idle_connections(), connections.len());
}

#[test]
fn gzip_is_decoded_and_its_connection_kept() {
    let folder = Folder::new("nginx");
    let text = "The whimbrel's call is a series of seven whistles.\n".repeat(20_000);
    folder.write("www/text", &text);
    let nginx = Nginx::start_in(folder, "gzip on; gzip_types text/plain;");
    let client = client();
    let response = client.get(&nginx.url("/text")).send().unwrap();
    assert_eq!(field(&response, "content-encoding"), "gzip");
    assert_eq!(field(&response, "transfer-encoding"), "chunked");
    assert_eq!(response.into_text().unwrap(), text);
    let response = client.get(&nginx.url("/text")).decompress(false).send().unwrap();
    assert_eq!((response.header("content-encoding"), response.is_reused()), (None, true));
    assert_eq!(response.content_length(), Some(text.len() as u64));
    assert_eq!(response.into_text().unwrap(), text);
    let raw = client.get(&nginx.url("/text")).header("Accept-Encoding", "gzip").send().unwrap().into_bytes().unwrap();
    assert_eq!(raw[..2], [0x1f, 0x8b]);
    let error = client.get(&nginx.url("/text")).max_body(100_000).send().unwrap().into_bytes().unwrap_err();
    assert_eq!(error.kind(), Kind::BodyLimit, "{error}");
}

#[test]
fn ranges_and_bodiless_responses_leave_the_connection_good() {
    let folder = Folder::new("nginx");
    let bytes = pattern(100_000);
    folder.write("www/data", &bytes);
    let nginx = Nginx::start_in(folder, "location = /nothing { return 204; } location = /made { return 201; }");
    let client = client();
    let url = nginx.url("/data");
    let first = client.get(&url).send().unwrap();
    let (connection, etag) = (field(&first, "x-connection").to_owned(), field(&first, "etag").to_owned());
    assert_eq!(first.into_bytes().unwrap(), bytes);
    let same = |response: whimbrel::Response, status: u16, body: &[u8]| {
        assert_eq!((response.status(), field(&response, "x-connection")), (status, &*connection));
        assert_eq!(response.into_bytes().unwrap(), body);
    };

    let part = client.get(&url).header("Range", "bytes=1000-1999").send().unwrap();
    assert_eq!(field(&part, "content-range"), "bytes 1000-1999/100000");
    same(part, 206, &bytes[1000..2000]);
    same(client.get(&url).header("Range", "bytes=-5").send().unwrap(), 206, &bytes[99_995..]);
    let parts = client.get(&url).header("Range", "bytes=0-0,99999-99999").send().unwrap();
    assert!(field(&parts, "content-type").starts_with("multipart/byteranges; boundary="));
    assert_eq!(parts.status(), 206);
    parts.into_bytes().unwrap();
    let beyond = client.get(&url).header("Range", "bytes=100000-").send().unwrap();
    assert_eq!((beyond.status(), field(&beyond, "content-range")), (416, "bytes */100000"));
    beyond.into_bytes().unwrap();

    let head = client.head(&url).send().unwrap();
    assert_eq!(head.content_length(), Some(100_000));
    same(head, 200, b"");
    same(client.get(&url).header("If-None-Match", &etag).send().unwrap(), 304, b"");
    same(client.get(&nginx.url("/nothing")).send().unwrap(), 204, b"");
    same(client.post(&nginx.url("/made")).body("x").send().unwrap(), 201, b"");
    same(client.get(&url).send().unwrap(), 200, &bytes);
}

#[test]
fn request_heads_over_nginx_s_limits_give_its_status() {
    let nginx = Nginx::start("large_client_header_buffers 4 8k; location = / { return 200 $http_x_long; }");
    let client = client();
    let long = "x".repeat(7000);
    let response = client.get(&nginx.url("/")).header("X-Long", &long).send().unwrap();
    assert_eq!(response.into_text().unwrap(), long);
    let response = client.get(&nginx.url(&format!("/?{}", "x".repeat(9000)))).send().unwrap();
    assert_eq!(response.status(), 414);
    response.into_bytes().unwrap();
    assert_eq!(client.idle_connections(), 0, "nginx closes after it");
    let response = client.get(&nginx.url("/")).header("X-Long", "x".repeat(9000)).send().unwrap();
    assert_eq!(response.status(), 400);
    assert!(response.into_text().unwrap().contains("Request Header Or Cookie Too Large"));
    // So large that nginx answers and closes while the head is still on its way.
    let response = client.get(&nginx.url("/")).header("X-Long", "x".repeat(4 << 20)).send().unwrap();
    assert_eq!(response.status(), 400);
    let response = client.get(&nginx.url("/")).header("Host", "not a host").send().unwrap();
    assert_eq!(response.status(), 400);
    assert_eq!(client.get(&nginx.url("/")).send().unwrap().status(), 200);
}

#[test]
fn a_connection_closed_without_an_answer_is_an_error_of_kind_empty() {
    let nginx = Nginx::start("location = /none { return 444; }");
    let error = client().get(&nginx.url("/none")).send().unwrap_err();
    assert_eq!((error.kind(), error.phase()), (Kind::Empty, Phase::Wait), "{error}");
}

#[test]
fn redirects_to_tls_are_followed_and_credentials_stay_behind() {
    let nginx = Nginx::start(
        "location = /from { return 301 https://127.0.0.1:$arg_port/to; }
        location = /to { return 200 \"$scheme $request_method [$http_authorization]\"; }
        location = /slash { return 302 /to; }",
    );
    let client = nginx.client();
    let tls_port = nginx.tls;
    let from = nginx.url(&format!("/from?port={tls_port}"));
    let response = client.post(&from).body("x").bearer_auth("token").send().unwrap();
    assert_eq!((response.url(), response.redirects()), (&*nginx.tls_url("/to"), 1));
    assert_eq!(response.into_text().unwrap(), "https GET []");
    let response = client.get(&nginx.url("/slash")).bearer_auth("token").send().unwrap();
    assert_eq!(response.into_text().unwrap(), "http GET [Bearer token]");
}

#[test]
fn basic_credentials_open_what_nginx_guards() {
    let folder = Folder::new("nginx");
    folder.write("www/hello", "Hello, world!");
    folder.write("users", "user:{PLAIN}pass w\u{f6}rd\n");
    let nginx = Nginx::start_in(folder, "auth_basic whimbrel; auth_basic_user_file users;");
    let client = client();
    let response = client.get(&nginx.url("/hello")).send().unwrap();
    assert_eq!((response.status(), field(&response, "www-authenticate")), (401, "Basic realm=\"whimbrel\""));
    let response = client.get(&nginx.url("/hello")).basic_auth("user", "pass w\u{f6}rd").send().unwrap();
    assert_eq!(response.status(), 200);
    let with_userinfo = nginx.url("/hello").replace("://", "://user:pass%20w%C3%B6rd@");
    assert_eq!(client.get(&with_userinfo).send().unwrap().status(), 200);
    assert_eq!(client.get(&nginx.url("/hello")).basic_auth("user", "wrong").send().unwrap().status(), 401);
}
