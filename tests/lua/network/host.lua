-- A host that brings a `Runtime` and a `system` of its own, as Solar2D does: the library hooks itself in, and the host's
-- names are asked each time. This script is that host.
local listeners = { enterFrame = {}, system = {} }

Runtime = {}
function Runtime:addEventListener(name, listener)
  assert(self == Runtime and listeners[name], name)
  table.insert(listeners[name], listener)
end
function Runtime:removeEventListener(name, listener)
  for index, one in ipairs(listeners[name]) do
    if one == listener then table.remove(listeners[name], index) end
  end
end

local function dispatch(event)
  for _, listener in ipairs(listeners[event.name]) do
    if type(listener) == "function" then listener(event) else listener[event.name](listener, event) end
  end
end

local frames = 0
local function frame()
  frames = frames + 1
  dispatch({ name = "enterFrame", frame = frames, time = frames * 16 })
end

local function application(what)
  dispatch({ name = "system", type = what })
end

-- Any userdata will do for a constant: the library compares them and asks `pathForFile`, nothing else.
local base = os.getenv("WORK_DIR")
system = { DocumentsDirectory = io.tmpfile(), ResourceDirectory = io.stdin, TemporaryDirectory = io.stdout }
local folders = {
  [system.DocumentsDirectory] = base .. "/sandbox/Documents",
  [system.ResourceDirectory] = base .. "/sandbox/Resources",
  [system.TemporaryDirectory] = base .. "/sandbox/Temporary",
}
for _, folder in pairs(folders) do os.execute('mkdir -p "' .. folder .. '"') end
local asked = 0
function system.pathForFile(filename, directory)
  asked = asked + 1
  local folder = folders[directory or system.ResourceDirectory]
  if not folder then return nil end
  return filename and folder .. "/" .. filename or folder
end

local plugin = require("plugin.whimbrel")
local network = plugin.network
local check = require("check")
local events = require("events")
local served = require("served")
local equal = check.equal

--- Frames until `condition` holds; nothing else delivers events here.
local function frames_till(condition)
  local deadline = os.time() + events.patience
  while not condition() do
    if os.time() > deadline then error("it did not come to pass in " .. events.patience .. " s", 2) end
    frame()
  end
end

check.test("the plugin is Whimbrel, and holds the library, whichever name it is asked by", function()
  equal(plugin, require("whimbrel"))
  equal(network, require("network"))
  equal(network, require("whimbrel.network"))
  equal(type(network.request), "function")
end)

check.test("the library hooks itself to frames and to the application's events, once", function()
  equal(#listeners.enterFrame, 1)
  equal(#listeners.system, 1)
  package.loaded["network"], package.loaded["plugin.whimbrel"], package.loaded["whimbrel.network"] = nil, nil, nil
  require("network")
  require("plugin.whimbrel")
  equal(#listeners.enterFrame, 1)
  equal(#listeners.system, 1)
end)

check.test("frames deliver the events", function()
  local listener, list = events.recorder()
  network.request(check.url("/bytes/1000"), "GET", listener, { progress = "download" })
  frames_till(function() return #list == 3 end)
  equal(list[1].phase, "began")
  equal(list[2].phase, "progress")
  equal(list[3].phase, "ended")
end)

check.test("a file goes where the host says, and its constant comes back", function()
  local ended
  local before = asked
  network.download(check.url("/bytes/10"), "GET", function(event) ended = event end, "h.bin", system.TemporaryDirectory)
  frames_till(function() return ended end)
  assert(asked > before, "the host was not asked")
  equal(ended.response.baseDirectory, system.TemporaryDirectory)
  equal(ended.response.filename, "h.bin")
  equal(ended.response.fullPath, folders[system.TemporaryDirectory] .. "/h.bin")
  equal(#check.read(ended.response.fullPath), 10)
end)

check.test("without a directory it is the host's documents", function()
  local ended
  network.request(check.url("/bytes/10"), "GET", function(event) ended = event end, { response = { filename = "d.bin" } })
  frames_till(function() return ended end)
  equal(ended.response.baseDirectory, system.DocumentsDirectory)
  equal(#check.read(folders[system.DocumentsDirectory] .. "/d.bin"), 10)
end)

check.test("the host's names are looked up at each call", function()
  local old = folders[system.DocumentsDirectory]
  folders[system.DocumentsDirectory] = base .. "/sandbox/Temporary"
  local ended
  network.request(check.url("/bytes/10"), "GET", function(event) ended = event end, { response = { filename = "moved.bin" } })
  frames_till(function() return ended end)
  folders[system.DocumentsDirectory] = old
  equal(ended.response.fullPath, base .. "/sandbox/Temporary/moved.bin")
end)

check.test("a body is read from the host's directories", function()
  check.write(folders[system.ResourceDirectory] .. "/body.txt", "from the host")
  local ended
  network.upload(check.url("/anything"), "PUT", function(event) ended = event end, "body.txt", system.ResourceDirectory, "a/b")
  frames_till(function() return ended end)
  equal(check.json.decode(ended.response).data, "from the host")
end)

check.test("names that lead out of the host's directories are refused", function()
  for _, name in ipairs({ "../x", "/etc/x", "a/../../x" }) do
    local ended
    network.download(check.env("RAW_SILENT_URL"), "GET", function(event) ended = event end, name, system.TemporaryDirectory)
    frames_till(function() return ended end)
    equal(ended.isError, true, name)
    check.holds(ended.response, name)
  end
end)

check.test("while the application is suspended no frame delivers anything", function()
  local gate, list, listener = served.name(), nil, nil
  listener, list = events.recorder()
  local url = served.url("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf", served.wait(gate), "more")
  network.request(url, "GET", listener, { progress = "download" })
  frames_till(function() return #list > 0 end)
  application("applicationSuspend")
  local before = #list
  served.release(gate)
  for _ = 1, 100 do frame() end
  check.http.get(check.url("/get"))
  for _ = 1, 100 do frame() end
  equal(#list, before)
  local late
  network.request(check.url("/get"), "GET", function(event) late = event end)
  for _ = 1, 100 do frame() end
  equal(late, nil)
  application("applicationResume")
  frames_till(function() return late and list[#list].phase == "ended" end)
  equal(list[#list].response, "halfmore")
  equal(late.status, 200)
end)

check.test("at its exit everything ends without a call, and a new request is none", function()
  local told = 0
  network.request(check.env("RAW_SILENT_URL"), "GET", function() told = told + 1 end)
  network.request(check.url("/get"), "GET", function() told = told + 1 end)
  application("applicationExit")
  for _ = 1, 100 do frame() end
  equal(told, 0)
  equal(network.dispatch(), 0)
  equal(select("#", network.request(check.url("/get"), "GET", function() told = told + 1 end)), 0)
  for _ = 1, 100 do frame() end
  equal(told, 0)
end)

check.done()
