//! Servers for tests of HTTP clients, all on loopback, all blocking to use.

mod authority;
mod faults;
mod listener;
mod origin;
mod raw;
mod tls;
mod wire;

pub use authority::{Authority, Identity};
pub use faults::{BlackHole, refused_addr, tls_version_refused_server, tls10_server};
pub use origin::{Origin, OriginBuilder, Seen, bytes_of_seed};
pub use raw::{RawServer, Script};
pub use tls::TlsVersions;

/// Whether `bytes` holds `wanted` somewhere.
fn holds(bytes: &[u8], wanted: &[u8]) -> bool {
    wanted.is_empty() || bytes.windows(wanted.len()).any(|window| window == wanted)
}
