//! A tunnel through an HTTP proxy: `CONNECT` (RFC 9110 §9.3.6). Takes the answer's head and nothing behind it; whatever
//! body fields a 2xx claims, what follows is the tunnel.

use super::{HandshakeTarget, Output, ProxyUri, refused};
use crate::error::{Error, Result};

/// All heads of the answer together, interim ones included, in bytes.
const MAX_ANSWER: usize = 32 * 1024;
const MAX_FIELDS: usize = 100;

pub(super) struct Connect {
    /// The head that is being received.
    head: Vec<u8>,
    received: usize,
    has_credentials: bool,
    done: bool,
}

impl Connect {
    pub(super) fn new(
        proxy: &ProxyUri,
        target: HandshakeTarget<'_>,
        user_agent: Option<&str>,
        output: &mut Output,
    ) -> Result<Self> {
        let authority = format!("{}:{}", target.host, target.port);
        output.push(format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n").as_bytes());
        if let Some(credentials) = proxy.credentials() {
            output.push(format!("Proxy-Authorization: {}\r\n", credentials.basic()).as_bytes());
        }
        if let Some(user_agent) = user_agent {
            if user_agent.bytes().any(|byte| byte != b'\t' && (byte < b' ' || byte == 0x7f)) {
                return Err(Error::input("the user agent holds a line break or another control character"));
            }
            output.push(format!("User-Agent: {user_agent}\r\n").as_bytes());
        }
        output.push(b"\r\n");
        let has_credentials = proxy.credentials().is_some();
        Ok(Self { head: Vec::new(), received: 0, has_credentials, done: false })
    }

    pub(super) fn is_done(&self) -> bool {
        self.done
    }

    pub(super) fn has_begun(&self) -> bool {
        self.received > 0
    }

    pub(super) fn receive(&mut self, input: &[u8], output: &mut Output) -> Result<usize> {
        let mut consumed = 0;
        while consumed < input.len() && !self.done {
            consumed += self.take_head(&input[consumed..])?;
            if self.head.ends_with(b"\r\n\r\n") {
                output.expect_sent()?;
                let status = parse_status(&self.head)?;
                self.head.clear();
                self.take_status(status)?;
            }
        }
        Ok(consumed)
    }

    /// Moves bytes up to the end of a head, line by line.
    fn take_head(&mut self, input: &[u8]) -> Result<usize> {
        let mut consumed = 0;
        while consumed < input.len() && !self.head.ends_with(b"\r\n\r\n") {
            let rest = &input[consumed..];
            let line = memchr::memchr(b'\n', rest).map_or(rest, |end| &rest[..=end]);
            self.received += line.len();
            if self.received > MAX_ANSWER {
                return Err(refused(format!("the head of the proxy's answer is over {} KiB", MAX_ANSWER / 1024)));
            }
            self.head.extend_from_slice(line);
            consumed += line.len();
            let start = &b"HTTP/1."[..self.head.len().min(7)];
            if !self.head.starts_with(start) || (self.head.ends_with(b"\n") && !self.head.ends_with(b"\r\n")) {
                return Err(no_http());
            }
        }
        Ok(consumed)
    }

    fn take_status(&mut self, status: u16) -> Result<()> {
        match status {
            // 101 is final: there is no other protocol that was asked for.
            100 | 102..=199 => Ok(()),
            200..=299 => {
                self.done = true;
                Ok(())
            }
            407 if self.has_credentials => {
                Err(refused("the proxy refused the user name or the password (it answered 407)"))
            }
            407 => Err(refused(
                "the proxy asks for a user name and a password (it answered 407); put them into the proxy's URL",
            )),
            status => Err(refused(format!("the proxy answered {status}"))),
        }
    }
}

fn parse_status(head: &[u8]) -> Result<u16> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_FIELDS];
    let mut response = httparse::Response::new(&mut fields);
    match response.parse(head) {
        Ok(httparse::Status::Complete(length)) if length == head.len() => response.code.ok_or_else(no_http),
        Err(httparse::Error::TooManyHeaders) => Err(refused("the proxy's answer has too many fields")),
        _ => Err(no_http()),
    }
}

#[cold]
fn no_http() -> Error {
    refused("the proxy's answer is no HTTP/1")
}
