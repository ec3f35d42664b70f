-- What the Lua programs of `bench network` read of their own process; bench/rust/src/network.rs says what they print.
local ffi = require("ffi")
ffi.cdef [[
  struct bench_timespec { long seconds; long nanoseconds; };
  int clock_gettime(int clock, struct bench_timespec *time);
  int clock_nanosleep(int clock, int flags, const struct bench_timespec *time, void *rest);
]]

local process = {}
local MONOTONIC, PROCESS, ABSOLUTE = 1, 2, 1
local time = ffi.new("struct bench_timespec")
-- A 64-bit field read by the interpreter is a new object, and the collector would work in what is measured.
local words = ffi.cast("int32_t *", time)
local SECONDS, NANOSECONDS = 0, ffi.sizeof("long") / 4
local clock_gettime = ffi.C.clock_gettime

local function clock(which)
  clock_gettime(which, time)
  return words[SECONDS] + words[NANOSECONDS] / 1e9
end

local function kib(path, pattern)
  local file = assert(io.open(path))
  local text = file:read("*a")
  file:close()
  return tonumber(text:match(pattern))
end

-- Seconds.
function process.now()
  return clock(MONOTONIC)
end

function process.sleep_until(seconds)
  time.seconds = math.floor(seconds)
  time.nanoseconds = (seconds % 1) * 1e9
  ffi.C.clock_nanosleep(MONOTONIC, ABSOLUTE, time, nil)
end

-- Bytes in memory.
function process.resident()
  return kib("/proc/self/smaps_rollup", "Rss:%s*(%d+)") * 1024
end

-- Starts the clocks; the function returned prints seconds, seconds of processor time and peak KiB.
function process.begin()
  local begun, used = clock(MONOTONIC), clock(PROCESS)
  return function()
    local seconds, cpu = clock(MONOTONIC) - begun, clock(PROCESS) - used
    print(string.format("%.6f %.6f %d", seconds, cpu, kib("/proc/self/status", "VmHWM:%s*(%d+)")))
  end
end

return process
