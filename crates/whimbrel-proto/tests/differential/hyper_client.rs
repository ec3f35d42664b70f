//! Hyper's client over a connection in memory that answers every request with given bytes and closes.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use hyper::body::{Body, Bytes, Frame, Incoming, SizeHint};
use hyper::client::conn::http1;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper::{HeaderMap, Request, Response};

use super::Reply;

/// What hyper makes of `reply` as the answer to a request with `method`, or its error's text.
pub(crate) fn receive(method: &str, reply: &[u8]) -> Result<Reply, String> {
    let wire = Wire { reply: reply.to_vec(), at: 0, requested: Vec::new() };
    let (mut sender, connection) = run(&mut None, http1::handshake(wire))?.map_err(text)?;
    let mut connection: Background = Some(Box::pin(async { drop(connection.await) }));
    let request = Request::builder().method(method).uri("/").header("Host", "a.test").body(Empty).map_err(text)?;
    let response = run(&mut connection, sender.send_request(request))?.map_err(text)?;
    run(&mut connection, collect(response))?
}

/// The connection's own work, until it is done.
type Background = Option<Pin<Box<dyn Future<Output = ()>>>>;

/// Runs `future` while driving `connection` beside it. Everything is in memory, so whoever waits must be waiting for the
/// other, and a few hundred turns settle any reply.
fn run<F: Future>(connection: &mut Background, future: F) -> Result<F::Output, String> {
    let mut context = Context::from_waker(Waker::noop());
    let mut future = pin!(future);
    for _ in 0..10_000 {
        if let Some(running) = connection
            && running.as_mut().poll(&mut context).is_ready()
        {
            *connection = None;
        }
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return Ok(output);
        }
    }
    Err("stuck".into())
}

async fn collect(response: Response<Incoming>) -> Result<Reply, String> {
    let (head, mut incoming) = response.into_parts();
    let (mut body, mut trailers) = (Vec::new(), Vec::new());
    while let Some(frame) = std::future::poll_fn(|context| Pin::new(&mut incoming).poll_frame(context)).await {
        match frame.map_err(text)?.into_data() {
            Ok(data) => body.extend_from_slice(&data),
            Err(frame) => trailers = pairs(&frame.into_trailers().unwrap_or_default()),
        }
    }
    Ok(Reply { status: head.status.as_u16(), fields: pairs(&head.headers), body, trailers })
}

fn pairs(map: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    map.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

/// The error with its causes: hyper's own text says too little.
fn text(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        text = format!("{text}: {error}");
        source = error.source();
    }
    text
}

/// A request body of nothing.
struct Empty;

impl Body for Empty {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(None)
    }

    fn is_end_stream(&self) -> bool {
        true
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(0)
    }
}

/// The peer: silent until it has a request, then its reply, then its close.
struct Wire {
    reply: Vec<u8>,
    at: usize,
    requested: Vec<u8>,
}

impl Read for Wire {
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, mut into: ReadBufCursor<'_>) -> Poll<io::Result<()>> {
        if !self.requested.ends_with(b"\r\n\r\n") {
            return Poll::Pending;
        }
        let size = into.remaining().min(self.reply.len() - self.at);
        into.put_slice(&self.reply[self.at..self.at + size]);
        self.at += size;
        Poll::Ready(Ok(()))
    }
}

impl Write for Wire {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.requested.extend_from_slice(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
