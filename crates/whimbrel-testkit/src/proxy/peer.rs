//! A client of a proxy: what is read from it and answered to it is logged, and answered as wrongly as the settings say.

use std::collections::HashMap;
use std::io::{self, BufReader, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::ProxyFault;
use super::log::Entry;
use crate::listener::Stop;
use crate::wire::Wire;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the bytes of a split reply are apart, so that they travel alone.
const SPLIT_PAUSE: Duration = Duration::from_millis(2);

/// What the connections of one proxy share.
pub(super) struct Settings {
    pub(super) credentials: Option<(String, String)>,
    pub(super) map: HashMap<String, SocketAddr>,
    pub(super) fault: Option<ProxyFault>,
}

pub(super) struct Peer<'a> {
    pub(super) wire: Arc<Wire>,
    pub(super) from: BufReader<Shared>,
    pub(super) settings: &'a Settings,
    pub(super) log: &'a Arc<Entry>,
    pub(super) stop: &'a Arc<Stop>,
}

/// The reading end of a client's connection.
pub(super) struct Shared(Arc<Wire>);

impl io::Read for Shared {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buf)
    }
}

impl<'a> Peer<'a> {
    pub(super) fn new(wire: Arc<Wire>, settings: &'a Settings, log: &'a Arc<Entry>, stop: &'a Arc<Stop>) -> Self {
        Self { from: BufReader::new(Shared(wire.clone())), wire, settings, log, stop }
    }

    /// Reads `N` bytes that are meant for the proxy.
    pub(super) fn read<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.from.read_exact(&mut bytes)?;
        self.log.sent_to_proxy(&bytes);
        Ok(bytes)
    }

    /// Reads `count` bytes that are meant for the proxy.
    pub(super) fn read_vec(&mut self, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; count];
        self.from.read_exact(&mut bytes)?;
        self.log.sent_to_proxy(&bytes);
        Ok(bytes)
    }

    /// Answers on the proxy's own behalf.
    pub(super) fn answer(&self, bytes: &[u8]) -> io::Result<()> {
        self.log.sent_by_proxy(bytes);
        let mut to = &*self.wire;
        if !matches!(self.settings.fault, Some(ProxyFault::SplitReplies)) {
            return to.write_all(bytes);
        }
        for byte in bytes {
            to.write_all(&[*byte])?;
            if !self.stop.wait(SPLIT_PAUSE) {
                return Err(io::ErrorKind::Interrupted.into());
            }
        }
        Ok(())
    }

    /// Answers that a tunnel is open.
    pub(super) fn grant(&self, reply: &[u8]) -> io::Result<()> {
        match &self.settings.fault {
            Some(ProxyFault::CloseMidReply) => {
                self.answer(&reply[..reply.len() / 2])?;
                Err(io::ErrorKind::ConnectionAborted.into())
            }
            Some(ProxyFault::EarlyBytes(early)) => self.answer(&[reply, early].concat()),
            _ => self.answer(reply),
        }
    }

    /// Plays the faults that take the place of an answer to a CONNECT or SOCKS request.
    pub(super) fn answer_wrongly(&self) -> io::Result<()> {
        match &self.settings.fault {
            Some(ProxyFault::Answer(bytes)) => {
                self.answer(bytes)?;
                Err(io::ErrorKind::ConnectionAborted.into())
            }
            Some(ProxyFault::Silent) => {
                while self.stop.wait(Duration::from_secs(3600)) {}
                Err(io::ErrorKind::Interrupted.into())
            }
            _ => Ok(()),
        }
    }

    /// Connects to a target, by the map or to loopback.
    pub(super) fn connect(&self, host: &str, port: u16) -> io::Result<Arc<TcpStream>> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let authority = if bare.contains(':') { format!("[{bare}]:{port}") } else { format!("{bare}:{port}") };
        self.log.target(&authority);
        let addr = match (self.settings.map.get(&authority.to_ascii_lowercase()), bare.parse::<IpAddr>()) {
            (Some(addr), _) => *addr,
            (None, Ok(ip)) if ip.is_loopback() => SocketAddr::new(ip, port),
            (None, Err(_)) if bare.eq_ignore_ascii_case("localhost") => (Ipv4Addr::LOCALHOST, port).into(),
            _ => return Err(io::Error::new(io::ErrorKind::HostUnreachable, "a target outside the map and loopback")),
        };
        let stream = TcpStream::connect_timeout(&addr, CONNECT_TIMEOUT)?;
        let _ = stream.set_nodelay(true);
        let stream = Arc::new(stream);
        self.stop.watch(&stream);
        Ok(stream)
    }
}
