//! nginx for the bench: one worker, its files in a folder of ours, five ports that differ in what a connection may be.
//!
//! Whether a connection is kept and a TLS session resumed is decided by the server, so that no peer needs to be told.

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::peers::many_files;
use crate::process;

/// A port of the server.
#[derive(Clone, Copy)]
pub(super) enum Port {
    /// Plain, connections kept.
    Kept,
    /// Plain, closed after each response.
    Closed,
    /// TLS, closed after each response, nothing to resume.
    TlsFull,
    /// TLS, closed after each response, sessions resumed.
    TlsResumed,
    /// TLS, connections kept, sessions resumed.
    TlsKept,
}

/// A running nginx; it ends with this value.
pub(super) struct Server {
    child: Child,
    ports: [u16; 5],
}

/// The certificate authority that the TLS ports stand on.
pub(super) fn ca(folder: &Path) -> PathBuf {
    folder.join("ca.pem")
}

impl Server {
    /// Writes the bodies, the certificates and the configuration, and starts nginx.
    pub(super) fn start(folder: &Path, bulk: u64) -> Result<Server, String> {
        let nginx = process::find("nginx").ok_or("nginx is missing; `cargo xtask setup` installs it")?;
        bodies(&folder.join("www"), bulk)?;
        certificates(folder)?;
        let ports = free_ports()?;
        let configuration = folder.join("nginx.conf");
        write(&configuration, configure(folder, ports).as_bytes())?;
        let child = many_files(&nginx)
            .arg("-p")
            .arg(folder)
            .arg("-c")
            .arg(&configuration)
            .args(["-e", "error.log"])
            .stdin(Stdio::null())
            .spawn()
            .map_err(|error| format!("cannot start nginx: {error}"))?;
        let mut server = Server { child, ports };
        server.wait()?;
        Ok(server)
    }

    pub(super) fn url(&self, port: Port, path: &str) -> String {
        let scheme = match port {
            Port::Kept | Port::Closed => "http",
            Port::TlsFull | Port::TlsResumed | Port::TlsKept => "https",
        };
        format!("{scheme}://127.0.0.1:{}/{path}", self.number(port))
    }

    pub(super) fn number(&self, port: Port) -> u16 {
        self.ports[port as usize]
    }

    /// Puts nginx on one core, where the clients of small requests run too, or lets it run anywhere.
    ///
    /// A client and a server that wait for each other on two cores measure how fast a virtual machine wakes an idle core:
    /// three times the cost of the request, and the same for everybody. On one core they measure their work.
    pub(super) fn share_core(&self, shared: bool) -> Result<(), String> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let list = if shared { "0".to_owned() } else { format!("0-{}", cores - 1) };
        let taskset = process::find("taskset").ok_or("taskset is missing; install util-linux")?;
        process::output(Command::new(taskset).args(["-cp", &list, &self.child.id().to_string()])).map(drop)
    }

    fn wait(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + Duration::from_secs(10);
        while TcpStream::connect(("127.0.0.1", self.ports[3])).is_err() {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(format!("nginx ended at once ({status})"));
            }
            if Instant::now() > deadline {
                return Err("nginx does not listen after 10 s".to_owned());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn bodies(folder: &Path, bulk: u64) -> Result<(), String> {
    write(&folder.join("13"), b"Hello, world!")?;
    write(&folder.join("1k"), &[b'k'; 1024])?;
    std::fs::create_dir_all(folder.join("up")).map_err(|error| process::about(folder, error))?;
    let path = folder.join("bulk");
    let mut file = std::fs::File::create(&path).map_err(|error| process::about(&path, error))?;
    let block: Vec<u8> = (0..1 << 20).map(|index: u32| (index % 251) as u8).collect();
    for _ in 0..bulk >> 20 {
        std::io::Write::write_all(&mut file, &block).map_err(|error| process::about(&path, error))?;
    }
    Ok(())
}

fn certificates(folder: &Path) -> Result<(), String> {
    let openssl = process::find("openssl").ok_or("openssl is missing; `cargo xtask setup` installs it")?;
    write(&folder.join("leaf.ext"), b"subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")?;
    let steps = [
        "ecparam -name prime256v1 -genkey -noout -out ca.key",
        "req -x509 -new -key ca.key -days 2 -subj /CN=bench-authority -out ca.pem",
        "ecparam -name prime256v1 -genkey -noout -out leaf.key",
        "req -new -key leaf.key -subj /CN=bench-server -out leaf.csr",
        "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile leaf.ext -out leaf.pem",
    ];
    for step in steps {
        process::output(Command::new(&openssl).current_dir(folder).args(step.split(' ')))?;
    }
    Ok(())
}

fn free_ports() -> Result<[u16; 5], String> {
    // Held together, so that no number comes twice.
    let listeners = [0; 5].map(|port| TcpListener::bind(("127.0.0.1", port)));
    let mut ports = [0; 5];
    for (port, listener) in ports.iter_mut().zip(&listeners) {
        let address = listener.as_ref().map_err(ToString::to_string)?.local_addr();
        *port = address.map_err(|error| error.to_string())?.port();
    }
    Ok(ports)
}

fn configure(folder: &Path, [kept, closed, full, resumed, tls]: [u16; 5]) -> String {
    let folder = folder.display();
    let hundred = "x".repeat(100);
    format!(
        "daemon off;
master_process off;
error_log {folder}/error.log;
pid {folder}/nginx.pid;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    default_type text/plain;
    sendfile on;
    sendfile_max_chunk 2m;
    tcp_nopush on;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    client_body_buffer_size 1m;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    ssl_certificate {folder}/leaf.pem;
    ssl_certificate_key {folder}/leaf.key;
    root {folder}/www;
    server {{
        listen 127.0.0.1:{kept} backlog=4096;
        keepalive_timeout 300s;
        # The least that nginx can do for a response of eight fields: with a file it would be slower than its clients.
        location = /small {{
            add_header Cache-Control no-cache;
            add_header X-Frame-Options DENY;
            add_header Accept-Ranges bytes;
            return 200 'Hello, world!';
        }}
        # The least that a server says: five fields.
        location = /hundred {{ return 200 '{hundred}'; }}
        location /up/ {{ dav_methods PUT; }}
    }}
    server {{ listen 127.0.0.1:{closed}; keepalive_timeout 0; }}
    server {{
        listen 127.0.0.1:{full} ssl;
        keepalive_timeout 0;
        ssl_session_tickets off;
        ssl_session_cache off;
    }}
    server {{
        listen 127.0.0.1:{resumed} ssl;
        keepalive_timeout 0;
        ssl_session_cache shared:bench:1m;
    }}
    server {{
        listen 127.0.0.1:{tls} ssl;
        keepalive_timeout 300s;
        ssl_session_cache shared:bench:1m;
        location = /hundred {{ return 200 '{hundred}'; }}
    }}
}}
"
    )
}

fn write(path: &Path, content: &[u8]) -> Result<(), String> {
    std::fs::write(path, content).map_err(|error| process::about(path, error))
}
