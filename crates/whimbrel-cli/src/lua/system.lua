-- The rest of the global `system`: its directories and `pathForFile` are the network library's own.
local runner = ...
local type, error = type, error
local clock, facts, new_dispatcher = runner.clock, runner.facts, runner.new_dispatcher

whimbrel = require("whimbrel")
whimbrel.base, whimbrel.script = runner.base, runner.script
system = whimbrel.system

-- Milliseconds since the start, those in which the run was suspended left out.
function system.getTimer()
  return clock()
end

-- What is known of the machine and the script; "" for a key that isn't.
function system.getInfo(key)
  if type(key) ~= "string" then
    error("bad argument #1 to 'getInfo' (the name of a property expected, got " .. type(key) .. ")", 2)
  end
  return facts[key] or ""
end

function system.newEventDispatcher()
  return new_dispatcher()
end
