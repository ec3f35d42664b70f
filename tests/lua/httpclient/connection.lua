-- The bytes under a client: its `connection`, and byte streams of the script's own in its place.
local check = require("check")
local served = require("served")
local polled = require("polled")
local HTTPClient = require("httpclient")
local test, equal, raises = check.test, check.equal, check.raises

local OK, END = HTTPClient.OK, HTTPClient.ERR_FILE_EOF

--- A stream in memory: what is in `replies` comes, one each time; what is written lies in `sent`.
local function memory(replies)
  local stream = { sent = "", room = 2 ^ 30, calls = 0 }
  function stream:get_partial_data(most)
    self.calls = self.calls + 1
    local next_one = replies[1]
    if next_one == nil then return END, "" end
    if next_one == "" then
      table.remove(replies, 1)
      return OK, ""
    end
    local piece = next_one:sub(1, most)
    if #piece == #next_one then table.remove(replies, 1) else replies[1] = next_one:sub(most + 1) end
    return OK, piece
  end
  function stream:put_partial_data(data)
    local taken = data:sub(1, self.room)
    self.sent = self.sent .. taken
    return OK, #taken
  end
  return stream
end

local function on(stream)
  local client = HTTPClient.new()
  client.connection = stream
  return client
end

test("a stream of the script's own carries requests", function()
  local stream = memory({ "", "HTTP/1.1 200 OK\r\nConte", "", "nt-Length: 5\r\n\r\nhel", "", "lo", "", "" })
  local client = on(stream)
  equal(client:get_status(), HTTPClient.STATUS_CONNECTED)
  equal(client.connection, stream)
  equal(client:get_connection(), stream)
  local code, body = polled.ask(client, HTTPClient.METHOD_POST, "/path", { "X-A: b" }, "content")
  equal(code, 200)
  equal(body, "hello")
  check.begins(stream.sent, "POST /path HTTP/1.1\r\nX-A: b\r\n")
  equal(stream.sent:sub(-11), "\r\n\r\ncontent")
  equal(client:get_status(), HTTPClient.STATUS_CONNECTED)
end)

test("a stream that takes one byte at a time gets every byte of a large body", function()
  local stream = memory({ "HTTP/1.1 204 No Content\r\n\r\n" })
  stream.room = 1
  local reads = stream.get_partial_data
  function stream:get_partial_data(most)
    if #self.sent < 20000 then return OK, "" end
    return reads(self, most)
  end
  local client = on(stream)
  local body = check.all_bytes():rep(80)
  equal(client:request("PUT", "/", nil, body), OK)
  for _ = 1, 100000 do
    if client:get_status() ~= HTTPClient.STATUS_REQUESTING then break end
    client:poll()
  end
  equal(client:get_response_code(), 204)
  assert(stream.sent:match("\r\n\r\n(.*)$") == body, "the body is another one")
end)

test("the end of the stream ends an unframed body", function()
  local client = on(memory({ "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall ", "of it" }))
  equal(client:request("GET", "/"), OK)
  equal(polled.answered(client), HTTPClient.STATUS_BODY)
  equal(polled.body(client), "all of it")
  equal(client:get_status(), HTTPClient.STATUS_DISCONNECTED)
  equal(client.connection, nil)
end)

test("the end of the stream inside a body is an error", function()
  local client = on(memory({ "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf" }))
  equal(client:request("GET", "/"), OK)
  polled.answered(client)
  equal(polled.body(client), "half")
  equal(client:get_status(), HTTPClient.STATUS_CONNECTION_ERROR)
end)

test("streams like LuaSocket's are taken as they are", function()
  local replies, sent = { "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nby ", "sockets" }, {}
  local turn = 0
  local socket = {}
  function socket:receive(most)
    turn = turn + 1
    if turn % 2 == 1 then return nil, "timeout", "" end
    local piece = table.remove(replies, 1)
    if not piece then return nil, "closed", "" end
    -- Fewer than were asked for are a partial result.
    return nil, "timeout", piece
  end
  function socket:send(data)
    sent[#sent + 1] = data
    return #data
  end
  local client = on(socket)
  equal(client:request("GET", "/x"), OK)
  equal(polled.answered(client), HTTPClient.STATUS_BODY)
  equal(polled.body(client), "by sockets")
  check.begins(table.concat(sent), "GET /x HTTP/1.1\r\n")
end)

test("an error in a stream's function is raised by the call that met it, as it is", function()
  local failure = { "an object" }
  local stream = memory({ "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf" })
  local client = on(stream)
  equal(client:request("GET", "/"), OK)
  stream.put_partial_data = function() error(failure) end
  local good, why = pcall(client.poll, client)
  equal(good, false)
  equal(why, failure)
  -- Whatever it would say afterwards: a stream that has raised is broken.
  stream.put_partial_data = function(_, data) return OK, #data end
  equal(client:poll(), HTTPClient.ERR_CONNECTION_ERROR)
  equal(client:get_status(), HTTPClient.STATUS_CONNECTION_ERROR)

  stream = memory({ "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf" })
  client = on(stream)
  equal(client:request("GET", "/"), OK)
  polled.answered(client)
  equal(client:read_response_body_chunk(), "half")
  stream.get_partial_data = function() error("in the read", 0) end
  good, why = pcall(function()
    for _ = 1, 3 do client:read_response_body_chunk() end
  end)
  equal(good, false)
  equal(why, "in the read")
  equal(client:get_status(), HTTPClient.STATUS_CONNECTION_ERROR)
  client:close()
  client.connection = memory({ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok" })
  local _, body = polled.ask(client, "GET", "/")
  equal(body, "ok")
end)

test("a stream that answers nonsense is told so", function()
  for _, answer in ipairs({
    { {}, nil, "get_partial_data of the connection must return" },
    { OK, nil, "get_partial_data of the connection must return" },
    { OK, ("x"):rep(20000000), "more bytes than it was asked for" },
  }) do
    local stream = memory({})
    stream.get_partial_data = function() return answer[1], answer[2] end
    local client = on(stream)
    equal(client:request("GET", "/"), OK)
    raises(answer[3], function() for _ = 1, 3 do client:poll() end end)
  end
  for _, answer in ipairs({
    { "x", nil, "put_partial_data of the connection must return" },
    { OK, nil, "put_partial_data of the connection must return" },
    { OK, 1e9, "more bytes than it was given" },
    { OK, -1, "more bytes than it was given" },
  }) do
    local stream = memory({})
    stream.put_partial_data = function() return answer[1], answer[2] end
    local client = on(stream)
    equal(client:request("GET", "/"), OK)
    raises(answer[3], function() client:poll() end)
  end
end)

test("no function of the stream gets at the client that is calling it", function()
  local stream = memory({ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello" })
  local client = on(stream)
  local tried = 0
  local function try(call)
    local good, why = pcall(call)
    equal(good, false)
    check.holds(why, "in the middle of a call")
    tried = tried + 1
  end
  local reads, writes = stream.get_partial_data, stream.put_partial_data
  local function attempts()
    try(function() client:poll() end)
    try(function() client:close() end)
    try(function() client:request("GET", "/") end)
    try(function() client:request("POST", "/", nil, ("x"):rep(100000)) end)
    try(function() client:connect_to_host("localhost", 80) end)
    try(function() client:get_status() end)
    try(function() client:read_response_body_chunk() end)
    try(function() client.connection = memory({}) end)
    try(function() return client.connection end)
    try(function() return client.read_chunk_size end)
    try(function() return tostring(client) end)
    collectgarbage()
  end
  function stream:get_partial_data(most) attempts() return reads(self, most) end
  function stream:put_partial_data(data) attempts() return writes(self, data) end
  local _, body = polled.ask(client, "GET", "/")
  equal(body, "hello")
  assert(tried >= 22, tried .. " attempts")
end)

test("other clients are free in a stream's function, also as the stream itself", function()
  local outer_stream = memory({ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nouter" })
  local reads, inner_body = outer_stream.get_partial_data, nil
  function outer_stream:get_partial_data(most)
    if not inner_body then
      local inner = on(memory({ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\ninner" }))
      local _
      _, inner_body = polled.ask(inner, "GET", "/")
    end
    return reads(self, most)
  end
  local _, body = polled.ask(on(outer_stream), "GET", "/")
  equal(body, "outer")
  equal(inner_body, "inner")
  -- One client's connection under another: its bytes go over that client's socket.
  local below, path = polled.open(served.url(served.take, served.reply("200 OK", "", "over two")))
  local above = on(below.connection)
  _, body = polled.ask(above, "GET", path)
  equal(body, "over two")
end)

test("a stream's function can't yield through the client, and says so", function()
  local stream = memory({})
  function stream:get_partial_data() coroutine.yield() return OK, "" end
  local client = on(stream)
  equal(client:request("GET", "/"), OK)
  local routine = coroutine.create(function() for _ = 1, 3 do client:poll() end end)
  local good, why = coroutine.resume(routine)
  equal(good, false)
  check.holds(tostring(why), "yield")
end)

test("clients are stepped from any coroutine, also one after the other", function()
  local stream = memory({ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", "", "hello" })
  local client = on(stream)
  equal(client:request("GET", "/"), OK)
  local body = ""
  for _ = 1, 20 do
    coroutine.wrap(function()
      client:poll()
      body = body .. client:read_response_body_chunk()
    end)()
    collectgarbage("step")
  end
  equal(body, "hello")
end)

test("what is no stream raises", function()
  local client = HTTPClient.new()
  raises("close()", function() client.connection = nil end)
  for _, value in ipairs({ 1, "x", {}, print, { get_partial_data = print }, { receive = print } }) do
    check.holds(raises("needs the functions get_partial_data", function() client.connection = value end), "connection.lua:")
  end
  raises("needs the functions", function() client:set_connection(true) end)
end)

test("the stream in use is kept, and is let go when the client closes", function()
  local gone = setmetatable({}, { __mode = "k" })
  local client = HTTPClient.new()
  do
    local stream = memory({ "", "" })
    gone[stream] = true
    client.connection = stream
    client.connection = stream
    equal(client:get_status(), HTTPClient.STATUS_CONNECTED)
  end
  collectgarbage()
  collectgarbage()
  assert(next(gone), "the stream is gone though it is in use")
  client:close()
  client.connection = memory({})
  collectgarbage()
  collectgarbage()
  equal(next(gone), nil)
end)

test("the engine's own connection is an object of its own, which goes with it", function()
  local client, path = polled.open(check.url("/get"))
  local connection = client.connection
  equal(client.connection, connection)
  equal(connection:get_available_bytes(), 0)
  local err, data = connection:get_partial_data(10)
  equal(err, OK)
  equal(data, "")
  client:close()
  equal(client.connection, nil)
  local why
  err, data, why = connection:get_partial_data(10)
  equal(err, HTTPClient.ERR_UNCONFIGURED)
  equal(data, "")
  check.holds(why, "closed")
  equal(connection:get_available_bytes(), 0)
  local again = polled.open(check.url("/get"))
  assert(again.connection ~= connection)
  client = nil
  err = connection:put_data("x")
  equal(err, HTTPClient.ERR_UNCONFIGURED)
  check.raises("with a colon", function() connection.get_partial_data(10) end)
  check.raises("number of bytes", function() connection:get_partial_data("x") end)
  check.raises("number of bytes", function() connection:get_data(-1) end)
  check.raises("string expected", function() connection:put_data(7) end)
end)

test("an old connection's object never reaches the next connection", function()
  local url = served.url("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nsecret", served.close)
  local client, path = polled.open(url)
  local old = client.connection
  local _, host, port = polled.parts(url)
  equal(client:connect_to_host(host, port), OK)
  equal(polled.connected(client), HTTPClient.STATUS_CONNECTED)
  equal(client:request("GET", path), OK)
  polled.answered(client)
  local err, data = old:get_partial_data(100)
  equal(err, HTTPClient.ERR_UNCONFIGURED)
  equal(data, "")
  equal(polled.body(client), "secret")
end)

test("the bytes of an unframed body may be read from the connection", function()
  local client, path = polled.open(check.env("RAW_OLD_URL"))
  equal(client:request("GET", path), OK)
  polled.answered(client)
  local got = ""
  polled.until_true(client, "the bytes", function()
    local connection = client.connection
    if not connection then return true end
    local err, data = connection:get_partial_data(2)
    got = got .. data
    return err ~= OK or got == "old"
  end)
  equal(got, "old")
end)

test("get_data waits for all of it, however much that is", function()
  local size = 20000000
  local head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n"
  local gate = served.name()
  local client, path = polled.open(served.url(head, served.step("n" .. size), served.wait(gate), "rest", served.close))
  equal(client:request("GET", path), OK)
  polled.answered(client)
  local err, data = client.connection:get_data(size)
  equal(err, OK)
  equal(#data, size)
  served.release(gate)
  equal(polled.body(client), "rest")
end)

test("get_data gives what came where the connection ends before, and an error", function()
  local client, path = polled.open(check.env("RAW_TRUNCATED_URL"))
  equal(client:request("GET", path), OK)
  polled.answered(client)
  local err, data, why = client.connection:get_data(2 ^ 40)
  equal(data, "half")
  equal(err, HTTPClient.ERR_CONNECTION_ERROR)
  assert(why and why ~= "", "no sentence")
end)

test("after an upgrade the connection carries what the script says", function()
  local switched = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n"
  local url = served.url(switched, "welcome", served.gone)
  local client, path = polled.open(url)
  equal(client:request("GET", path, { "Connection: Upgrade", "Upgrade: echo" }), OK)
  polled.answered(client)
  equal(client:get_response_code(), HTTPClient.RESPONSE_SWITCHING_PROTOCOLS)
  equal(client:is_upgraded(), true)
  local connection = client.connection
  local err, data = connection:get_data(7)
  equal(err, OK)
  equal(data, "welcome")
  equal(connection:put_data("hello"), OK)
  local sent
  err, sent = connection:put_partial_data("again")
  equal(err, OK)
  equal(sent, 5)
end)

check.done()
