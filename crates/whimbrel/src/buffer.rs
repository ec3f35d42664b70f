//! Received bytes on their way through the codec.

/// A first-in, first-out byte buffer whose filled part is one slice.
#[derive(Default)]
pub(crate) struct Buffer {
    /// All initialised; `start..end` is filled.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
}

/// The size of a fresh buffer in bytes: a head and a small body in one receive.
const FIRST: usize = 16 << 10;
/// The size beyond which it does not grow for the sake of fewer receives.
const MOST: usize = 256 << 10;

impl Buffer {
    /// What was received and not yet consumed.
    pub(crate) fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// Whether it holds no memory.
    pub(crate) fn is_unallocated(&self) -> bool {
        self.bytes.is_empty()
    }

    /// Forgets bytes at the front.
    pub(crate) fn consume(&mut self, count: usize) {
        self.start += count;
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
        }
    }

    /// Room to receive into, never empty. A buffer that was filled to the brim grows: the peer has more.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.bytes.is_empty() {
            self.bytes = vec![0; FIRST];
        } else if self.end == self.bytes.len() {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
            if self.end > self.bytes.len() / 2 || self.bytes.len() < MOST {
                self.bytes.resize(self.bytes.len() * 2, 0);
            }
        }
        &mut self.bytes[self.end..]
    }

    /// Empties it for another request. What grew for a large body is given back.
    pub(crate) fn recycle(&mut self) {
        if self.bytes.len() > FIRST {
            self.bytes = Vec::new();
        }
        self.start = 0;
        self.end = 0;
    }

    /// That much of the space was received into.
    pub(crate) fn filled_more(&mut self, count: usize) {
        self.end += count;
    }
}

/// The memory that a thread lends to whichever of its calls is being stepped, so that none holds any while it waits.
#[derive(Default)]
pub(crate) struct Workspace {
    pub(crate) input: Buffer,
    pub(crate) output: Vec<u8>,
}

impl Workspace {
    /// Takes an empty buffer's memory.
    pub(crate) fn take_input(&mut self, input: &mut Buffer) {
        let mut input = std::mem::take(input);
        if self.input.is_unallocated() {
            input.recycle();
            self.input = input;
        }
    }

    /// Likewise of a request's text.
    pub(crate) fn take_output(&mut self, output: &mut Vec<u8>) {
        let output = std::mem::take(output);
        if self.output.capacity() == 0 && output.capacity() <= FIRST {
            self.output = output;
        }
    }
}
