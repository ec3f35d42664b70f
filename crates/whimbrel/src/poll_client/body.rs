//! The response's body on its way to the caller: in pieces of what is there, in whole chunks, or to a file.

use std::time::Instant;

use whimbrel_proto::h1::Framing;
use whimbrel_proto::polled::PollError;
use whimbrel_proto::{Error, Kind, Phase, Result};

use super::turn::NAP;
use super::{PollClient, State};
use crate::live::{Read, Step};
use crate::sys::{self, PollSet};

/// The largest chunk that is delivered whole, in bytes: Godot's limit. A larger one comes in pieces of this size.
const WHOLE_CHUNK: usize = 16 << 20;

/// How much of a body one `poll` writes to a file, in bytes.
const FILE_TURN: usize = 1 << 20;

/// How much of it is received at once.
const FILE_STEP: usize = 256 << 10;

impl PollClient {
    /// The most bytes that the next [`read_body`](PollClient::read_body) can give, for the size of its buffer: exact where
    /// they are known to be here, else as many as the chunk size allows. 0 where it would give nothing: it is to be called
    /// nevertheless, since it is what sees the end of a body. May receive.
    pub fn read_room(&mut self) -> usize {
        if self.reading.ended || self.reading.broken.is_some() || self.reading.raw || self.part.is_some() {
            return 0;
        }
        if self.reading.gathers {
            if self.gather_whole().is_err() {
                return 0;
            }
            return if self.reading.chunk_is_whole { self.reading.chunk.len() - self.reading.chunk_at } else { 0 };
        }
        let State::Body(live) = &mut self.state else { return 0 };
        if self.decoder.is_some() || self.blocking {
            return self.chunk_size;
        }
        match live.framing() {
            Framing::Chunked => {
                if let Err(error) = live.fetch() {
                    self.reading.broken = Some(error);
                    return 0;
                }
                live.at_hand().min(self.chunk_size)
            }
            Framing::Length(_) | Framing::Close => match (live.at_hand(), live.call().direct()) {
                (0, Some(left)) => usize::try_from(left).map_or(self.chunk_size, |left| left.min(self.chunk_size)),
                (at_hand, _) => at_hand.min(self.chunk_size),
            },
            Framing::None | Framing::Upgraded => 0,
        }
    }

    /// Reads what is there of the body, up to the chunk size, and gives how many bytes that were; 0 where there is nothing
    /// now, or at the body's end: the [`status`](PollClient::status) tells. Outside [`Body`](super::PollStatus::Body) it
    /// gives 0 and does nothing.
    pub fn read_body(&mut self, buffer: &mut [u8]) -> usize {
        if !matches!(self.state, State::Body(_)) {
            self.error = Some(Error::input("there is no body to read; poll until STATUS_BODY"));
            return 0;
        }
        if let Some(error) = self.reading.broken.take() {
            self.fail(error);
            return 0;
        }
        if self.reading.ended {
            self.end();
            return 0;
        }
        if self.part.is_some() {
            if let Err(error) = self.write_file() {
                self.fail(error);
            }
            return 0;
        }
        if self.reading.raw {
            return 0;
        }
        // The rest of the body may wait for the rest of the request.
        if let State::Body(live) = &self.state
            && !live.is_sent()
            && let Err(error) = self.send(Instant::now())
        {
            self.fail(error);
            return 0;
        }
        let gathers = self.reading.gathers;
        let room = if gathers { buffer.len() } else { buffer.len().min(self.chunk_size) };
        let read = if gathers { self.read_chunk(buffer) } else { self.read_pieces(&mut buffer[..room]) };
        self.progress.received += read as u64;
        if self.decoder.is_none() {
            self.progress.transferred += read as u64;
        }
        read
    }

    /// What `poll` does in the body: goes on sending, fills a file, and hears of the end where nobody reads.
    pub(super) fn attend_body(&mut self) -> Result<(), PollError> {
        if let Err(error) = self.send(Instant::now()) {
            return Err(self.fail(error));
        }
        if self.part.is_some() {
            return self.write_file().map_err(|error| self.fail(error));
        }
        if self.reading.gathers && !self.reading.raw {
            self.gather();
        }
        Ok(())
    }

    /// Pieces until the buffer is full or nothing more is there.
    fn read_pieces(&mut self, buffer: &mut [u8]) -> usize {
        let mut at = 0;
        loop {
            let State::Body(live) = &mut self.state else { return at };
            if buffer.is_empty() {
                if self.decoder.is_none() && live.is_complete() {
                    self.end();
                }
                return 0;
            }
            let space = &mut buffer[at..];
            let asked = space.len();
            let step = match &mut self.decoder {
                None => live.read(space),
                Some(decoder) => live.read_decoded(decoder, space, &mut self.progress.transferred),
            };
            match step {
                Ok(Step::Done(Read::Bytes(count))) => {
                    at += count;
                    if self.decoder.is_none() && live.is_complete() && !matches!(live.framing(), Framing::Chunked) {
                        self.end();
                        return at;
                    }
                    // A receive that gave less than it could has taken all there was, but for TLS: that gives a record.
                    let is_dry = count < asked && !live.has_input() && !self.response.chunked && live.tells_when_dry();
                    if at == buffer.len() || (is_dry && !self.blocking) {
                        return at;
                    }
                }
                Ok(Step::Done(Read::End)) if at == 0 => {
                    self.end();
                    return 0;
                }
                Ok(Step::Done(Read::End)) => {
                    self.reading.ended = true;
                    return at;
                }
                Ok(Step::Blocked) if self.blocking => {
                    if let Err(error) = self.wait_for_body() {
                        self.fail(error);
                        return at;
                    }
                }
                Ok(Step::Blocked) => return at,
                Err(error) if at == 0 => {
                    self.fail(error);
                    return 0;
                }
                Err(error) => {
                    self.reading.broken = Some(error);
                    return at;
                }
            }
        }
    }

    fn wait_for_body(&mut self) -> Result<()> {
        let now = Instant::now();
        self.send(now)?;
        let State::Body(live) = &self.state else { return Ok(()) };
        let mut interests = PollSet::default();
        live.interests(&mut interests);
        sys::wait(interests, live.is_own().then(|| now + NAP), now).map_err(|error| {
            Error::new(Kind::Receive, Phase::Body, "the system can't wait for the socket").with_source(error)
        })
    }

    /// The end of the body was reached.
    pub(super) fn end(&mut self) {
        if let Err(error) = self.end_body() {
            self.fail(error);
        }
    }

    /// Receives until a chunk is complete or nothing more is there.
    fn gather(&mut self) {
        let State::Body(live) = &mut self.state else { return };
        let reading = &mut self.reading;
        if reading.chunk_at == reading.chunk.len() && reading.chunk_is_whole {
            reading.chunk.clear();
            (reading.chunk_at, reading.chunk_is_whole) = (0, false);
        }
        while !reading.chunk_is_whole && !reading.ended && reading.broken.is_none() {
            match live.peek() {
                Ok(Step::Blocked) => return,
                Ok(Step::Done([])) => reading.ended = true,
                Ok(Step::Done(data)) => {
                    let count = data.len().min(WHOLE_CHUNK - reading.chunk.len());
                    reading.chunk.extend_from_slice(&data[..count]);
                    let is_all = count == data.len();
                    live.take(count);
                    reading.chunk_is_whole = (is_all && live.call().ends_chunk()) || reading.chunk.len() == WHOLE_CHUNK;
                }
                Err(error) => reading.broken = Some(error),
            }
        }
    }

    /// As [`gather`](Self::gather); in blocking mode, waits for the rest of the chunk.
    fn gather_whole(&mut self) -> Result<(), PollError> {
        loop {
            self.gather();
            let is_over = self.reading.chunk_is_whole || self.reading.ended || self.reading.broken.is_some();
            if is_over || !self.blocking || !matches!(self.state, State::Body(_)) {
                return Ok(());
            }
            if let Err(error) = self.wait_for_body() {
                return Err(self.fail(error));
            }
        }
    }

    fn read_chunk(&mut self, buffer: &mut [u8]) -> usize {
        if self.gather_whole().is_err() {
            return 0;
        }
        if !self.reading.chunk_is_whole {
            if let Some(error) = self.reading.broken.take() {
                self.fail(error);
            } else if self.reading.ended {
                self.end();
            }
            return 0;
        }
        let reading = &mut self.reading;
        let rest = &reading.chunk[reading.chunk_at..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        reading.chunk_at += count;
        count
    }

    /// What is there of the body goes to its file, up to a turn.
    fn write_file(&mut self) -> Result<()> {
        let mut buffer = std::mem::take(&mut self.reading.file_buffer);
        buffer.resize(FILE_STEP, 0);
        let result = self.write_through(&mut buffer);
        if matches!(self.state, State::Body(_)) {
            self.reading.file_buffer = buffer;
        }
        result
    }

    fn write_through(&mut self, buffer: &mut [u8]) -> Result<()> {
        let mut written = 0;
        while written < FILE_TURN {
            let State::Body(live) = &mut self.state else { return Ok(()) };
            let step = match &mut self.decoder {
                None => live.read(buffer),
                Some(decoder) => live.read_decoded(decoder, buffer, &mut self.progress.transferred),
            }?;
            match step {
                Step::Done(Read::Bytes(count)) => {
                    if let Some(part) = &mut self.part {
                        part.write(&buffer[..count])?;
                    }
                    written += count;
                    self.progress.received += count as u64;
                    if self.decoder.is_none() {
                        self.progress.transferred += count as u64;
                    }
                }
                Step::Done(Read::End) => return self.end_body(),
                Step::Blocked if self.blocking => self.wait_for_body()?,
                Step::Blocked => return Ok(()),
            }
        }
        Ok(())
    }
}
