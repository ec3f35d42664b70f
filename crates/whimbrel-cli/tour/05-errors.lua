local http = require("http")

local function fetch(url, options)
  local res, err = http.get(url, options)
  if not res then
    print("request failed:", err)
    return nil, err
  end

  if res.status >= 200 and res.status < 300 then
    print("success")
  elseif res.status == 404 then
    print("not found")
  else
    print("status:", res.status)
  end
  return res
end

-- A status is an answer, whatever it says; no answer is `nil, err`.
assert(fetch("https://api.example.com/data").status == 200)
assert(fetch("https://api.example.com/status/404").status == 404)
assert(fetch("https://api.example.com/status/503").status == 503)

local _, err = fetch("http://nobody.example.com/")
assert(err and err:find("Could not connect to server", 1, true), err)

_, err = fetch("https://api.example.com/delay/10", { timeout = 0.3 })
assert(err and err:find("Timeout was reached", 1, true), err)

_, err = fetch("ftp://api.example.com/")
assert(err and err:find("Unsupported protocol", 1, true), err)
