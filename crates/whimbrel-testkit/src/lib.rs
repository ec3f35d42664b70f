//! Servers for tests of HTTP clients: all on loopback, all blocking to use, each on threads of its own until it is
//! dropped.
//!
//! The crate plays the other side and never the client: what a client makes of an answer is for its own tests to say.
//!
//! | | |
//! |---|---|
//! | [`Authority`] | a certificate authority made on the spot, and the certificates it issues ([`Identity`]) |
//! | [`Origin`] | httpbin's endpoints over HTTP or HTTPS, with a record of what was asked ([`Seen`]) |
//! | [`RawServer`] | literal bytes, pauses, resets: one [`Script`] per connection, over TLS too |
//! | [`Proxy`] | HTTP, HTTPS, SOCKS; every byte is kept ([`Proxied`]); wrong as told ([`ProxyFault`]) |
//! | [`BlackHole`], [`refused_addr`], [`tls10_server`] | peers that fail before a byte of HTTP |
//!
//! ```no_run
//! use std::time::Duration;
//! use whimbrel_testkit::{Authority, Origin, Proxy, ProxyFault, RawServer, Script};
//!
//! // An origin under a name of its own: let the client resolve a.test to `origin.addr()` and trust `ca.pem`.
//! let authority = Authority::new();
//! authority.write_ca("ca.pem")?;
//! let origin = Origin::https(&authority, &["a.test"]);
//! println!("{}", origin.url_at("a.test", "/get"));
//! // ... let the client ask ...
//! assert_eq!(origin.requests()[0].field("Host"), Some("a.test"));
//! assert!(!origin.saw("a secret"));
//!
//! // A reply that stops in the middle of its body.
//! let half = Script::new().expect_head().send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
//! let truncated = RawServer::start([half]);
//! println!("{}", truncated.url("/"));
//!
//! // A SOCKS proxy that wants credentials and sends its replies byte by byte.
//! let proxy = Proxy::builder()
//!     .socks()
//!     .credentials("user", "password")
//!     .map("a.test:443", origin.addr())
//!     .fault(ProxyFault::SplitReplies)
//!     .start()?;
//! println!("{}", proxy.url());
//! # Ok::<(), std::io::Error>(())
//! ```

mod authority;
mod faults;
mod listener;
mod origin;
mod proxy;
mod raw;
mod tls;
mod wire;

pub use authority::{Authority, Identity};
pub use faults::{BlackHole, refused_addr, tls_version_refused_server, tls10_server};
pub use origin::{Origin, OriginBuilder, Seen, bytes_of_seed};
pub use proxy::{Proxied, Proxy, ProxyBuilder, ProxyFault};
pub use raw::{RawServer, Script};
pub use tls::TlsVersions;
