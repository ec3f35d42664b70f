//! How the tour writes: lines that fit into 80 columns, sizes and times. A reader that has gone away stops nothing.

use std::io::{Write, stdout};
use std::time::Duration;

const COLUMNS: usize = 80;

/// Writes one line at once, so that a step is seen as it happens.
pub(super) fn say(line: &str) {
    let mut stdout = stdout().lock();
    // A closed pipe is the reader's choice; the checks go on and the exit code tells.
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

/// Writes each line of `text` behind `indent`, folded to fit; `dress` colours a line that is ready.
pub(super) fn indented(indent: &str, text: &str, dress: impl Fn(&str) -> String) {
    for line in text.lines() {
        for part in fold(&untabbed(line), COLUMNS - indent.len()) {
            say(&format!("{indent}{}", dress(&part)));
        }
    }
}

/// Breaks a line at spaces into parts of at most `width` characters; a longer word stays whole. Parts after the first
/// are set in by two.
fn fold(line: &str, width: usize) -> Vec<String> {
    let mut parts = Vec::new();
    let mut rest = line;
    let mut lead = "";
    loop {
        let room = width - lead.len();
        let Some((end, _)) = rest.char_indices().nth(room) else {
            parts.push(format!("{lead}{rest}"));
            return parts;
        };
        // A break inside the leading blanks would give an empty part.
        let text_starts = rest.len() - rest.trim_start().len();
        let behind = rest[end..].find(' ').map(|at| end + at);
        let inside = rest[..end].rfind(' ').filter(|&at| at > text_starts);
        let Some(at) = behind.filter(|&at| at == end).or(inside).or(behind) else {
            parts.push(format!("{lead}{rest}"));
            return parts;
        };
        parts.push(format!("{lead}{}", rest[..at].trim_end()));
        rest = rest[at..].trim_start();
        lead = "  ";
    }
}

/// Tabs as a terminal shows them, from column 0 of the text.
fn untabbed(line: &str) -> String {
    let mut text = String::with_capacity(line.len());
    let mut column = 0;
    for character in line.chars() {
        if character == '\t' {
            let next = (column / 8 + 1) * 8;
            text.extend(std::iter::repeat_n(' ', next - column));
            column = next;
        } else {
            text.push(character);
            column += 1;
        }
    }
    text
}

/// `640 bytes`, `12.3 kB`, `8.4 MB`.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// `0.4 ms`, `12 ms`, `1.2 s`.
pub(super) fn elapsed(time: Duration) -> String {
    let milliseconds = time.as_secs_f64() * 1e3;
    if milliseconds < 10.0 {
        format!("{milliseconds:.1} ms")
    } else if milliseconds < 1000.0 {
        format!("{milliseconds:.0} ms")
    } else {
        format!("{:.1} s", time.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::{elapsed, fold, size, untabbed};
    use std::time::Duration;

    #[test]
    fn a_long_line_breaks_at_spaces_and_a_long_word_stays_whole() {
        assert_eq!(fold("one two three", 20), ["one two three"]);
        assert_eq!(fold("one two three four", 9), ["one two", "  three", "  four"]);
        assert_eq!(fold("a longer-than-the-width b", 8), ["a", "  longer-than-the-width", "  b"]);
        assert_eq!(fold("  indented words", 10), ["  indented", "  words"]);
        assert_eq!(fold("äöü äöü", 3), ["äöü", "  äöü"]);
        assert_eq!(fold("", 8), [""]);
    }

    #[test]
    fn tabs_reach_the_next_multiple_of_eight() {
        assert_eq!(untabbed("status:\t200"), "status: 200");
        assert_eq!(untabbed("body length:\t7"), "body length:    7");
    }

    #[test]
    fn sizes_and_times_have_the_unit_that_reads_best() {
        assert_eq!([size(999), size(1_500), size(8_388_608)], ["999 bytes", "1.5 kB", "8.4 MB"]);
        let times = [350, 12_400, 1_234_000].map(|micros| elapsed(Duration::from_micros(micros)));
        assert_eq!(times, ["0.3 ms", "12 ms", "1.2 s"]);
    }
}
