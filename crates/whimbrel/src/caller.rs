//! The caller driver: steps a transfer on the caller's own thread, with one wait for everything in between. No reactor,
//! no thread hop, no system call that a request does not need.

use std::time::Instant;

use whimbrel_proto::h1::ResponseHead;
use whimbrel_proto::{Error, Kind, Phase, Result};

use crate::live::Read;
use crate::sys::{self, PollSet};
use crate::transfer::Transfer;

/// Runs until the final head, from the instant at which the transfer was made.
pub(crate) fn head(transfer: &mut Transfer) -> Result<ResponseHead> {
    let now = transfer.timings().started();
    run(transfer, now, Transfer::step_head)
}

/// Runs until there are body bytes, or the body's end.
pub(crate) fn body(transfer: &mut Transfer, buffer: &mut [u8]) -> Result<Read> {
    if transfer.is_finished() || buffer.is_empty() {
        return Ok(if buffer.is_empty() { Read::Bytes(0) } else { Read::End });
    }
    if let Some(arrived) = transfer.arrived() {
        // What came with the head is here in time: nothing to check, and no clock to ask.
        let read = transfer.step_body(buffer, arrived).and_then(|read| transfer.report().map(|()| read));
        if let Some(read) = read.inspect_err(|_| transfer.abandon())? {
            return Ok(read);
        }
    }
    let now = Instant::now();
    transfer.resume(now);
    run(transfer, now, |transfer, now| {
        transfer.check(now)?;
        transfer.step_body(buffer, now)
    })
}

/// One turn after the other until the step gives something. A failed transfer is abandoned.
fn run<T>(
    transfer: &mut Transfer,
    mut now: Instant,
    mut step: impl FnMut(&mut Transfer, Instant) -> Result<Option<T>>,
) -> Result<T> {
    let mut turn = || {
        loop {
            transfer.be_patient(now);
            let done = step(transfer, now)?;
            transfer.report()?;
            if let Some(done) = done {
                return Ok(done);
            }
            // The step may have waited itself: what is left until the deadline counts from here.
            wait(transfer, Instant::now())?;
            transfer.woke();
            now = Instant::now();
        }
    };
    turn().inspect_err(|_| transfer.abandon())
}

fn wait(transfer: &Transfer, now: Instant) -> Result<()> {
    let mut interests = PollSet::default();
    transfer.interests(&mut interests);
    sys::wait(interests, transfer.deadline(), now).map_err(|error| {
        Error::new(Kind::Receive, Phase::Wait, "the system can't wait for the socket").with_source(error)
    })
}
