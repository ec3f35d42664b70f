-- Event streams over the polled client, with the reader of the example: fields, cuts anywhere, the round in which an event is
-- told, and coming back.
local check = require("check")
local served = require("served")
local polled = require("polled")
local HTTPClient = require("httpclient")
local EventSource = require("eventsource")
local test, equal = check.test, check.equal

local HEAD = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"

--- A stream in memory of which only the first `allowed` bytes have come.
local function stream_of(reply)
  local stream = { allowed = 0, at = 0, sent = "" }
  function stream:get_partial_data(most)
    local piece = reply:sub(self.at + 1, math.min(self.allowed, self.at + most))
    self.at = self.at + #piece
    if piece == "" and self.at == #reply then return HTTPClient.ERR_FILE_EOF, "" end
    return HTTPClient.OK, piece
  end
  function stream:put_partial_data(data)
    self.sent = self.sent .. data
    return HTTPClient.OK, #data
  end
  return stream
end

--- A source on a stream in memory; `seen` gets its events as "type|data|id".
local function source_on(stream, seen, options)
  options = options or {}
  options.on_event = function(event) seen[#seen + 1] = event.type .. "|" .. event.data .. "|" .. event.id end
  options.connect = function(client) client.connection = stream end
  options.clock = options.clock or function() return 0 end
  return EventSource.new("http://memory.test/events", options)
end

--- The events of a body that comes whole.
local function events_of(body)
  local reply = HEAD .. "Connection: close\r\n\r\n" .. body
  local stream, seen = stream_of(reply), {}
  stream.allowed = #reply
  local source = source_on(stream, seen)
  for _ = 1, 6 do source:poll() end
  return table.concat(seen, " ")
end

test("the fields mean what the standard says", function()
  equal(events_of("data: a\n\n"), "message|a|")
  equal(events_of("data:a\n\n"), "message|a|")
  equal(events_of("data:  a\n\n"), "message| a|")
  equal(events_of("data: a\ndata\ndata: c\n\n"), "message|a\n\nc|")
  equal(events_of("event: add\ndata: 7\nid: 5\n\ndata: x\n\n"), "add|7|5 message|x|5")
  equal(events_of("id: 5\ndata: a\n\nid\ndata: b\n\n"), "message|a|5 message|b|")
  equal(events_of("id: a\0b\ndata: x\n\n"), "message|x|")
  equal(events_of(": a comment\n\nevent: none\n\ndata: y\n\n"), "message|y|")
  equal(events_of("unknown: z\nDATA: z\ndata: y\n\n"), "message|y|")
  equal(events_of("\239\187\191data: bom\n\n"), "message|bom|")
  equal(events_of("data: cut at the end"), "")
  equal(events_of("data: cut\n"), "")
  equal(events_of("data\n\ndata: \n\n"), "message|| message||")
  equal(events_of("data: one\r\rdata: two\r\n\r\ndata: three\n\r\n"), "message|one| message|two| message|three|")
end)

-- The body, and after how many of its bytes each event is complete.
local TEXT = "retry: 1500\n\ndata: first\n\nevent: add\r\ndata: line 1\r\ndata: line 2\r\nid: 7\r\n\r\n"
  .. ": nothing\rdata: \195\164\rid:\r\rdata: last\n\n"
local EVENTS = { "message|first|", "add|line 1\nline 2|7", "message|\195\164|", "message|last|" }

-- The CR of an empty line completes its event; its LF is no more than the rest of that line end.
local function complete_at()
  local ends, at = {}, 1
  for _, closing in ipairs({ "first\n\n", "7\r\n\r", "id:\r\r", "last\n\n" }) do
    local _, stop = TEXT:find(closing, at, true)
    ends[#ends + 1], at = stop, stop
  end
  return ends
end

--- The body in chunks of so many bytes, each with the number of body bytes that are there after each of its own.
local function chunked(size)
  local parts, there, count = {}, {}, 0
  local function add(text, is_data)
    for index = 1, #text do
      if is_data then count = count + 1 end
      parts[#parts + 1] = text:sub(index, index)
      there[#parts] = count
    end
  end
  for at = 1, #TEXT, size do
    local piece = TEXT:sub(at, at + size - 1)
    add(("%x\r\n"):format(#piece), false)
    add(piece, true)
    add("\r\n", false)
  end
  return table.concat(parts), there
end

test("an event is told in the round in which its last byte came, wherever chunks and packets are cut", function()
  local ends = complete_at()
  for _, chunk in ipairs({ 1, 2, 3, 5, 7, 1000 }) do
    for _, packet in ipairs({ 1, 2, 3, 11 }) do
      local body, there = chunked(chunk)
      local head = HEAD .. "Transfer-Encoding: chunked\r\n\r\n"
      local stream, seen = stream_of(head .. body), {}
      local source = source_on(stream, seen)
      stream.allowed = #head
      for _ = 1, 5 do source:poll() end
      equal(source.state, "open")
      for came = packet, #body + packet - 1, packet do
        came = math.min(came, #body)
        stream.allowed = #head + came
        source:poll()
        local expected = 0
        for _, stop in ipairs(ends) do expected = expected + (there[came] >= stop and 1 or 0) end
        equal(#seen, expected, ("chunks of %d, packets of %d, after %d bytes"):format(chunk, packet, came))
      end
      for index, event in ipairs(EVENTS) do equal(seen[index], event) end
      equal(source.retry, 1.5)
    end
  end
end)

test("over a socket, too, no round leaves an event behind whose bytes were received", function()
  local steps, gates = { HEAD, "Transfer-Encoding: chunked\r\n\r\n" }, {}
  local body = chunked(4)
  for at = 1, #body, 9 do
    steps[#steps + 1] = body:sub(at, at + 8)
    if #gates < 6 then
      gates[#gates + 1] = served.name()
      steps[#steps + 1] = served.wait(gates[#gates])
    end
  end
  steps[#steps + 1] = served.gone
  local ends, seen = complete_at(), {}
  local source = EventSource.new(served.url((table.unpack or unpack)(steps)), {
    on_event = function(event) seen[#seen + 1] = event.type .. "|" .. event.data .. "|" .. event.id end,
  })
  for index = 1, #gates + 1 do
    if gates[index] then served.release(gates[index]) end
    polled.until_true(source.client, "what the gate held", function()
      source:poll()
      local received, expected = source.client:get_response_bytes_received(), 0
      for _, stop in ipairs(ends) do expected = expected + (received >= stop and 1 or 0) end
      equal(#seen, expected, "events after " .. received .. " bytes")
      return index <= #gates or #seen == #EVENTS
    end)
  end
  equal(table.concat(seen, " "), table.concat(EVENTS, " "))
  source:close()
end)

test("after an end it comes back when retry says, with the last event's id", function()
  local log, turn = served.name(), served.step("turn-" .. served.name())
  local now = 100
  local seen, errors = {}, {}
  local url = served.url(turn,
    served.log(log), HEAD .. "Connection: close\r\n\r\n", "retry: 2000\nid: 41\ndata: a\n\nid: 42\ndata: lost", served.close,
    served["or"],
    served.log(log), HEAD .. "Content-Length: 9\r\n\r\n", "data: b\n\n",
    served["or"],
    served.log(log), "HTTP/1.1 204 No Content\r\n\r\n")
  local source = EventSource.new(url, {
    clock = function() return now end,
    headers = { Authorization = "Bearer x" },
    on_event = function(event) seen[#seen + 1] = event.data .. "|" .. event.id end,
    on_error = function(why, again) errors[#errors + 1] = { why, again } end,
  })
  local function until_error(count)
    polled.until_true(HTTPClient.new(), "the end", function()
      source:poll()
      return #errors >= count
    end)
  end
  until_error(1)
  equal(errors[1][2], true)
  equal(source.state, "connecting")
  local asked = served.logged(log)
  check.holds(asked, "\r\nAccept: text/event-stream\r\n")
  check.holds(asked, "\r\nAuthorization: Bearer x\r\n")
  equal(asked:find("Last%-Event%-ID"), nil)
  now = 101.9
  for _ = 1, 50 do source:poll() end
  equal(served.logged(log), "", "it asked before its time")
  now = 102
  until_error(2)
  check.holds(served.logged(log), "\r\nLast-Event-ID: 41\r\n")
  now = 104
  until_error(3)
  equal(errors[3][2], false)
  check.holds(errors[3][1], "204")
  equal(source.state, "closed")
  equal(table.concat(seen, " "), "a|41 b|41")
  check.holds(served.logged(log), "\r\nLast-Event-ID: 41\r\n")
end)

test("a server that counts on is read without a gap and without a repeat", function()
  local now, ids, ends = 0, {}, 0
  local source = EventSource.new(check.url("/sse?count=20&interval=0.001"), {
    clock = function() return now end,
    on_event = function(event)
      equal(event.type, "tick")
      ids[#ids + 1] = event.id
    end,
    on_error = function() ends = ends + 1 end,
  })
  for round = 1, 2 do
    polled.until_true(HTTPClient.new(), "the end", function()
      source:poll()
      return ends >= round
    end)
    now = now + 3
  end
  equal(#ids, 20)
  for index, id in ipairs(ids) do equal(id, tostring(index - 1)) end
end)

test("a connection that can't be made is tried again", function()
  local now, errors = 0, {}
  local source = EventSource.new(check.env("REFUSED_URL") .. "/events", {
    clock = function() return now end,
    on_error = function(why, again) errors[#errors + 1] = { why, again } end,
  })
  for round = 1, 3 do
    polled.until_true(HTTPClient.new(), "the refusal", function()
      source:poll()
      return #errors >= round
    end)
    equal(errors[round][2], true)
    check.holds(errors[round][1], "refused")
    now = now + 3
  end
end)

test("what is no event stream ends it for good", function()
  local function told(...)
    local reply = table.concat({ ... })
    local stream, errors = stream_of(reply), {}
    stream.allowed = #reply
    local source = source_on(stream, {}, { on_error = function(why, again) errors[#errors + 1] = { why, again } end })
    for _ = 1, 6 do source:poll() end
    equal(#errors, 1)
    equal(errors[1][2], false)
    equal(source.state, "closed")
    return errors[1][1]
  end
  check.holds(told("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), "404")
  check.holds(told("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n"), "'text/html'")
  check.holds(told(HEAD, "Connection: close\r\n\r\n", ("x"):rep(1100000)), "larger than")
  check.raises("neither http nor https", function() EventSource.new("ftp://a.test/") end)
end)

test("a source may be closed by its own event, and tells nothing more", function()
  local reply = HEAD .. "Connection: close\r\n\r\ndata: a\n\ndata: b\n\n"
  local stream, count, source = stream_of(reply), 0, nil
  stream.allowed = #reply
  source = source_on(stream, {})
  source.options.on_event = function()
    count = count + 1
    source:close()
  end
  for _ = 1, 6 do source:poll() end
  equal(count, 1)
  equal(source.state, "closed")
end)

check.done()
