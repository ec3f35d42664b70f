local network = require("network")
local count, ended = 8, 0
local started = system.getTimer()

-- Each answer takes 0.3 seconds. All of them together take hardly more.
for index = 1, count do
  network.request("https://api.example.com/delay/0.3", "GET", function(event)
    assert(not event.isError and event.status == 200, event.response)
    ended = ended + 1
    local seconds = (system.getTimer() - started) / 1000
    print(("request %d answered after %.1f s"):format(index, seconds))
    if ended == count then
      print(("%d answers of 0.3 s each in %.1f s"):format(count, seconds))
      assert(seconds < 0.3 * count, "they should not wait for each other")
    end
  end)
end

-- The loop goes on meanwhile.
local frames = 0
local function frame()
  frames = frames + 1
  if ended == count then
    Runtime:removeEventListener("enterFrame", frame)
    assert(frames > 3, "frames should go on while requests wait")
    print("frames meanwhile: " .. (frames > 10 and "more than 10" or frames))
  end
end
Runtime:addEventListener("enterFrame", frame)
