-- What a redirect does to methods, bodies and credentials, as a script sees it.
local check = require("check")
local http, equal = check.http, check.equal

local function to(target, status)
  return check.url("/redirect-to?status_code=" .. (status or 302) .. "&url=" .. target)
end

check.test("303 becomes GET, and HEAD stays HEAD", function()
  local seen = check.json.decode(http.put(to("/anything", 303), "x=1").body)
  equal(seen.method, "GET")
  equal(seen.data, "")
  equal(seen.headers["Content-Length"], nil)
  equal(http.head(to("/get", 303)).body, "")
end)

check.test("301 and 302 change only POST", function()
  for _, status in ipairs({ 301, 302 }) do
    equal(check.json.decode(http.post(to("/anything", status), "x=1").body).method, "GET")
    local put = check.json.decode(http.put(to("/anything", status), "x=1").body)
    equal(put.method, "PUT")
    equal(put.form.x, "1")
  end
end)

check.test("307 and 308 keep method and body", function()
  for _, status in ipairs({ 307, 308 }) do
    local seen = check.json.decode(http.post(to("/anything", status), "x=1").body)
    equal(seen.method, "POST")
    equal(seen.form.x, "1")
  end
end)

check.test("more than 30 hops are an error, and max_redirects sets another number", function()
  check.begins(check.failed(http.get(check.url("/redirect/31"))), "Number of redirects hit maximum amount")
  equal(http.get(check.url("/redirect/30")).status, 200)
  check.begins(check.failed(http.get(check.url("/redirect/3"), { max_redirects = 2 })), "Number of redirects hit maximum")
  equal(http.get(check.url("/redirect/2"), { max_redirects = 2 }).status, 200)
  check.begins(check.failed(http.get(check.url("/redirect/1"), { max_redirects = -5 })), "Number of redirects hit maximum")
end)

check.test("credentials stay with their origin", function()
  local other = check.env("ORIGIN2_URL") .. "/anything"
  local seen = check.json.decode(http.get(to(other), {
    auth = { user = "al", pass = "hush" }, headers = { Cookie = "c=hush" },
  }).body)
  equal(seen.headers["Authorization"], nil)
  equal(seen.headers["Cookie"], nil)
  local header = check.json.decode(http.get(to(other), { headers = { Authorization = "Bearer hush" } }).body)
  equal(header.headers["Authorization"], nil)
  local same = check.json.decode(http.get(to("/anything"), { auth = { user = "al", pass = "hush" } }).body)
  equal(same.headers["Authorization"], "Basic YWw6aHVzaA==")
end)

check.test("a redirect to another scheme is not followed", function()
  local err = check.failed(http.get(to("file:///etc/hostname")))
  assert(err:find("^Unsupported protocol") or err:find("^Redirect was not followed"), err)
end)

check.test("from https to http is followed, unless allow_downgrade is false", function()
  local down = check.env("ORIGIN_TLS_URL") .. "/redirect-to?url=" .. check.url("/anything")
  local options = { ca_file = check.env("CA_FILE"), auth = { user = "al", pass = "hush" } }
  local seen = check.json.decode(check.came(http.get(down, options)).body)
  equal(seen.headers["Authorization"], nil)
  options.allow_downgrade = false
  check.begins(check.failed(http.get(down, options)), "Redirect was not followed")
end)

check.done()
