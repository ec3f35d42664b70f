-- `require("whimbrel.love")`: delivers the events of `network` in each frame of a LÖVE game, and makes the save directory
-- its Documents.
local network, system = ...
local love = love
local type, error = type, error

if type(love) ~= "table" or not love.filesystem then
  error("whimbrel.love is for LÖVE: there is no love.filesystem here", 2)
end

-- The milliseconds of a frame that events may take.
local BUDGET = 4

-- LÖVE makes and mounts the folder with its own first write; before that a game would not see what was downloaded.
love.filesystem.createDirectory("")
local folder = love.filesystem.getSaveDirectory()
system.setBase(folder, love.filesystem.getSource(), folder)

-- LÖVE 11 asks `love.run` for the function of a frame; before, `love.run` was the whole game.
local frames_by_function = not love.getVersion or love.getVersion() >= 11
local run = love.run

local function with_update(update)
  return function(...)
    network.dispatch(BUDGET)
    if update then return update(...) end
  end
end

love.run = function(...)
  if not frames_by_function then
    love.update = with_update(love.update)
    return run(...)
  end
  local frame = run(...)
  if type(frame) ~= "function" then return frame end
  return function(...)
    network.dispatch(BUDGET)
    return frame(...)
  end
end

return network
