-- The bridge to the module `network`: what the loop asks of it, in milliseconds.
local runner = ...
local cut, report, sleep = runner.cut, runner.report, runner.sleep

-- Nothing wakes a wait for the network when a signal comes: it looks around that often.
local LOOK_AROUND = 100

network = require("whimbrel.network")
local idle = network.idle
runner.dispatch, runner.suspend, runner.unsuspend = network.dispatch, network.suspend, network.unsuspend

network.formPosts = runner.form_posts
function network.onError(told)
  runner.failed = true
  report(cut(told))
end

-- Waits until there is something to dispatch, at most so long; without requests under way also for a signal. It may
-- come back early.
function runner.wait(has_requests, milliseconds)
  if not has_requests then
    sleep(milliseconds)
  else
    if not milliseconds or milliseconds > LOOK_AROUND then milliseconds = LOOK_AROUND end
    if milliseconds > 0 then idle(milliseconds / 1000) end
  end
end
