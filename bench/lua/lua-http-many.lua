-- lua-http with many requests in flight, one kept connection and one coroutine each: SCRIPT flight-K URL N.
local cqueues = require("cqueues")
local client = require("http.client")
local headers = require("http.headers")
local process = require("process")

local width = tonumber(arg[1]:match("^flight%-(%d+)$"))
local url, count = arg[2], tonumber(arg[3])
local host, port, path = url:match("^http://([^:/]+):(%d+)(/.*)$")
local loop = cqueues.new()

local function get(connection)
  local head = headers.new()
  head:append(":method", "GET")
  head:append(":scheme", "http")
  head:append(":authority", host .. ":" .. port)
  head:append(":path", path)
  local stream = connection:new_stream()
  assert(stream:write_headers(head, true))
  assert(stream:get_headers():get(":status") == "200")
  assert(stream:get_body_as_string())
end

local connections = {}
for index = 1, width do
  loop:wrap(function()
    connections[index] = assert(client.connect({ host = host, port = tonumber(port), tls = false }))
    get(connections[index])
  end)
end
assert(loop:loop())

local stretch = process.begin()
local started = 0
for index = 1, width do
  loop:wrap(function()
    while started < count do
      started = started + 1
      get(connections[index])
    end
  end)
end
assert(loop:loop())
stretch()
