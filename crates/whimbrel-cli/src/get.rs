//! `whimbrel get`: one request from the command line. It turns options into a request and the outcome into output and
//! an exit code; everything about HTTP is the engine's.

use std::io::{self, ErrorKind, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use whimbrel::{Body, Client, Error, Fields, Kind, RequestBuilder, Response, Version};

use crate::fail;
use crate::progress::Meter;
use crate::resolve::{self, Override};

/// The exit code for a response whose status is 400 or more.
const STATUS: u8 = 22;

const EXAMPLES: &str = "\
Exit codes: 0; 1 when the request failed or the output can't be written; 2 for a wrong
command line; 22 when the status is 400 or more.

Examples:
  whimbrel get https://example.com/
  whimbrel get https://example.com/data.zip -o data.zip
  whimbrel get -i -H 'Accept: application/json' https://api.example.com/users
  whimbrel get -X PUT -H 'Content-Type: application/json' -d @item.json https://api.example.com/items/123
  whimbrel get --resolve api.example.com:443=127.0.0.1:8443 --ca ca.pem https://api.example.com/";

/// Fetch a URL to standard output or to a file
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Get {
    /// The URL, http or https
    url: String,

    /// Write the body to FILE, which appears only when complete and the status is below 400
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,

    /// Send a field (may be repeated); 'Name:' leaves out one that is sent by default
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = field)]
    headers: Vec<Field>,

    /// Send DATA as the body, by POST unless -X says otherwise; @FILE sends a file, @- standard input
    #[arg(short, long, value_name = "DATA")]
    data: Option<String>,

    /// The request's method [default: GET, with -d POST]
    #[arg(short = 'X', long = "request", value_name = "METHOD")]
    method: Option<String>,

    /// Give up after SECONDS in all (fractions count) [default: no limit]
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    timeout: Option<Duration>,

    /// Trust the certificates in this PEM file besides the platform's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Connect elsewhere for HOST:PORT; Host, SNI and verification stay with the name (may be repeated)
    #[arg(long, value_name = "HOST:PORT=ADDR", value_parser = resolve::parse)]
    resolve: Vec<Override>,

    /// Print the final response's head before the body, also when the body goes to a file
    #[arg(short, long)]
    include: bool,

    /// Don't verify the server's certificate: whoever sits between can read and change everything
    #[arg(long)]
    insecure: bool,
}

impl Get {
    pub(crate) fn execute(self) -> ExitCode {
        let to_file = self.output.is_some();
        let meter = Meter::new(io::stderr().is_terminal() && (to_file || !io::stdout().is_terminal()));
        let outcome = match self.output.clone() {
            Some(path) => self.download(path, &meter),
            None => self.print(&meter),
        };
        meter.clear();
        match outcome {
            Ok(code) => code,
            Err(Failure::Request(error)) if error.kind() == Kind::Status => fail(STATUS, error),
            Err(Failure::Request(error)) => fail(1, error),
            // The reader has had enough, as `head` has: nothing went wrong.
            Err(Failure::Output(error)) if error.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
            Err(Failure::Output(error)) => fail(1, format_args!("can't write to standard output: {error}")),
        }
    }

    fn download(self, path: PathBuf, meter: &Meter) -> Result<ExitCode, Failure> {
        let include = self.include;
        let download = self.request(meter)?.only_success(true).download(path)?;
        if include {
            let head = download.head();
            print_head(&mut io::stdout().lock(), head.version, head.status, head.reason(), &head.fields)?;
        }
        Ok(ExitCode::SUCCESS)
    }

    fn print(self, meter: &Meter) -> Result<ExitCode, Failure> {
        let include = self.include;
        let mut response = self.request(meter)?.send()?;
        let mut stdout = io::stdout().lock();
        if include {
            print_head(&mut stdout, response.version(), response.status(), response.reason(), response.headers())?;
        }
        pass_on(&mut response, &mut stdout)?;
        if response.status() < 400 {
            return Ok(ExitCode::SUCCESS);
        }
        meter.clear();
        let reason = String::from_utf8_lossy(response.reason());
        Ok(fail(STATUS, format_args!("the server answered {} {reason}", response.status())))
    }

    fn request(self, meter: &Meter) -> Result<RequestBuilder, Error> {
        let client = Client::builder().user_agent(concat!("whimbrel-get/", env!("CARGO_PKG_VERSION"))).build()?;
        let method = self.method.as_deref().unwrap_or(if self.data.is_some() { "POST" } else { "GET" });
        let mut request = client.request(method, &self.url).on_progress(meter.observer());
        let typed = self.headers.iter().any(|field| field.name.eq_ignore_ascii_case("content-type"));
        for field in &self.headers {
            request = match &field.value {
                Some(value) => request.header(&field.name, value),
                None => request.without_header(&field.name),
            };
        }
        if let Some(data) = self.data {
            if !typed {
                request = request.header("Content-Type", "application/x-www-form-urlencoded");
            }
            request = request.body(match data.strip_prefix('@') {
                Some("-") => Body::reader(io::stdin(), None),
                Some(path) => Body::file(path)?,
                None => Body::from(data),
            });
        }
        if let Some(limit) = self.timeout {
            request = request.total_timeout(limit);
        }
        if let Some(ca) = self.ca {
            request = request.ca_file(ca);
        }
        for entry in &self.resolve {
            request = request.resolve(&entry.authority, &entry.address);
        }
        Ok(request.danger_accept_invalid_certs(self.insecure))
    }
}

/// Which side failed.
enum Failure {
    Request(Error),
    Output(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Request(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Output(error)
    }
}

/// Copies the body as it comes. Reading and writing fail apart, so that a closed pipe is told from a broken download.
fn pass_on(response: &mut Response, to: &mut impl Write) -> Result<(), Failure> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let read = match response.read(&mut buffer) {
            Ok(0) => return Ok(to.flush()?),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failure::Request(cause(error))),
        };
        to.write_all(&buffer[..read])?;
    }
}

/// The engine's own error out of the `io::Error` that `Read` wraps it in.
fn cause(error: io::Error) -> Error {
    error
        .downcast::<Error>()
        .unwrap_or_else(|other| Error::new(Kind::Receive, whimbrel::Phase::Body, other.to_string()).with_source(other))
}

/// Prints a head the way it is written on the wire, line ends of the terminal's.
fn print_head(to: &mut impl Write, version: Version, status: u16, reason: &[u8], fields: &Fields) -> io::Result<()> {
    write!(to, "{} {status} ", version.as_str())?;
    to.write_all(reason)?;
    writeln!(to)?;
    for (name, value) in fields.iter() {
        write!(to, "{name}: ")?;
        to.write_all(value)?;
        writeln!(to)?;
    }
    writeln!(to)
}

/// One `-H`; without a value it takes a default field away.
#[derive(Clone, Debug)]
struct Field {
    name: String,
    value: Option<String>,
}

fn field(text: &str) -> Result<Field, String> {
    let Some((name, value)) = text.split_once(':') else {
        return Err("there is no colon in it; write 'Name: value', or 'Name:' to leave a default field out".to_owned());
    };
    let value = value.trim();
    Ok(Field { name: name.trim().to_owned(), value: (!value.is_empty()).then(|| value.to_owned()) })
}

fn seconds(text: &str) -> Result<Duration, String> {
    let read = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    read.filter(|limit| !limit.is_zero()).ok_or_else(|| "give seconds above 0, for example 10 or 0.5".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{field, seconds};

    #[test]
    fn a_field_without_a_value_takes_a_default_away() {
        let read = field("Accept:").expect("a field");
        assert_eq!((read.name.as_str(), read.value), ("Accept", None));
        let read = field("X-Time: 12:30").expect("a field");
        assert_eq!((read.name.as_str(), read.value.as_deref()), ("X-Time", Some("12:30")));
        assert!(field("nothing").expect_err("no colon").contains("colon"));
    }

    #[test]
    fn a_timeout_is_above_zero_and_fractions_count() {
        assert_eq!(seconds("0.5").expect("half a second").as_millis(), 500);
        for text in ["0", "-1", "nan", "inf", "1e300", "soon"] {
            assert!(seconds(text).is_err(), "{text}");
        }
    }
}
