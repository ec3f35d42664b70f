//! A process that is killed while it downloads over an old file: what it leaves is the old file or the whole new one, and
//! nothing else that could be taken for it. The killer is the server, so the moments are known: after so many bytes of a
//! body, or a blink after the last one, while the file is put in its place.
#![cfg(unix)]

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use whimbrel::{Delivery, Transfers};

use crate::{PATIENCE, Random, again, client, end_of, folder};

/// How often a process is killed; `cargo xtask torture` asks for more.
const ROUNDS: &str = "WHIMBREL_TORTURE_ROUNDS";
const SEED: &str = "WHIMBREL_TORTURE_SEED";
/// What the process that is killed is told: where the versions are, where the target is, which way it takes.
const URL: &str = "WHIMBREL_TORTURE_URL";
const TARGET: &str = "WHIMBREL_TORTURE_TARGET";
const WAY: &str = "WHIMBREL_TORTURE_WAY";

const NAME: &str = "save.dat";

/// The content of the version of this number: no two are alike, and none is the beginning of another.
fn version(number: u64) -> Vec<u8> {
    let mut random = Random::new(number);
    let size = random.pick(&[0, 10, 4_000, 70_000, 300_000, 2_000_000]);
    let size = size + random.below(1000);
    let mut bytes = number.to_le_bytes().to_vec();
    bytes.extend((0..size).map(|_| random.below(256) as u8));
    bytes
}

/// Which version this is, if it is a whole one.
fn number_of(bytes: &[u8]) -> Option<u64> {
    let number = u64::from_le_bytes(bytes.first_chunk().copied()?);
    (version(number) == bytes).then_some(number)
}

/// Ends with its process.
struct Victim(Child);

impl Drop for Victim {
    fn drop(&mut self) {
        // `Child::kill` is SIGKILL.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_killed_process_leaves_the_old_file_or_the_whole_new_one() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |value| value.parse().unwrap());
    let (rounds, seed) = (number(ROUNDS, 100), number(SEED, 3));
    let mut random = Random::new(seed);
    let folder = folder("kill");
    let target = folder.join(NAME);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    std::fs::write(&target, version(0)).unwrap();
    let mut round = Round { latest: 0, parts: 0, replaced: 0, kept: 0 };
    for turn in 0..rounds {
        let mut command = again("kill::the_process_that_downloads_until_it_is_killed");
        command.env(URL, format!("http://{}/", listener.local_addr().unwrap())).env(TARGET, &target);
        command.env(WAY, ["transfers", "blocking"][turn as usize % 2]).stdout(Stdio::null());
        let victim = Victim(command.spawn().unwrap());
        let may_be_new = round.play(&listener, victim, &mut random);
        round.judge(&target, may_be_new, turn);
    }
    std::fs::remove_dir_all(folder).unwrap();
    let Round { parts, replaced, kept, .. } = round;
    println!("{rounds} kills: {replaced} left the new file, {kept} the old one, and {parts} part files beside them");
    assert!(parts > 0 && replaced > 0 && kept > 0, "moments without variety prove nothing: {parts} {replaced} {kept}");
}

/// What is known between the rounds.
struct Round {
    /// The version that is surely in place.
    latest: u64,
    parts: usize,
    replaced: usize,
    kept: usize,
}

impl Round {
    /// Serves a few versions, and kills in the middle of the next or right after it (true).
    fn play(&mut self, listener: &TcpListener, mut victim: Victim, random: &mut Random) -> bool {
        let mut stream = accept(listener, &mut victim);
        for _ in 0..random.below(3) {
            self.latest += 1;
            serve(&mut stream, &version(self.latest), usize::MAX, random).unwrap();
        }
        // Its request shows that the one before is in place.
        let body = version(self.latest + 1);
        let is_whole = random.below(2) == 0;
        let most = if is_whole { body.len() } else { random.below(body.len()) };
        serve(&mut stream, &body, most, random).unwrap();
        blink(random.below(if is_whole { 3000 } else { 300 }));
        // Before the connection closes, or the process would ask again on another.
        drop(victim);
        is_whole
    }

    /// What is in the folder when the process is gone.
    fn judge(&mut self, target: &Path, may_be_new: bool, turn: u64) {
        let bytes = std::fs::read(target).unwrap();
        let found = number_of(&bytes).unwrap_or_else(|| panic!("round {turn}: a torn file of {} bytes", bytes.len()));
        let is_new = may_be_new && found == self.latest + 1;
        assert!(found == self.latest || is_new, "round {turn}: {found} is not {}", self.latest);
        if is_new {
            self.replaced += 1
        } else {
            self.kept += 1
        }
        // The one that was begun is not used again.
        self.latest += 1;
        std::fs::write(target, version(self.latest)).unwrap();
        for entry in std::fs::read_dir(target.parent().unwrap()).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name == NAME {
                continue;
            }
            let is_left =
                name.starts_with(&format!(".{NAME}.")) && (name.ends_with(".part") || name.ends_with(".mode"));
            assert!(is_left, "round {turn}: {name} could be taken for the target");
            self.parts += 1;
            // Every second one stays: the next process has to get along with it.
            if self.parts.is_multiple_of(2) {
                std::fs::remove_file(target.with_file_name(name)).unwrap();
            }
        }
    }
}

fn accept(listener: &TcpListener, victim: &mut Victim) -> TcpStream {
    let until = Instant::now() + PATIENCE;
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).unwrap();
                stream.set_nodelay(true).unwrap();
                stream.set_read_timeout(Some(PATIENCE)).unwrap();
                stream.set_write_timeout(Some(PATIENCE)).unwrap();
                return stream;
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                assert!(Instant::now() < until, "the process does not ask");
                assert!(victim.0.try_wait().unwrap().is_none(), "the process has ended by itself");
                std::thread::sleep(Duration::from_micros(200));
            }
            Err(error) => panic!("{error}"),
        }
    }
}

/// Waits for a request and answers it with the first `most` bytes of a body, of known length or in chunks.
fn serve(stream: &mut TcpStream, body: &[u8], most: usize, random: &mut Random) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let shown = &body[..most.min(body.len())];
    if random.below(2) == 0 {
        write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len())?;
        return shown.chunks(30_000).try_for_each(|piece| stream.write_all(piece));
    }
    write!(stream, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")?;
    for piece in shown.chunks(30_000) {
        write!(stream, "{:x}\r\n", piece.len())?;
        stream.write_all(piece)?;
        stream.write_all(b"\r\n")?;
    }
    if shown.len() == body.len() { stream.write_all(b"0\r\n\r\n") } else { Ok(()) }
}

/// Passes so many microseconds, more exactly than a sleep does.
fn blink(micros: usize) {
    let until = Instant::now() + Duration::from_micros(micros as u64);
    while Instant::now() < until {
        std::hint::spin_loop();
    }
}

#[test]
#[ignore = "the test above runs it as a process of its own, and kills it"]
fn the_process_that_downloads_until_it_is_killed() {
    let (Ok(url), Some(target)) = (std::env::var(URL), std::env::var_os(TARGET)) else { return };
    let is_blocking = std::env::var(WAY).is_ok_and(|way| way == "blocking");
    let client = client();
    let mut transfers = Transfers::new();
    loop {
        if is_blocking {
            client.get(&url).download(&target).unwrap();
        } else {
            let id = transfers.start(client.get(&url), Delivery::file(&target));
            let outcome = end_of(&mut transfers, id);
            assert!(outcome.file().is_some(), "{:?}", outcome.error());
        }
    }
}
