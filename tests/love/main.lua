-- A game that downloads while its frames go on: one line hooks the library to LÖVE's loop.
local network = require("whimbrel.love")

local check = require("check")
local served = require("served")
local equal = check.equal

local HALF, REST = 100000, 8 * 1024 * 1024
local LARGE = 64 * 1024 * 1024
-- So many frames go by while the first download stands at its half.
local FRAMES = 60

local gate = served.name()
local frames, steps = 0, {}
local first, second = { phases = {} }, { phases = {} }
local failure

--- Runs a part of the game; an error in it ends the game.
local function guarded(part)
  return function(...)
    local good, why = xpcall(part, debug.traceback, ...)
    if not good then failure = failure or why end
  end
end

local function follow(record)
  return guarded(function(event)
    record.phases[#record.phases + 1] = event.phase
    record.frames = record.frames or {}
    record.frames[event.phase] = record.frames[event.phase] or frames
    if event.phase == "ended" then record.ended = event end
  end)
end

local function progress_frames()
  return first.frames and first.frames.progress and frames - first.frames.progress or 0
end

love.load = guarded(function()
  local head = "HTTP/1.1 200 OK\r\nContent-Length: " .. HALF + REST .. "\r\n\r\n"
  local url = served.url(head, served.step("n" .. HALF), served.wait(gate), served.step("n" .. REST))
  network.download(url, "GET", follow(first), { progress = true }, "first.bin")
end)

local released, last
love.update = guarded(function(seconds)
  frames = frames + 1
  if last then steps[#steps + 1] = love.timer.getTime() - last end
  last = love.timer.getTime()
  equal(type(seconds), "number")
  if not released and progress_frames() >= FRAMES then
    released = true
    network.request(served.url(served.open(gate), served.reply("204 No Content")), "GET")
  end
  if first.ended and not second.begun then
    second.begun = true
    network.request(check.url("/bytes/" .. LARGE), "GET", follow(second), {
      progress = "download", response = { filename = "second.bin" },
    })
  end
  if second.ended or failure then love.event.quit() end
end)

local function of(list, share)
  table.sort(list)
  return list[math.max(1, math.ceil(#list * share))] * 1000
end

function love.quit()
  local save = love.filesystem.getSaveDirectory()
  check.test("nothing failed", function() equal(failure, nil) end)
  check.test("a download moved, stood still for many frames, and ended in a later one", function()
    equal(first.phases[1], "began")
    equal(first.phases[2], "progress")
    equal(first.phases[#first.phases], "ended")
    assert(first.frames.ended - first.frames.progress >= FRAMES)
    equal(first.ended.bytesTransferred, HALF + REST)
  end)
  check.test("the save directory is Documents", function()
    equal(first.ended.response.fullPath, save .. "/first.bin")
    equal(love.filesystem.getInfo("first.bin").size, HALF + REST)
    equal(love.filesystem.read("first.bin", 3), "nnn")
    equal(first.ended.response.baseDirectory, require("whimbrel").system.DocumentsDirectory)
  end)
  check.test("frames go on during a large download", function()
    equal(second.phases[1], "began")
    equal(second.ended.isError, false, tostring(second.ended.response))
    equal(love.filesystem.getInfo("second.bin").size, LARGE)
    assert(second.frames.ended > second.frames.began, "no frame came between beginning and end")
  end)
  print(("frames %d p50 %.2f ms p99 %.2f ms max %.2f ms; %d of them during a download of %d MiB"):format(
    #steps, of(steps, 0.5), of(steps, 0.99), of(steps, 1), second.frames.ended - second.frames.began, LARGE / 1048576))
  love.filesystem.remove("first.bin")
  love.filesystem.remove("second.bin")
  check.done()
end
