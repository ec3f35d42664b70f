-- The example's downloader and event source in the frames of a game, with no window around them.
local check = require("check")
local served = require("served")
local address = require("address")
local Downloader = require("downloader")
local EventSource = require("eventsource")
local equal = check.equal

-- So many frames go by while the download stands at its half.
local FRAMES = 60
local HALF, REST = 100000, 4 * 1024 * 1024

local gate, stream_gate = served.name(), served.name()
local frames, failure = 0, nil
local download, redirected, truncated, source
local events, seen_at, stood_at, longest, last = {}, {}, nil, 0, nil

local function guarded(part)
  return function(...)
    local good, why = xpcall(part, debug.traceback, ...)
    if not good then
      failure = failure or why
      love.event.quit()
    end
  end
end

local function save(name)
  return love.filesystem.getSaveDirectory() .. "/" .. name
end

--- Opens a gate without waiting: the frames must go on.
local helpers = {}
local function open(name)
  helpers[#helpers + 1] = Downloader.new(served.url(served.open(name), served.reply("204 No Content")), save("none.bin"))
end

love.load = guarded(function()
  love.filesystem.createDirectory("")
  local head = "HTTP/1.1 200 OK\r\nContent-Length: " .. HALF + REST .. "\r\n\r\n"
  local large = served.url(head, served.step("n" .. HALF), served.wait(gate), served.step("n" .. REST))
  download = Downloader.new(large, save("large.bin"))
  local small = served.whole("200 OK", "", "found")
  redirected = Downloader.new(served.whole("302 Found", "Location: " .. small .. "\r\n"), save("small.bin"))
  truncated = Downloader.new(check.env("RAW_TRUNCATED_URL"), save("truncated.bin"))
  source = EventSource.new(served.url(
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\ndata: one\n\ndata: tw",
    served.wait(stream_gate), "o\n\nretry: 60000\n\n", served.close), {
    on_event = function(event)
      events[#events + 1] = event.data
      seen_at[#events] = frames
    end,
  })
end)

love.update = guarded(function()
  frames = frames + 1
  local now = love.timer.getTime()
  if last then longest = math.max(longest, now - last) end
  last = now
  for _, each in ipairs({ download, redirected, truncated, source }) do each:poll() end
  for _, each in ipairs(helpers) do each:poll() end
  if download.received == HALF and not stood_at then
    stood_at = frames
    equal(download.state, "receiving")
    assert(math.abs(download:fraction() - HALF / (HALF + REST)) < 1e-9)
  end
  if stood_at and frames == stood_at + FRAMES then
    equal(download.received, HALF)
    open(gate)
    open(stream_gate)
  end
  local all = download:is_over() and redirected:is_over() and truncated:is_over() and #events == 2
  if all or frames > 20000 then love.event.quit() end
end)

function love.quit()
  check.test("nothing failed", function() equal(failure, nil) end)
  check.test("a download stood still for many frames and ended in a later one, in its file", function()
    equal(download.error, nil)
    equal(download.state, "done")
    equal(download:fraction(), 1)
    equal(love.filesystem.getInfo("large.bin").size, HALF + REST)
    assert(frames >= stood_at + FRAMES)
  end)
  check.test("a redirect was followed", function()
    equal(redirected.state, "done", redirected.error)
    equal(love.filesystem.read("small.bin"), "found")
  end)
  check.test("a body that was cut short failed and left no file", function()
    equal(truncated.state, "failed")
    assert(truncated.error and truncated.error ~= "")
    equal(love.filesystem.getInfo("truncated.bin"), nil)
  end)
  check.test("events came in the frames of their bytes", function()
    equal(table.concat(events, " "), "one two")
    assert(seen_at[2] > seen_at[1] + FRAMES / 2, "the second came too early: " .. seen_at[1] .. ", " .. seen_at[2])
  end)
  check.test("addresses are taken apart as they should", function()
    local place = address.parse("HTTPS://[::1]:8443?a=b#c")
    equal(place.secure, true)
    equal(place.host, "[::1]")
    equal(place.port, 8443)
    equal(place.target, "/?a=b")
    equal(address.parse("http://user@host/"), nil)
    equal(address.resolve(place, "/x"), "https://[::1]:8443/x")
    equal(address.resolve(place, "x"), nil)
  end)
  print(("frames %d longest %.2f ms"):format(frames, longest * 1000))
  for _, name in ipairs({ "large.bin", "small.bin", "none.bin" }) do love.filesystem.remove(name) end
  check.done()
end
