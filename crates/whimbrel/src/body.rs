//! Request bodies: bytes, a file, or a reader. Pulled piece by piece, never whole in memory but for bytes that are.

use std::borrow::Cow;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::Path;

use whimbrel_proto::exchange::spec::BodyShape;
use whimbrel_proto::{Error, Kind, Phase, Result};

/// How much of a file or reader is read at once: where throughput stops to grow.
const STEP: usize = 256 << 10;

/// A request body.
///
/// ```
/// use whimbrel::Body;
///
/// let text = Body::from("hello");
/// let bytes = Body::from(vec![0u8, 1, 2]);
/// # let dir = std::env::temp_dir().join("whimbrel-doc-body");
/// # std::fs::write(&dir, "x").unwrap();
/// # let path = &dir;
/// let file = Body::file(path)?; // its length now is the Content-Length
/// let reader = Body::reader(std::io::empty(), None); // of unknown length: sent chunked
/// # Ok::<(), whimbrel::Error>(())
/// ```
pub struct Body(Source);

enum Source {
    Bytes {
        bytes: Cow<'static, [u8]>,
        at: usize,
    },
    /// Bytes of somebody else's.
    Shared {
        owner: Box<dyn AsRef<[u8]> + Send>,
        at: usize,
    },
    File {
        file: File,
        len: u64,
        start: u64,
        piece: Piece,
    },
    Reader {
        reader: Box<dyn Read + Send>,
        len: Option<u64>,
        piece: Piece,
    },
}

/// What was read and not yet sent.
#[derive(Default)]
struct Piece {
    bytes: Vec<u8>,
    at: usize,
    end: usize,
}

impl Body {
    /// No content; a POST, PUT or PATCH still says `Content-Length: 0`.
    pub fn empty() -> Self {
        Self(Source::Bytes { bytes: Cow::Borrowed(&[]), at: 0 })
    }

    /// The content of a file, from its start. It can be sent again on a redirect or another connection.
    ///
    /// # Errors
    /// [`Kind::File`] in [`Phase::Prepare`], naming the path.
    pub fn file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let unreadable = |error: io::Error| {
            Error::new(Kind::File, Phase::Prepare, format!("{}: {error}", path.display())).with_source(error)
        };
        let file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return Err(unreadable(io::Error::from(io::ErrorKind::IsADirectory)));
        }
        if !metadata.is_file() {
            // A pipe or a device has no length that holds.
            return Ok(Self::reader(file, None));
        }
        Ok(Self(Source::File { file, len: metadata.len(), start: 0, piece: Piece::default() }))
    }

    /// Bytes that stay where they are, held by their owner until the request is over: nothing is copied, whatever their
    /// number. The owner must give the same bytes each time that it is asked.
    ///
    /// It is dropped by whoever steps the request: the calling thread, but for [`Transfers`](crate::Transfers), where it
    /// is the I/O thread.
    pub fn shared(owner: impl AsRef<[u8]> + Send + 'static) -> Self {
        Self(Source::Shared { owner: Box::new(owner), at: 0 })
    }

    /// How many bytes it has, if that is known.
    pub(crate) fn length(&self) -> Option<u64> {
        match self.shape() {
            BodyShape::None => Some(0),
            BodyShape::Sized { len, .. } => Some(len),
            BodyShape::Unsized { .. } => None,
        }
    }

    /// What a reader gives, `len` bytes exactly or, with `None`, until its end (sent chunked). It can be sent once:
    /// a redirect that asks for the body again is an error.
    pub fn reader(reader: impl Read + Send + 'static, len: Option<u64>) -> Self {
        Self(Source::Reader { reader: Box::new(reader), len, piece: Piece::default() })
    }

    pub(crate) fn shape(&self) -> BodyShape {
        match &self.0 {
            Source::Bytes { bytes, .. } if bytes.is_empty() => BodyShape::None,
            Source::Bytes { bytes, .. } => BodyShape::Sized { len: bytes.len() as u64, replayable: true },
            Source::Shared { owner, .. } => match (**owner).as_ref().len() {
                0 => BodyShape::None,
                len => BodyShape::Sized { len: len as u64, replayable: true },
            },
            Source::File { len, .. } => BodyShape::Sized { len: *len, replayable: true },
            Source::Reader { len: Some(len), .. } => BodyShape::Sized { len: *len, replayable: false },
            Source::Reader { len: None, .. } => BodyShape::Unsized { replayable: false },
        }
    }

    /// What is to be sent next; empty at the end.
    pub(crate) fn piece(&mut self) -> Result<&[u8]> {
        match &mut self.0 {
            Source::Bytes { bytes, at } => Ok(&bytes[*at..]),
            Source::Shared { owner, at } => Ok((**owner).as_ref().get(*at..).unwrap_or_default()),
            Source::File { file, piece, .. } => piece.fill(file),
            Source::Reader { reader, piece, .. } => piece.fill(reader),
        }
    }

    /// Whether the next piece comes from a reader, which may take its time.
    pub(crate) fn may_wait(&self) -> bool {
        matches!(&self.0, Source::Reader { piece, .. } if piece.at == piece.end)
    }

    /// That many bytes of the piece were sent.
    pub(crate) fn sent(&mut self, count: usize) {
        match &mut self.0 {
            Source::Bytes { at, .. } | Source::Shared { at, .. } => *at += count,
            Source::File { piece, .. } | Source::Reader { piece, .. } => piece.at += count,
        }
    }

    /// Starts again from the beginning, if anything was taken.
    pub(crate) fn rewind(&mut self) -> Result<()> {
        match &mut self.0 {
            Source::Bytes { at, .. } | Source::Shared { at, .. } => *at = 0,
            Source::File { file, start, piece, .. } => {
                file.seek(io::SeekFrom::Start(*start)).map_err(unreadable)?;
                *piece = Piece::default();
            }
            // Asked only where nothing was taken: what waits in the piece is still its beginning.
            Source::Reader { .. } => {}
        }
        Ok(())
    }
}

impl Piece {
    fn fill(&mut self, reader: &mut dyn Read) -> Result<&[u8]> {
        if self.at == self.end {
            self.bytes.resize(STEP, 0);
            self.at = 0;
            self.end = loop {
                match reader.read(&mut self.bytes) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    result => break result.map_err(unreadable)?,
                }
            };
        }
        Ok(&self.bytes[self.at..self.end])
    }
}

#[cold]
fn unreadable(error: io::Error) -> Error {
    Error::new(Kind::File, Phase::Send, format!("the request body can't be read ({error})")).with_source(error)
}

impl From<&str> for Body {
    fn from(text: &str) -> Self {
        Self::from(text.as_bytes().to_vec())
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::from(text.into_bytes())
    }
}

impl From<&[u8]> for Body {
    fn from(bytes: &[u8]) -> Self {
        Self::from(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Source::Bytes { bytes: Cow::Owned(bytes), at: 0 })
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({:?})", self.shape())
    }
}
