//! A response: its head at once, its body as it is read.

use std::fmt;
use std::io::{self, Write};

use whimbrel_proto::h1::ResponseHead;
use whimbrel_proto::{Error, Fields, Kind, Phase, Result};

pub use crate::timings::Timings;
pub use whimbrel_proto::h1::Version;

use crate::caller;
use crate::live::Read;
use crate::transfer::Transfer;

/// How much is read at once where the caller's own buffer does not say: where throughput stops to grow.
pub(crate) const STEP: usize = 256 << 10;
/// How much memory a `Content-Length` is trusted with before a byte of it has come.
const TRUSTED: u64 = 1 << 20;

/// The answer to a request.
///
/// The body is read as a [`std::io::Read`], or whole by [`into_bytes`](Response::into_bytes) and its like. When it was
/// read to its end the connection is kept for the next request; a response that is dropped before closes it.
///
/// ```no_run
/// use std::io::Read;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut response = whimbrel::Client::new().get("https://example.com/events").send()?;
/// let mut buffer = [0; 1024];
/// while let n @ 1.. = response.read(&mut buffer)? {
///     println!("{}", String::from_utf8_lossy(&buffer[..n]));
/// }
/// # Ok(())
/// # }
/// ```
pub struct Response {
    transfer: Box<Transfer>,
    head: ResponseHead,
}

impl Response {
    pub(crate) fn new(transfer: Box<Transfer>, head: ResponseHead) -> Self {
        Self { transfer, head }
    }

    /// The status code.
    pub fn status(&self) -> u16 {
        self.head.status
    }

    /// The reason phrase as received, often empty.
    pub fn reason(&self) -> &[u8] {
        self.head.reason()
    }

    /// The HTTP version of the response.
    pub fn version(&self) -> Version {
        self.head.version
    }

    /// The URL that answered, after redirects; without userinfo and fragment.
    pub fn url(&self) -> &str {
        self.transfer.exchange().hop().target.as_str()
    }

    /// How many redirects were followed.
    pub fn redirects(&self) -> u32 {
        self.transfer.exchange().redirects()
    }

    /// The fields of the final response.
    pub fn headers(&self) -> &Fields {
        &self.head.fields
    }

    /// The first field of that name, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.fields.get_str(name)
    }

    /// The length of the body as it is sent, if the server told it.
    pub fn content_length(&self) -> Option<u64> {
        self.header("content-length")?.parse().ok()
    }

    /// The trailer fields; empty before the body's end.
    pub fn trailers(&self) -> &Fields {
        self.transfer.trailers()
    }

    /// When each phase ended.
    pub fn timings(&self) -> &Timings {
        self.transfer.timings()
    }

    /// Whether the connection had served an earlier request.
    pub fn is_reused(&self) -> bool {
        self.transfer.is_reused()
    }

    /// This response, or an error where its status is 400 or above.
    ///
    /// # Errors
    /// [`Kind::Status`], naming status and reason.
    pub fn error_for_status(self) -> Result<Self> {
        match self.status() {
            400.. => Err(status_error(&self.head)),
            _ => Ok(self),
        }
    }

    /// The whole body.
    ///
    /// # Errors
    /// As reading: [`Kind::Truncated`], [`Kind::Timeout`], [`Kind::Coding`], [`Kind::BodyLimit`] and their like.
    pub fn into_bytes(mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// The whole body as text.
    ///
    /// # Errors
    /// As [`into_bytes`](Self::into_bytes); [`Kind::Coding`] where it is not UTF-8.
    pub fn into_text(self) -> Result<String> {
        String::from_utf8(self.into_bytes()?)
            .map_err(|error| Error::new(Kind::Coding, Phase::Body, "the body is no UTF-8 text").with_source(error))
    }

    /// Appends the rest of the body.
    ///
    /// # Errors
    /// As [`into_bytes`](Self::into_bytes); what had come by then is appended all the same.
    pub fn read_to_end(&mut self, bytes: &mut Vec<u8>) -> Result<()> {
        let expected = self.transfer.body_length().unwrap_or(0).min(TRUSTED) as usize;
        let mut step = if expected > 0 { expected } else { 1024 };
        while !self.transfer.is_finished() {
            let start = bytes.len();
            bytes.resize(start + step, 0);
            let read = caller::body(&mut self.transfer, &mut bytes[start..]);
            let count = if let Ok(Read::Bytes(count)) = read { count } else { 0 };
            bytes.truncate(start + count);
            if read? == Read::End {
                break;
            }
            // A buffer that was filled was too small; one that was not shows how much comes at once.
            step = if count == step { (step * 2).min(STEP.max(bytes.len())) } else { (step - count).max(1024) };
        }
        Ok(())
    }

    /// Writes the rest of the body; returns how many bytes it had.
    ///
    /// # Errors
    /// As [`into_bytes`](Self::into_bytes); [`Kind::File`] where the writer fails.
    pub fn copy_to(&mut self, writer: &mut dyn Write) -> Result<u64> {
        let mut buffer = vec![0; STEP];
        let mut written = 0;
        while let Read::Bytes(count) = caller::body(&mut self.transfer, &mut buffer)? {
            if let Err(error) = writer.write_all(&buffer[..count]) {
                self.transfer.abandon();
                return Err(Error::new(Kind::File, Phase::Body, error.to_string()).with_source(error));
            }
            written += count as u64;
        }
        Ok(written)
    }
}

impl io::Read for Response {
    /// Reads decoded body bytes. The [`Error`] is inside the [`io::Error`].
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match caller::body(&mut self.transfer, buffer) {
            Ok(Read::Bytes(count)) => Ok(count),
            Ok(Read::End) => Ok(0),
            Err(error) => Err(into_io(error)),
        }
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status())
            .field("url", &self.url())
            .field("headers", self.headers())
            .finish_non_exhaustive()
    }
}

#[cold]
pub(crate) fn status_error(head: &ResponseHead) -> Error {
    let reason = String::from_utf8_lossy(head.reason());
    Error::new(Kind::Status, Phase::Done, format!("{} {reason}", head.status).trim_end())
}

fn into_io(error: Error) -> io::Error {
    let kind = match error.kind() {
        Kind::Timeout => io::ErrorKind::TimedOut,
        Kind::Cancelled => io::ErrorKind::ConnectionAborted,
        Kind::Truncated | Kind::Empty => io::ErrorKind::UnexpectedEof,
        Kind::Protocol | Kind::Coding | Kind::TooLarge | Kind::BodyLimit => io::ErrorKind::InvalidData,
        _ => io::ErrorKind::Other,
    };
    io::Error::new(kind, error)
}
