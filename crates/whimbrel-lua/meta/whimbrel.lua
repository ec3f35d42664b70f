---@meta whimbrel
-- Types for the Lua language server: what `require("whimbrel")` gives. Nothing here runs.

---@class whimbrel
---@field version string  "0.1.0", for instance.
---@field http http
---@field json table  lua-cjson's interface.
local whimbrel = {}

---Puts modules of ours ("http", "json", "cjson", "cjson.safe") where the host has its own of the same name:
---`package.loaded`, `package.preload` and the global. The function it returns puts those back.
---@param names string[]
---@return fun() undo
function whimbrel.install(names) end

---Sets what holds for every later request of this Lua state; each call replaces what the one before set.
---@param defaults { resolve?: table<string, string>, ca_file?: string }
function whimbrel.defaults(defaults) end

return whimbrel
