//! Addresses that stand in for a name's own (`resolve`): the connection goes elsewhere, while Host, SNI and verification
//! stay with the name.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use whimbrel_proto::{Error, Host, Result, Target};

/// `host:port` → address. Few, so a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Overrides(Option<Arc<Vec<(Host, u16, SocketAddr)>>>);

impl Overrides {
    /// Adds one. `addr` without a port keeps the name's.
    pub(crate) fn add(&mut self, host_port: &str, addr: &str) -> Result<()> {
        let (host, port) = parse_host_port(host_port)?;
        let unbracketed = addr.trim_start_matches('[').trim_end_matches(']');
        let addr = match (addr.parse::<SocketAddr>(), unbracketed.parse::<IpAddr>()) {
            (Ok(addr), _) => addr,
            (_, Ok(addr)) => SocketAddr::new(addr, port),
            _ => {
                return Err(Error::input(format!(
                    "resolve: {addr:?} is no address; write it as 127.0.0.1 or [::1]:8080"
                )));
            }
        };
        let list = Arc::make_mut(self.0.get_or_insert_default());
        list.retain(|(other, other_port, _)| (other, *other_port) != (&host, port));
        list.push((host, port, addr));
        Ok(())
    }

    pub(crate) fn get(&self, host: &Host, port: u16) -> Option<SocketAddr> {
        let list = self.0.as_ref()?;
        list.iter().find(|(other, other_port, _)| other == host && *other_port == port).map(|(_, _, addr)| *addr)
    }
}

fn parse_host_port(text: &str) -> Result<(Host, u16)> {
    let wrong = || Error::input(format!("resolve: {text:?} is no host:port; write it as example.com:443"));
    let (_, port) = text.rsplit_once(':').ok_or_else(wrong)?;
    let port: u16 = port.parse().map_err(|_| wrong())?;
    // The URL parser brings the host into the form that targets have (lower case, IDN).
    let target = Target::parse(&format!("http://{text}/")).map_err(|_| wrong())?;
    Ok((target.origin().host.clone(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_and_port_get_another_address() {
        let mut overrides = Overrides::default();
        overrides.add("A.test:443", "127.0.0.1:8443").unwrap();
        overrides.add("[::1]:80", "::1").unwrap();
        let host = |url: &str| Target::parse(url).unwrap().origin().host.clone();
        assert_eq!(overrides.get(&host("https://a.test"), 443), Some("127.0.0.1:8443".parse().unwrap()));
        assert_eq!(overrides.get(&host("https://a.test"), 80), None);
        assert_eq!(overrides.get(&host("http://[::1]"), 80), Some("[::1]:80".parse().unwrap()));
        for (name, addr) in [("a.test", "::1"), ("a.test:x", "::1"), ("a.test:1", "b.test"), (":1", "::1")] {
            assert!(overrides.add(name, addr).is_err(), "{name} {addr}");
        }
    }
}
