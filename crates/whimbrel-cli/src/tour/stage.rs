//! The servers of the tour: an origin with and without TLS, one with a CA of its own, one that fails twice, and an address
//! where nobody listens. Everything is on loopback and ends with the stage.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use whimbrel_testkit::{Authority, Origin, RawServer, Script, refused_addr};

use crate::lua::Host;
use crate::resolve::Override;

pub(super) struct Stage {
    plain: Origin,
    api: Origin,
    intranet: Origin,
    flaky: RawServer,
    nobody: SocketAddr,
    told: Mutex<Told>,
    files: Files,
}

/// How much of what the servers saw has been told already.
#[derive(Default)]
struct Told {
    requests: [usize; 3],
    flaky: usize,
    connections: HashSet<(usize, usize)>,
}

/// One request as a server saw it.
pub(super) struct Seen {
    /// Method and target.
    pub(super) line: String,
    /// Length of its body in bytes.
    pub(super) body: u64,
    /// Whether its connection carried a request before.
    pub(super) reused: bool,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.line)?;
        if self.body > 0 {
            write!(f, " with {} bytes", self.body)?;
        }
        f.write_str(if self.reused { "" } else { " (new connection)" })
    }
}

impl Stage {
    pub(super) fn open() -> io::Result<Self> {
        let files = Files::new()?;
        let (public, own, other) = (Authority::new(), Authority::new(), Authority::new());
        public.write_ca(files.path("public-ca.pem"))?;
        own.write_ca(&files.own_ca)?;
        other.write_ca(&files.other_ca)?;
        Ok(Self {
            plain: Origin::http(),
            api: Origin::https(&public, &["api.example.com"]),
            intranet: Origin::https(&own, &["intranet.example.com"]),
            flaky: RawServer::start([
                Script::new().expect_head().reset(),
                Script::new().expect_head().send(
                    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                ),
                Script::new()
                    .expect_head()
                    .send("HTTP/1.1 200 OK\r\nContent-Length: 12\r\nConnection: close\r\n\r\nhere at last"),
            ]),
            nobody: refused_addr(),
            told: Mutex::default(),
            files,
        })
    }

    /// Where the scripts' names lead, which CA they trust, and where their files go. Proxies of the environment stay out
    /// of it.
    pub(super) fn host(&self, report: Box<dyn Fn(&str)>) -> Host {
        let leads = |authority: &str, address: SocketAddr| Override {
            authority: authority.to_owned(),
            address: address.to_string(),
        };
        Host {
            resolve: vec![
                leads("api.example.com:80", self.plain.addr()),
                leads("api.example.com:443", self.api.addr()),
                leads("intranet.example.com:443", self.intranet.addr()),
                leads("elsewhere.example.com:443", self.intranet.addr()),
                leads("flaky.example.com:80", self.flaky.addr()),
                leads("nobody.example.com:80", self.nobody),
            ],
            ca_file: Some(self.files.path("public-ca.pem")),
            direct: true,
            base: self.files.path("base"),
            resources: self.files.path("resources"),
            fps: 60.0,
            form_posts: false,
            report,
        }
    }

    pub(super) fn own_ca(&self) -> &OsStr {
        self.files.own_ca.as_os_str()
    }

    pub(super) fn other_ca(&self) -> &OsStr {
        self.files.other_ca.as_os_str()
    }

    pub(super) fn download(&self) -> &OsStr {
        self.files.download.as_os_str()
    }

    /// The requests that came in since the last call, server by server.
    pub(super) fn seen_since_last(&self) -> Vec<Seen> {
        let mut told = self.told.lock().expect("the tour has one thread");
        let mut seen = Vec::new();
        for (index, origin) in [&self.plain, &self.api, &self.intranet].into_iter().enumerate() {
            let requests = origin.requests();
            for request in &requests[told.requests[index]..] {
                seen.push(Seen {
                    line: format!("{} {}", request.method, request.target),
                    body: request.body_length,
                    reused: !told.connections.insert((index, request.connection)),
                });
            }
            told.requests[index] = requests.len();
        }
        let heads = self.flaky.received();
        for head in &heads[told.flaky..] {
            let first = String::from_utf8_lossy(head);
            let line = first.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
            seen.push(Seen { line, body: 0, reused: false });
        }
        told.flaky = heads.len();
        seen
    }
}

/// A directory for the CA files and the download, removed with the stage.
struct Files {
    directory: PathBuf,
    own_ca: PathBuf,
    other_ca: PathBuf,
    download: PathBuf,
}

impl Files {
    fn new() -> io::Result<Self> {
        let directory = fresh_directory(&std::env::temp_dir())?;
        Ok(Self {
            own_ca: directory.join("intranet-ca.pem"),
            other_ca: directory.join("other-ca.pem"),
            download: directory.join("download.bin"),
            directory,
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        // Nothing can be done about a directory that can't be removed, and nothing depends on it.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// Makes a directory that nobody had: a name that exists is never used.
fn fresh_directory(beside: &Path) -> io::Result<PathBuf> {
    let mut attempt = 0;
    loop {
        let directory = beside.join(format!("whimbrel-tour-{}-{attempt}", std::process::id()));
        match fs::create_dir(&directory) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && attempt < 100 => attempt += 1,
            made => return made.map(|()| directory),
        }
    }
}
