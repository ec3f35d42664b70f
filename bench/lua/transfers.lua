-- Whimbrel's network module, as a script author calls it, in every mode of bench/rust/src/network.rs.
local network = require("network")
local process = require("process")

local mode, number = arg[1]:match("^(%a+)%-?(%d*)$")
local url, count, file = arg[2], tonumber(arg[3]), arg[4]
number = tonumber(number)

network.limitConnections(1000000, 1000000)
network.onError = function(message)
  io.stderr:write(message, "\n")
  os.exit(1)
end

-- The server holds on purpose: no clock is to end that.
local patient = { timeout = 0 }

local function check(event)
  assert(not event.isError, event.response)
  assert(event.status == 200, event.status)
end

local function lap(width, requests)
  local started = math.min(width, requests)
  local function listener(event)
    check(event)
    if started < requests then
      started = started + 1
      network.request(url, "GET", listener)
    end
  end
  for _ = 1, started do
    network.request(url, "GET", listener)
  end
  assert(network.wait())
end

-- Has the requests held by the server; returns the memory before, and how many there are.
local function hold()
  local held
  local function answered(event)
    check(event)
    held = tonumber(event.response)
  end
  local function lost(event)
    error(event.response)
  end
  network.wait(network.request(url .. "until/0", "GET", answered, patient))
  collectgarbage()
  local before = process.resident()
  local until_all = network.request(url .. "until/" .. count, "GET", answered, patient)
  for _ = 1, count do
    network.request(url .. "hold", "GET", lost, patient)
  end
  network.wait(until_all)
  return before, held
end

local function nanoseconds(call)
  local rounds = 2000000
  local begun = process.now()
  for _ = 1, rounds do
    call(0)
  end
  return (process.now() - begun) / rounds * 1e9
end

local function frames(listened, ask)
  local events = 0
  local function listener(event)
    if event.phase == "ended" then
      error("a stream ended: " .. tostring(event.response))
    end
    events = events + 1
  end
  local told = { timeout = 0, progress = "download", progressInterval = 0 }
  for index = 1, count do
    network.request(url .. "stream/2048", "GET", listener, listened and index % 2 == 0 and told or patient)
  end
  local took, sum = {}, 0
  for frame = 1, number do
    took[frame] = 0
  end
  local next_frame = process.now()
  -- All are to be streaming before the first frame counts.
  for frame = -59, number do
    next_frame = next_frame + 1 / 60
    process.sleep_until(next_frame)
    if frame == 1 then
      events = 0
    end
    -- Twice, so that what is cold after the sleep is the library and not the clock.
    process.now()
    local begun = process.now()
    ask(nil)
    if frame > 0 then
      took[frame] = (process.now() - begun) * 1e6
      sum = sum + took[frame]
    end
  end
  table.sort(took)
  local function at(part)
    return took[math.floor((number - 1) * part) + 1]
  end
  print(string.format("%.2f %.2f %.2f %d %.0f", at(0.5), at(0.99), at(1), events, sum * 1000 / math.max(events, 1)))
end

local function download()
  local folder, name = file:match("^(.*)/([^/]*)$")
  local system = require("whimbrel").system
  system.setBase(folder, folder, folder)
  local stretch
  for index = 0, count do
    if index == 1 then
      stretch = process.begin()
    end
    local id = network.download(url, "GET", check, name, system.DocumentsDirectory)
    -- A frame ends early when the file is there, so that the frame's length is not part of the measure.
    while not network.wait(id, 1 / 60) do end
  end
  stretch()
end

if mode == "flight" then
  lap(number, number)
  local stretch = process.begin()
  lap(number, count)
  stretch()
elseif mode == "waiting" then
  local before, held = hold()
  print(string.format("%d %d %d", before, process.resident(), held))
elseif mode == "idle" then
  hold()
  print(string.format("%.2f %.2f", nanoseconds(network.dispatch), nanoseconds(io.type)))
elseif mode == "file" then
  download()
else
  frames(mode == "progress", mode == "empty" and io.type or network.dispatch)
end
os.exit(0, false)
