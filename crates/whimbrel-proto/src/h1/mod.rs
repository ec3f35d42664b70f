//! HTTP/1.1 on the wire, client side (RFC 9112, RFC 9110): bytes in, events out; a request in, bytes out. Decides what
//! bytes mean and which may be sent; never touches a socket and never copies a body.

mod call;
mod chunked;
mod encode;
mod framing;
mod head;
mod limits;
mod scan;
mod send;

pub use call::{Call, Event};
pub use encode::encode_head;
pub use framing::Framing;
pub use head::{ResponseHead, Version};
pub use limits::Limits;
pub use send::{Framed, SendBody};
