//! The cookies of a session as a script sees them.

use std::time::{SystemTime, UNIX_EPOCH};

use godot::prelude::*;
use whimbrel::{Cookie, CookieJar, SameSite};

/// All that have not expired, oldest first.
pub(super) fn list(jar: &CookieJar) -> Array<VarDictionary> {
    jar.list().iter().map(dictionary).collect()
}

fn dictionary(cookie: &Cookie) -> VarDictionary {
    let same_site = match cookie.same_site {
        Some(SameSite::Strict) => "Strict",
        Some(SameSite::Lax) => "Lax",
        Some(SameSite::None) => "None",
        None => "",
    };
    vdict! {
        "name" => cookie.name.as_str(),
        "value" => cookie.value.as_str(),
        "domain" => cookie.domain.as_str(),
        "path" => cookie.path.as_str(),
        "host_only" => cookie.host_only,
        "secure" => cookie.secure,
        "http_only" => cookie.http_only,
        "same_site" => same_site,
        "expires" => cookie.expires.map_or(-1, seconds),
    }
}

fn seconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
}
