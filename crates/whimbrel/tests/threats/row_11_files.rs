//! Row 11, as far as it applies: the path of a download is the caller's own, no server ever names one. Nothing that a
//! download did not create is removed, and what is under way is private.

use std::ops::ControlFlow;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::sync::{Arc, Mutex};

use whimbrel::Kind;
use whimbrel_testkit::{Origin, RawServer, Script};

use crate::world::{self, Folder, always};

#[test]
fn row_11_no_name_that_a_server_gives_is_ever_used() {
    let folder = Folder::new("named");
    for name in ["../x", "/etc/x", "a/../../x", "%2e%2e%2fx", "file2"] {
        let reply = format!(
            "HTTP/1.1 200 OK\r\nContent-Disposition: attachment; filename=\"{name}\"\r\nContent-Length: 2\r\n\r\nhi"
        );
        let server = RawServer::start([always(reply)]);
        let done = world::client().get(&server.url("/%2e%2e%2fy")).download(folder.0.join("file")).unwrap();
        assert_eq!(done.path(), folder.0.join("file"));
        assert_eq!(folder.names(), ["file"], "{name}");
    }
}

#[test]
fn row_11_a_path_that_no_file_has_is_refused_before_anything_is_sent() {
    let origin = Origin::http();
    let folder = Folder::new("paths");
    for path in ["", ".", "..", "no/such/folder/x", "x\0y", "/"] {
        let error = world::client().get(&origin.url("/get")).download(folder.0.join(path)).unwrap_err();
        assert_eq!(error.kind(), Kind::File, "{path:?}: {error}");
    }
    assert_eq!(origin.connections(), 0);
    assert!(folder.names().is_empty());
}

#[test]
fn row_11_the_part_is_private_and_the_file_has_the_mode_that_any_new_file_has() {
    let origin = Origin::http();
    let folder = Folder::new("modes");
    let target = folder.0.join("file");
    let modes = Arc::new(Mutex::new(Vec::new()));
    let (seen, path) = (modes.clone(), folder.0.clone());
    let request = world::client().get(&origin.url("/bytes/300000")).on_progress(move |_| {
        for entry in std::fs::read_dir(&path).unwrap() {
            seen.lock().unwrap().push(entry.unwrap().metadata().unwrap().permissions().mode() & 0o777);
        }
        ControlFlow::Continue(())
    });
    request.download(&target).unwrap();
    let modes = modes.lock().unwrap();
    assert!(!modes.is_empty() && modes.iter().all(|mode| *mode == 0o600), "{modes:?}");
    let mode = |name: &str| std::fs::metadata(folder.0.join(name)).unwrap().permissions().mode();
    std::fs::write(folder.0.join("new"), "").unwrap();
    assert_eq!(mode("file"), mode("new"));
    // A file that is replaced keeps its own.
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o640)).unwrap();
    world::client().get(&origin.url("/bytes/10")).download(&target).unwrap();
    assert_eq!(mode("file") & 0o777, 0o640);
}

#[test]
fn row_11_a_failed_download_removes_only_what_it_made() {
    let cut = Script::new().expect_head().send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").close();
    let server = RawServer::start([cut]);
    let origin = Origin::http();
    let folder = Folder::new("removal");
    // Whatever a part file could be called, and the links that an attacker would lay.
    let innocent = ["file", "file.part", ".file.part", "file.tmp", ".file.0.part", "file~"];
    let victim = folder.0.join("victim");
    std::fs::write(&victim, "mine").unwrap();
    for name in innocent {
        std::fs::write(folder.0.join(name), name).unwrap();
    }
    symlink(&victim, folder.0.join("file.link")).unwrap();
    let before = folder.names();
    let error = world::client().get(&server.url("/")).download(folder.0.join("file")).unwrap_err();
    assert_eq!(error.kind(), Kind::Truncated);
    let cancelled = world::client().get(&origin.url("/bytes/100")).on_progress(|_| ControlFlow::Break(()));
    assert_eq!(cancelled.download(folder.0.join("file")).unwrap_err().kind(), Kind::Cancelled);
    assert_eq!(folder.names(), before);
    for name in innocent {
        assert_eq!(std::fs::read_to_string(folder.0.join(name)).unwrap(), name);
    }
    assert_eq!(std::fs::read_to_string(&victim).unwrap(), "mine");
}

#[test]
fn row_11_a_link_is_followed_and_stays_a_link() {
    let origin = Origin::http();
    let folder = Folder::new("links");
    let (real, link) = (folder.0.join("real"), folder.0.join("link"));
    std::fs::write(&real, "old").unwrap();
    symlink(&real, &link).unwrap();
    world::client().get(&origin.url("/bytes/10")).download(&link).unwrap();
    assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(std::fs::metadata(&real).unwrap().len(), 10);
    assert_eq!(folder.names(), ["link", "real"]);
}
