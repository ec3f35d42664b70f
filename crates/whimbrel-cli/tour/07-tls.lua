local http = require("http")
local own_ca, other_ca = ...

local function try(what, url, options)
  local res, err = http.get(url, options)
  print(what .. ":", res and "status " .. res.status or err)
  return res, err
end

-- The server's certificate is signed by a CA of its own.
local res, err = try("no CA given", "https://intranet.example.com/get")
assert(not res and err:find("SSL peer certificate", 1, true), err)

res, err = try("another CA", "https://intranet.example.com/get", { ca_file = other_ca })
assert(not res and err:find("SSL peer certificate", 1, true), err)

res, err = try("its own CA", "https://intranet.example.com/get", { ca_file = own_ca })
assert(res and res.status == 200, err)

-- The right CA, but the certificate names another host.
res, err = try("wrong name", "https://elsewhere.example.com/get", { ca_file = own_ca })
assert(not res and err:find("SSL peer certificate", 1, true), err)
