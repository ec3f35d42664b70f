-- Puts modules of ours where a host has its own of the same name, and gives a function that puts those back.
local ours = ...
local package, _G, type, error, ipairs, tostring = package, _G, type, error, ipairs, tostring
local rawget, rawset = rawget, rawset -- Hosts guard their globals by metamethods that raise.

return function(names)
  if type(names) ~= "table" then
    error("bad argument #1 to 'install' (a list of module names expected, such as { \"http\" })", 2)
  end
  for _, name in ipairs(names) do
    if ours[name] == nil then
      error("bad argument #1 to 'install' (whimbrel has no module '" .. tostring(name) .. "')", 2)
    end
  end
  local before = {}
  for _, name in ipairs(names) do
    local module = ours[name]
    before[#before + 1] = {
      name = name, loaded = package.loaded[name], preload = package.preload[name], global = rawget(_G, name),
    }
    package.loaded[name] = module
    package.preload[name] = function() return module end
    -- A name with a dot is no global's.
    if not name:find(".", 1, true) then rawset(_G, name, module) end
  end
  return function()
    for index = #before, 1, -1 do
      local was = before[index]
      package.loaded[was.name], package.preload[was.name] = was.loaded, was.preload
      rawset(_G, was.name, was.global)
      before[index] = nil
    end
  end
end
