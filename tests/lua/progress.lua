-- on_progress: what it is told, and what its answer does.
local check = require("check")
local http, equal = check.http, check.equal
local size = 2 * 1024 * 1024
local large = check.url("/bytes/" .. size)

check.test("a download is told to its end", function()
  local last, calls = nil, 0
  check.came(http.get(large, { on_progress = function(progress)
    calls = calls + 1
    if last then assert(progress.received >= last.received) end
    last = progress
  end }))
  assert(calls > 1, calls .. " calls")
  equal(last.phase, "receiving")
  equal(last.received, size)
  equal(last.total, size)
end)

check.test("an upload is told too", function()
  local sent, total, phases = 0, nil, {}
  check.came(http.post(check.url("/post"), ("x"):rep(size), { on_progress = function(progress)
    sent, total = math.max(sent, progress.sent), progress.send_total or total
    phases[progress.phase] = true
  end }))
  equal(sent, size)
  equal(total, size)
  assert(phases.sending and phases.receiving)
end)

check.test("false cancels, and the sentence says so", function()
  check.begins(check.failed(http.get(large, { on_progress = function() return false end })), "Operation was cancelled")
end)

check.test("nil and true go on", function()
  equal(http.get(large, { on_progress = function() return true end }).status, 200)
  equal(http.get(large, { on_progress = function() end }).status, 200)
end)

check.test("an error in it is raised again as it was, and the part file is gone", function()
  local marked = setmetatable({}, { __tostring = function() return "marked" end })
  local path = check.path("progress.bin")
  local good, why = pcall(http.download, large, path, { on_progress = function(progress)
    if progress.received > 0 then error(marked) end
  end })
  equal(good, false)
  equal(why, marked)
  equal(check.read(path), nil)
  local list = io.popen('ls -A "' .. check.env("WORK_DIR") .. '"')
  local names = list:read("*a")
  list:close()
  assert(not names:find("progress.bin", 1, true), "a part file is left: " .. names)
  check.raises("told by text", http.get, large, { on_progress = function() error("told by text") end })
end)

check.test("a new request may be made inside it", function()
  local inner
  check.came(http.get(large, { on_progress = function()
    inner = inner or check.came(http.get(check.url("/get")))
  end }))
  equal(inner.status, 200)
end)

check.test("a download whose callback cancels leaves the old file", function()
  local path = check.path("kept.bin")
  check.write(path, "old")
  local result, err = http.download(large, path, { on_progress = function(progress) return progress.received == 0 end })
  equal(result, nil)
  check.begins(err, "Operation was cancelled")
  equal(check.read(path), "old")
end)

check.test("collecting garbage inside it is harmless", function()
  equal(http.get(large, { on_progress = function() collectgarbage() end }).status, 200)
end)

check.done()
