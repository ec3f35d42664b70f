local network = require("network")
local size = 4 * 1024 * 1024

local function bar(done, total)
  local width = math.floor(32 * done / total)
  return ("[%-32s] %3d %%"):format(("="):rep(width), 100 * done / total)
end

local shown = 0
local function listener(event)
  assert(not event.isError, event.response)
  if event.phase == "began" then
    print("began: " .. event.bytesEstimated .. " bytes will come")
  elseif event.phase == "progress" then
    shown = shown + 1
    print(bar(event.bytesTransferred, event.bytesEstimated))
  elseif event.phase == "ended" then
    print(bar(event.bytesTransferred, size))
    print("stored as " .. event.response.filename)
    assert(event.status == 200 and event.bytesTransferred == size)
    assert(shown > 1, "there should be progress on the way")

    local file = assert(io.open(event.response.fullPath, "rb"))
    assert(file:seek("end") == size)
    file:close()
  end
end

-- No faster than 6 MiB a second, so that there is something to see.
network.download("https://api.example.com/bytes/" .. size, "GET", listener,
  { progress = true, maxRate = 6 * 1024 * 1024 },
  "photo.bin", system.DocumentsDirectory)
print("the request is made, and the script goes on")
