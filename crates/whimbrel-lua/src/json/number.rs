//! Numbers in the spelling of C's `%.14g`, and numbers as C's `strtod` takes them. No locale has a say.

use std::fmt::Write;

/// Appends `number` with at most `precision` significant digits (1 to 17), as C's `%g` writes it.
pub(super) fn write_general(out: &mut Vec<u8>, number: f64, precision: usize) {
    let mut text = String::with_capacity(32);
    // Writing to a string does not fail.
    let _ = write!(text, "{number:.*e}", precision - 1);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if exponent < -4 || exponent >= precision as i32 {
        out.extend_from_slice(without_zeros(mantissa).as_bytes());
        let sign = if exponent < 0 { '-' } else { '+' };
        out.extend_from_slice(format!("e{sign}{:02}", exponent.abs()).as_bytes());
    } else {
        let decimals = usize::try_from(precision as i32 - 1 - exponent).unwrap_or(0);
        let fixed = format!("{number:.decimals$}");
        out.extend_from_slice(without_zeros(&fixed).as_bytes());
    }
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// A number at the start of a text, and how long it is there.
#[derive(Debug, PartialEq)]
pub(super) enum Number {
    /// Digits only, within 64 bits.
    Integer(i64),
    Float(f64),
}

/// Reads what `strtod` would: a sign, then decimal or hexadecimal digits, or inf or nan.
pub(super) fn read(text: &[u8]) -> Option<(Number, usize)> {
    let sign = usize::from(matches!(text.first(), Some(b'+' | b'-')));
    let negative = text.first() == Some(&b'-');
    let rest = &text[sign..];
    let starts = |word: &str| rest.len() >= word.len() && rest[..word.len()].eq_ignore_ascii_case(word.as_bytes());
    let signed = |number: f64| Number::Float(if negative { -number } else { number });
    for (word, value) in [("infinity", f64::INFINITY), ("inf", f64::INFINITY), ("nan", f64::NAN)] {
        if starts(word) {
            return Some((signed(value), sign + word.len()));
        }
    }
    if starts("0x") && rest.get(2).is_some_and(u8::is_ascii_hexdigit) {
        let digits = rest[2..].iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let value = rest[2..2 + digits].iter().fold(0.0, |value, &byte| value * 16.0 + hex(byte));
        return Some((signed(value), sign + 2 + digits));
    }
    let (length, integral) = decimal(rest)?;
    let text = std::str::from_utf8(&text[..sign + length]).ok()?;
    if integral && let Ok(integer) = text.parse() {
        // Only a float has a negative zero.
        return Some((
            if integer == 0 && negative { Number::Float(-0.0) } else { Number::Integer(integer) },
            sign + length,
        ));
    }
    Some((Number::Float(text.parse().ok()?), sign + length))
}

fn hex(byte: u8) -> f64 {
    char::from(byte).to_digit(16).unwrap_or(0).into()
}

/// The length of a decimal number, and whether it is digits only.
fn decimal(text: &[u8]) -> Option<(usize, bool)> {
    let digits = |from: usize| text[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let whole = digits(0);
    let (mut end, mut integral) = (whole, true);
    if text.get(end) == Some(&b'.') {
        let fraction = digits(end + 1);
        if whole + fraction == 0 {
            return None;
        }
        (end, integral) = (end + 1 + fraction, false);
    }
    if end == 0 {
        return None;
    }
    if matches!(text.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(text.get(end + 1), Some(b'+' | b'-')));
        let exponent = if end + 1 + sign <= text.len() { digits(end + 1 + sign) } else { 0 };
        if exponent > 0 {
            (end, integral) = (end + 1 + sign + exponent, false);
        }
    }
    Some((end, integral))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn general(number: f64) -> String {
        let mut out = Vec::new();
        write_general(&mut out, number, 14);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_written_as_percent_g_writes_them() {
        for (number, text) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (-12.5, "-12.5"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.33333333333333"),
            (1e14, "1e+14"),
            (99_999_999_999_999.0, "99999999999999"),
            (123_456_789_012_345.0, "1.2345678901234e+14"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1.5e300, "1.5e+300"),
            (f64::MIN_POSITIVE, "2.2250738585072e-308"),
        ] {
            assert_eq!(general(number), text);
        }
    }

    #[test]
    fn numbers_are_read_as_strtod_reads_them() {
        assert_eq!(read(b"12,"), Some((Number::Integer(12), 2)));
        assert_eq!(read(b"-0.5e1x"), Some((Number::Float(-5.0), 6)));
        assert_eq!(read(b"1e"), Some((Number::Integer(1), 1)));
        assert_eq!(read(b"1e+"), Some((Number::Integer(1), 1)));
        assert_eq!(read(b"-0"), Some((Number::Float(0.0), 2)));
        assert_eq!(read(b"0x1F"), Some((Number::Float(31.0), 4)));
        assert_eq!(read(b"-Infinity"), Some((Number::Float(f64::NEG_INFINITY), 9)));
        assert_eq!(read(b"9223372036854775808"), Some((Number::Float(9_223_372_036_854_775_808.0), 19)));
        assert_eq!(read(b"."), None);
        assert_eq!(read(b"-"), None);
        assert_eq!(read(b""), None);
    }
}
