local http = require("http")
local res, err = http.get("https://api.example.com/data")
if not res then
  print("request failed:", err)
  return
end

if res.status >= 200 and res.status < 300 then
  print("success")
elseif res.status == 404 then
  print("not found")
else
  print("status:", res.status)
end
