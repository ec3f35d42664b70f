-- Every sample of the page on network.request, as its reader would run it: the files in `seed` are the page's text. The
-- hosts that they name are the test's own servers, two of them nginx.
local check = require("check")
local events = require("events")
local network = require("network")
local whimbrel = require("whimbrel")
local equal = check.equal

-- What the host of such a script brings.
whimbrel.install({ "network" })
system = events.system

local function place(url) return url:match("//([^/]+)") end

whimbrel.defaults({
  resolve = {
    ["encrypted.google.com:443"] = place(check.env("NGINX_TLS_URL")),
    ["docs.coronalabs.com:443"] = place(check.env("NGINX_TLS_URL")),
    ["127.0.0.1:80"] = place(check.env("ORIGIN_URL")),
  },
  ca_file = check.env("CA_FILE"),
})

local documents = events.documents()

--- Runs a sample to its end. Returns the lines that it printed, and every event that its listener was told.
local function run(name)
  local lines, seen, request, real_print = {}, {}, network.request, print
  print = function(...)
    local parts = {}
    for index = 1, select("#", ...) do parts[index] = tostring((select(index, ...))) end
    lines[#lines + 1] = table.concat(parts, "\t")
  end
  network.request = function(url, method, listener, params)
    return request(url, method, function(event)
      seen[#seen + 1] = event
      listener(event)
    end, params)
  end
  local good, why = pcall(function()
    assert(loadfile(check.env("SEED_DIR") .. "/" .. name .. ".lua"))()
    equal(#seen, 0, "events before the sample returned")
    equal(network.wait(nil, events.patience), true)
  end)
  print, network.request = real_print, request
  if not good then error(why, 2) end
  return lines, seen
end

check.test("an HTTPS page is printed whole", function()
  local page = check.env("NGINX_PAGE")
  local lines, seen = run("https")
  events.all_equal(seen, {
    {
      status = 200, url = "https://encrypted.google.com", requestId = seen[1].requestId,
      response = page, responseType = "text",
      responseHeaders = events.with_fields({ ["Content-Type"] = "text/html", ["HTTP-STATUS-LINE"] = "HTTP/1.1 200 OK" }),
      bytesTransferred = #page, bytesEstimated = #page,
    },
  })
  equal(table.concat(lines, "\n"), "RESPONSE: " .. page)
end)

check.test("a page whose server can't be reached is a network error that is printed, and nothing raises", function()
  local defaults = { resolve = { ["encrypted.google.com:443"] = place(check.env("REFUSED_URL")) } }
  whimbrel.defaults(defaults)
  local lines, seen = run("https")
  events.all_equal(seen, {
    {
      isError = true, status = -1, url = "https://encrypted.google.com", requestId = seen[1].requestId,
      response = function(text) return text:find("^Connection failure: ") ~= nil end, responseType = "text",
      bytesTransferred = 0, bytesEstimated = -1,
    },
  })
  equal(lines[1], "Network error: \t" .. seen[1].response)
  equal(#lines, 1)
  whimbrel.defaults({
    resolve = {
      ["docs.coronalabs.com:443"] = place(check.env("NGINX_TLS_URL")),
      ["127.0.0.1:80"] = place(check.env("ORIGIN_URL")),
    },
    ca_file = check.env("CA_FILE"),
  })
end)

check.test("a POST with headers of its own sends the form as it is", function()
  local lines, seen = run("post")
  events.all_equal(seen, {
    {
      status = 200, url = "http://127.0.0.1/formhandler.php", requestId = seen[1].requestId,
      response = function(text) return type(text) == "string" end, responseType = "text",
      responseHeaders = events.with_fields({ ["content-type"] = "application/json" }),
      bytesTransferred = #seen[1].response, bytesEstimated = #seen[1].response,
    },
  })
  equal(lines[1], "RESPONSE: " .. seen[1].response)
  equal(#lines, 1)
  local echo = check.json.decode(seen[1].response)
  equal(echo.method, "POST")
  equal(echo.url, "http://127.0.0.1/formhandler.php")
  equal(echo.form.color, "red")
  equal(echo.form.size, "small")
  equal(echo.headers["Content-Type"], "application/x-www-form-urlencoded; charset=UTF-8")
  equal(echo.headers["Accept-Language"], "en-US")
  equal(echo.headers["Content-Length"], "20")
end)

check.test("a download tells its start, its progress and its end, and writes the file", function()
  local size = tonumber(check.env("NGINX_IMAGE_SIZE"))
  local lines, seen = run("download")
  local url = "https://docs.coronalabs.com/images/simulator/image-mask-base2.png"
  local fields = events.with_fields({ ["content-type"] = "image/png", ["content-length"] = tostring(size) })
  local id, last = seen[1].requestId, #seen
  events.equal(seen[1], {
    phase = "began", status = 200, url = url, requestId = id, responseHeaders = fields,
    bytesTransferred = 0, bytesEstimated = size,
  })
  local before = 0
  for index = 2, last - 1 do
    events.equal(seen[index], {
      phase = "progress", status = 200, url = url, requestId = id, responseHeaders = fields,
      bytesTransferred = function(count) return count > before and count <= size end, bytesEstimated = size,
    }, "event " .. index)
    before = seen[index].bytesTransferred
  end
  assert(last >= 3, "there was no progress")
  events.equal(seen[last], {
    status = 200, url = url, requestId = id, responseHeaders = fields,
    response = {
      filename = "solar.jpg", baseDirectory = events.system.DocumentsDirectory, fullPath = documents .. "/solar.jpg",
    },
    responseType = "binary", bytesTransferred = size, bytesEstimated = size,
  })
  equal(lines[1], "Download starting, estimated size: " .. size)
  for index = 2, last - 1 do
    equal(lines[index], "Download progress: " .. seen[index].bytesTransferred .. " of estimated: " .. size)
  end
  equal(lines[last], "Download complete, total bytes transferred: " .. size)
  equal(#lines, last)
  equal(check.read(documents .. "/solar.jpg"), check.read(check.env("NGINX_IMAGE")))
  equal(events.listing(documents), "solar.jpg")
end)

check.test("a file is uploaded with its type and key", function()
  check.write(documents .. "/object.json", '{"curlew":"whimbrel"}')
  local lines, seen = run("upload")
  events.all_equal(seen, {
    {
      status = 200, url = "http://127.0.0.1/restapi.php", requestId = seen[1].requestId,
      response = function(text) return type(text) == "string" end, responseType = "text",
      responseHeaders = events.with_fields({ ["CONTENT-TYPE"] = "application/json" }),
      bytesTransferred = #seen[1].response, bytesEstimated = #seen[1].response,
    },
  })
  equal(table.concat(lines, "\n"), "Upload complete!")
  local echo = check.json.decode(seen[1].response)
  equal(echo.method, "POST")
  equal(echo.json.curlew, "whimbrel")
  -- What a file holds is sent as it is: no charset is put to its type.
  equal(echo.headers["Content-Type"], "application/json")
  equal(echo.headers["X-Api-Key"], "13b6ac91a2")
  equal(echo.headers["Content-Length"], "21")
end)

check.test("a file that is not there is a network error that is printed", function()
  os.remove(documents .. "/object.json")
  local lines, seen = run("upload")
  equal(#seen, 1)
  equal(seen[1].isError, true)
  equal(lines[1], "Network error: \t" .. seen[1].response)
  check.holds(seen[1].response, "object.json")
end)

check.done()
