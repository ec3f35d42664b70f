-- Forks after a request: both sides go on, each on connections of its own. LuaJIT's ffi forks.
local ffi = require("ffi")
ffi.cdef([[
  int fork(void);
  int waitpid(int pid, int *status, int options);
  void _exit(int code);
]])

local http = require("http")
local origin = os.getenv("ORIGIN_URL")

-- True if each of a few requests gets the answer to itself, and not the other side's.
local function goes_on(side)
  for round = 1, 5 do
    local mark = side .. "-" .. round
    local response = http.get(origin .. "/anything?mark=" .. mark)
    if not response or response.status ~= 200 or not response.body:find('"' .. mark .. '"', 1, true) then
      return false
    end
  end
  return true
end

assert(goes_on("before"))
local child = ffi.C.fork()
if child == 0 then
  ffi.C._exit(goes_on("child") and 0 or 1)
end
assert(child > 0)
assert(goes_on("parent"), "the parent did not go on beside its child")
local status = ffi.new("int[1]")
assert(ffi.C.waitpid(child, status, 0) == child)
assert(status[0] == 0, "the child did not go on")
assert(goes_on("after"), "the parent did not go on after its child")
