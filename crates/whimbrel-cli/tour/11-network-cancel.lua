local network = require("network")
local events = 0

local function listener(event)
  events = events + 1
  print(event.phase .. ": " .. event.bytesTransferred .. " of "
    .. event.bytesEstimated .. " bytes")
  if event.phase == "progress" then
    print("cancelled: " .. tostring(network.cancel(event.requestId)))
  end
end

network.download("https://api.example.com/bytes/8388608", "GET", listener,
  { progress = true, maxRate = 1024 * 1024 },
  "never.bin", system.TemporaryDirectory)

-- A cancelled request says no more, and leaves no file behind.
timer.performWithDelay(400, function()
  assert(events == 2, "began and one progress, then nothing")
  local path = system.pathForFile("never.bin", system.TemporaryDirectory)
  assert(io.open(path) == nil, "there should be no file")
  print("0.4 s later: no further event, no file")
end)
