-- Events and their listeners: the global `Runtime`, and `system.newEventDispatcher`. A listener is a function, or a
-- table with a method of the event's name. It decides nothing about when an event comes.
local runner = ...
local type, error, setmetatable, tostring = type, error, setmetatable, tostring
local remove = table.remove

local Dispatcher = {}
Dispatcher.__index = Dispatcher

local function new()
  return setmetatable({ _listeners = {} }, Dispatcher)
end

local function check(dispatcher, method, name, listener)
  local all = type(dispatcher) == "table" and dispatcher._listeners
  if not all then
    error(method .. " is a method: write a colon, as in Runtime:" .. method .. "(...)", 3)
  end
  if type(name) ~= "string" then
    error("bad argument #1 to '" .. method .. "' (the name of an event expected, got " .. type(name) .. ")", 3)
  end
  if type(listener) ~= "function" and type(listener) ~= "table" then
    error("bad argument #2 to '" .. method .. "' (a function or a table with a method '" .. name .. "' expected, got "
      .. type(listener) .. ")", 3)
  end
  return all
end

function Dispatcher:addEventListener(name, listener)
  local all = check(self, "addEventListener", name, listener)
  local list = all[name]
  if not list then
    list = {}
    all[name] = list
  end
  list[#list + 1] = listener
end

function Dispatcher:removeEventListener(name, listener)
  local list = check(self, "removeEventListener", name, listener)[name]
  for index = 1, list and #list or 0 do
    if list[index] == listener then
      remove(list, index)
      return
    end
  end
end

function Dispatcher:hasEventListener(name, listener)
  local list = self._listeners[name]
  if not list or listener == nil then
    return list ~= nil and #list > 0
  end
  for index = 1, #list do
    if list[index] == listener then return true end
  end
  return false
end

local function tell(listener, event)
  if type(listener) == "function" then return listener(event) end
  -- Looked up at each event; a table without the method has no interest in it.
  local method = listener[event.name]
  if type(method) == "function" then return method(listener, event) end
end

-- Calls each listener that is there when the event comes and still there when its turn is. `call` is nil for a script's
-- own event: its errors go to the script.
local function dispatch(dispatcher, event, call)
  local list = dispatcher._listeners[event.name]
  if not list or #list == 0 then return false end
  local turn = {}
  for index = 1, #list do turn[index] = list[index] end
  local handled = false
  for index = 1, #turn do
    local listener = turn[index]
    if index == 1 or dispatcher:hasEventListener(event.name, listener) then
      if call then
        call(tell, listener, event)
      elseif tell(listener, event) then
        handled = true
      end
    end
  end
  return handled
end

function Dispatcher:dispatchEvent(event)
  if type(self) ~= "table" or not self._listeners then
    error("dispatchEvent is a method: write a colon, as in Runtime:dispatchEvent(event)", 2)
  end
  if type(event) ~= "table" or type(event.name) ~= "string" then
    error("bad argument #1 to 'dispatchEvent' (a table with the event's name expected, got " .. tostring(event)
      .. ")", 2)
  end
  return dispatch(self, event)
end

Runtime = new()
local Runtime = Runtime

runner.new_dispatcher = new

-- An event of the host: a listener's error is reported and keeps no other from its turn.
function runner.emit(event)
  dispatch(Runtime, event, runner.call)
end

-- The end of the run: requests end without a word, and none can begin.
local shutdown = network.shutdown
function runner.leave()
  shutdown()
  runner.emit({ name = "system", type = "applicationExit" })
end

function runner.has_listener(name)
  local list = Runtime._listeners[name]
  return list ~= nil and #list > 0
end
