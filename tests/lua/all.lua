-- http.all: many requests of a blocking script at once; results in order, errors in their places.
local check = require("check")
local http, equal = check.http, check.equal

check.test("results stand where their requests stood", function()
  local list = {}
  for number = 1, 40 do list[number] = check.url("/anything?n=" .. number) end
  local results = http.all(list, { concurrency = 8 })
  equal(#results, 40)
  for number = 1, 40 do
    equal(results[number].status, 200)
    equal(check.json.decode(results[number].body).args.n, tostring(number))
  end
end)

check.test("an error stands in its place, with the sentence of http, and keeps no other away", function()
  local results = http.all({ check.url("/get"), check.env("REFUSED_URL"), check.url("/status/404"), "nonsense" })
  equal(#results, 4)
  equal(results[1].status, 200)
  equal(results[1].error, nil)
  equal(results[2].error, select(2, http.get(check.env("REFUSED_URL"))))
  equal(results[2].status, nil)
  equal(results[3].status, 404)
  equal(results[4].error, select(2, http.get("nonsense")))
end)

check.test("a request has its method and options, and its result is that of http.request", function()
  local results = http.all({
    { url = check.url("/anything"), method = "POST", data = "a=x", headers = { ["X-Mark"] = "1" } },
    { check.url("/anything"), method = "PUT", json = { 1 } },
  })
  local seen = check.json.decode(results[1].body)
  equal(seen.method, "POST")
  equal(seen.form.a, "x")
  equal(seen.headers["X-Mark"], "1")
  equal(check.json.decode(results[2].body).method, "PUT")
  local one = http.request(check.url("/anything"), { method = "POST", data = "x" })
  for key, value in pairs(one) do equal(type(results[1][key]), type(value), key) end
end)

check.test("concurrency is how many are under way at most", function()
  -- Each waits at a gate that the one after it opens: with two at once they all come through, with one none would.
  local literal = check.env("LITERAL_URL")
  local ok = "x" .. ("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"):gsub(".", function(byte)
    return string.format("%02x", byte:byte())
  end)
  local results = http.all({
    literal .. "/wait-all1/" .. ok,
    literal .. "/open-all1/" .. ok,
  }, { concurrency = 2 })
  equal(results[1].status, 200)
  equal(results[2].status, 200)
  results = http.all({
    { url = literal .. "/wait-all2/" .. ok, timeout = 0.3 },
    { url = literal .. "/open-all2/" .. ok },
  }, { concurrency = 1 })
  check.begins(results[1].error, "Timeout was reached")
  equal(results[2].status, 200)
end)

check.test("an empty list has no results", function()
  equal(#http.all({}), 0)
end)

check.test("what is no list, no request or no number raises", function()
  check.raises("list", http.all)
  check.raises("#1", http.all, { 5 })
  check.raises("concurrency", http.all, {}, { concurrency = 0 })
end)

check.test("an error in on_progress is the script's", function()
  check.raises("on purpose", http.all, { { url = check.url("/bytes/100000"), on_progress = function() error("on purpose") end } })
  equal(http.get(check.url("/get")).status, 200)
end)

check.done()
