//! What the polled idiom, Godot's `HTTPClient`, decides about HTTP beyond the codec: which hosts, URLs and header lines
//! it takes, what a request says besides them, which status a failure is, and how response headers read as text.
//!
//! It follows Godot 4.6 where a program could rely on that, and mends what nobody can: see each file.

mod codes;
mod destination;
mod headers;
mod query;
mod request;
mod status;

pub use codes::RESPONSE_CODES;
pub use destination::{Destination, Peer, destination};
pub use headers::PollHeaders;
pub use query::query_string;
pub use request::{Heading, PollMethod, Request, transfer_codings};
pub use status::{PollError, PollStatus};
