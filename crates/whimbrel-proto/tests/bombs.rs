//! threats row 7: what a decoder of bombs needs in memory, measured in a process of its own.
#![cfg(target_os = "linux")]

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use flate2::Compression;
use flate2::write::GzEncoder;
use whimbrel_proto::coding::{Codings, DecodeLimits, Decoder};

const NAME: &str = "a_bomb_stays_below_8_mib_and_stops_at_the_limit";
const CODING: &str = "WHIMBREL_TEST_BOMB_CODING";
const RATIO: &str = "WHIMBREL_TEST_BOMB_RATIO";
const MAX_OUTPUT: u64 = 100 << 20;
const MAX_MEMORY: u64 = 8 << 10;

/// KiB at the highest point so far.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Decodes stdin and prints what it took.
fn decode(coding: &str) {
    let mut coded = Vec::new();
    std::io::stdin().read_to_end(&mut coded).unwrap();
    let max_ratio = std::env::var(RATIO).unwrap().parse().unwrap();
    let limits = DecodeLimits { max_ratio, max_output: Some(MAX_OUTPUT), ..DecodeLimits::default() };
    let mut room = vec![0; 64 << 10];
    let before = peak();
    let mut decoder = Decoder::for_fields([coding.as_bytes()], Codings::ACCEPTED, limits).unwrap().unwrap();
    let (mut taken, mut written) = (0, 0);
    let error = loop {
        match decoder.decode_into(&coded[taken..], &mut room) {
            Ok(decoded) => {
                assert!(decoded.pending, "the bomb is too small");
                taken += decoded.consumed;
                written += decoded.produced;
            }
            Err(error) => break error,
        }
    };
    println!("\nbomb: {} {written} {:?}", peak() - before, error.kind());
}

fn zeros(mut encoder: impl Write, mebibytes: usize) {
    let block = vec![0; 1 << 20];
    for _ in 0..mebibytes {
        encoder.write_all(&block).unwrap();
    }
}

fn bombs() -> Vec<(&'static str, Vec<u8>)> {
    let (mut gzip, mut gzip_twice, mut br) = (Vec::new(), Vec::new(), Vec::new());
    zeros(GzEncoder::new(&mut gzip, Compression::fast()), 128);
    let outer = GzEncoder::new(&mut gzip_twice, Compression::fast());
    zeros(GzEncoder::new(outer, Compression::fast()), 256);
    zeros(brotli::CompressorWriter::new(&mut br, 4096, 5, 22), 256);
    // 10 GiB in a frame with a window of 4 MiB: run-length blocks of 128 KiB (RFC 8878 §3.1.1.2).
    let mut zstd = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 12 << 3];
    for _ in 0..(10_u64 << 30) >> 17 {
        zstd.extend([0x02, 0x00, 0x10, 0x00]);
    }
    vec![("gzip", gzip), ("gzip, gzip", gzip_twice), ("br", br), ("zstd", zstd)]
}

#[test]
fn a_bomb_stays_below_8_mib_and_stops_at_the_limit() {
    if let Ok(coding) = std::env::var(CODING) {
        return decode(&coding);
    }
    for (coding, coded) in bombs() {
        for (ratio, kind) in [(1100, "TooLarge"), (u32::MAX, "BodyLimit")] {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args([NAME, "--exact", "--nocapture"])
                .env(CODING, coding)
                .env(RATIO, ratio.to_string())
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .spawn()
                .unwrap();
            child.stdin.take().unwrap().write_all(&coded).unwrap();
            let output = child.wait_with_output().unwrap();
            let shown = String::from_utf8(output.stdout).unwrap();
            let report = shown.lines().find_map(|line| line.strip_prefix("bomb: "));
            let report: Vec<&str> = report.unwrap_or_else(|| panic!("{coding}: {shown}")).split(' ').collect();
            let grown: u64 = report[0].parse().unwrap();
            let written: u64 = report[1].parse().unwrap();
            assert!(grown < MAX_MEMORY, "{coding}: {grown} KiB");
            assert!(written <= MAX_OUTPUT, "{coding}: {written} bytes");
            // One gzip alone can't reach the ratio.
            let expected = if coding == "gzip" { "BodyLimit" } else { kind };
            assert_eq!(report[2], expected, "{coding}: {} bytes", coded.len());
            println!("{coding} ratio {ratio}: {grown} KiB, {written} bytes of {}", coded.len());
        }
    }
}
