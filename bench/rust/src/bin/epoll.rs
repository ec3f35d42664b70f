//! The limit of `cargo xtask bench network`: one thread, one epoll, one read buffer for all connections, httparse.
//! It knows Content-Length and nothing else: no redirects, time limits, errors, names, files or chunks.

use std::error::Error;
use std::io::{Read, Write};
use std::net::TcpStream;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::fd::OwnedFd;
use whimbrel_bench_peers::Outcome;
use whimbrel_bench_peers::network::{Mode, Stretch, Task, resident};

const BUFFER: usize = 64 << 10;

fn main() -> Outcome {
    let task = Task::read()?;
    match task.mode {
        Mode::Flight(width) => flight(&task, width),
        Mode::Waiting => waiting(&task),
        _ => Err("the epoll loop can do `flight-K` and `waiting`".into()),
    }
}

fn flight(task: &Task, width: usize) -> Outcome {
    let mut engine = Engine::new()?;
    let request = Request::new(&task.url)?;
    for _ in 0..width {
        engine.start(&request)?;
    }
    let mut ended = Vec::with_capacity(width);
    let mut warm = 0;
    let mut idle = Vec::with_capacity(width);
    while warm < width {
        engine.turn(&mut ended)?;
        warm += ended.len();
        idle.append(&mut ended);
    }
    let stretch = Stretch::begin();
    let (mut started, mut done) = (0, 0);
    for connection in idle.drain(..).take(task.count) {
        engine.send(connection, &request)?;
        started += 1;
    }
    while done < task.count {
        engine.turn(&mut ended)?;
        for connection in ended.drain(..) {
            done += 1;
            if started < task.count {
                engine.send(connection, &request)?;
                started += 1;
            }
        }
    }
    stretch.print();
    Ok(())
}

fn waiting(task: &Task) -> Outcome {
    let mut engine = Engine::new()?;
    let (hold, until) = (Request::new(&format!("{}hold", task.url))?, format!("{}until/{}", task.url, task.count));
    let mut ended = Vec::new();
    engine.start(&Request::new(&format!("{}until/0", task.url))?)?;
    while ended.is_empty() {
        engine.turn(&mut ended)?;
    }
    let before = resident();
    engine.send(ended[0], &Request::new(&until)?)?;
    ended.clear();
    for _ in 0..task.count {
        engine.start(&hold)?;
    }
    while ended.is_empty() {
        engine.turn(&mut ended)?;
    }
    println!("{before} {} {}", resident(), task.count);
    Ok(())
}

struct Request {
    address: String,
    head: Vec<u8>,
}

impl Request {
    fn new(url: &str) -> Result<Request, Box<dyn Error>> {
        let rest = url.strip_prefix("http://").ok_or("the epoll loop speaks http only")?;
        let (address, path) = rest.split_once('/').ok_or("the URL has no path")?;
        let head = format!("GET /{path} HTTP/1.1\r\nHost: {address}\r\n\r\n").into_bytes();
        Ok(Request { address: address.to_owned(), head })
    }
}

struct Connection {
    stream: TcpStream,
    /// Of the head, if it came in pieces.
    partial: Vec<u8>,
    /// Body bytes to come; none before the head.
    left: Option<usize>,
}

struct Engine {
    epoll: OwnedFd,
    connections: Vec<Connection>,
    ready: Vec<epoll::Event>,
    buffer: Vec<u8>,
}

impl Engine {
    fn new() -> Result<Engine, Box<dyn Error>> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        Ok(Engine { epoll, connections: Vec::new(), ready: Vec::with_capacity(1024), buffer: vec![0; BUFFER] })
    }

    /// Opens a connection and sends the request on it.
    fn start(&mut self, request: &Request) -> Outcome {
        let stream = TcpStream::connect(&request.address)?;
        stream.set_nonblocking(true)?;
        let index = self.connections.len();
        epoll::add(&self.epoll, &stream, EventData::new_u64(index as u64), EventFlags::IN)?;
        self.connections.push(Connection { stream, partial: Vec::new(), left: None });
        self.send(index, request)
    }

    fn send(&mut self, index: usize, request: &Request) -> Outcome {
        // A head of 60 bytes always fits into an empty send buffer.
        Ok(self.connections[index].stream.write_all(&request.head)?)
    }

    /// Waits once, receives once on each connection that is ready; `ended` gets those whose response is complete.
    fn turn(&mut self, ended: &mut Vec<usize>) -> Outcome {
        self.ready.clear();
        epoll::wait(&self.epoll, spare_capacity(&mut self.ready), None)?;
        for event in &self.ready {
            let index = event.data.u64() as usize;
            let connection = &mut self.connections[index];
            let read = connection.stream.read(&mut self.buffer)?;
            if read == 0 {
                return Err("the server closed".into());
            }
            if connection.take(&self.buffer[..read])? {
                ended.push(index);
            }
        }
        Ok(())
    }
}

impl Connection {
    /// Takes what came; true at the end of the response.
    fn take(&mut self, bytes: &[u8]) -> Result<bool, Box<dyn Error>> {
        let left = match self.left {
            Some(left) => left.checked_sub(bytes.len()).ok_or("more came than was announced")?,
            None => {
                let whole = std::mem::take(&mut self.partial);
                let whole = if whole.is_empty() { bytes } else { &[&whole[..], bytes].concat() };
                match head(whole)? {
                    Some((head, body)) => {
                        (head + body).checked_sub(whole.len()).ok_or("more came than was announced")?
                    }
                    None => {
                        self.partial = whole.to_vec();
                        return Ok(false);
                    }
                }
            }
        };
        self.left = (left > 0).then_some(left);
        Ok(left == 0)
    }
}

/// The lengths of head and body.
fn head(bytes: &[u8]) -> Result<Option<(usize, usize)>, Box<dyn Error>> {
    let mut fields = [httparse::EMPTY_HEADER; 32];
    let mut response = httparse::Response::new(&mut fields);
    let httparse::Status::Complete(length) = response.parse(bytes)? else { return Ok(None) };
    if response.code != Some(200) {
        return Err(format!("status {:?}", response.code).into());
    }
    let field = response.headers.iter().find(|field| field.name.eq_ignore_ascii_case("content-length"));
    let body = std::str::from_utf8(field.ok_or("no Content-Length")?.value)?.parse()?;
    Ok(Some((length, body)))
}
