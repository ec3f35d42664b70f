//! `whimbrel serve`: the testkit's origin in the foreground, for users' own tests. It only starts it and says where it is.

use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::thread;

use clap::Args;
use whimbrel_testkit::{Authority, Origin};

use crate::fail;

const EXAMPLES: &str = "\
The origin has httpbin's endpoints (/get, /post, /status/404, /delay/3, /bytes/1000 ...) and a
small REST API (/users, /items); its page / lists them. It runs until ctrl-c.

Exit codes: 1 when the address can't be used or the CA file can't be written; 2 for a wrong
command line.

Examples:
  whimbrel serve
  whimbrel serve --port 8080
  whimbrel serve --tls --port 8443 --ca-out ca.pem --name api.example.com
  whimbrel get --ca ca.pem --resolve api.example.com:443=127.0.0.1:8443 https://api.example.com/get";

/// Run a test origin with httpbin's endpoints in the foreground
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Serve {
    /// The port to listen on; 0 takes a free one
    #[arg(long, value_name = "N", default_value_t = 0)]
    port: u16,

    /// The address to listen on
    #[arg(long, value_name = "ADDRESS", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    addr: IpAddr,

    /// Serve HTTPS, with a certificate of a CA made on the spot
    #[arg(long)]
    tls: bool,

    /// Write that CA's certificate to FILE, in PEM, for clients to trust
    #[arg(long, value_name = "FILE", requires = "tls")]
    ca_out: Option<PathBuf>,

    /// A host name for the certificate besides localhost and the address (may be repeated)
    #[arg(long, value_name = "HOST", requires = "tls", value_parser = host_name)]
    name: Vec<String>,
}

impl Serve {
    pub(crate) fn execute(self) -> ExitCode {
        let address = SocketAddr::new(self.addr, self.port);
        // What was asked is not shown, so nothing of it is kept.
        let mut builder = Origin::builder().bind(address).record(0);
        if self.tls {
            let authority = Authority::new();
            builder = builder.tls(authority.issue(&self.names().iter().map(String::as_str).collect::<Vec<_>>()));
            if let Some(path) = &self.ca_out
                && let Err(error) = authority.write_ca(path)
            {
                return fail(1, format_args!("can't write the CA to {}: {error}", path.display()));
            }
        }
        let origin = match builder.start() {
            Ok(origin) => origin,
            Err(error) => return fail(1, format_args!("can't listen on {address}: {error}")),
        };
        // Whoever started this may have closed the pipe; the origin serves all the same.
        let _ = self.announce(&origin);
        loop {
            thread::park();
        }
    }

    fn names(&self) -> Vec<String> {
        let mut names = vec!["localhost".to_owned(), "127.0.0.1".to_owned(), "::1".to_owned()];
        names.extend(Some(self.addr.to_string()).filter(|addr| !names.contains(addr)));
        names.extend(self.name.iter().cloned());
        names
    }

    fn announce(&self, origin: &Origin) -> io::Result<()> {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{}", origin.url("/"))?;
        if self.tls {
            for name in &self.name {
                writeln!(stdout, "{}", origin.url_at(name, "/"))?;
            }
            match &self.ca_out {
                Some(path) => writeln!(stdout, "CA: {}", path.display())?,
                None => writeln!(stdout, "CA: not kept; --ca-out FILE writes it for clients to trust")?,
            }
        }
        writeln!(stdout, "ctrl-c ends it")?;
        stdout.flush()
    }
}

fn host_name(text: &str) -> Result<String, String> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'*');
    if text.is_empty() || !text.bytes().all(good) {
        return Err("give a host name in ASCII, without scheme and port, for example api.example.com".to_owned());
    }
    Ok(text.to_owned())
}
