-- `client.connection`: the bytes under a client as an object with the functions of Godot's StreamPeer, and the script's own
-- stream in its place.
local ours = ...
local native = ours.native
local type, error, tostring, setmetatable, getmetatable = type, error, tostring, setmetatable, getmetatable
local OK, END = 0, 18

-- The engine's own connection ------------------------------------------------------------------------------------------

local Peer = { __name = "StreamPeer" }
Peer.__index = Peer

local function peer(self, name)
  if getmetatable(self) ~= Peer then
    error("bad argument #1 to '" .. name .. "' (StreamPeer expected, got " .. type(self)
      .. "; call its methods with a colon, as in connection:" .. name .. "(...))", 3)
  end
  return self
end

local function count(name, value)
  if type(value) ~= "number" or value < 0 or value % 1 ~= 0 then
    error("bad argument #1 to '" .. name .. "' (a number of bytes expected, got "
      .. (type(value) == "number" and tostring(value) or type(value)) .. ")", 3)
  end
  return value
end

local function bytes(name, value)
  if type(value) ~= "string" then
    error("bad argument #1 to '" .. name .. "' (string expected, got " .. type(value) .. ")", 3)
  end
  return value
end

--- How many bytes can be read without waiting; 0 also when the connection is closed.
function Peer:get_available_bytes()
  peer(self, "get_available_bytes")
  local available, why = native.available(self.client, self.number)
  return why and 0 or available
end

--- An Error number and what there is, at most so many bytes.
function Peer:get_partial_data(most)
  peer(self, "get_partial_data")
  local err, data, why = native.receive(self.client, self.number, count("get_partial_data", most), false)
  return err, data, why
end

--- An Error number and exactly so many bytes: waits for them.
function Peer:get_data(exactly)
  peer(self, "get_data")
  local err, data, why = native.receive(self.client, self.number, count("get_data", exactly), true)
  return err, data, why
end

--- An Error number and how many bytes were taken.
function Peer:put_partial_data(data)
  peer(self, "put_partial_data")
  local err, sent = native.send(self.client, self.number, bytes("put_partial_data", data), false)
  return err, sent
end

--- An Error number: waits until all was taken.
function Peer:put_data(data)
  peer(self, "put_data")
  local err, why = native.send(self.client, self.number, bytes("put_data", data), true)
  if err == OK then return OK end
  return err, why
end

function Peer:__tostring()
  return "StreamPeer of " .. tostring(self.client)
end

--- What `client.connection` gives: nil without one, else the same object as long as the connection is the same.
function ours.get_connection(client)
  local number, streamed, object = native.connection(client)
  if number == nil then return nil end
  if streamed then return object end
  if type(object) ~= "table" or getmetatable(object) ~= Peer or object.number ~= number then
    object = setmetatable({ client = client, number = number }, Peer)
    native.keep(client, object)
  end
  return object
end

-- The script's own stream ----------------------------------------------------------------------------------------------

local godot, sockets = {}, {}

function godot.read(stream, most)
  local err, data = stream:get_partial_data(most)
  if err == OK and type(data) == "string" then return data end
  if err == END then return type(data) == "string" and data ~= "" and data or nil end
  if type(err) == "number" and err ~= OK then return false end
  error("get_partial_data of the connection must return an Error number and a string, it returned " .. type(err)
    .. " and " .. type(data), 0)
end

function godot.write(stream, data)
  local err, sent = stream:put_partial_data(data)
  if err == OK and type(sent) == "number" then return sent end
  if type(err) == "number" and err ~= OK then return false end
  error("put_partial_data of the connection must return an Error number and how many bytes it took, it returned "
    .. type(err) .. " and " .. type(sent), 0)
end

local IS_WAIT = { timeout = true, wantread = true, wantwrite = true }

-- As LuaSocket's are, with a timeout of 0.
function sockets.read(stream, most)
  local data, why, partial = stream:receive(most)
  data = data or partial or ""
  if data ~= "" then return data end
  if why == "closed" then return nil end
  return IS_WAIT[why] and "" or false
end

function sockets.write(stream, data)
  local last, why, partial = stream:send(data)
  if last or partial and partial > 0 then return last or partial end
  return IS_WAIT[why] and 0 or false
end

local function method(stream, name)
  local kind = type(stream)
  if kind ~= "table" and kind ~= "userdata" then return nil end
  return stream[name]
end

--- Goes on over the script's stream; nothing changes where it is the one in use. `level` is that of the script.
function ours.set_connection(client, stream, level)
  if stream == nil then
    error("the connection can't be nil: client:close() closes it", level)
  end
  if stream == ours.get_connection(client) then return end
  local kind
  if method(stream, "get_partial_data") and method(stream, "put_partial_data") then
    kind = godot
  elseif method(stream, "receive") and method(stream, "send") then
    kind = sockets
  else
    error("a connection needs the functions get_partial_data and put_partial_data, or receive and send; got "
      .. type(stream), level)
  end
  native.attach(client, kind.read, kind.write, stream)
end
