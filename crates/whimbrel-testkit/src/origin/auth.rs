//! The endpoints that want credentials: Basic (RFC 7617), Bearer (RFC 6750), Digest (RFC 7616).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::connection::Site;
use super::digest::{self, Algorithm, Challenge, Verdict};
use super::reply::Reply;
use super::request::Request;
use super::route::number;

/// `refusal` is the status for those without the right credentials: 401 with a challenge, or 404 without one.
pub(super) fn basic(request: &Request, user: &str, password: &str, refusal: u16) -> Reply {
    let wanted = format!("{user}:{password}");
    let given = credentials(request, "Basic").and_then(|text| STANDARD.decode(text).ok());
    match (given.as_deref() == Some(wanted.as_bytes()), refusal) {
        (true, _) => welcome(user),
        (false, 401) => Reply::new(401).field("WWW-Authenticate", "Basic realm=\"Fake Realm\""),
        (false, status) => Reply::new(status),
    }
}

pub(super) fn bearer(request: &Request) -> Reply {
    match credentials(request, "Bearer") {
        Some(token) if !token.is_empty() => Reply::json(&json!({ "authenticated": true, "token": token })),
        _ => Reply::new(401).field("WWW-Authenticate", "Bearer"),
    }
}

/// `rest` is the algorithm (MD5 unless given) and for how many requests a nonce is good (without limit unless given).
pub(super) fn digest(
    site: &Site,
    request: &Request,
    qop: &str,
    user: &str,
    password: &str,
    rest: &[&str],
) -> Result<Reply, String> {
    let algorithm = Algorithm::of_name(rest.first().copied().unwrap_or("MD5"))
        .ok_or("The algorithm is MD5, SHA-256 or SHA-512-256, each also with -sess.")?;
    let uses = match rest.get(1).copied() {
        None | Some("never") => u64::MAX,
        Some(text) => number("The number of requests for which a nonce is good", text)?,
    };
    let qop = match qop {
        "auth" | "auth-int" => qop,
        "none" => "",
        _ => "auth,auth-int",
    };
    let challenge = Challenge { algorithm, qop, uses };
    let verdict = match credentials(request, "Digest") {
        Some(given) => digest::check(&site.nonces, &challenge, request, given, user, password),
        None => Verdict::Refused,
    };
    Ok(match verdict {
        Verdict::Accepted(info) => welcome(user).field("Authentication-Info", info),
        Verdict::Refused => refusal(site, &challenge, false),
        Verdict::Stale => refusal(site, &challenge, true),
    })
}

fn refusal(site: &Site, challenge: &Challenge<'_>, stale: bool) -> Reply {
    Reply::new(401).field("WWW-Authenticate", challenge.field_value(&site.nonces.issue(), stale))
}

fn welcome(user: &str) -> Reply {
    Reply::json(&json!({ "authenticated": true, "user": user }))
}

/// What stands behind the scheme's name in the field Authorization.
fn credentials<'a>(request: &'a Request, scheme: &str) -> Option<&'a str> {
    let (name, rest) = request.field("Authorization")?.split_once(' ')?;
    name.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}
