//! One explicit HTTP/1.1 connection that its owner steps: Godot's `HTTPClient`. It follows no redirect, keeps no cookies,
//! looks at no environment, and does nothing between two calls.
//!
//! It stands below the transfer: the same dialer, connection and codec, with a turn of the caller driver for each `poll`.
//! What a request may be and what a failure means is proto's (`polled`).

mod body;
mod connect;
mod properties;
mod raw;
mod turn;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use whimbrel_proto::coding::Decoder;
use whimbrel_proto::polled::{Heading, Peer, PollError, PollHeaders, PollMethod, PollStatus, Request};
use whimbrel_proto::proxy::ProxyUri;
use whimbrel_proto::{Error, Fields, Kind, Phase};

use crate::body::Body;
use crate::client::Client;
use crate::dial::Dial;
use crate::live::Live;
use crate::part_file::PartFile;
use crate::pool::Connection;
use crate::progress::Progress;
use crate::session::Session;
use crate::stream::Stream;
use crate::timings::Timings;
use crate::tls::TlsOptions;
use crate::wake::WakerSlot;

/// How long the connecting may take by default, as Godot's project setting has it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);

/// A polled HTTP client: one connection, stepped by [`poll`](PollClient::poll), which never waits.
///
/// It is Godot's `HTTPClient` with the same states, rules and numbers, for programs with a loop of their own. The order of
/// calls:
///
/// ```text
///   connect_to_host ─▶ poll until Connected ─▶ request ─▶ poll while Requesting ─▶ read_body while Body ─┐
///                                                  ▲                                                     │
///                                                  └──────────────── Connected ◀────────────────────────┘
/// ```
///
/// ```no_run
/// use whimbrel::{PollClient, PollMethod, PollStatus};
///
/// # fn main() -> Result<(), whimbrel::PollError> {
/// let mut client = PollClient::new();
/// client.connect_to_host("example.com", -1, None)?;
/// let mut body = Vec::new();
/// loop {
///     client.poll()?; // once a frame, say
///     match client.status() {
///         PollStatus::Connected if client.response_code() > 0 => break,
///         PollStatus::Connected => client.request(PollMethod::Get, "/", ["Accept: text/html"], "")?,
///         PollStatus::Body => {
///             let mut chunk = vec![0; client.read_room()];
///             let count = client.read_body(&mut chunk);
///             body.extend_from_slice(&chunk[..count]);
///         }
///         _ => {}
///     }
/// }
/// # Ok(())
/// # }
/// ```
///
/// * Nothing is sent before the first `poll` after a request, and that `poll` always leaves `Requesting`.
/// * A body of known length ends in `Connected` with the read that gives its last byte; a chunked one with the read
///   after that, which gives nothing; one that the connection's end ends leaves `Disconnected`, likewise.
/// * A body that is cut short leaves `ConnectionError`, never a state that a whole one leaves.
/// * A kept connection that died is replaced once, unseen, if the request may be sent again (RFC 9112 §9.3.1).
///
/// Any method that fails leaves a sentence in [`error`](PollClient::error).
pub struct PollClient {
    session: Arc<Session>,
    state: State,
    /// Whom `connect_to_host` named; none where the stream is the caller's own.
    route: Option<Way>,
    http_proxy: Proxy,
    https_proxy: Proxy,
    user_agent: Arc<str>,
    connect_timeout: Duration,
    /// Until when the phase of connecting must be over.
    connect_by: Option<Instant>,
    waker: WakerSlot,
    timings: Timings,
    /// The connection has carried a request.
    used: bool,
    /// It may not carry another.
    spent: bool,
    /// It runs over the caller's own stream.
    own: bool,
    /// The dead connection of this request was replaced already.
    replaced: bool,
    method: PollMethod,
    asked: Option<Request>,
    /// The head of the request, for sending it again.
    head: Vec<u8>,
    body: Body,
    /// When the body is sent though no 100 (Continue) came.
    continue_by: Option<Instant>,
    response: Response,
    decoder: Option<Box<Decoder>>,
    reading: Reading,
    progress: Progress,
    blocking: bool,
    chunk_size: usize,
    preserve_chunks: bool,
    accept_encoding: bool,
    download_file: Option<PathBuf>,
    part: Option<PartFile>,
    error: Option<Error>,
}

/// A proxy, or why what was said of it is none.
type Proxy = Result<Option<Arc<ProxyUri>>, Box<str>>;

/// A connection's other end, and the way to it.
struct Way {
    peer: Peer,
    route: whimbrel_proto::exchange::Route,
    tls: TlsOptions,
}

enum State {
    /// No connection, because there never was one or because it failed.
    Closed(PollStatus),
    /// It has failed already; the next poll says so.
    Doomed(Error),
    Dialing(Box<Dial>),
    /// It stands already; the next poll says so.
    Dialed(Stream),
    Idle(Box<Connection>),
    /// A request was taken; nothing of it was sent.
    Requested(Box<Connection>),
    /// The connection for a request is being replaced.
    Redialing(Box<Dial>),
    Requesting(Box<Live>),
    Body(Box<Live>),
    /// The connection carries something else now.
    Upgraded(Box<Connection>),
    /// The connection has failed, and is there to be looked at.
    Broken(Box<Connection>),
}

/// What is known of the last response.
#[derive(Default)]
struct Response {
    code: u16,
    length: Option<u64>,
    chunked: bool,
    headers: PollHeaders,
    trailers: Fields,
}

/// Where the reading of a body stands.
#[derive(Default)]
struct Reading {
    /// The end was seen; the next read tells.
    ended: bool,
    /// The error that the next read tells.
    broken: Option<Error>,
    /// The bytes are read undecoded from the connection: not through the codec any more.
    raw: bool,
    /// Whole chunks are delivered.
    gathers: bool,
    /// A whole chunk that is gathered, and whether it is complete.
    chunk: Vec<u8>,
    chunk_at: usize,
    chunk_is_whole: bool,
    /// What a body goes through on its way to a file.
    file_buffer: Vec<u8>,
}

impl PollClient {
    /// A client with a session of its own. [`Client::poll_client`] makes several that share TLS configurations.
    pub fn new() -> Self {
        Client::new().poll_client()
    }

    pub(crate) fn in_session(session: Arc<Session>) -> Self {
        Self {
            state: State::Closed(PollStatus::Disconnected),
            route: None,
            http_proxy: Ok(None),
            https_proxy: Ok(None),
            user_agent: session.defaults.user_agent.clone(),
            connect_timeout: CONNECT_TIMEOUT,
            connect_by: None,
            waker: WakerSlot::default(),
            timings: Timings::new(Instant::now()),
            used: false,
            spent: false,
            own: false,
            replaced: false,
            method: PollMethod::Get,
            asked: None,
            head: Vec::new(),
            body: Body::empty(),
            continue_by: None,
            response: Response::default(),
            decoder: None,
            reading: Reading::default(),
            progress: Progress::default(),
            blocking: false,
            chunk_size: 64 << 10,
            preserve_chunks: false,
            accept_encoding: false,
            download_file: None,
            part: None,
            error: None,
            session,
        }
    }

    /// The state.
    pub fn status(&self) -> PollStatus {
        match &self.state {
            State::Closed(status) => *status,
            State::Doomed(error) if error.phase() == Phase::Resolve => PollStatus::Resolving,
            State::Dialing(dial) if dial.phase() == Phase::Resolve => PollStatus::Resolving,
            State::Doomed(_) | State::Dialing(_) | State::Dialed(_) => PollStatus::Connecting,
            State::Idle(_) | State::Upgraded(_) => PollStatus::Connected,
            State::Requested(_) | State::Redialing(_) | State::Requesting(_) => PollStatus::Requesting,
            State::Body(_) => PollStatus::Body,
            State::Broken(_) => PollStatus::ConnectionError,
        }
    }

    /// Why the last method that failed did so, or why the connection is gone. None after one that did what it was asked.
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// Takes up a request; nothing is sent before the next [`poll`](PollClient::poll).
    ///
    /// `url` is a path with a query, as `/index.html?a=b`; an absolute URL, as it is asked of proxies; `*` for OPTIONS; or
    /// `host:port` for CONNECT. Spaces and what is not ASCII are percent-encoded, a fragment is cut. Each of `lines` is a
    /// field as `Name: value`; they are sent in this order and come before the fields that are added where they are
    /// missing: `Host`, `Content-Length`, `User-Agent`, `Accept: */*`. Any method may have a body;
    /// [`Body::shared`] sends one that is the caller's without copying it.
    ///
    /// # Errors
    /// [`PollError::InvalidParameter`]: the state is not [`PollStatus::Connected`] (one request at a time), or the URL or
    /// a line can't be sent. [`PollError::FileCantOpen`]: the [download file](PollClient::set_download_file) can't be
    /// written. Nothing has changed then.
    pub fn request<L: AsRef<[u8]>>(
        &mut self,
        method: PollMethod,
        url: &str,
        lines: impl IntoIterator<Item = L>,
        body: impl Into<Body>,
    ) -> Result<(), PollError> {
        let body = body.into();
        if !matches!(self.state, State::Idle(_)) {
            return Err(self.not_connected());
        }
        self.head.clear();
        let (authority, absolute) = match &self.route {
            Some(way) => (way.peer.target.authority(), way.absolute()),
            None => ("", None),
        };
        let heading = Heading {
            method,
            url,
            authority,
            absolute,
            user_agent: &self.user_agent,
            accept_encoding: self.accept_encoding,
            body: body.shape(),
        };
        let asked = match heading.write(&mut self.head, lines) {
            Ok(asked) => asked,
            Err(error) => return Err(self.refuse(error, PollError::InvalidParameter)),
        };
        let part = match self.download_file.as_deref().map(PartFile::create).transpose() {
            Ok(part) => part,
            Err(error) => return Err(self.refuse(error, PollError::FileCantOpen)),
        };
        let State::Idle(connection) = std::mem::replace(&mut self.state, State::Closed(PollStatus::Disconnected))
        else {
            return Err(PollError::InvalidParameter);
        };
        self.error = None;
        if self.used {
            // The first request's timings are the connection's, too.
            self.timings = Timings::new(Instant::now());
        }
        let send_total = body.length();
        self.progress = Progress { send_total, ..Progress::default() };
        (self.method, self.asked, self.body, self.part) = (method, Some(asked), body, part);
        (self.replaced, self.continue_by) = (false, None);
        self.state = State::Requested(connection);
        Ok(())
    }

    /// What has been moved of the last request and its response.
    pub fn progress(&self) -> Progress {
        self.progress
    }

    /// When each phase of the last request ended, since it was taken up or, for the first of a connection, since
    /// `connect_to_host`.
    pub fn timings(&self) -> &Timings {
        &self.timings
    }

    /// Whether a response came whose headers were not taken.
    pub fn has_response(&self) -> bool {
        !self.response.headers.is_empty()
    }

    /// The status code of the last response; 0 where there is none. It stays until the next one, or until the connection
    /// is closed.
    pub fn response_code(&self) -> u16 {
        self.response.code
    }

    /// The length of the last response's body in bytes; -1 where it is not known: chunked, ended by the connection's end, or
    /// decoded on its way.
    pub fn response_body_length(&self) -> i64 {
        self.response.length.map_or(-1, |length| i64::try_from(length).unwrap_or(i64::MAX))
    }

    /// Whether the last response has the transfer coding `chunked`.
    pub fn is_response_chunked(&self) -> bool {
        self.response.chunked
    }

    /// Takes the header lines of the last response: a second call gives none, and [`has_response`](Self::has_response)
    /// says no. Code and length stay.
    pub fn take_response_headers(&mut self) -> PollHeaders {
        std::mem::take(&mut self.response.headers)
    }

    /// The trailer fields of the last response, once its body was read (RFC 9110 §6.5).
    pub fn trailers(&self) -> &Fields {
        &self.response.trailers
    }

    #[cold]
    fn not_connected(&mut self) -> PollError {
        let detail = match self.status() {
            PollStatus::Disconnected => {
                "there is no connection; call connect_to_host, then poll until STATUS_CONNECTED"
            }
            PollStatus::Resolving | PollStatus::Connecting => {
                "the connection is not made yet; poll until STATUS_CONNECTED"
            }
            PollStatus::Requesting => "a request is under way; poll until STATUS_BODY and read its body first",
            PollStatus::Body => "the body of the last response is not read; read it, or close()",
            PollStatus::Connected => "the connection was upgraded and carries no more requests; use its stream",
            _ => "the connection has failed; call connect_to_host again",
        };
        self.refuse(Error::input(detail), PollError::InvalidParameter)
    }

    /// Keeps the sentence of a refusal.
    #[cold]
    fn refuse(&mut self, error: Error, answer: PollError) -> PollError {
        self.error = Some(error);
        answer
    }

    /// The connection is over. What is known of the response stays.
    #[cold]
    fn fail(&mut self, error: Error) -> PollError {
        let status = PollStatus::after(&error);
        let answer = match error.kind() {
            Kind::File if error.phase() == Phase::Body => PollError::FileCantWrite,
            _ => PollError::on_entering(status),
        };
        self.state = State::Closed(status);
        self.error = Some(error);
        self.forget_exchange();
        answer
    }

    /// What a request and its response hold goes: the body's owner, the decoder, a part file.
    fn forget_exchange(&mut self) {
        self.body = Body::empty();
        self.asked = None;
        self.decoder = None;
        self.part = None;
        self.reading = Reading::default();
    }
}

impl Default for PollClient {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for PollClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PollClient")
            .field("status", &self.status())
            .field("response_code", &self.response.code)
            .finish_non_exhaustive()
    }
}
