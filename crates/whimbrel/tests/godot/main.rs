//! The Godot classes in the real engine: each script of `tests/godot` runs in headless Godot with the extension loaded,
//! against servers on loopback that this binary starts. The engine is what `cargo xtask godot-engine` unpacks, the
//! extension is the debug build of `modules/godot`.
//!
//! | variable of the tests | default | |
//! |---|---|---|
//! | `WHIMBREL_GODOT` | `$WHIMBREL_CACHE/godot/godot`, `~/.cache/whimbrel/godot/godot` | the engine's runner |
//! | `WHIMBREL_GODOT_LIBRARY` | `target/godot/debug/libwhimbrel_godot.so` | the extension |
//!
//! A script gets the ports of a test origin, plain and TLS, as user arguments (`-- PORT TLSPORT`), and by environment:
//!
//! | variable of the scripts | |
//! |---|---|
//! | `WHIMBREL_CERT` | the authority's certificate, a PEM file; every TLS server here has its own from it |
//! | `WHIMBREL_SERVER_CERT`, `WHIMBREL_SERVER_KEY` | for 127.0.0.1 and localhost, PEM files, for the script's servers |
//! | `WHIMBREL_OTHER_CERT` | an authority that signed nothing here |
//! | `WHIMBREL_PIN` | `sha256/BASE64` of that certificate's key |
//! | `WHIMBREL_CLIENT_CERT`, `WHIMBREL_CLIENT_KEY` | a client's certificate and key, PEM files |
//! | `WHIMBREL_CLIENT_PORT` | an origin that wants one |
//! | `WHIMBREL_REVOKED`, `WHIMBREL_NOT_REVOKED` | revocation lists with and without that certificate, PEM files |
//! | `WHIMBREL_TLS12_PORT` | an origin that knows nothing newer than TLS 1.2 |
//! | `WHIMBREL_PROXY_PORT` | an HTTP proxy that knows `a.test` and `tls.test`, which are the origin |
//! | `WHIMBREL_CLOSED_PORT`, `WHIMBREL_SILENT_PORT` | a port that refuses, one where connecting never ends |
//! | `WHIMBREL_MUTE_PORT` | a server that takes connections and says nothing |
//! | `WHIMBREL_CASES` | `PORT TLSPORT CONTROL` of the scripted server (`cases.rs`), for `probe.gd` |
//! | `WHIMBREL_NGINX`, `WHIMBREL_SQUID` | real servers' ports: `PORT TLSPORT`, and `PORT`; for `servers.gd` alone |
//! | `WHIMBREL_FOLDER` | an empty folder that the script may fill |
//!
//! A script prints `ok NAME` and `not ok NAME: why` and quits with the number of those that failed. The test passes
//! when it quits with 0 in time, has said `ok` at least once, and the engine has told no script error, panic, or leak.

mod cases;
mod engine;
mod pages;
mod probe;
mod real;
mod scripts;
mod world;
