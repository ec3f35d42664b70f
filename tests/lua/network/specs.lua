-- Requests of every kind, each made from its number alone: the same in every process.
local specs = {}

specs.count = 60

--- Numbers that look random and are the same everywhere.
local function dice(seed)
  local state = (seed * 7919 + 17) % 2147483647
  return function(sides)
    state = state * 16807 % 2147483647
    return state % sides + 1
  end
end

local METHODS = { "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS" }
local TYPES = { "text/plain", "application/json", "a/b; charset=iso-8859-1", "multipart/form-data; boundary=x" }

--- The method and params of the request with that number.
function specs.of(number)
  local roll = dice(number)
  local params = {}
  if roll(3) == 1 then params.headers = { ["X-Mark"] = "m" .. number } end
  if roll(3) == 1 then
    params.headers = params.headers or {}
    params.headers["Content-Type"] = TYPES[roll(#TYPES)]
  end
  if roll(3) == 1 then
    params.headers = params.headers or {}
    params.headers["User-Agent"] = "Agent/" .. number
  end
  if roll(2) == 1 then params.body = ("b"):rep(roll(5)) .. number end
  if roll(3) == 1 then params.bodyType = "binary" end
  if roll(4) == 1 then params.auth = { user = "u" .. number, pass = "p" } end
  if roll(4) == 1 then params.query = { n = number } end
  if roll(4) == 1 then params.decompress = false end
  if roll(4) == 1 then params.progress = roll(2) == 1 and "upload" or "download" end
  if roll(5) == 1 then params.response = { filename = "spec.bin" } end
  return METHODS[roll(#METHODS)], params
end

return specs
