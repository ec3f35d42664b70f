//! Finds the empty line that ends a section of lines, over bytes that arrive bit by bit. Looks at no byte twice and
//! knows nothing of what the lines mean.

use memchr::memchr;

/// How far the search in a section has come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LineScan {
    /// Where the line begins that isn't complete yet.
    line: usize,
    /// Everything before this was searched.
    seen: usize,
}

/// What ends a line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum LineEnd {
    /// CRLF, or LF alone as RFC 9112 §2.2 lets a recipient accept in heads.
    Lenient,
    /// CRLF only.
    Strict,
}

/// A line ended in LF without CR where only CRLF will do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BareLf;

impl LineScan {
    /// The length of the section up to and including its empty line, or `None` if that hasn't arrived. `input` begins
    /// with the section each time, and only ever grows between calls.
    pub(super) fn find_end(&mut self, input: &[u8], ends: LineEnd) -> Result<Option<usize>, BareLf> {
        while let Some(offset) = memchr(b'\n', &input[self.seen..]) {
            let lf = self.seen + offset;
            let line = &input[self.line..lf];
            self.seen = lf + 1;
            self.line = lf + 1;
            match line {
                [.., b'\r'] => {}
                _ if ends == LineEnd::Strict => return Err(BareLf),
                _ => {}
            }
            if matches!(line, [] | [b'\r']) {
                return Ok(Some(lf + 1));
            }
        }
        self.seen = input.len();
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Found = Result<Option<usize>, BareLf>;

    fn end_by_growing(section: &[u8], ends: LineEnd) -> Found {
        let mut scan = LineScan::default();
        (0..=section.len())
            .map(|size| scan.find_end(&section[..size], ends))
            .find(|found| *found != Ok(None))
            .unwrap_or(Ok(None))
    }

    #[test]
    fn the_empty_line_is_found_at_once_and_by_growing() {
        use LineEnd::{Lenient, Strict};
        let table: [(&[u8], LineEnd, Found); 10] = [
            (b"a\r\nb\r\n\r\nrest", Lenient, Ok(Some(8))),
            (b"a\n\nrest", Lenient, Ok(Some(3))),
            (b"a\n\r\nrest", Lenient, Ok(Some(4))),
            (b"a\r\n\nrest", Lenient, Ok(Some(4))),
            (b"a\r\nb\r\n\r", Lenient, Ok(None)),
            (b"a\r\r\nb\r\n", Lenient, Ok(None)),
            (b"\r\nrest", Strict, Ok(Some(2))),
            (b"a: b\r\n\r\nrest", Strict, Ok(Some(8))),
            (b"a: b\n", Strict, Err(BareLf)),
            (b"a: b\r\n\n", Strict, Err(BareLf)),
        ];
        for (section, ends, expected) in table {
            assert_eq!(LineScan::default().find_end(section, ends), expected, "{section:?}");
            assert_eq!(end_by_growing(section, ends), expected, "{section:?} by growing");
        }
    }
}
