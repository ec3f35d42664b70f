-- What is sent: fields, the rules of Content-Type, bodies by method, credentials, agent.
local check = require("check")
local events = require("events")
local network = require("network")
local served = require("served")
local equal = check.equal

local system = events.system
local documents = events.documents()

--- The Content-Type with which a request went out.
local function type_of(method, params)
  return events.echo(method, params).headers["Content-Type"]
end

check.test("fields go out as strings, numbers and booleans; others are left out", function()
  local seen = events.echo("GET", {
    headers = {
      ["X-Text"] = "a b", ["X-Whole"] = 5, ["X-Half"] = 1.5, ["X-Yes"] = true, ["X-No"] = false,
      ["X-Table"] = {}, ["X-Function"] = print, [1] = "numbered", [true] = "odd",
    },
  }).headers
  equal(seen["X-Text"], "a b")
  equal(seen["X-Whole"], "5")
  equal(seen["X-Half"], "1.500000")
  equal(seen["X-Yes"], "true")
  equal(seen["X-No"], "false")
  equal(seen["X-Table"], nil)
  equal(seen["X-Function"], nil)
  equal(seen["1"], nil)
end)

check.test("a Content-Length of the script's is dropped in any case of its name", function()
  for _, name in ipairs({ "Content-Length", "content-length", "CONTENT-LENGTH" }) do
    equal(events.echo("POST", { headers = { [name] = "999" }, body = "four" }).headers["Content-Length"], "4")
  end
end)

check.test("a field that would break out of its line is refused as an event", function()
  for _, headers in ipairs({ { ["X-A"] = "b\r\nX-C: d" }, { ["X\r\nA"] = "b" }, { ["X-A"] = "b\0c" }, { ["X A"] = "b" } }) do
    local text = events.failed(check.url("/get"), "GET", { headers = headers })
    assert(text ~= "", text)
  end
end)

check.test("text without a type goes out as plain text in UTF-8, with every method", function()
  for _, method in ipairs({ "POST", "PUT", "PATCH", "DELETE" }) do
    equal(type_of(method, { body = "x" }), "text/plain; charset=UTF-8", method)
    equal(type_of(method, { body = "x", bodyType = "text" }), "text/plain; charset=UTF-8", method)
  end
end)

check.test("binary without a type goes out as octets", function()
  equal(type_of("POST", { body = "x", bodyType = "binary" }), "application/octet-stream")
  equal(type_of("PUT", { body = "x", bodyType = "binary" }), "application/octet-stream")
end)

check.test("a given type without a charset gets one where the body is text", function()
  local function with(value, body_type)
    return type_of("POST", { headers = { ["content-type"] = value }, body = "x=1", bodyType = body_type })
  end
  equal(with("application/json"), "application/json; charset=UTF-8")
  equal(with("multipart/form-data; boundary=zz"), "multipart/form-data; boundary=zz; charset=UTF-8")
  equal(with("application/json", "binary"), "application/json")
  equal(with("text/plain; charset=utf-8"), "text/plain; charset=utf-8")
  equal(with('text/plain; charset="UTF-8"'), 'text/plain; charset="UTF-8"')
end)

check.test("a given charset transcodes text from UTF-8, and leaves binary alone", function()
  local name = served.name()
  local url = served.url(served.log(name), served.reply("200 OK"))
  local function sent(charset, body_type)
    events.came(url, "POST", {
      headers = { ["Content-Type"] = "text/plain; charset=" .. charset }, body = "caf\195\169 \226\130\172", bodyType = body_type,
    })
    return served.logged(name):match("\r\n\r\n(.*)$")
  end
  equal(sent("windows-1252"), "caf\233 \128")
  equal(sent("UTF-8"), "caf\195\169 \226\130\172")
  equal(sent("windows-1252", "binary"), "caf\195\169 \226\130\172")
end)

check.test("without params no type is sent, and without a body none is", function()
  local listener, list = events.recorder()
  events.await(network.request(check.url("/anything"), "POST", listener))
  equal(check.json.decode(list[1].response).headers["Content-Type"], nil)
  equal(type_of("POST", {}), nil)
  equal(type_of("GET", { headers = { Accept = "*/*" } }), nil)
end)

check.test("formPosts gives an untyped POST the form's type, and nothing else", function()
  equal(network.formPosts or false, false)
  network.formPosts = true
  local good, why = pcall(function()
    equal(type_of("POST", { body = "color=red" }), "application/x-www-form-urlencoded; charset=UTF-8")
    equal(events.echo("POST", { body = "color=red" }).form.color, "red")
    equal(type_of("PUT", { body = "x" }), "text/plain; charset=UTF-8")
    equal(type_of("POST", { body = "{}", headers = { ["Content-Type"] = "a/b" }, bodyType = "binary" }), "a/b")
  end)
  network.formPosts = nil
  if not good then error(why, 0) end
  equal(type_of("POST", { body = "x" }), "text/plain; charset=UTF-8")
end)

check.test("GET and HEAD carry no body, every other method does", function()
  local name = served.name()
  local url = served.url(served.log(name), served.reply("204 No Content"))
  for _, method in ipairs({ "GET", "HEAD" }) do
    equal(events.came(url, method, { body = "dropped" }).status, 204)
    local log = served.logged(name)
    check.begins(log, method .. " /")
    assert(not log:find("dropped", 1, true) and not log:lower():find("content%-length"), log)
  end
  for _, method in ipairs({ "POST", "PUT", "PATCH", "DELETE" }) do
    equal(events.echo(method, { body = "carried" }).data, "carried", method)
  end
end)

check.test("a POST without a body says that it has none", function()
  equal(events.echo("POST").headers["Content-Length"], "0")
end)

check.test("text and binary are sent whole, NUL bytes and all", function()
  local name = served.name()
  local url = served.url(served.log(name), served.reply("200 OK"))
  for _, body_type in ipairs({ "text", "binary" }) do
    local body = body_type == "text" and "a\0b" or check.all_bytes()
    events.came(url, "POST", { body = body, bodyType = body_type })
    equal(served.logged(name):match("\r\n\r\n(.*)$"), body, body_type)
  end
end)

check.test("a file is sent as it is, with its own length", function()
  check.write(documents .. "/all.bin", check.all_bytes():rep(1000))
  local name = served.name()
  local url = served.url(served.log(name), served.reply("200 OK"))
  events.came(url, "POST", { headers = { ["Content-Type"] = "text/plain" }, body = { filename = "all.bin" } })
  local log = served.logged(name)
  check.holds(log, "Content-Length: 256000\r\n")
  check.holds(log, "Content-Type: text/plain\r\n")
  assert(log:sub(-256000) == check.all_bytes():rep(1000), "the body is another")
end)

check.test("a file is looked for in the documents, then in the resources", function()
  local resource = system.pathForFile(nil, system.ResourceDirectory)
  check.write(resource .. "/only-resource.txt", "from the resources")
  local params = { headers = { ["Content-Type"] = "text/plain" }, body = { filename = "only-resource.txt" } }
  equal(events.echo("POST", params).data, "from the resources")
  check.write(documents .. "/only-resource.txt", "from the documents")
  equal(events.echo("POST", params).data, "from the documents")
  params.body.baseDirectory = system.ResourceDirectory
  equal(events.echo("POST", params).data, "from the resources")
  os.remove(documents .. "/only-resource.txt")
  os.remove(resource .. "/only-resource.txt")
end)

check.test("a file without a type is validated with POST as upstream does: it must have one with other methods", function()
  check.write(documents .. "/typeless.txt", "x")
  local output = events.child([[
    local network = require("network")
    local url = os.getenv("ORIGIN_URL") .. "/anything"
    for _, method in ipairs({ "PUT", "PATCH", "DELETE" }) do
      print(method, network.request(url, method, print, { body = { filename = "typeless.txt" } }))
    end
  ]])
  local _, count = output:gsub("Request Content%-Type header is required when request 'body' is specified", "")
  equal(count, 3, output)
end)

check.test("an upload file that is not there ends as an error that names it, before anything is asked", function()
  local text = events.failed(check.env("RAW_SILENT_URL"), "POST", {
    headers = { ["Content-Type"] = "text/plain" }, body = { filename = "nowhere.txt" },
  })
  check.holds(text, "nowhere.txt")
end)

check.test("the agent is Whimbrel's, unless the script names one", function()
  equal(events.echo("GET").headers["User-Agent"], "Whimbrel/" .. require("whimbrel").version)
  equal(events.echo("GET", { headers = { ["User-Agent"] = "Mine/1" } }).headers["User-Agent"], "Mine/1")
  equal(events.echo("GET", { headers = { ["user-agent"] = "Mine/2" } }).headers["User-Agent"], "Mine/2")
end)

check.test("credentials in the URL are sent as Basic, and the event's url is the script's", function()
  local url = check.url("/basic-auth/al/s3"):gsub("//", "//al:s3@", 1)
  local event = events.came(url, "GET")
  equal(event.status, 200)
  equal(event.url, url)
end)

check.test("codings are asked for and undone, and bytesTransferred counts what came", function()
  local event = events.came(check.url("/gzip"), "GET")
  equal(check.json.decode(event.response).gzipped, true)
  equal(tostring(event.bytesTransferred), event.responseHeaders["Content-Length"])
  assert(event.bytesTransferred ~= #event.response)
  event = events.came(check.url("/brotli"), "GET")
  equal(check.json.decode(event.response).brotli, true)
end)

check.test("a download to a file asks for no coding", function()
  events.came(check.url("/anything"), "GET", { response = { filename = "coding.json" } })
  equal(check.json.decode(check.read(documents .. "/coding.json")).headers["Accept-Encoding"], "identity")
end)

check.test("a script's own Accept-Encoding is sent, and its coding is undone", function()
  local event = events.came(check.url("/gzip"), "GET", { headers = { ["Accept-Encoding"] = "gzip" } })
  local decoded = check.json.decode(event.response)
  equal(decoded.gzipped, true)
  equal(decoded.headers["Accept-Encoding"], "gzip")
end)

check.done()
