//! The option `--resolve HOST:PORT=ADDR`: reads and checks it. It looks nothing up.

use std::net::{IpAddr, SocketAddr};

/// One override: connections to `authority` go to `address` while Host, SNI and verification stay with the name.
#[derive(Clone, Debug)]
pub(crate) struct Override {
    /// `host:port`.
    pub(crate) authority: String,
    /// `address` or `address:port`.
    pub(crate) address: String,
}

/// Reads one `HOST:PORT=ADDR`.
pub(crate) fn parse(text: &str) -> Result<Override, String> {
    let Some((authority, address)) = text.split_once('=') else {
        return Err("write it as HOST:PORT=ADDR, for example api.example.com:443=127.0.0.1:8443".to_owned());
    };
    let port = authority.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
    if !matches!(port, Some(Ok(_))) {
        return Err(format!("`{authority}` names no port; write HOST:PORT before the `=`"));
    }
    if address.parse::<IpAddr>().is_err() && address.parse::<SocketAddr>().is_err() {
        return Err(format!("`{address}` is no IP address; write 127.0.0.1, ::1, 127.0.0.1:8443 or [::1]:8443"));
    }
    Ok(Override { authority: authority.to_owned(), address: address.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn an_address_may_carry_a_port() {
        for address in ["127.0.0.1", "127.0.0.1:8443", "::1", "[::1]:8443"] {
            let read = parse(&format!("a.test:443={address}")).expect("a good override");
            assert_eq!((read.authority.as_str(), read.address.as_str()), ("a.test:443", address));
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (text, hint) in [
            ("a.test:443", "HOST:PORT=ADDR"),
            ("a.test=127.0.0.1", "names no port"),
            (":443=127.0.0.1", "names no port"),
            ("a.test:https=127.0.0.1", "names no port"),
            ("a.test:443=b.test", "no IP address"),
            ("a.test:443=", "no IP address"),
        ] {
            let error = parse(text).expect_err(text);
            assert!(error.contains(hint), "{text}: {error}");
        }
    }
}
