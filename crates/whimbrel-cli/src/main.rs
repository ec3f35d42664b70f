//! The tool `whimbrel`: reads the command line and hands over to one command. It decides nothing about HTTP.

mod get;
mod lua;
mod paint;
mod progress;
mod resolve;
mod run;
mod sandbox;
mod serve;
#[cfg_attr(not(unix), path = "no_signals.rs")]
mod signals;
mod tour;

use std::fmt::Display;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

const EXAMPLES: &str = "\
Examples:
  whimbrel tour
  whimbrel run fetch.lua https://example.com/
  whimbrel get https://example.com/data.zip -o data.zip
  whimbrel serve --port 8080

`whimbrel help COMMAND` tells more of one command.";

/// HTTP for scripts: runs Lua scripts, fetches, serves a test origin, gives a tour
#[derive(Parser)]
#[command(name = "whimbrel", version = whimbrel::VERSION, after_help = EXAMPLES, max_term_width = 100)]
struct Tool {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Run(run::Run),
    Get(get::Get),
    Serve(serve::Serve),
    Tour(tour::Tour),
}

fn main() -> ExitCode {
    match Tool::parse().command {
        Command::Run(run) => run.execute(),
        Command::Get(get) => get.execute(),
        Command::Serve(serve) => serve.execute(),
        Command::Tour(tour) => tour.execute(),
    }
}

/// Says on stderr what went wrong and gives the exit code that goes with it.
fn fail(code: u8, message: impl Display) -> ExitCode {
    eprintln!("whimbrel: {message}");
    ExitCode::from(code)
}
