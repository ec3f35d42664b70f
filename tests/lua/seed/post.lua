local http = require("http")
local cjson = require("cjson")

local payload = cjson.encode({ username = "alice", email = "a@example.com" })
local res, err = http.post("https://api.example.com/register", payload, {
  headers = { ["Content-Type"] = "application/json" },
  timeout = 10
})

if not res then
  print("POST failed:", err)
elseif res.status == 201 then
  print("created:", res.body)
else
  print("unexpected status:", res.status)
end
