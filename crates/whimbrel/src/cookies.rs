//! The cookies of a session: what servers set, sent back to whom they are for (RFC 6265bis). Decides nothing about a
//! request and opens no connection; the transfer asks it at each hop.
//!
//! The store is our own: the kept crates for it read the clock themselves, know no limits, no last use and no order, and
//! leave prefixes and "leave Secure cookies alone" to others, so most of it would have stood around them anyway. The list
//! of public suffixes is a crate's (`psl2`), compiled in: 170 kB.
//!
//! `SameSite` is kept but never asked: there is no page here that could make another site's request.

mod date;
mod file;
mod parse;
mod scope;
mod store;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use whimbrel_proto::exchange::Hop;
use whimbrel_proto::{Error, Fields, Result, Scheme, Target};

use store::{Place, Store};

/// How many `Set-Cookie` fields of one response are looked at.
const FIELDS_LIMIT: usize = 50;

/// The cookies of a session (RFC 6265bis). Cheap to clone; clones are the same jar.
///
/// Requests use it after [`ClientBuilder::cookies`](crate::ClientBuilder::cookies) or
/// [`RequestBuilder::cookies`](crate::RequestBuilder::cookies): each hop of a redirect chain sends what the jar has for
/// its URL and stores what its response sets. The URL alone decides whose cookies they are, never a `Host` header.
///
/// Limits: 4096 bytes for name and value together, 1024 for an attribute (a longer one is ignored), 400 days, 180 cookies
/// for all names of one registrant (those that were not used for longest go first, `Secure` ones last), 3000 in all, 50
/// of one response; a request carries at most 8190 bytes of them. `SameSite` is kept, but cookies are sent whatever it
/// says: nothing here is a browser's page. Cookies that are not UTF-8, or hold a control character, are not stored.
#[derive(Clone)]
pub struct CookieJar(Arc<Inner>);

struct Inner {
    store: Mutex<Store>,
    autosave: Option<Autosave>,
}

/// Where the jar is saved when its last handle goes.
struct Autosave {
    path: PathBuf,
    /// A forked child leaves the file to its parent.
    generation: u32,
}

/// A cookie of a [`CookieJar`].
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Cookie {
    /// May be empty.
    pub name: String,
    /// As it is sent, quotes included.
    pub value: String,
    /// Lower case, ASCII, without a leading dot. An IPv6 address is in brackets.
    pub domain: String,
    /// Whether only `domain` itself sees it, and not the names below it.
    pub host_only: bool,
    /// It is sent to this path and what is below it.
    pub path: String,
    /// Whether it is sent over https alone.
    pub secure: bool,
    /// Whether the server asked to hide it from a page's scripts.
    pub http_only: bool,
    /// What the server said of requests that other sites make; `None` where it said nothing.
    pub same_site: Option<SameSite>,
    /// When it ends; `None`: with the session.
    pub expires: Option<SystemTime>,
}

/// The `SameSite` attribute of a cookie (RFC 6265bis §5.6.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SameSite {
    /// With requests of its own site only.
    Strict,
    /// With those, and where a page of another site leads here.
    Lax,
    /// With all.
    None,
}

impl SameSite {
    fn parse(value: &str) -> Option<Self> {
        let is = |name: &str| value.eq_ignore_ascii_case(name);
        if is("strict") {
            Some(Self::Strict)
        } else if is("lax") {
            Some(Self::Lax)
        } else {
            is("none").then_some(Self::None)
        }
    }
}

/// Why a cookie is not stored: a clause without a subject's name or value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Refusal(&'static str);

impl CookieJar {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Inner { store: Mutex::default(), autosave: None }))
    }

    /// Filled from this file, if it is there, and saved to it when the last handle goes.
    pub(crate) fn kept_in(path: &Path) -> Result<Self> {
        let autosave = Some(Autosave { path: path.into(), generation: crate::fork::generation() });
        let jar = Self(Arc::new(Inner { store: Mutex::default(), autosave }));
        if path.try_exists().unwrap_or(true) {
            jar.load(path)?;
        }
        // What is in the file need not be written again.
        jar.lock().is_changed = false;
        Ok(jar)
    }

    /// Stores a cookie as if a response from `url` had this `Set-Cookie` value.
    ///
    /// # Errors
    /// [`Kind::Url`](crate::Kind::Url) and [`Kind::Scheme`](crate::Kind::Scheme) for the URL;
    /// [`Kind::Input`](crate::Kind::Input) where the rules refuse the cookie, with the reason. Nothing is stored then.
    pub fn set(&self, url: &str, set_cookie: &str) -> Result<()> {
        let target = Target::parse(url)?;
        let set = at(&target, |place| self.lock().set(place, set_cookie.as_bytes(), SystemTime::now()));
        set.map_err(|Refusal(why)| Error::input(format!("the cookie can't be set: {why}")))
    }

    /// The value of the `Cookie` field that a request to `url` would have; `None` where there are none for it.
    pub fn header_for(&self, url: &str) -> Option<String> {
        self.header(&Target::parse(url).ok()?)
    }

    /// All cookies that have not expired, oldest first.
    pub fn list(&self) -> Vec<Cookie> {
        self.lock().list(SystemTime::now())
    }

    /// Removes the cookies with this domain (a leading dot and case don't matter), path and name. `false`: there is none.
    pub fn remove(&self, domain: &str, path: &str, name: &str) -> bool {
        let domain = domain.strip_prefix('.').unwrap_or(domain).to_ascii_lowercase();
        self.lock().remove(&domain, path, name)
    }

    /// Removes all.
    pub fn clear(&self) {
        self.lock().clear();
    }

    /// How many there are that have not expired.
    pub fn len(&self) -> usize {
        self.lock().len(SystemTime::now())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes all cookies to a file in Netscape's format (`cookies.txt`), which curl, wget and browsers' tools read: the
    /// whole file or nothing, for its owner's eyes alone (mode 0600). Cookies of the session are written too, with 0 as
    /// their end, as curl does it; `SameSite` has no column there and is lost.
    ///
    /// # Errors
    /// [`Kind::File`](crate::Kind::File).
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let cookies = self.list();
        file::write(path.as_ref(), &cookies)
    }

    /// Adds the cookies of a file in Netscape's format and gives how many they are: without those that have expired or
    /// that no server might set (for a public suffix, or against the prefix of their name).
    ///
    /// # Errors
    /// [`Kind::File`](crate::Kind::File): it can't be read or is damaged; the jar is as it was.
    pub fn load(&self, path: impl AsRef<Path>) -> Result<usize> {
        let now = SystemTime::now();
        let cookies = file::read(path.as_ref(), now)?;
        let count = cookies.len();
        let mut store = self.lock();
        for cookie in cookies {
            store.put(cookie, now);
        }
        Ok(count)
    }

    /// The value of `Cookie` for a hop to this target.
    pub(crate) fn header(&self, target: &Target) -> Option<String> {
        if self.lock().is_empty() {
            return None;
        }
        at(target, |place| self.lock().header(place, SystemTime::now()))
    }

    /// Takes what the final head of a hop sets; what the rules refuse is left out. A proxy that wants credentials (407)
    /// does not speak for the origin.
    pub(crate) fn store(&self, hop: &Hop, status: u16, fields: &Fields) {
        if status == 407 || !fields.contains("set-cookie") {
            return;
        }
        let now = SystemTime::now();
        at(&hop.target, |place| {
            let mut store = self.lock();
            for field in fields.get_all("set-cookie").take(FIELDS_LIMIT) {
                let _ = store.set(place, field, now);
            }
        });
    }

    fn lock(&self) -> MutexGuard<'_, Store> {
        self.0.store.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn at<T>(target: &Target, act: impl FnOnce(Place<'_>) -> T) -> T {
    let origin = target.origin();
    let host = origin.host.to_string();
    let path = target.origin_form().split('?').next().unwrap_or("/");
    act(Place { host: &host, path, secure: origin.scheme == Scheme::Https })
}

impl Drop for Inner {
    fn drop(&mut self) {
        let store = self.store.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(autosave) = &self.autosave
            && store.is_changed
            && autosave.generation == crate::fork::generation()
        {
            // Nobody is left to tell; who must know calls `save`.
            let _ = file::write(&autosave.path, &store.list(SystemTime::now()));
        }
    }
}

impl fmt::Debug for CookieJar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CookieJar").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for Cookie {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cookie")
            .field("name", &self.name)
            .field("domain", &self.domain)
            .field("host_only", &self.host_only)
            .field("path", &self.path)
            .field("secure", &self.secure)
            .field("http_only", &self.http_only)
            .field("same_site", &self.same_site)
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}
