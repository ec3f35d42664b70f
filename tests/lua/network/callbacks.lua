-- What a script may do inside its own functions that the library calls: everything.
local check = require("check")
local events = require("events")
local network = require("network")
local equal = check.equal

--- Every kind of function that the library calls. `make(act)` starts a request in which `act` is called, at least once, in
--- that kind of function.
local KINDS = {
  ended = function(act)
    return network.request(check.url("/get"), "GET", act)
  end,
  ["a table's method"] = function(act)
    return network.request(check.url("/get"), "GET", { networkRequest = function(_, event) return act(event) end })
  end,
  ["began of a download"] = function(act)
    return network.request(check.url("/bytes/1000"), "GET", function(event)
      if event.phase == "began" then return act(event) end
    end, { progress = "download" })
  end,
  ["progress of a download"] = function(act)
    return network.request(check.url("/bytes/1000"), "GET", function(event)
      if event.phase == "progress" then return act(event) end
    end, { progress = "download" })
  end,
  ["began of an upload"] = function(act)
    return network.request(check.url("/post"), "POST", function(event)
      if event.phase == "began" then return act(event) end
    end, { progress = "upload", body = ("u"):rep(1000) })
  end,
  ["progress of an upload"] = function(act)
    return network.request(check.url("/post"), "POST", function(event)
      if event.phase == "progress" then return act(event) end
    end, { progress = "upload", body = ("u"):rep(1000) })
  end,
  ["the end of a failure"] = function(act)
    return network.request(check.env("REFUSED_URL"), "GET", act)
  end,
  ["the end of a file"] = function(act)
    return network.request(check.url("/bytes/1000"), "GET", act, { response = { filename = "called-back.bin" } })
  end,
  onChunk = function(act)
    local id
    id = network.request(check.url("/bytes/1000"), "GET", nil, {
      onChunk = function() return act({ requestId = id, phase = "chunk" }) end,
    })
    return id
  end,
  ["the error hook"] = function(act)
    local hook = network.onError
    local id
    network.onError = function()
      network.onError = hook
      return act({ requestId = id, phase = "hook" })
    end
    id = network.request(check.url("/get"), "GET", function() error("on purpose") end)
    return id
  end,
}

--- Does `act` in each kind of function, and waits for everything.
local function in_each(act)
  local names = {}
  for name in pairs(KINDS) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local called = 0
    local why
    KINDS[name](function(event)
      called = called + 1
      if called > 1 then return end
      local good, problem = pcall(act, event, name)
      if not good then why = problem end
    end)
    equal(network.wait(nil, events.patience), true, "wait, " .. name)
    if why then error(name .. ": " .. tostring(why), 2) end
    assert(called > 0, name .. " was never called")
    equal(network.dispatch(), 0, name)
  end
end

--- The errors that the host's hook is told while `run` runs.
local function reported(run)
  local told, hook = {}, network.onError
  network.onError = function(message) told[#told + 1] = message end
  local good, why = pcall(run)
  network.onError = hook
  if not good then error(why, 0) end
  return told
end

check.test("a listener may cancel its own request, and is told nothing after that", function()
  in_each(function(event, name)
    equal(network.cancel(event.requestId), true, name)
  end)
end)

check.test("a listener may cancel others", function()
  in_each(function(_, name)
    local told = 0
    local other = network.request(check.env("RAW_SILENT_URL"), "GET", function() told = told + 1 end)
    equal(network.cancel(other), true, name)
    equal(told, 0)
  end)
end)

check.test("a listener may make new requests, and they end too", function()
  local ended, begun = 0, 0
  in_each(function()
    begun = begun + 1
    network.request(check.url("/get"), "GET", function(event)
      equal(event.status, 200)
      ended = ended + 1
    end)
  end)
  equal(ended, begun)
end)

check.test("a listener may block: http, wait, dispatch and fetch inside it", function()
  in_each(function(_, name)
    equal(check.http.get(check.url("/get")).status, 200, name)
    network.dispatch()
    local inner
    local id = network.request(check.url("/get"), "GET", function(event) inner = event.status end)
    equal(network.wait(id, events.patience), true, name)
    equal(inner, 200, name)
    equal(network.fetch(check.url("/get")).status, 200, name)
  end)
end)

check.test("a listener may collect garbage and yield from a coroutine of its own", function()
  in_each(function()
    collectgarbage()
    local thread = coroutine.wrap(function()
      coroutine.yield(network.request(check.url("/get"), "GET"))
      return "end"
    end)
    equal(type(thread()), "userdata")
    equal(thread(), "end")
    collectgarbage()
  end)
end)

check.test("an error is told to the host's hook with a traceback, and stops nothing", function()
  for _, name in ipairs({ "ended", "a table's method", "the end of a failure", "the end of a file" }) do
    local told = reported(function()
      KINDS[name](function() error("on purpose: " .. name) end)
      equal(network.wait(nil, events.patience), true)
    end)
    equal(#told, 1, name)
    check.holds(told[1], "on purpose: " .. name)
    check.holds(told[1], "callbacks.lua:")
    check.holds(told[1], "traceback")
  end
end)

check.test("an error in one phase does not keep the next ones away", function()
  for _, name in ipairs({ "began of a download", "progress of a download", "began of an upload" }) do
    local told = reported(function() KINDS[name](function() error("on purpose") end) network.wait(nil, events.patience) end)
    equal(#told, 1, name)
  end
  local phases = {}
  local told = reported(function()
    network.request(check.url("/bytes/10"), "GET", function(event)
      phases[#phases + 1] = event.phase
      error(event.phase)
    end, { progress = "download" })
    network.wait(nil, events.patience)
  end)
  equal(table.concat(phases, " "), "began progress ended")
  equal(#told, 3)
end)

check.test("an error of one listener keeps no other request's events away", function()
  local ended = 0
  local told = reported(function()
    for number = 1, 20 do
      network.request(check.url("/get"), "GET", function()
        ended = ended + 1
        if number % 2 == 0 then error({ "no text" }) end
      end)
    end
    network.wait(nil, events.patience)
  end)
  equal(ended, 20)
  equal(#told, 10)
end)

check.test("an error in the error hook itself is survived", function()
  local hook = network.onError
  network.onError = function() error("in the hook") end
  network.request(check.url("/get"), "GET", function() error("in the listener") end)
  local good = pcall(network.wait, nil, events.patience)
  network.onError = hook
  equal(good, true)
  equal(events.came(check.url("/get"), "GET").status, 200)
end)

check.test("without a hook an error goes to stderr, and the script goes on", function()
  local output, code = events.child([[
    local network = require("network")
    network.request(os.getenv("ORIGIN_URL") .. "/get", "GET", function() error("told by a listener") end)
    network.wait(nil, 10)
    print("went on")
  ]])
  equal(code, 0, output)
  check.holds(output, "told by a listener")
  check.holds(output, "went on")
end)

check.test("a request made in a coroutine calls back where dispatch is called, also when the coroutine is gone", function()
  local told
  coroutine.wrap(function()
    network.request(check.url("/get"), "GET", function(event) told = { event.status, coroutine.running() } end)
  end)()
  collectgarbage()
  equal(network.wait(nil, events.patience), true)
  equal(told[1], 200)
end)

check.test("dispatch inside a listener delivers others, and no event twice or out of order", function()
  local order = {}
  local function listener(event)
    local number = event.url:match("n=(%d+)")
    order[number] = (order[number] or "") .. event.phase:sub(1, 1)
    network.dispatch()
  end
  for number = 1, 30 do
    network.request(check.url("/bytes/100?n=" .. number), "GET", listener, { progress = "download" })
  end
  equal(network.wait(nil, events.patience), true)
  for number = 1, 30 do equal(order[tostring(number)], "bpe", "phases of request " .. number) end
end)

check.test("a listener may wait for its own request, whichever phase it is told, and then knows its end", function()
  for _, name in ipairs({ "began of a download", "progress of a download", "began of an upload", "progress of an upload" }) do
    for _, everything in ipairs({ false, true }) do
      local phases, waited = {}, nil
      local id
      local uploads = name:find("upload", 1, true)
      id = network.request(check.url(uploads and "/post" or "/bytes/1000"), uploads and "POST" or "GET", function(event)
        phases[#phases + 1] = event.phase
        if event.phase == name:match("%w+") then
          waited = network.wait(not everything and id or nil, events.patience)
          phases[#phases + 1] = "waited"
        end
      end, { progress = uploads and "upload" or "download", body = uploads and "u" or nil })
      equal(network.wait(nil, events.patience), true)
      equal(waited, true, name)
      equal(phases[#phases - 1] .. " " .. phases[#phases], "ended waited", name)
      local _, ends = table.concat(phases, " "):gsub("ended", "")
      equal(ends, 1, name)
    end
  end
end)

check.test("a listener that suspends is told nothing more until the end of it", function()
  for _, phase in ipairs({ "began", "progress" }) do
    local phases = {}
    network.request(check.url("/bytes/1000"), "GET", function(event)
      phases[#phases + 1] = event.phase
      if event.phase == phase then network.suspend() end
    end, { progress = "download" })
    events.till(function() return phases[#phases] == phase end)
    local before = #phases
    for _ = 1, 10 do network.dispatch() end
    equal(network.wait(nil, 0.1), false)
    equal(#phases, before, phase)
    network.unsuspend()
    equal(network.wait(nil, events.patience), true)
    equal(table.concat(phases, " "), "began progress ended")
  end
end)

check.test("a process may end inside every kind of function, closing its state or not", function()
  local head = [[
    local network = require("network")
    local origin, refused, documents = os.getenv("ORIGIN_URL"), os.getenv("REFUSED_URL")
    network.request(os.getenv("RAW_SILENT_URL"), "GET", print)
    network.request(origin .. "/drip?numbytes=100&delay=0&duration=60", "GET", print, { response = { filename = "never.bin" } })
    local function ending() %s end
    %s
    network.wait(nil, 20)
    print("it came back")
  ]]
  local kinds = {
    [[network.request(origin .. "/get", "GET", ending)]],
    [[network.request(refused, "GET", ending)]],
    [[network.request(origin .. "/get", "GET", { networkRequest = ending })]],
    [[network.request(origin .. "/bytes/100", "GET", function(e) if e.phase == "began" then ending() end end, { progress = "download" })]],
    [[network.request(origin .. "/bytes/100", "GET", function(e) if e.phase == "progress" then ending() end end, { progress = "download" })]],
    [[network.request(origin .. "/post", "POST", function(e) if e.phase == "began" then ending() end end, { progress = "upload", body = "x" })]],
    [[network.request(origin .. "/post", "POST", function(e) if e.phase == "progress" then ending() end end, { progress = "upload", body = "x" })]],
    [[network.request(origin .. "/bytes/100", "GET", nil, { onChunk = ending })]],
    [[network.request(origin .. "/get", "GET", function() error("x") end) network.onError = ending]],
    [[coroutine.wrap(function() network.fetch(origin .. "/get") ending() end)()]],
    [[ending()]],
    [[network.wait(nil, 0.05) ending()]],
  }
  for _, ending in ipairs({ "os.exit(7)", "os.exit(7, true)" }) do
    -- Lua 5.1 has no second argument; it takes it for nothing.
    for number, kind in ipairs(kinds) do
      local output, code = events.child(head:format(ending, kind))
      equal(code, 7, ending .. " in kind " .. number .. ": " .. output)
      equal(output, "", ending .. " in kind " .. number)
    end
  end
end)

check.test("a script that ends with requests under way leaves no part file", function()
  local before = events.listing(events.documents())
  local output, code = events.child([[
    local network = require("network")
    local moved
    network.request(os.getenv("ORIGIN_URL") .. "/drip?numbytes=100&delay=0&duration=60", "GET", function() moved = true end,
      { progress = "download", response = { filename = "unfinished.bin" } })
    while not moved do network.wait(nil, 1) end
  ]])
  equal(code, 0, output)
  equal(events.listing(events.documents()), before)
end)

check.test("a finalizer may make requests while the state is closed", function()
  local output, code = events.child([[
    local network = require("network")
    local function at_the_end()
      local good, id = pcall(network.request, os.getenv("ORIGIN_URL") .. "/get", "GET", print)
      pcall(network.wait, id, 5)
      pcall(network.cancel, id)
      pcall(network.dispatch)
      io.write("finalized\n")
    end
    keep = newproxy and newproxy(true) or setmetatable({}, { __gc = at_the_end })
    if newproxy then getmetatable(keep).__gc = at_the_end end
    network.request(os.getenv("RAW_SILENT_URL"), "GET", print)
    network.dispatch()
  ]])
  equal(code, 0, output)
  check.holds(output, "finalized")
end)

check.done()
