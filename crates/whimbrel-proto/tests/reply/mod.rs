//! Makes replies: valid ones at random, then broken ones by a few mutations. The same seed makes the same replies.

/// A small generator (xorshift64*), so that a failure's number is enough to see it again.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 16
    }

    /// Below `bound`, which isn't 0.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    fn one_in(&mut self, bound: usize) -> bool {
        self.below(bound) == 0
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, of: &[&'a T]) -> &'a T {
        of[self.below(of.len())]
    }
}

/// A reply that is valid as an answer to `method`.
pub(crate) fn valid(random: &mut Random, method: &str) -> Vec<u8> {
    let mut reply = String::new();
    for _ in 0..random.below(8).saturating_sub(5) {
        reply += random.pick(&["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"]);
    }
    let version = random.pick(&["HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0"]);
    let status = random.pick(&["200 OK", "204 No Content", "304 Not Modified", "404 Not Found", "503 ", "206"]);
    reply += &format!("{version} {status}\r\n");
    let body = "whimbrel, curlew, godwit\r\n0\r\n\r\nsnipe".repeat(random.below(4));
    let bodiless = method == "HEAD" || status.starts_with("204") || status.starts_with("304");
    let framing = random.below(3);
    for _ in 0..random.below(4) {
        reply += &field(random);
    }
    match framing {
        0 if !status.starts_with("204") => reply += &format!("Content-Length: {}\r\n", body.len()),
        1 if version == "HTTP/1.1" && !bodiless => reply += "Transfer-Encoding: chunked\r\n",
        _ => {}
    }
    for _ in 0..random.below(3) {
        reply += &field(random);
    }
    reply += "\r\n";
    match framing {
        _ if bodiless => {}
        1 if version == "HTTP/1.1" => reply += &chunked(random, &body),
        _ => reply += &body,
    }
    reply.into_bytes()
}

fn field(random: &mut Random) -> String {
    let name = random.pick(&["X-Bird", "x-bird", "Set-Cookie", "Connection", "ETag", "Date", "Via"]);
    let value = match name {
        "Connection" => random.pick(&["close", "keep-alive", "Keep-Alive, X-Bird", ""]),
        _ => random.pick(&["a", "a, b", "\"quoted, text\"", "", "\t padded \t", "100", "caf\u{e9}"]),
    };
    let space = random.pick(&["", " ", "  ", "\t"]);
    format!("{name}:{space}{value}\r\n")
}

fn chunked(random: &mut Random, body: &str) -> String {
    let (mut rest, mut out) = (body, String::new());
    while !rest.is_empty() {
        let (chunk, tail) = rest.split_at(1 + random.below(rest.len()));
        let extension = random.pick(&["", "", "", ";a", ";a=b", ";a=\"b c\""]);
        out += &format!("{:x}{extension}\r\n{chunk}\r\n", chunk.len());
        rest = tail;
    }
    out += random.pick(&["0\r\n", "0\r\n", "000\r\n", "0;last\r\n"]);
    for _ in 0..random.below(6).saturating_sub(3) {
        out += random.pick(&["X-Sum: 1\r\n", "X-Sum:2\r\n", "Server-Timing: a;dur=1\r\n"]);
    }
    out + "\r\n"
}

/// Pieces that break replies, or nearly.
const SHARDS: [&str; 49] = [
    "\r",
    "\n",
    "\r\n",
    "\0",
    " ",
    "\t",
    ":",
    ";",
    ",",
    "0",
    "1",
    "5",
    "-",
    "+",
    "\u{7f}",
    "\u{e9}",
    "\r\n\r\n",
    "\n\n",
    "\r\n ",
    "Content-Length: 5\r\n",
    "Content-Length: 33\r\n",
    "Content-Length: 0\r\n",
    "Content-Length: 5, 5\r\n",
    "Content-Length: +5\r\n",
    "Content-Length: 18446744073709551616\r\n",
    "Content-Length: 99999999999\r\n",
    "Transfer-Encoding: chunked\r\n",
    "Transfer-Encoding: gzip, chunked\r\n",
    "Transfer-Encoding: chunked, identity\r\n",
    "Transfer-Encoding: identity\r\n",
    "Transfer-Encoding: xchunked\r\n",
    "Connection: close\r\n",
    "Host: a\r\n",
    "X : y\r\n",
    "X\r\n",
    ": y\r\n",
    " folded\r\n",
    "HTTP/1.1 103 Early Hints\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.0",
    "HTTP/1.2",
    "HTTP/2.0",
    "099",
    "0x",
    "00000000000000000",
    "ffffffffffffffff",
    "10000000000000000",
    "0\r\n\r\n",
];

/// Breaks a reply in one to three places.
pub(crate) fn mutate(random: &mut Random, reply: &mut Vec<u8>) {
    for _ in 0..1 + random.below(3) {
        let at = random.below(reply.len() + 1);
        let end = (at + random.below(8)).min(reply.len());
        match random.below(7) {
            0 => reply.truncate(at),
            1 => drop(reply.drain(at..end)),
            2 => {
                let again = reply[at..end].to_vec();
                reply.splice(at..at, again);
            }
            3 => drop(reply.splice(at..end, random.pick(&SHARDS).bytes())),
            4 => {
                // At the start of a line, where most of what matters stands.
                let lines: Vec<_> = (1..reply.len()).filter(|&at| reply[at - 1] == b'\n').collect();
                let at = if lines.is_empty() { 0 } else { lines[random.below(lines.len())] };
                reply.splice(at..at, random.pick(&SHARDS).bytes());
            }
            5 if at < reply.len() => reply[at] ^= 1 << random.below(8),
            _ => drop(reply.splice(at..at, random.pick(&SHARDS).bytes())),
        }
    }
    if random.one_in(8) {
        reply.extend_from_slice(b"HTTP/1.1 200 OK\r\n\r\n");
    }
}
