//! The polled class against servers that others wrote: nginx plain and over TLS, squid for both kinds of proxy. The
//! server's settings are here; what is asked of them is `servers.gd`'s.

use std::fs::{self, File, Permissions};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::engine::{Addon, Project};
use crate::scripts::judge;
use crate::world::World;

const LARGE: usize = 20_000_000;

#[test]
fn nginx_and_squid_are_understood() {
    let world = World::start();
    let project = Project::new("servers", Addon::With);
    let folder = project.folder().join("servers");
    // The servers may read it as another user than this one.
    for path in [project.folder().to_owned(), folder.clone(), folder.join("www")] {
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    }
    let [plain, tls, proxy] = free_ports();
    let _nginx = nginx(&folder, &world, plain, tls);
    let _squid = squid(&folder, proxy);
    let md5 = Command::new("md5sum").arg(folder.join("www/large")).output().expect("md5sum is there");
    let md5 = String::from_utf8_lossy(&md5.stdout).split(' ').next().unwrap_or_default().to_owned();
    let more = [
        ("WHIMBREL_NGINX", format!("{plain} {tls}")),
        ("WHIMBREL_SQUID", proxy.to_string()),
        ("WHIMBREL_LARGE_MD5", md5),
    ];
    let run = world.run(&project, "servers.gd", &more, Duration::from_secs(120));
    // What squid shares with processes of its own stays when it is killed.
    for part in ["metadata", "queues", "readers"] {
        let _ = fs::remove_file(format!("/dev/shm/whimbrel{proxy}-cf__{part}.shm"));
    }
    judge(&run).unwrap_or_else(|why| panic!("servers.gd {why}\n{}{}", run.stdout, run.stderr));
}

fn nginx(folder: &Path, world: &World, plain: u16, tls: u16) -> Server {
    write(folder, "www/hello", b"Hello, world!");
    write(folder, "www/page.txt", "line\n".repeat(1000).as_bytes());
    write(folder, "www/large", &pattern(LARGE));
    write(folder, "server.pem", world.server().cert_chain_pem().as_bytes());
    write(folder, "server.key", world.server().key_pem().as_bytes());
    let configuration = format!(
        "daemon off;
master_process off;
pid nginx.pid;
events {{ worker_connections 512; }}
http {{
    access_log off;
    types {{ text/plain txt; }}
    gzip on;
    gzip_proxied any;
    gzip_types text/plain;
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
    }}
}}
",
        dir = folder.display()
    );
    write(folder, "nginx.conf", configuration.as_bytes());
    let prefix = folder.display().to_string();
    Server::start("nginx", &["-p", &prefix, "-e", "stderr", "-c", "nginx.conf"], &[plain, tls], folder)
}

fn squid(folder: &Path, port: u16) -> Server {
    let configuration = format!(
        "http_port 127.0.0.1:{port}
visible_hostname proxy.test
pid_filename none
access_log none
cache_log /dev/null
cache_store_log none
cache deny all
cache_mem 0
coredump_dir none
dns_nameservers 127.0.0.1
http_access allow all
"
    );
    write(folder, "squid.conf", configuration.as_bytes());
    let path = folder.join("squid.conf").display().to_string();
    // Its service name keeps what squids share apart.
    let service = format!("whimbrel{port}");
    Server::start("squid", &["-N", "-d", "1", "-n", &service, "-f", &path], &[port], folder)
}

fn write(folder: &Path, name: &str, content: &[u8]) {
    let path = folder.join(name);
    fs::write(&path, content).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
}

/// Bytes without a pattern that repeats, so that any slip shows.
fn pattern(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    std::iter::repeat_with(next).take(length.div_ceil(8)).flat_map(u64::to_le_bytes).take(length).collect()
}

/// Ports that nobody has, below those that systems hand out by themselves, so that no client's socket takes one
/// meanwhile.
fn free_ports<const COUNT: usize>() -> [u16; COUNT] {
    let start = 14_000 + u16::try_from(std::process::id() % 100).unwrap() * 50;
    let mut free = (start..start + 5_000).filter(|&port| TcpListener::bind(("127.0.0.1", port)).is_ok());
    std::array::from_fn(|_| free.next().expect("some ports are free"))
}

/// A running server, ended with the value.
struct Server(Child);

impl Server {
    fn start(program: &str, arguments: &[&str], ports: &[u16], folder: &Path) -> Self {
        let log = folder.join(format!("{program}.log"));
        let output = File::create(&log).unwrap();
        let child = Command::new(find(program))
            .args(arguments)
            .current_dir(folder)
            .env("HOME", folder)
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        let mut server = Self(child);
        let deadline = Instant::now() + Duration::from_secs(30);
        for &port in ports {
            while TcpStream::connect(("127.0.0.1", port)).is_err() {
                let ended = server.0.try_wait().unwrap();
                let said = || fs::read_to_string(&log).unwrap_or_default();
                assert!(ended.is_none() && Instant::now() < deadline, "{program} does not listen:\n{}", said());
                // No server tells when it listens.
                thread::sleep(Duration::from_millis(10));
            }
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A program on the path, or where the system keeps its servers, which users' paths leave out.
fn find(program: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    let mut places = std::env::split_paths(&path).chain(system).map(|folder| folder.join(program));
    places
        .find(|path| path.is_file())
        .unwrap_or_else(|| panic!("{program} is missing: install it (`./test` does, on Debian)"))
}
