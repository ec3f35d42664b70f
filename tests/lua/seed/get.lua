local http = require("http")

local res, err = http.get("https://api.example.com/users")
if not res then
  print("GET failed:", err)
else
  print("status:", res.status)
  print("body length:", #res.body)
end

-- With custom headers and timeout
local res, err = http.get("https://api.example.com/data", {
  headers = { ["Accept"] = "application/json" },
  timeout = 5
})
return res, err
