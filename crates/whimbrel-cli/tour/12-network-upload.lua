local network = require("network")
local size = 2 * 1024 * 1024

local path = system.pathForFile("drawing.bin", system.DocumentsDirectory)
local file = assert(io.open(path, "wb"))
file:write(("whimbrel"):rep(size / 8))
file:close()

local function listener(event)
  assert(not event.isError, event.response)
  print(("%-8s  %7d of %d bytes sent"):format(event.phase,
    event.bytesTransferred, event.bytesEstimated))
  if event.phase == "ended" then
    assert(event.status == 200 and event.bytesTransferred == size)
  end
end

network.upload("https://api.example.com/anything/drawings", "PUT", listener,
  { progress = true, maxRate = 5 * 1024 * 1024 },
  "drawing.bin", system.DocumentsDirectory, "application/octet-stream")
