//! The date of `Expires`, by the lenient algorithm of RFC 6265 §5.1.1. Never fails loudly: what is no date is no date.

use std::time::{Duration, SystemTime};

/// The date that a text means, or `None`. A year after 9999 or before 1601 is none; a date before 1970 is 1970.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(is_delimiter).filter(|token| !token.is_empty()) {
        if time.is_none()
            && let Some(found) = time_of(token)
        {
            time = Some(found);
        } else if day.is_none()
            && let Some(found) = number(token, 1, 2)
        {
            day = Some(found);
        } else if month.is_none()
            && let Some(found) = month_of(token)
        {
            month = Some(found);
        } else if year.is_none()
            && let Some(found) = number(token, 2, 4)
        {
            year = Some(found);
        }
    }
    let ((hour, minute, second), day, month) = (time?, day?, month?);
    let year = match year? {
        year @ 70..=99 => year + 1900,
        year @ 0..=69 => year + 2000,
        year => year,
    };
    if !(1..=days_in(month, year)).contains(&day) || year < 1601 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days_since_1970(year, month, day) * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds.try_into().unwrap_or(0)))
}

fn is_delimiter(character: char) -> bool {
    matches!(character, '\t' | ' '..='/' | ';'..='@' | '['..='`' | '{'..='~')
}

/// `least` to `most` digits, then the end or what is no digit.
fn number(token: &str, least: usize, most: usize) -> Option<u32> {
    let digits = token.bytes().take_while(u8::is_ascii_digit).count();
    if !(least..=most).contains(&digits) { None } else { token[..digits].parse().ok() }
}

fn time_of(token: &str) -> Option<(u32, u32, u32)> {
    let mut parts = token.splitn(3, ':');
    let (hour, minute, second) = (parts.next()?, parts.next()?, parts.next()?);
    let whole = |part: &str| number(part, 1, 2).filter(|_| part.len() <= 2);
    Some((whole(hour)?, whole(minute)?, number(second, 1, 2)?))
}

fn month_of(token: &str) -> Option<u32> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let start = token.get(..3)?;
    MONTHS.iter().position(|month| month.eq_ignore_ascii_case(start)).map(|index| index as u32 + 1)
}

fn days_in(month: u32, year: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

/// By the proleptic Gregorian calendar.
fn days_since_1970(year: u32, month: u32, day: u32) -> i64 {
    let before = i64::from(year) - 1;
    let leap_days = before / 4 - before / 100 + before / 400;
    let months: u32 = (1..month).map(|month| days_in(month, year)).sum();
    before * 365 + leap_days + i64::from(months + day - 1) - 719_162
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<u64> {
        Some(parse(text)?.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs())
    }

    #[test]
    fn the_three_formats_of_rfc_9110_and_what_servers_make_of_them_mean_the_same_second() {
        for text in [
            "Sun, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 1994",
            "06 nov 1994 8:49:37",
            "08:49:37 November 6th, 1994",
            "Sun, 06-Nov-1994 08:49:37 UTC",
        ] {
            assert_eq!(seconds(text), Some(784_111_777), "{text}");
        }
    }

    #[test]
    fn centuries_leap_days_and_the_ends_of_time_are_right() {
        for (text, expected) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Thu, 01 Jan 1601 00:00:00 GMT", Some(0)),
            ("29 Feb 2000 00:00:00", Some(951_782_400)),
            ("01 Mar 2100 00:00:00", Some(4_107_542_400)),
            ("31 Dec 9999 23:59:59", Some(253_402_300_799)),
            ("01 Jan 69 00:00:00", Some(3_124_224_000)),
            ("01 Jan 70 00:00:00", Some(0)),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "0",
            "tomorrow",
            "29 Feb 1900 00:00:00",
            "31 Apr 2000 00:00:00",
            "01 Jan 1600 00:00:00",
            "01 Jan 2000 24:00:00",
            "01 Jan 2000 00:60:00",
            "01 Jan 2000 000:00:00",
            "01 Jan 2000",
            "01 2000 00:00:00",
            "00 Jan 2000 00:00:00",
            "01 Jan 20000 00:00:00",
            "é1 Jän 2000 00:00:00",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }
}
