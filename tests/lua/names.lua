-- Every name of the library reaches one engine, and what concerns the state as a whole.
local check = require("check")
local equal = check.equal

check.test("http and whimbrel.http are one table", function()
  local http = require("http")
  equal(require("whimbrel.http"), http)
  equal(require("whimbrel").http, http)
end)

check.test("whimbrel tells its version and has json", function()
  local whimbrel = require("whimbrel")
  assert(whimbrel.version:match("^%d+%.%d+%.%d+$"), whimbrel.version)
  equal(check.http._VERSION, "whimbrel " .. whimbrel.version)
  equal(whimbrel.json.encode({ 1 }), "[1]")
end)

check.test("a second load of the module gives the same table, and so one session", function()
  local http = require("http")
  package.loaded["http"], package.loaded["whimbrel.http"], package.loaded["whimbrel"] = nil, nil, nil
  equal(require("http"), http)
  equal(require("whimbrel.http"), http)
  equal(require("whimbrel").http, http)
end)

check.test("requests under different names share one connection", function()
  local one = require("http").get(check.url("/get"))
  local other = require("whimbrel.http").get(check.url("/get"))
  equal(check.json.decode(one.body).origin, check.json.decode(other.body).origin)
  equal(other.timings.connected, nil, "a new connection's time")
end)

check.test("the module has the functions of the page and their relatives", function()
  for _, name in ipairs({ "request", "get", "post", "put", "delete", "download", "patch", "head", "options" }) do
    equal(type(check.http[name]), "function", name)
  end
  equal(check.http.strict, false)
end)

check.test("install replaces what a host has under the name, and can be undone", function()
  local theirs, preload = { theirs = true }, function() end
  local ours = require("http")
  package.loaded.http, package.preload.http, _G.http = theirs, preload, theirs
  local undo = require("whimbrel").install({ "http" })
  equal(require("http"), ours)
  equal(_G.http, ours)
  equal(package.preload.http(), ours)
  undo()
  equal(require("http"), theirs)
  equal(package.preload.http, preload)
  equal(_G.http, theirs)
  undo()
  equal(require("http"), theirs, "after a second undo")
  package.loaded.http, package.preload.http, _G.http = ours, nil, nil
end)

check.test("install and its undoing work where a host guards its globals", function()
  local guard = function(_, name) error("no global " .. tostring(name)) end
  setmetatable(_G, { __index = guard, __newindex = guard })
  local good, undo = pcall(require("whimbrel").install, { "http", "cjson", "cjson.safe" })
  local installed = good and rawget(_G, "http")
  local undone = good and pcall(undo)
  setmetatable(_G, nil)
  equal(good, true, tostring(undo))
  equal(installed, check.http)
  equal(undone, true)
  equal(rawget(_G, "http"), nil)
  equal(rawget(_G, "cjson.safe"), nil)
end)

check.test("install says what is wrong with its argument", function()
  local install = require("whimbrel").install
  check.raises("a list of module names expected", install)
  check.raises("whimbrel has no module 'ftp'", install, { "ftp" })
end)

check.test("defaults hold for every request and can be replaced", function()
  local whimbrel = require("whimbrel")
  local port = check.url(""):match(":(%d+)$")
  whimbrel.defaults({ resolve = { ["nowhere.invalid:" .. port] = "127.0.0.1" } })
  local response = check.came(check.http.get("http://nowhere.invalid:" .. port .. "/get"))
  equal(check.json.decode(response.body).headers.Host, "nowhere.invalid:" .. port)
  whimbrel.defaults({})
  check.failed(check.http.get("http://nowhere.invalid:" .. port .. "/get", { timeout = 5 }))
  check.raises("resolve and ca_file", whimbrel.defaults, { proxy = "x" })
  check.raises("resolve must be a table", whimbrel.defaults, { resolve = { "x" } })
  check.raises("ca_file must be a path", whimbrel.defaults, { ca_file = {} })
end)

check.done()
