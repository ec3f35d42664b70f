local http = require("http")
local path = ...
local size = 8 * 1024 * 1024
local url = "https://api.example.com/bytes/" .. size

local shown = 0
local function show(quarters)
  shown = quarters
  print(("%3d %%  [%-32s]"):format(25 * quarters, ("="):rep(8 * quarters)))
end

local result, err = http.download(url, path, {
  on_progress = function(progress)
    if progress.total then
      local quarters = math.floor(4 * progress.received / progress.total)
      if quarters > shown then show(quarters) end
    end
  end,
})
assert(result and result.status == 200, err)
assert(shown == 4, "the progress should end at 100 %")

local file = assert(io.open(path, "rb"))
local stored = file:seek("end")
file:close()
print("on disk:", stored .. " bytes")
assert(stored == size and result.bytes_written == size)
