//! Which endpoint answers which path, and with which methods.

use super::connection::Site;
use super::reply::Reply;
use super::request::Request;
use super::{auth, bytes, caching, coding, content, cookies, events, inspect, range, redirect, rest, status};

const READ: &[&str] = &["GET", "HEAD"];
const ANY: &[&str] = &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE"];

/// Answers a request that has been read completely.
pub(super) fn answer(site: &Site, request: &Request) -> Reply {
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    let Some(methods) = methods(&path) else {
        return Reply::refusal(404, "There is no such endpoint. GET / lists those that there are.");
    };
    // `/anything` takes every method, also those that nobody has heard of.
    let open = path[..].first() == Some(&"anything");
    if request.method == "OPTIONS" && !open {
        return Reply::new(200).field("Allow", allow(methods));
    }
    if !open && !methods.contains(&request.method.as_str()) {
        return Reply::refusal(405, "This endpoint does not take that method; the field Allow lists those it takes.")
            .field("Allow", allow(methods));
    }
    endpoint(site, request, &path).unwrap_or_else(|why| Reply::refusal(400, why))
}

/// Whether the head alone says that this request will be refused, so that its body need not come.
pub(super) fn refuses_by_head(request: &Request) -> bool {
    let segments = request.segments();
    let path: Vec<&str> = segments.iter().map(String::as_str).collect();
    match path[..] {
        ["status", code] => matches!(code.parse(), Ok(400..=599_u16)),
        _ => methods(&path).is_none(),
    }
}

fn allow(methods: &[&str]) -> String {
    format!("{}, OPTIONS", methods.join(", "))
}

fn methods(path: &[&str]) -> Option<&'static [&'static str]> {
    Some(match path {
        // The last two are where the examples of a widely read manual post to.
        ["post" | "formhandler.php" | "restapi.php"] => &["POST"],
        ["put"] => &["PUT"],
        ["patch"] => &["PATCH"],
        ["delete"] => &["DELETE"],
        ["anything", ..] => ANY,
        ["status", _] | ["redirect-to"] | ["delay", _] => ANY,
        ["response-headers"] => &["GET", "HEAD", "POST"],
        [] | ["get" | "headers" | "ip" | "user-agent" | "bearer" | "uuid" | "html" | "json" | "xml" | "robots.txt"] => {
            READ
        }
        ["gzip" | "deflate" | "brotli" | "zstd" | "stream-bytes" | "drip" | "sse" | "cache" | "image"]
            if path.len() == 1 =>
        {
            READ
        }
        ["redirect" | "relative-redirect" | "absolute-redirect", _] => READ,
        ["cookies"] | ["cookies", "set" | "delete"] | ["cookies", "set", _, _] => READ,
        ["basic-auth" | "hidden-basic-auth", _, _] => READ,
        ["digest-auth", _, _, _] | ["digest-auth", _, _, _, _] | ["digest-auth", _, _, _, _, _] => READ,
        ["stream" | "stream-bytes" | "range" | "bytes" | "etag" | "cache" | "image", _] => READ,
        ["encoding", "utf8"] => READ,
        _ => return rest::methods(path),
    })
}

/// Answers, or says what is wrong with the path or the query.
fn endpoint(site: &Site, request: &Request, path: &[&str]) -> Result<Reply, String> {
    match *path {
        [] => Ok(content::index()),
        ["get"] => Ok(inspect::get(request)),
        ["post" | "put" | "patch" | "delete"] => Ok(inspect::with_body(request)),
        ["anything", ..] | ["formhandler.php" | "restapi.php"] => Ok(inspect::anything(request)),
        ["headers"] => Ok(inspect::headers(request)),
        ["ip"] => Ok(inspect::ip(request)),
        ["user-agent"] => Ok(inspect::user_agent(request)),
        ["response-headers"] => status::response_headers(request),
        ["status", codes] => status::status(codes),
        ["redirect", count] => redirect::chain(request, count),
        ["relative-redirect", count] => redirect::relative(count),
        ["absolute-redirect", count] => redirect::absolute(request, count),
        ["redirect-to"] => redirect::to(request),
        ["cookies"] => Ok(cookies::show(request)),
        ["cookies", "set"] => cookies::set(&request.query()),
        ["cookies", "set", name, value] => cookies::set(&[(name.to_owned(), value.to_owned())]),
        ["cookies", "delete"] => cookies::delete(&request.query()),
        ["basic-auth", user, password] => Ok(auth::basic(request, user, password, 401)),
        ["hidden-basic-auth", user, password] => Ok(auth::basic(request, user, password, 404)),
        ["bearer"] => Ok(auth::bearer(request)),
        ["digest-auth", qop, user, password, ref rest @ ..] => auth::digest(site, request, qop, user, password, rest),
        ["gzip" | "deflate" | "brotli" | "zstd"] => Ok(coding::coded(request, path[0])),
        ["stream", count] => inspect::stream(request, count),
        ["stream-bytes", count] => bytes::stream(request, count),
        ["bytes", count] => bytes::whole(request, count),
        ["drip"] => bytes::drip(request),
        ["sse"] => events::stream(request),
        ["delay", seconds] => bytes::delay(request, seconds),
        ["range", count] => range::range(request, count),
        ["etag", tag] => Ok(caching::etag(request, tag)),
        ["cache"] => Ok(caching::cache(request)),
        ["cache", seconds] => caching::max_age(request, seconds),
        ["image"] => content::image(request),
        ["image", format] => content::image_as(format),
        ["html"] => Ok(content::html()),
        ["json"] => Ok(content::json()),
        ["xml"] => Ok(content::xml()),
        ["robots.txt"] => Ok(content::robots()),
        ["uuid"] => Ok(content::uuid()),
        ["encoding", "utf8"] => Ok(content::utf8()),
        _ if rest::methods(path).is_some() => Ok(rest::answer(&site.rest, request, path)),
        _ => Err("There is no such endpoint. GET / lists those that there are.".to_owned()),
    }
}

/// Reads a number of the path or the query.
pub(super) fn number<T: std::str::FromStr>(what: &str, text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("{what} is a whole number that is not negative and not too large, not {text:?}."))
}

/// Reads a time in seconds, at most ten minutes.
pub(super) fn seconds(what: &str, text: &str) -> Result<std::time::Duration, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.0..=600.0).contains(seconds));
    let seconds = seconds.ok_or_else(|| format!("{what} is a number of seconds between 0 and 600, not {text:?}."))?;
    Ok(std::time::Duration::from_secs_f64(seconds))
}
