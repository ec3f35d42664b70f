//! The pure core of Whimbrel. It decides everything that HTTP asks to be decided, and does nothing: no sockets, no
//! files, no threads, no clock (an [`Instant`](std::time::Instant) comes in where time matters).

mod error;
mod target;
mod method;
pub mod exchange;
mod credentials;
pub mod fields;
mod target;
mod credentials;
pub mod race;
pub mod proxy;
pub mod coding;
pub mod h1;

pub use error::{Error, Kind, Phase, Result};
pub use fields::Fields;
pub use credentials::Credentials;
pub use method::Method;
pub use target::{Host, Origin, Scheme, Target};
