local http = require("http")
local own_ca, other_ca = ...

local function try(what, host, ca_file)
  local url = "https://" .. host .. "/get"
  local res, err = http.get(url, { ca_file = ca_file })
  print(what .. ":", res and "status " .. res.status or err)
  return res, err
end

-- The server's certificate is signed by a CA of its own.
local res, err = try("no CA given", "intranet.example.com")
assert(not res and err:find("SSL peer certificate", 1, true), err)

res, err = try("another CA", "intranet.example.com", other_ca)
assert(not res and err:find("SSL peer certificate", 1, true), err)

res, err = try("its own CA", "intranet.example.com", own_ca)
assert(res and res.status == 200, err)

-- The right CA, but the certificate names another host.
res, err = try("wrong name", "elsewhere.example.com", own_ca)
assert(not res and err:find("SSL peer certificate", 1, true), err)
