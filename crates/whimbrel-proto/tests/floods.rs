//! Peers that never stop talking (threats row 8 for HTTP/1.1): each is refused after a bounded number of bytes, and
//! nothing it does makes us hold more than 4 MiB. Memory is that of the whole process, the driver's buffer included.

use std::time::{Duration, Instant};

use peak_alloc::PeakAlloc;
use whimbrel_proto::Kind;
use whimbrel_proto::h1::{Call, Event, Limits, SendBody};

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const PIECE: usize = 16 * 1024;
/// Where a flood that isn't refused is given up.
const DAM: usize = 64 * 1024 * 1024;

/// Feeds `start`, then `again` over and over, and gives the error that ends it, with the number of bytes that it took.
fn flood(start: &str, again: &str) -> (Kind, usize) {
    let mut call = Call::new("GET", SendBody::None, false, Limits::default());
    call.head_sent();
    let mut flow = start.bytes().chain(again.bytes().cycle());
    let (mut input, mut fed) = (Vec::new(), 0);
    while fed < DAM {
        input.extend(flow.by_ref().take(PIECE));
        fed += PIECE;
        loop {
            match call.receive(&input) {
                Err(error) => return (error.kind(), fed),
                Ok((used, event)) => {
                    input.drain(..used);
                    match event {
                        Event::NeedMore => break,
                        Event::End => panic!("{again:?} never ends"),
                        _ => {}
                    }
                }
            }
        }
    }
    panic!("{again:?} was taken in for {fed} bytes");
}

/// One test, so that the peak is that of one flood at a time.
#[test]
fn every_flood_is_refused_soon_and_in_little_memory_row_8() {
    const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let in_trailers = format!("{CHUNKED}0\r\n");
    let in_extension = format!("{CHUNKED}5;");
    let in_space = format!("{CHUNKED}5");
    let table: [(&str, &str, &str, usize); 11] = [
        ("endless fields", "HTTP/1.1 200 OK\r\n", "X-n: y\r\n", 256 * 1024),
        ("endless Set-Cookie", "HTTP/1.1 200 OK\r\n", "Set-Cookie: a=b; Path=/; Secure\r\n", 256 * 1024),
        ("one endless line", "HTTP/1.1 200 OK\r\nX-n: ", "y", 256 * 1024),
        ("one endless name", "HTTP/1.1 200 OK\r\n", "X", 256 * 1024),
        ("an endless reason phrase", "HTTP/1.1 200 ", "OK ", 256 * 1024),
        ("endless early hints", "", "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n", PIECE),
        ("endless trailers", &in_trailers, "X-n: y\r\n", 32 * 1024),
        ("one endless trailer", &in_trailers, "X", 32 * 1024),
        ("an endless extension", &in_extension, "x", 32 * 1024),
        ("endless space after a size", &in_space, " ", 32 * 1024),
        ("an extension on every chunk", CHUNKED, "1;xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\r\nx\r\n", 32 * 1024),
    ];
    for (name, start, again, at_most) in table {
        ALLOCATED.reset_peak_usage();
        let before = ALLOCATED.current_usage();
        let started = Instant::now();
        let (kind, fed) = flood(start, again);
        assert_eq!(kind, Kind::TooLarge, "{name}");
        assert!(fed <= at_most, "{name}: refused only after {fed} bytes");
        assert!(started.elapsed() < Duration::from_secs(2), "{name}: took too long");
        let held = ALLOCATED.peak_usage() - before;
        assert!(held < 4 * 1024 * 1024, "{name}: {held} bytes were held");
    }
}
