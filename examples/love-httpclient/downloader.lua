-- A download over the polled client: `poll` once a frame, or as often as the frame has time. The body goes to its file as it
-- comes; redirects are followed here, since the client follows none.
--
--   local download = Downloader.new("https://example.com/big.zip", "/where/big.zip")
--   function love.update() download:poll() end
--   -- download.state, download.received, download.total, download.error
local HTTPClient = require("httpclient")
local address = require("address")

local Downloader = {}
Downloader.__index = Downloader

local REDIRECTS = 5
local IS_REDIRECT = { [301] = true, [302] = true, [303] = true, [307] = true, [308] = true }

local function fail(self, why)
  self.state, self.error = "failed", why
  self.client:close()
end

local function connect(self, url)
  local place, why = address.parse(url)
  if not place then return fail(self, why) end
  self.place, self.state, self.asked = place, "connecting", false
  local tls = self.options.tls or HTTPClient.TLSOptions.client()
  local err
  err, why = self.client:connect_to_host(place.host, place.port, place.secure and tls or nil)
  if err ~= HTTPClient.OK then fail(self, why) end
end

--- A download of this URL to that path. Options: `tls`, TLSOptions; `headers`, by name.
function Downloader.new(url, path, options)
  local self = setmetatable({
    client = HTTPClient.new(), options = options or {}, path = path, received = 0, total = nil, redirects = 0,
  }, Downloader)
  self.client.download_file = path
  connect(self, url)
  return self
end

--- Gives it up; what came so far is not kept.
function Downloader:cancel()
  if self:is_over() then return end
  fail(self, "cancelled")
end

function Downloader:is_over()
  return self.state == "done" or self.state == "failed"
end

--- From 0 to 1, or nil while the size is not known.
function Downloader:fraction()
  if self.state == "done" then return 1 end
  return self.total and self.total > 0 and self.received / self.total or nil
end

local function ask(self)
  local err, why = self.client:request(HTTPClient.METHOD_GET, self.place.target, self.options.headers)
  if err ~= HTTPClient.OK then return fail(self, why) end
  self.asked, self.state = true, "waiting"
end

--- The head has come: where the body goes, or where to go on.
local function answer(self)
  local client = self.client
  local code = client:get_response_code()
  if IS_REDIRECT[code] then
    local location = client:get_response_headers_as_dictionary()["location"]
    local url = location and address.resolve(self.place, location)
    self.redirects = self.redirects + 1
    if not url then return fail(self, "redirected to nowhere (" .. code .. ")") end
    if self.redirects > REDIRECTS then return fail(self, "redirected more than " .. REDIRECTS .. " times") end
    if self.place.secure and not url:lower():find("^https:") then return fail(self, "redirected from https to http") end
    return connect(self, url)
  end
  if code < 200 or code > 299 then return fail(self, "the server said " .. code) end
  local length = client:get_response_body_length()
  self.total, self.state = length >= 0 and length or nil, "receiving"
end

--- One round; true if something has moved, so that another may be worth while.
function Downloader:poll()
  if self:is_over() then return false end
  local client, before = self.client, self.received
  local was = self.state
  local err, why = client:poll()
  local status = client:get_status()
  if not self.asked then
    if status == HTTPClient.STATUS_CONNECTED then
      ask(self)
    elseif err ~= HTTPClient.OK then
      fail(self, why)
    end
    return self.state ~= was
  end
  if status == HTTPClient.STATUS_REQUESTING then return false end
  self.received = client:get_response_bytes_received()
  if err ~= HTTPClient.OK and status ~= HTTPClient.STATUS_DISCONNECTED then
    fail(self, why)
  elseif self.state == "waiting" and client:get_response_code() ~= 0 then
    answer(self)
  end
  -- The file is in its place once the client has left the body: connected, or disconnected where the end said so.
  local is_here = status == HTTPClient.STATUS_CONNECTED or status == HTTPClient.STATUS_DISCONNECTED
  if is_here and self.asked and not self:is_over() then self.state = "done" end
  return self.received > before or self.state ~= was
end

return Downloader
