//! How a transfer ended, and everything that is known of it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use whimbrel_proto::h1::ResponseHead;
use whimbrel_proto::{Error, Fields};

use crate::progress::Progress;
use crate::timings::Timings;
use crate::transfer::Transfer;

/// The end of a transfer: its response, or why there is none.
///
/// An HTTP status is not an error. To drop one costs a little time; [`Transfers::recycle`](crate::Transfers::recycle)
/// leaves that to the I/O thread.
pub struct Outcome {
    /// None where the request was a mistake.
    transfer: Option<Box<Transfer>>,
    head: Option<Arc<ResponseHead>>,
    body: Vec<u8>,
    file: Option<PathBuf>,
    error: Option<Error>,
}

static NO_FIELDS: Fields = Fields::new();

impl Outcome {
    /// A request that was a mistake.
    pub(crate) fn mistake(error: Error) -> Self {
        Self { transfer: None, head: None, body: Vec::new(), file: None, error: Some(error) }
    }

    pub(crate) fn new(
        transfer: Box<Transfer>,
        head: Option<Arc<ResponseHead>>,
        body: Vec<u8>,
        file: Option<PathBuf>,
        error: Option<Error>,
    ) -> Self {
        Self { transfer: Some(transfer), head, body, file, error }
    }

    /// What went wrong; `None`: the whole response came, whatever its status.
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// The head of the final response, if it came; also where the body failed.
    pub fn head(&self) -> Option<&ResponseHead> {
        self.head.as_deref()
    }

    /// The status code; 0 without a response.
    pub fn status(&self) -> u16 {
        self.head.as_ref().map_or(0, |head| head.status)
    }

    /// The body that was received to memory: with [`Delivery::memory`](crate::Delivery::memory), and of an error status
    /// with [`Delivery::file`](crate::Delivery::file). Where there is an error, what had come by then.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// As [`Outcome::body`], for keeps.
    pub fn into_body(self) -> Vec<u8> {
        self.body
    }

    /// The file that was put in place.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The URL that answered, or that was asked last, after redirects; without userinfo and fragment. Empty where the
    /// request was a mistake.
    pub fn url(&self) -> &str {
        self.transfer.as_ref().map_or("", |transfer| transfer.exchange().hop().target.as_str())
    }

    /// How many redirects were followed.
    pub fn redirects(&self) -> u32 {
        self.transfer.as_ref().map_or(0, |transfer| transfer.exchange().redirects())
    }

    /// How many times the request was tried again by the caller's [`Retry`](crate::Retry).
    pub fn retries(&self) -> u32 {
        self.transfer.as_ref().map_or(0, |transfer| transfer.exchange().retries())
    }

    /// When each phase of the last hop ended; `None` where the request was a mistake.
    pub fn timings(&self) -> Option<&Timings> {
        self.transfer.as_ref().map(|transfer| transfer.timings())
    }

    /// Whether the connection had served an earlier request.
    pub fn is_reused(&self) -> bool {
        self.transfer.as_ref().is_some_and(|transfer| transfer.is_reused())
    }

    /// The trailer fields.
    pub fn trailers(&self) -> &Fields {
        self.transfer.as_ref().map_or(&NO_FIELDS, |transfer| transfer.trailers())
    }

    /// What was moved in all.
    pub fn progress(&self) -> Progress {
        self.transfer.as_ref().map_or_else(Progress::default, |transfer| *transfer.progress())
    }
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("status", &self.status())
            .field("url", &self.url())
            .field("error", &self.error)
            .finish_non_exhaustive()
    }
}
