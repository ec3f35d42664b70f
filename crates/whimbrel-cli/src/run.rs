//! `whimbrel run`: runs one Lua script. It prepares what a stand-alone Lua would, and what an event-driven
//! script expects of its host.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use mlua::Variadic;

use crate::lua::{Host, Interpreter};
use crate::resolve::{self, Override};
use crate::{fail, sandbox};

const EXAMPLES: &str = "\
Preloaded modules: http, network, json, cjson, cjson.safe, whimbrel. `require` looks beside
the script first. `arg` and `...` hold ARGS.

When the script's main chunk has ended, timers, frames and transfers go on until none is
left. Its globals for that are network, timer, Runtime, system, native, display, whimbrel.
Ctrl-Z tells it `applicationSuspend` and stops; Ctrl-C tells it `applicationExit` and ends.

Exit codes: 0, or what the script gives to os.exit; 1 when the script can't be read or it
or one of its listeners ends with an error, which goes to stderr with its traceback; 2 for
a wrong command line; 130 and 143 after SIGINT and SIGTERM.

Examples:
  whimbrel run fetch.lua https://example.com/
  echo 'print(require(\"http\").get(\"https://example.com/\").status)' | whimbrel run -
  whimbrel run --base /tmp/game --fps 30 main.lua
  whimbrel run --resolve api.example.com:443=127.0.0.1:8443 --ca ca.pem test.lua";

/// Run a Lua script (LuaJIT) with `http` and `network`, and its event loop
#[derive(Args)]
#[command(after_help = EXAMPLES, override_usage = "whimbrel run [OPTIONS] SCRIPT [ARGS]...")]
pub(crate) struct Run {
    /// Connect elsewhere for HOST:PORT; Host, SNI and verification stay with the name (may be repeated)
    #[arg(long, value_name = "HOST:PORT=ADDR", value_parser = resolve::parse)]
    resolve: Vec<Override>,

    /// Trust the certificates in this PEM file besides the platform's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

    /// Keep the script's files (system.DocumentsDirectory and the like) in DIR [default: a folder of its own among the
    /// user's data]
    #[arg(long, value_name = "DIR")]
    base: Option<PathBuf>,

    /// Call `enterFrame` listeners N times a second (fractions count)
    #[arg(long, value_name = "N", default_value = "60", value_parser = fps)]
    fps: f64,

    /// Send a POST of network.request that names no Content-Type as a form, as Solar2D's own platforms do
    #[arg(long)]
    form_posts: bool,

    /// The script, `-` for standard input, and what to give it; options go before the script
    #[arg(required = true, trailing_var_arg = true, value_name = "SCRIPT [ARGS]")]
    script: Vec<OsString>,
}

impl Run {
    pub(crate) fn execute(self) -> ExitCode {
        let (script, arguments) = self.script.split_first().expect("clap requires a script");
        let (source, name) = match read(script) {
            Ok(read) => read,
            Err(error) => return fail(1, format_args!("can't read {}: {error}", script.display())),
        };
        let interpreter = match self.interpreter(script, arguments) {
            Ok(interpreter) => interpreter,
            Err(error) => return fail(1, error),
        };
        let given = arguments.iter().map(|argument| interpreter.lua().create_string(argument.as_encoded_bytes()));
        let given = match given.collect::<mlua::Result<Variadic<_>>>() {
            Ok(given) => given,
            Err(error) => return fail(1, error),
        };
        let ended = match interpreter.run(&source, &name, given) {
            Ok(ended) => ended,
            Err(error) => return fail(1, error),
        };
        match (interpreter.leave(), ended.by_signal) {
            (Err(error), _) => fail(1, error),
            (Ok(_), Some(code)) => ExitCode::from(code),
            (Ok(failed), None) => ExitCode::from(u8::from(failed)),
        }
    }

    fn interpreter(&self, script: &OsStr, arguments: &[OsString]) -> mlua::Result<Interpreter> {
        let path = Path::new(if script == "-" { OsStr::new("stdin") } else { script });
        let beside = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let host = Host {
            resolve: self.resolve.clone(),
            ca_file: self.ca.clone(),
            direct: false,
            base: absolute(&self.base.clone().unwrap_or_else(|| sandbox::folder(path))),
            resources: absolute(beside),
            fps: self.fps,
            form_posts: self.form_posts,
            report: Box::new(|told| eprintln!("whimbrel: {told}")),
        };
        let interpreter = Interpreter::new(host, script)?;
        interpreter.set_arguments(script, arguments)?;
        interpreter.listen()?;
        if script != "-" {
            interpreter.look_beside(beside)?;
        }
        Ok(interpreter)
    }
}

/// The script may be told of the folder only as it is where the current one is not known.
fn absolute(folder: &Path) -> PathBuf {
    std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned())
}

/// The script's text and its chunk name, as Lua marks them: `@file` or `=stdin`.
fn read(script: &OsStr) -> io::Result<(Vec<u8>, String)> {
    if script == "-" {
        let mut source = Vec::new();
        io::stdin().lock().read_to_end(&mut source)?;
        Ok((source, "=stdin".to_owned()))
    } else {
        Ok((fs::read(script)?, format!("@{}", script.display())))
    }
}

fn fps(text: &str) -> Result<f64, String> {
    let read = text.parse::<f64>().ok().filter(|fps| (0.001..=1000.0).contains(fps));
    read.ok_or_else(|| "give frames a second from 0.001 to 1000, for example 30".to_owned())
}
