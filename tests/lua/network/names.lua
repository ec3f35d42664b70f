-- By which names the library is found, and what it shares with the rest of Whimbrel.
local check = require("check")
local events = require("events")
local whimbrel = require("whimbrel")
local equal = check.equal

check.test("network and whimbrel.network are one table", function()
  local network = require("network")
  equal(require("whimbrel.network"), network)
  equal(whimbrel.network, network)
end)

check.test("a second load gives the same table", function()
  local network = require("network")
  package.loaded["network"], package.loaded["whimbrel.network"] = nil, nil
  equal(require("network"), network)
  equal(require("whimbrel.network"), network)
end)

check.test("install takes over a host's own network, and can be undone", function()
  local theirs, ours = { theirs = true }, require("network")
  package.loaded.network, _G.network = theirs, theirs
  local undo = whimbrel.install({ "network" })
  equal(require("network"), ours)
  equal(_G.network, ours)
  undo()
  equal(require("network"), theirs)
  equal(_G.network, theirs)
  equal(require("whimbrel.network"), ours)
  package.loaded.network, _G.network = ours, nil
end)

check.test("defaults hold for network too", function()
  local port = check.url(""):match(":(%d+)$")
  whimbrel.defaults({ resolve = { ["nowhere.invalid:" .. port] = "127.0.0.1" } })
  equal(events.came("http://nowhere.invalid:" .. port .. "/get", "GET").status, 200)
  whimbrel.defaults({})
  events.failed("http://nowhere.invalid:" .. port .. "/get", "GET")
end)

check.test("a script that changes the standard library does not break it", function()
  local saved = { type = type, pairs = pairs, xpcall = xpcall, format = string.format, unpack = table.unpack }
  local event
  type, pairs, xpcall, string.format = nil, nil, nil, nil
  local good, why = pcall(function()
    local network = require("network")
    network.request(os.getenv("ORIGIN_URL") .. "/get", "GET", function(told) event = told end, { headers = { A = "b" } })
    network.wait(nil, 30)
  end)
  type, pairs, xpcall, string.format = saved.type, saved.pairs, saved.xpcall, saved.format
  equal(good, true, tostring(why))
  equal(event.status, 200)
end)

check.test("our directories are constants of type userdata, and all different", function()
  local system, seen = events.system, {}
  for _, name in ipairs({
    "ResourceDirectory", "DocumentsDirectory", "TemporaryDirectory", "CachesDirectory", "ApplicationSupportDirectory",
  }) do
    equal(type(system[name]), "userdata", name)
    assert(not seen[system[name]], name)
    seen[system[name]] = true
    equal(type(system.pathForFile(nil, system[name])), "string", name)
  end
  equal(system.pathForFile("a.txt", system.DocumentsDirectory), events.documents() .. "/a.txt")
  equal(system.pathForFile("../a.txt", system.DocumentsDirectory), nil)
  equal(system.pathForFile("not-there.txt", system.ResourceDirectory), nil)
  equal(system.pathForFile("not-there.txt"), nil)
end)

check.test("setBase says where the directories lie", function()
  local base = check.path("elsewhere")
  os.execute('mkdir -p "' .. base .. '"')
  events.under(base, function()
    local event = events.came(check.url("/bytes/5"), "GET", { response = { filename = "there.bin" } })
    equal(event.response.fullPath, base .. "/Documents/there.bin")
    equal(#check.read(base .. "/Documents/there.bin"), 5)
  end)
  check.raises("setBase", events.system.setBase, {})
end)

check.done()
