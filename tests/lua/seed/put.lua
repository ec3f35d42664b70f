local http = require("http")
local payload = '{"name":"Updated"}'

local res, err = http.put("https://api.example.com/items/123", payload, {
  headers = { ["Content-Type"] = "application/json" },
  timeout = 15
})

if not res then
  print("PUT failed:", err)
elseif res.status == 200 then
  print("update successful")
else
  print("status:", res.status)
end
