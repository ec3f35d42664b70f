//! A server that keeps its clients waiting, or feeds them slowly: one thread, any number of connections.
//!
//! It prints its port and serves until its standard input ends.
//!
//! * `/hold`: reads the request and answers nothing.
//! * `/until/N`: is answered as soon as N requests are held, with their number.
//! * `/stream/SIZE`: a body of 16 MiB, in pieces of SIZE bytes, one each 16 ms.

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use rustix::fd::OwnedFd;
use whimbrel_bench_peers::Outcome;

const BODY: usize = 16 << 20;
const TICK: Duration = Duration::from_millis(16);
const LISTENER: u64 = u64::MAX;

fn main() -> Outcome {
    std::thread::spawn(|| {
        let _ = std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
        std::process::exit(0);
    });
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    // The standard library's backlog is 128: more connects at once would be tried again after a second.
    rustix::net::listen(&listener, 4096)?;
    listener.set_nonblocking(true)?;
    println!("{}", listener.local_addr()?.port());
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    epoll::add(&epoll, &listener, epoll::EventData::new_u64(LISTENER), epoll::EventFlags::IN)?;
    let mut server = Server { listener, epoll, clients: Vec::new(), free: Vec::new(), held: 0, streams: 0 };
    server.serve()
}

enum State {
    /// Of a request, what has come.
    Reading(Vec<u8>),
    Held,
    Until(usize),
    /// The size of a piece, and the bytes of the body that are to come.
    Streaming(usize, usize),
}

struct Client {
    stream: TcpStream,
    state: State,
}

struct Server {
    listener: TcpListener,
    epoll: OwnedFd,
    clients: Vec<Option<Client>>,
    free: Vec<usize>,
    held: usize,
    streams: usize,
}

impl Server {
    fn serve(&mut self) -> Outcome {
        let mut ready = Vec::with_capacity(1024);
        let mut buffer = vec![0; 64 << 10];
        let mut tick = Instant::now();
        loop {
            if self.streams == 0 {
                tick = Instant::now() + TICK;
            }
            let rest = tick.saturating_duration_since(Instant::now());
            let rest = Timespec { tv_sec: 0, tv_nsec: i64::from(rest.subsec_nanos()) };
            ready.clear();
            epoll::wait(&self.epoll, spare_capacity(&mut ready), (self.streams > 0).then_some(&rest))?;
            for event in &ready {
                match event.data.u64() {
                    LISTENER => self.accept()?,
                    index => self.receive(index as usize, &mut buffer),
                }
            }
            self.answer_those_who_wait_for_others();
            if self.streams > 0 && Instant::now() >= tick {
                tick += TICK;
                self.feed(&buffer);
            }
        }
    }

    fn accept(&mut self) -> Outcome {
        loop {
            let stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error.into()),
            };
            stream.set_nonblocking(true)?;
            stream.set_nodelay(true)?;
            // Else each closed connection would keep its port for a minute, and the ports would run out.
            rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO))?;
            let index = self.free.pop().unwrap_or(self.clients.len());
            epoll::add(&self.epoll, &stream, epoll::EventData::new_u64(index as u64), epoll::EventFlags::IN)?;
            let client = Some(Client { stream, state: State::Reading(Vec::new()) });
            if index == self.clients.len() { self.clients.push(client) } else { self.clients[index] = client }
        }
    }

    fn receive(&mut self, index: usize, buffer: &mut [u8]) {
        let Some(client) = &mut self.clients[index] else { return };
        match client.stream.read(buffer) {
            Ok(read) if read > 0 => {
                let State::Reading(request) = &mut client.state else { return self.close(index) };
                request.extend_from_slice(&buffer[..read]);
                if request.ends_with(b"\r\n\r\n") {
                    match begin(request) {
                        Ok(state) => self.change(index, state),
                        Err(_) => self.close(index),
                    }
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            _ => self.close(index),
        }
    }

    fn change(&mut self, index: usize, state: State) {
        let Some(client) = &mut self.clients[index] else { return };
        match &client.state {
            State::Held => self.held -= 1,
            State::Streaming(..) => self.streams -= 1,
            _ => {}
        }
        client.state = state;
        match &client.state {
            State::Held => self.held += 1,
            State::Streaming(..) => {
                self.streams += 1;
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {BODY}\r\n\r\n");
                let _ = client.stream.write_all(head.as_bytes());
            }
            _ => {}
        }
    }

    fn close(&mut self, index: usize) {
        self.change(index, State::Reading(Vec::new()));
        self.clients[index] = None;
        self.free.push(index);
    }

    fn answer_those_who_wait_for_others(&mut self) {
        for client in self.clients.iter_mut().flatten() {
            if matches!(client.state, State::Until(wanted) if wanted <= self.held) {
                let body = self.held.to_string();
                let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
                let _ = client.stream.write_all(text.as_bytes());
                client.state = State::Reading(Vec::new());
            }
        }
    }

    fn feed(&mut self, content: &[u8]) {
        for index in 0..self.clients.len() {
            let Some(Client { stream, state: State::Streaming(piece, left) }) = &mut self.clients[index] else {
                continue;
            };
            match stream.write(&content[..(*piece).min(*left)]) {
                Ok(written) => *left -= written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) => {
                    self.close(index);
                    continue;
                }
            }
            if *left == 0 {
                self.change(index, State::Reading(Vec::new()));
            }
        }
    }
}

fn begin(request: &[u8]) -> Result<State, Box<dyn Error>> {
    let text = std::str::from_utf8(request)?;
    let path = text.split(' ').nth(1).ok_or("no target")?;
    Ok(match path.trim_start_matches('/').split_once('/') {
        Some(("until", wanted)) => State::Until(wanted.parse()?),
        Some(("stream", size)) => State::Streaming(size.parse::<usize>()?.min(16 << 10), BODY),
        _ if path == "/hold" => State::Held,
        _ => return Err("the path is `/hold`, `/until/N` or `/stream/SIZE`".into()),
    })
}
