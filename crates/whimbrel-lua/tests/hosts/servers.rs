//! The servers that the scripts of `tests/lua` talk to, and the environment that tells where they are.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::literal::Literal;
use super::nginx::Nginx;

use whimbrel_testkit::{Authority, BlackHole, Origin, Proxy, RawServer, Script, refused_addr, tls10_server};

/// Everything one script may need; ends when dropped.
pub(crate) struct Servers {
    folder: PathBuf,
    environment: Vec<(&'static str, String)>,
    // Held so that they run.
    _origins: Vec<Origin>,
    _proxies: Vec<Proxy>,
    _raw: Vec<RawServer>,
    _black_hole: BlackHole,
    _literal: Literal,
    _nginx: Option<Nginx>,
}

/// The names that certificates are for.
const NAMES: [&str; 5] = ["api.example.com", "127.0.0.1", "localhost", "encrypted.google.com", "docs.coronalabs.com"];

impl Servers {
    /// Starts them; files go to a folder of that name.
    pub(crate) fn start(name: &str) -> Self {
        Self::start_all(name, false)
    }

    /// As [`start`](Self::start), with nginx beside the others.
    pub(crate) fn start_with_nginx(name: &str) -> Self {
        Self::start_all(name, true)
    }

    fn start_all(name: &str, with_nginx: bool) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("hosts-{name}-{}", std::process::id()));
        // What a script is given lies beside what it writes, so that it can list the latter.
        let (given, written) = (folder.join("given"), folder.join("written"));
        for folder in [&given, &written] {
            std::fs::create_dir_all(folder).expect("the folder can be made");
        }
        let authority = Authority::new();
        let black_hole = BlackHole::new();
        let literal = Literal::start();
        let nginx = with_nginx.then(|| Nginx::start(&authority, &NAMES));
        let mut servers = Self {
            environment: vec![
                ("WORK_DIR", shown(&written)),
                ("REFUSED_URL", format!("http://{}", refused_addr())),
                ("BLACK_HOLE_URL", format!("http://{}/", black_hole.addr())),
                ("LITERAL_URL", literal.url()),
            ],
            folder,
            _origins: Vec::new(),
            _proxies: Vec::new(),
            _raw: Vec::new(),
            _black_hole: black_hole,
            _literal: literal,
            _nginx: None,
        };
        servers.environment.extend(nginx.iter().flat_map(Nginx::environment));
        servers._nginx = nginx;
        servers.start_origins(&authority, &given);
        servers.start_raw();
        servers
    }

    /// The folder that the script writes to.
    pub(crate) fn work_dir(&self) -> PathBuf {
        self.folder.join("written")
    }

    /// The variables that tell the script where everything is.
    pub(crate) fn environment(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.environment.iter().map(|(name, value)| (*name, value.as_str()))
    }

    fn start_origins(&mut self, authority: &Authority, given: &Path) {
        let ca_file = given.join("ca.pem");
        authority.write_ca(&ca_file).expect("the CA can be written");
        self.environment.push(("CA_FILE", shown(&ca_file)));
        let client = authority.issue_client("script");
        let both = format!("{}\n{}", client.cert_chain_pem(), client.key_pem());
        for (name, file, text) in [
            ("CLIENT_CERT", "client.pem", client.cert_chain_pem()),
            ("CLIENT_KEY", "client.key", &client.key_pem()),
            ("CLIENT_BOTH", "client-both.pem", &both),
        ] {
            std::fs::write(given.join(file), text).expect("the certificate can be written");
            self.environment.push((name, shown(&given.join(file))));
        }
        let plain = Origin::http();
        let secure = Origin::https(authority, &NAMES);
        let tls = |identity| Origin::builder().tls(identity);
        let others = [
            ("ORIGIN2_URL", Origin::http()),
            ("MTLS_URL", started(tls(authority.issue(&NAMES)).client_auth(authority))),
            ("EXPIRED_URL", started(tls(authority.issue_expired(&NAMES)))),
            ("SELF_SIGNED_URL", started(tls(Authority::issue_self_signed(&NAMES)))),
        ];
        let mapped = |proxy: whimbrel_testkit::ProxyBuilder| {
            let proxy = proxy.map("only-by-proxy.test:80", plain.addr()).map("api.example.com:443", secure.addr());
            proxy.start().expect("the proxy can be bound")
        };
        for (name, proxy) in [
            ("PROXY_URL", mapped(Proxy::builder())),
            ("PROXY_AUTH_URL", mapped(Proxy::builder().credentials("al", "p@ss"))),
            ("SOCKS_URL", mapped(Proxy::builder().socks())),
        ] {
            let scheme = if name == "SOCKS_URL" { "socks5h" } else { "http" };
            self.environment.push((name, format!("{scheme}://{}", proxy.addr())));
            self._proxies.push(proxy);
        }
        for (name, origin) in [("ORIGIN_URL", plain), ("ORIGIN_TLS_URL", secure)].into_iter().chain(others) {
            self.environment.push((name, origin.url("").trim_end_matches('/').to_owned()));
            self._origins.push(origin);
        }
    }

    fn start_raw(&mut self) {
        let answer = |head: &str, body: &[u8]| {
            let mut bytes = format!("HTTP/1.1 200 OK\r\n{head}Content-Length: {}\r\n\r\n", body.len()).into_bytes();
            bytes.extend_from_slice(body);
            bytes
        };
        let every_byte: Vec<u8> = (0..=255).collect();
        let fields = "HTTP/1.1 200 All Is Well\r\nContent-Length: 2\r\nSet-Cookie: a=1\r\nX-MiXed: v\r\n\
                      set-cookie: b=2\r\nX-Space: \t a b  \r\nX-Empty:\r\n\r\nok";
        let zeros = gzip(&vec![0; 100_000]);
        let asked = |bytes: Vec<u8>| Script::new().expect_head().send(bytes);
        self.raw("RAW_BINARY_URL", [asked(answer("", &every_byte)).again()]);
        self.raw("RAW_FIELDS_URL", [asked(fields.into()).again()]);
        self.raw("RAW_OLD_URL", [asked(b"HTTP/1.0 200 OK\r\n\r\nold".into()).close()]);
        self.raw("RAW_TRUNCATED_URL", [asked(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".into()).close()]);
        let chunk = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhal";
        self.raw("RAW_CHUNK_TRUNCATED_URL", [asked(chunk.into()).close()]);
        self.raw("RAW_BAD_GZIP_URL", [asked(answer("Content-Encoding: gzip\r\n", b"this is no gzip")).close()]);
        self.raw("RAW_GZIP_ZEROS_URL", [asked(answer("Content-Encoding: gzip\r\n", &zeros)).close()]);
        self.raw("RAW_GARBAGE_URL", [asked(b"SSH-2.0-OpenSSH_9.2\r\n\r\n".into()).close()]);
        self.raw("RAW_RESET_URL", [asked(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".into()).reset()]);
        self.raw("RAW_SILENT_URL", [Script::new().hold_open()]);
        self.raw("RAW_EMPTY_URL", [Script::new().expect_head().close()]);
        // What a script posts there comes back: a body of every byte.
        let mirror = Script::new().expect_head().expect_bytes(256);
        self.raw("RAW_MIRROR_URL", [mirror.send(answer("", &every_byte)).close()]);
        let good = asked(answer("", b"at last"));
        let bad = || asked(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf".into()).close();
        self.raw("RAW_FLAKY_URL", [bad(), bad(), good]);
        let old_tls = tls10_server();
        self.environment.push(("TLS10_URL", format!("https://{}/", old_tls.addr())));
        self._raw.push(old_tls);
    }

    fn raw(&mut self, name: &'static str, scripts: impl IntoIterator<Item = Script>) {
        let server = RawServer::start(scripts);
        self.environment.push((name, server.url("/")));
        self._raw.push(server);
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn started(builder: whimbrel_testkit::OriginBuilder<'_>) -> Origin {
    builder.start().expect("the origin can be bound")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).expect("a vector takes everything");
    encoder.finish().expect("a vector takes everything")
}

fn shown(path: &Path) -> String {
    path.to_str().expect("the target folder's path is UTF-8").to_owned()
}
