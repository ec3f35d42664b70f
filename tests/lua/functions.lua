-- The functions of the module and their positional arguments.
local check = require("check")
local http, equal = check.http, check.equal
local url = check.url("/anything")

local function seen(...)
  return check.json.decode(check.came(...).body)
end

check.test("each function sends the method of its name", function()
  equal(seen(http.request(url)).method, "GET")
  equal(seen(http.get(url)).method, "GET")
  equal(seen(http.post(url)).method, "POST")
  equal(seen(http.put(url)).method, "PUT")
  equal(seen(http.patch(url)).method, "PATCH")
  equal(seen(http.delete(url)).method, "DELETE")
  equal(seen(http.options(url)).method, "OPTIONS")
  local head = check.came(http.head(check.url("/get")))
  equal(head.status, 200)
  equal(head.body, "")
  assert(tonumber(head.headers["Content-Length"]) > 0)
end)

check.test("post, put and patch send their data and keep their options", function()
  for name, method in pairs({ post = "POST", put = "PUT", patch = "PATCH" }) do
    local answer = seen(http[name](url, "the body", { headers = { ["Content-Type"] = "text/plain", ["X-Mark"] = "1" } }))
    equal(answer.method, method)
    equal(answer.data, "the body")
    equal(answer.headers["X-Mark"], "1")
  end
end)

check.test("post and put without data send an empty body, and keep their options", function()
  local answer = seen(http.post(url, nil, { headers = { ["X-Mark"] = "1" } }))
  equal(answer.method, "POST")
  equal(answer.headers["X-Mark"], "1")
  equal(answer.headers["Content-Length"], "0")
  equal(seen(http.put(url)).headers["Content-Length"], "0")
end)

check.test("a table in the place of the data is the options", function()
  local answer = seen(http.post(url, { data = "x=1", headers = { ["X-Mark"] = "1" } }))
  equal(answer.form.x, "1")
  equal(answer.headers["X-Mark"], "1")
  equal(seen(http.post(url, { "ignored" }, { headers = { ["X-Mark"] = "2" } })).headers["X-Mark"], "2")
end)

check.test("data that is a number is sent as text", function()
  equal(seen(http.post(url, 5, { headers = { ["Content-Type"] = "text/plain" } })).data, "5")
end)

check.test("a URL that is missing or no string raises, in the words of this Lua", function()
  local number_of = { get = 1, post = 1, request = 1, download = 1, delete = 1, patch = 1, head = 1, put = 1, options = 1 }
  for name, index in pairs(number_of) do
    local why = check.raises("string expected, got ", function() http[name]() end)
    check.holds(why, "bad argument #" .. index .. " to '")
    check.holds(why, "string expected, got no value")
  end
  check.raises("bad argument #1 to 'get' (string expected, got nil)", function() local r = http.get(nil) return r end)
  check.raises("bad argument #1 to 'get' (string expected, got table)", function() local r = http.get({}) return r end)
  check.raises("bad argument #2 to 'download' (string expected, got no value)", function()
    local r = http.download(url)
    return r
  end)
end)

check.test("a number in the place of the URL is taken as text", function()
  -- No IPv4 address is that large, so nobody is asked.
  check.begins(check.failed(http.get(99999999999)), "URL using bad/illegal format")
end)

check.test("nothing but the response comes back, and nothing but nil and a sentence", function()
  equal(select("#", http.get(check.url("/get"))), 1)
  equal(select("#", http.get("ftp://127.0.0.1/")), 2)
  equal(select("#", http.post(check.url("/post"), "a")), 1)
end)

check.test("calls work in coroutines and keep the state's connection", function()
  local statuses = {}
  for index = 1, 3 do
    local thread = coroutine.create(function() return http.get(check.url("/get")).status end)
    statuses[index] = select(2, coroutine.resume(thread))
  end
  equal(table.concat(statuses, " "), "200 200 200")
end)

check.done()
