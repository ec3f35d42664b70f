//! Checks Digest credentials (RFC 7616): the hash, the target they are for, and that a nonce is never counted
//! backwards.

use std::collections::HashMap;
use std::sync::Mutex;

use md5::{Digest as _, Md5};
use ring::digest::{SHA256, SHA512_256};
use ring::rand::{SecureRandom as _, SystemRandom};

use super::request::{Request, hex};

const REALM: &str = "me@whimbrel.test";
/// The nonces that are remembered. An older one is stale.
const NONCES: usize = 4096;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Algorithm {
    hash: Hash,
    session: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hash {
    Md5,
    Sha256,
    Sha512_256,
}

impl Algorithm {
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let name = name.to_ascii_uppercase();
        let (hash, session) = name.strip_suffix("-SESS").map_or((name.as_str(), false), |hash| (hash, true));
        let hash = match hash {
            "MD5" => Hash::Md5,
            "SHA-256" => Hash::Sha256,
            "SHA-512-256" => Hash::Sha512_256,
            _ => return None,
        };
        Some(Self { hash, session })
    }

    fn name(self) -> String {
        let hash = match self.hash {
            Hash::Md5 => "MD5",
            Hash::Sha256 => "SHA-256",
            Hash::Sha512_256 => "SHA-512-256",
        };
        format!("{hash}{}", if self.session { "-sess" } else { "" })
    }

    fn hash(self, data: impl AsRef<[u8]>) -> String {
        match self.hash {
            Hash::Md5 => hex(&Md5::digest(data.as_ref())),
            Hash::Sha256 => hex(ring::digest::digest(&SHA256, data.as_ref()).as_ref()),
            Hash::Sha512_256 => hex(ring::digest::digest(&SHA512_256, data.as_ref()).as_ref()),
        }
    }
}

pub(super) struct Challenge<'a> {
    pub(super) algorithm: Algorithm,
    /// The qualities of protection on offer; empty for none, as in RFC 2069.
    pub(super) qop: &'a str,
    /// For how many requests a nonce is good.
    pub(super) uses: u64,
}

impl Challenge<'_> {
    pub(super) fn field_value(&self, nonce: &str, stale: bool) -> String {
        let qop = if self.qop.is_empty() { String::new() } else { format!(", qop=\"{}\"", self.qop) };
        let stale = if stale { ", stale=true" } else { "" };
        let algorithm = self.algorithm.name();
        format!("Digest realm=\"{REALM}\", nonce=\"{nonce}\"{qop}, opaque=\"whimbrel\", algorithm={algorithm}{stale}")
    }
}

/// The nonces that were issued: how often each was used, and the highest count it came with.
#[derive(Default)]
pub(super) struct Nonces {
    issued: Mutex<HashMap<String, (u64, u64)>>,
}

impl Nonces {
    pub(super) fn issue(&self) -> String {
        let mut random = [0; 16];
        SystemRandom::new().fill(&mut random).expect("the system has random numbers");
        let nonce = hex(&random);
        let mut issued = self.issued.lock().expect("no thread panics while it holds this lock");
        if issued.len() >= NONCES {
            issued.clear();
        }
        issued.insert(nonce.clone(), (0, 0));
        nonce
    }

    /// Counts a use. `false` when the nonce is unknown, used up, or counted backwards.
    fn count(&self, nonce: &str, count: Option<u64>, uses: u64) -> bool {
        let mut issued = self.issued.lock().expect("no thread panics while it holds this lock");
        let Some((used, highest)) = issued.get_mut(nonce) else { return false };
        if *used >= uses || count.is_some_and(|count| count <= *highest) {
            return false;
        }
        *used += 1;
        *highest = count.unwrap_or(*highest);
        true
    }
}

pub(super) enum Verdict {
    /// With the value of Authentication-Info (RFC 7616 §3.5).
    Accepted(String),
    Refused,
    /// The credentials are right, but for a nonce that is not good any more.
    Stale,
}

pub(super) fn check(
    nonces: &Nonces,
    challenge: &Challenge<'_>,
    request: &Request,
    credentials: &str,
    user: &str,
    password: &str,
) -> Verdict {
    accept(nonces, challenge, request, &parameters(credentials), user, password).unwrap_or(Verdict::Refused)
}

fn accept(
    nonces: &Nonces,
    challenge: &Challenge<'_>,
    request: &Request,
    given: &HashMap<String, String>,
    user: &str,
    password: &str,
) -> Option<Verdict> {
    let algorithm = challenge.algorithm;
    let get = |name: &str| given.get(name).map(String::as_str);
    let is_ours = get("username")? == user
        && get("realm")? == REALM
        && get("uri")? == request.target
        && get("opaque") == Some("whimbrel")
        && Algorithm::of_name(get("algorithm").unwrap_or("MD5")) == Some(algorithm);
    let offered = match get("qop") {
        Some(qop) => challenge.qop.split(',').any(|offered| offered == qop),
        None => challenge.qop.is_empty(),
    };
    if !is_ours || !offered {
        return None;
    }
    let (nonce, uri) = (get("nonce")?, get("uri")?);
    let mut secret = algorithm.hash(format!("{user}:{REALM}:{password}"));
    if algorithm.session {
        secret = algorithm.hash(format!("{secret}:{nonce}:{}", get("cnonce")?));
    }
    let body = algorithm.hash(&request.body.kept);
    let of_action = |action: String| match get("qop") {
        Some("auth-int") => algorithm.hash(format!("{action}:{body}")),
        _ => algorithm.hash(action),
    };
    let answer = |action: String| -> Option<String> {
        Some(match get("qop") {
            Some(qop) => {
                let (count, cnonce) = (get("nc")?, get("cnonce")?);
                algorithm.hash(format!("{secret}:{nonce}:{count}:{cnonce}:{qop}:{}", of_action(action)))
            }
            None => algorithm.hash(format!("{secret}:{nonce}:{}", of_action(action))),
        })
    };
    if !get("response")?.eq_ignore_ascii_case(&answer(format!("{}:{uri}", request.method))?) {
        return None;
    }
    let count = match get("nc") {
        Some(count) if count.len() == 8 => Some(u64::from_str_radix(count, 16).ok()?),
        Some(_) => return None,
        None => None,
    };
    if !nonces.count(nonce, count, challenge.uses) {
        return Some(Verdict::Stale);
    }
    Some(Verdict::Accepted(match (get("qop"), get("nc"), get("cnonce")) {
        // The reply's own content is not hashed into it: rspauth is sent for "auth" only.
        (Some("auth"), Some(count), Some(cnonce)) => {
            format!("rspauth=\"{}\", qop=auth, cnonce=\"{cnonce}\", nc={count}", answer(format!(":{uri}"))?)
        }
        _ => format!("nextnonce=\"{}\"", nonces.issue()),
    }))
}

/// Reads `name=value` and `name="value"`, separated by commas. `username*` (RFC 8187) becomes `username`.
fn parameters(text: &str) -> HashMap<String, String> {
    let mut found = HashMap::new();
    let mut rest = text;
    while let Some((name, behind)) = rest.split_once('=') {
        let name = name.trim_matches([' ', ',', '\t']).to_ascii_lowercase();
        let mut value = String::new();
        let quoted = behind.starts_with('"');
        let mut escaped = false;
        let mut end = behind.len();
        for (at, c) in behind.char_indices().skip(usize::from(quoted)) {
            match c {
                _ if escaped => {
                    value.push(c);
                    escaped = false;
                }
                '\\' if quoted => escaped = true,
                '"' if quoted => {
                    end = at + 1;
                    break;
                }
                ',' if !quoted => {
                    end = at;
                    break;
                }
                _ => value.push(c),
            }
        }
        rest = &behind[end..];
        match (name.strip_suffix('*'), value.to_ascii_lowercase().strip_prefix("utf-8''")) {
            (Some(name), Some(_)) => {
                let decoded = percent_encoding::percent_decode_str(&value[7..]).decode_utf8_lossy().into_owned();
                found.insert(name.to_owned(), decoded);
            }
            _ => {
                found.insert(name, if quoted { value } else { value.trim().to_owned() });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hashes_are_those_of_the_rfcs_examples() {
        // RFC 7616 §3.9.1.
        let answer = |algorithm: Algorithm| {
            let secret = algorithm.hash("Mufasa:http-auth@example.org:Circle of Life");
            let action = algorithm.hash("GET:/dir/index.html");
            let nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v";
            let cnonce = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";
            algorithm.hash(format!("{secret}:{nonce}:00000001:{cnonce}:auth:{action}"))
        };
        assert_eq!(answer(Algorithm::of_name("MD5").unwrap()), "8ca523f5e9506fed4657c9700eebdbec");
        let sha256 = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";
        assert_eq!(answer(Algorithm::of_name("SHA-256").unwrap()), sha256);
    }

    #[test]
    fn a_nonce_is_never_counted_backwards() {
        let nonces = Nonces::default();
        let nonce = nonces.issue();
        assert!(nonces.count(&nonce, Some(1), u64::MAX));
        assert!(!nonces.count(&nonce, Some(1), u64::MAX));
        assert!(nonces.count(&nonce, Some(2), u64::MAX));
        assert!(!nonces.count("unknown", Some(1), u64::MAX));
    }
}
