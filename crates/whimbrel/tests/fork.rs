//! Fork after a request: the child and the parent both go on, each on connections and threads of its own. Alone in its
//! binary, since the child is a copy of one thread only.
#![cfg(unix)]
#![allow(unsafe_code, reason = "fork has no safe wrapper")]

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use whimbrel::Client;
use whimbrel_testkit::{Authority, Origin};

/// What the child reports: which step failed, or 0.
fn child(client: &Client, authority: &Authority, urls: [&str; 2]) -> i32 {
    whimbrel::forked();
    // A child that hangs would hang the test: the alarm ends it.
    // SAFETY: alarm has no preconditions.
    unsafe { libc::alarm(20) };
    if client.idle_connections() != urls.len() {
        return 1;
    }
    for (step, url) in (2..).zip(urls) {
        for round in 0..2 {
            let Ok(response) = client.get(url).query("from", "child").ca_pem(authority.ca_pem()).send() else {
                return step;
            };
            // The parent's connection is not the child's; its own is.
            if response.is_reused() != (round == 1) {
                return step + 10;
            }
            match response.into_text() {
                Ok(text) if text.contains("\"child\"") => {}
                _ => return step + 20,
            }
        }
    }
    // A name that the parent never asked for: a resolver's thread of the child's own finds it.
    match client.get(&urls[0].replace("a.test", "b.test")).send() {
        Ok(response) if response.status() == 200 => 0,
        _ => 4,
    }
}

#[test]
fn after_a_fork_both_sides_go_on() {
    let authority = Authority::new();
    let (http, https) = (Origin::http(), Origin::https(&authority, &["a.test"]));
    let client = Client::builder()
        .no_proxy()
        .resolver(|_| Ok(vec![IpAddr::from(Ipv4Addr::LOCALHOST)]))
        .total_timeout(Duration::from_secs(10))
        .build()
        .unwrap();
    let urls = [http.url_at("a.test", "/get"), https.url_at("a.test", "/get")];
    let urls = [urls[0].as_str(), urls[1].as_str()];
    let get = |url: &str, round: usize| {
        let request = client.get(url).query("from", "parent").query("round", &round.to_string());
        let response = request.ca_pem(authority.ca_pem()).send().unwrap();
        let is_reused = response.is_reused();
        let text = response.into_text().unwrap();
        assert!(text.contains("\"parent\"") && text.contains(&format!("\"round\": \"{round}\"")), "{text}");
        is_reused
    };
    for url in urls {
        assert!(!get(url, 0));
    }

    // SAFETY: the child touches nothing that another thread may hold at this moment (the servers are silent, the
    // resolver's thread is parked) and ends by _exit.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        let code = child(&client, &authority, urls);
        // SAFETY: _exit has no preconditions.
        unsafe { libc::_exit(code) };
    }
    assert!(pid > 0, "fork failed");
    // At the same time as the child, and after it.
    for url in urls {
        assert!(get(url, 1), "the parent's connection is still its own");
    }
    let mut status = 0;
    // SAFETY: status is a valid place for the status of our own child.
    let waited = unsafe { libc::waitpid(pid, &mut status, 0) };
    assert_eq!(waited, pid);
    assert!(libc::WIFEXITED(status), "the child was killed: {status:#x}");
    assert_eq!(libc::WEXITSTATUS(status), 0, "the child failed");
    for url in urls {
        assert!(get(url, 2), "the child has not disturbed the parent's connection");
    }
    // The parent's, and the child's to each name.
    assert_eq!((http.connections(), https.connections()), (1 + 2, 1 + 1));
}
