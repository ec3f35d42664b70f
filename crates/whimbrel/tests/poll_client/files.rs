//! Bodies that go to a file: whole, or not at all.

use std::fs;
use std::path::PathBuf;

use whimbrel::{PollError, PollMethod, PollStatus};
use whimbrel_testkit::{Origin, RawServer, Script};

use crate::{ask, connected, connected_to, folder, poll_while, read_all};

fn names(folder: &PathBuf) -> Vec<String> {
    fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

#[test]
fn a_2xx_body_is_in_its_place_when_it_is_whole() {
    let folder = folder("whole");
    let origin = Origin::http();
    let mut client = connected_to(origin.addr().port());
    client.set_download_file(Some(folder.join("body.bin")));
    ask(&mut client, PollMethod::Get, "/bytes/3000000").unwrap();
    assert_eq!(client.read_room(), 0);
    assert!(!names(&folder).contains(&"body.bin".to_owned()));
    poll_while(&mut client, &[PollStatus::Body]).unwrap();
    assert_eq!(client.status(), PollStatus::Connected);
    assert_eq!(fs::metadata(folder.join("body.bin")).unwrap().len(), 3_000_000);
    assert_eq!(names(&folder), ["body.bin"]);
    assert_eq!(client.progress().received, 3_000_000);
    // The body of an error goes to who reads, and the file stays as it was.
    ask(&mut client, PollMethod::Get, "/status/404").unwrap();
    read_all(&mut client);
    assert_eq!(fs::metadata(folder.join("body.bin")).unwrap().len(), 3_000_000);
}

#[test]
fn a_body_that_breaks_off_leaves_the_old_file_and_no_part() {
    let folder = folder("cut");
    fs::write(folder.join("body.bin"), "old").unwrap();
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello";
    let start = |script: Script| {
        let server = RawServer::start([script]);
        let mut client = connected(&server);
        client.set_download_file(Some(folder.join("body.bin")));
        ask(&mut client, PollMethod::Get, "/").unwrap();
        (client, server)
    };
    let left = || (fs::read(folder.join("body.bin")).unwrap(), names(&folder));
    let old = (b"old".to_vec(), vec!["body.bin".to_owned()]);
    let (mut client, _server) = start(Script::new().expect_head().send(cut).close());
    assert_eq!(poll_while(&mut client, &[PollStatus::Body]), Err(PollError::ConnectionError));
    assert_eq!(left(), old);
    // Closed in the middle.
    let (mut client, _server) = start(Script::new().expect_head().send(cut).hold_open());
    while client.progress().received < 5 {
        client.poll().unwrap();
    }
    assert_eq!(names(&folder).len(), 2);
    client.close();
    assert_eq!(left(), old);
}

#[test]
fn a_file_that_cannot_be_written_costs_no_request() {
    let folder = folder("none");
    let server = RawServer::start([Script::new().wait_for_close()]);
    let mut client = connected(&server);
    client.set_download_file(Some(folder.join("missing/body.bin")));
    assert_eq!(client.request(PollMethod::Get, "/", [""; 0], ""), Err(PollError::FileCantOpen));
    assert_eq!(client.status(), PollStatus::Connected);
    assert!(client.error().unwrap().to_string().contains("body.bin"));
}
