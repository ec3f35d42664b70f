-- Every form in which request, download and upload take their arguments, and what they do to them.
local check = require("check")
local events = require("events")
local network = require("network")
local equal = check.equal

local documents = events.documents()
local system = events.system

--- Waits for everything; returns what a listener recorded meanwhile.
local function ends(list)
  equal(network.wait(nil, events.patience), true)
  return list
end

check.test("network is a module and no global, and has every function of the page", function()
  equal(require("network"), network)
  equal(require("whimbrel.network"), network)
  for _, name in ipairs({
    "request", "download", "upload", "cancel", "setStatusListener", "getConnectionStatus", "dispatch", "wait", "fetch",
  }) do
    equal(type(network[name]), "function", name)
  end
end)

check.test("a method of nil is GET", function()
  local listener, list = events.recorder()
  network.request(check.url("/anything"), nil, listener)
  equal(check.json.decode(ends(list)[1].response).method, "GET")
end)

check.test("a method is sent in upper case", function()
  equal(events.echo("put", { body = "x" }).method, "PUT")
end)

check.test("a request without a listener is made", function()
  local served = require("served")
  local name = served.name()
  local url = served.url(served.log(name), served.reply("200 OK"))
  network.request(url)
  network.request(url, "GET")
  network.request(url, "GET", nil)
  network.request(url, "GET", { headers = { ["X-Mark"] = "1" } })
  network.request(url, "GET", nil, { headers = { ["X-Mark"] = "2" } })
  equal(network.wait(nil, events.patience), true)
  local log = served.logged(name)
  local _, count = log:gsub("GET /", "")
  equal(count, 5)
  check.holds(log, "X-Mark: 1\r\n")
  check.holds(log, "X-Mark: 2\r\n")
end)

check.test("a table with the method networkRequest is a listener", function()
  local object = { told = 0 }
  function object:networkRequest(event)
    self.told = self.told + 1
    self.event = event
  end
  local id = network.request(check.url("/anything"), "POST", object, { body = "x" })
  events.await(id)
  equal(object.told, 1)
  equal(object.event.requestId, id)
  equal(check.json.decode(object.event.response).data, "x")
end)

check.test("a table without that method in the listener's place is params", function()
  local served = require("served")
  local name = served.name()
  network.request(served.url(served.log(name), served.reply("200 OK")), "POST", { body = "as params" })
  ends()
  check.holds(served.logged(name), "as params")
end)

check.test("what a table's method is, is looked up when it is called", function()
  local first, second = 0, 0
  local object = { networkRequest = function() first = first + 1 end }
  network.request(check.url("/get"), "GET", object)
  object.networkRequest = function() second = second + 1 end
  ends()
  equal(first, 0)
  equal(second, 1)
end)

check.test("download takes its params or leaves them out", function()
  local url = check.url("/bytes/7")
  local forms = {
    function(listener) return network.download(url, "GET", listener, "a.bin") end,
    function(listener) return network.download(url, "GET", listener, nil, "a.bin") end,
    function(listener) return network.download(url, "GET", listener, {}, "a.bin") end,
    function(listener) return network.download(url, nil, listener, "a.bin") end,
    function(listener) return network.download(url, "GET", listener, "a.bin", system.DocumentsDirectory) end,
    function(listener) return network.download(url, "GET", listener, {}, "a.bin", system.DocumentsDirectory) end,
  }
  for index, form in ipairs(forms) do
    local listener, list = events.recorder()
    local id = form(listener)
    ends()
    events.all_equal(list, {
      {
        status = 200, url = url, requestId = id, responseHeaders = events.some_headers,
        response = { filename = "a.bin", baseDirectory = system.DocumentsDirectory, fullPath = documents .. "/a.bin" },
        responseType = "binary", bytesTransferred = 7, bytesEstimated = 7,
      },
    })
    equal(#check.read(documents .. "/a.bin"), 7, "form " .. index)
    os.remove(documents .. "/a.bin")
  end
end)

check.test("download goes to the directory that is named", function()
  local listener, list = events.recorder()
  network.download(check.url("/bytes/9"), "GET", listener, "t.bin", system.TemporaryDirectory)
  local response = ends(list)[1].response
  equal(response.baseDirectory, system.TemporaryDirectory)
  equal(response.fullPath, system.pathForFile("t.bin", system.TemporaryDirectory))
  equal(#check.read(response.fullPath), 9)
  equal(check.read(documents .. "/t.bin"), nil)
  os.remove(response.fullPath)
end)

check.test("progress of true is the direction of download and of upload", function()
  local listener, list = events.recorder()
  local params = { progress = true }
  network.download(check.url("/bytes/5"), "GET", listener, params, "p.bin")
  ends()
  equal(list[1].phase, "began")
  equal(list[1].status, 200)
  equal(params.progress, "download")
  listener, list = events.recorder()
  params = { progress = true }
  check.write(documents .. "/p.bin", "upload me")
  network.upload(check.url("/anything"), "PUT", listener, params, "p.bin", system.DocumentsDirectory, "text/plain")
  ends()
  equal(list[1].phase, "began")
  equal(list[1].status, -1)
  equal(list[1].bytesEstimated, 9)
  equal(params.progress, "upload")
end)

check.test("download and upload write what they mean into the caller's params", function()
  local params = { timeout = 20 }
  network.download(check.url("/bytes/5"), "GET", function() end, params, "m.bin", system.TemporaryDirectory)
  equal(params.response.filename, "m.bin")
  equal(params.response.baseDirectory, system.TemporaryDirectory)
  equal(params.progress, nil)
  params = {}
  check.write(documents .. "/m.bin", "m")
  network.upload(check.url("/post"), nil, function() end, params, "m.bin", system.DocumentsDirectory, "x/y")
  equal(params.body.filename, "m.bin")
  equal(params.body.baseDirectory, system.DocumentsDirectory)
  equal(params.headers["Content-Type"], "x/y")
  ends()
end)

check.test("upload takes its params and type or leaves them out, and is a POST unless told otherwise", function()
  check.write(documents .. "/u.txt", "curlew")
  local url = check.url("/anything")
  local typed = { headers = { ["Content-Type"] = "a/b" } }
  local forms = {
    { "POST", "c/d", function(l) return network.upload(url, nil, l, "u.txt", system.DocumentsDirectory, "c/d") end },
    { "POST", "c/d", function(l) return network.upload(url, "POST", l, "u.txt", "c/d") end },
    { "PUT", "c/d", function(l) return network.upload(url, "PUT", l, {}, "u.txt", "c/d") end },
    { "PUT", "c/d", function(l) return network.upload(url, "PUT", l, nil, "u.txt", system.DocumentsDirectory, "c/d") end },
    { "POST", "a/b", function(l) return network.upload(url, "POST", l, typed, "u.txt") end },
    { "POST", "a/b", function(l) return network.upload(url, "POST", l, typed, "u.txt", system.DocumentsDirectory) end },
  }
  for index, form in ipairs(forms) do
    local listener, list = events.recorder()
    form[3](listener)
    ends()
    equal(#list, 1, "events of form " .. index)
    equal(list[1].isError, false, tostring(list[1].response))
    local echo = check.json.decode(list[1].response)
    equal(echo.method, form[1], "form " .. index)
    equal(echo.headers["Content-Type"], form[2], "form " .. index)
    equal(echo.data, "curlew", "form " .. index)
  end
end)

check.test("a request's id is userdata, equal to itself alone, and has a name", function()
  local one = network.request(check.url("/get"), "GET")
  local other = network.request(check.url("/get"), "GET")
  equal(type(one), "userdata")
  assert(one ~= other)
  assert(one == one and tostring(one) ~= tostring(other))
  ends()
end)

check.test("params may be used again, and changing them after the call changes nothing", function()
  local params = { headers = { ["X-Mark"] = "before" }, body = "one" }
  local listener, list = events.recorder()
  network.request(check.url("/anything"), "POST", listener, params)
  params.headers["X-Mark"], params.body = "after", "two"
  network.request(check.url("/anything"), "POST", listener, params)
  ends()
  local marks = {}
  for index, event in ipairs(list) do
    local echo = check.json.decode(event.response)
    marks[index] = echo.headers["X-Mark"] .. "=" .. echo.data
  end
  table.sort(marks)
  equal(table.concat(marks, " "), "after=two before=one")
  equal(params.response, nil)
  equal(params.headers["Content-Type"], nil)
end)

check.test("dispatch says how many are left, and wait that nothing is", function()
  equal(network.dispatch(), 0)
  equal(network.wait(), true)
  network.request(check.url("/get"), "GET")
  assert(network.dispatch() <= 1)
  equal(network.wait(nil, events.patience), true)
  equal(network.dispatch(), 0)
end)

check.test("wait for one request comes back when it has ended, whatever others do", function()
  local slow = network.request(check.env("RAW_SILENT_URL"), "GET")
  local quick = network.request(check.url("/get"), "GET")
  equal(network.wait(quick, events.patience), true)
  equal(network.wait(quick, events.patience), true, "a second time")
  equal(network.wait(slow, 0.05), false)
  equal(network.dispatch(), 1)
  equal(network.cancel(slow), true)
  equal(network.dispatch(), 0)
end)

check.done()
