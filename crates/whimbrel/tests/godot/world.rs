//! The servers of one script's run, and what the script is told of them.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring;
use whimbrel_testkit::{Authority, BlackHole, Identity, Origin, Proxy, RawServer, Script, TlsVersions, refused_addr};

use crate::cases::Cases;
use crate::engine::{Project, Run};

/// Where the authority's certificate is in a project.
pub(crate) const AUTHORITY: &str = "certificates/authority.crt";

const NAMES: [&str; 3] = ["127.0.0.1", "localhost", "tls.test"];

/// Everything that a script may talk to.
pub(crate) struct World {
    authority: Authority,
    pub(crate) origin: Origin,
    pub(crate) secure: Origin,
    pub(crate) cases: Cases,
    server: Identity,
    other: Authority,
    client: Identity,
    mutual: Origin,
    tls12: Origin,
    proxy: Proxy,
    silent: BlackHole,
    mute: RawServer,
}

impl World {
    pub(crate) fn start() -> Self {
        allow_many_connections();
        let authority = Authority::new();
        let server = authority.issue(&NAMES);
        let secure = |builder: whimbrel_testkit::OriginBuilder<'_>| builder.tls(server.clone()).start().unwrap();
        let origin = Origin::http();
        let tls = secure(Origin::builder());
        let proxy = Proxy::builder().map(&format!("a.test:{}", origin.addr().port()), origin.addr());
        let proxy = proxy.map(&format!("tls.test:{}", tls.addr().port()), tls.addr()).start().unwrap();
        Self {
            cases: Cases::start(tls_config(&server)),
            mutual: secure(Origin::builder().client_auth(&authority)),
            tls12: secure(Origin::builder().tls_versions(TlsVersions::Only12)),
            client: authority.issue_client("client.test"),
            other: Authority::new(),
            silent: BlackHole::new(),
            mute: RawServer::start([Script::new().wait_for_close()]),
            secure: tls,
            authority,
            origin,
            server,
            proxy,
        }
    }

    /// The identity that the servers for 127.0.0.1 and localhost show.
    pub(crate) fn server(&self) -> &Identity {
        &self.server
    }

    /// Runs a script of `tests/godot` in this world, with more variables of the caller's.
    pub(crate) fn run(&self, project: &Project, script: &str, more: &[(&str, String)], limit: Duration) -> Run {
        let file = |name: &str, content: &str| project.write(name, content).display().to_string();
        let port = |addr: std::net::SocketAddr| addr.port().to_string();
        let cases = &self.cases;
        fs::create_dir_all(project.folder().join("files")).unwrap();
        let mut env = vec![
            ("WHIMBREL_CERT", file(AUTHORITY, &self.authority.ca_pem())),
            ("WHIMBREL_OTHER_CERT", file("certificates/other.crt", &self.other.ca_pem())),
            ("WHIMBREL_SERVER_CERT", file("certificates/server.crt", self.server.cert_chain_pem())),
            ("WHIMBREL_SERVER_KEY", file("certificates/server.key", &self.server.key_pem())),
            ("WHIMBREL_CLIENT_CERT", file("certificates/client.crt", self.client.cert_chain_pem())),
            ("WHIMBREL_CLIENT_KEY", file("certificates/client.key", &self.client.key_pem())),
            (
                "WHIMBREL_REVOKED",
                file("certificates/revoked.crl", &self.authority.revocation_list(&[self.server.serial()])),
            ),
            (
                "WHIMBREL_NOT_REVOKED",
                file("certificates/other.crl", &self.authority.revocation_list(&[self.client.serial()])),
            ),
            ("WHIMBREL_CLIENT_PORT", port(self.mutual.addr())),
            ("WHIMBREL_TLS12_PORT", port(self.tls12.addr())),
            ("WHIMBREL_PIN", self.server.pin()),
            ("WHIMBREL_PROXY_PORT", port(self.proxy.addr())),
            ("WHIMBREL_CLOSED_PORT", port(refused_addr())),
            ("WHIMBREL_SILENT_PORT", port(self.silent.addr())),
            ("WHIMBREL_MUTE_PORT", port(self.mute.addr())),
            ("WHIMBREL_CASES", format!("{} {} {}", cases.plain, cases.tls, cases.control)),
            ("WHIMBREL_FOLDER", project.folder().join("files").display().to_string()),
        ];
        env.extend(more.iter().cloned());
        let arguments = [port(self.origin.addr()), port(self.secure.addr())];
        project.run(&format!("res://{script}"), &arguments, &env, limit)
    }
}

/// A server's settings for this identity: TLS 1.2 and 1.3, no ALPN.
fn tls_config(identity: &Identity) -> Arc<ServerConfig> {
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    Arc::new(builder.with_single_cert(identity.cert_chain().to_vec(), identity.key()).unwrap())
}

/// A script opens 2000 connections to a server of this process; some systems begin with room for 1024 descriptors.
#[allow(unsafe_code, reason = "the standard library has no call for it")]
fn allow_many_connections() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the call fills the structure that it is given.
    if unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) } == 0 && limit.rlim_cur < limit.rlim_max {
        limit.rlim_cur = limit.rlim_max;
        // SAFETY: the call reads the structure that it is given.
        unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &limit) };
    }
}
