//! The endpoints that answer with what they were asked, in httpbin's shapes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::form::{self, Form};
use super::reply::{Piece, Reply};
use super::request::Request;
use super::route::number;

pub(super) fn get(request: &Request) -> Reply {
    Reply::json(&described(request))
}

fn described(request: &Request) -> Value {
    json!({
        "args": pairs(request.query()),
        "headers": fields(request),
        "origin": request.peer.to_string(),
        "url": request.url(),
    })
}

pub(super) fn with_body(request: &Request) -> Reply {
    Reply::json(&Value::Object(with_body_object(request)))
}

pub(super) fn anything(request: &Request) -> Reply {
    let mut object = with_body_object(request);
    object.insert("method".to_owned(), request.method.as_str().into());
    object.sort_keys();
    Reply::json(&Value::Object(object))
}

fn with_body_object(request: &Request) -> Map<String, Value> {
    let body = &request.body;
    let complete = body.length == body.kept.len() as u64;
    let content_type = request.field("Content-Type").unwrap_or_default();
    let form = if complete { form::parse(content_type, &body.kept) } else { None };
    let json = serde_json::from_slice(&body.kept).ok().filter(|_| complete && !body.kept.is_empty());
    let data = match &form {
        None if complete => text_or_data_url(&body.kept, "application/octet-stream"),
        _ => String::new(),
    };
    let Form { fields: form, files } = form.unwrap_or_default();
    let files =
        files.into_iter().map(|file| (file.name, text_or_data_url(&file.content, &file.content_type))).collect();
    let mut object = Map::new();
    object.insert("args".to_owned(), pairs(request.query()));
    object.insert("data".to_owned(), data.into());
    object.insert("files".to_owned(), pairs(files));
    object.insert("form".to_owned(), pairs(form));
    object.insert("headers".to_owned(), fields(request));
    object.insert("json".to_owned(), json.unwrap_or(Value::Null));
    if !complete {
        // Too large to echo: what it was can still be checked.
        object.insert("length".to_owned(), body.length.into());
    }
    object.insert("origin".to_owned(), request.peer.to_string().into());
    if !complete {
        object.insert("sha256".to_owned(), body.sha256.as_str().into());
    }
    object.insert("url".to_owned(), request.url().into());
    object
}

pub(super) fn headers(request: &Request) -> Reply {
    Reply::json(&json!({ "headers": fields(request) }))
}

pub(super) fn ip(request: &Request) -> Reply {
    Reply::json(&json!({ "origin": request.peer.to_string() }))
}

pub(super) fn user_agent(request: &Request) -> Reply {
    Reply::json(&json!({ "user-agent": request.field("User-Agent") }))
}

/// As many lines of JSON as asked for, at most 100, each a piece of its own.
pub(super) fn stream(request: &Request, count: &str) -> Result<Reply, String> {
    let count: u64 = number("The number of lines", count)?;
    let mut line = described(request);
    let lines = (0..count.min(100)).map(move |id| {
        line["id"] = id.into();
        Piece::Data(format!("{line}\n").into())
    });
    Ok(Reply::pieces("application/json", None, lines))
}

/// The fields as httpbin shows them: names in Train-Case and sorted, values of one name joined.
pub(super) fn fields(request: &Request) -> Value {
    let mut object = Map::new();
    for (name, value) in &request.fields {
        match object.entry(train_case(name)) {
            serde_json::map::Entry::Vacant(entry) => {
                entry.insert(value.as_str().into());
            }
            serde_json::map::Entry::Occupied(mut entry) => {
                let joined = format!("{},{value}", entry.get().as_str().unwrap_or_default());
                entry.insert(joined.into());
            }
        }
    }
    object.sort_keys();
    Value::Object(object)
}

fn train_case(name: &str) -> String {
    let word = |word: &str| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_ascii_uppercase() + &rest.to_ascii_lowercase()
    };
    name.split('-').map(word).collect::<Vec<_>>().join("-")
}

/// Pairs as an object: a name that comes more than once has a list.
fn pairs(pairs: Vec<(String, String)>) -> Value {
    let mut object = Map::new();
    for (name, value) in pairs {
        match object.get_mut(&name) {
            None => {
                object.insert(name, value.into());
            }
            Some(Value::Array(values)) => values.push(value.into()),
            Some(first) => *first = json!([first.take(), value]),
        }
    }
    Value::Object(object)
}

fn text_or_data_url(content: &[u8], content_type: &str) -> String {
    match std::str::from_utf8(content) {
        Ok(text) => text.to_owned(),
        Err(_) => format!("data:{content_type};base64,{}", STANDARD.encode(content)),
    }
}
