//! Downloads to a file that can't be finished, for whatever reason: an error of kind `File` that names the path where the
//! file is to blame, the target as it was, and nothing beside it.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use whimbrel::{Client, Delivery, Event, Kind, Outcome, Transfers};
use whimbrel_testkit::{Origin, RawServer, Script};

use crate::{PATIENCE, again, client, end_of, folder};

const OLD: &[u8] = b"what was there before";

/// A folder with an old file in it; gone at the end.
struct Place {
    folder: PathBuf,
    target: PathBuf,
}

impl Place {
    fn new(name: &str) -> Self {
        Self::at(folder(&format!("files-{name}")))
    }

    fn at(folder: PathBuf) -> Self {
        let target = folder.join("target");
        fs::write(&target, OLD).unwrap();
        Self { folder, target }
    }

    /// The old file is there, and nothing else.
    fn assert_untouched(&self) {
        assert_eq!(fs::read(&self.target).unwrap(), OLD);
        assert_eq!(self.names(), ["target"]);
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(&self.folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn fetch(client: &Client, url: &str, path: &Path) -> Box<Outcome> {
    let mut transfers = Transfers::new();
    let id = transfers.start(client.get(url), Delivery::file(path));
    end_of(&mut transfers, id)
}

/// Fails because of the file, and says of which.
#[track_caller]
fn assert_refused(outcome: &Outcome, path: &Path, why: &str) {
    let error = outcome.error().unwrap_or_else(|| panic!("{} was written", path.display()));
    assert_eq!((error.kind(), error.code()), (Kind::File, "file-write"), "{error}");
    let text = error.to_string();
    assert!(text.contains(path.to_str().unwrap()) && text.contains(why), "{text}");
    assert!(outcome.file().is_none() && outcome.body().is_empty());
}

/// A head that promises `length` bytes and the first few of them.
fn begun(length: usize) -> Script {
    Script::new().expect_head().send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nhello"))
}

/// The URL of "helloworld", whose second half comes when the other value is dropped.
fn gated() -> (String, mpsc::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let (gate, opened) = mpsc::channel();
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\nhello";
        stream.write_all(head.as_bytes()).unwrap();
        let _: Result<(), _> = opened.recv();
        let _ = stream.write_all(b"world");
        // What was asked must have been read, or the close is a reset.
        let _ = std::io::Read::read_to_end(&mut stream, &mut Vec::new());
    });
    (url, gate)
}

/// Takes events until the first bytes have come; by then the part file is there.
fn until_it_has_begun(transfers: &mut Transfers) {
    loop {
        assert!(transfers.wait(Some(PATIENCE)), "nothing happens any more");
        while let Some(event) = transfers.next() {
            match event {
                Event::Progress { progress, .. } if progress.received > 0 => return,
                Event::End { outcome, .. } => panic!("{outcome:?}"),
                _ => {}
            }
        }
    }
}

#[test]
fn a_target_that_no_file_can_be_costs_no_request() {
    let place = Place::new("nowhere");
    let origin = Origin::http();
    let client = client();
    let directory = place.folder.join("directory");
    fs::create_dir(&directory).unwrap();
    let long = place.folder.join("x".repeat(256));
    let targets = [
        (directory.clone(), "directory"),
        (place.target.join("below"), "Not a directory"),
        (place.folder.join("missing/below"), "No such file"),
        (long, "name too long"),
        (place.folder.join(".."), ""),
    ];
    for (target, why) in targets {
        assert_refused(&fetch(&client, &origin.url("/bytes/100000"), &target), &target, why);
    }
    // A folder can't be made where a file is, and what could be made of the way stays harmless.
    let below = place.target.join("a/b");
    let mut transfers = Transfers::new();
    let id = transfers.start(client.get(&origin.url("/get")), Delivery::file(&below).create_folders(true));
    assert_refused(&end_of(&mut transfers, id), &below, "Not a directory");
    assert_eq!(origin.request_count(), 0);
    fs::remove_dir(directory).unwrap();
    place.assert_untouched();
}

#[test]
fn the_longest_names_are_as_good_as_short_ones() {
    let place = Place::new("long");
    let origin = Origin::http();
    let client = client();
    // 255 bytes each, all that a name may have on nearly every file system.
    let names = ["n".repeat(255), "é".repeat(127) + "e", "鷸".repeat(85), "🐦".repeat(63) + "abc"];
    for name in &names {
        let target = place.folder.join(name);
        let outcome = fetch(&client, &origin.url("/bytes/1000"), &target);
        assert!(outcome.error().is_none(), "{:?}", outcome.error());
        assert_eq!(fs::read(&target).unwrap().len(), 1000);
        fs::remove_file(target).unwrap();
    }
    place.assert_untouched();
}

#[test]
fn whatever_ends_a_download_early_leaves_the_target_as_it_was() {
    let place = Place::new("early");
    let client = client();
    let mut transfers = Transfers::new();
    for (script, kind) in [(begun(9).close(), Kind::Truncated), (begun(9).reset(), Kind::Receive)] {
        let server = RawServer::start([script]);
        let outcome = fetch(&client, &server.url("/"), &place.target);
        assert_eq!(outcome.error().unwrap().kind(), kind, "{:?}", outcome.error());
        place.assert_untouched();
    }
    let server = RawServer::start_each(|_| begun(9).wait_for_close());
    let get = || client.get(&server.url("/"));
    for (request, kind) in [
        (get().total_timeout(Duration::from_millis(50)), Kind::Timeout),
        (get().idle_timeout(Duration::from_millis(50)), Kind::Timeout),
        (get().max_body(3), Kind::BodyLimit),
    ] {
        let id = transfers.start(request, Delivery::file(&place.target));
        let outcome = end_of(&mut transfers, id);
        assert_eq!(outcome.error().unwrap().kind(), kind, "{:?}", outcome.error());
        place.assert_untouched();
    }
    // A cancel has no end that could be waited for: the server sees the connection close, and the file goes before that.
    for dropping in [false, true] {
        let finished = server.finished();
        let id = transfers.start(get(), Delivery::file(&place.target).progress(Duration::ZERO));
        until_it_has_begun(&mut transfers);
        assert_eq!(place.names().len(), 2);
        if dropping {
            transfers = Transfers::new();
        } else {
            assert!(transfers.cancel(id));
        }
        assert!(server.wait_finished(finished + 1, PATIENCE));
        until_gone(&place);
        place.assert_untouched();
    }
}

/// Waits until nothing is beside the target.
fn until_gone(place: &Place) {
    let until = std::time::Instant::now() + PATIENCE;
    while place.names().len() > 1 && std::time::Instant::now() < until {
        std::thread::yield_now();
    }
}

#[test]
fn an_error_status_and_its_body_leave_the_target_as_it_was() {
    let place = Place::new("status");
    let origin = Origin::http();
    let client = client();
    for status in [300, 304, 400, 404, 500, 503] {
        let outcome = fetch(&client, &origin.url(&format!("/status/{status}")), &place.target);
        assert_eq!((outcome.status(), outcome.file()), (status, None), "{:?}", outcome.error());
        place.assert_untouched();
    }
    let reply = "HTTP/1.1 500 Oh no\r\nContent-Length: 5\r\n\r\nsorry";
    let server = RawServer::start([Script::new().expect_head().send(reply)]);
    let outcome = fetch(&client, &server.url("/"), &place.target);
    assert_eq!((outcome.status(), outcome.body(), outcome.file()), (500, &b"sorry"[..], None));
    place.assert_untouched();
}

#[test]
fn of_two_downloads_to_one_target_one_is_there_whole() {
    let place = Place::new("two");
    let client = client();
    let size = 300_000;
    let reply = move |byte: u8| {
        let mut reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n").into_bytes();
        reply.resize(reply.len() + size, byte);
        reply
    };
    let server = RawServer::start_each(move |number| Script::new().expect_head().send(reply(b'a' + number as u8)));
    for _ in 0..10 {
        let mut transfers = Transfers::new();
        for _ in 0..2 {
            transfers.start(client.get(&server.url("/")).header("Connection", "close"), Delivery::file(&place.target));
        }
        let mut whole = 0;
        while !transfers.is_empty() {
            assert!(transfers.wait(Some(PATIENCE)));
            while let Some(event) = transfers.next() {
                let Event::End { outcome, .. } = event else { panic!("{event:?}") };
                assert_eq!(outcome.file(), Some(&*place.target), "{:?}", outcome.error());
                let bytes = fs::read(&place.target).unwrap();
                assert_eq!(bytes.len(), size);
                assert!(bytes.iter().all(|byte| *byte == bytes[0]), "one of the two, not a bit of each");
                whole += 1;
            }
        }
        assert_eq!((whole, place.names()), (2, vec!["target".to_owned()]));
    }
}

#[test]
fn what_happens_to_the_target_meanwhile_is_no_harm() {
    let place = Place::new("meanwhile");
    let client = client();
    let go_on = |transfers: &mut Transfers, meanwhile: &dyn Fn()| {
        let (url, gate) = gated();
        let delivery = Delivery::file(&place.target).progress(Duration::ZERO);
        let id = transfers.start(client.get(&url), delivery);
        until_it_has_begun(transfers);
        meanwhile();
        drop(gate);
        end_of(transfers, id)
    };
    let mut transfers = Transfers::new();
    let part = || place.names().into_iter().find(|name| name.ends_with(".part")).unwrap();

    // Deleted: the new file is there.
    let outcome = go_on(&mut transfers, &|| fs::remove_file(&place.target).unwrap());
    assert_eq!(outcome.file(), Some(&*place.target), "{:?}", outcome.error());
    assert_eq!(fs::read(&place.target).unwrap(), b"helloworld");

    // It has become a folder: that stays.
    let outcome = go_on(&mut transfers, &|| {
        fs::remove_file(&place.target).unwrap();
        fs::create_dir(&place.target).unwrap();
    });
    assert_refused(&outcome, &place.target, "directory");
    assert_eq!(place.names(), ["target"]);
    fs::remove_dir(&place.target).unwrap();
    fs::write(&place.target, OLD).unwrap();

    // Somebody took the part away: the old file stays.
    let outcome = go_on(&mut transfers, &|| fs::remove_file(place.folder.join(part())).unwrap());
    assert_refused(&outcome, &place.target, "No such file");
    place.assert_untouched();

    // The folder is gone: it is not made again.
    let outcome = go_on(&mut transfers, &|| fs::remove_dir_all(&place.folder).unwrap());
    assert_refused(&outcome, &place.target, "No such file");
    assert!(!place.folder.exists());
}

#[test]
fn a_link_to_a_full_device_leaves_nothing_anywhere() {
    let place = Place::new("links");
    let origin = Origin::http();
    let client = client();
    let full = place.folder.join("full");
    symlink("/dev/full", &full).unwrap();
    assert_refused(&fetch(&client, &origin.url("/bytes/100000"), &full), &full, "No space left");
    assert!(fs::symlink_metadata(&full).unwrap().is_symlink());
    // A part beside a device would be a file in /dev.
    assert!(!fs::read_dir("/dev").unwrap().any(|entry| entry.unwrap().file_name().to_string_lossy().contains("full.")));
    fs::remove_file(full).unwrap();
    place.assert_untouched();
}

/// Runs one of the tests below where it may mount what it likes: nobody else sees it, and it is gone with the process.
/// Where that is not allowed there is nothing to be shown.
fn apart(test: &str) {
    let unshare = |command: &mut Command| {
        let ours = ["--mount"];
        let mapped = ["--mount", "--map-root-user"];
        let is_allowed = |flags: &[&str]| {
            Command::new("unshare").args(flags).arg("true").output().is_ok_and(|output| output.status.success())
        };
        let flags = if is_allowed(&ours) { &ours[..] } else { &mapped[..] };
        command.args(flags);
        is_allowed(flags)
    };
    let mut command = Command::new("unshare");
    if !unshare(&mut command) {
        println!("{test}: skipped, this process may mount nothing");
        return;
    }
    let inner = again(test);
    let status = command.arg(inner.get_program()).args(inner.get_args()).output().unwrap();
    let text = String::from_utf8_lossy(&status.stdout);
    assert!(status.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&status.stderr));
}

fn mount(arguments: &[&str], folder: &Path) {
    let output = Command::new("mount").args(arguments).arg(folder).output().unwrap();
    assert!(output.status.success(), "mount: {}", String::from_utf8_lossy(&output.stderr));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_leaves_the_target_as_it_was() {
    apart("files::on_a_disk_of_its_own_that_gets_full");
}

#[test]
#[ignore = "the test above runs it where it may mount"]
fn on_a_disk_of_its_own_that_gets_full() {
    let disk = folder("full");
    mount(&["-t", "tmpfs", "-o", "size=512k", "tmpfs"], &disk);
    let place = Place::at(disk);
    let origin = Origin::http();
    let client = client();
    for path in ["/bytes/1000000", "/stream-bytes/1000000"] {
        for _ in 0..3 {
            assert_refused(&fetch(&client, &origin.url(path), &place.target), &place.target, "No space left");
            place.assert_untouched();
        }
    }
    assert_eq!(client.idle_connections(), 0, "the rest of a body nobody wants is not waited for");
    // What was begun takes no room any more.
    let outcome = fetch(&client, &origin.url("/bytes/400000"), &place.target);
    assert_eq!(outcome.file(), Some(&*place.target), "{:?}", outcome.error());
    assert_eq!((fs::read(&place.target).unwrap().len(), place.names().len()), (400_000, 1));
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_only_folder_costs_no_request() {
    apart("files::on_a_disk_of_its_own_that_is_read_only");
}

#[test]
#[ignore = "the test above runs it where it may mount"]
fn on_a_disk_of_its_own_that_is_read_only() {
    let disk = folder("read-only");
    mount(&["-t", "tmpfs", "-o", "size=512k", "tmpfs"], &disk);
    let place = Place::at(disk);
    mount(&["-o", "remount,ro"], &place.folder);
    let origin = Origin::http();
    let client = client();
    for target in [&place.target, &place.folder.join("new")] {
        assert_refused(&fetch(&client, &origin.url("/bytes/10"), target), target, "Read-only file system");
    }
    assert_eq!(origin.request_count(), 0);
    place.assert_untouched();
    // The disk goes read-only in the middle of a download.
    mount(&["-o", "remount,rw"], &place.folder);
    let (url, gate) = gated();
    let mut transfers = Transfers::new();
    let id = transfers.start(client.get(&url), Delivery::file(&place.target).progress(Duration::ZERO));
    until_it_has_begun(&mut transfers);
    let busy = Command::new("mount").args(["-o", "remount,ro"]).arg(&place.folder).output().unwrap();
    assert!(!busy.status.success(), "a file is open for writing: the system itself refuses");
    drop(gate);
    assert_eq!(end_of(&mut transfers, id).file(), Some(&*place.target));
}

#[test]
fn a_file_that_may_not_grow_leaves_the_target_as_it_was() {
    // The limit is the process's, and its signal would end it: the shell sets the one and turns off the other.
    let inner = again("files::where_files_may_not_grow");
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -f 200 && trap '' XFSZ && exec \"$@\"", "sh"]).arg(inner.get_program());
    let output = command.args(inner.get_args()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
#[ignore = "the test above runs it under a limit"]
fn where_files_may_not_grow() {
    let place = Place::new("limit");
    let origin = Origin::http();
    let client = client();
    assert_refused(&fetch(&client, &origin.url("/bytes/1000000"), &place.target), &place.target, "too large");
    place.assert_untouched();
    assert!(fetch(&client, &origin.url("/bytes/10000"), &place.target).error().is_none());
}
