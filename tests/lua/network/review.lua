-- Scripts that mean harm, or do not know better: values that raise when they are looked at, numbers that are none, waits
-- that nobody can end.
local check = require("check")
local events = require("events")
local network = require("network")
local served = require("served")
local equal = check.equal

local evil = setmetatable({}, { __tostring = function() error("the error's own text raises") end })

-- What the hook is told while `body` runs; `also` is called as the hook too.
local function told(body, also)
  local list, hook = {}, network.onError
  network.onError = function(message)
    list[#list + 1] = message
    if also then also() end
  end
  local good, why = pcall(body)
  network.onError = hook
  if not good then error(why, 0) end
  return list
end

check.test("an error whose text raises is told like any other, from listeners and coroutines", function()
  local list = told(function()
    network.request(check.url("/get"), "GET", function() error(evil) end)
    equal(network.wait(nil, events.patience), true)
    coroutine.wrap(function()
      network.fetch(check.url("/get"))
      error(evil)
    end)()
    equal(network.wait(nil, events.patience), true)
  end)
  equal(#list, 2)
  for _, message in ipairs(list) do check.holds(message, "(error object is a table value)") end
end)

check.test("a hook that raises what raises stops nothing", function()
  local ended = 0
  told(function()
    for _ = 1, 2 do
      network.request(check.url("/get"), "GET", function()
        ended = ended + 1
        error("in the listener")
      end)
    end
    equal(network.wait(nil, events.patience), true)
  end, function() error(evil) end)
  equal(ended, 2)
end)

check.test("an integral number is an integer in a field, however large", function()
  local headers = { One = 2 ^ 53, Two = 2 ^ 60, Three = -2 ^ 53, Four = 1e20, Five = 0.5 }
  local sent = events.echo("GET", { headers = headers }).headers
  equal(sent.One, "9007199254740992")
  equal(sent.Two, "1152921504606846976")
  equal(sent.Three, "-9007199254740992")
  equal(sent.Four, "100000000000000000000")
  equal(sent.Five, "0.500000")
  if math.type then
    -- No number of the other kind is this one.
    headers = { One = math.maxinteger, Two = math.mininteger + 1 }
    sent = events.echo("GET", { headers = headers }).headers
    equal(sent.One, "9223372036854775807")
    equal(sent.Two, "-9223372036854775807")
  end
end)

check.test("output is a number as it may be in http", function()
  events.under(check.path("numbers"), function()
    local event = events.came(check.url("/get"), "GET", { output = 5 })
    equal(event.response.filename, "5")
    equal(event.responseType, "binary")
    assert(check.read(event.response.fullPath), "there is no file")
    os.remove(event.response.fullPath)
  end)
end)

check.test("a concurrency that is no number is refused", function()
  check.raises("concurrency must be a number", check.http.all, { check.url("/get") }, { concurrency = 0 / 0 })
end)

check.test("a time that is no number is none", function()
  local gate = served.name()
  local id = network.request(served.url(served.wait(gate), served.reply("204 No Content")), "GET")
  equal(network.wait(id, 0 / 0), false)
  served.release(gate)
  events.await(id)
end)

check.test("outside a coroutine fetch does not wait for what only its caller can do", function()
  network.suspend()
  local response, err = network.fetch(check.url("/get"))
  network.unsuspend()
  equal(response, nil)
  check.begins(err, "Operation was cancelled: network is suspended")
  equal(network.dispatch(), 0)
  -- Nor when somebody suspends meanwhile.
  network.request(check.url("/get"), "GET", network.suspend)
  response, err = network.fetch(check.env("RAW_SILENT_URL"))
  network.unsuspend()
  equal(response, nil)
  check.begins(err, "Operation was cancelled: network is suspended")
  equal(network.dispatch(), 0)
end)

check.test("http.all does not wait while everything is suspended either", function()
  network.suspend()
  local results = check.http.all({ check.url("/get"), "nonsense URL", check.url("/get") }, { concurrency = 1 })
  network.unsuspend()
  equal(#results, 3)
  for _, result in ipairs(results) do equal(type(result.error), "string") end
  check.begins(results[3].error, "Operation was cancelled: network is suspended")
  equal(check.http.all({ check.url("/get") })[1].status, 200)
end)

check.test("in a coroutine a fetch that is asked for while suspended comes afterwards", function()
  local status
  network.suspend()
  coroutine.wrap(function() status = network.fetch(check.url("/get")).status end)()
  equal(network.wait(nil, 0.01), false)
  equal(status, nil)
  network.unsuspend()
  equal(network.wait(nil, events.patience), true)
  equal(status, 200)
end)

check.test("a coroutine that could not yield in fetch is not resumed where it waits for something else", function()
  local got
  local thread = coroutine.create(function()
    -- In Lua 5.1 nothing yields across pcall.
    pcall(network.fetch, check.url("/get"))
    got = coroutine.yield("mine")
  end)
  coroutine.resume(thread)
  equal(network.wait(nil, events.patience), true)
  equal(coroutine.status(thread), "suspended")
  coroutine.resume(thread, "yours")
  equal(got, "yours")
end)

check.test("a failure that is answered by a request that fails keeps no dispatch for ever", function()
  local ended = 0
  local function again()
    ended = ended + 1
    if ended < 1000 then network.request("no URL", "GET", again) end
  end
  network.request("no URL", "GET", again)
  network.dispatch()
  assert(ended < 10, ended .. " failures in one dispatch")
  equal(network.wait(nil, events.patience), true)
  equal(ended, 1000)
end)

check.test("the end of an upload tells what was sent, also behind a redirect that made it a GET", function()
  local body = ("x"):rep(1000)
  local url = check.url("/redirect-to?url=/get&status_code=303")
  local list = events.of(url, "POST", { body = body, progress = "upload" })
  equal(list[1].phase, "began")
  equal(list[2].phase, "progress")
  equal(list[2].bytesTransferred, 1000)
  equal(list[3].phase, "ended")
  equal(list[3].bytesTransferred, 1000)
  equal(list[3].bytesEstimated, 1000)
end)

check.test("the size of a form is told once it is known", function()
  local list = events.of(check.url("/anything"), "POST", { form = { a = "b" }, progress = "upload" })
  equal(list[1].bytesEstimated, -1)
  equal(list[2].bytesEstimated, 3)
  equal(list[3].bytesEstimated, 3)
  equal(list[3].bytesTransferred, 3)
end)

check.test("a field of that name does not take the status line's place", function()
  local headers = events.came(served.whole("200 OK", "HTTP-STATUS-LINE: HTTP/1.1 500 No\r\n", "x"), "GET").responseHeaders
  equal(headers["HTTP-STATUS-LINE"], "HTTP/1.1 200 OK")
end)

check.test("a finalizer may dispatch while an end is being told, and each end comes once", function()
  local armed, ends = true, {}
  local function arm()
    if not armed then return end
    local function finalize()
      network.dispatch()
      arm()
    end
    if newproxy then
      getmetatable(newproxy(true)).__gc = finalize
    else
      setmetatable({}, { __gc = finalize })
    end
  end
  for _ = 1, 20 do arm() end
  for number = 1, 100 do
    network.request(check.url("/get"), "GET", function(event)
      ends[number] = (ends[number] or 0) + 1
      equal(event.isError, false, tostring(event.response))
    end)
    equal(network.wait(nil, events.patience), true)
    coroutine.wrap(function() ends[-number] = network.fetch(check.url("/get")).status end)()
    equal(network.wait(nil, events.patience), true)
  end
  armed = false
  for number = 1, 100 do
    equal(ends[number], 1)
    equal(ends[-number], 200)
  end
end)

-- The last one: nothing can be asked for after it.
check.test("at the application's end fetch is refused in a line, as request is", function()
  network.shutdown()
  local response, err = network.fetch(check.url("/get"))
  equal(response, nil)
  equal(err, "Operation was cancelled: the application ends")
  coroutine.wrap(function() response, err = network.fetch(check.url("/get")) end)()
  equal(response, nil)
  equal(err, "Operation was cancelled: the application ends")
end)

check.done()
