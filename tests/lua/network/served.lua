-- Replies that a test writes itself, byte by byte and when it wants: paths for the server that does what the path says.
local check = require("check")

local served = {}

local names = 0

--- A name that nothing else uses, for a gate or a log.
function served.name()
  names = names + 1
  return "g" .. names
end

local function hex(text)
  return "x" .. (text:gsub(".", function(byte) return string.format("%02x", byte:byte()) end))
end

--- A step of the server that is no text to send: "wait-NAME", "gone", "n1000" and so on.
function served.step(name)
  return { step = name }
end

function served.wait(gate) return served.step("wait-" .. gate) end
function served.open(gate) return served.step("open-" .. gate) end
function served.log(name) return served.step("log-" .. name) end
served.take, served.gone = served.step("take"), served.step("gone")
served.close, served["or"] = served.step("close"), served.step("or")

--- The URL at which the server does these steps; a string is sent.
function served.url(...)
  local path = {}
  for _, step in ipairs({ ... }) do
    path[#path + 1] = type(step) == "table" and step.step or step ~= "" and hex(step) or nil
  end
  return check.env("LITERAL_URL") .. "/" .. table.concat(path, "/")
end

--- A whole reply: `status` with its reason, the fields as one text, and the body with its length.
function served.reply(status, fields, body)
  body = body or ""
  return "HTTP/1.1 " .. status .. "\r\n" .. (fields or "") .. "Content-Length: " .. #body .. "\r\n\r\n" .. body
end

--- The URL of such a reply.
function served.whole(status, fields, body)
  return served.url(served.take, served.reply(status, fields, body))
end

--- Opens a gate, blocking.
function served.release(gate)
  check.equal(check.http.get(served.url(served.open(gate), served.reply("204 No Content"))).status, 204)
end

--- Waits until the gate is open, blocking.
function served.await(gate)
  check.equal(check.http.get(served.url(served.wait(gate), served.reply("204 No Content")), { timeout = 60 }).status, 204)
end

--- Everything that came with the step `served.log(name)` since the last look: heads and bodies, byte for byte.
function served.logged(name)
  return check.http.get(served.url(served.step("show-" .. name))).body
end

--- Seconds since some moment, by a clock that goes on while nothing is computed.
function served.clock()
  local up = io.open("/proc/uptime", "r")
  if not up then return os.time() end
  local seconds = up:read("*n")
  up:close()
  return seconds
end

return served
