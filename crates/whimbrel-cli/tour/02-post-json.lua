local http = require("http")
local cjson = require("cjson")

local payload = cjson.encode({ username = "alice", email = "a@example.com" })
local res, err = http.post("https://api.example.com/register", payload, {
  headers = { ["Content-Type"] = "application/json" },
  timeout = 10,
})
if not res then
  print("POST failed:", err)
elseif res.status == 201 then
  print("created:", res.body)
else
  print("unexpected status:", res.status)
end
assert(res and res.status == 201, err or "the server did not create it")

local user = cjson.decode(res.body)
print("id:", user.id)
assert(user.username == "alice" and user.email == "a@example.com")

-- `request` does the same with every option spelled out.
res, err = http.request("https://api.example.com/submit", {
  method = "POST",
  data = '{"key":"value"}',
  headers = {
    ["Content-Type"] = "application/json",
    ["Authorization"] = "Bearer token123",
  },
  timeout = 10,
  verify_ssl = true,
})
assert(res and res.status == 200, err)
print("submitted:", res.status)
