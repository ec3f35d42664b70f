//! `SSL_CERT_FILE` takes the place of the platform's certificates, and nothing takes its place; what `TlsOptions` adds to
//! them. The environment belongs to a process, so each case is this program again.

use std::path::{Path, PathBuf};
use std::process::Command;

use whimbrel::{Client, Kind, TlsOptions};
use whimbrel_testkit::{Authority, Origin};

/// Set in the child: the URL that it asks for.
const URL: &str = "WHIMBREL_ROOTS_URL";
/// Likewise where it is set: options, each in its own words.
const EXTRA: &str = "WHIMBREL_ROOTS_EXTRA";
const PIN: &str = "WHIMBREL_ROOTS_PIN";
const LIST: &str = "WHIMBREL_ROOTS_LIST";
const ANY_NAME: &str = "WHIMBREL_ROOTS_ANY_NAME";

/// A folder with the roots that are somebody's, gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("whimbrel-roots-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn a_certificate_file_that_the_environment_names_is_what_is_trusted() {
    if let Ok(url) = std::env::var(URL) {
        return report(&url);
    }
    let (ours, theirs) = (Authority::new(), Authority::new());
    let origin = Origin::https(&ours, &["127.0.0.1"]);
    let Folder(folder) = &Folder::new("file");
    ours.write_ca(folder.join("ours")).unwrap();
    theirs.write_ca(folder.join("theirs")).unwrap();
    std::fs::write(folder.join("empty"), "").unwrap();
    let test = "a_certificate_file_that_the_environment_names_is_what_is_trusted";
    let verdict = |file: &str| ask(test, &origin.url("/get"), &folder.join(file), &[]);
    assert_eq!(verdict("ours"), "200");
    assert!(verdict("theirs").starts_with("Certificate: SSL peer certificate"), "{}", verdict("theirs"));
    for unusable in ["empty", "missing"] {
        let verdict = verdict(unusable);
        assert!(verdict.starts_with("Tls: "), "{verdict}");
        assert!(verdict.contains("the certificates that SSL_CERT_FILE names can't be used"), "{verdict}");
    }
    assert_eq!(origin.request_count(), 1);
}

#[test]
fn options_hold_for_chains_of_the_platforms_roots_too() {
    if let Ok(url) = std::env::var(URL) {
        return report(&url);
    }
    let (ours, theirs) = (Authority::new(), Authority::new());
    let identity = ours.issue(&["127.0.0.1"]);
    let Folder(folder) = &Folder::new("options");
    for (name, text) in [
        ("ours", ours.ca_pem()),
        ("theirs", theirs.ca_pem()),
        ("revoked", ours.revocation_list(&[identity.serial()])),
        ("unrevoked", ours.revocation_list(&[])),
    ] {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let path = |name: &str| folder.join(name).into_os_string().into_string().unwrap();
    let other_name = Origin::https(&ours, &["b.test"]);
    let origin = Origin::builder().tls(identity.clone()).start().unwrap();
    let ask = |origin: &Origin, file: &str, options: &[(&str, String)]| {
        let test = "options_hold_for_chains_of_the_platforms_roots_too";
        ask(test, &origin.url("/get"), &folder.join(file), options)
    };
    let refused = |verdict: String, detail: &str| {
        assert!(verdict.starts_with("Certificate: ") && verdict.contains(detail), "{verdict}");
    };
    // A root that the server does not send is known all the same.
    assert_eq!(ask(&origin, "ours", &[(PIN, ours.pin())]), "200");
    assert_eq!(ask(&origin, "ours", &[(PIN, identity.pin())]), "200");
    refused(ask(&origin, "ours", &[(PIN, theirs.pin())]), "none of the pinned keys");

    refused(ask(&origin, "ours", &[(LIST, path("revoked"))]), "the certificate was revoked");
    assert_eq!(ask(&origin, "ours", &[(LIST, path("unrevoked"))]), "200");

    refused(ask(&other_name, "ours", &[]), "the certificate is not for 127.0.0.1 but for b.test");
    assert_eq!(ask(&other_name, "ours", &[(ANY_NAME, "on".into())]), "200");
    refused(ask(&other_name, "theirs", &[(ANY_NAME, "on".into())]), "issuer is not trusted");

    // Roots of one's own come first, and the platform's still count; either may be missing.
    for (file, extra) in [("theirs", "ours"), ("ours", "theirs"), ("missing", "ours")] {
        assert_eq!(ask(&origin, file, &[(EXTRA, path(extra))]), "200", "{file} and {extra}");
        let verdict = ask(&origin, file, &[(EXTRA, path(extra)), (LIST, path("revoked"))]);
        refused(verdict, "the certificate was revoked");
        assert_eq!(ask(&origin, file, &[(EXTRA, path(extra)), (PIN, ours.pin())]), "200");
    }
    refused(ask(&origin, "theirs", &[(EXTRA, path("theirs"))]), "issuer is not trusted");
}

/// What this program says when it asks for that URL as `test`, with these options.
fn ask(test: &str, url: &str, file: &Path, options: &[(&str, String)]) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env_clear()
        .envs(options.iter().map(|(name, value)| (name, value)))
        .env(URL, url)
        .env("SSL_CERT_FILE", file)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().find_map(|line| line.split_once("verdict: ")).map(|(_, rest)| rest.to_owned()).unwrap()
}

fn report(url: &str) {
    let mut options = TlsOptions::new();
    if let Ok(path) = std::env::var(EXTRA) {
        options = options.extra_roots(std::fs::read(path).unwrap());
    }
    if let Ok(pin) = std::env::var(PIN) {
        options = options.pinned_keys([pin]).unwrap();
    }
    if let Ok(path) = std::env::var(LIST) {
        options = options.revocation_list(std::fs::read(path).unwrap());
    }
    options = options.danger_accept_invalid_names(std::env::var(ANY_NAME).is_ok());
    let verdict = match Client::new().get(url).tls(options).send() {
        Ok(response) => response.status().to_string(),
        Err(error) => {
            assert!(matches!(error.kind(), Kind::Tls | Kind::Certificate));
            format!("{:?}: {error}", error.kind())
        }
    };
    println!("\nverdict: {verdict}");
}
