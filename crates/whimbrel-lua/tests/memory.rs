//! When Lua's memory runs out in the middle of a call: the error is Lua's own, nothing of Rust's is lost, and the session
//! goes on. The state is one with LuaJIT built in, whose memory can be limited.

use mlua::Lua;
use whimbrel_lua::Host;
use whimbrel_testkit::Origin;

#[test]
fn a_body_that_does_not_fit_into_lua_raises_and_the_session_goes_on() {
    let origin = Origin::http();
    let lua = limited();
    lua.globals().set("url", origin.url("")).unwrap();
    lua.load("http = require('http') for _ = 1, 20 do assert(http.get(url .. '/get')) end").exec().unwrap();
    lua.set_memory_limit(lua.used_memory() + 4 * 1024 * 1024).unwrap();
    for _ in 0..5 {
        let error = lua.load("return http.get(url .. '/bytes/20000000')").exec().unwrap_err();
        assert!(error.to_string().contains("not enough memory"), "{error}");
        lua.load("assert(http.get(url .. '/get').status == 200)").exec().unwrap();
    }
    // All of it went over one connection: none was lost to the errors.
    assert_eq!(origin.connections(), 1);
}

#[test]
fn memory_that_ends_anywhere_in_a_call_raises_and_the_state_goes_on() {
    let origin = Origin::http();
    let lua = limited();
    lua.globals().set("url", origin.url("/response-headers?A=1&B=2&C=3")).unwrap();
    lua.load("http = require('http') json = require('json') for _ = 1, 20 do assert(http.get(url)) end")
        .exec()
        .unwrap();
    let call = "
        local response = assert(http.post(url, nil, {
          json = { list = { 1, 2, 3 }, text = ('x'):rep(100) }, headers = { ['X-A'] = 1 }, query = { q = 'v' },
          on_progress = function(progress) return #json.encode({ progress.sent }) > 0 end,
        }))
        local list, timings = response.headers_list, response.timings
        assert(json.decode(response.body).A == '1')
    ";
    let call = lua.load(call).into_function().unwrap();
    let mut raised = 0;
    for extra in (0..64_000).step_by(97) {
        lua.set_memory_limit(0).unwrap();
        lua.gc_collect().unwrap();
        lua.set_memory_limit(lua.used_memory() + extra).unwrap();
        if call.call::<()>(()).is_err() {
            raised += 1;
        }
    }
    lua.set_memory_limit(0).unwrap();
    call.call::<()>(()).unwrap();
    assert!(raised > 10, "memory ran out only {raised} times");
}

fn limited() -> Lua {
    whimbrel_lua::interpreter(Host::default()).unwrap()
}
