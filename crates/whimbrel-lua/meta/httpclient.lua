---@meta httpclient
-- Types for the Lua language server: what `require("httpclient")` gives. Nothing here runs.

---0 (`HTTPClient.OK`), or one of the `ERR_` constants.
---@alias HTTPClient.ErrorNumber integer

---Lines `"Name: value"`, values by name, or both; a list of values sends the field once for each.
---@alias HTTPClient.Headers string[]|table<string, string|number|(string|number)[]>

---A byte stream of the script's own. Its functions must not wait, yield, or use the client that calls them.
---@class HTTPClient.Stream
---@field get_partial_data fun(self, most: integer): HTTPClient.ErrorNumber, string  `OK` and at most so many bytes, `""` for nothing now; `ERR_FILE_EOF` at the end; any other number breaks the connection.
---@field put_partial_data fun(self, data: string): HTTPClient.ErrorNumber, integer  `OK` and how many bytes were taken.

---A socket like LuaSocket's, with a timeout of 0.
---@class HTTPClient.Socket
---@field receive fun(self, most: integer): string?, string?, string?
---@field send fun(self, data: string): integer?, string?, integer?

---The bytes under a client. A byte is read here or as the body, never as both.
---@class HTTPClient.StreamPeer
local StreamPeer = {}

---How many bytes can be read without waiting.
---@return integer
function StreamPeer:get_available_bytes() end

---@param most integer
---@return HTTPClient.ErrorNumber err
---@return string data  `""` for nothing now.
---@return string? why
function StreamPeer:get_partial_data(most) end

---Waits until so many bytes have come.
---@param exactly integer
---@return HTTPClient.ErrorNumber err
---@return string data
---@return string? why
function StreamPeer:get_data(exactly) end

---@param data string
---@return HTTPClient.ErrorNumber err
---@return integer|string sent  How many bytes were taken, or why none.
function StreamPeer:put_partial_data(data) end

---Waits until all was taken.
---@param data string
---@return HTTPClient.ErrorNumber err
---@return string? why
function StreamPeer:put_data(data) end

---Whom a client trusts, and what it shows. Texts are PEM, or the path of a file that holds it.
---@class HTTPClient.TLSOptions
---@field trusted_chain? string  Certificates to trust in place of the platform's.
---@field common_name? string  The name that the certificate must have, in place of the host's.
---@field unsafe? boolean  Whether nothing is checked, or, with a chain, all but the name.
---@field pinned_keys? string[]  `"sha256/BASE64"` of the keys one of which must be in the server's chain.
---@field min_tls_version? 0|1|"1.2"|"1.3"  `HTTPClient.TLS_1_2` (default) or `HTTPClient.TLS_1_3`.
---@field client_certificate? string  Shown to servers that ask.
---@field client_key? string  Its key. Default: in the same text.
---@field revocation_list? string  Certificates on it are refused.

---Seconds since the request began, the first of a connection since `connect_to_host`; nil: it did not happen.
---@class HTTPClient.Timings
---@field resolved? number
---@field connected? number
---@field secured? number
---@field sent? number
---@field head? number
---@field finished? number

---@class HTTPClient
---@field blocking_mode_enabled boolean  Whether `poll` waits for the response's head, and reads wait until they are full. Default: false.
---@field read_chunk_size integer  The most bytes that one read gives, 256 to 16777216. Default: 65536.
---@field connection HTTPClient.StreamPeer|HTTPClient.Stream|HTTPClient.Socket|nil  The bytes below; a stream that is set takes their place.
---@field connect_timeout number  Seconds for each phase of connecting. Default: 30.
---@field user_agent string
---@field accept_encoding boolean  Whether gzip, br and zstd are asked for and decoded. Default: false.
---@field preserve_chunks boolean  Whether a read of a chunked body gives one whole chunk. Default: false.
---@field download_file string?  The file that the bodies of 2xx responses go to.
---@field error_message string?  Why the last call or the connection failed.
---@field METHOD_GET 0
---@field METHOD_HEAD 1
---@field METHOD_POST 2
---@field METHOD_PUT 3
---@field METHOD_DELETE 4
---@field METHOD_OPTIONS 5
---@field METHOD_TRACE 6
---@field METHOD_CONNECT 7
---@field METHOD_PATCH 8
---@field METHOD_MAX 9
---@field STATUS_DISCONNECTED 0
---@field STATUS_RESOLVING 1
---@field STATUS_CANT_RESOLVE 2
---@field STATUS_CONNECTING 3
---@field STATUS_CANT_CONNECT 4
---@field STATUS_CONNECTED 5
---@field STATUS_REQUESTING 6
---@field STATUS_BODY 7
---@field STATUS_CONNECTION_ERROR 8
---@field STATUS_TLS_HANDSHAKE_ERROR 9
---@field OK 0
---@field FAILED 1
---@field ERR_UNCONFIGURED 3
---@field ERR_FILE_CANT_OPEN 12
---@field ERR_FILE_CANT_WRITE 13
---@field ERR_FILE_EOF 18
---@field ERR_CANT_CONNECT 25
---@field ERR_CANT_RESOLVE 26
---@field ERR_CONNECTION_ERROR 27
---@field ERR_INVALID_DATA 30
---@field ERR_INVALID_PARAMETER 31
---@field ERR_BUSY 44
---@field TLS_1_2 0
---@field TLS_1_3 1
---@field RESPONSE_OK 200  One of 61 `RESPONSE_` constants, all in `HTTPClient.ResponseCode`.
---@field Method table<string, integer>  Names to numbers and back, as the other enums.
---@field Status table<string, integer>
---@field ResponseCode table<string, integer>
---@field Error table<string, integer>
---@field TLSVersion table<string, integer>
---@field null lightuserdata  A value of `query_string_from_dict` that leaves the name alone.
local HTTPClient = {}

HTTPClient.TLSOptions = {}

---Checks the chain and the name.
---@param trusted_chain? string  PEM or a path. Default: the platform's certificates.
---@param common_name_override? string
---@return HTTPClient.TLSOptions
function HTTPClient.TLSOptions.client(trusted_chain, common_name_override) end

---Checks nothing, or, with a chain, all but the name.
---@param trusted_chain? string
---@return HTTPClient.TLSOptions
function HTTPClient.TLSOptions.client_unsafe(trusted_chain) end

---@return HTTPClient
function HTTPClient.new() end

---@param err HTTPClient.ErrorNumber
---@return string
function HTTPClient.error_string(err) end

---Begins to connect, after it has closed what there was.
---@param host string  A name or an address, with `https://` before it for TLS with the defaults.
---@param port? integer  Default: 80 or 443.
---@param tls_options? HTTPClient.TLSOptions
---@return HTTPClient.ErrorNumber err
---@return string? why
function HTTPClient:connect_to_host(host, port, tls_options) end

---Ends the connection, in any state.
function HTTPClient:close() end

---Does what can be done now. To be called in each frame.
---@return HTTPClient.ErrorNumber err
---@return string? why
function HTTPClient:poll() end

---@return integer status  One of the `STATUS_` constants.
function HTTPClient:get_status() end

---Takes up a request; nothing is sent before the next `poll`.
---@param method integer|string  A `METHOD_` constant, or the method's name.
---@param url string  A path with its query.
---@param headers? HTTPClient.Headers
---@param body? string
---@return HTTPClient.ErrorNumber err
---@return string? why
function HTTPClient:request(method, url, headers, body) end

---The same as `request`: a string holds any bytes.
---@param method integer|string
---@param url string
---@param headers? HTTPClient.Headers
---@param body? string
---@return HTTPClient.ErrorNumber err
---@return string? why
function HTTPClient:request_raw(method, url, headers, body) end

---A request whose body is a file, read as it is sent.
---@param method integer|string
---@param url string
---@param headers? HTTPClient.Headers
---@param path string
---@return HTTPClient.ErrorNumber err
---@return string? why
function HTTPClient:request_file(method, url, headers, path) end

---Whether a response came whose headers were not taken.
---@return boolean
function HTTPClient:has_response() end

---@return integer
function HTTPClient:get_response_code() end

---@return integer length  In bytes; -1 where it is not known.
function HTTPClient:get_response_body_length() end

---@return boolean
function HTTPClient:is_response_chunked() end

---The header lines, once: a second call gives none.
---@return string[]
function HTTPClient:get_response_headers() end

---The headers by name, found in any case, once; of a repeated field the last.
---@return table<string, string>
function HTTPClient:get_response_headers_as_dictionary() end

---The lines behind a chunked body.
---@return string[]
function HTTPClient:get_response_trailers() end

---What is there of the body; `""` for nothing now, or at its end.
---@return string chunk
---@return string? why  Why nothing can come.
function HTTPClient:read_response_body_chunk() end

---@return integer
function HTTPClient:get_request_bytes_sent() end

---@return integer length  -1 where it is not known.
function HTTPClient:get_request_body_length() end

---@return integer
function HTTPClient:get_response_bytes_received() end

---@return HTTPClient.Timings
function HTTPClient:get_timings() end

---Whether the connection carries something else than HTTP now (101, or 2xx to CONNECT).
---@return boolean
function HTTPClient:is_upgraded() end

---The proxy of plain connections; `""` and -1 for none.
---@param host string
---@param port integer
function HTTPClient:set_http_proxy(host, port) end

---The proxy of TLS connections; `""` and -1 for none.
---@param host string
---@param port integer
function HTTPClient:set_https_proxy(host, port) end

---A query of `{ name = value }` in the names' order, or of `{ { name, value }, ... }` as it stands. Also called on the module.
---@param fields table
---@return string
function HTTPClient:query_string_from_dict(fields) end

---@return boolean
function HTTPClient:is_blocking_mode_enabled() end
---@param on boolean
function HTTPClient:set_blocking_mode(on) end
---@return integer
function HTTPClient:get_read_chunk_size() end
---@param bytes integer
function HTTPClient:set_read_chunk_size(bytes) end
---@return HTTPClient.StreamPeer|HTTPClient.Stream|HTTPClient.Socket|nil
function HTTPClient:get_connection() end
---@param stream HTTPClient.StreamPeer|HTTPClient.Stream|HTTPClient.Socket
function HTTPClient:set_connection(stream) end
---@return number
function HTTPClient:get_connect_timeout() end
---@param seconds number
function HTTPClient:set_connect_timeout(seconds) end
---@return string
function HTTPClient:get_user_agent() end
---@param user_agent string
function HTTPClient:set_user_agent(user_agent) end
---@return boolean
function HTTPClient:get_accept_encoding() end
---@param on boolean
function HTTPClient:set_accept_encoding(on) end
---@return boolean
function HTTPClient:get_preserve_chunks() end
---@param on boolean
function HTTPClient:set_preserve_chunks(on) end
---@return string?
function HTTPClient:get_download_file() end
---@param path? string
function HTTPClient:set_download_file(path) end
---@return string?
function HTTPClient:get_error_message() end

return HTTPClient
