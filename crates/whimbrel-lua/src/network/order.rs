//! What a script said, as the request and the delivery that the engine takes: defaults, files, bodies and their types. A
//! mistake becomes a request that ends with it; only words that the library never took are refused at once.

use std::time::Duration;

use whimbrel::{Body, Delivery, Error, Progress, RequestBuilder, Result, Retry, confine};

use super::plan::Plan;
use super::{content, lane};
use crate::call::{self, Verb};
use crate::options::{self, DEFAULT_MAX_BODY, Options};
use crate::session::Session;

const USER_AGENT: &str = concat!("Whimbrel/", env!("CARGO_PKG_VERSION"));
const IDLE: Duration = Duration::from_secs(30);
const MAX_REDIRECTS: f64 = 10.0;

/// A request that can be started.
pub(super) struct Order {
    pub(super) request: RequestBuilder,
    pub(super) delivery: Delivery,
    /// Bytes of the request body, -1 where they are not known yet; `None` where the request is a mistake.
    pub(super) size: Option<i64>,
    /// The limit of the response body in bytes.
    pub(super) max_body: Option<u64>,
}

type Given = Option<Box<(Options, Plan)>>;

/// The request. An error is what the library refuses at once, in its words.
pub(super) fn order(
    session: &Session,
    evented: bool,
    url: &[u8],
    method: &[u8],
    given: Given,
) -> Result<Order, String> {
    let begin = || {
        let named = Options { method: Some(method.to_vec()), ..Options::default() };
        let method = named.method(Verb::Request)?;
        let request = call::begin(&session.client, &session.host, &method, options::url(url)?);
        Ok((if evented { with_defaults(request) } else { request }, method))
    };
    let broken = |error| {
        let request = session.client.request("GET", "http://localhost/").fail_with(error);
        Order { request, delivery: Delivery::memory(), size: None, max_body: None }
    };
    let (request, method) = match begin() {
        Ok(begun) => begun,
        Err(error) => return Ok(broken(error)),
    };
    let Some(mut given) = given else {
        let request = if evented { request.header("User-Agent", USER_AGENT) } else { request };
        let max_body = Some(DEFAULT_MAX_BODY);
        return Ok(Order {
            request: request.max_body(max_body),
            delivery: Delivery::memory(),
            size: Some(0),
            max_body,
        });
    };
    let (options, plan) = &mut *given;
    if evented {
        content::prepare(options, plan, &method)?;
        options.max_redirects.get_or_insert(MAX_REDIRECTS);
        options.allow_downgrade.get_or_insert(false);
        options.user_agent.get_or_insert_with(|| USER_AGENT.into());
        // That is the default here, whatever the script asks for.
        options.decompress = options.decompress.filter(|decompress| !decompress);
    }
    Ok(put_together(request, &method, options, plan).unwrap_or_else(broken))
}

/// What holds for requests of `network` where nothing else is said.
fn with_defaults(request: RequestBuilder) -> RequestBuilder {
    request
        .total_timeout(None)
        .idle_timeout(IDLE)
        .max_redirects(MAX_REDIRECTS as u32)
        .allow_downgrade(false)
        .decompress_always()
        .cookies(true)
}

fn put_together(request: RequestBuilder, method: &str, options: &Options, plan: &mut Plan) -> Result<Order> {
    let to_file = plan.file_name.is_some() || options.output.is_some();
    let max_body = options.max_body(to_file || plan.chunk.is_some());
    let mut request = options.apply(request.max_body(max_body), Verb::Request, method)?;
    let mut size = size_of(options);
    if matches!(method, "GET" | "HEAD") {
        size = 0;
    } else if let Some(body) = plan.body.take() {
        size = body.len() as i64;
        request = request.body(body);
    } else if let Some(name) = &plan.body_name {
        let (body, bytes) = file_to_send(name, plan)?;
        size = bytes;
        request = request.body(body);
    }
    if let Some(cookies) = plan.cookies {
        request = request.cookies(cookies);
    }
    if let Some(max) = plan.retry_max {
        request = request.retry(retry(max, plan));
    }
    Ok(Order { request, delivery: delivery(options, plan)?, size: Some(size), max_body })
}

/// Bytes of the body that `options` describe; -1 where only the engine knows.
fn size_of(options: &Options) -> i64 {
    match options {
        Options { json: Some(json), .. } => json.len() as i64,
        Options { form: Some(_), .. } => -1,
        Options { data: Some(data), .. } => data.len() as i64,
        _ => 0,
    }
}

/// The file that is the request body, and its size.
fn file_to_send(name: &[u8], plan: &Plan) -> Result<(Body, i64)> {
    let folder = |folder: &Option<Vec<u8>>| folder.as_deref().map(|folder| options::path("body", folder)).transpose();
    let name = options::text("body", name)?;
    let mut path = confine(&folder(&plan.body_folder)?.unwrap_or_default(), name)?;
    if let Some(other) = folder(&plan.body_else)?.filter(|_| !path.exists()) {
        let other = confine(&other, name)?;
        if other.exists() {
            path = other;
        }
    }
    let body = Body::file(&path)?;
    let size = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file).map_or(-1, |file| file.len() as i64);
    Ok((body, size))
}

/// The casts saturate.
fn retry(max: f64, plan: &Plan) -> Retry {
    let mut retry = Retry::new(max as u32);
    if let Some(seconds) = plan.retry_wait {
        retry = retry.first_wait(lane::duration(seconds));
    }
    if let Some(seconds) = plan.retry_max_wait {
        retry = retry.max_wait(lane::duration(seconds));
    }
    if let Some(statuses) = plan.retry_statuses {
        retry = retry.statuses(statuses);
    }
    retry
}

fn delivery(options: &Options, plan: &Plan) -> Result<Delivery> {
    let mut delivery = if let (Some(name), Some(folder)) = (&plan.file_name, &plan.file_folder) {
        let path = confine(&options::path("response", folder)?, options::text("response", name)?)?;
        Delivery::file(path).create_folders(true)
    } else if let Some(output) = &options.output {
        if output.is_empty() {
            return Err(Error::input("option 'output' is an empty path"));
        }
        Delivery::file(options::path("output", output)?).any_status(true)
    } else if let Some(limit) = plan.chunk {
        Delivery::chunks(limit as usize)
    } else {
        Delivery::memory()
    };
    delivery = delivery.head(plan.head);
    if let Some(milliseconds) = plan.every {
        let every = lane::duration(milliseconds / 1000.0);
        delivery = match plan.watch.as_deref() {
            Some(b"upload") => delivery.upload_progress(every),
            Some(b"download") => delivery.download_progress(every),
            _ => delivery.progress(every),
        };
    }
    if let Some(priority) = plan.priority {
        delivery = delivery.priority(priority as i8);
    }
    if let Some(rate) = plan.max_rate {
        delivery = delivery.max_rate(rate as u64);
    }
    Ok(delivery)
}

/// Bytes of body moved one way, and how many there are to move; -1 if unknown.
pub(super) fn counts(progress: &Progress, upload: bool) -> (i64, i64) {
    let (moved, total) =
        if upload { (progress.sent, progress.send_total) } else { (progress.transferred, progress.transfer_total) };
    (moved as i64, total.map_or(-1, |total| total as i64))
}
