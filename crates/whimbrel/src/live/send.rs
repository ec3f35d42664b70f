//! The sending half: the head, then the body as its source gives it.

use std::io;

use whimbrel_proto::{Error, Kind, Phase, Result};

use super::Live;
use crate::body::Body;

/// How much of a body is sent before the driver looks around, in bytes: its price is a wait that is over at once.
const TURN: u64 = 1 << 20;

impl Live {
    /// Sends what can be sent. A failure to send is kept: the peer may have answered before it closed.
    pub(crate) fn send(&mut self, body: &mut Body) -> Result<()> {
        if self.send_error.is_some() {
            return Ok(());
        }
        self.send_all(body).or_else(|error| {
            if error.kind() != Kind::Send {
                return Err(error);
            }
            self.send_error = Some(error);
            self.out.clear();
            self.out_at = 0;
            self.may_receive = true;
            Ok(())
        })
    }

    /// Until the socket is full or the request is sent, but no further than a turn: a peer that takes everything at once,
    /// or a reader that takes its time, must not keep the driver from its deadlines, a cancel and an early response.
    fn send_all(&mut self, body: &mut Body) -> Result<()> {
        let before = self.reached.body_taken;
        let most = self.send_limit.min(TURN);
        self.is_yielding = false;
        loop {
            if !self.send_out()? {
                return Ok(());
            }
            if !self.call.wants_body() {
                return self.flush();
            }
            let taken = self.reached.body_taken - before;
            if taken >= most || (taken > 0 && body.may_wait()) {
                self.is_yielding = true;
                return self.flush();
            }
            match self.call.body_left() {
                Some(left) => {
                    let piece = body.piece()?;
                    if piece.is_empty() {
                        self.call.end_body()?;
                        return self.flush();
                    }
                    let left = left.min(most - taken);
                    let step = usize::try_from(left).map_or(piece.len(), |left| left.min(piece.len()));
                    let sent = self.connection.stream.send(&piece[..step]).map_err(send_failed)?;
                    if sent == 0 {
                        return Ok(());
                    }
                    self.call.frame_body(&piece[..sent])?;
                    body.sent(sent);
                    self.reached.sent += sent as u64;
                    self.reached.body_taken += sent as u64;
                }
                None => self.frame_chunk(body)?,
            }
        }
    }

    /// Sends `out`. True when it is empty.
    fn send_out(&mut self) -> Result<bool> {
        while self.out_at < self.out.len() {
            let sent = self.connection.stream.send(&self.out[self.out_at..]).map_err(send_failed)?;
            if sent == 0 {
                return Ok(false);
            }
            self.out_at += sent;
            self.reached.sent += sent as u64;
        }
        if !self.out.is_empty() {
            self.out.clear();
            self.out_at = 0;
            self.call.head_sent();
        }
        Ok(true)
    }

    pub(super) fn flush(&mut self) -> Result<()> {
        self.connection.stream.flush().map(drop).map_err(send_failed)
    }

    fn frame_chunk(&mut self, body: &mut Body) -> Result<()> {
        let piece = body.piece()?;
        if piece.is_empty() {
            self.out.extend_from_slice(self.call.end_body()?);
            return Ok(());
        }
        // A file may have grown: what was announced is sent, no more.
        let left = self.call.body_left().and_then(|left| usize::try_from(left).ok()).unwrap_or(usize::MAX);
        let framed = self.call.frame_body(&piece[..left.min(piece.len())])?;
        self.out.extend_from_slice(framed.prefix());
        self.out.extend_from_slice(framed.data);
        self.out.extend_from_slice(framed.suffix);
        let taken = framed.data.len();
        body.sent(taken);
        self.reached.body_taken += taken as u64;
        Ok(())
    }

    /// Puts a body that is at hand behind the head, so that both go out in one write.
    pub(crate) fn join_body(&mut self, body: &mut Body, limit: usize) -> Result<()> {
        if !self.call.wants_body() || self.call.body_left().is_none_or(|left| left > limit as u64) {
            return Ok(());
        }
        self.frame_chunk(body)
    }
}

#[cold]
fn send_failed(error: io::Error) -> Error {
    Error::new(Kind::Send, Phase::Send, error.to_string()).with_source(error)
}
