//! Single byte ranges (RFC 9110 §14) of a representation of any length, with `If-Range`.

use std::time::Duration;

use super::bytes::letters;
use super::caching;
use super::reply::Reply;
use super::request::Request;
use super::route::{number, seconds};

/// `count` letters of the alphabet, over and over, in pieces of `chunk_size` over `duration` seconds.
pub(super) fn range(request: &Request, count: &str) -> Result<Reply, String> {
    let length: u64 = number("The number of bytes", count)?;
    let size: usize = request.parameter("chunk_size").map_or(Ok(64 * 1024), |size| number("chunk_size", &size))?;
    if !(1..=16 << 20).contains(&size) {
        return Err("chunk_size is between 1 and 16777216 bytes.".to_owned());
    }
    let duration = request.parameter("duration").map_or(Ok(Duration::ZERO), |text| seconds("duration", &text))?;
    let etag = format!("\"range{length}\"");
    let mut reply = Reply::new(200)
        .field("Content-Type", "application/octet-stream")
        .field("ETag", &etag)
        .field("Accept-Ranges", "bytes");
    if let Some(refusal) = caching::precondition(request, &etag) {
        return Ok(refusal);
    }
    let (from, to) = match wanted(request, length, &etag) {
        Wanted::All => (0, length),
        Wanted::Part(from, to) => {
            reply = reply.status(206).field("Content-Range", format!("bytes {from}-{}/{length}", to - 1));
            (from, to)
        }
        Wanted::Nothing => return Ok(reply.status(416).field("Content-Range", format!("bytes */{length}"))),
    };
    let pieces = u32::try_from((to - from).div_ceil(size as u64)).unwrap_or(u32::MAX).max(1);
    reply.content = letters(from, to, size, duration / pieces);
    Ok(reply)
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    /// From the first up to but without the second.
    Part(u64, u64),
    /// No byte of the representation.
    Nothing,
}

fn wanted(request: &Request, length: u64, etag: &str) -> Wanted {
    // If-Range with anything but this very tag, a date included, means: all of it, if it has changed.
    if request.field("If-Range").is_some_and(|validator| validator != etag) {
        return Wanted::All;
    }
    request.field("Range").map_or(Wanted::All, |value| part(value, length))
}

/// A range that makes no sense, or several, are ignored, as RFC 9110 §14.2 allows.
fn part(value: &str, length: u64) -> Wanted {
    let Some((first, last)) = value.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else {
        return Wanted::All;
    };
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    // A number beyond u64 lies beyond the end all the same.
    let parse = |text: &str| text.parse::<u64>().unwrap_or(u64::MAX);
    match (first, last) {
        ("", suffix) if is_number(suffix) => match parse(suffix).min(length) {
            0 => Wanted::Nothing,
            count => Wanted::Part(length - count, length),
        },
        (first, "") if is_number(first) && parse(first) < length => Wanted::Part(parse(first), length),
        (first, "") if is_number(first) => Wanted::Nothing,
        (first, last) if is_number(first) && is_number(last) && parse(first) <= parse(last) => {
            if parse(first) >= length {
                return Wanted::Nothing;
            }
            Wanted::Part(parse(first), parse(last).saturating_add(1).min(length))
        }
        _ => Wanted::All,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_the_rfc_says() {
        let table = [
            ("bytes=0-4", Wanted::Part(0, 5)),
            ("bytes=5-", Wanted::Part(5, 10)),
            ("bytes=-3", Wanted::Part(7, 10)),
            ("bytes=-30", Wanted::Part(0, 10)),
            ("bytes=8-99", Wanted::Part(8, 10)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=99999999999999999999999-", Wanted::Nothing),
            ("bytes=5-4", Wanted::All),
            ("bytes=0-1,3-4", Wanted::All),
            ("bytes=+1-2", Wanted::All),
            ("lines=0-4", Wanted::All),
        ];
        for (value, expected) in table {
            assert_eq!(part(value, 10), expected, "{value}");
        }
    }
}
