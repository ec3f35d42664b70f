//! A client that is as simple as can be: it writes literal bytes and reads replies.

#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use whimbrel_testkit::{Authority, Identity};

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Reply {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub(crate) struct Client<S> {
    stream: BufReader<S>,
}

pub(crate) fn connect(addr: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

pub(crate) fn plain(addr: SocketAddr) -> Client<TcpStream> {
    Client::over(connect(addr))
}

pub(crate) fn tls_over<S: Read + Write>(
    stream: S,
    authority: &Authority,
    name: &str,
    identity: Option<&Identity>,
) -> io::Result<StreamOwned<ClientConnection, S>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(authority.root_store());
    let mut config = match identity {
        Some(identity) => {
            let chain: Vec<CertificateDer<'static>> = identity.cert_chain().to_vec();
            builder.with_client_auth_cert(chain, identity.key()).unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let session = ClientConnection::new(Arc::new(config), ServerName::try_from(name.to_owned()).unwrap()).unwrap();
    let mut stream = StreamOwned::new(session, stream);
    while stream.conn.is_handshaking() {
        stream.conn.complete_io(&mut stream.sock)?;
    }
    Ok(stream)
}

impl<S: Read + Write> Client<S> {
    pub(crate) fn over(stream: S) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) -> &mut Self {
        self.stream.get_mut().write_all(bytes.as_ref()).unwrap();
        self
    }

    /// `GET path` with extra lines of the head, each with its CR LF.
    pub(crate) fn get(&mut self, path: &str, lines: &str) -> Reply {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: a.test\r\n{lines}\r\n"));
        self.reply()
    }

    pub(crate) fn post(&mut self, path: &str, lines: &str, body: &[u8]) -> Reply {
        let length = body.len();
        self.send(format!("POST {path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: {length}\r\n{lines}\r\n"));
        self.send(body).reply()
    }

    pub(crate) fn reply(&mut self) -> Reply {
        self.reply_to(false)
    }

    pub(crate) fn reply_to(&mut self, is_head: bool) -> Reply {
        let mut status = self.line();
        assert!(status.starts_with("HTTP/1.1 "), "{status}");
        status.truncate(12);
        let status: u16 = status[9..].parse().unwrap();
        let mut fields = Vec::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(": ") else { break };
            fields.push((name.to_owned(), value.to_owned()));
        }
        let mut reply = Reply { status, fields, body: Vec::new() };
        if is_head || status < 200 || matches!(status, 204 | 304) {
            return reply;
        }
        if reply.field("Transfer-Encoding") == Some("chunked") {
            loop {
                let size = usize::from_str_radix(&self.line(), 16).unwrap();
                self.take(size, &mut reply.body);
                assert_eq!(self.line(), "");
                if size == 0 {
                    break;
                }
            }
        } else if let Some(length) = reply.field("Content-Length") {
            let length = length.parse().unwrap();
            self.take(length, &mut reply.body);
        } else {
            self.stream.read_to_end(&mut reply.body).unwrap();
        }
        reply
    }

    pub(crate) fn is_closed(&mut self) -> bool {
        self.stream.fill_buf().is_ok_and(<[u8]>::is_empty)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.strip_suffix("\r\n").expect("a line ends in CR LF").to_owned()
    }

    fn take(&mut self, count: usize, into: &mut Vec<u8>) {
        let start = into.len();
        into.resize(start + count, 0);
        self.stream.read_exact(&mut into[start..]).unwrap();
    }
}
