-- Responses to files: what is written where, what is left when it goes wrong, and which names are refused.
local check = require("check")
local events = require("events")
local network = require("network")
local served = require("served")
local equal = check.equal

local system = events.system
local documents = events.documents()

local function to(filename, more)
  local params = more or {}
  params.response = { filename = filename, baseDirectory = system.DocumentsDirectory }
  return params
end

--- Everything in the documents.
local function listing() return events.listing(documents) end

check.test("a response goes to its file, byte for byte, and the event tells where", function()
  local url = check.url("/bytes/300000?seed=5")
  local list, id = events.of(url, "GET", to("whole.bin"))
  events.all_equal(list, {
    {
      status = 200, url = url, requestId = id, responseType = "binary",
      responseHeaders = events.with_fields({ ["Content-Length"] = "300000" }),
      response = {
        filename = "whole.bin", baseDirectory = system.DocumentsDirectory, fullPath = documents .. "/whole.bin",
      },
      bytesTransferred = 300000, bytesEstimated = 300000,
    },
  })
  equal(check.read(documents .. "/whole.bin"), check.http.get(url).body)
  equal(listing(), "whole.bin")
end)

check.test("nginx's file comes whole, with its phases", function()
  local url = check.env("NGINX_URL") .. "/images/simulator/image-mask-base2.png"
  local size = tonumber(check.env("NGINX_IMAGE_SIZE"))
  local list = events.of(url, "GET", to("nginx.png", { progress = "download" }))
  equal(list[1].phase, "began")
  equal(list[1].bytesEstimated, size)
  equal(list[#list].response.filename, "nginx.png")
  equal(check.read(documents .. "/nginx.png"), check.read(check.env("NGINX_IMAGE")))
  os.remove(documents .. "/nginx.png")
end)

check.test("without a directory it is the documents", function()
  local event = events.came(check.url("/bytes/3"), "GET", { response = { filename = "plain.bin" } })
  equal(event.response.baseDirectory, system.DocumentsDirectory)
  equal(event.response.fullPath, documents .. "/plain.bin")
  os.remove(documents .. "/plain.bin")
end)

check.test("a directory that is none, and the resources, are refused", function()
  for _, directory in ipairs({ system.ResourceDirectory, "DocumentsDirectory" }) do
    local output = events.child(([[
      local network = require("network")
      local system = rawget(_G, "system") or require("whimbrel").system
      local function tell(event) print("told", event.isError, event.response) end
      local directory = %s
      print("returned", network.request(os.getenv("ORIGIN_URL") .. "/bytes/3", "GET", tell,
        { response = { filename = "refused.bin", baseDirectory = directory } }))
      network.wait(nil, 10)
    ]]):format(type(directory) == "string" and '"x"' or "system.ResourceDirectory"))
    assert(output:find("ERROR", 1, true) or output:find("told\ttrue", 1, true), output)
    assert(not output:find("told\tfalse", 1, true), output)
  end
  equal(check.read(system.pathForFile(nil, system.ResourceDirectory) .. "/refused.bin"), nil)
end)

check.test("an error status gives its body as a string and leaves the file alone", function()
  check.write(documents .. "/old.bin", "old")
  local event = events.came(check.url("/status/418"), "GET", to("old.bin"))
  equal(event.status, 418)
  equal(event.response, "The tea is short and stout.\n")
  equal(event.responseType, "text")
  equal(check.read(documents .. "/old.bin"), "old")
  event = events.came(check.url("/status/404"), "GET", to("never.bin"))
  equal(event.response, "")
  equal(check.read(documents .. "/never.bin"), nil)
  equal(listing(), "old.bin whole.bin")
end)

check.test("every 2xx is written, with an empty body an empty file", function()
  local event = events.came(served.whole("206 Partial Content", "Content-Range: bytes 0-2/9\r\n", "abc"), "GET", to("some.bin"))
  equal(event.response.filename, "some.bin")
  equal(check.read(documents .. "/some.bin"), "abc")
  event = events.came(served.whole("200 OK"), "GET", to("some.bin"))
  equal(event.response.filename, "some.bin")
  equal(event.responseType, "binary")
  equal(check.read(documents .. "/some.bin"), "")
  os.remove(documents .. "/some.bin")
end)

check.test("a failure leaves the old file, and nothing beside it", function()
  check.write(documents .. "/old.bin", "old")
  for _, url in ipairs({
    check.env("RAW_TRUNCATED_URL"), check.env("RAW_CHUNK_TRUNCATED_URL"), check.env("RAW_RESET_URL"), check.env("REFUSED_URL"),
  }) do
    events.failed(url, "GET", to("old.bin"))
    events.failed(url, "GET", to("new.bin"))
    equal(check.read(documents .. "/old.bin"), "old")
    equal(listing(), "old.bin whole.bin")
  end
end)

check.test("a cancel leaves the old file, and nothing beside it", function()
  local gone = served.name()
  local url = served.url("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", served.gone, served.open(gone))
  local beside
  local id = network.request(url, "GET", function(event)
    if event.phase == "progress" then
      beside = listing()
      network.cancel(event.requestId)
    end
    assert(event.phase ~= "ended", "it ended")
  end, to("old.bin", { progress = "download" }))
  equal(network.wait(id, events.patience), true)
  assert(beside ~= "old.bin whole.bin", "there was no part file: " .. beside)
  served.await(gone)
  events.till(function() return listing() == "old.bin whole.bin" end)
  equal(check.read(documents .. "/old.bin"), "old")
end)

check.test("the part file lies in the folder of its target while the download runs", function()
  local gate = served.name()
  local url = served.url("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf", served.wait(gate), "more")
  local during
  events.of(url, "GET", to("parted.bin", { progress = "download", progressInterval = 0 }), function(event)
    if event.phase == "progress" and not during then
      during = listing()
      equal(check.read(documents .. "/parted.bin"), nil)
      served.release(gate)
    end
  end)
  local _, count = during:gsub("%S+", "")
  equal(count, 3, during)
  equal(check.read(documents .. "/parted.bin"), "halfmore")
  os.remove(documents .. "/parted.bin")
  equal(listing(), "old.bin whole.bin")
end)

check.test("missing folders are made", function()
  local event = events.came(check.url("/bytes/4"), "GET", to("some/folders/deep.bin"))
  equal(event.response.filename, "some/folders/deep.bin")
  equal(event.response.fullPath, documents .. "/some/folders/deep.bin")
  equal(#check.read(documents .. "/some/folders/deep.bin"), 4)
  os.remove(documents .. "/some/folders/deep.bin")
  os.remove(documents .. "/some/folders")
  os.remove(documents .. "/some")
end)

check.test("names that lead out of their directory are refused before anything is asked", function()
  os.execute('ln -s / "' .. documents .. '/outside"')
  for _, name in ipairs({
    "../x", "/etc/x", "a/../../x", "..\\x", "C:x", "\\\\?\\x", "CON", "con.txt", "x:ads", "x\0y", "outside/tmp/x", "%2e%2e%2f", "",
    ".", "..",
  }) do
    local text = events.failed(check.env("RAW_SILENT_URL"), "GET", to(name))
    -- Quoted as Lua would.
    local visible = name:match("^[^%z]*"):gsub("\\", "\\\\")
    check.holds(text, visible)
    text = events.failed(check.env("RAW_SILENT_URL"), "PUT", {
      headers = { ["Content-Type"] = "a/b" }, body = { filename = name, baseDirectory = system.DocumentsDirectory },
    })
    check.holds(text, visible)
  end
  os.remove(documents .. "/outside")
  equal(listing(), "old.bin whole.bin")
end)

check.test("names that look odd but stay inside are taken", function()
  for _, name in ipairs({ "..x", "x..y", ".hidden", "a b", "caf\195\169" }) do
    equal(events.came(check.url("/bytes/4"), "GET", to(name)).response.filename, name)
    equal(#check.read(documents .. "/" .. name), 4)
    os.remove(documents .. "/" .. name)
  end
end)

check.test("two downloads to one file leave one of them whole", function()
  local sizes = {}
  for round = 1, 8 do
    local urls = { check.url("/bytes/400000?seed=1"), check.url("/bytes/300000?seed=2") }
    local ended = 0
    for _, url in ipairs(urls) do
      network.request(url, "GET", function(event)
        equal(event.isError, false, tostring(event.response))
        equal(event.response.filename, "both.bin")
        ended = ended + 1
      end, to("both.bin"))
    end
    equal(network.wait(nil, events.patience), true)
    equal(ended, 2)
    local size = #check.read(documents .. "/both.bin")
    assert(size == 400000 or size == 300000, "round " .. round .. " left " .. size .. " bytes")
    local seed = size == 400000 and 1 or 2
    sizes[seed] = sizes[seed] or check.http.get(urls[seed]).body
    assert(check.read(documents .. "/both.bin") == sizes[seed], "round " .. round .. " left a mixture")
    equal(listing(), "both.bin old.bin whole.bin")
  end
  os.remove(documents .. "/both.bin")
end)

check.test("a target that is a folder, and a folder that is a file, are errors that name it", function()
  os.execute('mkdir "' .. documents .. '/folder"')
  check.holds(events.failed(check.url("/bytes/4"), "GET", to("folder")), "folder")
  check.holds(events.failed(check.url("/bytes/4"), "GET", to("old.bin/below.bin")), "old.bin")
  os.execute('rmdir "' .. documents .. '/folder"')
  equal(listing(), "old.bin whole.bin")
end)

check.test("a folder that may not be written is an error that names the file", function()
  -- Root writes to folders that nobody may write to, but not to those that the kernel keeps.
  local where = io.open("/proc/self/status", "r") and "proc" or "locked"
  local base = documents .. "/" .. where
  if where == "proc" then
    -- Through a link below the documents it would be refused for its name: the base itself has to be there.
    local text = events.under("/proc", function()
      return events.failed(check.url("/bytes/4"), "GET", to("whimbrel-test.bin"))
    end)
    check.holds(text, "whimbrel-test.bin")
  else
    os.execute('mkdir -m 500 "' .. base .. '"')
    check.holds(events.failed(check.url("/bytes/4"), "GET", to("locked/x.bin")), "x.bin")
    os.execute('chmod 700 "' .. base .. '"; rmdir "' .. base .. '"')
  end
end)

check.test("file content is never transcoded", function()
  local event = events.came(served.whole("200 OK", "Content-Type: text/plain; charset=iso-8859-1\r\n", "caf\233"), "GET", to("latin.txt"))
  equal(event.responseType, "binary")
  equal(check.read(documents .. "/latin.txt"), "caf\233")
  os.remove(documents .. "/latin.txt")
end)

check.test("a response to a file has no limit of 64 MiB, and is never whole in memory", function()
  local size = 80 * 1024 * 1024
  local event = events.came(check.url("/bytes/" .. size), "GET", to("large.bin"))
  equal(event.bytesTransferred, size)
  local file = io.open(documents .. "/large.bin", "rb")
  equal(file:seek("end"), size)
  file:close()
  os.remove(documents .. "/large.bin")
  local status = io.open("/proc/self/status", "r")
  if status then
    local peak = tonumber(status:read("*a"):match("VmHWM:%s+(%d+)"))
    status:close()
    assert(peak < 64 * 1024, "the process took " .. peak .. " KiB")
  end
end)

check.test("a POST with a file body writes its answer to a file", function()
  check.write(documents .. "/question.txt", "why?")
  local event = events.came(check.url("/anything"), "POST", to("answer.json", {
    headers = { ["Content-Type"] = "text/plain" }, body = { filename = "question.txt" },
  }))
  equal(event.response.filename, "answer.json")
  equal(check.json.decode(check.read(documents .. "/answer.json")).data, "why?")
end)

check.done()
