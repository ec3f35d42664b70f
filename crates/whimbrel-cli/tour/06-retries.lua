local http = require("http")

-- Plain Lua can't sleep: watch the clock.
local function sleep(seconds)
  local stop = os.clock() + seconds
  repeat until os.clock() >= stop
end

local function get_with_retries(url, attempts)
  local wait = 0.05
  for attempt = 1, attempts do
    local res, err = http.get(url, { timeout = 5 })
    if res and res.status < 500 then
      print("attempt " .. attempt .. ":", "status " .. res.status)
      return res, attempt
    end
    print("attempt " .. attempt .. ":", err or "status " .. res.status)
    sleep(wait)
    wait = wait * 2
  end
  return nil, attempts
end

-- This server resets the first connection, is busy for the second, and then
-- answers.
local res, attempts = get_with_retries("http://flaky.example.com/", 5)
assert(res and res.status == 200 and attempts == 3)
print("body:", res.body)
