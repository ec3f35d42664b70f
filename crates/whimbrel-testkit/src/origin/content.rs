//! Fixed representations: pages, images, JSON, XML, text, and a list of all endpoints.

use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::json;

use super::reply::Reply;
use super::request::{Request, hex};

const INDEX: &str = include_str!("index.html");
const UTF8: &str = include_str!("utf8.html");
const PNG: &[u8] = include_bytes!("pixel.png");

const SVG: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 16 16\">\
    <path d=\"M1 9c4-6 8-6 14 1-5-2-9-1-14-1z\" fill=\"#6b5a45\"/></svg>\n";

pub(super) fn index() -> Reply {
    page(INDEX)
}

pub(super) fn html() -> Reply {
    page(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<title>The whimbrel</title>\n<h1>The whimbrel</h1>\n\
         <p>A wader with a long, curved bill that crosses oceans without landing.</p>\n</html>\n",
    )
}

pub(super) fn utf8() -> Reply {
    page(UTF8)
}

fn page(text: &'static str) -> Reply {
    Reply::whole("text/html; charset=utf-8", text)
}

pub(super) fn json() -> Reply {
    Reply::json(&json!({
        "slideshow": {
            "author": "Whimbrel",
            "date": "date of publication",
            "slides": [
                { "title": "Waders", "type": "all" },
                { "items": ["Bills are <em>long</em>", "Legs are too"], "title": "Overview", "type": "all" },
            ],
            "title": "Sample Slide Show",
        },
    }))
}

pub(super) fn xml() -> Reply {
    let text = "<?xml version='1.0' encoding='us-ascii'?>\n\
                <slideshow title=\"Sample Slide Show\" author=\"Whimbrel\">\n  \
                <slide type=\"all\"><title>Waders</title></slide>\n</slideshow>\n";
    Reply::whole("application/xml", text)
}

pub(super) fn robots() -> Reply {
    Reply::whole("text/plain", "User-agent: *\nDisallow: /deny\n")
}

/// A random UUID (RFC 9562 §5.4).
pub(super) fn uuid() -> Reply {
    let mut bytes = [0; 16];
    SystemRandom::new().fill(&mut bytes).expect("the system has random numbers");
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let digits = hex(&bytes);
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    Reply::json(&json!({ "uuid": parts.join("-") }))
}

/// The image that Accept asks for: PNG unless SVG is named and PNG is not.
pub(super) fn image(request: &Request) -> Result<Reply, String> {
    let accept = request.field("Accept").unwrap_or("*/*");
    let lists =
        |media_type: &str| accept.split(',').any(|range| range.split(';').next().unwrap_or("").trim() == media_type);
    match (lists("image/png") || lists("image/*") || lists("*/*"), lists("image/svg+xml")) {
        (true, _) => image_as("png"),
        (false, true) => image_as("svg"),
        (false, false) => Ok(Reply::refusal(406, "The images here are image/png and image/svg+xml.")),
    }
}

pub(super) fn image_as(format: &str) -> Result<Reply, String> {
    match format {
        "png" => Ok(Reply::whole("image/png", PNG)),
        "svg" => Ok(Reply::whole("image/svg+xml", SVG)),
        _ => Err("The images here are /image/png and /image/svg.".to_owned()),
    }
}
