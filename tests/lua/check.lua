-- The harness of these tests: prints one line a test, `ok NAME` or `not ok NAME`, and at the end how many there were.
local check = {}

local passed, failed = 0, 0

check.http = require("http")
check.json = require("whimbrel").json

--- Runs one test; an error in it is its failure.
function check.test(name, body)
  local good, why = xpcall(body, debug.traceback)
  if good then
    passed = passed + 1
    print("ok " .. name)
  else
    failed = failed + 1
    print("not ok " .. name)
    print((tostring(why):gsub("\n", "\n    "):gsub("^", "    ")))
  end
end

local function show(value)
  if type(value) ~= "string" then return tostring(value) end
  if #value > 200 then value = value:sub(1, 200) .. "..." end
  return string.format("%q", value)
end

--- Fails unless both are the same.
function check.equal(actual, expected, what)
  if actual ~= expected then
    error((what and what .. ": " or "") .. "expected " .. show(expected) .. ", got " .. show(actual), 2)
  end
end

--- Fails unless the text begins with `start`.
function check.begins(text, start)
  if type(text) ~= "string" or text:sub(1, #start) ~= start then
    error("expected a text that begins with " .. show(start) .. ", got " .. show(text), 2)
  end
end

--- Fails unless the text holds `part`.
function check.holds(text, part)
  if type(text) ~= "string" or not text:find(part, 1, true) then
    error("expected a text that holds " .. show(part) .. ", got " .. show(text), 2)
  end
end

--- Fails unless `call` raises an error that holds `part`; returns the error.
function check.raises(part, call, ...)
  local good, why = pcall(call, ...)
  if good then error("expected an error that holds " .. show(part) .. ", but there was none", 2) end
  if part and not tostring(why):find(part, 1, true) then
    error("expected an error that holds " .. show(part) .. ", got " .. show(tostring(why)), 2)
  end
  return why
end

--- The response, which must have come.
function check.came(response, err, ...)
  if response == nil then error("the request failed: " .. tostring(err), 2) end
  check.equal(select("#", err, ...), 1, "values returned beside the response, counted with one nil")
  check.equal(err, nil)
  return response
end

--- The sentence of a request that must have failed.
function check.failed(response, err)
  check.equal(response, nil, "response")
  check.equal(type(err), "string", "type of the error")
  return err
end

--- A variable of the environment that the runner sets.
function check.env(name)
  return os.getenv(name) or error("the environment lacks " .. name .. "; run these tests by `cargo xtask lua-tests`", 2)
end

--- The URL of an endpoint of the plain origin.
function check.url(path)
  return check.env("ORIGIN_URL") .. path
end

--- What the origin saw of a request to /anything: `method`, `headers` in Train-Case, `data`, `args`, `form`, `json`.
function check.echo(options, url)
  local response = check.came(check.http.request(url or check.url("/anything"), options))
  check.equal(response.status, 200, "status of the echo")
  return check.json.decode(response.body)
end

--- A path in a folder that is this test's own.
function check.path(name)
  return check.env("WORK_DIR") .. "/" .. name
end

function check.read(path)
  local file = io.open(path, "rb")
  if not file then return nil end
  local content = file:read("*a")
  file:close()
  return content
end

function check.write(path, content)
  local file = assert(io.open(path, "wb"))
  file:write(content)
  file:close()
end

--- Every byte there is.
function check.all_bytes()
  local bytes = {}
  for byte = 0, 255 do bytes[#bytes + 1] = string.char(byte) end
  return table.concat(bytes)
end

function check.done()
  print("done " .. passed .. " " .. failed)
  io.stdout:flush()
  os.exit(failed == 0 and 0 or 1)
end

return check
