-- Nothing of one request is left in the next: each request of a long session is, byte for byte, the one that a fresh
-- process sends. Threats row 13.
local check = require("check")
local events = require("events")
local network = require("network")
local served = require("served")
local specs = require("specs")

check.test("each request of a long session is the one that a fresh process sends", function()
  local log = served.name()
  local url = served.url(served.log(log), served.reply("200 OK", "", ""))
  local in_session = {}
  local function send(number)
    local method, params = specs.of(number)
    local list = events.of(url, method, params)
    check.equal(list[#list].status, 200, "status of request " .. number)
    return served.logged(log)
  end
  -- In two orders, so that no request has the same one before it twice.
  for number = 1, specs.count do
    in_session[number] = send(number)
  end
  for number = specs.count, 1, -1 do
    check.equal(send(number), in_session[number], "request " .. number .. " the second time")
  end
  for number = 1, specs.count do
    local output, code = events.child(([[
      local network, specs = require("network"), require("specs")
      local method, params = specs.of(%d)
      local status
      network.request(%q, method, function(event) if event.phase == "ended" then status = event.status end end, params)
      network.wait(nil, 20)
      assert(status == 200)
    ]]):format(number, url))
    check.equal(code, 0, output)
    check.equal(served.logged(log), in_session[number], "request " .. number .. " of a fresh process")
  end
end)

check.test("a failure of any kind leaves nothing to the next request", function()
  local log = served.name()
  local url = served.url(served.log(log), served.reply("200 OK", "", ""))
  events.came(url, "GET")
  local plain = served.logged(log)
  for _, failing in ipairs({ check.env("REFUSED_URL"), check.env("RAW_EMPTY_URL"), check.env("RAW_TRUNCATED_URL"), "http://" }) do
    events.failed(failing, "POST", { headers = { ["X-Mark"] = "1" }, body = "x", auth = { user = "al", pass = "s3" } })
    events.came(url, "GET")
    check.equal(served.logged(log), plain)
  end
  local id = network.request(check.env("RAW_SILENT_URL"), "POST", nil, { body = "x", headers = { ["X-Mark"] = "1" } })
  network.cancel(id)
  events.came(url, "GET")
  check.equal(served.logged(log), plain)
end)

check.done()
