local http = require("http")
local cjson = require("cjson")

local payload = cjson.encode({ name = "bob" })
local res, err = http.post("https://api.example.com/create", payload, {
  headers = { ["Content-Type"] = "application/json", ["Accept"] = "application/json" }
})

if res and res.status == 201 then
  local obj = cjson.decode(res.body)
  print("id:", obj.id)
end
