-- The module's table, and the methods and properties of clients. What a function does is native; here are its names,
-- defaults and the types of its arguments.
local ours = ...
local native, metatable, constants = ours.native, ours.metatable, ours.constants
local type, error, tostring, setmetatable, pairs, getmetatable = type, error, tostring, setmetatable, pairs, getmetatable

local HTTPClient, methods, getters, setters = {}, {}, {}, {}
ours.HTTPClient = HTTPClient

for name, number in pairs(constants) do HTTPClient[name] = number end
for name, enum in pairs(ours.enums) do HTTPClient[name] = enum end
HTTPClient.TLSOptions = ours.TLSOptions
HTTPClient.null = ours.null
HTTPClient.error_string = ours.error_string
HTTPClient.new = native.new

-- Methods that take what they get --------------------------------------------------------------------------------------

methods.close = native.close
methods.poll = native.poll
methods.get_status = native.status
methods.has_response = native.has_response
methods.get_response_code = native.response_code
methods.get_response_body_length = native.body_length
methods.is_response_chunked = native.is_chunked
methods.get_response_headers = native.header_lines
methods.get_response_headers_as_dictionary = native.header_pairs
methods.get_response_trailers = native.trailers
methods.read_response_body_chunk = native.read_chunk
methods.get_request_bytes_sent = native.bytes_sent
methods.get_request_body_length = native.request_length
methods.get_response_bytes_received = native.bytes_received
methods.get_timings = native.timings
methods.is_upgraded = native.is_upgraded

-- Methods with arguments -----------------------------------------------------------------------------------------------

function methods:connect_to_host(host, port, tls_options)
  ours.client(self, "connect_to_host")
  ours.text(1, "connect_to_host", host)
  if port ~= nil then ours.whole(2, "connect_to_host", port) end
  local err, why = native.connect(self, host, port or -1, ours.tls(3, "connect_to_host", tls_options))
  return err, why
end

local function asking(name)
  return function(self, method, url, headers, body)
    ours.client(self, name)
    local number = ours.method(1, name, method)
    ours.text(2, name, url)
    local err, why = native.request(self, number, url, ours.lines(3, name, headers), ours.body(4, name, body))
    return err, why
  end
end

methods.request = asking("request")
methods.request_raw = asking("request_raw")

function methods:request_file(method, url, headers, path)
  ours.client(self, "request_file")
  local number = ours.method(1, "request_file", method)
  ours.text(2, "request_file", url)
  ours.text(4, "request_file", path)
  local err, why = native.request_file(self, number, url, ours.lines(3, "request_file", headers), path)
  return err, why
end

for _, name in pairs({ "set_http_proxy", "set_https_proxy" }) do
  local set = native[name]
  methods[name] = function(self, host, port)
    ours.client(self, name)
    if host == nil then host, port = "", -1 end
    ours.text(1, name, host)
    ours.whole(2, name, port)
    set(self, host, port)
  end
end

local function query(fields)
  local text = native.query((ours.query(1, fields)))
  if text == nil then
    error("bad argument #1 to 'query_string_from_dict' (names and values must be UTF-8 text)", 3)
  end
  return text
end

function methods:query_string_from_dict(fields)
  ours.client(self, "query_string_from_dict")
  local text = query(fields)
  return text
end

function HTTPClient.query_string_from_dict(first, fields)
  if first == HTTPClient or getmetatable(first) == "HTTPClient" then first = fields end
  local text = query(first)
  return text
end

-- Properties -----------------------------------------------------------------------------------------------------------

--- A property of this name and type, with its two methods. `range` says what may be set, where the type does not.
local function property(name, kind, get, set, get_name, set_name, range)
  local function put(self, value, called, level)
    if type(value) ~= kind and not (value == nil and name == "download_file") then
      error(called .. " must be a " .. kind .. ", got " .. type(value), level + 1)
    end
    if kind == "number" and name == "read_chunk_size" and value % 1 ~= 0 or not set(self, value) then
      error(called .. " must be " .. range .. ", got " .. tostring(value), level + 1)
    end
  end
  getters[name] = get
  setters[name] = function(self, value, level) put(self, value, name, level + 1) end
  methods[get_name] = get
  methods[set_name] = function(self, value)
    ours.client(self, set_name)
    put(self, value, name, 2)
  end
end

local function plain(name, kind, range)
  property(name, kind, native[name], native["set_" .. name], "get_" .. name, "set_" .. name, range)
end

property("blocking_mode_enabled", "boolean", native.blocking_mode, native.set_blocking_mode,
  "is_blocking_mode_enabled", "set_blocking_mode")
plain("read_chunk_size", "number", "a whole number from 256 to 16777216")
plain("preserve_chunks", "boolean")
plain("accept_encoding", "boolean")
plain("connect_timeout", "number", "a number of seconds from 0.001 to 1000000000")
plain("user_agent", "string", "a field value, without line breaks")
plain("download_file", "string", "a path")

getters.connection = function(self) return ours.get_connection(self) end
setters.connection = function(self, stream, level) ours.set_connection(self, stream, level + 2) end

function methods:get_connection()
  ours.client(self, "get_connection")
  return (ours.get_connection(self))
end

function methods:set_connection(stream)
  ours.client(self, "set_connection")
  ours.set_connection(self, stream, 3)
end

getters.error_message = native.error
methods.get_error_message = native.error

-- The metatable --------------------------------------------------------------------------------------------------------

for name, method in pairs(methods) do
  if HTTPClient[name] == nil then HTTPClient[name] = method end
end
-- Constants are found on clients as quickly as methods are.
local found = {}
for name, value in pairs(constants) do found[name] = value end
for name, method in pairs(methods) do found[name] = method end
for name, enum in pairs(ours.enums) do found[name] = enum end

metatable.__name = "HTTPClient"
metatable.__metatable = "HTTPClient"

metatable.__index = function(self, name)
  local value = found[name]
  if value ~= nil then return value end
  local get = getters[name]
  if get then return (get(self)) end
  ours.no_constant(name, 2)
end

metatable.__newindex = function(self, name, value)
  local set = setters[name]
  if set then
    set(self, value, 2)
    return
  end
  if name == "error_message" then error("error_message can only be read", 2) end
  error("HTTPClient has no property '" .. tostring(name) .. "'", 2)
end

metatable.__tostring = function(self)
  return "HTTPClient (" .. ours.enums.Status[native.status(self)] .. ")"
end

metatable.__close = function(self) native.close(self) end

setmetatable(HTTPClient, { __index = function(_, name) ours.no_constant(name, 2) end })
