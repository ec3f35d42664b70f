//! One request on one connection: moves bytes between the socket, the codec, the body's source and the consumer. Decides
//! nothing about HTTP; waits for nothing.

mod receive;
mod send;

use whimbrel_proto::exchange::retry::Reached;
use whimbrel_proto::h1::{Call, Framing, ResponseHead};
use whimbrel_proto::{Error, Fields};

use crate::buffer::Workspace;
use crate::pool::Connection;
use crate::stream::Stream;
use crate::sys::Interests;

/// How much memory for requests a kept connection holds on to, in bytes.
const KEPT_OUTPUT: usize = 16 << 10;

/// From how many bytes on a body counts as large.
const LARGE: u64 = 4 << 20;

/// A request under way.
pub(crate) struct Live {
    connection: Box<Connection>,
    call: Call,
    /// How many bytes at the front of the received ones are body data that the codec has passed already.
    data: usize,
    /// How many bytes of framing behind `data` the codec has passed as well.
    framing: usize,
    /// Framed and not yet sent: the head, small bodies, chunks.
    out: Vec<u8>,
    out_at: usize,
    reached: Reached,
    /// Why sending ended early; a response that came nevertheless is worth more.
    send_error: Option<Error>,
    /// Something may have come: set when a wait ended, so that no receive is tried on a socket that was just written to.
    may_receive: bool,
    /// The driver has nothing else to wait for: one receive of this step may wait itself.
    is_patient: bool,
    /// The last step stopped before its socket was full or dry.
    is_yielding: bool,
    /// How much of the body one step may send, in bytes.
    send_limit: u64,
    /// The last receive took all that was there, and no wait has ended since.
    is_dry: bool,
}

/// What a step gave.
pub(crate) enum Step<T> {
    /// Nothing can be done until something moves.
    Blocked,
    Done(T),
}

/// What looking for the final head gave.
pub(crate) enum Answer {
    /// Nothing can be done until something moves.
    Blocked,
    /// An interim response has opened the body: send it.
    GoOn,
    Head(ResponseHead),
}

/// What a read of the body gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Bytes(usize),
    End,
}

impl Live {
    /// A call whose head is in `out`, on a connection that nothing was sent on since its last response.
    pub(crate) fn new(connection: Box<Connection>, call: Call, out: Vec<u8>, reused: bool) -> Self {
        Self {
            connection,
            call,
            data: 0,
            framing: 0,
            out,
            out_at: 0,
            reached: Reached { reused, ..Reached::default() },
            send_error: None,
            may_receive: false,
            is_patient: false,
            is_yielding: false,
            send_limit: u64::MAX,
            is_dry: false,
        }
    }

    /// How much of the body one step may send at most, in bytes.
    pub(crate) fn limit_send(&mut self, bytes: u64) {
        self.send_limit = bytes;
    }

    /// Whether there is more to do though the step gave nothing: a driver that hears of changes only must come back.
    pub(crate) fn is_yielding(&self) -> bool {
        self.is_yielding || self.connection.stream.is_yielding()
    }

    /// Takes memory for as long as the connection has none of its own.
    pub(crate) fn borrow(&mut self, workspace: &mut Workspace) {
        if self.connection.input.is_unallocated() {
            std::mem::swap(&mut self.connection.input, &mut workspace.input);
        }
    }

    /// Gives memory back that holds nothing.
    pub(crate) fn give_back(&mut self, workspace: &mut Workspace) {
        if self.connection.input.filled().is_empty() {
            workspace.take_input(&mut self.connection.input);
        }
        if self.out.is_empty() {
            workspace.take_output(&mut self.out);
        }
    }

    pub(crate) fn call(&mut self) -> &mut Call {
        &mut self.call
    }

    pub(crate) fn reached(&self) -> &Reached {
        &self.reached
    }

    pub(crate) fn framing(&self) -> Framing {
        self.call.framing()
    }

    pub(crate) fn trailers(&mut self) -> Fields {
        self.call.take_trailers()
    }

    /// Whether the whole request is on its way.
    pub(crate) fn is_sent(&self) -> bool {
        self.out.is_empty() && self.call.body_complete()
    }

    /// Lets one receive of this step wait itself, if the driver says that it may and it is worth its price: two system
    /// calls for a connection that was made for this call, which a large body repays.
    pub(crate) fn be_patient(&mut self, may: bool) -> bool {
        let is_large = self.call.direct().is_some_and(|left| left >= LARGE);
        self.is_patient = may && (self.reached.reused || is_large) && self.is_sent();
        self.is_patient
    }

    /// The connection counts as an old one: it may be dead, and a failure before the response then says nothing of the
    /// server.
    pub(crate) fn doubt(&mut self) {
        self.reached.reused = true;
    }

    /// A wait is over: reading may be worth a try, and what was told by the wait must not be forgotten unread.
    pub(crate) fn woke(&mut self) {
        self.may_receive = true;
        self.is_dry = false;
    }

    pub(crate) fn interests<'a>(&'a self, interests: &mut dyn Interests<'a>) {
        let sending = self.send_error.is_none() && (!self.out.is_empty() || self.call.wants_body());
        self.connection.stream.interests(interests, true, sending);
    }

    /// Whether the connection may carry another request.
    pub(crate) fn may_reuse(&self) -> bool {
        self.call.may_reuse() && self.data == 0 && self.send_error.is_none()
    }

    /// The connection as it is, with what came and was not consumed.
    pub(crate) fn into_connection(self) -> Box<Connection> {
        self.connection
    }

    /// The stream itself, for who sends past the codec.
    pub(crate) fn stream(&mut self) -> &mut Stream {
        &mut self.connection.stream
    }

    /// Whether nothing but time can end its wait: its stream is the caller's.
    pub(crate) fn is_own(&self) -> bool {
        matches!(self.connection.stream, Stream::Own(_))
    }

    /// The connection, if it may carry another request.
    pub(crate) fn into_reusable(mut self) -> Option<Box<Connection>> {
        if self.is_dry
            && let Stream::Plain(socket) = &self.connection.stream
        {
            socket.went_dry();
        }
        let may_reuse = self.may_reuse();
        self.connection.input.recycle();
        if self.out.capacity() <= KEPT_OUTPUT {
            self.out.clear();
            self.connection.output = self.out;
        }
        may_reuse.then_some(self.connection)
    }
}
