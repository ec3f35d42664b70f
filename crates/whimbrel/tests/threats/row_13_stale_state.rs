//! Row 13: nothing of one request shows in the next. A long sequence of requests of every sort on one session, and each of
//! them on a fresh one: what goes on the wire is the same, byte for byte.

use whimbrel::{Body, Client, Delivery, Event, Outcome, RequestBuilder, Transfers};
use whimbrel_testkit::Origin;

use crate::world::{self, Random, leading_to};

/// One request, as choices.
#[derive(Clone, Debug)]
struct Spec {
    method: &'static str,
    path: Path,
    fields: Vec<(&'static str, &'static str)>,
    secret: Option<&'static str>,
    without: Option<&'static str>,
    auth: usize,
    userinfo: bool,
    body: usize,
    query: bool,
    decompress: bool,
    expect: Option<bool>,
    follow: bool,
}

#[derive(Clone, Copy, Debug)]
enum Path {
    Plain(&'static str),
    /// Leads on within the origin, by this status.
    Within(u16),
    /// Leads to the other origin.
    Away(u16),
}

impl Spec {
    fn random(random: &mut Random) -> Self {
        const FIELDS: [(&str, &str); 9] = [
            ("Accept", "text/css"),
            ("user-agent", "mine/1"),
            ("X-One", "1"),
            ("x-one", "2"),
            ("Referer", "http://r.test/"),
            ("Cookie", "a=b"),
            ("Content-Type", "text/plain"),
            ("Host", "virtual.test"),
            ("Connection", "close"),
        ];
        let mut fields: Vec<_> = (0..random.below(4)).map(|_| random.pick(&FIELDS)).collect();
        fields.dedup_by_key(|field| field.0);
        if fields.iter().filter(|field| field.0 == "Host").count() > 1 {
            fields.retain(|field| field.0 != "Host");
        }
        let paths = ["/anything", "/anything/x?y=1", "/gzip", "/status/404", "/bytes/70000", "/stream-bytes/100"];
        let status = random.pick(&[301, 302, 303, 307, 308]);
        Self {
            method: random.pick(&["GET", "GET", "POST", "PUT", "DELETE", "HEAD", "PATCH", "OPTIONS"]),
            path: match random.below(4) {
                0 => Path::Within(status),
                1 => Path::Away(status),
                _ => Path::Plain(random.pick(&paths)),
            },
            fields,
            secret: random.pick(&[None, None, Some("X-Secret")]),
            without: random.pick(&[None, None, None, Some("User-Agent"), Some("Accept"), Some("Accept-Encoding")]),
            auth: random.below(5),
            userinfo: random.below(5) == 0,
            body: random.below(6),
            query: random.below(3) == 0,
            decompress: random.below(4) > 0,
            expect: random.pick(&[None, None, Some(true), Some(false)]),
            follow: random.below(5) > 0,
        }
    }

    fn request(&self, client: &Client, home: &Origin, other: &Origin) -> RequestBuilder {
        let url = match self.path {
            Path::Plain(path) => home.url_at("a.test", path),
            Path::Within(status) => {
                format!("{}&status_code={status}", leading_to(home, "a.test", "/anything/within"))
            }
            Path::Away(status) => {
                let there = other.url_at("b.test", "/anything/away");
                format!("{}&status_code={status}", leading_to(home, "a.test", &there))
            }
        };
        let url = if self.userinfo { url.replacen("://", "://me:pw@", 1) } else { url };
        let mut request = client.request(self.method, &url).decompress(self.decompress).follow_redirects(self.follow);
        for (name, value) in &self.fields {
            request = request.header(name, value);
        }
        if let Some(name) = self.secret {
            request = request.secret_header(name, "s");
        }
        if let Some(name) = self.without {
            request = request.without_header(name);
        }
        request = match self.auth {
            0 => request.basic_auth("user", "pw"),
            1 => request.bearer_auth("token"),
            _ => request,
        };
        request = match self.body {
            0 => request.body("small"),
            1 => request.body(vec![b'x'; 100_000]),
            2 => request.form([("a", "b c")]),
            3 if !matches!(self.path, Path::Within(_) | Path::Away(_)) => {
                request.body(Body::reader(std::io::repeat(b'r').take(5000), None))
            }
            _ => request,
        };
        if self.query {
            request = request.query("q", "a b");
        }
        match self.expect {
            Some(expect) => request.expect_continue(expect),
            None => request,
        }
    }
}

use std::io::Read as _;

/// What both origins have seen since the counts were taken: heads and bodies.
fn seen_since(origins: [&Origin; 2], counts: [usize; 2]) -> Vec<(Vec<u8>, u64, String)> {
    let news = origins.into_iter().zip(counts).flat_map(|(origin, count)| {
        let fresh = origin.request_count() - count;
        let seen = origin.requests();
        seen[seen.len() - fresh..].to_vec()
    });
    news.map(|seen| (seen.head, seen.body_length, seen.body_sha256)).collect()
}

#[test]
fn row_13_every_request_of_a_long_session_is_that_of_a_fresh_one() {
    let (home, other) = (Origin::http(), Origin::http());
    let session = world::client();
    let mut random = Random::new(13);
    let mut reused = 0;
    for turn in 0..200 {
        let spec = Spec::random(&mut random);
        let run = |client: &Client| {
            let counts = [home.request_count(), other.request_count()];
            let mut response = spec.request(client, &home, &other).send().unwrap_or_else(|e| panic!("{spec:?}: {e}"));
            let mut body = Vec::new();
            // Now and then a body is left unread, which costs its connection and nothing else.
            if turn % 7 > 0 {
                response.read_to_end(&mut body).unwrap_or_else(|error| panic!("{spec:?}: {error}"));
            }
            let facts = (response.status(), response.redirects(), response.url().to_owned());
            let is_reused = response.is_reused();
            drop(response);
            (facts, seen_since([&home, &other], counts), is_reused)
        };
        let (facts, seen, is_reused) = run(&session);
        let (fresh_facts, fresh_seen, _) = run(&world::client());
        assert_eq!(facts, fresh_facts, "turn {turn}: {spec:?}");
        assert!(!seen.is_empty());
        let text = |seen: &[(Vec<u8>, u64, String)]| {
            seen.iter()
                .map(|(head, length, hash)| format!("{}{length} {hash}", String::from_utf8_lossy(head)))
                .collect::<Vec<_>>()
        };
        assert_eq!(text(&seen), text(&fresh_seen), "turn {turn}: {spec:?}");
        reused += usize::from(is_reused);
    }
    assert!(reused > 50, "a session that keeps nothing proves nothing: {reused}");
}

fn end_of(transfers: &mut Transfers) -> Box<Outcome> {
    while transfers.wait(Some(world::PATIENCE)) {
        while let Some(event) = transfers.next() {
            if let Event::End { outcome, .. } = event {
                return outcome;
            }
        }
    }
    panic!("nothing happens any more");
}

#[test]
fn row_13_the_same_holds_for_transfers_that_go_on_by_themselves() {
    let (home, other) = (Origin::http(), Origin::http());
    let session = world::client();
    let mut random = Random::new(31);
    let mut reused = 0;
    let mut transfers = Transfers::new();
    for turn in 0..200 {
        let spec = Spec::random(&mut random);
        let mut run = |client: &Client| {
            let counts = [home.request_count(), other.request_count()];
            let delivery = if turn % 3 == 0 { Delivery::chunks(1 << 20).stages(true) } else { Delivery::memory() };
            transfers.start(spec.request(client, &home, &other), delivery);
            let outcome = end_of(&mut transfers);
            assert!(outcome.error().is_none(), "{spec:?}: {:?}", outcome.error());
            let facts = (outcome.status(), outcome.redirects(), outcome.url().to_owned());
            (facts, seen_since([&home, &other], counts), outcome.is_reused())
        };
        let (facts, seen, is_reused) = run(&session);
        let (fresh_facts, fresh_seen, _) = run(&world::client());
        assert_eq!((facts, &seen), (fresh_facts, &fresh_seen), "turn {turn}: {spec:?}");
        assert!(!seen.is_empty());
        reused += usize::from(is_reused);
    }
    assert!(reused > 50, "a session that keeps nothing proves nothing: {reused}");
}
