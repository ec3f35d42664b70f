---@meta http
-- Types for the Lua language server: what `require("http")` gives. Nothing here runs.

---Credentials of the Basic scheme, sent at once and only to the URL's own origin.
---@class HTTPAuth
---@field user? string  User name. Default: empty.
---@field pass? string  Password. Default: empty.

---How far a transfer has come.
---@class HTTPProgress
---@field phase "sending"|"receiving"
---@field sent integer  Bytes of the request body sent.
---@field send_total? integer  Bytes the request body has; nil if unknown.
---@field received integer  Bytes of the response body delivered, after decoding.
---@field total? integer  Bytes the response body has; nil if unknown, and for coded bodies.

---@class HTTPOptions
---@field method? string  Any method; the known ones in any case. Default: that of the function, else "GET".
---@field data? string  Request body. GET and HEAD don't send it.
---@field headers? table<string, string>  Request headers. An empty value removes a header that would be sent by itself.
---@field timeout? number  Seconds for the whole call, redirects included; 0 or less: none. Default: 30 (`download`: none).
---@field follow_redirects? boolean  Default: true.
---@field verify_ssl? boolean  Default: true. False trusts anybody: never use it with credentials.
---@field user_agent? string  Default: "Lua-HTTP/1.0".
---@field auth? HTTPAuth
---@field proxy? string|false  Proxy URL (http, https, socks4, socks4a, socks5, socks5h). Default: the environment's; false: none.
---@field connect_timeout? number  Seconds for the lookup and the handshakes of one hop. Default: 30.
---@field idle_timeout? number  Seconds without a byte moved either way. Default: none (`download`: 30).
---@field total_timeout? number  As `timeout`, and stronger.
---@field max_body? number  Bytes of response body, after decoding; 0: no limit. Default: 64 MiB, no limit for files.
---@field max_redirects? integer  Default: 30.
---@field allow_downgrade? boolean  Whether a redirect may lead from https to http. Default: true.
---@field ca_file? string  PEM file of certificates to trust besides the platform's.
---@field client_cert? string|{ cert: string, key: string }  PEM file with certificate and key, or one of each.
---@field resolve? table<string, string>  `["host:port"] = "address"`: connects there; Host, SNI and checks keep the name.
---@field json? table  Request body, encoded as JSON; sets Content-Type unless given.
---@field query? table  Added to the URL's query: `{ name = value }`, `{ name = { value, ... } }` or `{ { name, value }, ... }`.
---@field form? table  Request body of the same shapes, as an HTML form sends it.
---@field output? string  Path of a file that gets the body; `body` is then empty.
---@field on_progress? fun(progress: HTTPProgress): boolean?  Called as bytes move; false or an error cancels.
---@field decompress? boolean  Whether to ask for gzip, br and zstd and decode them. Default: true.

---Seconds since the call began at which each phase of the last hop ended; nil: it did not happen.
---@class HTTPTimings
---@field redirected number  When the last hop began; 0 without redirects.
---@field resolved? number
---@field connected? number
---@field secured? number
---@field sent? number
---@field head? number
---@field finished? number

---@class HTTPResponse
---@field status integer  Status code. No status is a failure.
---@field body string  The body, every byte of it.
---@field headers table<string, string>  Names as received, found in any case; repeated fields joined with ", ".
---@field url string  Where the answer came from, after redirects.
---@field reason string  The reason phrase, often empty.
---@field version string  "HTTP/1.1" or "HTTP/1.0".
---@field headers_list { [1]: string, [2]: string }[]  Every field in the order received.
---@field timings HTTPTimings
---@field bytes_written? integer  Size of the file, with the option `output`.

---@class HTTPDownload
---@field success true
---@field status integer  Status code; an error status has its body written too.
---@field bytes_written integer

---@class http
---@field strict boolean  Whether unknown and mistyped options are errors. Default: false.
---@field _VERSION string
local http = {}

---@param url string
---@param options? HTTPOptions
---@return HTTPResponse? response
---@return string? error
function http.request(url, options) end

---@param url string
---@param options? HTTPOptions
---@return HTTPResponse? response
---@return string? error
function http.get(url, options) end

---@param url string
---@param data? string
---@param options? HTTPOptions
---@return HTTPResponse? response
---@return string? error
---@overload fun(url: string, options: HTTPOptions): HTTPResponse?, string?
function http.post(url, data, options) end

---@param url string
---@param data? string
---@param options? HTTPOptions
---@return HTTPResponse? response
---@return string? error
---@overload fun(url: string, options: HTTPOptions): HTTPResponse?, string?
function http.put(url, data, options) end

---@param url string
---@param data? string
---@param options? HTTPOptions
---@return HTTPResponse? response
---@return string? error
---@overload fun(url: string, options: HTTPOptions): HTTPResponse?, string?
function http.patch(url, data, options) end

---@param url string
---@param options? HTTPOptions
---@return HTTPResponse? response
---@return string? error
function http.delete(url, options) end

---@param url string
---@param options? HTTPOptions
---@return HTTPResponse? response
---@return string? error
function http.head(url, options) end

---Sends the method OPTIONS.
---@param url string
---@param options? HTTPOptions
---@return HTTPResponse? response
---@return string? error
function http.options(url, options) end

---Stores a body in a file, which appears only when it is complete. Always a GET: `method` and bodies are ignored.
---@param url string
---@param path string  Any path the script may write to.
---@param options? HTTPOptions
---@return HTTPDownload? result
---@return string? error
function http.download(url, path, options) end

---Makes many requests at once and waits for all. A failed one is `{ error = sentence }` in its place.
---@param list (string|HTTPOptions)[]  URLs, or options with a `url`.
---@param options? { concurrency?: integer }  Default: 16 at a time.
---@return (HTTPResponse|{ error: string })[] results
function http.all(list, options) end

return http
