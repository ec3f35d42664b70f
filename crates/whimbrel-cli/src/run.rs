//! `whimbrel run`: runs one Lua script. It prepares what a stand-alone Lua would and leaves the rest to the script.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use mlua::Variadic;

use crate::fail;
use crate::lua::{Host, Interpreter};
use crate::resolve::{self, Override};

const EXAMPLES: &str = "\
Preloaded modules: http, json, cjson, cjson.safe, whimbrel. `require` looks beside
the script first. `arg` and `...` hold ARGS.

Exit codes: 0, or what the script gives to os.exit; 1 when the script can't be read
or ends with an error, which goes to stderr with its traceback; 2 for a wrong command line.

Examples:
  whimbrel run fetch.lua https://example.com/
  echo 'print(require(\"http\").get(\"https://example.com/\").status)' | whimbrel run -
  whimbrel run --resolve api.example.com:443=127.0.0.1:8443 --ca ca.pem test.lua";

/// Run a Lua script (LuaJIT) with `http` preloaded
#[derive(Args)]
#[command(after_help = EXAMPLES, override_usage = "whimbrel run [OPTIONS] SCRIPT [ARGS]...")]
pub(crate) struct Run {
    /// Connect elsewhere for HOST:PORT; Host, SNI and verification stay with the name (may be repeated)
    #[arg(long, value_name = "HOST:PORT=ADDR", value_parser = resolve::parse)]
    resolve: Vec<Override>,

    /// Trust the certificates in this PEM file besides the platform's
    #[arg(long, value_name = "FILE")]
    ca: Option<PathBuf>,

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
        match interpreter.run(&source, &name, given) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(1, error),
        }
    }

    fn interpreter(&self, script: &OsStr, arguments: &[OsString]) -> mlua::Result<Interpreter> {
        let host = Host { resolve: self.resolve.clone(), ca_file: self.ca.clone(), direct: false };
        let interpreter = Interpreter::new(host)?;
        interpreter.set_arguments(script, arguments)?;
        if script != "-" {
            interpreter.look_beside(Path::new(script).parent().unwrap_or(Path::new("")))?;
        }
        Ok(interpreter)
    }
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
