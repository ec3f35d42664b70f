//! `WhimbrelHTTP`: whole requests in one call that can be awaited. It converts values and decides nothing about HTTP.
//!
//! [`session`] is the class that scripts call, [`call`] a request under way, [`response`] what came of it. [`options`]
//! reads what the script wants, and [`pump`] brings the engine's events to the scripts, once a frame.

mod call;
mod failure;
mod group;
mod jar;
mod options;
mod pump;
mod response;
mod session;

pub(crate) use pump::shut_down;
