//! The rows of the bench: what is requested, how often, and which targets it must reach.

use super::server::Port;

/// One row: the same job for every peer that can do it.
pub(super) struct Row {
    pub(super) title: &'static str,
    /// What the peers are told to do.
    pub(super) mode: &'static str,
    pub(super) port: Port,
    pub(super) path: &'static str,
    /// Requests in one round, of a peer that is not slow.
    pub(super) count: u32,
    /// Two run lengths, whose difference gives the counts; none where a count says little.
    pub(super) lengths: Option<(u32, u32)>,
    /// Whether instructions are counted too. A handshake under callgrind takes seconds and is not ours.
    pub(super) instructions: bool,
    /// The keys of the peers that can do it.
    pub(super) peers: &'static [&'static str],
    pub(super) targets: &'static [Target],
}

/// A target of the row.
pub(super) struct Target {
    pub(super) peer: &'static str,
    pub(super) bound: Bound,
}

/// What must hold of a peer.
pub(super) enum Bound {
    Syscalls(f64),
    Instructions(f64),
    /// At least so many times the speed of the peer named.
    Faster(f64, &'static str),
    /// Likewise, each at its best round: where the memory of a file comes from the machine's host, what disturbs a round
    /// only ever adds to it.
    FasterAtBest(f64, &'static str),
    /// At most so many MB of memory at any time.
    Peak(f64),
}

use Bound::{Faster, FasterAtBest, Instructions, Peak, Syscalls};

const RUST: &str = "whimbrel";
const LUA: &str = "whimbrel-lua";
/// The I/O thread's transfers, from Rust and from Lua.
pub(super) const TRANSFERS: &str = "transfers";
pub(super) const NETWORK_LUA: &str = "network";
const IN_FLIGHT: &[&str] = &["epoll", TRANSFERS, NETWORK_LUA, "multi", "lua-http-many"];
const EVERYONE: &[&str] = &["raw", RUST, LUA, "libcurl", "ureq", "luasocket", "lua-http"];
const WITH_TLS: &[&str] = &[RUST, LUA, "libcurl", "ureq", "luasocket", "lua-http"];

/// The rows of `bench http`.
pub(super) const HTTP: &[Row] = &[
    Row {
        title: "Keep-alive GET, 13 bytes, 8 response fields",
        mode: "keepalive",
        port: Port::Kept,
        path: "13",
        count: 12_000,
        lengths: Some((200, 1200)),
        instructions: true,
        peers: EVERYONE,
        targets: &[
            Target { peer: LUA, bound: Syscalls(4.0) },
            Target { peer: LUA, bound: Instructions(16_000.0) },
            Target { peer: LUA, bound: Faster(0.85, "raw") },
            Target { peer: LUA, bound: Faster(1.2, "libcurl") },
            Target { peer: RUST, bound: Faster(0.9, "raw") },
        ],
    },
    Row {
        title: "Keep-alive GET, 1 KiB",
        mode: "keepalive",
        port: Port::Kept,
        path: "1k",
        count: 12_000,
        lengths: Some((200, 1200)),
        instructions: false,
        peers: EVERYONE,
        targets: &[
            Target { peer: LUA, bound: Syscalls(4.0) },
            Target { peer: LUA, bound: Faster(0.85, "raw") },
            Target { peer: LUA, bound: Faster(1.2, "libcurl") },
            Target { peer: RUST, bound: Faster(0.9, "raw") },
        ],
    },
    Row {
        title: "Fresh connection for each GET, 13 bytes",
        mode: "fresh",
        port: Port::Closed,
        path: "13",
        count: 3000,
        lengths: Some((100, 600)),
        instructions: true,
        peers: EVERYONE,
        targets: &[Target { peer: RUST, bound: Syscalls(9.0) }, Target { peer: LUA, bound: Syscalls(9.0) }],
    },
    Row {
        title: "Fresh TLS connection for each GET, full handshake",
        mode: "fresh",
        port: Port::TlsFull,
        path: "13",
        count: 400,
        lengths: Some((10, 60)),
        instructions: false,
        peers: WITH_TLS,
        targets: &[
            Target { peer: RUST, bound: Faster(1.7, "libcurl") },
            Target { peer: LUA, bound: Faster(1.7, "libcurl") },
        ],
    },
    Row {
        title: "Fresh TLS connection for each GET, resumed where the client can",
        mode: "fresh",
        port: Port::TlsResumed,
        path: "13",
        count: 400,
        lengths: Some((10, 60)),
        instructions: false,
        peers: WITH_TLS,
        targets: &[
            Target { peer: RUST, bound: Faster(1.7, "libcurl") },
            Target { peer: LUA, bound: Faster(1.7, "libcurl") },
        ],
    },
    Row {
        title: "Bulk download to a sink",
        mode: "sink",
        port: Port::Kept,
        path: "bulk",
        count: 1,
        lengths: None,
        instructions: false,
        peers: &["raw", RUST, "libcurl", "ureq", "luasocket", "lua-http"],
        targets: &[Target { peer: RUST, bound: Faster(0.95, "raw") }, Target { peer: RUST, bound: Peak(20.0) }],
    },
    Row {
        title: "Bulk download to a file",
        mode: "file",
        port: Port::Kept,
        path: "bulk",
        count: 1,
        lengths: None,
        instructions: false,
        peers: EVERYONE,
        targets: &[
            Target { peer: RUST, bound: Faster(0.95, "raw") },
            Target { peer: RUST, bound: Peak(20.0) },
            Target { peer: LUA, bound: Peak(20.0) },
        ],
    },
    Row {
        title: "Bulk upload from a file (nginx stores it)",
        mode: "upload",
        port: Port::Kept,
        path: "up/bulk",
        count: 1,
        lengths: None,
        instructions: false,
        peers: &["raw", RUST, "libcurl", "ureq", "luasocket", "lua-http"],
        targets: &[Target { peer: RUST, bound: Peak(20.0) }],
    },
];

/// The rows of `bench network` that are measured as those of `bench http` are.
pub(super) const NETWORK: &[Row] = &[
    Row {
        title: "64 GETs in flight, 13 bytes, 8 response fields",
        mode: "flight-64",
        port: Port::Kept,
        path: "small",
        count: 160_000,
        lengths: Some((1000, 6000)),
        instructions: true,
        peers: IN_FLIGHT,
        targets: &[],
    },
    Row {
        title: "1000 GETs in flight, 13 bytes, 8 response fields",
        mode: "flight-1000",
        port: Port::Kept,
        path: "small",
        count: 160_000,
        lengths: None,
        instructions: false,
        peers: IN_FLIGHT,
        targets: &[
            Target { peer: TRANSFERS, bound: Faster(2.0, "multi") },
            Target { peer: TRANSFERS, bound: Faster(0.7, "epoll") },
            Target { peer: NETWORK_LUA, bound: Faster(2.0, "multi") },
        ],
    },
    Row {
        title: "Bulk download to a file; Transfers and network while frames run",
        mode: "file",
        port: Port::Kept,
        path: "bulk",
        count: 1,
        lengths: None,
        instructions: false,
        peers: &[RUST, LUA, TRANSFERS, NETWORK_LUA, "libcurl"],
        targets: &[
            Target { peer: TRANSFERS, bound: FasterAtBest(0.95, RUST) },
            Target { peer: NETWORK_LUA, bound: FasterAtBest(0.95, LUA) },
        ],
    },
];

impl Row {
    /// Whether clients and server are to run on one core: small requests that go to and fro one by one.
    pub(super) fn shares_core(&self) -> bool {
        matches!(self.mode, "keepalive" | "fresh")
    }

    /// Requests of one peer in one round.
    pub(super) fn count_of(&self, peer: &str) -> u32 {
        // LuaSec writes its request head in small records and meets Nagle's algorithm: 40 ms a request.
        let slow = peer == "luasocket" && matches!(self.port, Port::TlsFull | Port::TlsResumed);
        if slow { self.count / 10 } else { self.count }
    }

    /// Whether it moves one large body rather than many requests.
    pub(super) fn is_bulk(&self) -> bool {
        self.count == 1
    }
}
