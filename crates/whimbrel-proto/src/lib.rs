//! The pure core of Whimbrel. It decides everything that HTTP asks to be decided, and does nothing: no sockets, no
//! files, no threads, no clock (an [`Instant`](std::time::Instant) comes in where time matters).

mod error;
pub mod fields;
pub mod h1;

pub use error::{Error, Kind, Phase, Result};
pub use fields::Fields;
