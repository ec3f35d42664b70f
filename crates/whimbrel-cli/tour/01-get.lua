local http = require("http")

-- The shortest form.
local res, err = http.request("https://api.example.com/data")
if not res then
  print("request failed:", err)
else
  print("status:", res.status)
  print("body:", res.body)
end
assert(res and res.status == 200, err)

-- With a field of our own and a deadline.
res, err = http.get("https://api.example.com/users", {
  headers = { ["Accept"] = "application/json" },
  timeout = 5,
})
if not res then
  print("GET failed:", err)
else
  print("status:", res.status)
  print("type:", res.headers["content-type"])
  print("body length:", #res.body)
end
assert(res and res.status == 200 and #res.body > 0, err)

-- Redirects are followed; `url` says who answered in the end.
local target = "https://api.example.com/users"
res, err = http.get("http://api.example.com/redirect-to?url=" .. target)
assert(res and res.status == 200, err)
print("answered by:", res.url)
assert(res.url == target, "the redirect led elsewhere")
