//! `WhimbrelStreamPeer`: the bytes under a client's connection. It holds neither the socket nor the client, and decides
//! nothing: each call asks the client, if that still has this connection.

use std::sync::Weak;
use std::time::Duration;

use godot::classes::{IStreamPeerExtension, StreamPeerExtension};
use godot::global::Error;
use godot::meta::conv::RawPtr;
use godot::prelude::*;
use whimbrel::PollError;

use super::arguments::code;
use super::core::{Core, Shared};

/// How long the calls that wait by definition sleep between two looks.
const PAUSE: Duration = Duration::from_micros(500);

/// The connection of a [WhimbrelHTTPClient] as a stream of bytes.
///
/// This is what [member WhimbrelHTTPClient.connection] gives. Reading takes bytes that the client has not yet decoded:
/// after the head of a response of unknown length, after an upgrade (`101 Switching Protocols`) and after a successful
/// `CONNECT`. A byte comes either here or from [method WhimbrelHTTPClient.read_response_body_chunk], never from both.
///
/// It does not keep the connection open. When the client is closed, connected again or freed, every call answers
/// [constant FAILED] and [method StreamPeer.get_available_bytes] gives 0. So keep the client for as long as you use its
/// stream.
///
/// [method StreamPeer.get_partial_data] and [method StreamPeer.put_partial_data] never wait. [method
/// StreamPeer.get_data] and [method StreamPeer.put_data] wait until all bytes have come or gone, or the connection has
/// failed, as with every [StreamPeer]. The end of the stream is [constant ERR_FILE_EOF], [constant ERR_UNCONFIGURED]
/// means that the bytes are the client's for now (it waits for the head of a response), [constant ERR_BUSY] that it is
/// being used by another thread.
#[derive(GodotClass)]
#[class(tool, no_init, base = StreamPeerExtension)]
pub(crate) struct WhimbrelStreamPeer {
    shared: Weak<Shared>,
    connection: u64,
    base: Base<StreamPeerExtension>,
}

impl WhimbrelStreamPeer {
    /// A stream over the client's connection of that number.
    pub(crate) fn over(shared: Weak<Shared>, connection: u64) -> Gd<Self> {
        Gd::from_init_fn(|base| Self { shared, connection, base })
    }

    /// What a use of the connection gives, if it is still there.
    fn with<R>(&self, step: impl FnOnce(&mut Core) -> Result<R, Error>) -> Result<R, Error> {
        let shared = self.shared.upgrade().ok_or(Error::FAILED)?;
        let connection = self.connection;
        let result = shared.hold(|core| if core.is_connection(connection) { step(core) } else { Err(Error::FAILED) });
        result.unwrap_or(Err(Error::ERR_BUSY))
    }

    /// Fills the buffer as far as there are bytes now, or to its end if it may wait.
    fn receive(&self, buffer: &mut [u8], waits: bool) -> (usize, Error) {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.with(|core| core.client.connection_recv(&mut buffer[filled..]).map_err(end)) {
                Ok(0) if waits => std::thread::sleep(PAUSE),
                Ok(0) => break,
                Ok(count) => filled += count,
                // What came before the end is handed out first; the next call tells the end.
                Err(_) if filled > 0 && !waits => break,
                Err(error) => return (filled, error),
            }
        }
        (filled, Error::OK)
    }

    /// Sends what the connection takes now, or everything if it may wait.
    fn send(&self, bytes: &[u8], waits: bool) -> (usize, Error) {
        let mut sent = 0;
        while sent < bytes.len() {
            match self.with(|core| core.client.connection_send(&bytes[sent..]).map_err(failure)) {
                Ok(0) if waits => std::thread::sleep(PAUSE),
                Ok(0) => break,
                Ok(count) => sent += count,
                Err(error) => return (sent, error),
            }
        }
        (sent, Error::OK)
    }
}

#[godot_api]
impl IStreamPeerExtension for WhimbrelStreamPeer {
    unsafe fn get_data_rawptr(&mut self, buffer: RawPtr<*mut u8>, bytes: i32, received: RawPtr<*mut i32>) -> Error {
        // SAFETY: the engine's promise: room for `bytes` bytes, and for a count.
        unsafe { count_in(received, self.receive(room(buffer, bytes), true)) }
    }

    unsafe fn get_partial_data_rawptr(
        &mut self,
        buffer: RawPtr<*mut u8>,
        bytes: i32,
        received: RawPtr<*mut i32>,
    ) -> Error {
        // SAFETY: as above.
        unsafe { count_in(received, self.receive(room(buffer, bytes), false)) }
    }

    unsafe fn put_data_rawptr(&mut self, data: RawPtr<*const u8>, bytes: i32, sent: RawPtr<*mut i32>) -> Error {
        // SAFETY: the engine's promise: `bytes` bytes to read, and room for a count.
        unsafe { count_in(sent, self.send(content(data, bytes), true)) }
    }

    unsafe fn put_partial_data_rawptr(&mut self, data: RawPtr<*const u8>, bytes: i32, sent: RawPtr<*mut i32>) -> Error {
        // SAFETY: as above.
        unsafe { count_in(sent, self.send(content(data, bytes), false)) }
    }

    fn get_available_bytes(&self) -> i32 {
        let available = self.with(|core| Ok(core.client.connection_available())).unwrap_or(0);
        i32::try_from(available).unwrap_or(i32::MAX)
    }
}

/// What a failure to send is for the engine.
fn failure(error: PollError) -> Error {
    code(Err(error))
}

/// What a failure to receive is for the engine, whose streams tell their end so.
fn end(error: PollError) -> Error {
    match error {
        PollError::ConnectionError => Error::ERR_FILE_EOF,
        error => failure(error),
    }
}

/// # Safety
/// `buffer` must be writable for `bytes` bytes, by nobody else during the call of the engine that gave it.
unsafe fn room<'a>(buffer: RawPtr<*mut u8>, bytes: i32) -> &'a mut [u8] {
    let (buffer, bytes) = (buffer.ptr(), usize::try_from(bytes).unwrap_or(0));
    if buffer.is_null() || bytes == 0 {
        return &mut [];
    }
    // SAFETY: the caller's promise; the engine does not say that the bytes are initialised, so they are.
    unsafe {
        buffer.write_bytes(0, bytes);
        std::slice::from_raw_parts_mut(buffer, bytes)
    }
}

/// # Safety
/// `data` must be readable for `bytes` bytes during the call of the engine that gave it.
unsafe fn content<'a>(data: RawPtr<*const u8>, bytes: i32) -> &'a [u8] {
    let (data, bytes) = (data.ptr(), usize::try_from(bytes).unwrap_or(0));
    if data.is_null() || bytes == 0 {
        return &[];
    }
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(data, bytes) }
}

/// # Safety
/// `target` must be null or writable.
unsafe fn count_in(target: RawPtr<*mut i32>, (count, error): (usize, Error)) -> Error {
    let target = target.ptr();
    if !target.is_null() {
        // SAFETY: the caller's promise.
        unsafe { target.write(i32::try_from(count).unwrap_or(i32::MAX)) };
    }
    error
}
