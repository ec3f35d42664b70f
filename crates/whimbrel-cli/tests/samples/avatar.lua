-- Shows a picture from the network; of one that is not there, the status is told.
local function onMissing(event)
    if event.phase == "ended" then
        print("missing", event.status, event.target)
    end
end

local function onAvatar(event)
    if event.isError then
        print("Network error - download failed: ", event.response)
    elseif event.phase == "ended" then
        local image = event.target
        print("avatar", image.filename, image.x, image.y)
        display.loadRemoteImage("http://api.example.com/status/404", "GET", onMissing, "nobody.png", 0, 0)
    end
end

display.loadRemoteImage("http://api.example.com/image/png", "GET", onAvatar, "avatar.png",
    system.TemporaryDirectory, 40, 60)
