-- Cancelling, pausing, and the timeouts of a request.
local check = require("check")
local events = require("events")
local network = require("network")
local served = require("served")
local equal = check.equal

check.test("cancel gives true, and its listener is told nothing more", function()
  local gone = served.name()
  local told = 0
  local id = network.request(served.url(served.gone, served.open(gone)), "GET", function() told = told + 1 end)
  equal(network.cancel(id), true)
  equal(network.cancel(id), true, "a second time")
  equal(network.dispatch(), 0)
  equal(network.wait(id, events.patience), true)
  equal(told, 0)
end)

check.test("cancel closes the connection of a request under way", function()
  local gone, head = served.name(), "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"
  local phases = {}
  local id = network.request(served.url(head, served.gone, served.open(gone)), "GET", function(event)
    phases[#phases + 1] = event.phase
    if event.phase == "progress" then equal(network.cancel(event.requestId), true) end
  end, { progress = "download" })
  equal(network.wait(id, events.patience), true)
  served.await(gone)
  network.wait(nil, events.patience)
  equal(table.concat(phases, " "), "began progress")
end)

check.test("a request that has ended can be cancelled to no effect", function()
  local listener, list = events.recorder()
  local id = network.request(check.url("/get"), "GET", listener)
  events.await(id)
  equal(network.cancel(id), true)
  equal(network.wait(nil, events.patience), true)
  equal(#list, 1)
end)

check.test("an end that is ready but not yet told is never told after a cancel", function()
  local told = {}
  local ids = {}
  -- The first one's end cancels all others, whose ends are mostly there by then.
  for number = 1, 50 do
    ids[number] = network.request(check.url("/bytes/10"), "GET", function(event)
      told[#told + 1] = number
      for _, id in ipairs(ids) do
        if id ~= event.requestId then equal(network.cancel(id), true) end
      end
    end)
  end
  equal(network.wait(nil, events.patience), true)
  equal(#told, 1)
  equal(network.dispatch(), 0)
end)

check.test("an id that is dropped cancels nothing", function()
  local told = 0
  network.request(check.url("/get"), "GET", function() told = told + 1 end)
  collectgarbage()
  collectgarbage()
  equal(network.wait(nil, events.patience), true)
  equal(told, 1)
end)

check.test("a timeout is one of inactivity: what moves may take longer", function()
  local gates, steps = {}, { "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n" }
  for number = 1, 4 do
    gates[number] = served.name()
    steps[#steps + 1] = served.wait(gates[number])
    steps[#steps + 1] = "x"
  end
  -- Each piece comes 0.4 s after the one before: 1.6 s in all, with a timeout of 1 s.
  local clock, next_gate, due = served.clock, 1, nil
  local ended
  network.request(served.url((table.unpack or unpack)(steps)), "GET", function(event) ended = event end, { timeout = 1 })
  local begun = clock()
  due = begun + 0.4
  while not ended do
    network.wait(nil, 0.02)
    if next_gate <= 4 and clock() >= due then
      served.release(gates[next_gate])
      next_gate, due = next_gate + 1, due + 0.4
    end
    assert(clock() - begun < events.patience, "it did not end")
  end
  equal(ended.isError, false, tostring(ended.response))
  equal(ended.response, "xxxx")
end)

check.test("a server that says nothing is given up", function()
  check.begins(events.failed(check.env("RAW_SILENT_URL"), "GET", { timeout = 0.3 }), "Timed out: ")
  check.begins(events.failed(served.url("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", served.gone), "GET", { timeout = 0.3 }),
    "Timed out: ")
end)

check.test("a name that connects nowhere is given up", function()
  check.begins(events.failed(check.env("BLACK_HOLE_URL"), "GET", { timeout = 0.3 }), "Timed out: ")
end)

check.test("total and connect timeouts are as in http", function()
  check.begins(events.failed(check.env("BLACK_HOLE_URL"), "GET", { connect_timeout = 0.3 }), "Timed out: ")
  check.begins(events.failed(check.env("BLACK_HOLE_URL"), "GET", { connectTimeout = 0.3 }), "Timed out: ")
  check.begins(events.failed(check.env("RAW_SILENT_URL"), "GET", { totalTimeout = 0.3 }), "Timed out: ")
end)

check.test("a timeout of 0 is none, and a huge one does not overflow", function()
  for _, timeout in ipairs({ 0, 300000, 1e18, math.huge }) do
    equal(events.came(check.url("/get"), "GET", { timeout = timeout }).status, 200, timeout)
  end
end)

check.test("a paused request stands still, and goes on where it was", function()
  local gate = served.name()
  local url = served.url("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf", served.wait(gate), "more")
  local list, id = nil, nil
  local listener
  listener, list = events.recorder(function(event)
    if event.phase == "began" then equal(network.pause(event.requestId), true) end
  end)
  id = network.request(url, "GET", listener, { progress = "download", timeout = 0.5 })
  events.till(function() return #list > 0 end)
  served.release(gate)
  -- Longer than its timeout: its clock stands still with it.
  equal(network.wait(id, 1), false)
  local before = #list
  assert(before <= 2, "it went on: " .. before .. " events")
  equal(network.resume(id), true)
  events.await(id)
  equal(list[#list].isError, false, tostring(list[#list].response))
  equal(list[#list].response, "halfmore")
end)

check.test("priorities can be set, and what is none is said", function()
  local id = network.request(check.env("RAW_SILENT_URL"), "GET", nil, { priority = 5 })
  equal(network.setPriority(id, -5), true)
  equal(network.cancel(id), true)
  equal(network.setPriority(id, 1), false)
end)

check.done()
