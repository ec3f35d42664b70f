-- The numbers of the module: methods, statuses, response codes and errors, each with Godot's name. `ours.enums` has a table
-- for each kind, which leads from name to number and back.
local ours = ...
local type, error, setmetatable, pairs, tostring = type, error, setmetatable, pairs, tostring
local rawget, upper = rawget, string.upper

local Method, Status, ResponseCode, Error = {}, {}, {}, {}
ours.enums = { Method = Method, Status = Status, ResponseCode = ResponseCode, Error = Error }

-- Requests may name their method, too.
ours.method_numbers = {}

for place = 1, #ours.methods do
  local name = ours.methods[place]
  Method["METHOD_" .. name] = place - 1
  ours.method_numbers[name] = place - 1
end
Method.METHOD_MAX = #ours.methods

for place = 1, #ours.statuses do Status[ours.statuses[place]] = place - 1 end
for name, code in pairs(ours.codes) do ResponseCode[name] = code end

-- Those that the engine returns, and those that a byte stream of the script's own may.
for number, name in pairs(ours.errors) do Error[name] = number end
Error.OK, Error.FAILED, Error.ERR_FILE_EOF, Error.ERR_BUSY = 0, 1, 18, 44

ours.constants = {}
for _, enum in pairs(ours.enums) do
  local names = {}
  for name, number in pairs(enum) do
    names[number] = name
    ours.constants[name] = number
  end
  for number, name in pairs(names) do enum[number] = name end
end

-- The versions of TLS, as numbers; TLSOptions takes the texts too.
ours.enums.TLSVersion = { TLS_1_2 = 0, TLS_1_3 = 1, [0] = "TLS_1_2", "TLS_1_3" }
ours.constants.TLS_1_2, ours.constants.TLS_1_3 = 0, 1

--- What an Error number says, in a few words: "Can't connect" for 25.
function ours.error_string(number)
  if type(number) ~= "number" then
    error("bad argument #1 to 'error_string' (number expected, got " .. type(number) .. ")", 2)
  end
  local name = rawget(Error, number)
  if name == nil then return "Unknown error " .. tostring(number) end
  if name == "OK" then return name end
  local words = name:gsub("^ERR_", ""):gsub("_", " "):lower():gsub("^cant ", "can't "):gsub(" cant ", ": can't ")
  return (words:gsub("^%l", upper))
end

--- Raises where a script says the name of a constant that there is none of: nil would be a status that never comes.
function ours.no_constant(name, level)
  if type(name) ~= "string" then return end
  local kind = name:match("^(%u+)_")
  if kind == "STATUS" or kind == "METHOD" or kind == "RESPONSE" or kind == "ERR" or kind == "TLS" then
    error("HTTPClient has no constant '" .. name .. "'", level + 1)
  end
end

for _, enum in pairs(ours.enums) do
  setmetatable(enum, { __index = function(_, name) ours.no_constant(name, 2) end })
end
