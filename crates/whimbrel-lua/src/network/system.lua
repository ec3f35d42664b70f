-- Where files go: the host's `system`, asked anew each time, or ours, which is made here.
local ours = ...
local type, error, next, rawget, pcall, _G = type, error, next, rawget, pcall, _G
local places, folder, make_folder, exists, confined = ours.places, ours.folder, ours.make_folder, ours.exists,
  ours.confined
local complain = ours.complain

local system = {}
ours.system = system
for name, place in next, places do system[name] = place end

local function host_system()
  local host = rawget(_G, "system")
  if type(host) == "table" and host ~= system and type(host.pathForFile) == "function" then return host end
end

-- The constant of that name.
function ours.directory(name)
  local host = host_system()
  local directory = host and host[name]
  if directory == nil then directory = places[name] end
  return directory
end

-- The folder that a constant stands for; nil if it is none.
function ours.folder_of(directory)
  local host = host_system()
  if host then
    local good, path = pcall(host.pathForFile, nil, directory)
    if good and type(path) == "string" then return path end
    good, path = pcall(host.pathForFile, "", directory)
    if good and type(path) == "string" then return path end
  end
  return folder(directory)
end

-- The path of a file under a base directory (default: where the script lies), or of the directory itself. nil for a name
-- that leads out of it and for a resource that is not there.
function system.pathForFile(filename, base)
  if base == nil then base = system.ResourceDirectory end
  local path = folder(base)
  if not path then
    complain("WARNING: system.pathForFile: invalid base directory (expected constant got a " .. type(base) .. ")")
    base = system.ResourceDirectory
    path = folder(base)
  end
  local is_resource = base == system.ResourceDirectory
  if not is_resource then make_folder(path) end
  if filename == nil or filename == "" then return path end
  if type(filename) ~= "string" then
    complain("WARNING: system.pathForFile: invalid file name (expected a string, got a " .. type(filename) .. ")")
    return nil
  end
  local whole, problem = confined(path, filename)
  if not whole then
    complain("WARNING: system.pathForFile: " .. problem)
    return nil
  end
  if is_resource and not exists(whole) then
    complain("WARNING: Cannot create path for resource file '" .. filename .. "'. File does not exist.")
    return nil
  end
  return whole
end

-- Where the directories lie: Documents and its like under `base`, the script's own files in `resources`; Documents may
-- be said by itself.
function system.setBase(base, resources, documents)
  if type(base) ~= "string" then
    error("bad argument #1 to 'setBase' (the path of a folder expected, got " .. type(base) .. ")", 2)
  elseif resources ~= nil and type(resources) ~= "string" then
    error("bad argument #2 to 'setBase' (the path of a folder expected, got " .. type(resources) .. ")", 2)
  elseif documents ~= nil and type(documents) ~= "string" then
    error("bad argument #3 to 'setBase' (the path of a folder expected, got " .. type(documents) .. ")", 2)
  end
  ours.set_base(base, resources, documents)
end
