//! Decoders against encoders, in pieces of any size, and against what is made to break them.

use std::io::Write;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use proptest::prelude::*;

use super::*;

type Encoder = fn(&[u8]) -> Vec<u8>;

/// Names in `Content-Encoding` and what makes them; `deflate` is there with zlib's frame and without.
const ENCODERS: [(&str, Encoder); 5] =
    [("gzip", gzip), ("deflate", zlib), ("deflate", deflate), ("br", brotli), ("zstd", zstd)];

fn gzip(data: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn zlib(data: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn deflate(data: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(data).unwrap();
    encoder.finish().unwrap()
}

fn brotli(data: &[u8]) -> Vec<u8> {
    let mut coded = Vec::new();
    let mut encoder = ::brotli::CompressorWriter::new(&mut coded, 4096, 5, 22);
    encoder.write_all(data).unwrap();
    drop(encoder);
    coded
}

fn zstd(data: &[u8]) -> Vec<u8> {
    let mut coded = vec![0; zstd_safe::compress_bound(data.len())];
    let length = zstd_safe::compress(&mut coded[..], data, 3).unwrap();
    coded.truncate(length);
    coded
}

fn decoder(name: &str, limits: DecodeLimits) -> Decoder {
    Decoder::for_fields([name.as_bytes()], Codings::ALL, limits).unwrap().unwrap()
}

/// The whole body, coded bytes coming in pieces of `piece` and going out into `room` bytes at a time.
fn decode_with(mut decoder: Decoder, coded: &[u8], piece: usize, room: usize) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    for mut part in coded.chunks(piece) {
        loop {
            let before = body.len();
            let (consumed, pending) = decoder.decode(part, &mut body, room)?;
            assert!(body.len() - before <= room);
            part = &part[consumed..];
            if !pending {
                assert!(part.is_empty(), "input is left though there is room");
                break;
            }
        }
    }
    decoder.finish().map(|()| body)
}

fn decode(name: &str, coded: &[u8]) -> Result<Vec<u8>> {
    decode_with(decoder(name, DecodeLimits::default()), coded, usize::MAX, usize::MAX)
}

fn text() -> Vec<u8> {
    (0..3_000u32).flat_map(|n| (n * n % 9973).to_string().into_bytes()).collect()
}

#[test]
fn every_coding_is_decoded_whatever_the_pieces() {
    for (name, encode) in ENCODERS {
        for data in [&b""[..], b"x", &text()] {
            let coded = encode(data);
            for (piece, room) in [(1, 4096), (7, 1), (4096, 3), (usize::MAX, usize::MAX)] {
                let body = decode_with(decoder(name, DecodeLimits::default()), &coded, piece, room);
                assert!(body.unwrap_or_else(|error| panic!("{name}: {error}")) == data, "{name} {piece} {room}");
            }
        }
    }
}

#[test]
fn two_codings_are_undone_last_first() {
    for (outer_name, outer) in ENCODERS {
        for (inner_name, inner) in ENCODERS {
            let coded = outer(&inner(&text()));
            let name = format!("{inner_name}, {outer_name}");
            for (piece, room) in [(1, 4096), (1000, 17), (usize::MAX, usize::MAX)] {
                let body = decode_with(decoder(&name, DecodeLimits::default()), &coded, piece, room);
                assert!(body.unwrap() == text(), "{name} {piece} {room}");
            }
        }
    }
}

#[test]
fn decoding_into_a_slice_takes_no_more_than_fits() {
    let data = text();
    let coded = gzip(&data);
    let mut decoder = decoder("gzip", DecodeLimits::default());
    let (mut body, mut taken) = (Vec::new(), 0);
    let mut room = [0; 100];
    loop {
        let decoded = decoder.decode_into(&coded[taken..], &mut room).unwrap();
        taken += decoded.consumed;
        body.extend_from_slice(&room[..decoded.produced]);
        if !decoded.pending {
            break;
        }
    }
    decoder.finish().unwrap();
    assert!(taken == coded.len() && body == data);
}

#[test]
fn a_body_cut_anywhere_is_truncated() {
    for (name, encode) in ENCODERS {
        let coded = encode(b"some text, some text, some more text");
        for end in 1..coded.len() {
            let error = decode(name, &coded[..end]).expect_err(name);
            assert_eq!((error.kind(), error.phase()), (Kind::Truncated, Phase::Body), "{name} at {end}");
        }
    }
    let name = "gzip, br";
    let coded = brotli(&gzip(b"text")[..10]);
    assert_eq!(decode(name, &coded).unwrap_err().kind(), Kind::Truncated);
}

#[test]
fn an_empty_body_is_whole_under_any_coding() {
    for (name, _) in ENCODERS {
        assert_eq!(decode(name, b"").unwrap(), b"", "{name}");
    }
}

#[test]
fn a_damaged_body_is_an_error_of_kind_coding() {
    for (name, body) in [
        ("gzip", &b"plain text, no gzip"[..]),
        ("deflate", b"\x07 is a block of no type"),
        ("br", b"\xffplain text"),
        ("zstd", b"plain text, no zstd"),
    ] {
        assert_eq!(decode(name, body).unwrap_err().kind(), Kind::Coding, "{name}");
    }
    for (at, name, mut coded) in [(8, "gzip", gzip(b"text")), (4, "deflate", zlib(b"text"))] {
        let checksum = coded.len() - at;
        coded[checksum] ^= 1;
        assert_eq!(decode(name, &coded).unwrap_err().kind(), Kind::Coding, "{name}: checksum");
    }
}

#[test]
fn members_and_frames_follow_each_other() {
    for (name, encode) in [("gzip", gzip as Encoder), ("zstd", zstd)] {
        let coded = [encode(b"one "), encode(b""), encode(b"two")].concat();
        for piece in 1..=coded.len() {
            let body = decode_with(decoder(name, DecodeLimits::default()), &coded, piece, 2);
            assert_eq!(body.unwrap(), b"one two", "{name} {piece}");
        }
        let cut = decode(name, &coded[..coded.len() - 1]).unwrap_err();
        assert_eq!(cut.kind(), Kind::Truncated, "{name}");
    }
}

#[test]
fn what_follows_the_end_is_ignored_behind_gzip_and_an_error_elsewhere() {
    for padding in [&b"\0\0\0\0"[..], b"\x1f", b"\x1fx", b"\r\n", b"\0\x1f\x8b"] {
        let coded = [&gzip(b"text"), padding].concat();
        for piece in 1..=coded.len() {
            let body = decode_with(decoder("gzip", DecodeLimits::default()), &coded, piece, 64);
            assert_eq!(body.unwrap(), b"text", "{padding:?}");
        }
    }
    for (name, encode) in &ENCODERS[1..] {
        let coded = [&encode(b"text")[..], b"\r\nmore"].concat();
        for piece in [1, usize::MAX] {
            let body = decode_with(decoder(name, DecodeLimits::default()), &coded, piece, 64);
            assert_eq!(body.unwrap_err().kind(), Kind::Coding, "{name}");
        }
    }
}

/// threats row 7: no byte of output comes of it, so no limit on output and no deadline between two outputs would end it.
#[test]
fn a_body_that_decodes_to_nothing_for_too_long_is_refused() {
    let endless = 2 << 20;
    let repeated = |part: &[u8]| part.iter().copied().cycle().take(endless).collect::<Vec<u8>>();
    let gzip_named = b"\x1f\x8b\x08\x08\0\0\0\0\0\x03";
    // RFC 8878 §3.1.2: a magic number, four bytes of length, that many to skip.
    let skippable = [&b"\x50\x2a\x4d\x18\0\x10\0\0"[..], &[0; 0x1000]].concat();
    for (what, name, coded) in [
        ("empty members", "gzip", repeated(&gzip(b""))),
        ("a member's name", "gzip", [&gzip_named[..], &repeated(b"x")].concat()),
        ("what follows the end", "gzip", [gzip(b"text"), repeated(b"x")].concat()),
        ("empty frames", "zstd", repeated(&zstd(b""))),
        ("skippable frames", "zstd", repeated(&skippable)),
    ] {
        for piece in [1000, 64 << 10] {
            let error = decode_with(decoder(name, DecodeLimits::default()), &coded, piece, 64).unwrap_err();
            assert_eq!(error.kind(), Kind::TooLarge, "{what}: {error}");
        }
        let few = &coded[..endless / 4];
        let kind = decode(name, few).map_err(|error| error.kind()).err();
        assert!(matches!(kind, None | Some(Kind::Truncated)), "{what}: {kind:?}");
    }
}

/// threats row 7: a window that would take more memory than RFC 8878 asks of a decoder.
#[test]
fn zstd_windows_over_8_mib_are_refused() {
    // Magic number, a descriptor without content size, the window (RFC 8878 §3.1.1.1.2), one empty last raw block.
    let frame = |exponent: u8| [0x28, 0xb5, 0x2f, 0xfd, 0x00, exponent << 3, 0x01, 0x00, 0x00];
    assert_eq!(decode("zstd", &frame(13)).unwrap(), b"");
    assert_eq!(decode("zstd", &frame(14)).unwrap_err().kind(), Kind::Coding);
}

/// threats row 7: the extension of brotli that knows windows of up to 1 GiB is not spoken.
#[test]
fn brotli_windows_over_16_mib_are_refused() {
    let mut coded = Vec::new();
    let params = ::brotli::enc::BrotliEncoderParams {
        quality: 5,
        lgwin: 26,
        large_window: true,
        ..::brotli::enc::BrotliEncoderParams::default()
    };
    ::brotli::BrotliCompress(&mut &text()[..], &mut coded, &params).unwrap();
    assert_eq!(decode("br", &coded).unwrap_err().kind(), Kind::Coding);
}

/// A body that decodes to `size` zeros, made without holding them.
fn zeros(name: &str, size: usize) -> Vec<u8> {
    fn fill(mut encoder: impl Write, size: usize) {
        let block = vec![0; 1 << 16];
        for _ in 0..size / block.len() {
            encoder.write_all(&block).unwrap();
        }
    }
    let mut coded = Vec::new();
    match name {
        "gzip" => fill(GzEncoder::new(&mut coded, Compression::fast()), size),
        "br" => fill(::brotli::CompressorWriter::new(&mut coded, 4096, 5, 22), size),
        "zstd" => {
            // Frames of run-length blocks (RFC 8878 §3.1.1.2): 4 bytes for each 128 KiB.
            coded.extend([0x28, 0xb5, 0x2f, 0xfd, 0x00, 7 << 3]);
            for left in (0..size >> 17).rev() {
                let header = (1 << 17) << 3 | 1 << 1 | u32::from(left == 0);
                coded.extend(&header.to_le_bytes()[..3]);
                coded.push(0);
            }
        }
        _ => unreachable!("no bomb of {name}"),
    }
    coded
}

/// Feeds a bomb and counts what came out before the error.
fn explode(name: &str, coded: &[u8], limits: DecodeLimits) -> (u64, Option<Kind>) {
    let mut decoder = decoder(name, limits);
    let mut room = vec![0; 64 * 1024];
    let (mut taken, mut written) = (0, 0);
    loop {
        match decoder.decode_into(&coded[taken..], &mut room) {
            Ok(decoded) => {
                taken += decoded.consumed;
                written += decoded.produced as u64;
                if !decoded.pending {
                    return (written, decoder.finish().err().map(|error| error.kind()));
                }
            }
            Err(error) => return (written, Some(error.kind())),
        }
    }
}

/// threats row 7
#[test]
fn a_bomb_stops_at_the_ratio() {
    let stacked = gzip(&zeros("gzip", 64 << 20));
    for (name, coded) in [
        ("br", zeros("br", 64 << 20)),
        ("zstd", zeros("zstd", 10 << 30)),
        ("gzip, gzip", stacked),
        ("gzip, br", brotli(&zeros("gzip", 64 << 20))),
    ] {
        let limits = DecodeLimits::default();
        let most = limits.ratio_from.max(coded.len() as u64 * u64::from(limits.max_ratio));
        let (written, kind) = explode(name, &coded, limits);
        assert_eq!(kind, Some(Kind::TooLarge), "{name}: {} bytes", coded.len());
        assert!(written <= most, "{name}: {written} bytes came out of {}", coded.len());
    }
}

/// threats row 7: nothing comes out of it, but it is work without end.
#[test]
fn a_bomb_of_empty_members_stops_at_the_ratio() {
    let mut coded = Vec::new();
    let mut encoder = ::brotli::CompressorWriter::new(&mut coded, 4096, 5, 22);
    let members = gzip(b"").repeat(1000);
    for _ in 0..1000 {
        encoder.write_all(&members).unwrap();
    }
    drop(encoder);
    assert_eq!(explode("gzip, br", &coded, DecodeLimits::default()), (0, Some(Kind::TooLarge)), "{}", coded.len());
}

/// threats row 7
#[test]
fn a_bomb_stops_at_the_size_that_the_caller_allows() {
    let limits = DecodeLimits { max_ratio: u32::MAX, max_output: Some(3_000_000), ..DecodeLimits::default() };
    for name in ["gzip", "br", "zstd"] {
        let (written, kind) = explode(name, &zeros(name, 64 << 20), limits);
        assert_eq!(kind, Some(Kind::BodyLimit), "{name}");
        assert!(written <= 3_000_000, "{name}: {written}");
    }
    let exact = DecodeLimits { max_output: Some(4), ..limits };
    assert_eq!(explode("gzip", &gzip(b"text"), exact), (4, None));
    assert_eq!(explode("gzip", &gzip(b"text!"), exact).1, Some(Kind::BodyLimit));
}

#[test]
fn gzip_alone_never_meets_the_ratio() {
    assert_eq!(explode("gzip", &zeros("gzip", 32 << 20), DecodeLimits::default()), (32 << 20, None));
}

proptest! {
    #[test]
    fn any_pieces_and_any_room_give_the_same_body(
        data in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'a'), Just(b'b')], 0..3000),
        which in 0..ENCODERS.len(),
        cuts in prop::collection::vec((0..200usize, 1..300usize), 1..40),
    ) {
        let (name, encode) = ENCODERS[which];
        let coded = encode(&data);
        let mut decoder = decoder(name, DecodeLimits::default());
        let (mut body, mut taken) = (Vec::new(), 0);
        for &(piece, room) in cuts.iter().cycle() {
            let end = coded.len().min(taken + piece);
            let (consumed, pending) = decoder.decode(&coded[taken..end], &mut body, room).unwrap();
            taken += consumed;
            if taken == coded.len() && !pending {
                break;
            }
            // Pieces of nothing alone would never end.
            if cuts.iter().all(|&(piece, _)| piece == 0) {
                return Ok(());
            }
        }
        decoder.finish().unwrap();
        prop_assert_eq!(body, data);
    }

    /// Garbage, or damage in the middle: an error or a body, the same in any pieces, and never a panic.
    #[test]
    fn damage_gives_the_same_verdict_in_any_pieces(
        data in prop::collection::vec(any::<u8>(), 0..300),
        which in 0..ENCODERS.len(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        piece in 1..50usize,
    ) {
        let (name, encode) = ENCODERS[which];
        let mut coded = encode(&data);
        for (at, byte) in damage {
            let at = at.index(coded.len());
            coded[at] = byte;
        }
        let verdict = |piece, room| {
            let decoder = decoder(name, DecodeLimits::default());
            decode_with(decoder, &coded, piece, room).map_err(|error| error.kind())
        };
        prop_assert_eq!(verdict(piece, 64), verdict(usize::MAX, usize::MAX));
    }
}
