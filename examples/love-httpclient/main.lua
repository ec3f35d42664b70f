-- A downloader with a progress bar, and an event stream beside it, stepped by the frames of a LÖVE game.
--
--   love examples/love-httpclient URL [URL of an event stream]
--
-- Keys: d downloads again, c cancels, e opens the event stream again, escape ends.
local Downloader = require("downloader")
local EventSource = require("eventsource")

-- The seconds of a frame that the network may take.
local BUDGET = 0.004
local SHOWN = 14

local urls = { file = "http://127.0.0.1:8080/bytes/100000000", events = nil }
local download, source
local events, speed, notice = {}, { since = 0, bytes = 0, rate = 0 }, nil

local function show(line)
  table.insert(events, 1, line)
  events[SHOWN + 1] = nil
end

local function begin_download()
  if download then download:cancel() end
  local name = urls.file:match("([%w%-_.]+)[^/]*$") or "download"
  local path = love.filesystem.getSaveDirectory() .. "/" .. name
  download = Downloader.new(urls.file, path)
  speed = { since = love.timer.getTime(), bytes = 0, rate = 0 }
end

local function begin_events()
  if source then source:close() end
  if not urls.events then return end
  source = EventSource.new(urls.events, {
    on_open = function() show("(open)") end,
    on_event = function(event) show(event.type .. ": " .. event.data) end,
    on_error = function(why, again) show("(" .. why .. (again and "; it will come back)" or ")")) end,
  })
end

function love.load(arguments)
  urls.file, urls.events = arguments[1] or urls.file, arguments[2]
  -- LÖVE makes the folder with its own first write.
  love.filesystem.createDirectory("")
  begin_download()
  begin_events()
end

local function measure()
  local now = love.timer.getTime()
  local passed = now - speed.since
  if passed >= 0.5 then
    speed = { since = now, bytes = download.received, rate = (download.received - speed.bytes) / passed }
  end
end

function love.update()
  local finish = love.timer.getTime() + BUDGET
  if source then source:poll() end
  repeat
    local moved = download:poll()
  until not moved or love.timer.getTime() >= finish
  measure()
  notice = download.state == "failed" and download.error or nil
end

function love.keypressed(key)
  if key == "escape" then love.event.quit() end
  if key == "d" then begin_download() end
  if key == "c" then download:cancel() end
  if key == "e" then begin_events() end
end

local function megabytes(bytes)
  return ("%.1f MB"):format(bytes / 1e6)
end

function love.draw()
  local graphics = love.graphics
  local width = graphics.getWidth() - 80
  graphics.setColor(1, 1, 1)
  graphics.print(urls.file, 40, 30)
  graphics.setColor(0.25, 0.25, 0.3)
  graphics.rectangle("fill", 40, 56, width, 24)
  local fraction = download:fraction()
  graphics.setColor(notice and 0.8 or 0.2, notice and 0.25 or 0.65, 0.35)
  if fraction then
    graphics.rectangle("fill", 40, 56, width * fraction, 24)
  elseif download.state == "receiving" then
    -- Of unknown size: a block that wanders.
    graphics.rectangle("fill", 40 + (width - 80) * (0.5 + 0.5 * math.sin(love.timer.getTime() * 2)), 56, 80, 24)
  end
  graphics.setColor(1, 1, 1)
  local total = download.total and " of " .. megabytes(download.total) or ""
  graphics.print(("%s   %s%s   %s/s   %d frames/s"):format(
    download.state, megabytes(download.received), total, megabytes(speed.rate), love.timer.getFPS()), 40, 90)
  if notice then graphics.print(notice, 40, 112) end
  graphics.print(urls.events and "events from " .. urls.events or "no event stream: give its URL as the second argument", 40, 150)
  for place, line in ipairs(events) do
    graphics.setColor(1, 1, 1, 1 - place / (SHOWN + 4))
    graphics.print(line, 56, 156 + place * 20)
  end
end
