//! `SSL_CERT_FILE` takes the place of the platform's certificates, and nothing takes its place. The environment belongs
//! to a process, so each case is this program again.

use std::process::{Command, Output};

use whimbrel::{Client, Kind};
use whimbrel_testkit::{Authority, Origin};

/// Set in the child: the URL that it asks for.
const URL: &str = "WHIMBREL_ROOTS_URL";

#[test]
fn a_certificate_file_that_the_environment_names_is_what_is_trusted() {
    if let Ok(url) = std::env::var(URL) {
        return report(&url);
    }
    let (ours, theirs) = (Authority::new(), Authority::new());
    let origin = Origin::https(&ours, &["127.0.0.1"]);
    let folder = std::env::temp_dir().join(format!("whimbrel-roots-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    ours.write_ca(folder.join("ours")).unwrap();
    theirs.write_ca(folder.join("theirs")).unwrap();
    std::fs::write(folder.join("empty"), "").unwrap();
    let verdict = |file: &str| {
        let output = ask(&origin.url("/get"), &folder.join(file));
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.lines().find_map(|line| line.split_once("verdict: ")).map(|(_, rest)| rest.to_owned()).unwrap()
    };
    assert_eq!(verdict("ours"), "200");
    assert!(verdict("theirs").starts_with("Certificate: SSL peer certificate"), "{}", verdict("theirs"));
    for unusable in ["empty", "missing"] {
        let verdict = verdict(unusable);
        assert!(verdict.starts_with("Tls: "), "{verdict}");
        assert!(verdict.contains("the certificates that SSL_CERT_FILE names can't be used"), "{verdict}");
    }
    assert_eq!(origin.request_count(), 1);
    std::fs::remove_dir_all(folder).unwrap();
}

fn ask(url: &str, file: &std::path::Path) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "a_certificate_file_that_the_environment_names_is_what_is_trusted", "--nocapture"])
        .env_clear()
        .env(URL, url)
        .env("SSL_CERT_FILE", file)
        .output()
        .unwrap()
}

fn report(url: &str) {
    let verdict = match Client::new().get(url).send() {
        Ok(response) => response.status().to_string(),
        Err(error) => {
            assert!(matches!(error.kind(), Kind::Tls | Kind::Certificate));
            format!("{:?}: {error}", error.kind())
        }
    };
    println!("\nverdict: {verdict}");
}
