//! What a test says of a failure: its kind, phase, code, the beginning of its sentence, and that it came in time.

use std::fmt::Debug;
use std::time::{Duration, Instant};

use whimbrel::{Client, Error, Kind, Phase, RequestBuilder};

/// How much longer than expected anything may take on a machine that is busy with other tests.
pub(crate) const SLACK: Duration = Duration::from_secs(5);

/// A client whose requests go straight to the servers of the test.
pub(crate) fn client() -> Client {
    Client::builder().no_proxy().build().unwrap()
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The status and the whole body.
pub(crate) fn whole(request: RequestBuilder) -> whimbrel::Result<(u16, Vec<u8>)> {
    let response = request.send()?;
    Ok((response.status(), response.into_bytes()?))
}

/// How a call ought to fail.
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    pub(crate) phase: Phase,
    pub(crate) code: &'static str,
    /// How the sentence begins.
    pub(crate) text: &'static str,
}

/// A failure of this kind, phase, code and beginning of its sentence.
pub(crate) fn failure(kind: Kind, phase: Phase, code: &'static str, text: &'static str) -> Failure {
    Failure { kind, phase, code, text }
}

impl Failure {
    /// The call fails in this way, at once.
    #[track_caller]
    pub(crate) fn of<T: Debug>(&self, call: impl FnOnce() -> whimbrel::Result<T>) -> Error {
        self.after(Duration::ZERO, call)
    }

    /// The call fails in this way, not before `wait` has passed and not much later.
    #[track_caller]
    pub(crate) fn after<T: Debug>(&self, wait: Duration, call: impl FnOnce() -> whimbrel::Result<T>) -> Error {
        let start = Instant::now();
        let result = call();
        let took = start.elapsed();
        let error = result.expect_err(self.code);
        self.describes(&error);
        assert!((wait..wait + SLACK).contains(&took), "it took {took:?} instead of {wait:?}: {error}");
        error
    }

    #[track_caller]
    pub(crate) fn describes(&self, error: &Error) {
        assert_eq!((error.kind(), error.phase(), error.code()), (self.kind, self.phase, self.code), "{error}");
        let text = error.to_string();
        assert!(text.starts_with(self.text), "{text:?} does not begin with {:?}", self.text);
    }
}
