-- TLS: whom to trust, who one is, and names.
local check = require("check")
local http, equal = check.http, check.equal
local secure, ca = check.env("ORIGIN_TLS_URL"), check.env("CA_FILE")

check.test("ca_file is trusted besides the platform's", function()
  check.begins(check.failed(http.get(secure .. "/get")), "SSL peer certificate or SSH remote key was not OK")
  local response = check.came(http.get(secure .. "/get", { ca_file = ca }))
  equal(response.status, 200)
  assert(response.timings.secured or response.timings.connected == nil)
  check.begins(check.failed(http.get(secure .. "/get")), "SSL peer certificate")
end)

check.test("a ca_file that is missing or no certificate is an error", function()
  check.failed(http.get(secure .. "/get", { ca_file = check.path("none.pem") }))
  local path = check.path("text.pem")
  check.write(path, "no certificate")
  check.failed(http.get(secure .. "/get", { ca_file = path }))
end)

check.test("the name in the certificate must be the one asked for, also with resolve", function()
  local address = secure:match("//(.+)$")
  local right = { ca_file = ca, resolve = { ["api.example.com:443"] = address } }
  equal(check.came(http.get("https://api.example.com/get", right)).status, 200)
  local wrong = { ca_file = ca, resolve = { ["other.example.com:443"] = address } }
  check.begins(check.failed(http.get("https://other.example.com/get", wrong)), "SSL peer certificate")
end)

check.test("client_cert shows who one is, by two files or one", function()
  local private = check.env("MTLS_URL") .. "/get"
  check.failed(http.get(private, { ca_file = ca }))
  local pair = { cert = check.env("CLIENT_CERT"), key = check.env("CLIENT_KEY") }
  equal(check.came(http.get(private, { ca_file = ca, client_cert = pair })).status, 200)
  equal(check.came(http.get(private, { ca_file = ca, client_cert = check.env("CLIENT_BOTH") })).status, 200)
  check.failed(http.get(private, { ca_file = ca }))
  check.holds(check.failed(http.get(private, { ca_file = ca, client_cert = { cert = "x" } })), "needs cert and key")
end)

check.test("an expired or self-signed certificate is refused, unless verify_ssl is false", function()
  for _, name in ipairs({ "EXPIRED_URL", "SELF_SIGNED_URL" }) do
    local url = check.env(name) .. "/get"
    check.begins(check.failed(http.get(url, { ca_file = ca })), "SSL peer certificate")
    equal(check.came(http.get(url, { verify_ssl = false })).status, 200)
  end
end)

check.test("TLS 1.0 is refused, also with verify_ssl = false", function()
  check.begins(check.failed(http.get(check.env("TLS10_URL"), { verify_ssl = false, timeout = 10 })), "SSL connect error")
end)

check.done()
