-- Tells errors: the message with its traceback, from which the runner's own frames are cut. It catches nothing itself.
local runner = ...
local type, tostring, getmetatable, xpcall = type, tostring, getmetatable, xpcall
local traceback, find, sub = debug.traceback, string.find, string.sub

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

-- Cuts what lies below the outermost `xpcall`: it is the runner's, or `network`'s.
local function cut(text)
  local mark = "\n\t[C]: in function 'xpcall'"
  local last
  local at = find(text, mark, 1, true)
  while at do
    last, at = at, find(text, mark, at + 1, true)
  end
  return last and sub(text, 1, last - 1) or text
end

-- For `xpcall`: the handler of everything that the runner calls.
local function explain(reason)
  return cut(traceback(describe(reason), 2))
end

-- The same for a coroutine that waits: where it does.
local function explain_coroutine(thread, reason)
  return cut(traceback(thread, reason))
end

runner.cut, runner.explain, runner.explain_coroutine = cut, explain, explain_coroutine

-- Calls what a script has handed over. Its error is reported and stops nothing.
local report = runner.report
function runner.call(listener, ...)
  local ok, told = xpcall(listener, explain, ...)
  if not ok then
    runner.failed = true
    report(told)
  end
  return ok
end
