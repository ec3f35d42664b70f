-- The part of the global `display` that is about the network. Nothing is drawn: an "image" says where its file is.
local download = network.download
local type = type

display = {}

-- `display.loadRemoteImage(url, method, listener [, params], filename [, baseDirectory] [, x, y])`: a download whose
-- end has the image as `event.target` when the file is there.
function display.loadRemoteImage(url, method, listener, ...)
  local params, filename, base, x, y = ...
  if type(params) == "string" then
    params, filename, base, x, y = nil, ...
  end
  if type(base) == "number" then base, x, y = nil, base, x end
  local relay = {}
  function relay:networkRequest(event)
    local stored = event.response
    if event.phase == "ended" and not event.isError and type(stored) == "table" then
      event.target = { filename = stored.filename, baseDirectory = stored.baseDirectory, x = x or 0, y = y or 0 }
      function event.target:removeSelf() end
    end
    if type(listener) == "table" then
      listener:networkRequest(event)
    elseif listener then
      listener(event)
    end
  end
  return download(url, method, relay, params, filename, base)
end
