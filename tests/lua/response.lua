-- The rows of the page's table HTTPResponse, and the fields beyond it.
local check = require("check")
local http, equal = check.http, check.equal

check.test("status is an integer, and no status is a failure", function()
  for _, status in ipairs({ 200, 201, 204, 304, 400, 404, 418, 500, 503 }) do
    local response = check.came(http.get(check.url("/status/" .. status)))
    equal(response.status, status)
    if math.type then equal(math.type(response.status), "integer") end
  end
end)

check.test("body is the text, and empty where there is none", function()
  check.holds(http.get(check.url("/robots.txt")).body, "User-agent")
  equal(http.get(check.url("/status/204")).body, "")
  equal(http.head(check.url("/get")).body, "")
end)

check.test("body is whole whatever bytes it has", function()
  equal(http.get(check.env("RAW_BINARY_URL")).body, check.all_bytes())
  equal(#http.get(check.url("/bytes/100000?seed=7")).body, 100000)
  equal(http.get(check.url("/stream-bytes/5000?seed=3")).body, http.get(check.url("/bytes/5000?seed=3")).body)
end)

check.test("a body of more than 16 MiB is whole too", function()
  equal(#http.get(check.url("/bytes/" .. 17 * 1024 * 1024)).body, 17 * 1024 * 1024)
end)

check.test("a body of more than 64 MiB is refused in the words scripts know", function()
  equal(check.failed(http.get(check.url("/bytes/" .. 64 * 1024 * 1024 + 1))), "response body exceeded 64 MB limit")
  equal(#check.came(http.get(check.url("/bytes/" .. 64 * 1024 * 1024))).body, 64 * 1024 * 1024)
end)

check.test("headers have the names as received and are found in any case", function()
  local headers = http.get(check.env("RAW_FIELDS_URL")).headers
  equal(headers["X-MiXed"], "v")
  equal(headers["x-mixed"], "v")
  equal(headers["X-MIXED"], "v")
  equal(headers["X-None"], nil)
  equal(headers[1], nil)
  equal(rawget(headers, "x-mixed"), nil)
  local names = {}
  for name, value in pairs(headers) do
    equal(type(value), "string")
    names[name] = true
  end
  assert(names["X-MiXed"] and names["Set-Cookie"] and not names["x-mixed"])
end)

check.test("fields that come twice are joined, and headers_list has each", function()
  local response = http.get(check.env("RAW_FIELDS_URL"))
  equal(response.headers["Set-Cookie"], "a=1, b=2")
  local list = {}
  for _, field in ipairs(response.headers_list) do list[#list + 1] = field[1] .. "=" .. field[2] end
  equal(table.concat(list, "|"), "Content-Length=2|Set-Cookie=a=1|X-MiXed=v|set-cookie=b=2|X-Space=a b|X-Empty=")
  equal(response.headers_list, response.headers_list, "a second look")
end)

check.test("space around a value is gone and inside it stays", function()
  local headers = http.get(check.env("RAW_FIELDS_URL")).headers
  equal(headers["X-Space"], "a b")
  equal(headers["X-Empty"], "")
end)

check.test("headers are those of the last hop only", function()
  local response = http.get(check.url("/redirect-to?url=/get"))
  equal(response.status, 200)
  equal(response.headers["Location"], nil)
end)

check.test("url is where the answer came from", function()
  equal(http.get(check.url("/get?a=1#part")).url:gsub("#.*", ""), check.url("/get?a=1"))
  equal(http.get(check.url("/redirect-to?url=/get")).url, check.url("/get"))
end)

check.test("reason and version are as received", function()
  local response = http.get(check.env("RAW_FIELDS_URL"))
  equal(response.reason, "All Is Well")
  equal(response.version, "HTTP/1.1")
  equal(http.get(check.env("RAW_OLD_URL")).version, "HTTP/1.0")
end)

check.test("timings are seconds since the call began", function()
  local timings = http.get(check.url("/get"), { headers = { Connection = "close" } }).timings
  equal(type(timings.head), "number")
  assert(timings.head >= 0 and timings.finished >= timings.head and timings.finished < 60)
  equal(timings.secured, nil)
end)

check.test("pairs shows the fields that are always there", function()
  local found = {}
  for name in pairs(http.get(check.url("/get"))) do found[#found + 1] = name end
  table.sort(found)
  equal(table.concat(found, " "), "body headers reason status url version")
end)

check.test("a field that does not exist is nil", function()
  local response = http.get(check.url("/get"))
  equal(response.text, nil)
  equal(response[1], nil)
end)

check.test("coded bodies are decoded, and their headers stay", function()
  for _, coding in ipairs({ "gzip", "brotli", "zstd" }) do
    local response = check.came(http.get(check.url("/" .. coding)))
    assert(response.headers["Content-Encoding"], coding)
    assert(check.json.decode(response.body)[coding == "gzip" and "gzipped" or coding], coding)
  end
end)

check.test("a script that asks for a coding itself gets the bytes as sent", function()
  local response = check.came(http.get(check.url("/gzip"), { headers = { ["Accept-Encoding"] = "gzip" } }))
  equal(response.body:sub(1, 2), "\31\139")
end)

check.test("a coding that nobody asked for is left as it is", function()
  local response = check.came(http.get(check.url("/gzip"), { headers = { ["Accept-Encoding"] = "" } }))
  equal(response.body:sub(1, 2), "\31\139")
end)

check.done()
