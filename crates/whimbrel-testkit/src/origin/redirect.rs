//! Redirects: chains of a wished-for length, relative and absolute, and one to anywhere.

use super::form;
use super::reply::Reply;
use super::request::Request;
use super::route::number;

pub(super) fn chain(request: &Request, count: &str) -> Result<Reply, String> {
    if request.parameter("absolute").is_some_and(|value| value.eq_ignore_ascii_case("true")) {
        return absolute(request, count);
    }
    // The first step of httpbin's chain goes on under its relative name.
    relative(count)
}

pub(super) fn relative(count: &str) -> Result<Reply, String> {
    Ok(found(&next(count, "relative-redirect")?))
}

pub(super) fn absolute(request: &Request, count: &str) -> Result<Reply, String> {
    Ok(found(&format!("{}://{}{}", request.scheme, request.authority(), next(count, "absolute-redirect")?)))
}

/// To the `url` of the query, or of a form, with `status_code` (302 unless given).
pub(super) fn to(request: &Request) -> Result<Reply, String> {
    let content_type = request.field("Content-Type").unwrap_or_default();
    let form = form::parse(content_type, &request.body.kept).unwrap_or_default().fields;
    let wanted = |name: &str| {
        let named = request.query().into_iter().chain(form.iter().cloned()).find(|(key, _)| key == name);
        named.map(|(_, value)| value)
    };
    let url = wanted("url").ok_or("Pass the target as the parameter url.")?;
    let status = match wanted("status_code") {
        Some(text) => number::<u16>("status_code", &text)?,
        None => 302,
    };
    if !(300..=399).contains(&status) {
        return Err("status_code is one from 300 to 399.".to_owned());
    }
    Ok(found(&url).status(status))
}

fn next(count: &str, name: &str) -> Result<String, String> {
    match number::<u32>("The number of redirects", count)? {
        0 => Err("The number of redirects is at least 1.".to_owned()),
        1 => Ok("/get".to_owned()),
        left => Ok(format!("/{name}/{}", left - 1)),
    }
}

fn found(location: &str) -> Reply {
    let page = "<!DOCTYPE html>\n<title>Redirecting</title>\n<p>The target is in the field Location.</p>\n";
    Reply::whole("text/html; charset=utf-8", page).status(302).field("Location", location)
}
