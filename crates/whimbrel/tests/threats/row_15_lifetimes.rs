//! Row 15, for Rust: whatever a caller does inside a callback, and however its values go, calls end once and cleanly. The
//! suite `asan` runs these tests under AddressSanitizer and LeakSanitizer; what Lua does is tested with the modules.

use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use whimbrel::{Body, CancelHandle, Client, Kind};
use whimbrel_testkit::Origin;

use crate::world::{self, Folder};

const BODY: &str = "/bytes/600000";

#[test]
fn row_15_a_cancel_inside_the_callback_ends_the_call_once() {
    let origin = Origin::http();
    let client = world::client();
    let handle: Arc<Mutex<Option<CancelHandle>>> = Arc::default();
    let (inside, calls) = (handle.clone(), Arc::new(Mutex::new(0)));
    let counted = calls.clone();
    let mut request = client.get(&origin.url(BODY)).on_progress(move |progress| {
        *counted.lock().unwrap() += 1;
        if progress.received > 0 {
            inside.lock().unwrap().as_ref().unwrap().cancel();
        }
        ControlFlow::Continue(())
    });
    *handle.lock().unwrap() = Some(request.cancel_handle());
    let mut response = request.send().unwrap();
    assert_eq!(response.read_to_end(&mut Vec::new()).unwrap_err().kind(), Kind::Cancelled);
    let called = *calls.lock().unwrap();
    // What is over stays over: nothing more comes, and nobody is called again.
    let mut rest = Vec::new();
    assert!(response.read_to_end(&mut rest).is_ok() && rest.is_empty());
    assert_eq!(*calls.lock().unwrap(), called);
    drop(response);
    assert_eq!(client.idle_connections(), 0);
    assert_eq!(client.get(&origin.url("/get")).send().unwrap().status(), 200);
}

#[test]
fn row_15_a_new_request_inside_the_callback_is_a_request_like_any_other() {
    let origin = Origin::http();
    let client = world::client();
    let (inner, url) = (client.clone(), origin.url("/get"));
    let statuses = Arc::new(Mutex::new(Vec::new()));
    let noted = statuses.clone();
    let request = client.get(&origin.url(BODY)).on_progress(move |_| {
        let response = inner.get(&url).send().unwrap();
        noted.lock().unwrap().push(response.status());
        response.into_bytes().unwrap();
        inner.close_idle();
        ControlFlow::Continue(())
    });
    assert_eq!(request.send().unwrap().into_bytes().unwrap().len(), 600_000);
    let statuses = statuses.lock().unwrap();
    assert!(!statuses.is_empty() && statuses.iter().all(|status| *status == 200));
}

#[test]
fn row_15_the_client_may_go_inside_the_callback() {
    let origin = Origin::http();
    let client = world::client();
    let request = client.get(&origin.url(BODY));
    let mut last = Some(client);
    let request = request.on_progress(move |_| {
        drop(last.take());
        ControlFlow::Continue(())
    });
    assert_eq!(request.send().unwrap().into_bytes().unwrap().len(), 600_000);
    let folder = Folder::new("lifetimes");
    let client = world::client();
    let request = client.get(&origin.url(BODY));
    let mut last = Some(client);
    let request = request.on_progress(move |progress| {
        drop(last.take());
        if progress.received > 100_000 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(request.download(folder.0.join("file")).unwrap_err().kind(), Kind::Cancelled);
    assert!(folder.names().is_empty());
}

#[test]
fn row_15_a_panic_inside_the_callback_passes_through_and_harms_nothing() {
    let origin = Origin::http();
    let client = world::client();
    let folder = Folder::new("panic");
    for _ in 0..3 {
        let request = client.get(&origin.url(BODY)).on_progress(|progress| {
            assert!(progress.received == 0, "the caller's own");
            ControlFlow::Continue(())
        });
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| request.download(folder.0.join("file"))));
        assert!(result.is_err());
        assert!(folder.names().is_empty());
        assert_eq!(client.get(&origin.url("/get")).send().unwrap().status(), 200);
    }
}

/// A body's source that acts after its first piece.
struct Source<F>(Option<F>, u32);

impl<F: FnOnce() -> std::io::Result<()> + Send> std::io::Read for Source<F> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        self.1 += 1;
        if self.1 == 2
            && let Some(act) = self.0.take()
        {
            act()?;
        }
        let last = self.1 > 4;
        buffer.fill(b'x');
        Ok(if last { 0 } else { buffer.len() })
    }
}

#[test]
fn row_15_a_source_may_ask_cancel_fail_and_panic() {
    let origin = Origin::http();
    let client = world::client();
    let url = origin.url("/post");
    let post = || client.post(&url).expect_continue(false);
    let body = |act: Box<dyn FnOnce() -> std::io::Result<()> + Send>| Body::reader(Source(Some(act), 0), None);

    let (inner, get) = (client.clone(), origin.url("/get"));
    let asking = body(Box::new(move || {
        assert!(inner.get(&get).send().unwrap().into_bytes().is_ok());
        Ok(())
    }));
    assert_eq!(post().body(asking).send().unwrap().status(), 200);

    let mut request = post();
    let handle = request.cancel_handle();
    let cancelling = body(Box::new(move || {
        handle.cancel();
        Ok(())
    }));
    assert_eq!(request.body(cancelling).send().unwrap_err().kind(), Kind::Cancelled);

    let failing = body(Box::new(|| Err(std::io::Error::other("no more"))));
    let error = post().body(failing).send().unwrap_err();
    assert_eq!(error.kind(), Kind::File);
    assert!(error.to_string().contains("no more"), "{error}");

    let panicking = post().body(body(Box::new(|| panic!("the caller's own"))));
    assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| panicking.send())).is_err());
    assert_eq!(client.get(&origin.url("/get")).send().unwrap().status(), 200);
}

#[test]
fn row_15_a_resolver_may_ask_fail_panic_and_outlive_its_client() {
    let origin = Origin::http();
    let (other, url) = (world::client(), origin.url("/get"));
    let client = Client::builder().no_proxy().total_timeout(world::PATIENCE).resolver(move |name| match name {
        "asks.test" => {
            let response = other.get(&url).send().map_err(std::io::Error::other)?;
            Ok(if response.status() == 200 { vec!["127.0.0.1".parse().unwrap()] } else { vec![] })
        }
        "panics.test" => panic!("the caller's own"),
        "hangs.test" => loop {
            std::thread::park();
        },
        _ => Err(std::io::Error::other("it fails")),
    });
    let client = client.build().unwrap();
    for _ in 0..2 {
        for name in ["panics.test", "fails.test"] {
            assert_eq!(client.get(&origin.url_at(name, "/get")).send().unwrap_err().kind(), Kind::Resolve, "{name}");
        }
        assert_eq!(client.get(&origin.url_at("asks.test", "/get")).send().unwrap().status(), 200);
    }
    let hanging = client.get("http://hangs.test/").total_timeout(std::time::Duration::from_millis(50));
    drop(client);
    assert_eq!(hanging.send().unwrap_err().kind(), Kind::Timeout);
}

#[test]
fn row_15_responses_outlive_their_client_and_are_dropped_at_any_time() {
    let origin = Origin::http();
    for read in [0, 1, 70_000, 600_000] {
        let client = world::client();
        let mut response = client.get(&origin.url(BODY)).send().unwrap();
        drop(client);
        let mut piece = vec![0; read];
        std::io::Read::read_exact(&mut response, &mut piece).unwrap();
    }
    let mut request = world::client().get(&origin.url("/get"));
    let handle = request.cancel_handle();
    drop(request);
    handle.cancel();
    assert!(handle.is_cancelled());
}

#[test]
fn row_15_a_thousand_clients_come_and_go() {
    let origin = Origin::http();
    let before = descriptors();
    for round in 0..1000 {
        let client = Client::builder().no_proxy().build().unwrap();
        let response = client.get(&origin.url("/get")).send().unwrap();
        // Every second one goes with its body unread.
        if round % 2 == 0 {
            response.into_bytes().unwrap();
            assert_eq!(client.idle_connections(), 1);
        }
    }
    assert_eq!(origin.request_count(), 1000);
    // The origin's own side of the last few may still be open, and so may what other tests use.
    let after = descriptors();
    assert!(after < before + 300, "{before} descriptors became {after}");
}

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
