//! Whether the system knows a way to other machines. Nothing is sent.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Whether the system has a route to the world, by either version of IP: the nearest thing to "is there a network" that
/// can be known without asking a server. A captive portal or a dead link further on is not seen.
pub fn has_route() -> bool {
    // Addresses for documentation (RFC 5737, RFC 3849), which no network has. To connect a UDP socket only looks the
    // route up.
    let v4 = (SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)), SocketAddr::from((Ipv4Addr::new(192, 0, 2, 1), 9)));
    let v6 = (
        SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        SocketAddr::from((Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1), 9)),
    );
    [v4, v6].into_iter().any(|(from, to)| UdpSocket::bind(from).and_then(|socket| socket.connect(to)).is_ok())
}
