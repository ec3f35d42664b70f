local http = require("http")

local res, err = http.delete("https://api.example.com/users/123", {
  headers = { ["Authorization"] = "Bearer token123" }
})

if not res then
  print("DELETE failed:", err)
elseif res.status == 204 then
  print("deleted")
else
  print("unexpected status:", res.status)
end
