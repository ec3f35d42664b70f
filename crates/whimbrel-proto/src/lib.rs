//! The pure core of Whimbrel. It decides everything that HTTP asks to be decided, and does nothing: no sockets, no
//! files, no threads, no clock (an [`Instant`](std::time::Instant) comes in where time matters).

pub mod admission;
pub mod coding;
mod credentials;
mod error;
pub mod exchange;
pub mod fields;
pub mod h1;
mod method;
pub mod pace;
pub mod polled;
pub mod proxy;
pub mod race;
mod target;
pub mod text;

pub use credentials::Credentials;
pub use error::{Error, Kind, Phase, Result};
pub use fields::Fields;
pub use method::Method;
pub use target::{Host, Origin, Scheme, Target};
