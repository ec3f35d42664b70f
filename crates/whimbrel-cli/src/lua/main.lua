-- Runs a chunk and gives true, or false with a message and its traceback, from which the runner's own frames are cut.
local xpcall, type, tostring, getmetatable = xpcall, type, tostring, getmetatable
local traceback, getinfo, find, sub = debug.traceback, debug.getinfo, string.find, string.sub

local function describe(reason)
  if type(reason) == "string" or type(reason) == "number" then
    return tostring(reason)
  end
  local meta = getmetatable(reason)
  if type(meta) == "table" and meta.__tostring then
    return tostring(reason)
  end
  return "(error object is a " .. type(reason) .. " value)"
end

-- LuaJIT shows a nameless frame where an error is thrown; the traceback begins behind it.
local function first_level()
  local level = 3
  local frame = getinfo(level, "Sn")
  while frame and frame.what == "C" and not frame.name do
    level = level + 1
    frame = getinfo(level, "Sn")
  end
  return level - 1
end

local function explain(reason)
  local text = traceback(describe(reason), first_level())
  local mark = "\n\t[C]: in function 'xpcall'"
  local last
  local at = find(text, mark, 1, true)
  while at do
    last, at = at, find(text, mark, at + 1, true)
  end
  return last and sub(text, 1, last - 1) or text
end

return function(chunk, ...)
  -- No tail call: the traceback names what is still on the stack.
  local ok, reason = xpcall(chunk, explain, ...)
  return ok, reason
end
