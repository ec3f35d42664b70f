//! Bytes in any number, made from a seed and never held all at once; and replies that take their time.

use std::time::Duration;

use bytes::Bytes;

use super::inspect;
use super::reply::{Content, Piece, Reply};
use super::request::Request;
use super::route::{number, seconds};

/// The bytes of a seed repeat after this many. It is prime, so that blocks of a usual size never look alike.
const PERIOD: usize = 65_521;

/// The first `count` bytes that `/bytes/{count}?seed={seed}` and `/stream-bytes/{count}?seed={seed}` answer with.
pub fn bytes_of_seed(seed: u64, count: usize) -> Vec<u8> {
    period(seed).iter().copied().cycle().take(count).collect()
}

/// One period of a seed's bytes.
fn period(seed: u64) -> Bytes {
    // xorshift64*, whose state must not be zero.
    let mut state = seed ^ 0x9e37_79b9_7f4a_7c15;
    if state == 0 {
        state = 1;
    }
    let mut next = move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    };
    let mut bytes = Vec::with_capacity(PERIOD + 8);
    while bytes.len() < PERIOD {
        bytes.extend_from_slice(&next().to_le_bytes());
    }
    bytes.truncate(PERIOD);
    bytes.into()
}

/// Pieces of at most `size` bytes, `count` bytes in all.
fn pieces(seed: u64, count: u64, size: usize) -> impl Iterator<Item = Piece> {
    let period = period(seed);
    let (mut at, mut left) = (0, count);
    std::iter::from_fn(move || {
        let room = usize::try_from(left).unwrap_or(usize::MAX).min(size);
        if room == 0 {
            return None;
        }
        let piece = if at + room <= PERIOD {
            period.slice(at..at + room)
        } else {
            period.iter().copied().cycle().skip(at).take(room).collect()
        };
        at = (at + room) % PERIOD;
        left -= room as u64;
        Some(Piece::Data(piece))
    })
}

/// With a length that is known.
pub(super) fn whole(request: &Request, count: &str) -> Result<Reply, String> {
    let count = number("The number of bytes", count)?;
    // Whole periods: each is a slice of the one that is held.
    Ok(Reply::pieces("application/octet-stream", Some(count), pieces(seed(request)?, count, PERIOD)))
}

/// Chunked.
pub(super) fn stream(request: &Request, count: &str) -> Result<Reply, String> {
    let count = number("The number of bytes", count)?;
    let size: usize = request.parameter("chunk_size").map_or(Ok(10 * 1024), |size| number("chunk_size", &size))?;
    if !(1..=16 << 20).contains(&size) {
        return Err("chunk_size is between 1 and 16777216 bytes.".to_owned());
    }
    Ok(Reply::pieces("application/octet-stream", None, pieces(seed(request)?, count, size)))
}

/// `numbytes` (10 unless given) asterisks over `duration` seconds (2) after `delay` seconds (2), with status `code`
/// (200).
pub(super) fn drip(request: &Request) -> Result<Reply, String> {
    let time = |name: &str, default: f64| match request.parameter(name) {
        Some(text) => seconds(name, &text),
        None => Ok(Duration::from_secs_f64(default)),
    };
    let count: u32 = request.parameter("numbytes").map_or(Ok(10), |text| number("numbytes", &text))?;
    let code: u16 = request.parameter("code").map_or(Ok(200), |text| number("code", &text))?;
    if !(1..=10 << 20).contains(&count) || !(200..=599).contains(&code) {
        return Err("numbytes is between 1 and 10485760, code between 200 and 599.".to_owned());
    }
    let (delay, pause) = (time("delay", 2.0)?, time("duration", 2.0)? / count);
    let drops = (0..count).flat_map(move |_| [Piece::Data(Bytes::from_static(b"*")), Piece::Wait(pause)]);
    let reply = Reply::pieces("application/octet-stream", Some(u64::from(count)), drops).status(code);
    Ok(reply.after(delay))
}

/// The answer of `/anything`, after that many seconds.
pub(super) fn delay(request: &Request, text: &str) -> Result<Reply, String> {
    Ok(inspect::with_body(request).after(seconds("The delay", text)?))
}

fn seed(request: &Request) -> Result<u64, String> {
    request.parameter("seed").map_or(Ok(0), |seed| number("seed", &seed))
}

/// The letters of `/range`, from `from` up to but without `to`.
pub(super) fn letters(from: u64, to: u64, size: usize, pause: Duration) -> Content {
    let mut at = from;
    let pieces = std::iter::from_fn(move || {
        let room = usize::try_from(to - at).unwrap_or(usize::MAX).min(size);
        if room == 0 {
            return None;
        }
        let piece: Bytes = (at..at + room as u64).map(|at| b'a' + (at % 26) as u8).collect();
        at += room as u64;
        Some([Piece::Data(piece), Piece::Wait(pause)])
    });
    Content::Pieces { length: Some(to - from), pieces: Box::new(pieces.flatten()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pieces_of_a_seed_are_its_bytes_whatever_their_size() {
        let wanted = bytes_of_seed(7, 200_000);
        for size in [1000, 65_520, PERIOD, 65_536, 150_000] {
            let mut got = Vec::new();
            for piece in pieces(7, 200_000, size) {
                let Piece::Data(data) = piece else { panic!("only data") };
                assert!(data.len() <= size);
                got.extend_from_slice(&data);
            }
            assert!(got == wanted, "pieces of {size}");
        }
        assert_ne!(wanted[..100], bytes_of_seed(8, 100)[..]);
    }
}
