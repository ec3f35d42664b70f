local http = require("http")

-- Simple GET
local res, err = http.request("https://api.example.com/data")
if not res then
  print("request failed:", err)
else
  print("status:", res.status)
  print("body:", res.body)
end
