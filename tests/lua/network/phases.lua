-- The phases of a request: which come, in which order, and every property of each.
local check = require("check")
local events = require("events")
local network = require("network")
local served = require("served")
local equal = check.equal

local documents = events.documents()

check.test("without progress there is the end alone", function()
  local url = served.whole("200 OK", "X-A: 1\r\n", "hello")
  local list, id = events.of(url, "GET")
  events.all_equal(list, {
    {
      status = 200, url = url, requestId = id, response = "hello", responseType = "binary",
      responseHeaders = { ["HTTP-STATUS-LINE"] = "HTTP/1.1 200 OK", ["X-A"] = "1", ["Content-Length"] = "5" },
      bytesTransferred = 5, bytesEstimated = 5,
    },
  })
end)

check.test("a download with progress begins with the head, moves, and ends", function()
  local url = served.whole("201 Created", "X-A: 1\r\n", "hello")
  local headers = { ["HTTP-STATUS-LINE"] = "HTTP/1.1 201 Created", ["X-A"] = "1", ["Content-Length"] = "5" }
  local list, id = events.of(url, "GET", { progress = "download" })
  local all = { status = 201, url = url, requestId = id, responseHeaders = headers, bytesEstimated = 5 }
  local function with(more)
    for key, value in pairs(all) do more[key] = value end
    return more
  end
  events.all_equal(list, {
    with({ phase = "began", bytesTransferred = 0 }),
    with({ phase = "progress", bytesTransferred = 5 }),
    with({ response = "hello", responseType = "binary", bytesTransferred = 5 }),
  })
end)

check.test("began comes with the head, before the body does, and each movement after its own bytes", function()
  local first, second = served.name(), served.name()
  local url = served.url("HTTP/1.1 200 OK\r\nContent-Length: 30\r\n\r\n", served.wait(first), ("a"):rep(10),
    served.wait(second), ("b"):rep(20))
  local list = events.of(url, "GET", { progress = "download", progressInterval = 0 }, function(event, all)
    if event.phase == "began" then served.release(first) end
    if event.phase == "progress" and event.bytesTransferred == 10 then served.release(second) end
    if event.phase ~= "ended" then
      equal(event.response, nil)
      equal(event.responseType, nil)
    end
    assert(#all < 10)
  end)
  local told = {}
  for _, event in ipairs(list) do told[#told + 1] = event.phase .. "=" .. event.bytesTransferred .. "/" .. event.bytesEstimated end
  equal(table.concat(told, " "), "began=0/30 progress=10/30 progress=30/30 ended=30/30")
end)

check.test("a body without a length is estimated as -1", function()
  local url = check.url("/stream-bytes/5000")
  local list, id = events.of(url, "GET", { progress = "download" })
  equal(list[1].phase, "began")
  for index, event in ipairs(list) do
    equal(event.requestId, id)
    equal(event.bytesEstimated, -1, "event " .. index)
    equal(event.status, 200)
  end
  equal(list[#list].phase, "ended")
  equal(list[#list].bytesTransferred, 5000)
end)

check.test("an empty body begins and ends; its response is empty text", function()
  local url = served.whole("200 OK")
  local list, id = events.of(url, "GET", { progress = "download" })
  equal(list[1].phase, "began")
  equal(list[1].bytesEstimated, 0)
  events.equal(list[#list], {
    status = 200, url = url, requestId = id, response = "", responseType = "text",
    responseHeaders = { ["HTTP-STATUS-LINE"] = "HTTP/1.1 200 OK", ["Content-Length"] = "0" },
    bytesTransferred = 0, bytesEstimated = 0,
  })
  equal(events.came(check.url("/status/204"), "GET").response, "")
end)

check.test("a HEAD ends with the fields and no body", function()
  local event = events.came(check.url("/bytes/100"), "HEAD")
  equal(event.status, 200)
  equal(event.response, "")
  equal(event.responseType, "text")
  equal(event.bytesTransferred, 0)
  equal(event.responseHeaders["content-length"], "100")
end)

check.test("an upload with progress begins with its size, moves, and ends with the answer", function()
  local url = served.whole("200 OK", "X-A: 1\r\n", "thanks")
  local list, id = events.of(url, "POST", { progress = "upload", body = ("u"):rep(1000) })
  local common = { url = url, requestId = id, bytesEstimated = 1000 }
  local function with(more)
    for key, value in pairs(common) do more[key] = value end
    return more
  end
  local headers = { ["HTTP-STATUS-LINE"] = "HTTP/1.1 200 OK", ["X-A"] = "1", ["Content-Length"] = "6" }
  events.equal(list[1], with({ phase = "began", status = -1, bytesTransferred = 0 }))
  -- The answer may be there when the movement is told.
  events.equal(list[2], with({
    phase = "progress", status = list[2].status, responseHeaders = list[2].responseHeaders, bytesTransferred = 1000,
  }))
  events.equal(list[3], with({
    status = 200, responseHeaders = headers, response = "thanks", responseType = "binary", bytesTransferred = 1000,
  }))
  equal(#list, 3)
end)

check.test("an upload begins before the connection is there, with the first dispatch after request", function()
  local told, in_request = {}, true
  local id = network.request(check.env("BLACK_HOLE_URL"), "POST", function(event)
    equal(in_request, false)
    told[#told + 1] = event.phase .. "=" .. event.bytesTransferred .. "/" .. event.bytesEstimated .. "/" .. event.status
  end, { progress = "upload", body = "abc" })
  in_request = false
  events.till(function() return #told > 0 end)
  equal(table.concat(told), "began=0/3/-1")
  network.cancel(id)
end)

check.test("an upload without a body begins with 0", function()
  local list = events.of(check.url("/post"), "POST", { progress = "upload" })
  equal(list[1].phase, "began")
  equal(list[1].bytesEstimated, 0)
  equal(list[#list].phase, "ended")
  equal(list[#list].status, 200)
end)

check.test("an upload's movements are told while it is sent", function()
  local size, gate = 16 * 1024 * 1024, served.name()
  local url = served.url(served.step("take-1000"), served.wait(gate), served.take, served.reply("200 OK"))
  local list = events.of(url, "PUT", { progress = "upload", body = ("u"):rep(size), bodyType = "binary" }, function(event)
    if event.phase == "progress" and event.bytesTransferred < size then served.release(gate) end
  end)
  local before = -1
  for index, event in ipairs(list) do
    equal(event.bytesEstimated, size)
    equal(event.phase, index == 1 and "began" or index == #list and "ended" or "progress")
    assert(event.bytesTransferred >= before and event.bytesTransferred <= size)
    before = event.bytesTransferred
  end
  assert(#list >= 4, "no movement was told before the end: " .. #list .. " events")
  equal(before, size)
end)

check.test("404 and 500 are no errors", function()
  for _, status in ipairs({ 404, 500, 418 }) do
    local event = events.came(check.url("/status/" .. status), "GET")
    equal(event.status, status)
    equal(event.isError, false)
    assert(event.responseHeaders["HTTP-STATUS-LINE"]:find("^HTTP/1.1 " .. status .. " "))
  end
end)

check.test("a failure before the answer has status -1 and no headers, and tells the one end", function()
  local url = check.env("REFUSED_URL") .. "/"
  for _, progress in ipairs({ "none", "download" }) do
    local list, id = events.of(url, "GET", { progress = progress })
    events.all_equal(list, {
      {
        isError = true, status = -1, url = url, requestId = id, responseType = "text",
        response = function(text) return text:find("^Connection failure: .") ~= nil end,
        bytesTransferred = 0, bytesEstimated = function(count) return count == -1 or count == 0 end,
      },
    })
  end
end)

check.test("a failure in the body comes after its beginning, with status -1", function()
  local url = check.env("RAW_TRUNCATED_URL")
  local list = events.of(url, "GET", { progress = "download" })
  equal(list[1].phase, "began")
  equal(list[1].status, 200)
  local last = list[#list]
  equal(last.phase, "ended")
  equal(last.isError, true)
  equal(last.status, -1)
  equal(last.responseHeaders, nil)
  check.begins(last.response, "Connection aborted: ")
end)

check.test("each failure has one of the old sentences and a detail", function()
  local function fails(sentence, url, params)
    local text = events.failed(url, "GET", params)
    assert(text:find("^" .. sentence .. ": .") , "expected " .. sentence .. ", got " .. text)
  end
  fails("Timed out", check.env("RAW_SILENT_URL"), { timeout = 0.2 })
  fails("Invalid URL", "http://127.0.0.1:99999/")
  fails("Connection failure", check.env("REFUSED_URL"))
  fails("Connection failure", "http://no-such-name.invalid/")
  fails("Connection aborted", check.env("RAW_EMPTY_URL"))
  fails("Unknown error", check.env("RAW_GARBAGE_URL"))
end)

check.test("a certificate that is not trusted is an error that says so", function()
  local text = events.failed(check.env("SELF_SIGNED_URL") .. "/get", "GET")
  check.holds(text, ": ")
  assert(text:lower():find("certificate", 1, true), text)
end)

check.test("headers keep their names, are found in any case, and join what comes twice", function()
  local event = events.came(check.env("RAW_FIELDS_URL"), "GET")
  local headers = event.responseHeaders
  equal(headers["HTTP-STATUS-LINE"], "HTTP/1.1 200 All Is Well")
  equal(headers["X-MiXed"], "v")
  equal(headers["x-mixed"], "v")
  equal(rawget(headers, "x-mixed"), nil)
  equal(headers["X-Space"], "a b")
  equal(headers["x-empty"], "")
  equal(headers["Set-Cookie"], "a=1,b=2")
  equal(headers["nothing"], nil)
  equal(headers[1], nil)
  local names = {}
  for name in pairs(headers) do names[#names + 1] = name end
  table.sort(names)
  equal(table.concat(names, " "), "Content-Length HTTP-STATUS-LINE Set-Cookie X-Empty X-MiXed X-Space")
  local two = events.came(served.whole("200 OK", "Via: 1.1 a\r\nvia: 1.1 b\r\n", "x"), "GET").responseHeaders
  equal(two["Via"], "1.1 a, 1.1 b")
end)

check.test("movements are at most one each interval, and the total is told at the end", function()
  local size = 4 * 1024 * 1024
  local list = events.of(check.url("/bytes/" .. size), "GET", { progress = "download", progressInterval = 3600000 })
  equal(#list, 3)
  equal(list[2].phase, "progress")
  equal(list[3].bytesTransferred, size)
end)

check.test("the ends of many requests come each once, with its own answer", function()
  local ended, expected = {}, 200
  for number = 1, expected do
    network.request(check.url("/anything?n=" .. number), "GET", function(event)
      equal(event.phase, "ended")
      equal(check.json.decode(event.response).args.n, tostring(number))
      ended[number] = (ended[number] or 0) + 1
    end)
  end
  equal(network.wait(nil, events.patience), true)
  for number = 1, expected do equal(ended[number], 1, "ends of request " .. number) end
end)

check.test("what ours adds: times, protocol, and the URL after redirects", function()
  local event = events.came(check.url("/redirect/2"), "GET")
  equal(event.url, check.url("/redirect/2"))
  equal(event.redirectedUrl, check.url("/get"))
  equal(type(event.timings), "table")
  assert(event.timings.finished > 0)
  equal(event.protocol, "HTTP/1.1")
  equal(check.http.get(check.url("/redirect/2")).url, event.redirectedUrl)
end)

check.done()
