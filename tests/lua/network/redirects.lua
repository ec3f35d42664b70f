-- Redirects: which are followed and how, and what the event tells of them.
local check = require("check")
local events = require("events")
local network = require("network")
local served = require("served")
local equal = check.equal

local function to(url, status)
  return check.url("/redirect-to?status_code=" .. (status or 302) .. "&url=" .. url:gsub("[^%w]", function(byte)
    return string.format("%%%02X", byte:byte())
  end))
end

check.test("redirects are followed, and url stays the script's", function()
  local url = check.url("/redirect/3")
  local event = events.came(url, "GET")
  equal(event.status, 200)
  equal(event.url, url)
  equal(event.redirectedUrl, check.url("/get"))
end)

check.test("handleRedirects = false delivers the redirect", function()
  local event = events.came(check.url("/redirect/1"), "GET", { handleRedirects = false })
  equal(event.status, 302)
  equal(event.responseHeaders.Location, "/get")
  equal(event.responseHeaders.location, "/get")
  equal(events.came(check.url("/redirect/1"), "GET", { handleRedirects = true }).status, 200)
end)

check.test("ten hops are followed, eleven end as an error", function()
  equal(events.came(check.url("/redirect/10"), "GET").status, 200)
  check.holds(events.failed(check.url("/redirect/11"), "GET"), ": ")
end)

check.test("a POST becomes a GET at 301, 302 and 303, and stays one at 307 and 308", function()
  for _, row in ipairs({ { 301, "GET" }, { 302, "GET" }, { 303, "GET" }, { 307, "POST" }, { 308, "POST" } }) do
    local echo = events.echo("POST", { body = "again" }, to(check.url("/anything"), row[1]))
    equal(echo.method, row[2], row[1])
    equal(echo.data, row[2] == "POST" and "again" or "", row[1])
  end
end)

check.test("a file is sent again where a redirect asks for it", function()
  check.write(events.documents() .. "/again.txt", "from a file")
  local echo = events.echo("PUT", {
    headers = { ["Content-Type"] = "text/plain" }, body = { filename = "again.txt" },
  }, to(check.url("/anything"), 307))
  equal(echo.method, "PUT")
  equal(echo.data, "from a file")
end)

check.test("credentials stay with their origin", function()
  local seen = events.echo("GET", { headers = { Authorization = "Bearer hush", Cookie = "a=hush" } },
    to(check.env("ORIGIN2_URL") .. "/anything")).headers
  equal(seen.Authorization, nil)
  equal(seen.Cookie, nil)
end)

check.test("https to http ends as an error that names it, unless it is allowed", function()
  require("whimbrel").defaults({ ca_file = check.env("CA_FILE") })
  local url = check.env("ORIGIN_TLS_URL") .. "/redirect-to?url=" .. check.url("/get"):gsub(":", "%%3A"):gsub("/", "%%2F")
  local text = events.failed(url, "GET")
  check.holds(text, "http")
  equal(events.came(url, "GET", { allowDowngrade = true }).status, 200)
  require("whimbrel").defaults({})
end)

check.test("the phases of a redirected download are those of the final answer", function()
  local list = events.of(to(check.url("/bytes/50")), "GET", { progress = "download" })
  equal(#list, 3)
  equal(list[1].phase, "began")
  equal(list[1].status, 200)
  equal(list[1].bytesEstimated, 50)
end)

check.test("a redirect to a file is written there, and a redirect that is not followed is not", function()
  local documents = events.documents()
  local params = { response = { filename = "redirected.bin" } }
  equal(events.came(to(check.url("/bytes/50")), "GET", params).response.filename, "redirected.bin")
  equal(#check.read(documents .. "/redirected.bin"), 50)
  params = { response = { filename = "unfollowed.bin" }, handleRedirects = false }
  local event = events.came(to(check.url("/bytes/50")), "GET", params)
  equal(event.status, 302)
  equal(type(event.response), "string")
  equal(check.read(documents .. "/unfollowed.bin"), nil)
end)

check.test("a loop ends as an error", function()
  local url = served.url(served.reply("302 Found", "Location: ?again\r\n"))
  check.holds(events.failed(url, "GET"), ": ")
end)

check.done()
