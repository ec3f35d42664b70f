-- What scripts may give for headers, TLS options and fields of a query, and what of it the engine gets. Raises for what is
-- of the wrong type; judges nothing else.
local ours = ...
local type, error, tostring, getmetatable, setmetatable = type, error, tostring, getmetatable, setmetatable
local pairs, ipairs, rawset = pairs, ipairs, rawset
local sort, concat = table.sort, table.concat

--- Raises as Lua's own functions do, on behalf of the function that called the one that calls this.
local function refuse(place, name, what, deeper)
  error("bad argument #" .. place .. " to '" .. name .. "' (" .. what .. ")", 4 + (deeper or 0))
end

local function expected(place, name, what, value, deeper)
  error("bad argument #" .. place .. " to '" .. name .. "' (" .. what .. " expected, got " .. type(value) .. ")",
    4 + (deeper or 0))
end

--- Raises unless `self` is a client.
function ours.client(self, name)
  if getmetatable(self) ~= "HTTPClient" or type(self) ~= "userdata" then
    error("bad argument #1 to '" .. name .. "' (HTTPClient expected, got " .. type(self)
      .. "; call its methods with a colon, as in client:" .. name .. "(...))", 3)
  end
end

function ours.text(place, name, value)
  if type(value) ~= "string" then expected(place, name, "string", value) end
  return value
end

function ours.whole(place, name, value)
  if type(value) ~= "number" then expected(place, name, "number", value) end
  -- Beyond 2^53 some Luas turn a number into any other when they make an integer of it.
  if value % 1 ~= 0 or value > 2 ^ 53 or value < -2 ^ 53 then refuse(place, name, "a whole number expected") end
  return value
end

function ours.method(place, name, value)
  if type(value) == "string" then
    return ours.method_numbers[value] or refuse(place, name, "there is no method '" .. value .. "'")
  end
  if type(value) ~= "number" then expected(place, name, "METHOD_ constant", value) end
  if value % 1 ~= 0 then refuse(place, name, "a METHOD_ constant expected") end
  return value
end

function ours.body(place, name, value)
  if value == nil or type(value) == "string" then return value end
  if type(value) == "number" then return tostring(value) end
  expected(place, name, "string", value)
end

local function is_value(value)
  return type(value) == "string" or type(value) == "number"
end

--- The lines of the headers: those of the list as they are, then those by name, in the names' order.
function ours.lines(place, name, headers)
  if headers == nil then return nil end
  if type(headers) ~= "table" then expected(place, name, "table of headers", headers) end
  local count, names = #headers, nil
  for key in pairs(headers) do
    if type(key) == "string" then
      names = names or {}
      names[#names + 1] = key
    elseif type(key) ~= "number" or key < 1 or key > count or key % 1 ~= 0 then
      refuse(place, name, "headers are a list of \"Name: value\" or a table of values by name")
    end
  end
  for index = 1, count do
    if type(headers[index]) ~= "string" then
      refuse(place, name, "header " .. index .. " must be a string \"Name: value\", got " .. type(headers[index]))
    end
  end
  if not names then return headers end
  local lines = {}
  for index = 1, count do lines[index] = headers[index] end
  sort(names)
  for _, field in ipairs(names) do
    local values = headers[field]
    if type(values) ~= "table" then values = { values } end
    if field:find(":", 1, true) then refuse(place, name, "the header name '" .. field .. "' has a colon") end
    for index = 1, #values do
      if not is_value(values[index]) then
        refuse(place, name, "header '" .. field .. "' must be a string or a list of strings, got " .. type(values[index]))
      end
      lines[#lines + 1] = field .. ": " .. tostring(values[index])
    end
  end
  return lines
end

-- TLS ------------------------------------------------------------------------------------------------------------------

local TLSOptions, options_metatable = {}, { __name = "TLSOptions" }
ours.TLSOptions = TLSOptions

local FIELDS = {
  trusted_chain = "string", common_name = "string", client_certificate = "string", client_key = "string",
  pinned_keys = "table", revocation_list = "string", unsafe = "boolean",
}

options_metatable.__newindex = function(options, field, value)
  if FIELDS[field] == nil and field ~= "min_tls_version" then
    error("TLSOptions has no field '" .. tostring(field) .. "'", 2)
  end
  rawset(options, field, value)
end

local function make(name, unsafe, chain, common_name)
  if chain == TLSOptions then
    error("call TLSOptions." .. name .. " with a dot, not with a colon", 3)
  end
  if chain ~= nil and type(chain) ~= "string" then refuse(1, name, "PEM text or a path expected, got " .. type(chain)) end
  if common_name ~= nil and type(common_name) ~= "string" then expected(2, name, "string", common_name) end
  return setmetatable({ unsafe = unsafe, trusted_chain = chain, common_name = common_name }, options_metatable)
end

--- Checks the chain (the platform's roots, or only these) and the name (the host's, or this one).
function TLSOptions.client(trusted_chain, common_name_override)
  local options = make("client", nil, trusted_chain, common_name_override)
  return options
end

--- Checks nothing, or, with a chain, the chain without the name.
function TLSOptions.client_unsafe(trusted_chain)
  local options = make("client_unsafe", true, trusted_chain)
  return options
end

local VERSIONS = { [0] = "1.2", "1.3", ["1.2"] = "1.2", ["1.3"] = "1.3" }

--- The arguments of `native.connect` that follow the port.
function ours.tls(place, name, options)
  if options == nil then return false end
  if getmetatable(options) ~= options_metatable then
    refuse(place, name, "TLSOptions expected, got " .. type(options) .. "; make them with HTTPClient.TLSOptions.client()")
  end
  for field, kind in pairs(FIELDS) do
    local value = options[field]
    if value ~= nil and type(value) ~= kind then
      refuse(place, name, field .. " must be a " .. kind .. ", got " .. type(value))
    end
  end
  local version = options.min_tls_version
  if version ~= nil and not VERSIONS[version] then
    refuse(place, name, "min_tls_version must be HTTPClient.TLS_1_2 or HTTPClient.TLS_1_3")
  end
  local keys = options.pinned_keys
  if keys then
    for index = 1, #keys do
      if type(keys[index]) ~= "string" then refuse(place, name, "pinned_keys must be a list of strings") end
    end
    if #keys == 0 then refuse(place, name, "pinned_keys names no key: leave it nil for none") end
  end
  if options.client_key and not options.client_certificate then
    refuse(place, name, "client_key needs client_certificate beside it")
  end
  return true, options.unsafe or false, options.trusted_chain or false, options.common_name or false,
    options.client_certificate or false, options.client_key or options.client_certificate or false,
    keys and concat(keys, "\n") or false, VERSIONS[version] or false, options.revocation_list or false
end

-- Queries --------------------------------------------------------------------------------------------------------------

local null = ours.null

local function add(list, place, key, value)
  if type(value) == "table" then
    -- A list says the name once for each of its values.
    for index = 1, #value do
      if value[index] ~= null and not is_value(value[index]) and type(value[index]) ~= "boolean" then
        refuse(place, "query_string_from_dict", "the values of '" .. key .. "' must be strings, numbers or booleans", 2)
      end
      list[#list + 1] = key
      list[#list + 1] = value[index] ~= null and tostring(value[index])
    end
    return
  end
  if value ~= null and not is_value(value) and type(value) ~= "boolean" then
    refuse(place, "query_string_from_dict", "the value of '" .. key .. "' must be a string, a number, a boolean, a list of "
      .. "them, or HTTPClient.null, got " .. type(value), 2)
  end
  list[#list + 1] = key
  list[#list + 1] = value ~= null and tostring(value)
end

--- The list of names and values in turn, false for a name alone: `{ name = value }` in the names' order, or
--- `{ { name, value }, ... }` as it stands.
function ours.query(place, fields)
  local name = "query_string_from_dict"
  if type(fields) ~= "table" then expected(place, name, "table", fields, 1) end
  local list = {}
  if type(fields[1]) == "table" then
    for index = 1, #fields do
      local pair = fields[index]
      if type(pair) ~= "table" or not is_value(pair[1]) then
        refuse(place, name, "entry " .. index .. " must be a pair { name, value }", 1)
      end
      local value = pair[2]
      if value == nil then value = null end
      add(list, place, tostring(pair[1]), value)
    end
    return list
  end
  local names, values = {}, {}
  for key, value in pairs(fields) do
    if not is_value(key) then refuse(place, name, "names must be strings, got " .. type(key), 1) end
    names[#names + 1] = tostring(key)
    values[names[#names]] = value
  end
  sort(names)
  for _, key in ipairs(names) do add(list, place, key, values[key]) end
  return list
end
