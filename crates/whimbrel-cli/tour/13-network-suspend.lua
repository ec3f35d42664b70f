local network = require("network")
local suspended = false

network.request("https://api.example.com/delay/0.2", "GET", function(event)
  assert(not suspended, "no listener is called while suspended")
  assert(not event.isError and event.status == 200, event.response)
  print("the answer is here: status " .. event.status)
end, { timeout = 0.6 })

-- What the runner does on ctrl-z, and again when the shell says `fg`.
timer.performWithDelay(50, function()
  network.suspend()
  suspended = true
  print("suspended")
end)

-- Longer than the timeout: while suspended, no clock runs.
timer.performWithDelay(950, function()
  print("resumed 0.9 s later")
  suspended = false
  network.unsuspend()
end)
