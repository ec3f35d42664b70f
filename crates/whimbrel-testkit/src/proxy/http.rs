//! An HTTP proxy: requests in absolute-form are forwarded (RFC 9112 §3.2.2), CONNECT opens a tunnel (RFC 9110 §9.3.6).
//!
//! Replies of targets are passed on byte by byte, never read: the client gets what the target said.

use std::io::{self, BufRead as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ProxyFault;
use super::peer::Peer;
use super::tunnel::{self, Back};
use crate::origin::reply::reason;
use crate::origin::request::{self, Failure, Framing, Request};

pub(super) fn serve(peer: &mut Peer<'_>) -> io::Result<()> {
    let mut route: Option<Route> = None;
    loop {
        let request = match request::read_head(&mut peer.from, "http", peer.wire.peer_ip()) {
            Ok(request) => request,
            Err(Failure::Gone) => break,
            Err(Failure::Refused(status, why)) => return refuse(peer, status, &why),
        };
        peer.log.sent_to_proxy(&request.head);
        if !has_credentials(peer, &request) {
            challenge(peer, &request)?;
            continue;
        }
        if request.method == "CONNECT" {
            return open_tunnel(peer, &request);
        }
        match forward(peer, &request, route.take())? {
            Some(next) => route = Some(next),
            None => return Ok(()),
        }
    }
    // The client has ended its side; the reply to its last request may still be under way.
    if let Some(route) = route {
        let _ = route.target.shutdown(Shutdown::Write);
        route.back.join();
    }
    Ok(())
}

/// The target that a client's forwarded requests go to, and the thread that carries its replies back.
struct Route {
    authority: String,
    target: Arc<TcpStream>,
    back: Back,
}

fn has_credentials(peer: &Peer<'_>, request: &Request) -> bool {
    let Some((user, password)) = &peer.settings.credentials else { return true };
    let given = request.field("Proxy-Authorization").and_then(|value| value.split_once(' '));
    let given = given.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("Basic"));
    given.and_then(|(_, text)| STANDARD.decode(text.trim()).ok()) == Some(format!("{user}:{password}").into_bytes())
}

/// Asks for credentials. The connection goes on when no body of the refused request is in the way.
fn challenge(peer: &mut Peer<'_>, request: &Request) -> io::Result<()> {
    let goes_on = matches!(request::framing(request), Ok(Framing::None | Framing::Length(0)));
    let connection = if goes_on { "" } else { "Connection: close\r\n" };
    peer.answer(
        format!(
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic realm=\"whimbrel\"\r\n\
             Content-Length: 0\r\n{connection}\r\n"
        )
        .as_bytes(),
    )?;
    if goes_on { Ok(()) } else { Err(io::ErrorKind::PermissionDenied.into()) }
}

fn refuse(peer: &Peer<'_>, status: u16, why: &str) -> io::Result<()> {
    let (reason, length) = (reason(status), why.len());
    let head = format!("HTTP/1.1 {status} {reason}\r\nContent-Type: text/plain; charset=utf-8\r\n");
    peer.answer(format!("{head}Content-Length: {length}\r\nConnection: close\r\n\r\n{why}").as_bytes())
}

fn open_tunnel(peer: &mut Peer<'_>, request: &Request) -> io::Result<()> {
    peer.answer_wrongly()?;
    if let Some(ProxyFault::Refuse(status)) = peer.settings.fault {
        return refuse(peer, status, "This proxy refuses every target.");
    }
    let Some((host, port)) = host_and_port(&request.target, None) else {
        return refuse(peer, 400, "The target of CONNECT is a host and a port (RFC 9112 §3.2.3).");
    };
    match peer.connect(host, port) {
        Ok(target) => {
            peer.grant(b"HTTP/1.1 200 Connection Established\r\n\r\n")?;
            tunnel::carry(peer, target)
        }
        Err(error) => refuse(peer, 502, &format!("No connection to {}: {error}", request.target)),
    }
}

/// Passes a request on. Returns the route that later requests may take; `None` ends the connection.
fn forward(peer: &mut Peer<'_>, request: &Request, route: Option<Route>) -> io::Result<Option<Route>> {
    if let Some(ProxyFault::Refuse(status)) = peer.settings.fault {
        return refuse(peer, status, "This proxy refuses every target.").map(|()| None);
    }
    let is_http = |scheme: &str| scheme.eq_ignore_ascii_case("http");
    let Some((_, rest)) = request.target.split_once("://").filter(|(scheme, _)| is_http(scheme)) else {
        return refuse(peer, 400, "A proxy is asked for a URL that begins with http:// (RFC 9112 §3.2.2).")
            .map(|()| None);
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    let Some((host, port)) = host_and_port(authority, Some(80)) else {
        return refuse(peer, 400, "The URL has no host, or one with userinfo.").map(|()| None);
    };
    let Ok(framing) = request::framing(request) else {
        return refuse(peer, 400, "The framing of the body is doubtful.").map(|()| None);
    };
    let route = match keep_or_leave(route, authority) {
        // The target has closed behind its last reply, and so the client's connection is closing too.
        Some(route) if route.back.is_finished() => return Ok(None),
        Some(route) => route,
        None => match peer.connect(host, port) {
            Ok(target) => {
                let back = Back::start(peer, target.clone())?;
                Route { authority: authority.to_owned(), target, back }
            }
            Err(error) => return refuse(peer, 502, &format!("No connection to {authority}: {error}")).map(|()| None),
        },
    };
    send(peer, &route.target, &rewritten_head(request, &path))?;
    forward_body(peer, &route.target, &framing)?;
    Ok(Some(route))
}

/// Leaves the target of the request before when this one has another: its reply has come, or the client would wait for
/// it.
fn keep_or_leave(route: Option<Route>, authority: &str) -> Option<Route> {
    let route = route?;
    if route.authority == authority {
        return Some(route);
    }
    route.back.detach(&route.target);
    None
}

/// In origin-form, without what was meant for the proxy (RFC 9110 §7.6).
fn rewritten_head(request: &Request, path: &str) -> Vec<u8> {
    let version = if request.is_11 { "HTTP/1.1" } else { "HTTP/1.0" };
    let mut head = format!("{} {path} {version}\r\n", request.method);
    for (name, value) in &request.fields {
        if !["Proxy-Authorization", "Proxy-Connection"].iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
    }
    head.push_str("Via: 1.1 whimbrel-testkit\r\n\r\n");
    head.into_bytes()
}

fn forward_body(peer: &mut Peer<'_>, target: &TcpStream, framing: &Framing) -> io::Result<()> {
    match framing {
        Framing::None => Ok(()),
        Framing::Length(length) => forward_bytes(peer, target, *length),
        Framing::Chunked => loop {
            let line = forward_line(peer, target)?;
            let size = u64::from_str_radix(line.split(';').next().unwrap_or_default(), 16);
            match size.map_err(|_| io::ErrorKind::InvalidData)? {
                0 => {
                    while !forward_line(peer, target)?.is_empty() {}
                    return Ok(());
                }
                size => forward_bytes(peer, target, size + 2)?,
            }
        },
    }
}

fn forward_line(peer: &mut Peer<'_>, target: &TcpStream) -> io::Result<String> {
    let line = request::read_line(&mut peer.from).map_err(|_| io::ErrorKind::InvalidData)?;
    let bytes = format!("{line}\r\n").into_bytes();
    peer.log.sent_to_proxy(&bytes);
    send(peer, target, &bytes)?;
    Ok(line)
}

fn forward_bytes(peer: &mut Peer<'_>, target: &TcpStream, mut left: u64) -> io::Result<()> {
    while left > 0 {
        let bytes = peer.from.fill_buf()?;
        if bytes.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let bytes = bytes[..usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len())].to_vec();
        peer.log.sent_to_proxy(&bytes);
        send(peer, target, &bytes)?;
        peer.from.consume(bytes.len());
        left -= bytes.len() as u64;
    }
    Ok(())
}

fn send(peer: &Peer<'_>, mut target: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    peer.log.sent_to_target(bytes);
    target.write_all(bytes)
}

fn host_and_port(authority: &str, default: Option<u16>) -> Option<(&str, u16)> {
    let ends_in_host = authority.ends_with(']') || !authority.contains(':');
    let (host, port) = match authority.rsplit_once(':').filter(|_| !ends_in_host) {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (authority, default?),
    };
    (!host.is_empty() && !host.contains('@')).then_some((host, port))
}
