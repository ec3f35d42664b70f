-- Asks for the score again and again by a timer, and stops both when it has seen enough.
local seen = 0
local poll

local function onScore(event)
    if event.isError or event.status ~= 200 then return end
    if event.responseType ~= "text" then return end
    seen = seen + 1
    print("score", seen)
    if seen == 3 then
        timer.cancel(poll)
        poll = nil
        print("stopped")
    end
end

local pending

local function ask()
    if pending then return end
    pending = network.request("http://api.example.com/json", "GET", function(event)
        pending = nil
        onScore(event)
    end)
end

poll = timer.performWithDelay(5, ask, 0)

local function onSystemEvent(event)
    if event.type == "applicationSuspend" and poll then
        timer.pause(poll)
    elseif event.type == "applicationResume" and poll then
        timer.resume(poll)
    end
end
Runtime:addEventListener("system", onSystemEvent)
