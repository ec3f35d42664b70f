//! The floor: a blocking socket and as little HTTP as gets by. It cannot do TLS, redirects, errors or anything else.

use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;

use whimbrel_bench_peers::{Job, Outcome, measure};

const BULK: usize = 256 << 10;

fn main() -> Outcome {
    measure(|job| Raw::new(job).map(|mut raw| move || raw.request()))
}

struct Raw {
    job: Job,
    address: String,
    head: Vec<u8>,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

impl Raw {
    fn new(job: Job) -> Result<Raw, Box<dyn std::error::Error>> {
        let rest = job.url.strip_prefix("http://").ok_or("the raw loop speaks http only")?;
        let (address, path) = rest.split_once('/').ok_or("the URL has no path")?;
        let (method, length) = match job.mode.as_str() {
            "upload" => ("PUT", format!("Content-Length: {}\r\n", job.file.metadata()?.len())),
            _ => ("GET", String::new()),
        };
        let head = format!("{method} /{path} HTTP/1.1\r\nHost: {address}\r\n{length}\r\n").into_bytes();
        Ok(Raw { address: address.to_owned(), head, stream: None, buffer: vec![0; BULK], job })
    }

    fn request(&mut self) -> Outcome {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => TcpStream::connect(&self.address)?,
        };
        stream.write_all(&self.head)?;
        if self.job.mode == "upload" {
            let mut file = File::open(&self.job.file)?;
            loop {
                let read = file.read(&mut self.buffer)?;
                if read == 0 {
                    break;
                }
                stream.write_all(&self.buffer[..read])?;
            }
        }
        self.response(&mut stream)?;
        if self.job.mode != "fresh" {
            self.stream = Some(stream);
        }
        Ok(())
    }

    fn response(&mut self, stream: &mut TcpStream) -> Outcome {
        let mut filled = 0;
        let head = loop {
            let read = stream.read(&mut self.buffer[filled..])?;
            if read == 0 {
                return Err("the server closed".into());
            }
            filled += read;
            if let Some(end) = find(&self.buffer[..filled], b"\r\n\r\n") {
                break end + 4;
            }
        };
        let length = content_length(&self.buffer[..head])?;
        let mut file = match self.job.mode.as_str() {
            "file" => Some(File::create(&self.job.file)?),
            _ => None,
        };
        let mut body = filled - head;
        if let Some(file) = &mut file {
            file.write_all(&self.buffer[head..filled])?;
        }
        while body < length {
            let read = stream.read(&mut self.buffer)?;
            if read == 0 {
                return Err("the body ends early".into());
            }
            body += read;
            if let Some(file) = &mut file {
                file.write_all(&self.buffer[..read])?;
            }
        }
        Ok(())
    }
}

fn content_length(head: &[u8]) -> Result<usize, Box<dyn std::error::Error>> {
    const NAME: &[u8] = b"\r\nContent-Length: ";
    // A 201 or 204 to an upload may do without.
    let Some(at) = find(head, NAME) else { return Ok(0) };
    let digits = head[at + NAME.len()..].iter().take_while(|byte| byte.is_ascii_digit());
    Ok(digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0')))
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}
