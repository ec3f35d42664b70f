-- Hooks the library to a host that has a `Runtime`: frames deliver events; suspend, resume and exit are followed.
local ours = ...
local type, rawget, pcall, _G = type, rawget, pcall, _G
local network, dispatch = ours.network, ours.dispatch

-- The milliseconds of a frame that events may take.
local BUDGET = 4

local function on_frame()
  dispatch(BUDGET)
end

local function on_system(event)
  local kind = type(event) == "table" and event.type
  if kind == "applicationSuspend" then
    network.suspend()
  elseif kind == "applicationResume" then
    network.unsuspend()
  elseif kind == "applicationExit" then
    network.shutdown()
  end
end

local Runtime = rawget(_G, "Runtime")
if type(Runtime) == "table" then
  pcall(function()
    Runtime:addEventListener("enterFrame", on_frame)
    Runtime:addEventListener("system", on_system)
  end)
end
