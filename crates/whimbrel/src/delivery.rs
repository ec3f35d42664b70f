//! What a caller wants of a transfer: where its body goes, and what is told on the way.

use std::path::PathBuf;
use std::time::Duration;

/// Where the body of a transfer goes and what is told on the way; see [`Transfers::start`](crate::Transfers::start).
///
/// Default: to memory, and nothing is told but the end.
#[derive(Clone, Debug)]
#[must_use]
pub struct Delivery {
    pub(crate) to: To,
    pub(crate) head: bool,
    pub(crate) stages: bool,
    pub(crate) progress: Option<Cadence>,
    pub(crate) priority: i8,
    pub(crate) max_rate: Option<u64>,
}

/// Which movements are told, and how often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cadence {
    pub(crate) every: Duration,
    pub(crate) up: bool,
    pub(crate) down: bool,
}

/// Where the body goes.
#[derive(Clone, Debug)]
pub(crate) enum To {
    Memory,
    File { path: PathBuf, any_status: bool, create_folders: bool },
    Chunks { limit: usize },
}

impl Delivery {
    fn new(to: To) -> Self {
        Self { to, head: false, stages: false, progress: None, priority: 0, max_rate: None }
    }

    /// Into the outcome's [`body`](crate::Outcome::body);
    /// [`RequestBuilder::max_body`](crate::RequestBuilder::max_body) limits it.
    pub fn memory() -> Self {
        Self::new(To::Memory)
    }

    /// To a file: beside the target first, renamed when it is complete. The body of a status that is not 2xx goes to
    /// memory and leaves the target alone, as every failure does.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::new(To::File { path: path.into(), any_status: false, create_folders: false })
    }

    /// As [`Event::Chunk`](crate::Event::Chunk)s. When about `limit` bytes wait to be taken, no more are received: the
    /// socket, and thereby the server, waits as well.
    pub fn chunks(limit: usize) -> Self {
        Self::new(To::Chunks { limit: limit.max(1) })
    }

    /// For [`Delivery::file`]: whatever the status, the body goes to the file; default no.
    pub fn any_status(mut self, any: bool) -> Self {
        if let To::File { any_status, .. } = &mut self.to {
            *any_status = any;
        }
        self
    }

    /// For [`Delivery::file`]: makes the folders that are missing; default no.
    pub fn create_folders(mut self, create: bool) -> Self {
        if let To::File { create_folders, .. } = &mut self.to {
            *create_folders = create;
        }
        self
    }

    /// Tells the final head as an [`Event::Head`](crate::Event::Head) before anything of the body; default no.
    pub fn head(mut self, tell: bool) -> Self {
        self.head = tell;
        self
    }

    /// Tells progress as [`Event::Progress`](crate::Event::Progress): the first movement at once, then at most one event
    /// each `every`. Where the consumer is slower, the counts of several movements come in one event.
    pub fn progress(self, every: Duration) -> Self {
        self.cadence(every, true, true)
    }

    /// As [`Delivery::progress`], of the request body alone.
    pub fn upload_progress(self, every: Duration) -> Self {
        self.cadence(every, true, false)
    }

    /// As [`Delivery::progress`], of the response body alone.
    pub fn download_progress(self, every: Duration) -> Self {
        self.cadence(every, false, true)
    }

    fn cadence(mut self, every: Duration, up: bool, down: bool) -> Self {
        self.progress = Some(Cadence { every, up, down });
        self
    }

    /// Tells what the transfer is at as [`Event::Stage`](crate::Event::Stage), each stage, in order; default no.
    pub fn stages(mut self, tell: bool) -> Self {
        self.stages = tell;
        self
    }

    /// Which of the transfers that wait for their turn is first: the higher; default 0.
    pub fn priority(mut self, priority: i8) -> Self {
        self.priority = priority;
        self
    }

    /// How many bytes of body this transfer moves a second at most, both directions together; default 0, any number.
    pub fn max_rate(mut self, bytes_per_second: u64) -> Self {
        self.max_rate = Some(bytes_per_second).filter(|rate| *rate > 0);
        self
    }
}

impl Default for Delivery {
    fn default() -> Self {
        Self::memory()
    }
}
