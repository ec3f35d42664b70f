-- Forks while requests of `network` are under way: the parent's go on, the child is told that it has them no more, and
-- both make new ones. LuaJIT's ffi forks.
local ffi = require("ffi")
ffi.cdef([[
  int fork(void);
  int waitpid(int pid, int *status, int options);
  void _exit(int code);
]])

local network = require("network")
local origin, literal = os.getenv("ORIGIN_URL"), os.getenv("LITERAL_URL")

local function hex(text)
  return "x" .. text:gsub(".", function(byte) return ("%02x"):format(byte:byte()) end)
end

-- True if each of a few requests gets the answer to itself, and not the other side's.
local function goes_on(side)
  local good = true
  for round = 1, 5 do
    local mark, ended = side .. "-" .. round, nil
    local id = network.request(origin .. "/anything?mark=" .. mark, "GET", function(event) ended = event end)
    network.wait(id, 20)
    good = good and ended and ended.status == 200 and ended.response:find('"' .. mark .. '"', 1, true) ~= nil
  end
  return good
end

assert(goes_on("before"))
local ends = {}
local answer = hex("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
local id = network.request(literal .. "/wait-forked/" .. answer, "GET", function(event) ends[#ends + 1] = event end)
assert(not network.wait(id, 0.05))

local child = ffi.C.fork()
if child == 0 then
  local good = network.wait(id, 20) and #ends == 1 and ends[1].isError and goes_on("child")
  ffi.C._exit(good and 0 or 1)
end
assert(child > 0)
assert(goes_on("parent"), "the parent did not go on beside its child")
local status = ffi.new("int[1]")
assert(ffi.C.waitpid(child, status, 0) == child)
assert(status[0] == 0, "the child did not go on")
assert(#ends == 0)
network.request(literal .. "/open-forked/" .. answer, "GET")
assert(network.wait(nil, 20))
assert(#ends == 1 and ends[1].status == 200 and ends[1].response == "ok", "the parent lost its request")
