-- What the tests of `httpclient` share: clients on URLs, and loops around them that end.
local check = require("check")
local network = require("whimbrel").network
local HTTPClient = require("httpclient")

local polled = {}

--- Scheme, host, port and the rest of a URL.
function polled.parts(url)
  local scheme, host, port, path = url:match("^(%a+)://([^:/]+):(%d+)(.*)$")
  if not scheme then error("no URL of a test: " .. tostring(url), 2) end
  return scheme, host, tonumber(port), path == "" and "/" or path
end

--- Polls until `done()`; a bit of sleep in each round leaves the processor to the servers.
function polled.until_true(client, what, done)
  local deadline = os.time() + 60
  while not done() do
    client:poll()
    if os.time() > deadline then
      error("waited in vain for " .. what .. " in " .. tostring(client) .. ": " .. tostring(client.error_message), 2)
    end
    network.idle(0.0003)
  end
end

--- Polls until the status is another.
function polled.leave(client, status)
  polled.until_true(client, "another status", function() return client:get_status() ~= status end)
  return client:get_status()
end

--- Polls until the connection stands, or fails.
function polled.connected(client)
  polled.until_true(client, "a connection", function()
    local status = client:get_status()
    return status ~= HTTPClient.STATUS_RESOLVING and status ~= HTTPClient.STATUS_CONNECTING
  end)
  return client:get_status()
end

--- A client that is connected to the URL's origin, and the URL's path.
function polled.open(url, tls)
  local scheme, host, port, path = polled.parts(url)
  local client = HTTPClient.new()
  if scheme == "https" then tls = tls or HTTPClient.TLSOptions.client(check.env("CA_FILE")) end
  check.equal(client:connect_to_host(host, port, tls), HTTPClient.OK)
  check.equal(polled.connected(client), HTTPClient.STATUS_CONNECTED, tostring(client.error_message))
  return client, path
end

--- Polls until the response's head has come, or the request failed.
function polled.answered(client)
  polled.until_true(client, "a response", function() return client:get_status() ~= HTTPClient.STATUS_REQUESTING end)
  return client:get_status()
end

--- Reads the body to its end; gives it and how often something came.
function polled.body(client)
  local pieces = {}
  polled.until_true(client, "the body's end", function()
    while client:get_status() == HTTPClient.STATUS_BODY do
      local chunk = client:read_response_body_chunk()
      if chunk == "" then break end
      pieces[#pieces + 1] = chunk
    end
    return client:get_status() ~= HTTPClient.STATUS_BODY
  end)
  return table.concat(pieces), #pieces
end

--- One request from beginning to end: the code and the body.
function polled.ask(client, method, path, headers, body)
  local err, why = client:request(method, path, headers, body)
  check.equal(err, HTTPClient.OK, why)
  polled.answered(client)
  local code = client:get_response_code()
  return code, (polled.body(client))
end

return polled
