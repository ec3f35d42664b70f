-- The library itself: the forms of its arguments, which raise, what only prints, and the ids.
local ours = ...
local lane, complain = ours.lane, ours.complain
local start, number_of = lane.start, lane.number
local type, error, pairs, rawget, _G = type, error, pairs, rawget, _G
local format, lower, upper = string.format, string.lower, string.upper
local enter, read_params = ours.enter, ours.read_params

local network = ours.network
-- Methods of which the old library knew what they send.
local STANDARD = { GET = true, POST = true, HEAD = true, PUT = true, DELETE = true, PATCH = true }
local warned = {}
local closing = false

local function say(text)
  local print = rawget(_G, "print")
  if type(print) == "function" then print(text) else complain(text) end
end

local function invalid(message)
  complain("ERROR: network: invalid parameter: " .. message)
end

local function expect(caller, name, value, expected, got)
  error(format("%s: '%s' parameter must be %s (got %s)", caller, name, expected, got or type(value)), 4)
end

-- Raises in the name of the line that called `caller`.
local function check(caller, url, method, listener, params)
  if type(url) ~= "string" then expect("network.request", "url", url, "a string") end
  if method ~= nil and type(method) ~= "string" then expect(caller, "method", method, "a string") end
  if listener ~= nil and type(listener) ~= "function" and type(listener) ~= "table" then
    expect(caller, "listener", listener, "a function")
  end
  if params ~= nil and type(params) ~= "table" then expect(caller, "params", params, "a table") end
end

local function check_file(caller, filename, directory, content_type)
  if type(filename) ~= "string" then expect(caller, "filename", filename, "a string") end
  if directory ~= nil and type(directory) ~= "userdata" then
    expect(caller, "baseDirectory", directory, "a system directory constant")
  end
  if content_type ~= nil and type(content_type) ~= "string" then
    expect(caller, "contentType", content_type, "a string")
  end
end

-- A table is a listener if it has the method now.
local function is_listener(value)
  return type(value) == "function" or type(value) == "table" and type(value.networkRequest) == "function"
end

-- At the application's end no request is made.
function ours.refuses(caller)
  if closing then complain("WARNING: " .. caller .. "() during applicationExit: the request is not made") end
  return closing
end

local function submit(caller, url, method, listener, params)
  if ours.refuses(caller) then return end
  method = upper(method)
  if not STANDARD[method] and not warned[method] then
    warned[method] = true
    say(format("WARNING: nonstandard %s method \"%s\" may require custom HTTP headers", caller, method))
  end
  local record = { listener = listener, url = url }
  local options, problem
  if params ~= nil then
    options, problem = read_params(params, method, record)
    if not options then return invalid(problem) end
  end
  local id, number, size = start(url, method, options)
  if not id then return invalid(number) end
  record.id = id
  enter(number, record, size)
  return id
end

function network.request(url, method, listener, params)
  check("network.request", url, method, listener, params)
  if listener ~= nil and not is_listener(listener) then
    if params == nil then params = listener end
    listener = nil
  end
  if method == nil then method = params and type(params.method) == "string" and params.method or "GET" end
  return submit("network.request", url, method, listener, params)
end

-- As `request`, but whatever is wrong is printed.
function network.request_native(url, method, listener, params)
  if type(url) ~= "string" then
    return invalid("First argument to network.request() should be a URL string")
  end
  if listener ~= nil and not is_listener(listener) then
    if params == nil then params = listener end
    listener = nil
  end
  if params ~= nil and type(params) ~= "table" then
    return invalid(format("Fourth argument to network.request(), if provided, should be a params table (got %s)",
      type(params)))
  end
  return submit("network.request", url, type(method) == "string" and method or "GET", listener, params)
end

function network.download(url, method, listener, params, filename, directory)
  if type(params) == "string" then params, filename, directory = nil, params, filename end
  check("network.download", url, method, listener, params)
  check_file("network.download", filename, directory)
  if directory ~= nil and directory == ours.directory("ResourceDirectory") then
    say("WARNING: network.download() cannot save to system.ResourceDirectory, using system.DocumentsDirectory instead")
    directory = nil
  end
  if directory == nil then directory = ours.directory("DocumentsDirectory") end
  -- Written into the script's own table, as it always was.
  params = params or {}
  params.progress = params.progress and "download" or nil
  params.response = { filename = filename, baseDirectory = directory }
  return submit("network.download", url, method or "GET", listener, params)
end

function network.upload(url, method, listener, params, filename, directory, content_type)
  if type(params) == "string" then params, filename, directory, content_type = nil, params, filename, directory end
  if type(directory) == "string" and content_type == nil then directory, content_type = nil, directory end
  check("network.upload", url, method, listener, params)
  check_file("network.upload", filename, directory, content_type)
  params = params or {}
  params.progress = params.progress and "upload" or nil
  params.body = { filename = filename, baseDirectory = directory }
  if content_type then
    if params.headers == nil then params.headers = {} end
    if type(params.headers) == "table" then
      for name in pairs(params.headers) do
        if type(name) == "string" and lower(name) == "content-type" then params.headers[name] = nil end
      end
      params.headers["Content-Type"] = content_type
    end
  end
  return submit("network.upload", url, method or "POST", listener, params)
end

function network.cancel(id)
  local number = number_of(id)
  if not number then
    return invalid("network.cancel() expects a requestId returned from a call to network.request()")
  end
  ours.cancel(number)
  return true
end

local function number_for(caller, id)
  local number = number_of(id)
  if not number then
    error(format("%s: 'requestId' parameter must be what network.request() returned (got %s)", caller, type(id)), 3)
  end
  return number
end

-- Each true if the request had not ended.
function network.pause(id) return lane.pause(number_for("network.pause", id)) end
function network.resume(id) return lane.resume(number_for("network.resume", id)) end

function network.setPriority(id, priority)
  local number = number_for("network.setPriority", id)
  if type(priority) ~= "number" then
    error(format("network.setPriority: 'priority' parameter must be a number (got %s)", type(priority)), 2)
  end
  return lane.set_priority(number, priority)
end

local function is_over(record)
  return ours.record_of(record.wanted) ~= record.record
end
local function all_over() return ours.count() == 0 end

function network.wait(id, seconds)
  if type(id) == "number" and seconds == nil then id, seconds = nil, id end
  if seconds ~= nil and type(seconds) ~= "number" then
    error(format("network.wait: 'seconds' parameter must be a number (got %s)", type(seconds)), 2)
  end
  if id == nil then return ours.pump(all_over, nil, seconds) end
  local number = number_for("network.wait", id)
  local record = ours.record_of(number)
  if not record then return true end
  return ours.pump(is_over, { wanted = number, record = record }, seconds)
end

function network.dispatch(budget)
  if budget ~= nil and type(budget) ~= "number" then
    error(format("network.dispatch: 'budget' parameter must be a number of milliseconds (got %s)", type(budget)), 2)
  end
  return ours.dispatch(budget)
end

function network.getConnectionStatus()
  return { isConnected = ours.is_connected(), isMobile = false }
end

function network.setStatusListener(host, listener)
  if type(host) ~= "string" then
    return invalid("First argument to network.setStatusListener() should be a host name string")
  end
  if listener ~= nil and type(listener) ~= "function" and type(listener) ~= "table" then
    return invalid("Second argument to network.setStatusListener() must be a listener or nil")
  end
  complain("WARNING: network.setStatusListener() is not supported on this platform")
end

-- For hosts: the application is in the background, in the foreground again, at its end.
function network.suspend()
  ours.set_suspended(true)
  ours.suspend()
end

function network.unsuspend()
  ours.set_suspended(false)
  ours.unsuspend()
end

-- How many requests use connections at the same time, to one origin (default 16) and in all (default 256); the others
-- wait for their turn. Holds from the next request that is made when none is under way.
function network.limitConnections(per_host, total)
  if total == nil and type(per_host) == "number" then total = per_host > 256 and per_host or 256 end
  if type(per_host) ~= "number" or type(total) ~= "number" then
    error("network.limitConnections: how many to one host, and in all, must be numbers", 2)
  end
  ours.limit_connections(per_host, total)
end

function network.shutdown()
  closing = true
  ours.cancel_all()
end

network.formPosts = false
