//! The storage model of RFC 6265bis §5.7 and its retrieval (§5.8). Pure: the time comes in, and no file is touched.
//!
//! Cookies are kept by the name that one registrant owns ([`scope::site`]): what a host may see, and what counts for its
//! limit, is in one place.

use std::collections::HashMap;
use std::time::SystemTime;

use super::parse::Said;
use super::{Cookie, Refusal, parse, scope};

/// How many cookies one registrant's names may have together.
pub(super) const SITE_LIMIT: usize = 180;

/// How many cookies there may be in all.
pub(super) const TOTAL_LIMIT: usize = 3000;

/// How many bytes of cookies a request carries: more than most servers take.
pub(super) const FIELD_LIMIT: usize = 8190;

/// Where cookies are set from or sent to: what counts of a URL.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) host: &'a str,
    /// Without the query.
    pub(super) path: &'a str,
    /// Over TLS.
    pub(super) secure: bool,
}

#[derive(Default)]
pub(super) struct Store {
    sites: HashMap<Box<str>, Vec<Entry>>,
    count: usize,
    /// Counts what happens: the order of creations and uses needs no clock.
    turn: u64,
    /// Whether anything was stored or removed.
    pub(super) is_changed: bool,
}

struct Entry {
    cookie: Cookie,
    created: u64,
    used: u64,
}

impl Entry {
    fn is_expired(&self, now: SystemTime) -> bool {
        self.cookie.is_expired(now)
    }
}

impl Store {
    pub(super) fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Stores what a response from `place` says in one `Set-Cookie`, or says why not.
    pub(super) fn set(&mut self, place: Place<'_>, field: &[u8], now: SystemTime) -> Result<(), Refusal> {
        let said = parse::parse(field, now)?;
        if said.secure && !place.secure {
            return Err(Refusal("it is Secure, but the URL isn't https"));
        }
        scope::check_prefix(said.name, said.value, scope::keeps_host_rules(&said), said.secure)?;
        let (domain, host_only) = scope::domain(place.host, said.domain)?;
        let Said { name, value, secure, http_only, same_site, expires, .. } = said;
        let cookie = Cookie {
            name: name.into(),
            value: value.into(),
            domain: domain.into(),
            host_only,
            path: said.path.unwrap_or_else(|| scope::default_path(place.path)).into(),
            secure,
            http_only,
            same_site,
            expires,
        };
        if !cookie.secure && !place.secure && self.would_shadow_a_secure_one(&cookie, now) {
            return Err(Refusal("a Secure cookie of that name is there, which only https may replace"));
        }
        self.put(cookie, now);
        Ok(())
    }

    /// "Leave Secure cookies alone" (RFC 6265bis §5.7).
    fn would_shadow_a_secure_one(&self, new: &Cookie, now: SystemTime) -> bool {
        self.sites.get(scope::site(&new.domain)).is_some_and(|entries| {
            entries.iter().filter(|entry| !entry.is_expired(now)).any(|Entry { cookie: old, .. }| {
                old.secure
                    && old.name == new.name
                    && (scope::domain_matches(&old.domain, &new.domain)
                        || scope::domain_matches(&new.domain, &old.domain))
                    && scope::path_matches(&new.path, &old.path)
            })
        })
    }

    /// Stores a cookie in the place of the one with its name, domain and path. An expired one only removes that.
    pub(super) fn put(&mut self, cookie: Cookie, now: SystemTime) {
        self.turn += 1;
        let site: Box<str> = scope::site(&cookie.domain).into();
        let entries = self.sites.entry(site.clone()).or_default();
        let before = entries.len();
        let mut created = self.turn;
        entries.retain(|entry| {
            let is_same = entry.cookie.is_same(&cookie);
            if is_same {
                created = entry.created;
            }
            !is_same && !entry.is_expired(now)
        });
        let is_new = !cookie.is_expired(now);
        self.is_changed |= is_new || entries.len() < before;
        if is_new {
            entries.push(Entry { cookie, created, used: self.turn });
        }
        while entries.len() > SITE_LIMIT {
            // What came without TLS must not push out what came with it.
            let oldest = entries.iter().enumerate().min_by_key(|(_, entry)| (entry.cookie.secure, entry.used));
            let Some((index, _)) = oldest else { break };
            entries.remove(index);
        }
        let after = entries.len();
        if after == 0 {
            self.sites.remove(&site);
        }
        self.count = self.count + after - before;
        if self.count > TOTAL_LIMIT {
            self.purge(now);
        }
        while self.count > TOTAL_LIMIT {
            self.evict();
        }
    }

    fn evict(&mut self) {
        let all = self.sites.iter().flat_map(|(site, entries)| entries.iter().map(move |entry| (site, entry)));
        let Some((site, used)) =
            all.min_by_key(|(_, entry)| entry.used).map(|(site, entry)| (site.clone(), entry.used))
        else {
            return;
        };
        if let Some(entries) = self.sites.get_mut(&site) {
            entries.retain(|entry| entry.used != used);
        }
        self.tidy();
    }

    fn purge(&mut self, now: SystemTime) {
        for entries in self.sites.values_mut() {
            entries.retain(|entry| !entry.is_expired(now));
        }
        self.tidy();
    }

    fn tidy(&mut self) {
        self.sites.retain(|_, entries| !entries.is_empty());
        self.count = self.sites.values().map(Vec::len).sum();
    }

    /// The value of `Cookie` for a request to `place`: longer paths first, then older cookies (RFC 6265bis §5.8).
    pub(super) fn header(&mut self, place: Place<'_>, now: SystemTime) -> Option<String> {
        let entries = self.sites.get_mut(scope::site(place.host))?;
        let mut seen: Vec<_> = entries.iter_mut().filter(|entry| entry.cookie.is_for(place, now)).collect();
        seen.sort_by(|a, b| b.cookie.path.len().cmp(&a.cookie.path.len()).then(a.created.cmp(&b.created)));
        let mut field = String::new();
        for entry in seen {
            let Cookie { name, value, .. } = &entry.cookie;
            let separator = if field.is_empty() { "" } else { "; " };
            let equals = if name.is_empty() { "" } else { "=" };
            if field.len() + separator.len() + name.len() + equals.len() + value.len() > FIELD_LIMIT {
                break;
            }
            field.extend([separator, name, equals, value]);
            self.turn += 1;
            entry.used = self.turn;
        }
        (!field.is_empty()).then_some(field)
    }

    /// All that have not expired, oldest first.
    pub(super) fn list(&self, now: SystemTime) -> Vec<Cookie> {
        let mut entries: Vec<_> = self.sites.values().flatten().filter(|entry| !entry.is_expired(now)).collect();
        entries.sort_by_key(|entry| entry.created);
        entries.into_iter().map(|entry| entry.cookie.clone()).collect()
    }

    pub(super) fn len(&self, now: SystemTime) -> usize {
        self.sites.values().flatten().filter(|entry| !entry.is_expired(now)).count()
    }

    pub(super) fn remove(&mut self, domain: &str, path: &str, name: &str) -> bool {
        let Some(entries) = self.sites.get_mut(scope::site(domain)) else { return false };
        let before = entries.len();
        entries.retain(|Entry { cookie, .. }| cookie.domain != domain || cookie.path != path || cookie.name != name);
        let is_gone = entries.len() < before;
        self.is_changed |= is_gone;
        self.tidy();
        is_gone
    }

    pub(super) fn clear(&mut self) {
        self.is_changed |= self.count > 0;
        self.sites.clear();
        self.count = 0;
    }
}

impl Cookie {
    fn is_expired(&self, now: SystemTime) -> bool {
        self.expires.is_some_and(|at| at <= now)
    }

    /// What a new cookie replaces (RFC 6265bis §5.7).
    fn is_same(&self, other: &Self) -> bool {
        self.name == other.name
            && self.domain == other.domain
            && self.host_only == other.host_only
            && self.path == other.path
    }

    fn is_for(&self, place: Place<'_>, now: SystemTime) -> bool {
        let is_in_domain =
            if self.host_only { self.domain == place.host } else { scope::domain_matches(place.host, &self.domain) };
        is_in_domain
            && scope::path_matches(place.path, &self.path)
            && (!self.secure || place.secure)
            && !self.is_expired(now)
    }
}

#[cfg(test)]
mod tests;
