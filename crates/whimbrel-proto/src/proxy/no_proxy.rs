//! `NO_PROXY`: the hosts that are reached without a proxy, matched as curl documents and implements it. Never looks up a
//! name to compare it with an address.

use std::net::IpAddr;

use crate::target::Host;

/// A list of hosts that no proxy is used for: names (each with all names below it), addresses, and networks in CIDR
/// form, separated by commas or blanks. A single `*` means all.
///
/// An entry with a port matches nothing, as in curl: a name stands for all of its ports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NoProxy {
    all: bool,
    entries: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    /// A name in lower case, without dots around it.
    Domain(Box<str>),
    Network(IpAddr, u32),
}

impl NoProxy {
    /// Parses a list. Entries that are nothing known are names that no host has.
    pub fn parse(list: &str) -> Self {
        if list.trim() == "*" {
            return Self { all: true, entries: Vec::new() };
        }
        let entries = list.split([',', ' ', '\t']).filter_map(Entry::parse).collect();
        Self { all: false, entries }
    }

    /// Whether the host is reached without a proxy.
    pub fn matches(&self, host: &Host) -> bool {
        self.all || self.entries.iter().any(|entry| entry.matches(host))
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        if let Some((network, bits)) = text.split_once('/') {
            // A slash is in no name, so that an unreadable network may be dropped.
            let network = parse_addr(network)?;
            let width = if network.is_ipv4() { 32 } else { 128 };
            return bits.parse().ok().filter(|&bits| bits <= width).map(|bits| Self::Network(network, bits));
        }
        if let Some(addr) = parse_addr(text) {
            return Some(Self::Network(addr, if addr.is_ipv4() { 32 } else { 128 }));
        }
        let name = text.strip_prefix('.').unwrap_or(text);
        let name = name.strip_suffix('.').unwrap_or(name);
        (!name.is_empty()).then(|| Self::Domain(name.to_ascii_lowercase().into()))
    }

    fn matches(&self, host: &Host) -> bool {
        match (self, host) {
            (Self::Domain(domain), Host::Domain(name)) => is_at_or_below(name, domain),
            (Self::Network(IpAddr::V4(network), bits), Host::V4(addr)) => {
                let differing = network.to_bits() ^ addr.to_bits();
                differing.checked_shr(32 - bits).unwrap_or(0) == 0
            }
            (Self::Network(IpAddr::V6(network), bits), Host::V6(addr)) => {
                let differing = network.to_bits() ^ addr.to_bits();
                differing.checked_shr(128 - bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

fn parse_addr(text: &str) -> Option<IpAddr> {
    match text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        Some(inside) => inside.parse().ok().map(IpAddr::V6),
        None => text.parse().ok(),
    }
}

fn is_at_or_below(name: &str, domain: &str) -> bool {
    let name = name.strip_suffix('.').unwrap_or(name);
    let Some(start) = name.len().checked_sub(domain.len()) else { return false };
    let (name, below) = (name.as_bytes(), name.as_bytes()[..start].last());
    name[start..].eq_ignore_ascii_case(domain.as_bytes()) && matches!(below, None | Some(b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::target::Target;

    /// threats row 14. The rows without a remark were compared with what curl 7.88 does.
    #[test]
    fn hosts_match_as_in_curl() {
        for (list, host, expected) in [
            ("*", "a.test", true),
            (" * ", "[::1]", true),
            ("*,x", "a.test", false),
            ("a.test", "a.test", true),
            ("a.test", "w.a.test", true),
            ("a.test", "xa.test", false),
            ("a.test", "a.test.", true),
            ("a.test", "a.test:8080", true),
            (".a.test", "a.test", true),
            (".a.test", "w.a.test", true),
            (".a.test", "xa.test", false),
            ("a.test.", "a.test", true),
            ("a.test.", "w.a.test.", true),
            ("A.Test", "a.test", true),
            ("test", "xa.test", true),
            ("w.a.test", "a.test", false),
            ("*.a.test", "w.a.test", false),
            ("b.test,a.test", "a.test", true),
            ("b.test a.test", "a.test", true),
            (" b.test ,\t a.test ", "a.test", true),
            ("a.test:80", "a.test", false),
            ("a.test:8080", "a.test:8080", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("127.0.0.1", "127.0.0.10", false),
            ("127.0.0.1:80", "127.0.0.1", false),
            ("127.0.0.1/32", "127.0.0.1", true),
            ("10.0.0.0/8", "10.255.0.1", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "10.a.test", false),
            ("192.168.0.0/17", "192.168.127.255", true),
            ("192.168.0.0/17", "192.168.128.0", false),
            ("127.0.0.0/33", "127.0.0.1", false),
            ("127.0.0.0/x", "127.0.0.1", false),
            ("127.0.0.0/-1", "127.0.0.1", false),
            ("1", "127.0.0.1", false),
            (".1", "127.0.0.1", false),
            ("::1", "[::1]", true),
            ("::1", "127.0.0.1", false),
            ("::ffff:127.0.0.1", "127.0.0.1", false),
            ("127.0.0.0/8", "[::1]", false),
            ("", "a.test", false),
            (", ,", "a.test", false),
            (".", "a.test", false),
            ("..", "a.test", false),
            // curl compares IPv6 as text and knows no brackets; addresses are compared by value here.
            ("[::1]", "[::1]", true),
            ("0:0::1", "[::1]", true),
            ("::1/128", "[::1]", true),
            ("fd00::/8", "[fd12:3456::1]", true),
            ("fd00::/8", "[fe80::1]", false),
            ("[fd00::]/8", "[fd12::1]", true),
            ("::/129", "[::1]", false),
            // A prefix of no bits is the whole family here; in curl it matches nothing.
            ("0.0.0.0/0", "10.1.2.3", true),
            ("0.0.0.0/0", "[::1]", false),
            ("::/0", "[2001:db8::1]", true),
        ] {
            let target = Target::parse(&format!("http://{host}/")).unwrap();
            assert_eq!(NoProxy::parse(list).matches(&target.origin().host), expected, "{list:?} {host}");
        }
    }
}
