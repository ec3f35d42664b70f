-- `network.fetch`: a request in a straight line. In a coroutine it yields until the end of the request resumes it; outside
-- of one it waits and delivers what else happens meanwhile.
local ours = ...
local start, enter, read_params, pump, report = ours.lane.start, ours.enter, ours.read_params, ours.pump, ours.report
local type, error, format, upper = type, error, string.format, string.upper
local running, yield, resume, status = coroutine.running, coroutine.yield, coroutine.resume, coroutine.status
local isyieldable = coroutine.isyieldable
local traceback = type(debug) == "table" and debug.traceback or function(_, text) return text end

-- Lua 5.1 can't tell beforehand that a coroutine can't yield, as inside `pcall`. What it waits for later, after that error,
-- is something else.
local getinfo = not isyieldable and type(debug) == "table" and debug.getinfo
local fetch
local function waits(thread)
  if status(thread) ~= "suspended" then return false end
  local caller = getinfo and getinfo(thread, 1, "f")
  return not getinfo or caller ~= nil and caller.func == fetch
end

local function finish(record)
  record.done = true
  local thread = record.thread
  if thread and waits(thread) then
    local good, problem = resume(thread)
    if not good then report(traceback(thread, ours.text_of(problem))) end
  end
end

local function is_done(record) return record.done end

function fetch(url, params)
  if type(url) ~= "string" then
    error(format("network.fetch: 'url' parameter must be a string (got %s)", type(url)), 2)
  elseif params ~= nil and type(params) ~= "table" then
    error(format("network.fetch: 'params' parameter must be a table (got %s)", type(params)), 2)
  end
  if ours.refuses("network.fetch") then return nil, "Operation was cancelled: the application ends" end
  local method = params and type(params.method) == "string" and upper(params.method) or "GET"
  local record = { url = url, finish = finish }
  local options, problem
  if params then
    options, problem = read_params(params, method, record)
    if not options then return nil, "Invalid argument: " .. problem end
    record.output = options.output
    record.progress = nil
  end
  local id, number, _, limit = start(url, method, options)
  if not id then return nil, "Invalid argument: " .. number end
  record.limit = limit
  enter(number, record)
  local thread, is_main = running()
  if thread and not is_main and (not isyieldable or isyieldable()) then
    record.thread = thread
    repeat yield() until record.done
    record.thread = nil
  else
    -- False only while everything is suspended, which nobody but its caller can end.
    if not pump(is_done, record) then
      ours.cancel(number)
      return nil, "Operation was cancelled: network is suspended, and outside of a coroutine nothing can resume it"
    end
  end
  if record.response then return record.response end
  return nil, record.problem
end
ours.network.fetch = fetch
