local http = require("http")

local function delete(url)
  local res, err = http.delete(url, {
    headers = { ["Authorization"] = "Bearer token123" },
  })
  if not res then
    print("DELETE failed:", err)
  elseif res.status == 204 then
    print("deleted")
  else
    print("unexpected status:", res.status)
  end
  return res
end

local res = delete("https://api.example.com/users/123")
assert(res and res.status == 204, "the first DELETE should find the user")

res = delete("https://api.example.com/users/123")
assert(res and res.status == 404, "the second DELETE should find nothing")
