-- A reader of event streams (Server-Sent Events, WHATWG HTML, section 9.2) over the polled client. Call `poll` once a frame:
-- an event is told in the same round in which its last byte came, wherever its chunks are cut.
--
--   local source = EventSource.new("https://example.com/events", { on_event = function(event) print(event.data) end })
--   function love.update() source:poll() end
--
-- It connects again when the stream ends or breaks, after `retry:`, and then says the last event's id. It stops for good after
-- 204, any other status than 200, a body of another type, and `close`.
local HTTPClient = require("httpclient")
local address = require("address")

local EventSource = {}
EventSource.__index = EventSource

-- Seconds until it connects again, where the server says nothing of it.
local RETRY = 3
-- The most bytes of one event that are kept: a server can't fill the memory with a line that never ends.
local LARGEST = 1024 * 1024
-- The most reads in one round, so that a server that never pauses can't hold up a frame.
local READS = 64

--- Options: `on_event(event)` with `event.type`, `event.data` and `event.id`; `on_open()`; `on_error(sentence, again)`, where
--- `again` tells whether it will connect again; `headers`, by name; `tls`, TLSOptions; `clock()`, in seconds;
--- `connect(client)`, in place of connecting to the URL's host.
function EventSource.new(url, options)
  options = options or {}
  local place, why = address.parse(url)
  if not place then error(why, 2) end
  local self = setmetatable({
    state = "connecting", client = HTTPClient.new(), place = place, options = options, retry = RETRY, last_id = "",
    clock = options.clock or (love and love.timer and love.timer.getTime) or os.time,
  }, EventSource)
  self.again_at = self.clock()
  return self
end

--- Ends it for good.
function EventSource:close()
  self.state = "closed"
  self.client:close()
end

-- The text --------------------------------------------------------------------------------------------------------------

local function begin_text(self)
  self.rest, self.kept, self.skip_lf, self.first = {}, 0, false, true
  self.data, self.type, self.id = {}, "", self.last_id
end

local function tell(self)
  self.last_id = self.id
  local data, kind = self.data, self.type
  self.data, self.type, self.kept = {}, "", 0
  if #data == 0 or not self.options.on_event then return end
  self.options.on_event({ type = kind ~= "" and kind or "message", data = table.concat(data, "\n"), id = self.last_id })
end

local function take_line(self, line)
  if self.first then
    self.first = false
    if line:sub(1, 3) == "\239\187\191" then line = line:sub(4) end
  end
  if line == "" then return tell(self) end
  local field, value = line:match("^([^:]*): ?(.*)$")
  if not field then field, value = line, "" end
  if field == "data" then
    self.data[#self.data + 1] = value
  elseif field == "event" then
    self.type = value
  elseif field == "id" then
    if not value:find("\0", 1, true) then self.id = value end
  elseif field == "retry" and value:find("^%d+$") then
    self.retry = tonumber(value) / 1000
  end
end

--- Takes the next bytes; false if an event is too large.
local function take(self, bytes)
  self.kept = self.kept + #bytes
  local at = 1
  if self.skip_lf then
    self.skip_lf = false
    if bytes:byte(1) == 10 then at = 2 end
  end
  while true do
    local stop = bytes:find("[\r\n]", at)
    if not stop then break end
    self.rest[#self.rest + 1] = bytes:sub(at, stop - 1)
    local line = table.concat(self.rest)
    self.rest, at = {}, stop + 1
    if bytes:byte(stop) == 13 then
      -- Its line feed may come in the next chunk; the line has ended nevertheless.
      if at > #bytes then self.skip_lf = true elseif bytes:byte(at) == 10 then at = at + 1 end
    end
    take_line(self, line)
    if self.state == "closed" then return true end
    if #self.data == 0 then self.kept = #bytes - at + 1 end
  end
  if at <= #bytes then self.rest[#self.rest + 1] = bytes:sub(at) end
  return self.kept <= LARGEST
end

-- The connection --------------------------------------------------------------------------------------------------------

local function fail(self, why)
  self:close()
  if self.options.on_error then self.options.on_error(why, false) end
end

local function try_again(self, why)
  self.client:close()
  self.state, self.again_at = "connecting", self.clock() + self.retry
  if self.options.on_error then self.options.on_error(why, true) end
end

local function connect(self)
  self.again_at, self.asked, self.opened = nil, false, false
  begin_text(self)
  local err, why
  if self.options.connect then
    err, why = self.options.connect(self.client)
  else
    local tls = self.options.tls or (self.place.secure and HTTPClient.TLSOptions.client() or nil)
    err, why = self.client:connect_to_host(self.place.host, self.place.port, tls)
  end
  if err and err ~= HTTPClient.OK then fail(self, why) end
end

local function ask(self)
  local headers = { ["Accept"] = "text/event-stream", ["Cache-Control"] = "no-store" }
  for name, value in pairs(self.options.headers or {}) do headers[name] = value end
  if self.last_id ~= "" then headers["Last-Event-ID"] = self.last_id end
  local err, why = self.client:request(HTTPClient.METHOD_GET, self.place.target, headers)
  if err ~= HTTPClient.OK then return fail(self, why) end
  self.asked = true
end

--- The head has come: whether it is an event stream.
local function open(self)
  local code = self.client:get_response_code()
  if code == HTTPClient.RESPONSE_NO_CONTENT then return fail(self, "the server wants no reconnecting (204)") end
  if code ~= HTTPClient.RESPONSE_OK then return fail(self, "the server said " .. code) end
  local kind = self.client:get_response_headers_as_dictionary()["content-type"] or ""
  if kind:lower():match("^%s*([^;%s]*)") ~= "text/event-stream" then
    return fail(self, "the body is no event stream but '" .. kind .. "'")
  end
  self.state, self.opened = "open", true
  if self.options.on_open then self.options.on_open() end
end

local function read(self)
  for _ = 1, READS do
    local bytes = self.client:read_response_body_chunk()
    if bytes == "" then return end
    if not take(self, bytes) then return fail(self, "an event is larger than " .. LARGEST .. " bytes") end
    if self.state ~= "open" then return end
  end
end

--- One round: to be called once a frame.
function EventSource:poll()
  if self.state == "closed" then return end
  if self.again_at then
    if self.clock() < self.again_at then return end
    connect(self)
    if self.state == "closed" then return end
  end
  local client = self.client
  local err, why = client:poll()
  local status = client:get_status()
  if status == HTTPClient.STATUS_CONNECTED and not self.asked then return ask(self) end
  local answered = self.asked and (status == HTTPClient.STATUS_BODY or status == HTTPClient.STATUS_CONNECTED)
  if answered and not self.opened then
    open(self)
    if self.state ~= "open" then return end
  end
  if status == HTTPClient.STATUS_BODY then
    read(self)
    if self.state ~= "open" then return end
    status, err, why = client:get_status(), nil, client.error_message
  end
  if status == HTTPClient.STATUS_RESOLVING or status == HTTPClient.STATUS_CONNECTING
    or status == HTTPClient.STATUS_REQUESTING or status == HTTPClient.STATUS_BODY then
    return
  end
  try_again(self, why or "the stream has ended")
end

return EventSource
