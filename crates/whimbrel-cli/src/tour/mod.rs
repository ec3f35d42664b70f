//! `whimbrel tour`: runs the scripts of `tour/` against servers of its own on loopback and shows what they print and what
//! the servers saw. Each script asserts its own outcome; the tour compares what the servers saw with what it expects.

mod stage;
mod text;

use std::cell::Cell;
use std::ffi::OsStr;
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Instant;

use clap::Args;
use mlua::Variadic;

use crate::fail;
use crate::lua::{Ended, Interpreter};
use crate::paint::Paint;
use stage::{Seen, Stage};

const OBSERVE: &str = include_str!("../../tour/observe.lua");
const INDENT: &str = "   ";

/// Run example scripts against a server on this machine; needs no network
#[derive(Args)]
#[command(after_help = "Exit codes: 0 when every step's checks hold, else 1.\n\nExamples:\n  whimbrel tour\n  \
                        whimbrel tour --code | less")]
pub(crate) struct Tour {
    /// Print each script before it runs
    #[arg(long)]
    code: bool,
}

/// One script of the tour.
struct Step {
    title: &'static str,
    file: &'static str,
    source: &'static str,
    /// What the script is given as `...`.
    given: fn(&Stage) -> Vec<&OsStr>,
    /// What the servers must see, in order of the server (plain, API, intranet, flaky) and then of time.
    seen: &'static [&'static str],
}

macro_rules! step {
    ($title:literal, $file:literal, $given:expr, $seen:expr) => {
        Step {
            title: $title,
            file: concat!("tour/", $file),
            source: include_str!(concat!("../../tour/", $file)),
            given: $given,
            seen: &$seen,
        }
    };
}

fn nothing(_: &Stage) -> Vec<&OsStr> {
    Vec::new()
}

const STEPS: &[Step] = &[
    step!(
        "GET",
        "01-get.lua",
        nothing,
        ["GET /redirect-to?url=https://api.example.com/users", "GET /data", "GET /users", "GET /users"]
    ),
    step!("POST JSON with cjson", "02-post-json.lua", nothing, ["POST /register", "POST /submit"]),
    step!("PUT", "03-put.lua", nothing, ["PUT /items/123", "GET /items/123"]),
    step!("DELETE", "04-delete.lua", nothing, ["DELETE /users/123", "DELETE /users/123"]),
    step!(
        "Error handling",
        "05-errors.lua",
        nothing,
        ["GET /data", "GET /status/404", "GET /status/503", "GET /delay/10"]
    ),
    step!("Retries in a loop with backoff", "06-retries.lua", nothing, ["GET /", "GET /", "GET /"]),
    step!("TLS with a CA of one's own", "07-tls.lua", |stage| vec![stage.own_ca(), stage.other_ca()], ["GET /get"]),
    step!("A download with progress", "08-download.lua", |stage| vec![stage.download()], ["GET /bytes/8388608"]),
    step!("A download that goes on by itself", "09-network-download.lua", nothing, ["GET /bytes/4194304"]),
    step!("Requests in parallel", "10-network-parallel.lua", nothing, ["GET /delay/0.3"; 8]),
    step!("Cancel", "11-network-cancel.lua", nothing, ["GET /bytes/8388608"]),
    step!("An upload with progress", "12-network-upload.lua", nothing, ["PUT /anything/drawings"]),
    step!("A request across a suspend", "13-network-suspend.lua", nothing, ["GET /delay/0.2"]),
    step!(
        "A connection, polled once a frame",
        "14-httpclient.lua",
        nothing,
        ["GET /stream-bytes/100000?chunk_size=40000", "GET /sse?count=3&interval=0.1"]
    ),
];

impl Tour {
    pub(crate) fn execute(self) -> ExitCode {
        let paint = Paint::stdout();
        let started = Instant::now();
        let received = Rc::new(Cell::new(0));
        let stage = match Stage::open() {
            Ok(stage) => stage,
            Err(error) => return fail(1, format_args!("can't set the stage on loopback: {error}")),
        };
        let interpreter = match interpreter(&stage, received.clone()) {
            Ok(interpreter) => interpreter,
            Err(error) => return fail(1, error),
        };
        text::say(
            &paint.title(format_args!("Whimbrel {}: a tour of `http`, `network` and `httpclient`", whimbrel::VERSION)),
        );
        text::say("The scripts ask api.example.com. Every name leads to a server on this machine.");

        let mut broken = Vec::new();
        let mut all = Vec::new();
        for (index, step) in STEPS.iter().enumerate() {
            text::say("");
            text::say(&format!(
                "{}  {}",
                paint.title(format_args!("{}. {}", index + 1, step.title)),
                paint.faint(step.file)
            ));
            if self.code {
                text::indented(INDENT, step.source, |line| paint.faint(line));
            }
            let begun = Instant::now();
            let outcome = step.play(&interpreter, &stage);
            let seen = stage.seen_since_last();
            for request in &seen {
                text::indented(INDENT, &format!("server saw: {request}"), |line| paint.faint(line));
            }
            let outcome = outcome.and_then(|()| step.compare(&seen));
            match outcome {
                Ok(()) => text::say(&format!("{INDENT}{} {}", paint.good("ok"), text::elapsed(begun.elapsed()))),
                Err(error) => {
                    text::indented(INDENT, &format!("FAILED: {error}"), |line| paint.bad(line));
                    broken.push(step.title);
                }
            }
            all.extend(seen);
        }

        let connections = all.iter().filter(|request| !request.reused).count();
        let tally = format!(
            "{} requests on {connections} connections ({} reused), {} received, {}",
            all.len(),
            all.len() - connections,
            text::size(received.get()),
            text::elapsed(started.elapsed()),
        );
        text::say("");
        if broken.is_empty() {
            text::say(&paint.good(format_args!("All {} steps hold.", STEPS.len())));
            text::say(&tally);
            ExitCode::SUCCESS
        } else {
            text::say(&tally);
            fail(1, format_args!("{} of {} steps failed: {}", broken.len(), STEPS.len(), broken.join(", ")))
        }
    }
}

impl Step {
    fn play(&self, interpreter: &Interpreter, stage: &Stage) -> Result<(), String> {
        let given = (self.given)(stage).into_iter();
        let given = given.map(|text| interpreter.lua().create_string(text.as_encoded_bytes()));
        let given = given.collect::<mlua::Result<Variadic<_>>>().map_err(|error| error.to_string())?;
        match interpreter.run(self.source.as_bytes(), &format!("@{}", self.file), given)? {
            Ended { failed: true, .. } => Err("a listener failed, see above".to_owned()),
            _ => Ok(()),
        }
    }

    fn compare(&self, seen: &[Seen]) -> Result<(), String> {
        let seen: Vec<&str> = seen.iter().map(|request| request.line.as_str()).collect();
        if seen == self.seen {
            return Ok(());
        }
        Err(format!("the servers should have seen\n  {}\nand saw\n  {}", self.seen.join("\n  "), seen.join("\n  ")))
    }
}

/// A state whose `print` writes below the step's title and whose `http` tells how much was received.
fn interpreter(stage: &Stage, received: Rc<Cell<u64>>) -> mlua::Result<Interpreter> {
    let report = |told: &str| text::indented(INDENT, told, |line| line.to_owned());
    let interpreter = Interpreter::new(stage.host(Box::new(report)), OsStr::new("tour"))?;
    let lua = interpreter.lua();
    let say = lua.create_function(|_, line: mlua::LuaString| {
        text::indented(INDENT, &line.to_string_lossy(), |line| line.to_owned());
        Ok(())
    })?;
    let count = lua.create_function(move |_, bytes: u64| {
        received.set(received.get() + bytes);
        Ok(())
    })?;
    lua.load(OBSERVE).set_name("=tour").call::<()>((say, count))?;
    Ok(interpreter)
}
