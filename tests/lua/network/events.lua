-- Records what a listener is told, and compares it whole: how many events, in which order, with every property that they
-- have and none that they have not.
local check = require("check")
local network = require("network")

local events = {}

--- The host's directories: ours, where the host has none.
events.system = rawget(_G, "system") or require("whimbrel").system

--- The folder of the documents.
function events.documents()
  return events.system.pathForFile(nil, events.system.DocumentsDirectory)
end

--- Runs `body` with the directories under another base.
function events.under(base, body)
  local old = events.documents():match("^(.*)/[^/]+$")
  events.system.setBase(base)
  local good, result = pcall(body)
  events.system.setBase(old)
  if not good then error(result, 0) end
  return result
end

--- How long a test waits for what must come; far more than it needs.
events.patience = 30

--- A listener, and the list to which it adds a copy of every event. `also` is called with each event after that.
function events.recorder(also)
  local list = {}
  return function(event)
    local copy = {}
    for key, value in pairs(event) do copy[key] = value end
    list[#list + 1] = copy
    if also then also(event, list) end
  end, list
end

--- Waits until the request has ended; fails if it doesn't.
function events.await(id)
  check.equal(network.wait(id, events.patience), true, "wait(id) within " .. events.patience .. " s")
end

--- Waits until `condition` holds, dispatching meanwhile.
function events.till(condition)
  local deadline = os.time() + events.patience
  while not condition() do
    if os.time() > deadline then error("it did not come to pass in " .. events.patience .. " s", 2) end
    network.wait(nil, 0.01)
  end
end

--- Makes the request and waits for its end; returns the events and the id.
function events.of(url, method, params, also)
  local listener, list = events.recorder(also)
  local id = network.request(url, method, listener, params)
  check.equal(type(id), "userdata", "type of what request returns")
  check.equal(#list, 0, "events before request returned")
  events.await(id)
  return list, id
end

--- The one event of a request without progress.
function events.one(url, method, params)
  local list, id = events.of(url, method, params)
  check.equal(#list, 1, "events")
  check.equal(list[1].requestId, id, "requestId")
  return list[1]
end

--- The one event, which must tell of a response.
function events.came(url, method, params)
  local event = events.one(url, method, params)
  if event.isError then error("the request failed: " .. tostring(event.response), 2) end
  return event
end

--- The text of the one event, which must tell of a failure.
function events.failed(url, method, params)
  local event = events.one(url, method, params)
  if not event.isError then error("the request should have failed, but its status is " .. tostring(event.status), 2) end
  check.equal(event.status, -1, "status of a failure")
  check.equal(event.responseHeaders, nil, "headers of a failure")
  check.equal(type(event.response), "string")
  return event.response
end

--- What the origin saw of a request to /anything, decoded.
function events.echo(method, params, url)
  local event = events.came(url or check.url("/anything"), method, params)
  check.equal(event.status, 200, "status of the echo")
  return check.json.decode(event.response)
end

-- What an event of ours has beyond the old ones, and what it must be where it is there.
local BEYOND = {
  timings = function(value, event)
    return type(value) == "table" and (event.isError or type(value.finished) == "number")
  end,
  protocol = function(value) return value == "HTTP/1.1" end,
  redirectedUrl = function(value) return type(value) == "string" end,
}

local function show(value)
  if type(value) == "string" then return string.format("%q", value) end
  if type(value) ~= "table" then return tostring(value) end
  local parts = {}
  for key, part in pairs(value) do parts[#parts + 1] = tostring(key) .. " = " .. show(part) end
  table.sort(parts)
  return "{ " .. table.concat(parts, ", ") .. " }"
end

local function same(actual, expected)
  if type(expected) == "function" then return expected(actual) end
  if type(expected) ~= "table" or type(actual) ~= "table" then return actual == expected end
  for key, value in pairs(expected) do
    if not same(actual[key], value) then return false end
  end
  for key in pairs(actual) do
    if rawget(expected, key) == nil then return false end
  end
  return true
end

--- Fails unless the event is `expected`, whole. A function in it judges the value; `name`, `isError` and `phase` need not
--- be named where they are those of a good end.
function events.equal(event, expected, what)
  local whole = { name = "networkRequest", phase = "ended", isError = false }
  for key, value in pairs(expected) do whole[key] = value end
  for key, value in pairs(whole) do
    if not same(event[key], value) then
      error((what or "event") .. ": " .. key .. " should be " .. show(value) .. ", not " .. show(event[key])
        .. "\n  in " .. show(event), 2)
    end
  end
  for key, value in pairs(event) do
    if whole[key] == nil and not (BEYOND[key] and BEYOND[key](value, event)) then
      error((what or "event") .. ": " .. key .. " should not be there, but is " .. show(value), 2)
    end
  end
end

--- Fails unless the list is exactly these events.
function events.all_equal(list, expected)
  for index, event in ipairs(list) do
    if not expected[index] then
      error("there should be " .. #expected .. " events, but event " .. index .. " is " .. show(event), 2)
    end
    events.equal(event, expected[index], "event " .. index)
  end
  check.equal(#list, #expected, "events")
end

--- Header tables: any content, as long as these fields are there, looked up without regard to case.
function events.with_fields(fields)
  return function(headers)
    if type(headers) ~= "table" then return false end
    for name, value in pairs(fields) do
      if headers[name] ~= value then return false end
    end
    return true
  end
end

--- Any table of headers.
function events.some_headers(headers)
  return type(headers) == "table" and next(headers) ~= nil
end

--- A folder of the file system as a set of names.
function events.listing(path)
  local list, names = io.popen('ls -A "' .. path .. '"'), {}
  for line in list:lines() do names[#names + 1] = line end
  list:close()
  return table.concat(names, " ")
end

--- The interpreter that runs this script.
function events.interpreter()
  local index = 0
  while arg[index - 1] do index = index - 1 end
  return arg[index]
end

--- Runs a Lua text in a process of its own; returns everything that it wrote, and its exit code.
function events.child(text)
  local path = check.path("child.lua")
  check.write(path, text)
  local pipe = io.popen(events.interpreter() .. ' "' .. path .. '" 2>&1; echo "exit $?"')
  local output = pipe:read("*a")
  pipe:close()
  local before, code = output:match("^(.*)exit (%d+)\n$")
  return before, tonumber(code)
end

return events
