//! States that end while `network` has requests under way: closed by `os.exit` inside every kind of function that the
//! library calls, each in a process of its own, and dropped by their host at any moment. Under AddressSanitizer the
//! leaks are counted too. Threats row 15.

use std::process::Command;

use whimbrel_lua::Host;
use whimbrel_testkit::{Origin, RawServer, Script, refused_addr};

/// Requests that are still under way at the end of each state: one to a server that says nothing, one that moves.
const UNDER_WAY: &str = r#"
    local network = require("network")
    local origin, refused, silent = ORIGIN, REFUSED, SILENT
    network.request(silent, "GET", print)
    network.request(origin .. "/drip?numbytes=1000&delay=0&duration=60", "GET", function() end, { progress = "download" })
    network.request(origin .. "/stream-bytes/1000000000", "GET", nil, { onChunk = function() end })
    coroutine.wrap(function() network.fetch(silent) end)()
    local polled = require("httpclient").new()
    local host, port = silent:match("//(.-):(%d+)/")
    polled:connect_to_host(host, tonumber(port))
    for _ = 1, 100000 do polled:poll() if polled:get_status() == polled.STATUS_CONNECTED then break end end
    assert(polled:request("POST", "/", nil, ("x"):rep(30000000)) == polled.OK)
    polled:poll()
    kept_to_the_end = polled
"#;

/// Each calls `ending` in another kind of function.
const KINDS: [&str; 15] = [
    r#"network.request(origin .. "/get", "GET", ending)"#,
    r#"network.request(origin .. "/get", "GET", { networkRequest = ending })"#,
    r#"network.request(refused, "GET", ending)"#,
    r#"network.request("nonsense", "GET", ending)"#,
    r#"network.request(origin .. "/bytes/100", "GET", function(e) if e.phase == "began" then ending() end end,
         { progress = "download" })"#,
    r#"network.request(origin .. "/bytes/100", "GET", function(e) if e.phase == "progress" then ending() end end,
         { progress = "download" })"#,
    r#"network.request(origin .. "/post", "POST", function(e) if e.phase == "began" then ending() end end,
         { progress = "upload", body = "x" })"#,
    r#"network.request(origin .. "/post", "POST", function(e) if e.phase == "progress" then ending() end end,
         { progress = "upload", body = "x" })"#,
    r#"network.request(origin .. "/bytes/100", "GET", nil, { onChunk = ending })"#,
    r#"network.onError = ending network.request(origin .. "/get", "GET", function() error("on purpose") end)"#,
    r#"coroutine.wrap(function() network.fetch(origin .. "/get") ending() end)()"#,
    r#"require("http").all({ { url = origin .. "/bytes/100000", on_progress = ending } })"#,
    r#"require("http").get(origin .. "/bytes/100000", { on_progress = ending })"#,
    r#"local client = require("httpclient").new()
       client.connection = { get_partial_data = ending, put_partial_data = function(_, data) return 0, #data end }
       client:request("POST", "/", nil, ("x"):rep(100000)) for _ = 1, 9 do client:poll() end"#,
    r#"local client = require("httpclient").new()
       client.connection = { get_partial_data = ending, put_partial_data = ending }
       client:request("POST", "/", nil, ("x"):rep(100000)) client:poll()"#,
];

const CHILD: &str = "WHIMBREL_TEST_SCRIPT";

#[test]
fn os_exit_closes_the_state_inside_every_kind_of_callback() {
    if let Ok(script) = std::env::var(CHILD) {
        // The child: it never comes back from this.
        let lua = whimbrel_lua::interpreter(Host::default()).unwrap();
        lua.load(script).exec().unwrap();
        panic!("the script came to its end");
    }
    let servers = Servers::start();
    // mlua keeps a few bytes beside the state, to which nothing points once Lua itself has closed it.
    let known = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("known-leaks");
    std::fs::write(&known, "leak:RawLua>::new\n").unwrap();
    for kind in KINDS {
        let script = format!(
            "{} {UNDER_WAY} local function ending() os.exit(7, true) end {kind} network.wait(nil, 30)",
            servers.names()
        );
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "os_exit_closes_the_state_inside_every_kind_of_callback", "--nocapture"])
            .env(CHILD, script)
            .env("LSAN_OPTIONS", format!("print_suppressions=0:suppressions={}", known.display()))
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(7), "{kind}\n{told}");
        assert_eq!(told, "", "{kind}");
    }
}

#[test]
fn a_host_may_drop_its_state_at_any_moment_of_its_requests() {
    let servers = Servers::start();
    for round in 0..40 {
        let lua = whimbrel_lua::interpreter(Host::default()).unwrap();
        lua.load(format!("{} {UNDER_WAY}", servers.names())).exec().unwrap();
        // Some states never look, others end between two events.
        let events = "local left = ... while left > 0 do require('network').wait(nil, 0.001) left = left - 1 end";
        lua.load(events).call::<()>(round % 8).unwrap();
        drop(lua);
    }
}

#[test]
fn memory_that_ends_anywhere_in_network_raises_or_is_told_and_the_state_goes_on() {
    let servers = Servers::start();
    let lua = whimbrel_lua::interpreter(Host::default()).unwrap();
    lua.load(format!("{} network = require('network')", servers.names())).exec().unwrap();
    let call = "
        local ended = 0
        local function listener(event) if event.phase == 'ended' then ended = ended + 1 end end
        network.request(ORIGIN .. '/response-headers?A=1&B=2&C=3', 'GET', listener, { headers = { ['X-A'] = 1 } })
        network.request(ORIGIN .. '/bytes/1000', 'GET', listener, { progress = 'download' })
        network.request(ORIGIN .. '/post', 'POST', listener, { progress = 'upload', body = ('x'):rep(100) })
        network.request(ORIGIN .. '/bytes/1000', 'GET', listener, { onChunk = function() end })
        network.fetch(ORIGIN .. '/get')
        assert(network.wait(nil, 30))
        assert(ended == 4)
    ";
    let call = lua.load(call).into_function().unwrap();
    lua.load("network.onError = function() end").exec().unwrap();
    call.call::<()>(()).unwrap();
    let mut raised = 0;
    for extra in (0..48_000).step_by(397) {
        lua.set_memory_limit(0).unwrap();
        lua.gc_collect().unwrap();
        lua.set_memory_limit(lua.used_memory() + extra).unwrap();
        let outcome = call.call::<()>(());
        lua.set_memory_limit(0).unwrap();
        if outcome.is_err() {
            raised += 1;
        }
        // What was begun ends, whatever became of it.
        assert!(lua.load("return network.wait(nil, 30)").eval::<bool>().unwrap(), "with {extra} bytes");
    }
    call.call::<()>(()).unwrap();
    assert!(raised > 10, "memory ran out only {raised} times");
}

#[test]
fn memory_that_ends_anywhere_in_httpclient_raises_and_the_client_goes_on_or_is_closed() {
    let servers = Servers::start();
    let lua = whimbrel_lua::interpreter(Host::default()).unwrap();
    lua.load(format!("{} HTTPClient = require('httpclient')", servers.names())).exec().unwrap();
    // Made beforehand: where memory ends while LuaJIT makes a function with upvalues, its own count goes wrong.
    let stream = "
        function GET(stream) local piece = stream.reply:sub(1, 7) stream.reply = stream.reply:sub(8) return 0, piece end
        function PUT(_, data) return 0, math.min(#data, 1000) end
        function WAITED(client, status)
          for _ = 1, 1e7 do
            client:poll()
            if client:get_status() ~= status then return end
          end
          error('waited in vain')
        end
    ";
    lua.load(stream).exec().unwrap();
    let call = r#"
        local host, port = ORIGIN:match("//(.-):(%d+)")
        local client = HTTPClient.new()
        assert(client:connect_to_host(host, tonumber(port)) == 0)
        WAITED(client, HTTPClient.STATUS_CONNECTING)
        assert(client:request("POST", "/anything", { ["X-A"] = "b", ["X-C"] = { "d", "e" } }, ("x"):rep(20000)) == 0)
        WAITED(client, HTTPClient.STATUS_REQUESTING)
        assert(client:get_response_code() == 200)
        assert(client:get_response_headers_as_dictionary()["content-type"])
        local pieces = {}
        while client:get_status() == HTTPClient.STATUS_BODY do pieces[#pieces + 1] = client:read_response_body_chunk() end
        assert(#table.concat(pieces) > 20000)
        assert(client:request("GET", "no slash") == HTTPClient.ERR_INVALID_PARAMETER)
        assert(client.connection:get_available_bytes() == 0)
        client:get_timings() client:get_response_trailers() HTTPClient.query_string_from_dict({ a = 1, b = { 2, 3 } })
        client.connection = {
          reply = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
          get_partial_data = GET, put_partial_data = PUT,
        }
        assert(client:request("PUT", "/", nil, ("y"):rep(20000)) == 0)
        WAITED(client, HTTPClient.STATUS_REQUESTING)
        local body = ""
        while client:get_status() == HTTPClient.STATUS_BODY do body = body .. client:read_response_body_chunk() end
        assert(body == "hello", body)
    "#;
    let call = lua.load(call).into_function().unwrap();
    call.call::<()>(()).unwrap();
    let mut raised = 0;
    for extra in (0..130_000).step_by(397) {
        lua.set_memory_limit(0).unwrap();
        lua.gc_collect().unwrap();
        lua.set_memory_limit(lua.used_memory() + extra).unwrap();
        let outcome = call.call::<()>(());
        lua.set_memory_limit(0).unwrap();
        if let Err(error) = outcome {
            // The second is LuaJIT's, where there is no memory for the first.
            let words = error.to_string();
            let is_memory = ["not enough memory", "error in error handling"].iter().any(|part| words.contains(part));
            assert!(is_memory, "with {extra} bytes: {words}");
            raised += 1;
        }
    }
    call.call::<()>(()).unwrap();
    assert!(raised > 10, "memory ran out only {raised} times");
}

struct Servers {
    origin: Origin,
    silent: RawServer,
}

impl Servers {
    fn start() -> Self {
        Self { origin: Origin::http(), silent: RawServer::start([Script::new().hold_open()]) }
    }

    /// The Lua globals that say where they are.
    fn names(&self) -> String {
        format!(
            "ORIGIN, SILENT, REFUSED = '{}', '{}', 'http://{}/'",
            self.origin.url(""),
            self.silent.url("/"),
            refused_addr()
        )
    }
}
