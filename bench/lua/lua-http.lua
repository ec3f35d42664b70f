-- lua-http: one kept connection by its connection interface, else a request object each time.
local client = require("http.client")
local request = require("http.request")
local headers = require("http.headers")

local function context(ca)
  local tls = require("http.tls").new_client_context()
  local store = require("openssl.x509.store").new()
  store:add(ca)
  tls:setStore(store)
  return tls
end

require("measure")(function(job)
  if job.mode == "keepalive" then
    local host, port, path = job.url:match("^http://([^:/]+):(%d+)(/.*)$")
    local connection = assert(client.connect({ host = host, port = tonumber(port), tls = false }))
    return function()
      local head = headers.new()
      head:append(":method", "GET")
      head:append(":scheme", "http")
      head:append(":authority", host .. ":" .. port)
      head:append(":path", path)
      local stream = connection:new_stream()
      assert(stream:write_headers(head, true))
      assert(stream:get_headers():get(":status") == "200")
      return assert(stream:get_body_as_string())
    end
  end
  local tls = job.url:find("^https:") and context(job.ca) or nil
  return function()
    local asked = request.new_from_uri(job.url)
    asked.ctx = tls
    local file
    if job.mode == "file" then
      file = assert(io.open(job.file, "wb"))
    elseif job.mode == "upload" then
      asked.headers:upsert(":method", "PUT")
      asked:set_body(assert(io.open(job.file, "rb")))
    end
    local head, stream = asked:go()
    assert(head, stream)
    assert(head:get(":status"):find("^2"))
    if job.mode == "sink" or job.mode == "file" then
      for chunk in stream:each_chunk() do
        if file then
          file:write(chunk)
        end
      end
      if file then
        file:close()
      end
    else
      assert(stream:get_body_as_string())
    end
    stream:shutdown()
  end
end)
