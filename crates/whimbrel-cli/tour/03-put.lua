local http = require("http")
local cjson = require("cjson")
local payload = '{"name":"Updated"}'

local res, err = http.put("https://api.example.com/items/123", payload, {
  headers = { ["Content-Type"] = "application/json" },
  timeout = 15,
})
if not res then
  print("PUT failed:", err)
elseif res.status == 200 then
  print("update successful")
else
  print("status:", res.status)
end
assert(res and res.status == 200, err or "the update was refused")

-- It is really there.
res, err = http.get("https://api.example.com/items/123")
assert(res and res.status == 200, err)
print("name is now:", cjson.decode(res.body).name)
assert(cjson.decode(res.body).name == "Updated", "the item was not updated")
