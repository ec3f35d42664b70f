-- Opens a Lua state, makes a request in it and closes it, a thousand times in one process: what a host does that reloads
-- its plugins. Memory and descriptors must stay where they are. LuaJIT's ffi plays the host.
local ffi = require("ffi")
ffi.cdef([[
  typedef struct lua_State lua_State;
  lua_State *luaL_newstate(void);
  void luaL_openlibs(lua_State *L);
  int luaL_loadstring(lua_State *L, const char *text);
  int lua_pcall(lua_State *L, int arguments, int results, int handler);
  const char *lua_tolstring(lua_State *L, int index, size_t *length);
  void lua_close(lua_State *L);
]])

local SCRIPT = [[
  local http = require("http")
  local response = assert(http.get(os.getenv("ORIGIN_URL") .. "/bytes/2000"))
  assert(response.status == 200 and #response.body == 2000)
  assert(not http.get("http://127.0.0.1:1/"))
  local network = require("network")
  local ended
  local id = network.request(os.getenv("ORIGIN_URL") .. "/bytes/2000", "GET", function(event)
    ended = event.phase == "ended"
  end, { progress = "download" })
  -- Still under way at the end of the state.
  network.request(os.getenv("LITERAL_URL") .. "/gone", "GET", print)
  coroutine.wrap(function() network.fetch(os.getenv("LITERAL_URL") .. "/gone") end)()
  assert(network.wait(id, 20) and ended)
]]

local function once()
  local state = ffi.C.luaL_newstate()
  ffi.C.luaL_openlibs(state)
  if ffi.C.luaL_loadstring(state, SCRIPT) ~= 0 or ffi.C.lua_pcall(state, 0, 0, 0) ~= 0 then
    error(ffi.string(ffi.C.lua_tolstring(state, -1, nil)))
  end
  ffi.C.lua_close(state)
end

local function resident_kib()
  for line in io.lines("/proc/self/status") do
    local kib = line:match("^VmRSS:%s+(%d+)")
    if kib then return tonumber(kib) end
  end
end

local function descriptors()
  local listing = io.popen("ls /proc/" .. io.open("/proc/self/stat"):read("*n") .. "/fd | wc -l")
  local count = tonumber(listing:read("*a"))
  listing:close()
  collectgarbage()
  return count
end

local function measure()
  collectgarbage()
  collectgarbage()
  return resident_kib(), descriptors()
end

for _ = 1, 200 do once() end
local memory, open = measure()
for _ = 1, 1000 do once() end
local memory_after, open_after = measure()
assert(memory_after - memory < 1024, ("memory grew by %d KiB"):format(memory_after - memory))
assert(open_after <= open, ("%d descriptors were open before, %d after"):format(open, open_after))
