//! The TLS options of a connection, from what `httpclient.lua` took out of a `TLSOptions` table. It reads files that
//! the script names; what the options mean is the engine's.

use std::ffi::c_int;
use std::fs;
use std::path::Path;

use mlua_sys::{self as ffi, lua_State};
use whimbrel::{PollError, TlsOptions, TlsVersion};

use crate::guard::bytes;
use crate::options;
use crate::session;

/// The options at `first` and behind it: whether there are any, whether they are of the unsafe kind, the trusted chain, the
/// common name, certificate, key, pinned keys (one a line), the lowest version and the revocation list. nil and false
/// stand for nothing. A chain, certificate, key or list is PEM, or the path of a file that holds it.
///
/// # Safety
/// In a function that has the session at `session`, with all of these arguments.
pub(super) unsafe fn read(
    lua: *mut lua_State,
    first: c_int,
    session: c_int,
    host: &str,
) -> Result<Option<TlsOptions>, (PollError, String)> {
    // SAFETY: the strings stay on the stack while they are read.
    unsafe {
        let text = |place: c_int| {
            let index = first + place;
            (ffi::lua_type(lua, index) == ffi::LUA_TSTRING).then(|| bytes(lua, index))
        };
        let given = ffi::lua_toboolean(lua, first) != 0;
        let unsafe_kind = ffi::lua_toboolean(lua, first + 1) != 0;
        let chain = text(2).map(pem).transpose()?;
        let of_the_host = match session::at(lua, session).as_ref() {
            Some(session) if chain.is_none() && !unsafe_kind && (given || is_secure(host)) => {
                let file = session.host.borrow().ca_file.clone();
                file.map(|file| content(&file)).transpose()?
            }
            _ => None,
        };
        if !given && of_the_host.is_none() {
            return Ok(None);
        }
        let mut options = TlsOptions::new();
        if let Some(roots) = of_the_host {
            options = options.extra_roots(roots);
        }
        options = match (chain, unsafe_kind) {
            (Some(chain), true) => options.only_roots(chain).danger_accept_invalid_names(true),
            (Some(chain), false) => options.only_roots(chain),
            (None, true) => options.danger_accept_invalid_certs(true),
            (None, false) => options,
        };
        if let Some(name) = text(3).filter(|name| !name.is_empty()) {
            options = options.server_name(&String::from_utf8_lossy(name));
        }
        if let (Some(certificate), Some(key)) = (text(4), text(5)) {
            options = options.client_certificate(pem(certificate)?, pem(key)?);
        }
        if let Some(keys) = text(6) {
            let keys = String::from_utf8_lossy(keys);
            // Not `lines`: one empty key is a mistake, not no key.
            options = options.pinned_keys(keys.split('\n')).map_err(|error| wrong(&error))?;
        }
        options = match text(7) {
            Some(b"1.3") => options.min_version(TlsVersion::Tls13),
            Some(_) => options.min_version(TlsVersion::Tls12),
            None => options,
        };
        if let Some(list) = text(8) {
            options = options.revocation_list(pem(list)?);
        }
        Ok(Some(options))
    }
}

/// Whether the host is given with the scheme that alone makes TLS.
fn is_secure(host: &str) -> bool {
    host.get(..8).is_some_and(|scheme| scheme.eq_ignore_ascii_case("https://"))
}

/// The text itself if it is PEM; else what the file of that path holds.
fn pem(text: &[u8]) -> Result<Vec<u8>, (PollError, String)> {
    if text.windows(10).any(|window| window == b"-----BEGIN") {
        return Ok(text.to_vec());
    }
    content(&options::path("TLSOptions", text).map_err(|error| wrong(&error))?)
}

fn content(path: &Path) -> Result<Vec<u8>, (PollError, String)> {
    fs::read(path)
        .map_err(|error| (PollError::FileCantOpen, format!("the file {} can't be read ({error})", path.display())))
}

/// What is said wrongly, rather than not there.
fn wrong(error: &whimbrel::Error) -> (PollError, String) {
    (PollError::InvalidParameter, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pem_stands_for_itself_and_all_else_is_a_path() {
        assert_eq!(pem(b"-----BEGIN X-----\n").unwrap(), b"-----BEGIN X-----\n");
        let (number, error) = pem(b"/no/such/file.pem").unwrap_err();
        assert!(error.starts_with("the file /no/such/file.pem can't be read ("), "{error}");
        assert_eq!(number, PollError::FileCantOpen);
        let (number, error) = pem(b"a\0b").unwrap_err();
        assert!(error.contains("NUL"), "{error}");
        assert_eq!(number, PollError::InvalidParameter);
    }

    #[test]
    fn only_the_https_scheme_is_secure_by_itself() {
        assert!(is_secure("HTTPS://a.test") && !is_secure("http://a.test") && !is_secure("https:/") && !is_secure("é"));
    }
}
