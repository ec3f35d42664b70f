//! The engine against servers that others wrote: nginx, Caddy, squid, microsocks. Each test starts its own on loopback.
//!
//! They need those servers on the machine and run only where they are asked for (`cargo test --test real_servers`); a
//! server that is missing fails the test that needs it and names the package.

mod caddy;
mod nginx;
mod nginx_bodies;
mod nginx_tls;
mod server;
mod socks;
mod squid;

use whimbrel::{Client, Response};

fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

/// A field of the response that must be there.
fn field<'a>(response: &'a Response, name: &str) -> &'a str {
    response.header(name).unwrap_or_else(|| panic!("no {name} in {response:?}"))
}

/// Bytes without a pattern that repeats, so that any slip shows.
fn pattern(length: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
