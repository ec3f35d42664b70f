---@meta whimbrel
-- Types for the Lua language server: what `require("whimbrel")` gives. Nothing here runs.

---@class WhimbrelSystem
---@field ResourceDirectory lightuserdata
---@field DocumentsDirectory lightuserdata
---@field TemporaryDirectory lightuserdata
---@field CachesDirectory lightuserdata
---@field ApplicationSupportDirectory lightuserdata
---@field pathForFile fun(filename?: string, baseDirectory?: lightuserdata): string?
---@field setBase fun(base: string, resources?: string, documents?: string)

---@class whimbrel
---@field version string  "0.1.0", for instance.
---@field http http
---@field json table  lua-cjson's interface.
---@field network network
---@field cookies NetworkCookies  The jar of this Lua state.
---@field system WhimbrelSystem  Used by `network` where the host has no `system` of its own.
local whimbrel = {}

---Puts modules of ours ("http", "network", "json", "cjson", "cjson.safe") where the host has its own of the same name:
---`package.loaded`, `package.preload` and the global. The function it returns puts those back.
---@param names string[]
---@return fun() undo
function whimbrel.install(names) end

---Sets what holds for every later request of this Lua state; each call replaces what the one before set.
---@param defaults { resolve?: table<string, string>, ca_file?: string }
function whimbrel.defaults(defaults) end

return whimbrel
