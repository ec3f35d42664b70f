-- What this library has beyond the page: chunks, retries, cookies, suspend, names of options in both spellings.
local check = require("check")
local events = require("events")
local network = require("network")
local served = require("served")
local equal = check.equal

check.test("onChunk is given the body piece by piece, and the end has none of it", function()
  local pieces = {}
  local event = events.came(check.url("/bytes/3000000?seed=3"), "GET", {
    onChunk = function(piece) pieces[#pieces + 1] = piece end,
  })
  equal(event.response, "")
  equal(event.bytesTransferred, 3000000)
  assert(#pieces > 1, "it came in one piece")
  assert(table.concat(pieces) == check.http.get(check.url("/bytes/3000000?seed=3")).body, "the pieces are another body")
end)

check.test("a chunk comes before the rest of the body is sent", function()
  local gate, pieces = served.name(), {}
  events.came(served.url("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf", served.wait(gate), "more"), "GET", {
    on_chunk = function(piece)
      pieces[#pieces + 1] = piece
      if #pieces == 1 then served.release(gate) end
    end,
  })
  equal(table.concat(pieces, "|"), "half|more")
end)

check.test("onChunk stops the transfer by false, and nothing more is told", function()
  local gone, calls, told = served.name(), 0, 0
  local url = served.url("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf", served.gone, served.open(gone))
  network.request(url, "GET", function() told = told + 1 end, {
    onChunk = function()
      calls = calls + 1
      return false
    end,
  })
  equal(network.wait(nil, events.patience), true)
  served.await(gone)
  equal(calls, 1)
  equal(told, 0)
end)

check.test("chunks are decoded as the body is", function()
  local pieces = {}
  events.came(check.url("/gzip"), "GET", { onChunk = function(piece) pieces[#pieces + 1] = piece end })
  equal(check.json.decode(table.concat(pieces)).gzipped, true)
end)

check.test("a body that nobody takes stays with its server", function()
  -- 256 MiB are sent to a script that does not look: they must wait at the server, not in memory.
  local size, taken, sent = 256 * 1024 * 1024, 0, served.name()
  local url = served.url("HTTP/1.1 200 OK\r\nContent-Length: " .. size .. "\r\n\r\n", served.step("n" .. size), served.open(sent))
  local ended
  network.request(url, "GET", function(event) ended = event end, { onChunk = function(piece) taken = taken + #piece end })
  local asked = check.http.get(served.url(served.wait(sent), served.reply("204 No Content")), { timeout = 0.5 })
  equal(asked, nil, "the server could send all of it")
  local status = io.open("/proc/self/status", "r")
  if status then
    local resident = tonumber(status:read("*a"):match("VmRSS:%s+(%d+)"))
    status:close()
    assert(resident < 64 * 1024, "the process holds " .. resident .. " KiB")
  end
  equal(network.wait(nil, 60), true)
  equal(ended.isError, false, tostring(ended.response))
  equal(taken, size)
  equal(ended.bytesTransferred, size)
end)

local function turns(...)
  local name, log = served.name(), served.name()
  local steps = { served.step("turn-" .. name) }
  for index, reply in ipairs({ ... }) do
    if index > 1 then steps[#steps + 1] = served["or"] end
    steps[#steps + 1] = served.log(log)
    if type(reply) == "string" then
      steps[#steps + 1] = reply
    else
      steps[#steps + 1] = reply
    end
  end
  return served.url((table.unpack or unpack)(steps)), function()
    local _, count = served.logged(log):gsub("HTTP/1.1\r\n", "")
    return count
  end
end

local QUICK = { max = 3, wait = 0.01, maxWait = 0.02 }
local BUSY = served.reply("503 Busy", "", "busy")

check.test("without retry the first answer is the end", function()
  local url, count = turns(BUSY, served.reply("200 OK", "", "at last"))
  equal(events.came(url, "GET").status, 503)
  equal(count(), 1)
end)

check.test("retry tries an idempotent request again", function()
  local url, count = turns(BUSY, served.close, served.reply("200 OK", "", "at last"))
  local event = events.came(url, "GET", { retry = QUICK })
  equal(event.status, 200)
  equal(event.response, "at last")
  equal(count(), 3)
end)

check.test("retry ends with the last answer when its attempts are over", function()
  local url, count = turns(BUSY)
  equal(events.came(url, "GET", { retry = { max = 2, wait = 0.01 } }).status, 503)
  equal(count(), 3)
end)

check.test("a POST that may have been taken is not sent again", function()
  local url, count = turns(BUSY, served.reply("200 OK"))
  equal(events.came(url, "POST", { body = "x", retry = QUICK }).status, 503)
  equal(count(), 1)
  url, count = turns(served.close, served.reply("200 OK"))
  events.failed(url, "POST", { body = "x", retry = QUICK })
  equal(count(), 1)
end)

check.test("Retry-After is obeyed, and one that is too long is delivered", function()
  local url, count = turns(served.reply("503 Busy", "Retry-After: 1\r\n"), served.reply("200 OK", "", "at last"))
  equal(events.came(url, "GET", { retry = { max = 1, wait = 3600 } }).response, "at last")
  equal(count(), 2)
  url, count = turns(served.reply("503 Busy", "Retry-After: 3600\r\n"), served.reply("200 OK"))
  equal(events.came(url, "GET", { retry = QUICK }).status, 503)
  equal(count(), 1)
end)

check.test("a retried download begins once and is whole", function()
  local url = turns(BUSY, served.reply("200 OK", "", "at last"))
  local list = events.of(url, "GET", { retry = QUICK, progress = "download" })
  local phases = {}
  for _, event in ipairs(list) do phases[#phases + 1] = event.phase end
  equal(table.concat(phases, " "), "began progress ended")
  equal(list[3].response, "at last")
end)

check.test("cookies are kept for the session, and sent where they belong", function()
  network.cookies.clear()
  equal(events.came(check.url("/cookies/set/curlew/1"), "GET").status, 200)
  equal(check.json.decode(events.came(check.url("/cookies"), "GET").response).cookies.curlew, "1")
  equal(events.echo("GET").headers.Cookie, "curlew=1")
  local list = network.cookies.list()
  equal(#list, 1)
  equal(list[1].name, "curlew")
  equal(list[1].value, "1")
  equal(events.echo("GET", { cookies = false }).headers.Cookie, nil)
  -- http has none unless it is asked to.
  equal(check.echo({}).headers.Cookie, nil)
end)

check.test("cookies can be set, saved, cleared and loaded", function()
  network.cookies.clear()
  network.cookies.set(check.url("/"), "whimbrel=2; Max-Age=3600")
  equal(events.echo("GET").headers.Cookie, "whimbrel=2")
  local path = check.path("cookies.txt")
  assert(network.cookies.save(path))
  network.cookies.clear()
  equal(#network.cookies.list(), 0)
  equal(events.echo("GET").headers.Cookie, nil)
  assert(network.cookies.load(path))
  equal(events.echo("GET").headers.Cookie, "whimbrel=2")
  network.cookies.clear()
end)

check.test("a script's own Cookie is sent with the jar's", function()
  network.cookies.set(check.url("/"), "jar=1")
  local sent = events.echo("GET", { headers = { Cookie = "own=2" } }).headers.Cookie
  assert(sent == "own=2; jar=1", sent)
  network.cookies.clear()
end)

check.test("while suspended nothing is told, and idle clocks stand still", function()
  local gate, phases = served.name(), {}
  local ended
  network.request(served.url("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf", served.wait(gate), "more"), "GET",
    function(event)
      phases[#phases + 1] = event.phase
      if event.phase == "ended" then ended = event end
    end, { progress = "download", timeout = 0.5 })
  events.till(function() return phases[1] == "began" end)
  network.suspend()
  local before = #phases
  served.release(gate)
  local until_then = served.clock() + 1
  while served.clock() < until_then do
    network.wait(nil, 0.1)
    equal(#phases, before, "events while suspended")
  end
  network.unsuspend()
  equal(network.wait(nil, events.patience), true)
  equal(ended.isError, false, tostring(ended.response))
  equal(ended.response, "halfmore")
end)

check.test("a request made while suspended starts at resume", function()
  local log = served.name()
  network.suspend()
  local listener, list = events.recorder()
  local id = network.request(served.url(served.log(log), served.reply("200 OK", "", "late")), "GET", listener)
  equal(type(id), "userdata")
  equal(network.wait(id, 0.3), false)
  equal(#list, 0)
  equal(served.logged(log), "")
  network.unsuspend()
  events.await(id)
  equal(list[1].response, "late")
end)

check.test("a request that is cancelled while suspended never starts", function()
  local log = served.name()
  network.suspend()
  local id = network.request(served.url(served.log(log), served.reply("200 OK")), "GET", function() error("told") end)
  equal(network.cancel(id), true)
  network.unsuspend()
  equal(network.wait(nil, events.patience), true)
  equal(events.came(check.url("/get"), "GET").status, 200)
  equal(served.logged(log), "")
end)

check.test("options shared with http are taken in either spelling", function()
  for _, names in ipairs({ { "max_redirects", "maxRedirects" }, { "user_agent", "userAgent" }, { "max_body", "maxBody" } }) do
    for _, name in ipairs(names) do
      if names[1] == "max_redirects" then
        events.failed(check.url("/redirect/2"), "GET", { [name] = 1 })
      elseif names[1] == "user_agent" then
        equal(events.echo("GET", { [name] = "Named/1" }).headers["User-Agent"], "Named/1")
      else
        events.failed(check.url("/bytes/1000"), "GET", { [name] = 10 })
      end
    end
  end
  equal(events.echo("GET", { query = { a = "b" } }).args.a, "b")
  equal(events.echo("POST", { json = { 1, 2 } }).headers["Content-Type"], "application/json")
  equal(events.echo("GET", { auth = { user = "al", pass = "s3" } }).headers.Authorization, "Basic YWw6czM=")
  equal(events.came("http://only-by-proxy.test/get", "GET", { proxy = check.env("PROXY_URL") }).status, 200)
end)

check.test("many more requests than connections all end", function()
  local ended, expected = 0, 500
  for _ = 1, expected do
    network.request(check.url("/bytes/100"), "GET", function(event)
      equal(event.status, 200, tostring(event.response))
      ended = ended + 1
    end)
  end
  equal(network.wait(nil, 60), true)
  equal(ended, expected)
end)

check.done()
