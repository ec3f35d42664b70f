-- The options that upstream does not have.
local check = require("check")
local http, equal, echo = check.http, check.equal, check.echo

check.test("json encodes a table and sets the type", function()
  local seen = echo({ method = "POST", json = { name = "bob", list = { 1, 2 } } })
  equal(seen.headers["Content-Type"], "application/json")
  equal(seen.json.name, "bob")
  equal(seen.json.list[2], 2)
  local typed = echo({ method = "POST", json = { 1 }, headers = { ["content-type"] = "application/vnd.api+json" } })
  equal(typed.headers["Content-Type"], "application/vnd.api+json")
end)

check.test("json that can't be encoded is an error that says why", function()
  local err = check.failed(http.post(check.url("/post"), nil, { json = { call = print } }))
  equal(err, "Invalid argument: option 'json': Cannot serialise function: type not supported")
  local loop = {}
  loop.loop = loop
  check.holds(check.failed(http.post(check.url("/post"), nil, { json = loop })), "excessive depth")
end)

check.test("a body option with a method that carries none is an error", function()
  check.holds(check.failed(http.get(check.url("/get"), { json = {} })), "option 'json' is a request body")
  check.holds(check.failed(http.request(check.url("/get"), { form = { a = 1 } })), "give method = \"POST\"")
end)

check.test("query adds encoded pairs, in the order of their names or of the list", function()
  local url = check.url("/anything")
  local response = http.get(url .. "?z=0", { query = { b = "x y&=", a = 1, c = true, d = { 1, 2 } } })
  local args = check.json.decode(response.body).args
  equal(args.a, "1")
  equal(args.b, "x y&=")
  equal(args.c, "true")
  equal(args.d[2], "2")
  equal(args.z, "0")
  check.holds(response.url, "?z=0&a=1&b=")
  check.holds(http.get(url, { query = { { "b", 1 }, { "a", "2" }, { "b", 3 } } }).url, "?b=1&a=2&b=3")
end)

check.test("form sends encoded pairs with their type", function()
  local seen = echo({ method = "POST", form = { name = "a b", mark = "ä&=", count = 2 } })
  equal(seen.headers["Content-Type"], "application/x-www-form-urlencoded")
  equal(seen.form.name, "a b")
  equal(seen.form.mark, "ä&=")
  equal(seen.form.count, "2")
end)

check.test("max_body is in bytes, and 0 means no limit", function()
  equal(check.failed(http.get(check.url("/bytes/1001"), { max_body = 1000 })), "response body exceeded 1000 byte limit")
  equal(check.failed(http.get(check.url("/bytes/2000000"), { max_body = 1048576 })), "response body exceeded 1 MB limit")
  equal(#http.get(check.url("/bytes/1000"), { max_body = 1000 }).body, 1000)
  equal(#http.get(check.url("/bytes/1000"), { max_body = 0 }).body, 1000)
end)

check.test("max_body counts what decoding gives", function()
  check.holds(check.failed(http.get(check.env("RAW_GZIP_ZEROS_URL"), { max_body = 10000 })), "exceeded 10000 byte limit")
end)

check.test("decompress = false asks for no coding", function()
  equal(echo({ decompress = false }).headers["Accept-Encoding"], nil)
  local default = echo().headers["Accept-Encoding"]
  check.holds(default, "gzip")
  check.holds(default, "br")
  check.holds(default, "zstd")
end)

check.test("resolve connects elsewhere while the name stays", function()
  local port = check.url(""):match(":(%d+)$")
  local seen = echo({ resolve = { ["a.test:" .. port] = "127.0.0.1" } }, "http://a.test:" .. port .. "/anything")
  equal(seen.headers["Host"], "a.test:" .. port)
  local elsewhere = echo({ resolve = { ["b.test:80"] = "127.0.0.1:" .. port } }, "http://b.test/anything")
  equal(elsewhere.headers["Host"], "b.test")
end)

check.test("patch, head and options exist beside the page's functions", function()
  equal(check.json.decode(http.patch(check.url("/anything"), "x=1").body).method, "PATCH")
  equal(http.head(check.url("/get")).status, 200)
  check.holds(http.options(check.url("/get")).headers["Allow"], "GET")
end)

check.done()
