//! How much of a peer's talk is taken in before it is refused. Decides numbers only; who enforces which stands beside
//! each.

/// Limits on what one response may make us hold or look at. Every one is a hard error when passed, of kind
/// [`TooLarge`](crate::Kind::TooLarge).
///
/// The defaults are above anything that well-behaved servers send (browsers refuse heads over 256 KiB, most servers send
/// less than 8 KiB) and far below what would hurt: a response in flight never makes the codec ask for more than
/// `max_head` bytes at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one response head, its status line and final empty line included. Default 256 KiB; more than
    /// 1 GiB counts as 1 GiB.
    pub max_head: usize,
    /// Fields in one head, and fields in the trailer section. Default 512.
    pub max_fields: usize,
    /// Informational (1xx) responses before the final one. Default 32.
    pub max_informational: usize,
    /// Bytes of the trailer section, its final empty line included. Default 16 KiB.
    pub max_trailers: usize,
    /// Bytes of chunk extensions and of space around chunk sizes, summed over the whole body. Default 16 KiB.
    pub max_chunk_extensions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_head: 256 * 1024,
            max_fields: 512,
            max_informational: 32,
            max_trailers: 16 * 1024,
            max_chunk_extensions: 16 * 1024,
        }
    }
}

impl Limits {
    /// `max_head`, within what 32-bit positions in a head can address.
    pub(super) fn head(&self) -> usize {
        self.max_head.min(1 << 30)
    }
}
