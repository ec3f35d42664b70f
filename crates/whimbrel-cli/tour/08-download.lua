local http = require("http")
local path = ...
local size = 8 * 1024 * 1024

local shown = 0
local result, err = http.download("https://api.example.com/bytes/" .. size, path, {
  on_progress = function(progress)
    local quarters = progress.total and math.floor(4 * progress.received / progress.total) or 0
    if quarters > shown then
      shown = quarters
      print(("%3d %%  [%-32s]"):format(25 * quarters, ("="):rep(8 * quarters)))
    end
  end,
})
assert(result and result.status == 200, err)
assert(shown == 4, "the progress should end at 100 %")

local file = assert(io.open(path, "rb"))
print("on disk:", file:seek("end") .. " bytes")
assert(file:seek("end") == size and result.bytes_written == size, "the file is not whole")
file:close()
