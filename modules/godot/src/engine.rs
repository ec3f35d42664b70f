//! The one engine behind every object of the process, and what it takes from the project's settings.
//!
//! A game is one owner: its polled clients and the static functions of `WhimbrelHTTP` share connections, TLS tickets,
//! resolved names and, of the static functions, cookies. Who wants them apart makes a session with `WhimbrelHTTP.new()`.

use std::sync::OnceLock;
use std::time::Duration;

use godot::classes::{FileAccess, Os, ProjectSettings};
use godot::prelude::*;
use godot::sys::GdextBuild;
use whimbrel::{Client, ClientBuilder, TlsOptions};

/// What is read once, while the engine starts: its singletons may be asked on the main thread only, and the classes are
/// used on any.
struct Settings {
    user_agent: String,
    bundle: String,
    connect_timeout: Duration,
}

static SETTINGS: OnceLock<Settings> = OnceLock::new();

/// Reads the engine's version and the project's settings. For the main thread, before any script runs.
pub(crate) fn read_settings() {
    // A reload of the library in the editor comes here again; what was read first stays.
    SETTINGS.get_or_init(|| {
        let project = ProjectSettings::singleton();
        let seconds = project.get_setting("network/limits/tcp/connect_timeout_seconds").try_to::<i64>().unwrap_or(30);
        Settings {
            user_agent: user_agent(
                &GdextBuild::godot_runtime_version_string(),
                &Os::singleton().get_name().to_string(),
            ),
            bundle: project.get_setting("network/tls/certificate_bundle_override").try_to().unwrap_or_default(),
            connect_timeout: Duration::from_secs(seconds.max(1).unsigned_abs()),
        }
    });
}

/// As the engine's own client calls itself: `GodotEngine/4.6.3.stable.official (Linux)`.
fn user_agent(version: &str, system: &str) -> String {
    format!("GodotEngine/{} ({system})", version.trim_start_matches('v'))
}

fn settings() -> &'static Settings {
    SETTINGS.get().expect("the settings are read before a class of ours is registered")
}

/// The session of every `WhimbrelHTTPClient`, and of `WhimbrelHTTP`'s static calls; made when it is first asked for.
pub(crate) fn client() -> &'static Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    CLIENT.get_or_init(|| match builder().build() {
        Ok(client) => client,
        Err(error) => {
            godot_error!("Whimbrel: the project setting network/tls/certificate_bundle_override is left out: {error}");
            plain_builder().build().expect("a client without roots of its own can be built")
        }
    })
}

/// How a session in this process begins: with the engine's user agent, and the project's certificate bundle in place of
/// the platform's.
pub(crate) fn builder() -> ClientBuilder {
    match certificate_bundle() {
        Some(pem) => plain_builder().tls(TlsOptions::new().only_roots(pem)),
        None => plain_builder(),
    }
}

fn plain_builder() -> ClientBuilder {
    Client::builder().user_agent(&settings().user_agent)
}

/// The project's certificate bundle, which the engine trusts instead of the platform's; read when it is first asked for.
pub(crate) fn certificate_bundle() -> Option<&'static [u8]> {
    static BUNDLE: OnceLock<Option<Vec<u8>>> = OnceLock::new();
    BUNDLE.get_or_init(read_bundle).as_deref()
}

fn read_bundle() -> Option<Vec<u8>> {
    let path = &settings().bundle;
    if path.is_empty() {
        return None;
    }
    let bytes = FileAccess::get_file_as_bytes(path.as_str()).to_vec();
    if bytes.is_empty() {
        godot_error!("Whimbrel: the certificate bundle {path} cannot be read; the platform's is used");
        return None;
    }
    Some(bytes)
}

/// The project's limit for a TCP connection to come about (`network/limits/tcp/connect_timeout_seconds`, 30 seconds).
pub(crate) fn connect_timeout() -> Duration {
    settings().connect_timeout
}

/// As the engine's own client calls itself.
pub(crate) fn default_user_agent() -> &'static str {
    &settings().user_agent
}
