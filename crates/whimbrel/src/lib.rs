//! Whimbrel's engine and its Rust API.
//!
//! ```no_run
//! # fn main() -> whimbrel::Result<()> {
//! let client = whimbrel::Client::new();
//!
//! let response = client.get("https://example.com/data").header("Accept", "application/json").send()?;
//! println!("{} {}", response.status(), response.into_text()?);
//!
//! client.get("https://example.com/big.zip").download("big.zip")?;
//! # Ok(())
//! # }
//! ```
//!
//! A [`Client`] is a session: its own connections, credentials, defaults and limits, shared with nobody. Cloning it is
//! cheap and gives the same session; it is `Send` and `Sync`. A request runs on the thread that sends it, or, as one of the
//! [`Transfers`] of a program with a loop, on the one I/O thread of the process. No runtime, and no other thread but for
//! names that must be looked up.
//!
//! An HTTP status is never an error here: see [`Response::error_for_status`]. Everything that is one is an [`Error`],
//! with a kind, a phase and a stable code.

mod body;
mod buffer;
mod caller;
mod cancel;
mod client;
mod confined;
mod cookies;
mod delivery;
mod dial;
mod download;
mod fork;
mod hash;
mod io;
mod live;
mod outcome;
mod overrides;
mod part_file;
mod poll_client;
mod pool;
mod progress;
mod request;
mod resolve;
mod response;
mod route;
mod session;
mod stream;
mod sys;
mod targets;
mod timings;
mod tls;
mod transfer;
mod transfers;
mod wake;

pub use body::Body;
pub use cancel::CancelHandle;
pub use client::{Client, ClientBuilder};
pub use confined::confine;
pub use cookies::{Cookie, CookieJar, SameSite};
pub use delivery::Delivery;
pub use download::Download;
pub use fork::forked;
pub use outcome::Outcome;
pub use poll_client::PollClient;
pub use progress::Progress;
pub use request::RequestBuilder;
pub use response::{Response, Timings, Version};
pub use route::has_route;
pub use stream::Transport;
pub use timings::Stage;
pub use tls::{TlsOptions, TlsVersion};
pub use transfers::{Event, TransferId, Transfers};
pub use whimbrel_proto::exchange::retry::Retry;
pub use whimbrel_proto::h1::ResponseHead;
pub use whimbrel_proto::polled::{PollError, PollHeaders, PollMethod, PollStatus, RESPONSE_CODES, query_string};
pub use whimbrel_proto::text;
pub use whimbrel_proto::{Error, Fields, Kind, Phase, Result};

/// The version of this engine (`0.1.0`).
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The examples of the handbook, as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/rust.md")]
struct Handbook;

/// The page on the polled client, as tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/httpclient.md")]
struct Polled;
