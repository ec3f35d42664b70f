-- What a script gives as `params`, made into the options that the native `start` reads. It judges types and words as the
-- library always did: nil and a sentence for what makes the request impossible.
local ours = ...
local type, pairs, next, tostring, getmetatable = type, pairs, next, tostring, getmetatable
local format, gsub, lower, upper, floor = string.format, string.gsub, string.lower, string.upper, math.floor
local integer_type = math.type

-- Every name in both spellings, and what it is called here.
local NAMES = { verifySSL = "verify_ssl" }
local LIST = {
  -- As in `http`.
  "method", "data", "headers", "timeout", "follow_redirects", "verify_ssl", "user_agent", "auth", "proxy",
  "connect_timeout", "idle_timeout", "total_timeout", "max_body", "max_redirects", "allow_downgrade", "ca_file",
  "client_cert", "resolve", "json", "query", "form", "output", "on_progress", "decompress",
  -- Of this library.
  "body", "body_type", "progress", "response", "handle_redirects", "debug", "on_chunk", "retry", "progress_interval",
  "priority", "max_rate", "cookies",
}
for index = 1, #LIST do
  local name = LIST[index]
  NAMES[name] = name
  NAMES[gsub(name, "_(%l)", upper)] = name
end

-- What waits between the network and `onChunk` at most, in bytes.
local CHUNK_LIMIT = 256 * 1024
local PROGRESS_INTERVAL = 100

local function given(params)
  local options = {}
  if getmetatable(params) then
    for name, known in next, NAMES do
      local value = params[name]
      if value ~= nil and (name == known or options[known] == nil) then options[known] = value end
    end
  else
    for name, value in next, params do
      local known = NAMES[name]
      if known and (name == known or options[known] == nil) then options[known] = value end
    end
  end
  return options
end

local function field_text(value)
  local kind = type(value)
  if kind == "string" then return value end
  if kind == "boolean" then return tostring(value) end
  if kind ~= "number" then return nil end
  if integer_type and integer_type(value) == "integer" then return format("%d", value) end
  return format(value == floor(value) and "%.0f" or "%f", value)
end

-- The fields to send, and whether a Content-Type is among them. What is no text is left out, as is the length, which is
-- not the script's to say.
local function fields(headers)
  local texts, typed = {}, false
  for name, value in pairs(headers) do
    local text = type(name) == "string" and field_text(value)
    if text then
      local lowered = lower(name)
      if lowered ~= "content-length" then
        texts[name] = text
        if lowered == "content-type" and text ~= "" then typed = true end
      end
    end
  end
  return texts, typed
end

local function word(value, name, one, other, third)
  if type(value) ~= "string" then
    return nil, format("'%s' value of params table, if provided, should be a string value (got %s)", name, type(value))
  end
  local lowered = lower(value)
  if lowered == one or lowered == other or lowered == third then return lowered end
  local optional = name == "progress" and ", if provided" or ""
  return nil, format("'%s' value of params table was invalid%s, must be either \"%s\" or \"%s\", but was: \"%s\"",
    name, optional, one, other, value)
end

-- The folder of a base directory, which is Documents if none is said.
local function folder(directory, what)
  if directory == nil then directory = ours.directory("DocumentsDirectory") end
  local path = type(directory) == "userdata" and ours.folder_of(directory)
  if not path then
    return nil, format("%s 'baseDirectory' value must be a system directory constant (got %s)", what, type(directory))
  end
  return path, directory
end

local function set_body(options, body, body_type, method, typed)
  if type(body) == "string" then
    options.text = body_type ~= "binary"
    return true
  elseif type(body) ~= "table" then
    return nil, "Either body string or table specifying body file is required if 'body' is specified"
  elseif type(body.filename) ~= "string" then
    return nil, "body 'filename' value is required and must be a string value"
  end
  local path, problem = folder(body.baseDirectory, "body")
  if not path then return nil, problem end
  if not typed and method ~= "POST" and method ~= "GET" and method ~= "HEAD" then
    return nil, "Request Content-Type header is required when request 'body' is specified"
  end
  options.body, options.body_name, options.body_folder = nil, body.filename, path
  -- What ships with a script may be sent without saying where it lies.
  if body.baseDirectory == nil then options.body_else = ours.folder_of(ours.directory("ResourceDirectory")) end
  return true
end

local function set_response(options, response, record)
  if type(response) ~= "table" then
    return nil, format("'response' value of params table, if provided, should be a table specifying response location"
      .. " values (got %s)", type(response))
  elseif type(response.filename) ~= "string" then
    return nil, format("response 'filename' value is required and must be a string value (got %s)",
      type(response.filename))
  elseif options.on_chunk then
    return nil, "'onChunk' and 'response' both say where the body goes; give one of them"
  end
  local path, directory = folder(response.baseDirectory, "response")
  if not path then return nil, directory end
  if directory == ours.directory("ResourceDirectory") then
    return nil, "response 'baseDirectory' can't be system.ResourceDirectory, which is only read from"
  end
  options.file_name, options.file_folder = response.filename, path
  record.file = { filename = response.filename, baseDirectory = directory }
  return true
end

local function set_retry(options, retry)
  if retry == true then
    options.retry_max = 3
  elseif type(retry) == "number" then
    options.retry_max = retry
  elseif type(retry) == "table" then
    options.retry_max = retry.max or 3
    options.retry_wait = retry.wait
    options.retry_max_wait = retry.max_wait or retry.maxWait
    options.retry_statuses = retry.statuses
  elseif retry ~= false then
    return nil, format("'retry' value of params table, if provided, should be a number or a table (got %s)",
      type(retry))
  end
  return true
end

local function set_times(options)
  local timeout = options.timeout
  if timeout ~= nil then
    if type(timeout) ~= "number" then
      return nil, format("'timeout' value of params table, if provided, should be a numeric value (got %s)",
        type(timeout))
    end
    -- Here it says how long nothing may move, not how long all of it may take.
    options.timeout = nil
    if options.idle_timeout == nil then options.idle_timeout = timeout end
    if options.connect_timeout == nil then options.connect_timeout = timeout end
  end
  local handle = options.handle_redirects
  if handle ~= nil then
    if type(handle) ~= "boolean" then
      return nil, format("'handleRedirects' value of params table, if provided, should be a boolean value (got %s)",
        type(handle))
    end
    options.follow_redirects = handle
  end
  return true
end

local function set_telling(options, record)
  if options.on_chunk ~= nil then
    if type(options.on_chunk) ~= "function" then
      return nil, format("'onChunk' value of params table, if provided, should be a function (got %s)",
        type(options.on_chunk))
    end
    record.on_chunk, options.chunk = options.on_chunk, CHUNK_LIMIT
    options.output = nil
  end
  if type(options.on_progress) == "function" then record.on_progress = options.on_progress end
  if record.progress == "download" then options.head = true end
  if record.progress or record.on_progress then
    local every = options.progress_interval
    options.every = type(every) == "number" and every or PROGRESS_INTERVAL
    options.watch = record.on_progress and "both" or record.progress
  end
  -- As in `http`, a number is a name too.
  if type(options.output) == "number" then options.output = tostring(options.output) end
  if type(options.output) == "string" then record.file = { filename = options.output } end
  record.debug = options.debug == true or nil
  return true
end

-- The options of a request with this method, or nil and what is wrong. What concerns its events goes into `record`.
function ours.read_params(params, method, record)
  local options = given(params)
  local typed, good, problem
  if options.headers ~= nil then
    if type(options.headers) ~= "table" then
      return nil, format("'headers' value of params table, if provided, should be a table (got %s)",
        type(options.headers))
    end
    options.headers, typed = fields(options.headers)
  end
  local body_type
  if options.body_type ~= nil then
    body_type, problem = word(options.body_type, "bodyType", "text", "binary")
    if not body_type then return nil, problem end
  end
  if options.body ~= nil then
    good, problem = set_body(options, options.body, body_type, method, typed)
    if not good then return nil, problem end
  end
  if options.progress ~= nil then
    local direction
    direction, problem = word(options.progress, "progress", "upload", "download", "none")
    if not direction then return nil, problem end
    if direction ~= "none" then record.progress = direction end
  end
  good, problem = set_telling(options, record)
  if not good then return nil, problem end
  if options.response ~= nil then
    good, problem = set_response(options, options.response, record)
    if not good then return nil, problem end
  end
  good, problem = set_times(options)
  if not good then return nil, problem end
  if options.retry ~= nil then
    good, problem = set_retry(options, options.retry)
    if not good then return nil, problem end
  end
  if ours.network.formPosts then options.form_posts = true end
  return options
end
