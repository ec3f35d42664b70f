//! Where the scenes play: names under `.test` that are all on loopback, and an authority that everyone trusts.

use std::path::PathBuf;
use std::time::Duration;

use whimbrel::{Client, ClientBuilder};
use whimbrel_testkit::{Authority, Origin, Script};

/// The secret that nobody but its owner may see, and `user:hush` in Base64.
pub(crate) const SECRET: &str = "hush";
pub(crate) const SECRET_BASIC: &str = "dXNlcjpodXNo";

/// Longer than anything here takes; what hangs fails rather than blocks.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A client for which every name is on loopback.
pub(crate) fn client() -> Client {
    builder().build().unwrap()
}

pub(crate) fn builder() -> ClientBuilder {
    Client::builder().no_proxy().total_timeout(PATIENCE).resolver(|name| {
        let name = name.strip_suffix('.').unwrap_or(name);
        let known = name == "test" || name.ends_with(".test");
        if known { Ok(vec!["127.0.0.1".parse().unwrap()]) } else { Err(std::io::ErrorKind::NotFound.into()) }
    })
}

/// The URL of `path` at `origin` under `name`, which leads on to `next`.
pub(crate) fn leading_to(origin: &Origin, name: &str, next: &str) -> String {
    let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    origin.url_at(name, &format!("/redirect-to?url={next}"))
}

/// Whether an origin was shown the secret in any form.
pub(crate) fn knows_the_secret(origin: &Origin) -> bool {
    origin.saw(SECRET) || origin.saw(SECRET_BASIC)
}

/// Whether these bytes show the secret in any form.
pub(crate) fn shows_the_secret(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.contains(SECRET) || text.contains(SECRET_BASIC)
}

/// An origin over TLS for all names of the scene.
pub(crate) fn secure(authority: &Authority) -> Origin {
    Origin::https(authority, &["a.test", "b.test", "w.a.test", "127.0.0.1"])
}

/// Answers one request after the other with these bytes, on a connection that stays open.
pub(crate) fn always(reply: impl AsRef<[u8]>) -> Script {
    Script::new().expect_head().send(reply).again()
}

/// A folder of a test's own, gone when it is dropped.
pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("whimbrel-threats-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The names of all files in it, sorted.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A sequence without pattern, the same at every run.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % end
    }

    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}
