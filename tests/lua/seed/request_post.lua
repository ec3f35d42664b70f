local http = require("http")

-- Custom POST with headers and timeout
local res, err = http.request("https://api.example.com/submit", {
  method = "POST",
  data = '{"key":"value"}',
  headers = {
    ["Content-Type"] = "application/json",
    ["Authorization"] = "Bearer token123"
  },
  timeout = 10,
  verify_ssl = true
})
return res, err
