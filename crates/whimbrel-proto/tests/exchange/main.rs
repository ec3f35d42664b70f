//! The exchange's state machine, played through without sockets and with a clock that stands still until it is told to
//! move. What a scenario can say is in [`scenario`]; each other file is one policy.

mod scenario;

mod codings;
mod credentials;
mod deadlines;
mod framing;
mod proxies;
mod redirects;
mod retries;
