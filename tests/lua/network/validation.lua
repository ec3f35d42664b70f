-- The three tiers of validation: what raises, with the position of the call; what prints a line and returns nothing; and
-- what comes as an event. Their texts are part of the interface.
local check = require("check")
local events = require("events")
local network = require("network")
local equal = check.equal

local URL = check.url("/get")
local function ignore() end

--- Runs one line of Lua; it must raise exactly this text, at its own line.
local function raises(line, text)
  local chunk = assert(loadstring or load)("\n\n" .. line .. "\n", "=here")
  local good, why = pcall(chunk)
  if good then error("expected an error from: " .. line, 2) end
  equal(why, "here:3: " .. text, line)
end

_G.network, _G.URL, _G.ignore, _G.system = network, URL, ignore, rawget(_G, "system") or events.system

check.test("a url that is no string raises, with the words of request everywhere", function()
  local text = "network.request: 'url' parameter must be a string (got %s)"
  raises("network.request()", text:format("nil"))
  raises("network.request(nil, 'GET', ignore)", text:format("nil"))
  raises("network.request(5, 'GET', ignore)", text:format("number"))
  raises("network.download({}, 'GET', ignore, 'f')", text:format("table"))
  raises("network.upload(true, 'POST', ignore, 'f')", text:format("boolean"))
end)

check.test("a method that is no string raises", function()
  raises("network.request(URL, 5, ignore)", "network.request: 'method' parameter must be a string (got number)")
  raises("network.request(URL, ignore)", "network.request: 'method' parameter must be a string (got function)")
  raises("network.download(URL, {}, ignore, 'f')", "network.download: 'method' parameter must be a string (got table)")
  raises("network.upload(URL, 1, ignore, 'f')", "network.upload: 'method' parameter must be a string (got number)")
end)

check.test("a listener that is neither function nor table raises", function()
  raises("network.request(URL, 'GET', 'x')", "network.request: 'listener' parameter must be a function (got string)")
  raises("network.download(URL, 'GET', 7, 'f')", "network.download: 'listener' parameter must be a function (got number)")
  raises("network.upload(URL, 'PUT', true, 'f')", "network.upload: 'listener' parameter must be a function (got boolean)")
end)

check.test("params that are no table raise", function()
  raises("network.download(URL, 'GET', ignore, 5, 'f')", "network.download: 'params' parameter must be a table (got number)")
  raises("network.upload(URL, 'PUT', ignore, true, 'f')", "network.upload: 'params' parameter must be a table (got boolean)")
  raises("network.request(URL, 'GET', ignore, 'x')", "network.request: 'params' parameter must be a table (got string)")
end)

check.test("a filename that is no string raises", function()
  raises("network.download(URL, 'GET', ignore, {}, {})", "network.download: 'filename' parameter must be a string (got table)")
  raises("network.download(URL, 'GET', ignore, {})", "network.download: 'filename' parameter must be a string (got nil)")
  raises("network.upload(URL, 'POST', ignore, {}, 5)", "network.upload: 'filename' parameter must be a string (got number)")
end)

check.test("a baseDirectory that is no constant raises", function()
  raises("network.download(URL, 'GET', ignore, {}, 'f', 'there')",
    "network.download: 'baseDirectory' parameter must be a system directory constant (got string)")
  raises("network.upload(URL, 'POST', ignore, {}, 'f', 5)",
    "network.upload: 'baseDirectory' parameter must be a system directory constant (got number)")
end)

check.test("a contentType that is no string raises", function()
  raises("network.upload(URL, 'POST', ignore, {}, 'f', system.DocumentsDirectory, 5)",
    "network.upload: 'contentType' parameter must be a string (got number)")
end)

-- One process makes every call of the second tier, each behind a line that says which it is.
local PRINTED = {
  { "network.request(URL, 'GET', never, { headers = 5 })",
    "'headers' value of params table, if provided, should be a table (got number)" },
  { "network.request(URL, 'POST', never, { headers = { ['Content-Type'] = 'text/plain; charset=klingon' }, body = 'x' })",
    "'header' value for Content-Type header contained an unsupported character encoding: klingon" },
  { "network.request(URL, 'POST', never, { body = 'x', bodyType = 'hex' })",
    "'bodyType' value of params table was invalid, must be either \"text\" or \"binary\", but was: \"hex\"" },
  { "network.request(URL, 'POST', never, { body = 'x', bodyType = 5 })",
    "'bodyType' value", "should be a string value (got number)" },
  { "network.request(URL, 'POST', never, { body = 5 })",
    "Either body string or table specifying body file is required if 'body' is specified" },
  { "network.request(URL, 'POST', never, { body = {} })",
    "body 'filename' value is required and must be a string value" },
  { "network.request(URL, 'POST', never, { body = { filename = 5 } })",
    "body 'filename' value is required and must be a string value" },
  { "network.request(URL, 'PUT', never, { body = { filename = 'f' } })",
    "Request Content-Type header is required when request 'body' is specified" },
  { "network.request(URL, 'GET', never, { progress = 'sideways' })",
    "'progress' value of params table was invalid, if provided, must be either \"upload\" or \"download\", but was: \"sideways\"" },
  { "network.request(URL, 'GET', never, { progress = true })",
    "'progress' value", "should be a string value (got boolean)" },
  { "network.request(URL, 'GET', never, { response = 'f' })",
    "'response' value of params table, if provided, should be a table specifying response location values (got string)" },
  { "network.request(URL, 'GET', never, { response = {} })",
    "response 'filename' value is required and must be a string value (got nil)" },
  { "network.request(URL, 'GET', never, { response = { filename = 5 } })",
    "response 'filename' value is required and must be a string value (got number)" },
  { "network.request(URL, 'GET', never, { timeout = '5' })",
    "'timeout' value of params table, if provided, should be a numeric value (got string)" },
  { "network.request(URL, 'GET', never, { timeout = {} })",
    "'timeout' value of params table, if provided, should be a numeric value (got table)" },
  { "network.request(URL, 'GET', never, { handleRedirects = 'no' })",
    "'handleRedirects' value of params table, if provided, should be a boolean value (got string)" },
  { "network.request_native(URL, 'GET', never, 'x')",
    "Fourth argument to network.request(), if provided, should be a params table (got string)" },
  { "network.cancel()", "network.cancel() expects a requestId returned from a call to network.request()" },
  { "network.cancel('x')", "network.cancel() expects a requestId returned from a call to network.request()" },
  { "network.cancel(io.stdout)", "network.cancel() expects a requestId returned from a call to network.request()" },
  { "network.setStatusListener(5, never)",
    "First argument to network.setStatusListener() should be a host name string" },
  { "network.setStatusListener('example.com', 5)", "Second argument", "must be a listener or nil" },
}

check.test("what is wrong with params is printed, returns nothing, and its listener never fires", function()
  local lines = {
    "local network, URL = require('network'), '" .. URL .. "'",
    "local fired = 0",
    "local function never() fired = fired + 1 end",
    "local function call(number, ...)",
    "  io.stderr:write('returned ', number, ' ', select('#', ...), '\\n')",
    "end",
  }
  for number, row in ipairs(PRINTED) do
    lines[#lines + 1] = ("call(%d, %s)"):format(number, row[1])
  end
  lines[#lines + 1] = "network.wait(nil, 10)"
  lines[#lines + 1] = "io.stderr:write('fired ', fired, '\\n')"
  local output, code = events.child(table.concat(lines, "\n"))
  equal(code, 0, output)
  local printed, number, told = {}, 1, {}
  for line in output:gmatch("[^\n]+") do
    local returned, values = line:match("^returned (%d+) (%d+)$")
    if returned then
      equal(tonumber(returned), number)
      equal(values, "0", "values returned by: " .. PRINTED[number][1])
      told[number], printed, number = printed, {}, number + 1
    elseif line:find("^fired ") then
      equal(line, "fired 0")
      number = nil
      break
    else
      printed[#printed + 1] = line
    end
  end
  equal(number, nil, "the child did not come to its end: " .. output)
  for index, row in ipairs(PRINTED) do
    equal(#told[index], 1, "lines printed by: " .. row[1])
    if row[3] then
      check.begins(told[index][1], "ERROR: network: invalid parameter: " .. row[2])
      check.holds(told[index][1], row[3])
    else
      equal(told[index][1], "ERROR: network: invalid parameter: " .. row[2], row[1])
    end
  end
end)

check.test("words are taken in any case", function()
  local url = check.url("/post")
  equal(events.came(url, "post", { body = "x", bodyType = "TEXT", progress = "None" }).status, 200)
  equal(events.came(url, "POST", { body = "x", bodyType = "Binary" }).status, 200)
  equal(#(events.of(check.url("/get"), "get", { progress = "Download" })), 3)
end)

check.test("what is no URL comes as an event, and so does a scheme that nobody speaks", function()
  for _, url in ipairs({ "", "http://", "http://a b/", "ftp://127.0.0.1/", "http://127.0.0.1:99999/" }) do
    check.begins(events.failed(url, "GET"), "Invalid URL")
  end
end)

check.test("a method that nobody knows is sent, and told once", function()
  local output, code = events.child([[
    local network = require("network")
    local url = os.getenv("ORIGIN_URL") .. "/anything"
    local function tell(event) print(event.status, event.response:match('"method": "(%u+)"')) end
    for _, method in ipairs({ "OPTIONS", "FROB", "options", "FROB", "PATCH" }) do
      network.request(url, method, tell)
      network.wait(nil, 10)
    end
  ]])
  equal(code, 0, output)
  local warnings = {}
  for line in output:gmatch("[^\n]+") do
    if line:find("WARNING", 1, true) then warnings[#warnings + 1] = line end
  end
  equal(table.concat(warnings, "\n"),
    'WARNING: nonstandard network.request method "OPTIONS" may require custom HTTP headers\n'
    .. 'WARNING: nonstandard network.request method "FROB" may require custom HTTP headers')
  local _, seen = output:gsub("200\tFROB", "")
  equal(seen, 2)
  _, seen = output:gsub("200\tOPTIONS", "")
  equal(seen, 2)
  check.holds(output, "200\tPATCH")
end)

check.test("a download into the resources is told, and goes to the documents", function()
  local output, code = events.child([[
    local network = require("network")
    local system = rawget(_G, "system") or require("whimbrel").system
    local function tell(event)
      print(event.response.filename, event.response.baseDirectory == system.DocumentsDirectory)
      os.remove(event.response.fullPath)
    end
    network.download(os.getenv("ORIGIN_URL") .. "/bytes/3", "GET", tell, "there.bin", system.ResourceDirectory)
    network.wait(nil, 10)
  ]])
  equal(code, 0, output)
  check.holds(output, "WARNING: network.download() cannot save to system.ResourceDirectory, "
    .. "using system.DocumentsDirectory instead\n")
  check.holds(output, "there.bin\ttrue\n")
end)

check.test("the state of the network is not watched, and says so", function()
  assert(not network.canDetectNetworkStatusChanges)
  local output = events.child([[
    local network = require("network")
    print(select("#", network.setStatusListener("example.com", function() end)))
    print(select("#", network.setStatusListener("example.com", nil)))
  ]])
  check.holds(output, "WARNING: network.setStatusListener() is not supported on this platform")
  local status = network.getConnectionStatus()
  equal(status.isConnected, true)
  equal(status.isMobile, false)
end)

check.done()
