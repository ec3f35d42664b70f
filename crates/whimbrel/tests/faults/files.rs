//! Local files that fail: uploads that shrink, grow or can't be read, downloads without room or place.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::PathBuf;

use whimbrel::{Body, Kind, Phase};
use whimbrel_testkit::{Origin, RawServer, Script};

use crate::outcome::{client, failure, whole};

/// A folder of one test's own, removed at its end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("whimbrel-faults-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn names(&self) -> Vec<String> {
        fs::read_dir(&self.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const READ: &str = "Failed to open/read local data from file/application: ";
const WRITE: &str = "Failed writing received data to disk/application: ";

#[test]
fn a_file_that_is_missing_or_a_folder_is_told_before_anything_is_sent() {
    let folder = Folder::new("missing");
    for path in [folder.0.join("nothing"), folder.0.clone()] {
        let error = failure(Kind::File, Phase::Prepare, "file-read", READ).of(|| Body::file(&path));
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}

#[test]
fn an_upload_that_shrinks_is_an_error_however_large_it_was() {
    let folder = Folder::new("shrinks");
    let origin = Origin::http();
    let client = client();
    let text = "Failed to open/read local data from file/application: the upload ended ";
    for (size, left) in [(100, 0), (100, 40), (3 << 20, 0), (3 << 20, 100_000)] {
        let path = folder.file("upload", &vec![b'x'; size]);
        let body = Body::file(&path).unwrap();
        File::options().write(true).open(&path).unwrap().set_len(left).unwrap();
        failure(Kind::File, Phase::Send, "file-read", text).of(|| client.post(&origin.url("/post")).body(body).send());
        assert_eq!(client.idle_connections(), 0);
    }
    assert_eq!(origin.request_count(), 0, "no cut upload was taken for a whole one");
}

#[test]
fn an_upload_that_grows_is_sent_up_to_its_announced_length() {
    let folder = Folder::new("grows");
    let origin = Origin::http();
    for size in [100, 3 << 20] {
        let path = folder.file("upload", &vec![b'x'; size]);
        let body = Body::file(&path).unwrap();
        OpenOptions::new().append(true).open(&path).unwrap().write_all(b"more").unwrap();
        assert_eq!(whole(client().post(&origin.url("/post")).body(body)).unwrap().0, 200);
        assert_eq!(origin.requests().pop().unwrap().body_length, size as u64);
    }
}

/// Gives some bytes and then fails.
struct Failing(usize);

impl Read for Failing {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.0 == 0 {
            return Err(io::Error::other("the tape is torn"));
        }
        let count = self.0.min(buffer.len());
        buffer[..count].fill(b'x');
        self.0 -= count;
        Ok(count)
    }
}

#[test]
fn a_reader_that_fails_is_an_error_of_kind_file() {
    let origin = Origin::http();
    let text =
        "Failed to open/read local data from file/application: the request body can't be read (the tape is torn)";
    for (bytes, length) in [(0, Some(10)), (5, Some(10)), (0, None), (5, None), (1 << 20, Some(2 << 20))] {
        let body = Body::reader(Failing(bytes), length);
        let request = client().post(&origin.url("/post")).expect_continue(false).body(body);
        failure(Kind::File, Phase::Send, "file-read", text).of(|| request.send());
    }
    assert_eq!(origin.request_count(), 0);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error_that_names_the_file() {
    let origin = Origin::http();
    let text = "Failed writing received data to disk/application: /dev/full: No space left on device";
    failure(Kind::File, Phase::Body, "file-write", text)
        .of(|| client().get(&origin.url("/bytes/100000")).download("/dev/full"));
    let mut response = client().get(&origin.url("/bytes/100000")).send().unwrap();
    let mut full = OpenOptions::new().write(true).open("/dev/full").unwrap();
    failure(Kind::File, Phase::Body, "file-write", WRITE).of(|| response.copy_to(&mut full));
}

#[test]
fn a_download_to_where_no_file_can_be_costs_no_request() {
    let folder = Folder::new("nowhere");
    let origin = Origin::http();
    let file = folder.file("file", b"a file is no folder");
    for target in [file.join("below"), folder.0.join("missing/below"), folder.0.clone()] {
        let error = failure(Kind::File, Phase::Body, "file-write", WRITE)
            .of(|| client().get(&origin.url("/get")).download(&target));
        assert!(error.to_string().contains(target.to_str().unwrap()), "{error}");
    }
    assert_eq!((origin.request_count(), folder.names()), (0, vec!["file".to_owned()]));
}

#[test]
fn a_download_that_fails_in_any_way_leaves_the_target_as_it_was() {
    let folder = Folder::new("target");
    let target = folder.file("target", b"old");
    let answer = Script::new().expect_head().send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello");
    for script in [answer.clone().close(), answer.clone().reset(), Script::new().expect_head().close()] {
        let server = RawServer::start([script]);
        client().get(&server.url("/")).download(&target).unwrap_err();
        assert_eq!((fs::read(&target).unwrap(), folder.names()), (b"old".to_vec(), vec!["target".to_owned()]));
    }
    let server = RawServer::start([answer]);
    client().get(&server.url("/")).max_body(3).download(&target).unwrap_err();
    assert_eq!((fs::read(&target).unwrap(), folder.names()), (b"old".to_vec(), vec!["target".to_owned()]));
}
