//! SOCKS 5 (RFC 1928, RFC 1929), SOCKS 4 and its extension 4a, as the client begins.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::ProxyFault;
use super::peer::Peer;
use super::tunnel;

const V4: u8 = 4;
const V5: u8 = 5;

/// RFC 1928 §3: no authentication, user name and password, nothing acceptable.
const NO_CREDENTIALS: u8 = 0;
const USER_AND_PASSWORD: u8 = 2;
const NO_METHOD: u8 = 0xff;

/// RFC 1928 §6, and RFC 1929 §2 for the first two.
const SUCCEEDED: u8 = 0;
const FAILED: u8 = 1;
const HOST_UNREACHABLE: u8 = 4;
const CONNECTION_REFUSED: u8 = 5;
const COMMAND_NOT_SUPPORTED: u8 = 7;
const ADDRESS_NOT_SUPPORTED: u8 = 8;

/// SOCKS 4: granted, rejected, rejected for the user id.
const V4_GRANTED: u8 = 90;
const V4_REJECTED: u8 = 91;
const V4_WRONG_USER: u8 = 93;

pub(super) fn serve(peer: &mut Peer<'_>) -> io::Result<()> {
    match peer.read::<1>()? {
        [V4] => serve_4(peer),
        [V5] => serve_5(peer),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

fn serve_5(peer: &mut Peer<'_>) -> io::Result<()> {
    let [count] = peer.read::<1>()?;
    let methods = peer.read_vec(count.into())?;
    let method = if peer.settings.credentials.is_some() { USER_AND_PASSWORD } else { NO_CREDENTIALS };
    if !methods.contains(&method) {
        peer.answer(&[version(peer, V5), NO_METHOD])?;
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    peer.answer(&[version(peer, V5), method])?;
    if method == USER_AND_PASSWORD {
        check_password(peer)?;
    }

    let [_, command, _, kind] = peer.read::<4>()?;
    let host = match kind {
        1 => Ipv4Addr::from(peer.read::<4>()?).to_string(),
        4 => Ipv6Addr::from(peer.read::<16>()?).to_string(),
        3 => {
            let [length] = peer.read::<1>()?;
            String::from_utf8_lossy(&peer.read_vec(length.into())?).into_owned()
        }
        _ => return refuse_5(peer, ADDRESS_NOT_SUPPORTED),
    };
    let port = u16::from_be_bytes(peer.read::<2>()?);
    if command != 1 {
        return refuse_5(peer, COMMAND_NOT_SUPPORTED);
    }
    peer.answer_wrongly()?;
    if let Some(ProxyFault::Refuse(code)) = peer.settings.fault {
        return refuse_5(peer, code.to_be_bytes()[1]);
    }
    match peer.connect(&host, port) {
        Ok(target) => {
            peer.grant(&reply_5(peer, SUCCEEDED))?;
            tunnel::carry(peer, target)
        }
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => refuse_5(peer, CONNECTION_REFUSED),
        Err(_) => refuse_5(peer, HOST_UNREACHABLE),
    }
}

fn check_password(peer: &mut Peer<'_>) -> io::Result<()> {
    let [_version, length] = peer.read::<2>()?;
    let user = peer.read_vec(length.into())?;
    let [length] = peer.read::<1>()?;
    let password = peer.read_vec(length.into())?;
    let wanted = peer.settings.credentials.as_ref();
    if wanted.is_some_and(|wanted| (wanted.0.as_bytes(), wanted.1.as_bytes()) == (&user[..], &password[..])) {
        return peer.answer(&[1, SUCCEEDED]);
    }
    peer.answer(&[1, FAILED])?;
    Err(io::ErrorKind::PermissionDenied.into())
}

fn refuse_5(peer: &Peer<'_>, code: u8) -> io::Result<()> {
    peer.answer(&reply_5(peer, code))
}

fn reply_5(peer: &Peer<'_>, code: u8) -> [u8; 10] {
    [version(peer, V5), code, 0, 1, 0, 0, 0, 0, 0, 0]
}

fn serve_4(peer: &mut Peer<'_>) -> io::Result<()> {
    let [command] = peer.read::<1>()?;
    let port = u16::from_be_bytes(peer.read::<2>()?);
    let ip = peer.read::<4>()?;
    let user = read_text(peer)?;
    // 4a: an address that cannot be, and the name behind the user id.
    let host = match ip {
        [0, 0, 0, last] if last != 0 => read_text(peer)?,
        ip => Ipv4Addr::from(ip).to_string(),
    };
    peer.answer_wrongly()?;
    let wrong_user = peer.settings.credentials.as_ref().is_some_and(|(wanted, _)| *wanted != user);
    let refused = command != 1 || matches!(peer.settings.fault, Some(ProxyFault::Refuse(_)));
    if wrong_user || refused {
        return peer.answer(&reply_4(peer, if wrong_user { V4_WRONG_USER } else { V4_REJECTED }));
    }
    match peer.connect(&host, port) {
        Ok(target) => {
            peer.grant(&reply_4(peer, V4_GRANTED))?;
            tunnel::carry(peer, target)
        }
        Err(_) => peer.answer(&reply_4(peer, V4_REJECTED)),
    }
}

fn reply_4(peer: &Peer<'_>, code: u8) -> [u8; 8] {
    [version(peer, 0), code, 0, 0, 0, 0, 0, 0]
}

/// Reads up to the next NUL.
fn read_text(peer: &mut Peer<'_>) -> io::Result<String> {
    let mut text = Vec::new();
    loop {
        match peer.read::<1>()? {
            [0] => return Ok(String::from_utf8_lossy(&text).into_owned()),
            [_] if text.len() == 255 => return Err(io::ErrorKind::InvalidData.into()),
            [byte] => text.push(byte),
        }
    }
}

fn version(peer: &Peer<'_>, right: u8) -> u8 {
    if matches!(peer.settings.fault, Some(ProxyFault::WrongVersion)) { 9 } else { right }
}
