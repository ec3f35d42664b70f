-- Responses whose header names keep coming are built another way; no script may see a difference.
local check = require("check")
local http, equal = check.http, check.equal

local function described(response)
  local names = {}
  for name, value in pairs(response.headers) do names[#names + 1] = name .. "=" .. value end
  table.sort(names)
  local keys = {}
  for key in pairs(response) do keys[#keys + 1] = key end
  table.sort(keys)
  local list = {}
  for _, field in ipairs(response.headers_list) do list[#list + 1] = field[1] .. ":" .. field[2] end
  return table.concat({
    response.status, response.body, response.url, response.reason, response.version, table.concat(names, "|"),
    table.concat(list, "|"), table.concat(keys, "|"), response.headers["CONTENT-length"],
  }, "\n")
end

check.test("the thirtieth response looks as the first", function()
  local first = described(check.came(http.get(check.env("RAW_BINARY_URL"))))
  for _ = 1, 30 do equal(described(check.came(http.get(check.env("RAW_BINARY_URL")))), first) end
end)

check.test("responses are tables of their own", function()
  local one, other
  for _ = 1, 20 do
    one, other = http.get(check.env("RAW_BINARY_URL")), http.get(check.env("RAW_BINARY_URL"))
    one.headers["Content-Length"], one.status, one.mark = "changed", 1, true
    equal(other.headers["Content-Length"], "256")
    equal(other.status, 200)
    equal(other.mark, nil)
  end
  equal(http.get(check.env("RAW_BINARY_URL")).headers["Content-Length"], "256")
end)

check.test("many shapes may take turns", function()
  for round = 1, 12 do
    for shape = 1, 20 do
      local name = "X-Shape-" .. shape
      local response = check.came(http.get(check.url("/response-headers?" .. name .. "=" .. round)))
      equal(response.headers[name], tostring(round))
      equal(response.headers["X-Shape-" .. shape + 1], nil)
    end
  end
end)

check.test("repeated fields stay joined", function()
  for _ = 1, 20 do
    equal(http.get(check.env("RAW_FIELDS_URL")).headers["Set-Cookie"], "a=1, b=2")
  end
end)

check.test("headers_list has what was received, whatever varies and whatever the script changed", function()
  for round = 1, 60 do
    -- The values that never change, the one that changes at first and later, and bytes that end a string in Lua.
    local value = round < 20 and "first" or "later-" .. math.floor(round / 20)
    local query = "X-A=" .. value .. "&X-B=%22%5C%5D%5D1&X-C=" .. round
    local response = check.came(http.get(check.url("/response-headers?" .. query)))
    response.headers["X-A"], response.headers["X-B"], response.headers["X-C"] = nil, "changed", "changed"
    local found = {}
    for _, field in ipairs(response.headers_list) do found[field[1]] = field[2] end
    equal(found["X-A"], value)
    equal(found["X-B"], '"\\]]1')
    equal(found["X-C"], tostring(round))
  end
end)

check.test("what headers_list and timings need is kept as long as the response, and not longer", function()
  local kept = {}
  for index = 1, 200 do kept[index] = http.get(check.url("/response-headers?X-Index=" .. index)) end
  collectgarbage()
  collectgarbage()
  for index = 1, 200 do
    local found
    for _, field in ipairs(kept[index].headers_list) do
      if field[1] == "X-Index" then found = field[2] end
    end
    equal(found, tostring(index))
    assert(kept[index].timings.finished)
  end
  kept = nil
  collectgarbage()
  collectgarbage()
  local before = collectgarbage("count")
  for _ = 1, 2000 do http.get(check.env("RAW_BINARY_URL")) end
  collectgarbage()
  collectgarbage()
  local grown = collectgarbage("count") - before
  assert(grown < 100, "2000 responses left " .. grown .. " KiB")
end)

check.done()
