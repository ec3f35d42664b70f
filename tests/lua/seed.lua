-- Every example of the module's page, as a script author would run it. The files in `seed` are the page's text, but for
-- a `return` where the page only asks; api.example.com is the test's own origin.
local check = require("check")
local equal = check.equal
local whimbrel = require("whimbrel")

whimbrel.install({ "cjson" })
whimbrel.defaults({
  resolve = { ["api.example.com:443"] = check.env("ORIGIN_TLS_URL"):match("//(.+)$") },
  ca_file = check.env("CA_FILE"),
})

--- Runs an example; gives what it printed, line by line, then what it returned.
local function run(name)
  local lines, real_print = {}, print
  local chunk = assert(loadfile(check.env("SEED_DIR") .. "/" .. name .. ".lua"))
  print = function(...)
    local parts = {}
    for index = 1, select("#", ...) do parts[index] = tostring((select(index, ...))) end
    lines[#lines + 1] = table.concat(parts, " ")
  end
  local good, res, err = pcall(chunk)
  print = real_print
  if not good then error(res, 2) end
  return lines, res, err
end

check.test("request: a simple GET prints status and body", function()
  local lines = run("request_get")
  equal(lines[1], "status: 200")
  check.holds(lines[2], "body: {")
end)

check.test("request: a custom POST sends its body and fields", function()
  local _, res = run("request_post")
  equal(res.status, 200)
  equal(check.json.decode(res.body).received, #'{"key":"value"}')
end)

check.test("get: both calls answer", function()
  local lines, res = run("get")
  equal(lines[1], "status: 200")
  assert(tonumber(lines[2]:match("^body length: (%d+)$")) > 0)
  equal(res.status, 200)
end)

check.test("post: the entry is created", function()
  local lines = run("post")
  check.holds(lines[1], "created: ")
  check.holds(lines[1], "alice")
end)

check.test("put: the entry is updated", function()
  equal(run("put")[1], "update successful")
end)

check.test("delete: the entry is deleted, and then it is not there", function()
  equal(run("delete")[1], "deleted")
  equal(run("delete")[1], "unexpected status: 404")
end)

check.test("error handling: success is told apart from failure", function()
  equal(run("error_handling")[1], "success")
  whimbrel.defaults({ resolve = { ["api.example.com:443"] = check.env("REFUSED_URL"):match("//([^/]+)") } })
  check.http.get("https://api.example.com/data")
  check.holds(run("error_handling")[1], "request failed: Could not connect to server")
  whimbrel.defaults({
    resolve = { ["api.example.com:443"] = check.env("ORIGIN_TLS_URL"):match("//(.+)$") },
    ca_file = check.env("CA_FILE"),
  })
end)

check.test("JSON APIs: the answer's id is read", function()
  assert(run("json_api")[1]:match("^id: %d+$"))
end)

check.test("timeouts and retries: a loop around one call", function()
  local http = check.http
  local attempts, response, err = 0, nil, nil
  repeat
    attempts = attempts + 1
    response, err = http.get(check.env("RAW_FLAKY_URL"), { timeout = 5 })
  until response or attempts == 5
  equal(err, nil)
  equal(response.status, 200)
  equal(attempts, 3)
end)

check.done()
