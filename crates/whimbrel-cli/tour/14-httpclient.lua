local HTTPClient = require("httpclient")

-- One connection, and nothing happens to it between two calls of poll().
local client = HTTPClient.new()
local connecting = client:connect_to_host("https://api.example.com")
assert(connecting == HTTPClient.OK)

local received, text, events = 0, "", 0

local requests = {
  {
    path = "/stream-bytes/100000?chunk_size=40000",
    take = function(bytes)
      received = received + #bytes
      print(("  %6d bytes, %d so far"):format(#bytes, received))
    end,
  },
  {
    path = "/sse?count=3&interval=0.1",
    take = function(bytes)
      text = text .. bytes
      local event, rest = text:match("^(.-)\n\n(.*)$")
      while event do
        events = events + 1
        print("  event " .. event:match("id: (%d+)"))
        text = rest
        event, rest = text:match("^(.-)\n\n(.*)$")
      end
    end,
  },
}

local seen, take

--- What a frame does for the connection. Gives true when nothing is left.
local function step()
  assert(client:poll() == HTTPClient.OK, client.error_message)
  local status = client:get_status()
  if status ~= seen then
    seen = status
    print(HTTPClient.Status[status])
  end
  if status == HTTPClient.STATUS_CONNECTED then
    local request = table.remove(requests, 1)
    if not request then return true end
    take = request.take
    client:request(HTTPClient.METHOD_GET, request.path, {})
  elseif status == HTTPClient.STATUS_BODY then
    local bytes = client:read_response_body_chunk()
    if #bytes > 0 then take(bytes) end
  end
end

local frames = 0
local function frame()
  frames = frames + 1
  local went_well, is_done = pcall(step)
  if went_well and not is_done then return end
  Runtime:removeEventListener("enterFrame", frame)
  assert(went_well, is_done)
  assert(received == 100000 and events == 3 and frames > 10)
  print("more than 10 frames have gone by")
end
Runtime:addEventListener("enterFrame", frame)
