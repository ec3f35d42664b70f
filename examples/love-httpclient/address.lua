-- What a URL says about where to connect and what to ask for.
local address = {}

--- `{ secure, host, port, target }`, or nil and why not.
function address.parse(url)
  local scheme, authority, target = url:match("^(%a[%w+.-]*)://([^/?#]+)([^#]*)")
  if not scheme then return nil, "not a URL with a host: " .. url end
  scheme = scheme:lower()
  if scheme ~= "http" and scheme ~= "https" then return nil, "neither http nor https: " .. url end
  local host, port = authority:match("^(%[[^%]]+%]):?(%d*)$")
  if not host then host, port = authority:match("^([^:@]+):?(%d*)$") end
  if not host then return nil, "a user or a host that this program can't take: " .. url end
  if target:sub(1, 1) ~= "/" then target = "/" .. target end
  local secure = scheme == "https"
  return { secure = secure, host = host, port = tonumber(port) or (secure and 443 or 80), target = target }
end

--- The URL that a Location field means, seen from `from`: a whole one, or a path on the same origin; nil for others.
function address.resolve(from, location)
  if location:find("^%a[%w+.-]*://") then return location end
  if location:sub(1, 2) == "//" then return (from.secure and "https:" or "http:") .. location end
  if location:sub(1, 1) ~= "/" then return nil end
  return ("%s://%s:%d%s"):format(from.secure and "https" or "http", from.host, from.port, location)
end

return address
