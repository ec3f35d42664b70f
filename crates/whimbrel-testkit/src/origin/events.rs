//! A stream of server-sent events (HTML Living Standard, section 9.2) that goes on where its reader left off.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::reply::{Piece, Reply};
use super::request::Request;
use super::route::{number, seconds};

/// `count` events (10 unless given), numbered from 0, one every `interval` seconds (1), the first at once. A
/// `Last-Event-ID` begins behind that number, so that a reader that comes again misses nothing.
pub(super) fn stream(request: &Request) -> Result<Reply, String> {
    let count: u64 = request.parameter("count").map_or(Ok(10), |text| number("count", &text))?;
    let interval =
        request.parameter("interval").map_or(Ok(Duration::from_secs(1)), |text| seconds("interval", &text))?;
    let first = match request.field("last-event-id") {
        Some(last) => number::<u64>("Last-Event-ID", last)?.saturating_add(1),
        None => 0,
    };
    let events = (first..count).flat_map(move |id| {
        let pause = (id > first).then_some(Piece::Wait(interval));
        // The time is that of the sending: pieces are made while they are written.
        pause.into_iter().chain(std::iter::once_with(move || Piece::Data(event(id).into())))
    });
    Ok(Reply::pieces("text/event-stream", None, events).field("Cache-Control", "no-store"))
}

fn event(id: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
    format!("id: {id}\nevent: tick\ndata: {{\"id\": {id}, \"timestamp\": {now}}}\n\n")
}
