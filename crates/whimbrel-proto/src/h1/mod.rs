//! HTTP/1.1 on the wire, client side (RFC 9112, RFC 9110): bytes in, events out; a request in, bytes out. Decides what
//! bytes mean and which may be sent; never touches a socket and never copies a body.
//!
//! A [`Call`] is one request and its response. Its two halves run at the same time: bytes of the response may come,
//! and be handed in, while the request is still being sent.
//!
//! ```text
//!   sending                                        receiving
//!
//!   encode_head ── head_sent                       receive / receive_eof
//!        │                                              │
//!        ├── awaits_continue ◄─ Expect                  ▼
//!        │        │                    ┌──────────► awaiting a head ── Informational ─┐
//!        │        │ 100, or            └────────────────┬─────────────────────────────┘
//!        │        │ stop_awaiting_continue              │ Head
//!        ▼        ▼                                     ├──── 101, 2xx to CONNECT ────► Upgraded
//!   wants_body: frame_body ◄─┐                          ▼
//!        │        └──────────┘                       in the body: Data ◄─┐   (direct: past the codec)
//!        │ end_body        │ final response:            │    └───────────┘
//!        ▼                 ▼ error or close             ▼
//!   body_complete       stopped                        End: is_finished, trailers
//!        └──────────────────────────┬───────────────────┘
//!                               may_reuse
//! ```
//!
//! The same, running:
//!
//! ```
//! use whimbrel_proto::Fields;
//! use whimbrel_proto::h1::{Call, Event, Framing, Limits, SendBody, encode_head};
//!
//! // Sending: the driver writes what it is given.
//! let mut wire = Vec::new();
//! let mut fields = Fields::new();
//! fields.append("Host", "a.test")?;
//! fields.append("Expect", "100-continue")?;
//! fields.append("Transfer-Encoding", "chunked")?;
//! encode_head(&mut wire, "POST", "/tour", &fields)?;
//! let mut call = Call::new("POST", SendBody::Chunked, true, Limits::default());
//! call.head_sent();
//! assert!(call.awaits_continue() && !call.wants_body());
//!
//! // Receiving: bytes come in any pieces; the driver drops what is consumed.
//! let (used, event) = call.receive(b"HTTP/1.1 100 Continue\r\n\r\n")?;
//! assert!(matches!(event, Event::Informational(head) if head.status == 100 && used == 25));
//! assert!(call.wants_body());
//! let framed = call.frame_body(b"whimbrel")?;
//! for piece in [framed.prefix(), framed.data, framed.suffix] {
//!     wire.extend_from_slice(piece);
//! }
//! wire.extend_from_slice(call.end_body()?);
//! assert!(wire.ends_with(b"\r\n\r\n8\r\nwhimbrel\r\n0\r\n\r\n"));
//!
//! let input = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\ncurlew";
//! let (head, event) = call.receive(input)?;
//! assert!(matches!(event, Event::Head(head) if head.status == 201 && head.reason() == b"Created"));
//! assert_eq!(call.framing(), Framing::Length(5));
//! let body = &input[head..];
//! assert_eq!(call.receive(body)?, (5, Event::Data(0..5)));
//! assert_eq!(call.receive(&body[5..])?, (0, Event::End));
//!
//! // Both messages are complete, but a byte came that answers nothing: this connection isn't used again.
//! assert!(call.is_finished() && !call.may_reuse());
//! # Ok::<(), whimbrel_proto::Error>(())
//! ```
//!
//! Where the RFCs leave a choice, this codec takes the strict one, and where it tolerates something, it remembers that
//! and [`Call::may_reuse`] says no:
//!
//! | on the wire | verdict |
//! |---|---|
//! | LF alone as a line end in a head | taken (RFC 9112 §2.2) |
//! | CR alone, NUL or another control in a head; space before a colon; a folded line; a line without a colon | refused |
//! | empty lines before the status line, HTTP/0.9, HTTP/2 | refused: not HTTP/1.x |
//! | HTTP/1.2 to 1.9 | taken as 1.1 |
//! | `Content-Length` that isn't digits, or two that differ | refused |
//! | `Content-Length` twice with one value | taken, not used again |
//! | `Transfer-Encoding` other than one `chunked`, or any in HTTP/1.0 | refused |
//! | `Transfer-Encoding` beside `Content-Length` | chunked, not used again (RFC 9112 §6.3) |
//! | a 204 that announces a body, a 1xx that announces one or closes | no body, not used again |
//! | LF alone in chunk framing, a sign, `0x`, more than 16 digits | refused |
//! | space after a chunk's size | skipped, not used again |
//! | 101 that wasn't asked for | refused |
//! | bytes after the response | not used again |

mod call;
mod chunked;
mod encode;
mod framing;
mod head;
mod limits;
mod scan;
mod send;

pub use call::{Call, Event};
pub(crate) use encode::HeadWriter;
pub use encode::encode_head;
pub use framing::Framing;
pub use head::{ResponseHead, Version};
pub use limits::Limits;
pub use send::{Framed, SendBody};
