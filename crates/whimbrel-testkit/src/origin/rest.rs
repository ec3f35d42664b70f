//! A small REST API beside httpbin's endpoints, for examples that create, update and delete: the collections `/users`
//! and `/items`, and `/data`, `/submit`, `/register`, `/create` as a web page's snippets ask for them.
//!
//! Everything lives in memory and in one origin. Each collection begins with an entry 123.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use serde_json::{Map, Value, json};

use super::reply::Reply;
use super::request::Request;

/// An origin that runs for long keeps this many entries a collection; the oldest goes first.
const ENTRIES: usize = 1000;
/// The largest entry.
const ENTRY_BYTES: u64 = 64 * 1024;

/// What an origin's REST API holds.
pub(super) struct Rest {
    users: Mutex<Collection>,
    items: Mutex<Collection>,
}

struct Collection {
    path: &'static str,
    entries: BTreeMap<u64, Map<String, Value>>,
    next_id: u64,
}

impl Default for Rest {
    fn default() -> Self {
        Self {
            users: Mutex::new(Collection::new("users", json!({ "username": "bob", "email": "b@example.com" }))),
            items: Mutex::new(Collection::new("items", json!({ "name": "Original" }))),
        }
    }
}

/// The methods of a path that belongs to this API.
pub(super) fn methods(path: &[&str]) -> Option<&'static [&'static str]> {
    Some(match path {
        ["data"] => &["GET", "HEAD"],
        ["submit" | "register" | "create"] => &["POST"],
        ["users" | "items"] => &["GET", "HEAD", "POST"],
        ["users" | "items", _] => &["GET", "HEAD", "PUT", "PATCH", "DELETE"],
        _ => return None,
    })
}

/// Answers a request whose path and method [`methods`] has.
pub(super) fn answer(rest: &Rest, request: &Request, path: &[&str]) -> Reply {
    match *path {
        ["submit"] => compact(&json!({ "received": request.body.length })),
        ["register" | "create"] => lock(&rest.users).answer(request, None),
        ["users", ref below @ ..] => lock(&rest.users).answer(request, below.first().copied()),
        ["items", ref below @ ..] => lock(&rest.items).answer(request, below.first().copied()),
        _ => compact(&json!({ "message": "hello" })),
    }
}

impl Collection {
    fn new(path: &'static str, first: Value) -> Self {
        let first = first.as_object().cloned().unwrap_or_default();
        Self { path, entries: BTreeMap::from([(123, first)]), next_id: 124 }
    }

    fn answer(&mut self, request: &Request, id: Option<&str>) -> Reply {
        let method = request.method.as_str();
        let Some(id) = id else {
            return match method {
                "POST" => self.create(request).unwrap_or_else(|refusal| refusal),
                _ => compact(&self.entries.iter().map(|(&id, entry)| shown(id, entry)).collect()),
            };
        };
        let Some((id, entry)) = id.parse().ok().and_then(|id| Some((id, self.entries.get_mut(&id)?))) else {
            return Reply::refusal(404, format!("/{} has no entry {id}.", self.path));
        };
        match method {
            "DELETE" => {
                self.entries.remove(&id);
                return Reply::new(204);
            }
            "PUT" | "PATCH" => match object(request) {
                Ok(new) if method == "PUT" => *entry = new,
                Ok(new) => entry.extend(new),
                Err(refusal) => return refusal,
            },
            _ => {}
        }
        compact(&shown(id, entry))
    }

    fn create(&mut self, request: &Request) -> Result<Reply, Reply> {
        let entry = object(request)?;
        let id = self.next_id;
        self.next_id += 1;
        let reply = compact(&shown(id, &entry)).status(201).field("Location", format!("/{}/{id}", self.path));
        self.entries.insert(id, entry);
        if self.entries.len() > ENTRIES {
            self.entries.pop_first();
        }
        Ok(reply)
    }
}

/// On one line, as most APIs write it: what a script prints of it stays short.
fn compact(value: &Value) -> Reply {
    Reply::whole("application/json", value.to_string())
}

/// An entry with its id in front.
fn shown(id: u64, entry: &Map<String, Value>) -> Value {
    let mut shown = Map::from_iter([("id".to_owned(), id.into())]);
    shown.extend(entry.iter().filter(|(key, _)| *key != "id").map(|(key, value)| (key.clone(), value.clone())));
    Value::Object(shown)
}

/// The body as a JSON object.
fn object(request: &Request) -> Result<Map<String, Value>, Reply> {
    if request.body.length > ENTRY_BYTES || request.body.kept.len() as u64 != request.body.length {
        return Err(Reply::refusal(413, "An entry has at most 64 KiB."));
    }
    serde_json::from_slice(&request.body.kept)
        .map_err(|error| Reply::refusal(400, format!("The body should be a JSON object: {error}.")))
}

fn lock(collection: &Mutex<Collection>) -> MutexGuard<'_, Collection> {
    collection.lock().expect("no thread panics while it holds this lock")
}
