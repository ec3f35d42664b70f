-- network.fetch: requests in straight lines, in coroutines and outside.
local check = require("check")
local events = require("events")
local network = require("network")
local served = require("served")
local equal = check.equal

check.test("outside a coroutine fetch waits, and returns what http.request returns", function()
  local response, err = network.fetch(check.url("/anything"), { method = "POST", data = "a=x" })
  equal(err, nil)
  local blocking = check.http.request(check.url("/anything"), { method = "POST", data = "a=x" })
  equal(response.status, 200)
  equal(response.reason, blocking.reason)
  equal(response.url, blocking.url)
  equal(response.headers["content-type"], blocking.headers["content-type"])
  equal(check.json.decode(response.body).form.a, "x")
  for key, value in pairs(blocking) do equal(type(response[key]), type(value), key) end
  for key, value in pairs(response) do equal(type(blocking[key]), type(value), key) end
end)

check.test("a failure is nil and the sentence of http", function()
  local response, err = network.fetch(check.env("REFUSED_URL"))
  equal(response, nil)
  local _, blocking = check.http.request(check.env("REFUSED_URL"))
  equal(err, blocking)
end)

check.test("a mistake is nil and a sentence too, and what is no URL raises", function()
  local response, err = network.fetch("nonsense")
  equal(response, nil)
  equal(err, select(2, check.http.request("nonsense")))
  check.raises("'url' parameter must be a string", network.fetch)
  check.raises("'params' parameter must be a table", network.fetch, "http://x/", 5)
end)

check.test("in a coroutine fetch yields, and dispatch resumes it with the response", function()
  local status
  local thread = coroutine.create(function() status = network.fetch(check.url("/get")).status end)
  assert(coroutine.resume(thread))
  equal(coroutine.status(thread), "suspended")
  equal(status, nil)
  equal(network.wait(nil, events.patience), true)
  equal(status, 200)
  equal(coroutine.status(thread), "dead")
end)

check.test("many coroutines fetch at once, one after the other each", function()
  local done = {}
  for number = 1, 20 do
    coroutine.wrap(function()
      for round = 1, 5 do
        local response = network.fetch(check.url("/anything?n=" .. number .. "-" .. round))
        equal(check.json.decode(response.body).args.n, number .. "-" .. round)
      end
      done[#done + 1] = number
    end)()
  end
  equal(network.wait(nil, events.patience), true)
  equal(#done, 20)
end)

check.test("fetch delivers other events while it waits", function()
  local gate, told = served.name(), nil
  network.request(check.url("/get"), "GET", function(event)
    told = event.status
    served.release(gate)
  end)
  equal(network.fetch(served.url(served.wait(gate), served.reply("200 OK", "", "after"))).body, "after")
  equal(told, 200)
end)

check.test("an error after a fetch is told to the hook, and stops nothing", function()
  local told, hook = {}, network.onError
  network.onError = function(message) told[#told + 1] = message end
  coroutine.wrap(function()
    network.fetch(check.url("/get"))
    error("after the fetch")
  end)()
  equal(network.wait(nil, events.patience), true)
  network.onError = hook
  equal(#told, 1)
  check.holds(told[1], "after the fetch")
end)

check.test("a coroutine that somebody else resumes meanwhile still gets its response", function()
  local status
  local thread = coroutine.create(function() status = network.fetch(check.url("/get")).status end)
  coroutine.resume(thread)
  coroutine.resume(thread, "too early")
  equal(status, nil)
  equal(network.wait(nil, events.patience), true)
  equal(status, 200)
end)

check.test("a coroutine that waits and is dropped harms nothing", function()
  coroutine.wrap(function() network.fetch(check.env("RAW_SILENT_URL"), { timeout = 0.2 }) end)()
  collectgarbage()
  collectgarbage()
  equal(network.wait(nil, events.patience), true)
end)

check.test("a function that answers false ends its fetch, in a coroutine and outside", function()
  local url = check.url("/bytes/300000")
  local function refuse() return false end
  for name in pairs({ onProgress = true, onChunk = true }) do
    local sentence = "Operation was cancelled: " .. name .. " returned false"
    local response, err = network.fetch(url, { [name] = refuse })
    equal(response, nil)
    equal(err, sentence)
    local told
    coroutine.wrap(function() told = select(2, network.fetch(url, { [name] = refuse })) end)()
    equal(network.wait(nil, events.patience), true)
    equal(told, sentence)
  end
end)

check.done()
