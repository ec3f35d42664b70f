-- The global `timer`: calls listeners after a delay, once or repeatedly, no more than once a frame each. It never
-- waits: the loop asks what is due next.
local runner = ...
local type, error, pairs = type, error, pairs
local insert, remove, huge = table.insert, table.remove, math.huge
local clock, call = runner.clock, runner.call

timer = {}
local timer = timer

-- What runs, soonest first; of the same moment, the one that was set first. What is paused is in `paused` alone.
local running, paused = {}, {}

local function enqueue(entry)
  local low, high = 1, #running + 1
  while low < high do
    local middle = (low + high - (low + high) % 2) / 2
    if running[middle]._due <= entry._due then low = middle + 1 else high = middle end
  end
  insert(running, low, entry)
end

local function dequeue(entry)
  for index = 1, #running do
    if running[index] == entry then
      remove(running, index)
      return
    end
  end
end

-- Each gives the milliseconds that were left.
local function cancel(entry)
  entry._over = true
  dequeue(entry)
  paused[entry] = nil
  return entry._remaining or entry._due - clock()
end

local function pause(entry)
  if not entry._remaining then
    dequeue(entry)
    entry._remaining = entry._due - clock()
    paused[entry] = true
  end
  return entry._remaining
end

local function resume(entry)
  local remaining = entry._remaining
  if not remaining then return entry._due - clock() end
  paused[entry] = nil
  entry._due = clock() + remaining
  entry._remaining = nil
  enqueue(entry)
  return remaining
end

-- `timer.performWithDelay(delay, listener [, iterations] [, tag])`; 0 and -1 iterations are for ever.
function timer.performWithDelay(delay, listener, iterations, tag)
  if type(iterations) == "string" then iterations, tag = nil, iterations end
  if type(delay) ~= "number" or delay ~= delay then
    error("bad argument #1 to 'performWithDelay' (milliseconds expected, got " .. type(delay) .. ")", 2)
  end
  if type(listener) ~= "function" and type(listener) ~= "table" then
    error("bad argument #2 to 'performWithDelay' (a function or a table with a method 'timer' expected, got "
      .. type(listener) .. ")", 2)
  end
  if iterations ~= nil and type(iterations) ~= "number" then
    error("bad argument #3 to 'performWithDelay' (how often expected, got " .. type(iterations) .. ")", 2)
  end
  if delay < 0 then delay = 0 end
  if iterations == 0 or iterations == -1 then iterations = huge end
  local entry = {
    tag = tag, _listener = listener, _delay = delay, _due = clock() + delay, _count = 0, _iterations = iterations or 1,
  }
  enqueue(entry)
  return entry
end

local function all()
  local found = {}
  for index = 1, #running do found[index] = running[index] end
  for entry in pairs(paused) do found[#found + 1] = entry end
  return found
end

-- Does it to one timer, or to all of a tag. For one, gives its milliseconds left.
local function each(name, act)
  return function(which)
    if type(which) == "string" then
      local found = all()
      for index = 1, #found do
        if found[index].tag == which then act(found[index]) end
      end
      return
    end
    if type(which) ~= "table" or not which._iterations then
      error("bad argument #1 to '" .. name .. "' (what timer.performWithDelay gave, or a tag, expected, got "
        .. type(which) .. ")", 2)
    end
    return which._over and 0 or act(which)
  end
end

local function every(act)
  return function()
    local found = all()
    for index = 1, #found do act(found[index]) end
  end
end

timer.cancel, timer.cancelAll = each("cancel", cancel), every(cancel)
timer.pause, timer.pauseAll = each("pause", pause), every(pause)
timer.resume, timer.resumeAll = each("resume", resume), every(resume)

-- The moment of the next timer, in milliseconds of the clock; nil without one. A paused one keeps no loop alive.
function runner.next_timer()
  return running[1] and running[1]._due
end

local function call_method(listener, event)
  if type(listener.timer) ~= "function" then
    error("the listener of a timer is a table without a method 'timer'", 0)
  end
  listener:timer(event)
end

-- Calls what is due, in order. What a listener sets meanwhile waits for the next turn.
function runner.fire_timers(now)
  local due = {}
  while running[#due + 1] and running[#due + 1]._due <= now do
    due[#due + 1] = running[#due + 1]
  end
  for index = 1, #due do
    local entry = due[index]
    -- One before it may have cancelled or paused it.
    if not entry._over and not entry._remaining and entry._due <= now then
      dequeue(entry)
      entry._count = entry._count + 1
      if entry._count >= entry._iterations then
        entry._over = true
      else
        entry._due = entry._due + (entry._delay > runner.frame and entry._delay or runner.frame)
        if entry._due < now then entry._due = now end
        enqueue(entry)
      end
      local listener = entry._listener
      local event = { name = "timer", source = entry, count = entry._count, time = clock() }
      if type(listener) == "function" then
        call(listener, event)
      else
        call(call_method, listener, event)
      end
    end
  end
end
