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

-- Some builds of LuaJIT put a C function of their own between every error and its handler: an error that no C function
-- throws shows whether this one does. The traceback begins behind it.
local first_level = 2
xpcall(function()
  local nothing
  return nothing.field
end, function()
  if getinfo(2, "S").what == "C" then
    first_level = 3
  end
end)

local function explain(reason)
  local text = traceback(describe(reason), first_level)
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
