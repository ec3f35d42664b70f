//! Replies of a wished-for status, and with wished-for fields.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Map, Value};

use super::reply::Reply;
use super::request::Request;

/// `200`, or several as `200,503` in turn, or weighted as `200:3,503:1`. 1xx is sent ahead of a 200.
pub(super) fn status(codes: &str) -> Result<Reply, String> {
    let mut choices = Vec::new();
    for choice in codes.split(',') {
        let (code, weight) = choice.split_once(':').unwrap_or((choice, "1"));
        let code = code.trim().parse::<u16>().ok().filter(|code| (100..=999).contains(code) && *code != 101);
        let code = code.ok_or("A status is a number from 100 to 999, but not 101, which switches protocols.")?;
        let weight = weight.trim().parse::<usize>().ok().filter(|weight| (1..=100).contains(weight));
        choices.resize(choices.len() + weight.ok_or("A weight is a whole number from 1 to 100.")?, code);
    }
    // In turn rather than at random: a test can count on it.
    static TURN: AtomicUsize = AtomicUsize::new(0);
    let turn = if choices.len() > 1 { TURN.fetch_add(1, Ordering::Relaxed) } else { 0 };
    Ok(of_status(choices[turn % choices.len()]))
}

fn of_status(code: u16) -> Reply {
    let reply = Reply::new(code);
    match code {
        100..=199 => Reply { informational: vec![code], ..Reply::new(200) },
        301 | 302 | 303 | 305 | 307 | 308 => reply.field("Location", "/redirect/1"),
        401 => reply.field("WWW-Authenticate", "Basic realm=\"Fake Realm\""),
        407 => reply.field("Proxy-Authenticate", "Basic realm=\"Fake Realm\""),
        418 => Reply::refusal(418, "The tea is short and stout."),
        _ => reply,
    }
}

/// The query's pairs as fields of the reply, and as its JSON.
pub(super) fn response_headers(request: &Request) -> Result<Reply, String> {
    const OURS: [&str; 4] = ["content-length", "transfer-encoding", "connection", "date"];
    let mut object = Map::new();
    let mut fields = Vec::new();
    for (name, value) in request.query() {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(is_token) || OURS.contains(&name.to_ascii_lowercase().as_str()) {
            return Err(format!("{name:?} cannot be a field here: pass a token that does not frame the reply."));
        }
        match object.get_mut(&name) {
            None => {
                object.insert(name.clone(), value.as_str().into());
            }
            Some(Value::Array(values)) => values.push(value.as_str().into()),
            Some(first) => *first = Value::Array(vec![first.take(), value.as_str().into()]),
        }
        fields.push((name, value));
    }
    let mut reply = Reply::json(&Value::Object(object));
    for (name, value) in fields {
        if name.eq_ignore_ascii_case("Content-Type") {
            reply.fields.retain(|(field, _)| field != "Content-Type");
        }
        reply = reply.field(&name, value);
    }
    Ok(reply)
}
