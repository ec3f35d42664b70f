-- TLSOptions: whom a client trusts, what it shows, what it refuses.
local check = require("check")
local polled = require("polled")
local HTTPClient = require("httpclient")
local test, equal, raises = check.test, check.equal, check.raises
local TLSOptions = HTTPClient.TLSOptions

local CA = check.env("CA_FILE")

--- The status after connecting with these options, and the sentence.
local function reach(url, options)
  local _, host, port = polled.parts(url)
  local client = HTTPClient.new()
  local err, why = client:connect_to_host(host, port, options)
  equal(err, HTTPClient.OK, why)
  return polled.connected(client), client.error_message, client
end

local function refused(url, options)
  local status, why = reach(url, options)
  equal(status, HTTPClient.STATUS_TLS_HANDSHAKE_ERROR, why)
  assert(why and why ~= "", "no sentence")
  return why
end

local function accepted(url, options)
  local status, why, client = reach(url, options)
  equal(status, HTTPClient.STATUS_CONNECTED, why)
  equal(polled.ask(client, "GET", "/get"), 200)
  return client
end

local SECURE = check.env("ORIGIN_TLS_URL")

test("an authority is trusted by its file or by its text, and by nothing else", function()
  accepted(SECURE, TLSOptions.client(CA))
  local client = accepted(SECURE, TLSOptions.client(check.read(CA)))
  assert(client:get_timings().head, "no timings")
  refused(SECURE, TLSOptions.client())
end)

test("https:// before the host is TLS with the defaults", function()
  local _, host, port = polled.parts(SECURE)
  local client = HTTPClient.new()
  equal(client:connect_to_host("https://" .. host, port), HTTPClient.OK)
  equal(polled.connected(client), HTTPClient.STATUS_TLS_HANDSHAKE_ERROR)
end)

test("the name may be another one, and must be right", function()
  accepted(SECURE, TLSOptions.client(CA, "api.example.com"))
  refused(SECURE, TLSOptions.client(CA, "wrong.example.com"))
end)

test("unsafe is without checks, or with the chain alone", function()
  accepted(check.env("SELF_SIGNED_URL"), TLSOptions.client_unsafe())
  refused(check.env("SELF_SIGNED_URL"), TLSOptions.client_unsafe(CA))
  accepted(SECURE, TLSOptions.client_unsafe(CA))
  refused(check.env("EXPIRED_URL"), TLSOptions.client(CA))
end)

test("a pinned key must be there", function()
  local options = TLSOptions.client(CA)
  options.pinned_keys = { "sha256/" .. ("A"):rep(43) .. "=" }
  refused(SECURE, options)
end)

test("a pin that is none is a mistake of the call", function()
  local _, host, port = polled.parts(SECURE)
  local options = TLSOptions.client(CA)
  for _, pin in ipairs({ "nonsense", "" }) do
    options.pinned_keys = { pin }
    local client = HTTPClient.new()
    local err, why = client:connect_to_host(host, port, options)
    equal(err, HTTPClient.ERR_INVALID_PARAMETER)
    check.holds(why, "sha256")
    equal(client:get_status(), HTTPClient.STATUS_DISCONNECTED)
  end
end)

test("TLS 1.3 alone, by number and by text", function()
  local options = TLSOptions.client(CA)
  for _, version in ipairs({ HTTPClient.TLS_1_2, HTTPClient.TLS_1_3, "1.2", "1.3" }) do
    options.min_tls_version = version
    accepted(SECURE, options)
  end
end)

test("a client certificate is shown, from two files or from one", function()
  -- Without one the server ends the connection, at the latest with its answer.
  local status, _, client = reach(check.env("MTLS_URL"), TLSOptions.client(CA))
  if status == HTTPClient.STATUS_CONNECTED then
    equal(client:request("GET", "/get"), HTTPClient.OK)
    equal(polled.answered(client), HTTPClient.STATUS_CONNECTION_ERROR)
  end
  local options = TLSOptions.client(CA)
  options.client_certificate, options.client_key = check.env("CLIENT_CERT"), check.env("CLIENT_KEY")
  accepted(check.env("MTLS_URL"), options)
  options.client_certificate, options.client_key = check.read(check.env("CLIENT_BOTH")), nil
  accepted(check.env("MTLS_URL"), options)
end)

test("a file that can't be read is an error with its path", function()
  local _, host, port = polled.parts(SECURE)
  local client = HTTPClient.new()
  local options = TLSOptions.client(CA)
  for _, field in ipairs({ "trusted_chain", "revocation_list", "client_certificate" }) do
    local broken = TLSOptions.client(CA)
    broken[field] = check.path("none.pem")
    local err, why = client:connect_to_host(host, port, broken)
    equal(err, HTTPClient.ERR_FILE_CANT_OPEN)
    check.holds(why, "none.pem")
    equal(client:get_status(), HTTPClient.STATUS_DISCONNECTED)
  end
  equal(client:connect_to_host(host, port, options), HTTPClient.OK)
end)

test("options of the wrong type raise", function()
  local client = HTTPClient.new()
  raises("with a dot", function() TLSOptions:client(CA) end)
  raises("PEM text or a path", function() TLSOptions.client(7) end)
  raises("string expected", function() TLSOptions.client(nil, {}) end)
  raises("no field 'pined_keys'", function() TLSOptions.client().pined_keys = {} end)
  for field, part in pairs({
    pinned_keys = "pinned_keys must be a table", revocation_list = "revocation_list must be a string",
    min_tls_version = "TLS_1_2 or HTTPClient.TLS_1_3",
  }) do
    local options = TLSOptions.client()
    options[field] = 5
    check.holds(raises(part, function() client:connect_to_host("localhost", 443, options) end), "tls.lua:")
  end
  local options = TLSOptions.client()
  options.pinned_keys = {}
  raises("names no key", function() client:connect_to_host("localhost", 443, options) end)
  options = TLSOptions.client()
  options.client_key = CA
  raises("needs client_certificate", function() client:connect_to_host("localhost", 443, options) end)
end)

check.done()
