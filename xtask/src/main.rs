//! The project's own tasks: what a shell script would do, in one place and for every system that Rust runs on.
//!
//! `cargo xtask` prints the list. This file only reads the command line; each task is one module. It has no
//! dependencies, because every task waits for it to be compiled.

mod bench;
mod fuzz;
mod godot;
mod godot_editor;
mod godot_engine;
mod modules;
mod process;
mod setup;
mod soak;
mod standalone;
mod suites;
mod test;
mod torture;

use std::process::ExitCode;

const HELP: &str = "\
Usage: cargo xtask TASK [ARGUMENTS]

  modules [ABI...]          build the loadable Lua modules into dist/lua (ABIs: 5.1 5.2 5.3 5.4; all by default)
  godot [--debug]           build the Godot extension and its addon into dist/godot
  godot-engine              unpack a Godot engine for the tests, and print where its runner is
  lua-tests                 build the modules, then run the tests in tests/lua in every installed Lua
  test [SUITE...]           install what the tests need, then run the named suites (all by default)
       --list               name the suites and what each needs
       --deny-skips         fail when a suite had to be skipped
       --no-setup           install nothing
  setup                     install what the tests and benches need, and nothing else
  fuzz TARGET [-- SECONDS]  fuzz one target, 60 seconds by default
  bench http [--quick]      measure Whimbrel beside its peers against nginx on loopback
  bench network [--quick]   the same for many transfers at a time, and for what they cost a frame
  bench godot [--quick]     Godot's own classes and ours in the same engine
  torture [KILLS]           kill a process in the middle of its downloads, 1000 times by default
  soak [SECONDS]            mixed traffic with faults, ten minutes by default: nothing lost, memory level
  standalone                check that no file names this machine
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (task, rest) = match arguments.split_first() {
        Some((task, rest)) => (task.as_str(), rest),
        None => ("help", &[][..]),
    };
    let outcome = match task {
        "modules" => modules::command(rest),
        "godot" => godot::command(rest),
        "godot-engine" => godot_engine::command(),
        "lua-tests" => test::command(&["--no-setup".to_owned(), "lua-hosts".to_owned()]),
        "test" => test::command(rest),
        "setup" => setup::command(),
        "fuzz" => fuzz::command(rest),
        "bench" => bench::command(rest),
        "torture" => torture::command(rest),
        "soak" => soak::command(rest),
        "standalone" => standalone::check(),
        "help" | "--help" | "-h" => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!("there is no task `{other}`; `cargo xtask` lists them")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
