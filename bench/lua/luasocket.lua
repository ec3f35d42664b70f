-- LuaSocket's socket.http, and LuaSec's ssl.https for TLS. Neither keeps a connection.
local ltn12 = require("ltn12")

require("measure")(function(job)
  local secure = job.url:find("^https:")
  local http = secure and require("ssl.https") or require("socket.http")
  return function()
    local parts = {}
    local request = { url = job.url, sink = ltn12.sink.table(parts) }
    if secure then
      request.verify, request.cafile = "peer", job.ca
    end
    if job.mode == "sink" then
      request.sink = ltn12.sink.null()
    elseif job.mode == "file" then
      request.sink = ltn12.sink.file(assert(io.open(job.file, "wb")))
    elseif job.mode == "upload" then
      local file = assert(io.open(job.file, "rb"))
      request.method, request.source = "PUT", ltn12.source.file(file)
      request.headers = { ["content-length"] = file:seek("end") }
      file:seek("set")
    end
    local done, status = http.request(request)
    assert(done and status < 300, status)
    return table.concat(parts)
  end
end)
