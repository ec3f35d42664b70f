//! The servers of one script's run, and what the script is told of them.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::ring;
use whimbrel_testkit::{Authority, BlackHole, Identity, Origin, Proxy, TlsVersions, refused_addr};

use crate::cases::Cases;
use crate::engine::{Project, Run};
use crate::pin::pin;

const NAMES: [&str; 3] = ["127.0.0.1", "localhost", "tls.test"];

/// Everything that a script may talk to.
pub(crate) struct World {
    pub(crate) authority: Authority,
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
}

impl World {
    pub(crate) fn start() -> Self {
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
            secure: tls,
            authority,
            origin,
            server,
            proxy,
        }
    }

    /// Runs a script of `tests/godot` in this world, with more variables of the caller's.
    pub(crate) fn run(&self, project: &Project, script: &str, more: &[(&str, String)], limit: Duration) -> Run {
        let file = |name: &str, content: &str| project.write(name, content).display().to_string();
        let port = |addr: std::net::SocketAddr| addr.port().to_string();
        let cases = &self.cases;
        fs::create_dir_all(project.folder().join("files")).unwrap();
        let mut env = vec![
            ("WHIMBREL_CERT", file("certificates/authority.crt", &self.authority.ca_pem())),
            ("WHIMBREL_OTHER_CERT", file("certificates/other.crt", &self.other.ca_pem())),
            ("WHIMBREL_SERVER_CERT", file("certificates/server.crt", self.server.cert_chain_pem())),
            ("WHIMBREL_SERVER_KEY", file("certificates/server.key", &self.server.key_pem())),
            ("WHIMBREL_CLIENT_CERT", file("certificates/client.crt", self.client.cert_chain_pem())),
            ("WHIMBREL_CLIENT_KEY", file("certificates/client.key", &self.client.key_pem())),
            ("WHIMBREL_CLIENT_PORT", port(self.mutual.addr())),
            ("WHIMBREL_TLS12_PORT", port(self.tls12.addr())),
            ("WHIMBREL_PIN", pin(&self.server)),
            ("WHIMBREL_PROXY_PORT", port(self.proxy.addr())),
            ("WHIMBREL_CLOSED_PORT", port(refused_addr())),
            ("WHIMBREL_SILENT_PORT", port(self.silent.addr())),
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
