//! The steps of one connection of a raw server, and the loop that plays them.
//!
//! A step that cannot be done, because the peer has gone or the server stops, ends the script.

use std::io::{self, Read, Write};
use std::time::Duration;

use crate::listener::Stop;
use crate::wire::Wire;

/// What one connection does, step by step. After the last step it closes in good order, as [`close`](Self::close) does.
///
/// ```
/// use std::time::Duration;
/// use whimbrel_testkit::Script;
///
/// let truncated = Script::new().expect_head().send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").close();
/// let reset = Script::new().expect_head().send("HTTP/1.1 200 OK\r\n").reset();
/// let slow = Script::new().expect_head().send_slowly("HTTP/1.1 200 OK\r\n\r\n", Duration::from_millis(100));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Script {
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    ExpectHead,
    ExpectBytes(usize),
    ExpectBytesSlowly(usize, Duration),
    Send(Vec<u8>),
    SendSlowly(Vec<u8>, Duration),
    SendEndlessly(Vec<u8>),
    Pause(Duration),
    Again,
    HoldOpen,
    WaitForClose,
    FinishWriting,
    Close,
    CloseWithoutNotify,
    Reset,
}

impl Script {
    /// A script without a step, which closes each connection as soon as it is accepted.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads up to and including the next empty line (CR LF CR LF): a request's head.
    pub fn expect_head(self) -> Self {
        self.then(Step::ExpectHead)
    }

    /// Reads `count` more bytes, such as a request's body.
    pub fn expect_bytes(self, count: usize) -> Self {
        self.then(Step::ExpectBytes(count))
    }

    /// Reads `count` more bytes, at most 4 KiB at a time, with `delay` before each: a peer that is slow to take an
    /// upload.
    pub fn expect_bytes_slowly(self, count: usize, delay: Duration) -> Self {
        self.then(Step::ExpectBytesSlowly(count, delay))
    }

    /// Sends these bytes.
    pub fn send(self, bytes: impl AsRef<[u8]>) -> Self {
        self.then(Step::Send(bytes.as_ref().to_vec()))
    }

    /// Sends these bytes one by one, each in a segment (or TLS record) of its own, with `delay` before each.
    pub fn send_slowly(self, bytes: impl AsRef<[u8]>, delay: Duration) -> Self {
        self.then(Step::SendSlowly(bytes.as_ref().to_vec(), delay))
    }

    /// Sends these bytes over and over until the peer closes or the server stops.
    ///
    /// # Panics
    /// When there are no bytes.
    pub fn send_endlessly(self, bytes: impl AsRef<[u8]>) -> Self {
        let bytes = bytes.as_ref();
        assert!(!bytes.is_empty(), "nothing cannot be sent endlessly: pass at least one byte");
        // Short lines are sent many at a time, so that a flood is one.
        self.then(Step::SendEndlessly(bytes.repeat((16 * 1024_usize).div_ceil(bytes.len()))))
    }

    /// Does nothing for this long.
    pub fn pause(self, time: Duration) -> Self {
        self.then(Step::Pause(time))
    }

    /// Begins the script again on the same connection.
    pub fn again(self) -> Self {
        self.then(Step::Again)
    }

    /// Neither reads nor writes any more: the connection stays open until the server is dropped.
    pub fn hold_open(self) -> Self {
        self.then(Step::HoldOpen)
    }

    /// Reads whatever still comes until the peer closes its side.
    pub fn wait_for_close(self) -> Self {
        self.then(Step::WaitForClose)
    }

    /// Closes this side only (FIN, under TLS behind a `close_notify`) and goes on.
    pub fn finish_writing(self) -> Self {
        self.then(Step::FinishWriting)
    }

    /// Closes in good order: `close_notify` under TLS, FIN, and then what the peer still sends is read for at most a
    /// second, so that the close doesn't turn into a reset.
    pub fn close(self) -> Self {
        self.then(Step::Close)
    }

    /// As [`close`](Self::close), but without TLS's `close_notify`: a truncation (RFC 8446 §6.1).
    pub fn close_without_notify(self) -> Self {
        self.then(Step::CloseWithoutNotify)
    }

    /// Resets the connection (RST).
    pub fn reset(self) -> Self {
        self.then(Step::Reset)
    }

    fn then(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }
}

/// Plays `script`. Every byte that is read is given to `record`.
pub(super) fn play(script: &Script, wire: &Wire, stop: &Stop, record: impl FnMut(&[u8])) {
    let mut player = Player { wire, stop, record, pending: Vec::new() };
    let mut next = 0;
    while let Some(step) = script.steps.get(next) {
        next = if matches!(step, Step::Again) { 0 } else { next + 1 };
        match player.step(step) {
            Ok(Then::GoOn) => {}
            Ok(Then::End) | Err(_) => return,
        }
    }
    let _ = player.step(&Step::Close);
}

enum Then {
    GoOn,
    End,
}

struct Player<'a, R> {
    wire: &'a Wire,
    stop: &'a Stop,
    record: R,
    /// What has been read and recorded but not yet been expected.
    pending: Vec<u8>,
}

impl<R: FnMut(&[u8])> Player<'_, R> {
    fn step(&mut self, step: &Step) -> io::Result<Then> {
        let mut wire = self.wire;
        match step {
            Step::ExpectHead => {
                let end = loop {
                    match self.pending.windows(4).position(|window| window == b"\r\n\r\n") {
                        Some(at) => break at + 4,
                        None => self.read(64 * 1024)?,
                    };
                };
                self.pending.drain(..end);
            }
            Step::ExpectBytes(count) => {
                let mut missing = self.take_pending(*count);
                while missing > 0 {
                    self.read(64 * 1024)?;
                    missing = self.take_pending(missing);
                }
            }
            Step::ExpectBytesSlowly(count, delay) => {
                let mut missing = self.take_pending(*count);
                while missing > 0 {
                    self.pause(*delay)?;
                    self.read(4 * 1024)?;
                    missing = self.take_pending(missing);
                }
            }
            Step::Send(bytes) => wire.write_all(bytes)?,
            Step::SendSlowly(bytes, delay) => {
                for byte in bytes {
                    self.pause(*delay)?;
                    wire.write_all(&[*byte])?;
                }
            }
            Step::SendEndlessly(bytes) => loop {
                wire.write_all(bytes)?;
            },
            Step::Pause(time) => self.pause(*time)?,
            Step::Again => {}
            Step::HoldOpen => {
                while self.stop.wait(Duration::from_secs(3600)) {}
                return Ok(Then::End);
            }
            Step::WaitForClose => while self.read(64 * 1024).is_ok() {},
            Step::FinishWriting => self.wire.finish_writing(),
            Step::Close => {
                self.wire.finish_writing();
                self.drain()?;
                return Ok(Then::End);
            }
            Step::CloseWithoutNotify => {
                self.wire.tcp().shutdown(std::net::Shutdown::Write)?;
                self.drain()?;
                return Ok(Then::End);
            }
            Step::Reset => {
                self.wire.reset_on_close();
                return Ok(Then::End);
            }
        }
        Ok(Then::GoOn)
    }

    fn read(&mut self, at_most: usize) -> io::Result<()> {
        let mut wire = self.wire;
        let mut buffer = vec![0; at_most];
        let read = wire.read(&mut buffer)?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        (self.record)(&buffer[..read]);
        self.pending.extend_from_slice(&buffer[..read]);
        Ok(())
    }

    fn take_pending(&mut self, wanted: usize) -> usize {
        let taken = wanted.min(self.pending.len());
        self.pending.drain(..taken);
        wanted - taken
    }

    fn drain(&mut self) -> io::Result<()> {
        self.wire.tcp().set_read_timeout(Some(Duration::from_secs(1)))?;
        while self.read(64 * 1024).is_ok() {
            self.pending.clear();
        }
        Ok(())
    }

    fn pause(&self, time: Duration) -> io::Result<()> {
        if self.stop.wait(time) { Ok(()) } else { Err(io::ErrorKind::Interrupted.into()) }
    }
}
