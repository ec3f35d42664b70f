//! The client of the soak: keeps some dozens of transfers of every sort under way, does to them what consumers do, and
//! holds every end against what was asked for.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use whimbrel::{Body, Client, Delivery, Event, Kind, Outcome, Retry, TransferId, Transfers};

use crate::content;
use crate::server::Server;

const UNDER_WAY: usize = 48;

/// What a transfer is of: a path of the server.
const KINDS: [&str; 14] = [
    "get",
    "get",
    "get",
    "chunked",
    "until-close",
    "drip",
    "redirect",
    "upload",
    "upload",
    "deed",
    "busy",
    "flaky",
    "cut",
    "reset",
];

/// How it may fail: the server was killed, or is as bad as it is meant to be.
const PASSING: [Kind; 7] =
    [Kind::Connect, Kind::Send, Kind::Receive, Kind::Empty, Kind::Truncated, Kind::Timeout, Kind::Resolve];

struct Under {
    kind: &'static str,
    number: u64,
    size: usize,
    file: Option<PathBuf>,
    /// What came in chunks.
    chunks: Option<Vec<u8>>,
    paused_until: Option<Instant>,
}

pub(crate) struct Traffic {
    server: Server,
    files: PathBuf,
    random: Random,
    client: Client,
    transfers: Transfers,
    under_way: HashMap<TransferId, Under>,
    numbers: u64,
    started: u64,
    cancelled: u64,
    ended: u64,
    /// By what they were of: how many came whole, and how many failed.
    results: BTreeMap<&'static str, (u64, u64)>,
    next_kill: Instant,
    next_start: Option<Instant>,
}

impl Traffic {
    pub(crate) fn new(server: Server, files: PathBuf, seed: u64) -> Self {
        Self {
            server,
            files,
            random: Random(seed),
            client: client(),
            transfers: Transfers::new(),
            under_way: HashMap::new(),
            numbers: 0,
            started: 0,
            cancelled: 0,
            ended: 0,
            results: BTreeMap::new(),
            next_kill: Instant::now() + Duration::from_secs(1),
            next_start: None,
        }
    }

    pub(crate) fn run(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            while self.under_way.len() < UNDER_WAY {
                self.start();
            }
            self.meddle();
            self.restart();
            self.transfers.wait(Some(Duration::from_millis(5)));
            self.take();
        }
    }

    /// Lets all that is under way end, and closes what is kept.
    pub(crate) fn quiesce(&mut self) {
        if !self.server.is_running() {
            self.server.start();
            self.next_start = None;
        }
        let until = Instant::now() + Duration::from_secs(40);
        while !self.under_way.is_empty() {
            assert!(Instant::now() < until, "these never end: {:?}", self.under_way.keys());
            for id in self.under_way.keys() {
                self.transfers.resume(*id);
            }
            self.transfers.wait(Some(Duration::from_millis(20)));
            self.take();
        }
        assert!(self.transfers.is_empty() && self.transfers.next().is_none());
        self.client.close_idle();
        assert_eq!(self.started, self.ended + self.cancelled);
    }

    pub(crate) fn counts(&self) -> String {
        let Self { started, ended, cancelled, results, .. } = self;
        format!(
            "{started} started, {ended} ended, {cancelled} cancelled, {} starts of the server; whole and failed: {results:?}",
            self.server.starts
        )
    }

    /// What must be true of the whole run.
    pub(crate) fn judge(&self) {
        let mut deeds = self.server.deeds();
        let count = deeds.len();
        deeds.sort_unstable();
        deeds.dedup();
        assert_eq!(deeds.len(), count, "what must be done once was done twice");
        assert!(count > 0 && self.cancelled > 0 && self.server.starts > 2, "{}", self.counts());
        for (kind, (whole, failed)) in &self.results {
            match *kind {
                "cut" | "reset" | "stall" => assert!(*whole == 0 && *failed > 0, "{kind}: {}", self.counts()),
                "get" => assert!(whole > failed, "{}", self.counts()),
                _ => assert!(*whole > 0, "{kind}: {}", self.counts()),
            }
        }
    }

    fn start(&mut self) {
        let number = self.numbers;
        self.numbers += 1;
        let kind = if self.random.below(60) == 0 { "stall" } else { KINDS[self.random.below(KINDS.len())] };
        let size = [0, 100, 3_000, 40_000, 400_000][self.random.below(5)] + self.random.below(100);
        let addr = self.server.addr();
        let path = format!("/{kind}/{number}/{size}");
        let url = match self.random.below(12) {
            0 => format!("http://n{}.test:{}{path}", self.random.below(3_000), addr.port()),
            _ => format!("http://{addr}{path}"),
        };
        let idle = Duration::from_millis(if kind == "stall" { 150 } else { 3_000 });
        let mut request = match kind {
            "upload" => {
                let bytes = content(number, size);
                let length = Some(bytes.len() as u64);
                let body = match self.random.below(2) {
                    0 => Body::from(bytes),
                    _ => Body::reader(io::Cursor::new(bytes), length),
                };
                self.client.put(&url).body(body)
            }
            "deed" => self.client.post(&url).body("do it"),
            _ => self.client.get(&url),
        };
        request = request.idle_timeout(idle).total_timeout(Duration::from_secs(15)).expect_continue(false);
        if matches!(kind, "busy" | "flaky" | "deed") || self.random.below(4) == 0 {
            request = request.retry(Retry::new(6).first_wait(Duration::from_millis(5)));
        }
        let mut under = Under { kind, number, size, file: None, chunks: None, paused_until: None };
        let mut delivery = match self.random.below(4) {
            0 => {
                let path = self.files.join(format!("{number}.dat"));
                under.file = Some(path.clone());
                Delivery::file(path)
            }
            1 => {
                under.chunks = Some(Vec::new());
                Delivery::chunks(30_000)
            }
            _ => Delivery::memory(),
        };
        if self.random.below(3) == 0 {
            delivery = delivery.head(true).stages(true).progress(Duration::from_millis(10));
        }
        let id = self.transfers.start(request, delivery);
        self.started += 1;
        assert!(self.under_way.insert(id, under).is_none(), "an id was used twice");
    }

    /// What consumers do now and then: cancel, pause, go on; go away with everything under way; begin a new session.
    fn meddle(&mut self) {
        let now = Instant::now();
        for (id, under) in &mut self.under_way {
            if under.paused_until.is_some_and(|until| until <= now) {
                under.paused_until = None;
                assert!(self.transfers.resume(*id));
            }
        }
        let any = self.under_way.keys().nth(self.random.below(UNDER_WAY)).copied();
        if let Some(id) = any {
            match self.random.below(25) {
                0 => self.cancel(id),
                1 => {
                    assert!(self.transfers.pause(id));
                    let pause = Duration::from_millis(self.random.below(100) as u64);
                    self.under_way.get_mut(&id).unwrap().paused_until = Some(now + pause);
                }
                2 => assert!(self.transfers.set_priority(id, self.random.below(9) as i8)),
                _ => {}
            }
        }
        match self.random.below(600) {
            0 => {
                self.cancelled += self.under_way.len() as u64;
                self.under_way.clear();
                self.transfers = Transfers::new();
            }
            1 => self.client = client(),
            2 => {
                self.client.suspend();
                self.transfers.wait(Some(Duration::from_millis(5)));
                self.client.resume();
            }
            _ => {}
        }
    }

    fn cancel(&mut self, id: TransferId) {
        let under = self.under_way.remove(&id).unwrap();
        assert!(self.transfers.cancel(id));
        self.cancelled += 1;
        // It may have been put in place just before.
        if let Some(path) = under.file
            && let Ok(bytes) = std::fs::read(&path)
        {
            assert!(bytes == content(under.number, under.size), "a torn file");
        }
    }

    fn restart(&mut self) {
        let now = Instant::now();
        if self.next_start.is_some_and(|at| at <= now) {
            self.server.start();
            self.next_start = None;
            self.next_kill = now + Duration::from_millis(500 + self.random.below(2_500) as u64);
        } else if self.next_start.is_none() && self.next_kill <= now {
            self.server.kill();
            self.next_start = Some(now + Duration::from_millis(self.random.below(150) as u64));
        }
    }

    fn take(&mut self) {
        while let Some(event) = self.transfers.next() {
            let id = event.id();
            let under = self.under_way.get_mut(&id).unwrap_or_else(|| panic!("{event:?} of what is over"));
            match event {
                Event::Chunk { bytes, .. } => under.chunks.as_mut().unwrap().extend(bytes),
                Event::End { outcome, .. } => {
                    let under = self.under_way.remove(&id).unwrap();
                    self.ended += 1;
                    let is_whole = under.judge(&outcome);
                    let (whole, failed) = self.results.entry(under.kind).or_default();
                    *(if is_whole { whole } else { failed }) += 1;
                    self.transfers.recycle(outcome);
                }
                _ => {}
            }
        }
        // What a cancelled one put in place just before belongs to nobody.
        if self.under_way.is_empty() {
            self.sweep();
        }
    }

    fn sweep(&self) {
        for entry in std::fs::read_dir(&self.files).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "dat") {
                let bytes = std::fs::read(&path).unwrap();
                let number = path.file_stem().unwrap().to_str().unwrap().parse().unwrap();
                let size = bytes.len().saturating_sub(format!("{number}:").len());
                assert!(bytes == content(number, size), "a torn file");
                std::fs::remove_file(path).unwrap();
            }
        }
    }
}

impl Under {
    /// Whether everything came, which it must have as it was sent.
    fn judge(&self, outcome: &Outcome) -> bool {
        let written = self.file.as_ref().map(std::fs::read);
        let about = || format!("{} {}: {outcome:?}", self.kind, self.number);
        let whole = content(self.number, self.size);
        if let Some(error) = outcome.error() {
            assert!(PASSING.contains(&error.kind()), "{}", about());
            assert!(outcome.file().is_none() && written.is_none_or(|file| file.is_err()), "{}", about());
            // What came before the failure came right.
            let came = self.chunks.as_deref().unwrap_or_else(|| outcome.body());
            assert!(outcome.status() != 200 || whole.starts_with(came), "{}", about());
            return false;
        }
        if outcome.status() != 200 {
            assert_eq!((self.kind, outcome.status()), ("busy", 503), "{}", about());
            return false;
        }
        match (&self.file, &self.chunks) {
            (Some(path), _) => {
                assert_eq!(outcome.file(), Some(&**path), "{}", about());
                assert!(written.unwrap().unwrap() == whole, "{}", about());
                std::fs::remove_file(path).unwrap();
            }
            (None, Some(chunks)) => assert!(*chunks == whole, "{}", about()),
            (None, None) => assert!(outcome.body() == whole, "{}", about()),
        }
        true
    }
}

/// A session with slow lookups, of which some fail.
fn client() -> Client {
    let lookup = |name: &str| {
        let number = name.trim_start_matches('n').trim_end_matches(".test").parse::<u64>().unwrap_or(0);
        std::thread::sleep(Duration::from_millis(number % 16));
        let loopback: IpAddr = "127.0.0.1".parse().unwrap();
        if number % 20 == 1 { Err(io::ErrorKind::NotFound.into()) } else { Ok(vec![loopback]) }
    };
    Client::builder().no_proxy().resolver(lookup).max_connections(32).build().unwrap()
}

/// A sequence without pattern, the same at every run.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}
