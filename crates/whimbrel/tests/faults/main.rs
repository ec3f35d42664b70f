//! What goes wrong on the other side, and what a caller is told: kind, phase, code and sentence of each fault, within a
//! bounded time. One module for each stage of a request.

mod body;
mod bombs;
mod cancel;
mod connect;
mod files;
mod head;
mod lookup;
mod outcome;
mod redirect;
mod stale;
mod threads;
mod tls;
mod upload;
