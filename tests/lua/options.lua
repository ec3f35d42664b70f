-- The rows of the page's table HTTPOptions, each with its default and its coercions.
local check = require("check")
local http, equal, echo = check.http, check.equal, check.echo
local url = check.url("/anything")

check.test("method is GET by default and may be any of the page's", function()
  equal(echo().method, "GET")
  for _, method in ipairs({ "GET", "POST", "PUT", "DELETE", "PATCH" }) do
    equal(echo({ method = method }).method, method)
  end
  equal(http.request(url, { method = "HEAD" }).body, "")
  equal(http.request(check.url("/get"), { method = "OPTIONS" }).status, 200)
end)

check.test("a known method in any case is sent in upper case, another token as given", function()
  equal(echo({ method = "post" }).method, "POST")
  equal(echo({ method = "Delete" }).method, "DELETE")
  equal(echo({ method = "Purge" }).method, "Purge")
  equal(echo({ method = 5 }).method, "5")
end)

check.test("a method that is no token is an error and nothing is sent", function()
  check.begins(check.failed(http.request(url, { method = "GET /\r\nX: y" })), "Invalid argument")
  check.begins(check.failed(http.request(url, { method = "" })), "Invalid argument")
end)

check.test("data goes out with every method but GET and HEAD", function()
  for _, method in ipairs({ "POST", "PUT", "DELETE", "PATCH", "REPORT" }) do
    equal(echo({ method = method, data = "x=1" }).form.x or "", "1", method)
  end
  local seen = echo({ method = "GET", data = "x=1" })
  equal(seen.data, "")
  equal(seen.headers["Content-Length"], nil)
end)

check.test("data may be a number, and what is no string is ignored", function()
  equal(echo({ method = "POST", data = 12, headers = { ["Content-Type"] = "text/plain" } }).data, "12")
  for _, wrong in ipairs({ true, {}, print }) do
    local seen = echo({ method = "POST", data = wrong })
    equal(seen.data, "")
    equal(seen.headers["Content-Length"], "0")
  end
end)

check.test("data has the form type unless a type is given", function()
  equal(echo({ method = "POST", data = "a" }).headers["Content-Type"], "application/x-www-form-urlencoded")
  equal(echo({ method = "DELETE", data = "a" }).headers["Content-Type"], "application/x-www-form-urlencoded")
  local typed = echo({ method = "POST", data = "a", headers = { ["content-type"] = "text/plain" } })
  equal(typed.headers["Content-Type"], "text/plain")
  equal(echo({ method = "POST", data = "a", headers = { ["Content-Type"] = "" } }).headers["Content-Type"], nil)
end)

check.test("POST, PUT and PATCH without data send an empty body", function()
  for _, method in ipairs({ "POST", "PUT", "PATCH" }) do
    local seen = echo({ method = method, data = "" })
    equal(seen.headers["Content-Length"], "0", method)
    equal(seen.headers["Content-Type"], nil, method)
    equal(seen.headers["Transfer-Encoding"], nil, method)
  end
  equal(echo({ method = "DELETE" }).headers["Content-Length"], nil)
end)

check.test("data is sent byte for byte, with NULs", function()
  local bytes = check.all_bytes()
  local seen = echo({ method = "POST", data = bytes, headers = { ["Content-Type"] = "application/octet-stream" } })
  equal(seen.headers["Content-Length"], "256")
  local answer = check.came(http.post(check.env("RAW_MIRROR_URL"), bytes))
  equal(answer.body, bytes)
end)

check.test("headers are sent, numbers as text, and other values are skipped", function()
  local seen = echo({ headers = {
    ["X-Text"] = "a b", ["X-Number"] = 12, ["X-Half"] = 0.5, ["X-True"] = true, ["X-Table"] = {}, [1] = "X-Array: no",
    [true] = "no",
  } })
  equal(seen.headers["X-Text"], "a b")
  equal(seen.headers["X-Number"], "12")
  equal(seen.headers["X-Half"], "0.5")
  equal(seen.headers["X-True"], nil)
  equal(seen.headers["X-Table"], nil)
  equal(seen.headers["X-Array"], nil)
end)

check.test("a list in the place of headers is no error", function()
  equal(http.get(url, { headers = { "A: b", "C: d" } }).status, 200)
end)

check.test("an empty header removes what would be sent by itself", function()
  local seen = echo({ headers = { ["User-Agent"] = "", ["Accept"] = "", ["Accept-Encoding"] = "", ["X-Empty"] = "" } })
  equal(seen.headers["User-Agent"], nil)
  equal(seen.headers["Accept"], nil)
  equal(seen.headers["Accept-Encoding"], nil)
  equal(seen.headers["X-Empty"], nil)
end)

check.test("a header with a line break is an error that does not show its value", function()
  local err = check.failed(http.get(url, { headers = { ["X-Key"] = "hush\r\nX-Other: y" } }))
  check.begins(err, "Invalid argument")
  check.holds(err, "X-Key")
  assert(not err:find("hush", 1, true), err)
  check.begins(check.failed(http.get(url, { headers = { ["X Key"] = "v" } })), "Invalid argument")
  check.begins(check.failed(http.get(url, { headers = { ["X-Key"] = "a\0b" } })), "Invalid argument")
end)

check.test("Accept is */* by default", function()
  equal(echo().headers["Accept"], "*/*")
  equal(echo({ headers = { Accept = "text/html" } }).headers["Accept"], "text/html")
end)

check.test("timeout ends a call that takes longer, with the sentence scripts know", function()
  local begun = os.time()
  check.begins(check.failed(http.get(check.env("RAW_SILENT_URL"), { timeout = 0.3 })), "Timeout was reached")
  check.begins(check.failed(http.get(check.env("RAW_SILENT_URL"), { timeout = "0.3" })), "Timeout was reached")
  assert(os.time() - begun < 20, "two fractions of a second took " .. os.time() - begun .. " s")
end)

check.test("timeout of nothing, less, or no number at all means none, and any large one is taken", function()
  for _, timeout in ipairs({ 0, -1, 5000, 1e300, 1 / 0, -1 / 0, 0 / 0, "15", "soon", true }) do
    equal(http.get(check.url("/get"), { timeout = timeout }).status, 200, tostring(timeout))
  end
end)

check.test("follow_redirects is true by default and takes only booleans", function()
  equal(http.get(check.url("/redirect/2")).status, 200)
  local first = check.came(http.get(check.url("/redirect/2"), { follow_redirects = false }))
  equal(first.status, 302)
  assert(first.headers["Location"])
  for _, ignored in ipairs({ 0, 1, "false" }) do
    equal(http.get(check.url("/redirect/1"), { follow_redirects = ignored }).status, 200)
  end
end)

check.test("verify_ssl is true by default and takes only booleans", function()
  local secure = check.env("ORIGIN_TLS_URL") .. "/get"
  check.begins(check.failed(http.get(secure)), "SSL peer certificate or SSH remote key was not OK")
  check.begins(check.failed(http.get(secure, { verify_ssl = 0 })), "SSL peer certificate")
  equal(http.get(secure, { verify_ssl = false }).status, 200)
  check.begins(check.failed(http.get(secure)), "SSL peer certificate", "after one that was not verified")
end)

check.test("user_agent has the page's default and can be set", function()
  equal(echo().headers["User-Agent"], "Lua-HTTP/1.0")
  equal(echo({ user_agent = "Mine/2" }).headers["User-Agent"], "Mine/2")
  equal(echo({ user_agent = 7 }).headers["User-Agent"], "7")
  equal(echo({ user_agent = {} }).headers["User-Agent"], "Lua-HTTP/1.0")
  equal(echo({ user_agent = "Mine/2", headers = { ["user-agent"] = "Header/3" } }).headers["User-Agent"], "Header/3")
end)

check.test("auth sends user and pass as Basic at once", function()
  equal(http.get(check.url("/basic-auth/al/s3"), { auth = { user = "al", pass = "s3" } }).status, 200)
  equal(http.get(check.url("/basic-auth/al/s3"), { auth = { user = "al", pass = "no" } }).status, 401)
  equal(http.get(check.url("/basic-auth/al/s3")).status, 401)
  -- "al:" and ":s3" in Base64.
  equal(echo({ auth = { user = "al" } }).headers["Authorization"], "Basic YWw6")
  equal(echo({ auth = { pass = "s3" } }).headers["Authorization"], "Basic OnMz")
  equal(echo({ auth = {} }).headers["Authorization"], nil)
  equal(echo({ auth = "al:s3" }).headers["Authorization"], nil)
  equal(echo({ auth = { user = "al", pass = 3 } }).headers["Authorization"], "Basic YWw6Mw==")
end)

check.test("credentials in the URL are sent, and the option wins over them", function()
  local with_user = url:gsub("//", "//al:s3@")
  equal(echo(nil, with_user).headers["Authorization"], "Basic YWw6czM=")
  equal(echo({ auth = { user = "x", pass = "y" } }, with_user).headers["Authorization"], "Basic eDp5")
end)

check.test("options that are no table are ignored, and so are unknown options and extra arguments", function()
  for _, options in ipairs({ "text", 5, true }) do
    equal(http.get(check.url("/get"), options).status, 200)
  end
  equal(http.get(check.url("/get"), nil, 1, 2, 3).status, 200)
  equal(http.get(check.url("/get"), { unknown = 1, ["timeout "] = "x", [1] = 2 }).status, 200)
end)

check.test("options may come from a metatable", function()
  local base = setmetatable({}, { __index = { method = "PUT", headers = { ["X-Base"] = "1" } } })
  local seen = echo(base)
  equal(seen.method, "PUT")
  equal(seen.headers["X-Base"], "1")
end)

check.test("an error in a metamethod of the options is raised and breaks nothing", function()
  local trap = setmetatable({}, { __index = function(_, name) if name == "auth" then error("trapped") end end })
  check.raises("trapped", http.get, url, trap)
  equal(echo().method, "GET")
end)

check.test("the caller's options win over what the function is named for", function()
  equal(check.json.decode(http.post(url, "a=1", { method = "PUT", data = "b=2" }).body).method, "PUT")
  equal(check.json.decode(http.post(url, "a=1", { data = "b=2" }).body).form.b, "2")
  equal(check.json.decode(http.get(url, { method = "DELETE" }).body).method, "DELETE")
end)

check.done()
