-- Fetches the levels one after the other: each end begins the next.
local levels = {}
for i = 1, 3 do
    levels[i] = { url = "http://api.example.com/bytes/" .. i * 1000, file = "level" .. i .. ".bin" }
end

local loader = { index = 0, total = 0 }

function loader:next()
    self.index = self.index + 1
    local level = levels[self.index]
    if level then
        network.download(level.url, "GET", self, level.file, system.DocumentsDirectory)
    else
        print("all there", self.total)
    end
end

function loader:networkRequest(event)
    if event.isError then
        print("could not load", event.url, event.response)
        return
    end
    if event.phase == "ended" then
        self.total = self.total + event.bytesTransferred
        print(self.index, event.response.filename, event.bytesTransferred)
        self:next()
    end
end

loader:next()
