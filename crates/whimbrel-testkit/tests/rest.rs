//! The origin's REST resource: entries are created, read, replaced, merged and deleted, and mistakes are told.

mod support;

use serde_json::json;
use support::plain;
use whimbrel_testkit::Origin;

#[test]
fn an_entry_is_created_read_replaced_merged_and_deleted() {
    let origin = Origin::http();
    let mut client = plain(origin.addr());

    let created = client.post("/users", "", br#"{"username":"alice","id":7}"#);
    assert_eq!((created.status, created.field("Location")), (201, Some("/users/124")));
    assert_eq!(created.json(), json!({ "id": 124, "username": "alice" }), "the origin gives the id");
    assert_eq!(client.get("/users/124", "").json(), created.json());

    let mut change = |method: &str, body: &str| {
        let length = body.len();
        client.send(format!("{method} /users/124 HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}"));
        client.reply()
    };
    assert_eq!(change("PUT", r#"{"name":"A"}"#).json(), json!({ "id": 124, "name": "A" }));
    assert_eq!(change("PATCH", r#"{"age":9}"#).json(), json!({ "id": 124, "name": "A", "age": 9 }));
    assert_eq!(change("DELETE", "").status, 204);
    assert_eq!(change("DELETE", "").status, 404);
    assert_eq!(client.get("/users", "").json().as_array().map(Vec::len), Some(1), "entry 123 is still there");
}

#[test]
fn register_and_create_add_a_user_and_two_origins_share_nothing() {
    let (origin, other) = (Origin::http(), Origin::http());
    for (path, id) in [("/register", 124), ("/create", 125)] {
        let created = plain(origin.addr()).post(path, "", b"{}");
        assert_eq!((created.status, created.json()["id"].as_u64()), (201, Some(id)));
    }
    assert_eq!(plain(origin.addr()).get("/users/125", "").status, 200);
    assert_eq!(plain(other.addr()).get("/users/125", "").status, 404);
}

#[test]
fn what_can_t_be_kept_is_refused() {
    let origin = Origin::http();
    let mut client = plain(origin.addr());
    assert_eq!(client.post("/items", "", b"[1]").status, 400);
    assert_eq!(client.post("/items", "", b"not json").status, 400);
    let large = format!(r#"{{"a":"{}"}}"#, "x".repeat(64 * 1024));
    assert_eq!(client.post("/items", "", large.as_bytes()).status, 413);
    assert_eq!(client.get("/items/none", "").status, 404);
    let refused = client.post("/items/123", "", b"{}");
    assert_eq!((refused.status, refused.field("Allow")), (405, Some("GET, HEAD, PUT, PATCH, DELETE, OPTIONS")));
    assert_eq!(client.get("/items", "").json(), json!([{ "id": 123, "name": "Original" }]));
}
