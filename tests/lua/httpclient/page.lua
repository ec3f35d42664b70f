-- The first example of docs/httpclient.md, as it stands there, against an origin of ours.
local check = require("check")
local polled = require("polled")
local network = require("whimbrel").network
local test, equal = check.test, check.equal

local source = debug.getinfo(1, "S").source:match("^@(.*)tests/lua/httpclient/page%.lua$")
local page = assert(check.read(source .. "docs/httpclient.md"), "the page is not there")
local example = assert(page:match("```lua\n(.-)```"), "the page has no example")

--- Runs the example in its frames until it has its text.
local function run(host, port, path)
  local code, count = example:gsub('"api.example.com", 443, HTTPClient.TLSOptions.client%(%)', ("%q, %d"):format(host, port))
  equal(count, 1)
  code, count = code:gsub('"/users"', ("%q"):format(path))
  equal(count, 1)
  code = "local love = ...\n" .. code .. "\nreturn function() return text end"
  local love = {}
  local text = assert((loadstring or load)(code))(love)
  local deadline = os.time() + 60
  while not text() and os.time() < deadline do
    love.update()
    network.idle(0.0003)
  end
  love.update()
  return text()
end

local _, host, port = polled.parts(check.url("/"))

test("the example gets a body, of any kind", function()
  equal(#run(host, port, "/bytes/200000"), 200000)
  equal(check.json.decode(run(host, port, "/get")).headers.Accept, "application/json")
  equal(run(host, port, "/status/204"), "")
  equal(#run(host, port, "/stream-bytes/100000"), 100000)
end)

test("the example tells why it failed", function()
  local _, refused, closed = polled.parts(check.env("REFUSED_URL"))
  check.begins(run(refused, closed, "/"), "STATUS_CANT_CONNECT: ")
  local _, there, at, path = polled.parts(check.env("RAW_TRUNCATED_URL"))
  check.begins(run(there, at, path), "STATUS_CONNECTION_ERROR: ")
end)

check.done()
