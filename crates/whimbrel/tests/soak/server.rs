//! The server of the soak, in a process of its own: it is killed and started again as one, and none of its memory and
//! descriptors are counted. It does what the path says, well or badly. What it was asked to do once it notes in a file,
//! which survives it.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use crate::content;

const ADDR: &str = "WHIMBREL_SOAK_ADDR";
const LOG: &str = "WHIMBREL_SOAK_LOG";

/// The server as its client sees it.
pub(crate) struct Server {
    addr: SocketAddr,
    log: PathBuf,
    process: Option<Child>,
    pub(crate) starts: usize,
}

impl Server {
    pub(crate) fn new(log: PathBuf) -> Self {
        let mut server = Self { addr: free_addr(), log, process: None, starts: 0 };
        server.start();
        server
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.addr
    }

    pub(crate) fn is_running(&self) -> bool {
        self.process.is_some()
    }

    /// Starts it on the same port, and waits until it listens.
    pub(crate) fn start(&mut self) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "server::the_process_that_serves", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env(ADDR, self.addr.to_string()).env(LOG, &self.log);
        // Its standard input tells it when its parent is gone.
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        assert!(lines.any(|line| line.unwrap().contains("listening")), "the server does not start");
        self.process = Some(process);
        self.starts += 1;
    }

    /// Kills it: all its connections are gone at this moment, and so is its port.
    pub(crate) fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().unwrap();
            process.wait().unwrap();
        }
    }

    /// The numbers that it was asked to do something about that must not be done twice.
    pub(crate) fn deeds(&self) -> Vec<u64> {
        let bytes = std::fs::read(&self.log).unwrap();
        bytes.chunks_exact(8).map(|number| u64::from_le_bytes(number.try_into().unwrap())).collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that no connection is ever given by the system: what connects while the server is down must be refused, and not
/// meet itself.
fn free_addr() -> SocketAddr {
    let start = 20_000 + std::process::id() as u16 % 8_000;
    let addr = |port| SocketAddr::from(([127, 0, 0, 1], port));
    (start..32_000).map(addr).find(|addr| TcpListener::bind(addr).is_ok()).expect("no port is free")
}

#[test]
#[ignore = "the soak runs it as a process of its own"]
fn the_process_that_serves() {
    let (Ok(addr), Some(log)) = (std::env::var(ADDR), std::env::var_os(LOG)) else { return };
    let listener = TcpListener::bind(addr).unwrap();
    println!("\nlistening");
    let log = Arc::new(OpenOptions::new().create(true).append(true).open(Path::new(&log)).unwrap());
    thread::spawn(|| {
        let _ = io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    for stream in listener.incoming() {
        let (Ok(stream), log) = (stream, log.clone()) else { continue };
        let _ = thread::Builder::new().stack_size(256 << 10).spawn(move || converse(&stream, &log));
    }
}

struct Request {
    kind: String,
    number: u64,
    size: usize,
    length: usize,
}

fn converse(stream: &TcpStream, log: &File) -> io::Result<()> {
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    let mut reader = BufReader::new(stream);
    let mut count = 0_u64;
    while let Some(request) = read_head(&mut reader)? {
        count += 1;
        let mut body = vec![0; request.length];
        reader.read_exact(&mut body)?;
        if !answer(stream, &request, &body, log, count)? {
            break;
        }
    }
    stream.shutdown(Shutdown::Write)
}

/// `METHOD /KIND/NUMBER/SIZE`, and `Content-Length`.
fn read_head(reader: &mut BufReader<&TcpStream>) -> io::Result<Option<Request>> {
    let mut line = String::new();
    if reader.read_line(&mut line)? == 0 {
        return Ok(None);
    }
    let wrong = || io::Error::from(io::ErrorKind::InvalidData);
    let path = line.split(' ').nth(1).ok_or_else(wrong)?;
    let mut parts = path.split('/').skip(1);
    let kind = parts.next().ok_or_else(wrong)?.to_owned();
    let number = parts.next().and_then(|part| part.parse().ok()).ok_or_else(wrong)?;
    let size = parts.next().and_then(|part| part.parse().ok()).ok_or_else(wrong)?;
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? <= 2 {
            return Ok(Some(Request { kind, number, size, length }));
        }
        let (name, value) = line.split_once(':').ok_or_else(wrong)?;
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(|_| wrong())?;
        }
    }
}

/// False: this was the connection's last.
fn answer(mut stream: &TcpStream, request: &Request, body: &[u8], log: &File, count: u64) -> io::Result<bool> {
    let &Request { ref kind, number, size, .. } = request;
    let content = content(number, size);
    let ok = |extra: &str| format!("HTTP/1.1 200 OK\r\n{extra}\r\n").into_bytes();
    let sized = || [ok(&format!("Content-Length: {}\r\n", content.len())), content.clone()].concat();
    match &**kind {
        "deed" => {
            let mut log = log;
            log.write_all(&number.to_le_bytes())?;
            // Now and then the answer is lost: nobody can know whether it was done.
            if number.is_multiple_of(7) {
                return Ok(false);
            }
            stream.write_all(&sized())?;
        }
        "upload" => {
            let reply = if body == content { sized() } else { ok("Content-Length: 3\r\n\r\nbad") };
            stream.write_all(&reply)?;
        }
        "chunked" => {
            stream.write_all(&ok("Transfer-Encoding: chunked\r\n"))?;
            for piece in content.chunks(20_000) {
                stream.write_all(&[format!("{:x}\r\n", piece.len()).as_bytes(), piece, b"\r\n"].concat())?;
            }
            stream.write_all(b"0\r\n\r\n")?;
        }
        "until-close" => {
            stream.write_all(&[ok("Connection: close\r\n"), content].concat())?;
            return Ok(false);
        }
        "drip" => {
            stream.write_all(&ok(&format!("Content-Length: {}\r\n", content.len())))?;
            for piece in content.chunks(content.len() / 10 + 1) {
                stream.write_all(piece)?;
                thread::sleep(Duration::from_millis(4));
            }
        }
        "redirect" => {
            write!(stream, "HTTP/1.1 307 Temporary\r\nLocation: /get/{number}/{size}\r\nContent-Length: 4\r\n\r\nover")?
        }
        "busy" if count % 2 == 1 => {
            write!(stream, "HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 4\r\n\r\nbusy")?;
        }
        "flaky" if !(number + count).is_multiple_of(3) => return Ok(false),
        "cut" => {
            let whole = sized();
            stream.write_all(&whole[..whole.len() - 1 - number as usize % size.max(1)])?;
            return Ok(false);
        }
        "reset" => {
            let whole = sized();
            stream.write_all(&whole[..whole.len() / 2])?;
            SockRef::from(stream).set_linger(Some(Duration::ZERO))?;
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        "stall" => {
            let whole = sized();
            stream.write_all(&whole[..number as usize % whole.len()])?;
            // Until the other side has had enough.
            while stream.read(&mut [0; 64])? > 0 {}
        }
        _ => stream.write_all(&sized())?,
    }
    Ok(true)
}
