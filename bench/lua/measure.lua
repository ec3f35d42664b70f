-- What the Lua programs of the bench share: SCRIPT MODE URL N [FILE], see bench/rust/src/lib.rs.
-- LuaJIT runs them: os.clock is processor time, so the wall clock comes by its ffi.
local function first(path, pattern)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return tonumber(text:match(pattern))
end

local ffi = require("ffi")
ffi.cdef [[
  struct bench_time { long seconds; long nanoseconds; };
  int clock_gettime(int clock, struct bench_time *time);
]]
local time = ffi.new("struct bench_time")
local function wall()
  ffi.C.clock_gettime(1, time)
  return tonumber(time.seconds) + tonumber(time.nanoseconds) / 1e9
end

return function(prepare)
  local job = { mode = arg[1], url = arg[2], count = tonumber(arg[3]), file = arg[4], ca = os.getenv("BENCH_CA") }
  local request = prepare(job)
  request()
  local begun, used = wall(), first("/proc/self/schedstat", "^(%d+)")
  for _ = 1, job.count do
    request()
  end
  local seconds = wall() - begun
  local cpu = (first("/proc/self/schedstat", "^(%d+)") - used) / 1e9
  print(string.format("%.6f %.6f %d", seconds, cpu, first("/proc/self/status", "VmHWM:%s*(%d+)")))
end
