//! What it costs a script to begin: the module's size, and the time from process start to the end of a first GET, over a
//! bare interpreter's.

use std::process::Command;
use std::time::Instant;

use super::Scale;
use super::peers;
use super::report::{Claim, median, most_of};
use super::server::{Port, Server};
use crate::modules;
use crate::process::{self, Outcome};

/// A name, and a script that takes the URL as its argument.
const SCRIPTS: [(&str, &str); 4] = [
    ("bare LuaJIT", ""),
    ("Whimbrel", "assert(require('http').get(...))"),
    ("LuaSocket", "assert(require('socket.http').request((...)))"),
    ("lua-http", "assert(assert(select(2, require('http.request').new_from_uri((...)):go())):get_body_as_string())"),
];

/// Measures both, prints them and adds their targets.
pub(super) fn measure(server: &Server, scale: &Scale, claims: &mut Vec<Claim>) -> Outcome {
    let luajit = process::find("luajit").ok_or("luajit is missing")?;
    let url = server.url(Port::Kept, "13");
    let mut times = vec![Vec::new(); SCRIPTS.len()];
    for _ in 0..scale.starts {
        for ((name, script), times) in SCRIPTS.iter().zip(&mut times) {
            // The chunk sees its arguments as `...` only by way of load.
            let chunk = format!("local run = loadstring([==[{script}]==]) run('{url}')");
            let mut command = Command::new(&luajit);
            command.arg("-e").arg(chunk);
            peers::environment(&mut command);
            let begun = Instant::now();
            let output = command.output().map_err(|error| format!("cannot start luajit: {error}"))?;
            times.push(begun.elapsed().as_secs_f64() * 1e3);
            if !output.status.success() {
                return Err(format!("{name}: {}", String::from_utf8_lossy(&output.stderr).trim()));
            }
        }
    }
    println!("\nProcess start to exit, require and one plain GET (median of {} starts)", scale.starts);
    let bare = median(&times[0]);
    for ((name, _), times) in SCRIPTS.iter().zip(&times) {
        println!("  {name:18} {:>7.2} ms  {:>+7.2} ms over bare", median(times), median(times) - bare);
    }
    let library = modules::folder().join("5.1").join("whimbrel.so");
    let size = std::fs::metadata(&library).map_err(|error| process::about(&library, error))?.len();
    println!("\nModule, stripped: {size} bytes");
    let over = Some(median(&times[1]) - bare);
    claims.push(Claim {
        what: "Start-up: require and first GET <= 1 ms over bare LuaJIT".to_owned(),
        measured: most_of(over, 1.0, 2),
    });
    claims.push(Claim {
        what: "Size: module <= 4 MB, stripped".to_owned(),
        measured: most_of(Some(size as f64 / 1e6), modules::LARGEST as f64 / 1e6, 2),
    });
    Ok(())
}
