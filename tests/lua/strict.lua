-- http.strict = true: mistakes that are ignored otherwise become errors that say what to do.
local check = require("check")
local http, equal = check.http, check.equal
local url = check.url("/anything")

local function refused(sentence, ...)
  equal(check.failed(http.get(url, ...)), "Invalid argument: " .. sentence)
end

http.strict = true

check.test("an unknown option is an error that names the nearest", function()
  refused("unknown option 'timout'; did you mean 'timeout'?", { timout = 5 })
  refused("unknown option 'header'; did you mean 'headers'?", { header = {} })
  refused("unknown option 'on_progres'; did you mean 'on_progress'?", { on_progres = print })
  refused("unknown option 'callback'", { callback = print })
  refused("options must have names: { name = value }", { "text" })
end)

check.test("an option of the wrong type is an error that says which is right", function()
  refused("option 'timeout' must be a number", { timeout = {} })
  refused("option 'timeout' must be a number", { timeout = "soon" })
  refused("option 'follow_redirects' must be true or false", { follow_redirects = 1 })
  refused("option 'verify_ssl' must be true or false", { verify_ssl = "false" })
  refused("option 'headers' must be a table", { headers = "A: b" })
  refused("option 'headers' must be a table of strings under strings", { headers = { "A: b" } })
  refused("option 'user_agent' must be a string", { user_agent = true })
  refused("option 'auth' must be a table with the strings user and pass", { auth = {} })
  refused("option 'on_progress' must be a function", { on_progress = 5 })
  refused("options must be a table", "text")
end)

check.test("right options are taken as ever", function()
  equal(http.get(url, { timeout = 5, headers = { ["X-A"] = 1 }, verify_ssl = true }).status, 200)
  equal(http.get(url).status, 200)
  equal(http.get(url, nil).status, 200)
  equal(http.post(url, "a=1", { timeout = "5" }).status, 200)
  equal(http.post(url, { data = "a=1" }).status, 200)
end)

check.test("data of the wrong type is an error", function()
  equal(check.failed(http.post(url, true, {})), "Invalid argument: option 'data' must be a string")
end)

check.test("without strict all of these are ignored", function()
  http.strict = false
  equal(http.get(url, { timout = 5, timeout = {}, headers = "A: b", auth = {}, on_progress = 5 }).status, 200)
end)

check.done()
