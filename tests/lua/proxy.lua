-- The option proxy.
local check = require("check")
local http, equal = check.http, check.equal

check.test("an HTTP proxy forwards http and tunnels https", function()
  local proxy = check.env("PROXY_URL")
  equal(check.came(http.get("http://only-by-proxy.test/get", { proxy = proxy })).status, 200)
  local secure = { proxy = proxy, ca_file = check.env("CA_FILE") }
  equal(check.came(http.get("https://api.example.com/get", secure)).status, 200)
end)

check.test("a proxy's credentials are in its URL, percent-encoded", function()
  local url = "http://only-by-proxy.test/get"
  local with = check.env("PROXY_AUTH_URL"):gsub("//", "//al:p%%40ss@")
  equal(check.came(http.get(url, { proxy = with })).status, 200)
  equal(check.came(http.get(url, { proxy = check.env("PROXY_AUTH_URL") })).status, 407)
  local echo = check.came(http.get("http://only-by-proxy.test/headers", { proxy = with }))
  equal(check.json.decode(echo.body).headers["Proxy-Authorization"], nil)
end)

check.test("SOCKS proxies serve by name", function()
  for _, scheme in ipairs({ "socks5h", "socks4a" }) do
    local proxy = check.env("SOCKS_URL"):gsub("^[^:]+", scheme)
    equal(check.came(http.get("http://only-by-proxy.test/get", { proxy = proxy })).status, 200)
  end
end)

check.test("a proxy that can't be used is an error, never a direct connection", function()
  check.failed(http.get(check.url("/get"), { proxy = "ftp://127.0.0.1:1" }))
  check.failed(http.get(check.url("/get"), { proxy = "http://" }))
  check.failed(http.get(check.url("/get"), { proxy = check.env("REFUSED_URL"), timeout = 5 }))
end)

check.test("an empty proxy is none", function()
  equal(check.came(http.get(check.url("/get"), { proxy = "" })).status, 200)
  equal(check.came(http.get(check.url("/get"), { proxy = false })).status, 200)
end)

check.done()
