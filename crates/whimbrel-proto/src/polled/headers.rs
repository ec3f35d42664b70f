//! Response headers as the polled idiom shows them: lines of text, in the order of their arrival.

use std::borrow::Cow;

use crate::h1::ResponseHead;

/// The header lines of one response. Text is UTF-8; bytes that are none are U+FFFD.
#[derive(Clone, Debug, Default)]
pub struct PollHeaders(Option<ResponseHead>);

impl PollHeaders {
    /// Those of a head.
    pub fn new(head: ResponseHead) -> Self {
        Self(Some(head))
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.lines().next().is_none()
    }

    /// Each line as it stood, `Name: value`, without the space around it. Lines without a colon are there too.
    pub fn lines(&self) -> impl Iterator<Item = Cow<'_, str>> {
        self.0.iter().flat_map(ResponseHead::lines).map(String::from_utf8_lossy)
    }

    /// Each line's name and value, without the space around them; lines without a colon are left out. A name that comes
    /// several times is there several times: Godot's dictionary has the last one.
    pub fn pairs(&self) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
        self.0.iter().flat_map(ResponseHead::lines).filter_map(|line| {
            let colon = line.iter().position(|&byte| byte == b':')?;
            let (name, value) = (&line[..colon], &line[colon + 1..]);
            Some((String::from_utf8_lossy(name.trim_ascii()), String::from_utf8_lossy(value.trim_ascii())))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::h1::{Call, Event, Limits, SendBody};

    fn headers(reply: &[u8]) -> PollHeaders {
        let mut call = Call::new("GET", SendBody::None, false, Limits::default());
        call.be_lenient();
        let (_, Event::Head(head)) = call.receive(reply).unwrap() else { panic!("a head") };
        PollHeaders::new(head)
    }

    #[test]
    fn lines_stand_as_they_came_and_pairs_without_space() {
        let headers =
            headers(b"HTTP/1.1 200 OK\r\nX-A: 1\r\nx-b:  spaced  \r\nX-A:2\r\nNoColonLine\r\nX-L: caf\xe9\r\n\r\n");
        let lines: Vec<_> = headers.lines().collect();
        assert_eq!(lines, ["X-A: 1", "x-b:  spaced", "X-A:2", "NoColonLine", "X-L: caf\u{fffd}"]);
        let pairs: Vec<_> = headers.pairs().collect();
        let expected = [("X-A", "1"), ("x-b", "spaced"), ("X-A", "2"), ("X-L", "caf\u{fffd}")];
        assert_eq!(pairs, expected.map(|(name, value)| (name.into(), value.into())));
        assert!(!headers.is_empty() && PollHeaders::default().is_empty());
    }
}
