//! Starts a server in a folder of its own, waits until it accepts, and ends it with the value. What the server is told
//! and asked is the tests' matter.

use std::fs::{self, File, Permissions};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use whimbrel_testkit::{Authority, Identity};

/// A new folder below the system's temporary one, removed with the value.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("whimbrel-{name}-{}-{number}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        // Servers that were started by root read it as another user.
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, in folders that are made for it, and gives its path.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        path
    }

    /// Writes `server.pem` and `server.key`.
    pub(crate) fn write_identity(&self, identity: &Identity) {
        self.write("server.pem", identity.cert_chain_pem());
        self.write("server.key", identity.key_pem());
    }

    /// A new authority, and a certificate by it for loopback and `a.test` as `server.pem` and `server.key`.
    pub(crate) fn certify(&self) -> Authority {
        let authority = Authority::new();
        self.write_identity(&authority.issue(&["127.0.0.1", "localhost", "a.test"]));
        authority
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running server.
pub(crate) struct Server {
    child: Child,
    folder: Folder,
}

impl Server {
    /// Starts `program` with `arguments` and waits until it accepts on all of `ports`. `package` is what brings it.
    ///
    /// # Panics
    /// With the server's own words, when it is missing, ends, or does not listen in time.
    pub(crate) fn start(program: &str, package: &str, arguments: &[&str], ports: &[u16], folder: Folder) -> Self {
        let path = find(program, package);
        let log = folder.path().join("output.log");
        let output = File::create(&log).unwrap();
        let child = Command::new(&path)
            .args(arguments)
            .current_dir(folder.path())
            .env("HOME", folder.path())
            .env("XDG_DATA_HOME", folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap_or_else(|error| panic!("{} can't be started: {error}", path.display()));
        let mut server = Self { child, folder };
        let deadline = Instant::now() + Duration::from_secs(30);
        for &port in ports {
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                let ended = server.child.try_wait().unwrap();
                if ended.is_some() || Instant::now() > deadline {
                    let output = fs::read_to_string(&log).unwrap_or_default();
                    panic!("{program} does not listen on port {port} (ended: {ended:?}). Its output:\n{output}");
                }
                // No server tells when it listens.
                std::thread::sleep(Duration::from_millis(10));
            }
        }
        server
    }

    pub(crate) fn folder(&self) -> &Folder {
        &self.folder
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A program on the path, or where the system keeps its servers, which users' paths leave out.
fn find(program: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let mut places = std::env::split_paths(&path).chain(system).map(|folder| folder.join(program));
    places.find(|path| path.is_file()).unwrap_or_else(|| {
        panic!("{program} is missing: install the package {package} (cargo xtask setup does, on Debian)")
    })
}

/// A port that nobody has, below those that systems hand out by themselves, so that no client's socket can take it
/// before the server does.
pub(crate) fn free_port() -> u16 {
    static NEXT: Mutex<Option<u16>> = Mutex::new(None);
    let mut next = NEXT.lock().unwrap();
    // Processes that run side by side begin at different places.
    let mut port = next.unwrap_or_else(|| 20_000 + u16::try_from(std::process::id() % 200).unwrap() * 50);
    loop {
        port = if port >= 32_000 { 20_000 } else { port + 1 };
        *next = Some(port);
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Whether this machine has `::1`.
pub(crate) fn has_ipv6() -> bool {
    TcpListener::bind(("::1", 0)).is_ok()
}
