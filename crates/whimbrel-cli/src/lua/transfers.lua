-- The bridge to `network`: what the loop asks of it, in milliseconds.
local runner = ...
local ok, network = pcall(require, "whimbrel.network")
local sleep = runner.sleep
if not ok then
  network = { download = function() end }
  runner.dispatch = function() return 0 end
  runner.suspend = function() end
  runner.unsuspend, runner.abort = runner.suspend, runner.suspend
  require("whimbrel").system = {}
  runner.wait = function(_, milliseconds) sleep(milliseconds) end
end
_G.network = network
