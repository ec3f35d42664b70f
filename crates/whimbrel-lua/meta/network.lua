---@meta network
-- Types for the Lua language server: what `require("network")` gives. Nothing here runs.

---What a request is known by; cancel it with this.
---@class NetworkRequestId: userdata

---A file under a directory of `system`.
---@class NetworkFile
---@field filename string
---@field baseDirectory? lightuserdata  Default: `system.DocumentsDirectory`.

---@class NetworkRetry
---@field max? integer  How often it is tried again. Default: 3.
---@field wait? number  Seconds before the first time, doubled each time. Default: 0.5.
---@field maxWait? number  Seconds at most. Default: 30.
---@field statuses? boolean  Whether 429, 502, 503 and 504 are reasons. Default: true.

---Beside these, every option of `http`, in either spelling.
---@class NetworkParams
---@field headers? table<string, string|number|boolean>
---@field body? string|NetworkFile
---@field bodyType? "text"|"binary"
---@field progress? "upload"|"download"|"none"|boolean  A boolean for `download` and `upload` only.
---@field response? NetworkFile  Where a 2xx body goes.
---@field timeout? number  Seconds in which nothing moves. Default: 30; 0: none.
---@field handleRedirects? boolean  Default: true.
---@field debug? boolean
---@field onChunk? fun(bytes: string): boolean?  Gets the body piece by piece; false cancels.
---@field retry? integer|NetworkRetry
---@field progressInterval? number  Milliseconds between two progress events. Default: 100.
---@field priority? integer  Higher first. Default: 0.
---@field maxRate? number  Bytes a second.
---@field cookies? boolean  Default: true.
---@field allowDowngrade? boolean  Default: false.
---@field method? string  For `fetch`.

---@class NetworkEvent
---@field name "networkRequest"
---@field phase "began"|"progress"|"ended"
---@field isError boolean
---@field status integer  -1 without a response.
---@field url string
---@field requestId NetworkRequestId
---@field responseHeaders? table<string, string>
---@field response? string|{ filename: string, baseDirectory: lightuserdata, fullPath: string }
---@field responseType? "text"|"binary"
---@field bytesTransferred integer
---@field bytesEstimated integer  -1 if unknown.
---@field timings? HTTPTimings
---@field protocol? string
---@field redirectedUrl? string
---@field debug? table<string, string>

---@alias NetworkListener fun(event: NetworkEvent)|{ networkRequest: fun(self: table, event: NetworkEvent) }

---@class NetworkCookies
local cookies = {}

---@param url string
---@param line string  A `Set-Cookie` value.
---@return true? done
---@return string? error
function cookies.set(url, line) end

---@return { name: string, value: string, domain: string, path: string, host_only: boolean, secure: boolean, http_only: boolean, same_site?: string, expires?: number }[]
function cookies.list() end

---@param domain string
---@param path string
---@param name string
---@return boolean removed
function cookies.remove(domain, path, name) end

function cookies.clear() end

---@param path string
---@return true? done
---@return string? error
function cookies.save(path) end

---@param path string
---@return integer? added
---@return string? error
function cookies.load(path) end

---@class network
---@field formPosts boolean  Whether a POST without a type is a form's. Default: false.
---@field onError? fun(message: string)  Gets the errors of listeners. Default: they go to standard error.
---@field cookies NetworkCookies
---@field canDetectNetworkStatusChanges nil
local network = {}

---@param url string
---@param method? string  Default: "GET".
---@param listener? NetworkListener
---@param params? NetworkParams
---@return NetworkRequestId? id
---@overload fun(url: string, method?: string, params: NetworkParams): NetworkRequestId?
function network.request(url, method, listener, params) end

---@param url string
---@param method? string  Default: "GET".
---@param listener? NetworkListener
---@param params? NetworkParams
---@param filename string
---@param baseDirectory? lightuserdata
---@return NetworkRequestId? id
---@overload fun(url: string, method: string?, listener: NetworkListener?, filename: string, baseDirectory?: lightuserdata): NetworkRequestId?
function network.download(url, method, listener, params, filename, baseDirectory) end

---@param url string
---@param method? string  Default: "POST".
---@param listener? NetworkListener
---@param params? NetworkParams
---@param filename string
---@param baseDirectory? lightuserdata
---@param contentType? string
---@return NetworkRequestId? id
---@overload fun(url: string, method: string?, listener: NetworkListener?, filename: string, baseDirectory?: lightuserdata, contentType?: string): NetworkRequestId?
function network.upload(url, method, listener, params, filename, baseDirectory, contentType) end

---@param id NetworkRequestId
---@return true?
function network.cancel(id) end

---@param budget? number  Milliseconds.
---@return integer left  Requests that have not ended.
function network.dispatch(budget) end

---@param id? NetworkRequestId
---@param seconds? number
---@return boolean ended
---@overload fun(seconds: number): boolean
function network.wait(id, seconds) end

---@param url string
---@param params? NetworkParams
---@return HTTPResponse? response
---@return string? error
function network.fetch(url, params) end

---@param id NetworkRequestId
---@return boolean
function network.pause(id) end

---@param id NetworkRequestId
---@return boolean
function network.resume(id) end

---How many requests use connections at once; the others wait for their turn. Holds from the next request that is made
---when none is under way.
---@param per_host integer  To one origin. Default: 16.
---@param total? integer  In all. Default: 256, or `per_host` where that is more.
function network.limitConnections(per_host, total) end

---@param id NetworkRequestId
---@param priority integer
---@return boolean
function network.setPriority(id, priority) end

---@return { isConnected: boolean, isMobile: boolean }
function network.getConnectionStatus() end

---@param host string
---@param listener? function|table
function network.setStatusListener(host, listener) end

---For hosts: sleeps until there is something to dispatch.
---@param seconds number  At most so long.
function network.idle(seconds) end

---For hosts: nothing is delivered and nothing moves until `unsuspend`.
function network.suspend() end

function network.unsuspend() end

---For hosts: cancels all; no request is made after it.
function network.shutdown() end

return network
