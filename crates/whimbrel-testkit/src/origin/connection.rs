//! One connection of an origin: requests are read, recorded, answered, until either side has had enough.

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::{HandshakeKind, ProtocolVersion, ServerConfig};

use super::digest::Nonces;
use super::reply::{self, Context, Reply};
use super::request::{self, Failure, Framing, Request};
use super::rest::Rest;
use super::route;
use super::seen::{Record, Seen};
use crate::listener::Stop;
use crate::wire::Wire;

/// What the connections of one origin share.
pub(super) struct Site {
    pub(super) nonces: Nonces,
    pub(super) rest: Rest,
    scheme: &'static str,
    config: Option<Arc<ServerConfig>>,
    body_cap: usize,
    requests_per_connection: usize,
    record: Arc<Record>,
}

impl Site {
    pub(super) fn new(
        scheme: &'static str,
        config: Option<Arc<ServerConfig>>,
        body_cap: usize,
        requests_per_connection: usize,
        record: Arc<Record>,
    ) -> Self {
        Self {
            nonces: Nonces::default(),
            rest: Rest::default(),
            scheme,
            config,
            body_cap,
            requests_per_connection,
            record,
        }
    }
}

pub(super) fn serve(site: &Site, stream: Arc<TcpStream>, index: usize, stop: &Stop) {
    let Ok(wire) = Wire::accept(stream, site.config.as_ref()) else { return };
    let session = Session::of(&wire);
    let mut from = BufReader::with_capacity(64 * 1024, &wire);
    for answered in 1.. {
        let last = answered >= site.requests_per_connection;
        if !answer_one(site, &wire, &mut from, index, &session, last, stop).unwrap_or(false) {
            break;
        }
    }
    wire.close();
}

/// Answers the next request. Returns whether the connection goes on.
fn answer_one(
    site: &Site,
    wire: &Wire,
    from: &mut BufReader<&Wire>,
    connection: usize,
    session: &Session,
    last: bool,
    stop: &Stop,
) -> std::io::Result<bool> {
    let mut to = wire;
    let refuse = |to: &mut &Wire, failure: Failure, is_head: bool| match failure {
        Failure::Gone => Ok(false),
        Failure::Refused(status, why) => {
            reply::write(to, Reply::refusal(status, why), &Context { is_head, is_11: true, close: true, stop })
        }
    };
    let mut request = match request::read_head(from, site.scheme, wire.peer_ip()) {
        Ok(request) => request,
        Err(failure) => return refuse(&mut to, failure, false),
    };
    let is_head = request.method == "HEAD";
    let framing = match request::framing(&request) {
        Ok(framing) => framing,
        Err(failure) => return refuse(&mut to, failure, is_head),
    };
    let has_body = !matches!(framing, Framing::None | Framing::Length(0));
    // An error that is known from the head alone is said before the body has been asked for (RFC 9110 §10.1.1).
    let unread_body = has_body && request.expects_continue() && route::refuses_by_head(&request);
    if !unread_body {
        if has_body && request.expects_continue() {
            to.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
        request.body = match request::read_body(from, &framing, site.body_cap) {
            Ok(body) => body,
            Err(failure) => return refuse(&mut to, failure, is_head),
        };
    }
    site.record.add(|| session.seen(connection, &request));
    let close = last || unread_body || request.asks_to_close();
    let context = Context { is_head, is_11: request.is_11, close, stop };
    reply::write(&mut to, route::answer(site, &request), &context)
}

/// What TLS agreed on with this client.
#[derive(Default)]
struct Session {
    server_name: Option<String>,
    alpn: Option<String>,
    version: Option<&'static str>,
    resumed: bool,
    client_certificate: bool,
}

impl Session {
    fn of(wire: &Wire) -> Self {
        wire.with_tls(|tls| Self {
            server_name: tls.server_name().map(str::to_owned),
            alpn: tls.alpn_protocol().map(|protocol| String::from_utf8_lossy(protocol).into_owned()),
            version: match tls.protocol_version() {
                Some(ProtocolVersion::TLSv1_2) => Some("1.2"),
                Some(ProtocolVersion::TLSv1_3) => Some("1.3"),
                _ => None,
            },
            resumed: tls.handshake_kind() == Some(HandshakeKind::Resumed),
            client_certificate: tls.peer_certificates().is_some(),
        })
        .unwrap_or_default()
    }

    fn seen(&self, connection: usize, request: &Request) -> Seen {
        Seen {
            connection,
            method: request.method.clone(),
            target: request.target.clone(),
            fields: request.fields.clone(),
            head: request.head.clone(),
            body: request.body.kept.clone(),
            body_length: request.body.length,
            body_sha256: request.body.sha256.clone(),
            server_name: self.server_name.clone(),
            alpn: self.alpn.clone(),
            tls_version: self.version,
            tls_resumed: self.resumed,
            client_certificate: self.client_certificate,
        }
    }
}
