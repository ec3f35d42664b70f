-- The global `native`, for a host without a screen: an alert is printed, and answered by its first button.
local runner = ...
local type, error, print, tostring, concat = type, error, print, tostring, table.concat
local later, cancel = timer.performWithDelay, timer.cancel

native = {}

-- `native.showAlert(title, message [, buttonLabels] [, listener])`
function native.showAlert(title, message, labels, listener)
  if type(labels) == "function" then labels, listener = nil, labels end
  if labels ~= nil and type(labels) ~= "table" then
    error("bad argument #3 to 'showAlert' (a list of button labels expected, got " .. type(labels) .. ")", 2)
  end
  local buttons = {}
  for index = 1, labels and #labels or 0 do buttons[index] = "[" .. tostring(labels[index]) .. "]" end
  print("ALERT: " .. tostring(title) .. ": " .. tostring(message)
    .. (#buttons > 0 and " " .. concat(buttons, " ") or ""))
  local alert = { _listener = listener }
  if listener then
    alert._answer = later(0, function()
      alert._listener = nil
      listener({ name = "completion", action = "clicked", index = 1 })
    end)
  end
  return alert
end

function native.cancelAlert(alert)
  if type(alert) ~= "table" then
    error("bad argument #1 to 'cancelAlert' (what native.showAlert gave expected, got " .. type(alert) .. ")", 2)
  end
  local listener = alert._listener
  if listener then
    alert._listener = nil
    cancel(alert._answer)
    later(0, function() listener({ name = "completion", action = "cancelled", index = 0 }) end)
  end
end

-- Ends the run behind the listener that asks for it.
function native.requestExit()
  runner.exit_requested = true
end
