-- What scripts get wrong: types raise in Lua's words, at the script's line; states return a number and a sentence.
local check = require("check")
local served = require("served")
local polled = require("polled")
local HTTPClient = require("httpclient")
local test, equal, raises = check.test, check.equal, check.raises

--- The error names this very file.
local function raises_here(part, call, ...)
  local why = raises(part, call, ...)
  check.holds(why, "mistakes.lua:")
  return why
end

test("constants have Godot's names and numbers, on the module, on clients and in their enums", function()
  local client = HTTPClient.new()
  for name, number in pairs({
    METHOD_GET = 0, METHOD_HEAD = 1, METHOD_POST = 2, METHOD_PUT = 3, METHOD_DELETE = 4, METHOD_OPTIONS = 5,
    METHOD_TRACE = 6, METHOD_CONNECT = 7, METHOD_PATCH = 8, METHOD_MAX = 9,
    STATUS_DISCONNECTED = 0, STATUS_RESOLVING = 1, STATUS_CANT_RESOLVE = 2, STATUS_CONNECTING = 3,
    STATUS_CANT_CONNECT = 4, STATUS_CONNECTED = 5, STATUS_REQUESTING = 6, STATUS_BODY = 7, STATUS_CONNECTION_ERROR = 8,
    STATUS_TLS_HANDSHAKE_ERROR = 9,
    RESPONSE_CONTINUE = 100, RESPONSE_OK = 200, RESPONSE_IM_A_TEAPOT = 418, RESPONSE_NETWORK_AUTH_REQUIRED = 511,
    OK = 0, ERR_UNCONFIGURED = 3, ERR_FILE_CANT_OPEN = 12, ERR_FILE_EOF = 18, ERR_CANT_CONNECT = 25,
    ERR_CANT_RESOLVE = 26, ERR_CONNECTION_ERROR = 27, ERR_INVALID_DATA = 30, ERR_INVALID_PARAMETER = 31,
  }) do
    equal(HTTPClient[name], number, name)
    equal(client[name], number, name)
    local kind = name:match("^(%u+)_")
    local enum = ({ METHOD = "Method", STATUS = "Status", RESPONSE = "ResponseCode" })[kind] or "Error"
    equal(HTTPClient[enum][name], number, name)
    equal(HTTPClient[enum][number], name)
  end
  local codes = 0
  for name in pairs(HTTPClient.ResponseCode) do codes = codes + (type(name) == "string" and 1 or 0) end
  equal(codes, 61)
end)

test("a constant that there is not raises rather than being nil", function()
  raises_here("no constant 'STATUS_BDOY'", function() return HTTPClient.STATUS_BDOY end)
  raises_here("no constant 'METHOD_FETCH'", function() return HTTPClient.new().METHOD_FETCH end)
  raises_here("no constant 'STATUS_NONE'", function() return HTTPClient.Status.STATUS_NONE end)
  equal(HTTPClient.anything, nil)
  equal(HTTPClient.new().anything, nil)
end)

test("errors have words", function()
  equal(HTTPClient.error_string(HTTPClient.OK), "OK")
  equal(HTTPClient.error_string(HTTPClient.ERR_CANT_CONNECT), "Can't connect")
  equal(HTTPClient.error_string(HTTPClient.ERR_INVALID_PARAMETER), "Invalid parameter")
  equal(HTTPClient.error_string(HTTPClient.ERR_FILE_CANT_OPEN), "File: can't open")
  equal(HTTPClient.error_string(12345), "Unknown error 12345")
  raises_here("number expected", function() HTTPClient.error_string("x") end)
end)

test("a method called with a dot says how it is called", function()
  local client = HTTPClient.new()
  for _, name in ipairs({ "poll", "close", "get_status", "has_response", "get_response_headers",
    "read_response_body_chunk", "get_connection", "get_read_chunk_size" }) do
    raises_here("with a colon", function() client[name]() end)
    raises_here("with a colon", function() client[name](HTTPClient) end)
    raises_here("with a colon", function() client[name](io.stdout) end)
  end
  raises_here("with a colon", function() client.connect_to_host("localhost", 80) end)
  raises_here("with a colon", function() client.request(HTTPClient.METHOD_GET, "/", {}) end)
  raises_here("with a colon", function() client.set_http_proxy("localhost", 80) end)
  raises_here("with a colon", function() client.set_read_chunk_size(4096) end)
end)

test("arguments of the wrong type raise, with their place", function()
  local client = HTTPClient.new()
  local function wrong(place, name, part, ...)
    local arguments, count = { ... }, select("#", ...)
    local why = raises_here("bad argument #" .. place .. " to '" .. name .. "'", function()
      client[name](client, (table.unpack or unpack)(arguments, 1, count))
    end)
    check.holds(why, part)
  end
  wrong(1, "connect_to_host", "string expected, got nil")
  wrong(1, "connect_to_host", "string expected, got table", {})
  wrong(2, "connect_to_host", "number expected, got string", "localhost", "80")
  wrong(2, "connect_to_host", "whole number", "localhost", 80.5)
  wrong(2, "connect_to_host", "whole number", "localhost", 1e300)
  wrong(3, "connect_to_host", "TLSOptions expected, got boolean", "localhost", 443, true)
  wrong(3, "connect_to_host", "TLSOptions expected, got table", "localhost", 443, {})
  for _, name in ipairs({ "request", "request_raw" }) do
    wrong(1, name, "METHOD_ constant expected, got nil")
    wrong(1, name, "there is no method 'FETCH'", "FETCH", "/")
    wrong(2, name, "string expected, got nil", 0)
    wrong(3, name, "table of headers expected, got string", 0, "/", "A: b")
    wrong(3, name, "header 2 must be a string", 0, "/", { "A: b", 7 })
    wrong(3, name, "header 'A' must be a string", 0, "/", { A = true })
    wrong(3, name, "a list of \"Name: value\"", 0, "/", { [true] = "x" })
    wrong(3, name, "has a colon", 0, "/", { ["A: b"] = "x" })
    wrong(4, name, "string expected, got table", 0, "/", {}, {})
  end
  wrong(4, "request_file", "string expected, got nil", 0, "/", {})
  wrong(1, "set_http_proxy", "string expected, got number", 80)
  wrong(2, "set_https_proxy", "number expected, got nil", "localhost")
end)

test("a method number that there is not is returned as an error", function()
  local client, path = polled.open(check.url("/get"))
  for _, number in ipairs({ -1, 9, 1000 }) do
    local err, why = client:request(number, path)
    equal(err, HTTPClient.ERR_INVALID_PARAMETER)
    check.holds(why, "METHOD_GET")
  end
  equal(client:request(HTTPClient.METHOD_GET, "no slash"), HTTPClient.ERR_INVALID_PARAMETER)
  equal(client:request(HTTPClient.METHOD_GET, "/\255"), HTTPClient.ERR_INVALID_PARAMETER)
end)

test("properties are fields, and Godot's getters and setters", function()
  local client = HTTPClient.new()
  equal(client.read_chunk_size, 65536)
  client.read_chunk_size = 4096
  equal(client:get_read_chunk_size(), 4096)
  client:set_read_chunk_size(16777216)
  equal(client.read_chunk_size, 16777216)
  equal(client.blocking_mode_enabled, false)
  client.blocking_mode_enabled = true
  equal(client:is_blocking_mode_enabled(), true)
  client:set_blocking_mode(false)
  equal(client.blocking_mode_enabled, false)
  equal(client.connect_timeout, 30)
  client.connect_timeout = 0.5
  equal(client:get_connect_timeout(), 0.5)
  equal(client.preserve_chunks, false)
  client:set_preserve_chunks(true)
  equal(client.preserve_chunks, true)
  equal(client.error_message, nil)
end)

test("a property that there is not, or of another kind, raises", function()
  local client = HTTPClient.new()
  raises_here("no property 'read_chunk_sise'", function() client.read_chunk_sise = 4096 end)
  raises_here("only be read", function() client.error_message = "x" end)
  raises_here("read_chunk_size must be a number, got string", function() client.read_chunk_size = "4096" end)
  for _, size in ipairs({ 255, 16777217, 300.5, -1, 0 }) do
    raises_here("read_chunk_size must be a whole number from 256 to 16777216", function() client.read_chunk_size = size end)
    raises_here("read_chunk_size must be a whole number", function() client:set_read_chunk_size(size) end)
  end
  equal(client.read_chunk_size, 65536)
  raises_here("blocking_mode_enabled must be a boolean, got number", function() client.blocking_mode_enabled = 1 end)
  raises_here("boolean", function() client:set_blocking_mode() end)
  raises_here("connect_timeout must be a number of seconds", function() client.connect_timeout = 0 end)
  raises_here("user_agent must be", function() client.user_agent = "a\r\nb: c" end)
  raises_here("download_file must be a path", function() client.download_file = "" end)
end)

test("the user agent is the one that was set", function()
  local log = served.name()
  local client, path = polled.open(served.url(served.log(log), served.reply("200 OK")))
  polled.ask(client, "GET", path)
  check.holds(served.logged(log), "\r\nUser-Agent: " .. client.user_agent .. "\r\n")
  client.user_agent = "Game/1.0"
  equal(client.user_agent, "Game/1.0")
  polled.ask(client, "GET", path)
  check.holds(served.logged(log), "\r\nUser-Agent: Game/1.0\r\n")
end)

test("queries have their names in order, lists and nulls", function()
  local query, null = HTTPClient.query_string_from_dict, HTTPClient.null
  equal(query({ b = 1, a = "x y", c = true, d = { 1, "zwei", 3 }, e = null }), "a=x%20y&b=1&c=true&d=1&d=zwei&d=3&e")
  equal(query({ { "z", 1 }, { "a", "&=" }, { "flag" }, { "many", { "x", "y" } } }), "z=1&a=%26%3D&flag&many=x&many=y")
  equal(query({ ["ä"] = "~-_.", e = "" }), "e=&%C3%A4=~-_.")
  equal(query({ none = {} }), "")
  equal(query({}), "")
  local client = HTTPClient.new()
  equal(client:query_string_from_dict({ a = 1 }), "a=1")
  equal(HTTPClient:query_string_from_dict({ a = 1 }), "a=1")
  equal(null, require("whimbrel").json.null)
  raises_here("table expected, got nil", function() query() end)
  raises_here("UTF-8", function() query({ a = "\255" }) end)
  raises_here("got function", function() query({ a = print }) end)
  raises_here("entry 2 must be a pair", function() query({ { "a", 1 }, "b" }) end)
end)

test("a client tells its state, and closes itself at the end of a scope", function()
  local client, path = polled.open(check.url("/get"))
  equal(tostring(client), "HTTPClient (STATUS_CONNECTED)")
  equal(getmetatable(client), "HTTPClient")
  client:close()
  equal(tostring(client), "HTTPClient (STATUS_DISCONNECTED)")
  client:close()
  if _VERSION == "Lua 5.4" then
    local scope = assert(load([[
      local HTTPClient, host, port = ...
      local kept
      do
        local client <close> = HTTPClient.new()
        client:connect_to_host(host, port)
        kept = client
      end
      return kept:get_status()
    ]]))
    local _, host, port = polled.parts(check.url("/get"))
    equal(scope(HTTPClient, host, port), HTTPClient.STATUS_DISCONNECTED)
  end
end)

test("clients that nobody holds are collected, in every state", function()
  local url = served.url(served.step("n1000000"), served.gone)
  for _ = 1, 30 do
    local client, path = polled.open(url)
    client:request("POST", path, nil, ("x"):rep(100000))
    client:poll()
    HTTPClient.new():connect_to_host("127.0.0.1", 9)
  end
  collectgarbage()
  collectgarbage()
  assert(collectgarbage("count") < 3000, "memory is kept: " .. collectgarbage("count"))
end)

check.done()
