-- The sentences of failed requests: they begin as scripts know them, and nothing is raised.
local check = require("check")
local http, equal = check.http, check.equal

local function fails_with(sentence, url, options)
  options = options or {}
  options.timeout = options.timeout or 10
  check.begins(check.failed(http.get(url, options)), sentence)
end

check.test("only http and https are spoken", function()
  for _, url in ipairs({ "ftp://127.0.0.1/", "file:///etc/hostname", "gopher://127.0.0.1/" }) do
    fails_with("Unsupported protocol", url)
  end
end)

check.test("what is no URL is told so", function()
  for _, url in ipairs({ "", "http://", "http://a b/", "http://127.0.0.1:99999/" }) do
    fails_with("URL using bad/illegal format or missing URL", url)
  end
  fails_with("URL using bad/illegal format or missing URL", "http://127.0.0.1/\255\254")
end)

check.test("a name that does not exist", function()
  fails_with("Could not resolve hostname", "http://no-such-name.invalid/")
end)

check.test("a port where nobody listens", function()
  fails_with("Could not connect to server", check.env("REFUSED_URL"))
end)

check.test("a server that closes before it answers", function()
  fails_with("Server returned nothing (no headers, no data)", check.env("RAW_EMPTY_URL"))
end)

check.test("a server that does not speak HTTP", function()
  fails_with("Weird server reply", check.env("RAW_GARBAGE_URL"))
end)

check.test("a body that ends too soon", function()
  fails_with("Transferred a partial file", check.env("RAW_TRUNCATED_URL"))
  fails_with("Transferred a partial file", check.env("RAW_CHUNK_TRUNCATED_URL"))
end)

check.test("a coded body that is broken", function()
  fails_with("Unrecognized or bad HTTP Content or Transfer-Encoding", check.env("RAW_BAD_GZIP_URL"))
end)

check.test("a reset in the middle", function()
  local err = check.failed(http.get(check.env("RAW_RESET_URL"), { timeout = 10 }))
  assert(err:find("^Failure when receiving data from the peer") or err:find("^Transferred a partial file"), err)
end)

check.test("TLS to a server that speaks none", function()
  fails_with("SSL connect error", (check.env("ORIGIN_URL"):gsub("^http:", "https:")) .. "/get")
end)

check.test("each timeout has the one sentence", function()
  fails_with("Timeout was reached", check.env("RAW_SILENT_URL"), { total_timeout = 0.3 })
  fails_with("Timeout was reached", check.env("RAW_SILENT_URL"), { idle_timeout = 0.3 })
  fails_with("Timeout was reached", check.env("BLACK_HOLE_URL"), { connect_timeout = 0.3 })
end)

check.test("total_timeout wins over timeout, and idle_timeout of 0 means none", function()
  fails_with("Timeout was reached", check.env("RAW_SILENT_URL"), { total_timeout = 0.3, timeout = 60 })
  equal(http.get(check.url("/get"), { idle_timeout = 0, connect_timeout = 0, total_timeout = 0 }).status, 200)
end)

check.test("no sentence holds a password", function()
  local err = check.failed(http.get("http://al:hush@127.0.0.1:1/?q=1", { timeout = 2 }))
  assert(not err:find("hush", 1, true), err)
end)

check.test("the session goes on after every failure", function()
  equal(http.get(check.url("/get")).status, 200)
end)

check.done()
