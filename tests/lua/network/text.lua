-- Which responses are text and in which encoding; everything else comes as it is.
local check = require("check")
local events = require("events")
local served = require("served")
local equal = check.equal

--- The response to such a body, and its type.
local function response(content_type, body, status)
  local fields = content_type and "Content-Type: " .. content_type .. "\r\n" or ""
  local event = events.came(served.whole(status or "200 OK", fields, body), "GET")
  return event.response, event.responseType
end

local UTF8, LATIN = "caf\195\169", "caf\233"

check.test("these types are text", function()
  for _, content_type in ipairs({
    "text/plain", "text/html", "text/css", "text/anything", "application/json", "application/javascript",
    "application/x-javascript", "application/ecmascript", "application/x-www-form-urlencoded", "text/xml", "application/xml",
    "application/xhtml+xml", "application/atom+xml", "TEXT/PLAIN", "image/svg; charset=utf-8", "application/x; charset=UTF-8",
  }) do
    local body, kind = response(content_type, UTF8)
    equal(kind, "text", content_type)
    equal(body, UTF8, content_type)
  end
end)

check.test("these are binary, byte for byte", function()
  for _, content_type in ipairs({
    "image/png", "application/octet-stream", "application/zip", "application/pdf", "audio/ogg", "font/woff2",
  }) do
    local body, kind = response(content_type, check.all_bytes())
    equal(kind, "binary", content_type)
    equal(body, check.all_bytes(), content_type)
  end
end)

check.test("a body without a type is binary", function()
  local body, kind = response(nil, check.all_bytes())
  equal(kind, "binary")
  equal(body, check.all_bytes())
end)

check.test("the charset of the header decodes", function()
  equal(response("text/plain; charset=iso-8859-1", LATIN), UTF8)
  equal(response("text/plain;charset=ISO-8859-1", LATIN), UTF8)
  equal(response('text/plain; charset="windows-1252"', "\128"), "\226\130\172")
  equal(response("text/plain; charset=Shift_JIS", "\147\250\150\123"), "\230\151\165\230\156\172")
  equal(response("text/plain; charset=utf-16le", "h\0i\0"), "hi")
  equal(response("application/octet-stream; charset=iso-8859-1", LATIN), UTF8)
end)

check.test("the header's charset stands above what the content says", function()
  local xml = '<?xml version="1.0" encoding="utf-8"?><a>' .. LATIN .. "</a>"
  equal(response("text/xml; charset=iso-8859-1", xml), (xml:gsub("\233", "\195\169")))
end)

check.test("the declaration of XML decodes", function()
  local xml = '<?xml version="1.0" encoding="iso-8859-1"?><a>' .. LATIN .. "</a>"
  equal(response("application/xml", xml), (xml:gsub("\233", "\195\169")))
  equal(response("application/atom+xml", xml), (xml:gsub("\233", "\195\169")))
end)

check.test("the meta elements of HTML decode", function()
  for _, meta in ipairs({
    '<meta charset="iso-8859-1">',
    "<META CHARSET=iso-8859-1>",
    '<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">',
  }) do
    local page = "<html><head>" .. meta .. "</head>" .. LATIN .. "</html>"
    local body, kind = response("text/html", page)
    equal(body, (page:gsub("\233", "\195\169")), meta)
    equal(kind, "text")
  end
end)

check.test("what can't be decoded comes as it is, and is binary", function()
  local body, kind = response("text/plain", "ab\255\254c")
  equal(body, "ab\255\254c")
  equal(kind, "binary")
  body, kind = response("application/json; charset=utf-8", "\195\40")
  equal(body, "\195\40")
  equal(kind, "binary")
  body, kind = response("text/plain; charset=klingon", LATIN)
  equal(body, LATIN)
  equal(kind, "binary")
end)

check.test("text with NUL bytes is not cut", function()
  equal(response("text/plain", "a\0b"), "a\0b")
end)

check.test("an error's text is decoded as any other", function()
  local body, kind = response("text/plain; charset=iso-8859-1", LATIN, "500 Oh No")
  equal(body, UTF8)
  equal(kind, "text")
end)

check.test("a coded text is decoded from its coding first", function()
  local event = events.came(check.url("/encoding/utf8"), "GET")
  equal(event.responseType, "text")
  check.holds(event.response, "Gr\195\182\195\159e")
end)

check.test("debug tells where the charset comes from, in strings", function()
  local function debugged(content_type, body)
    return events.came(served.whole("200 OK", "Content-Type: " .. content_type .. "\r\n", body), "GET", { debug = true }).debug
  end
  local told = debugged("text/plain; charset=KOI8-R", "\193")
  equal(told.isDebug, "true")
  equal(told.charset:lower(), "koi8-r")
  equal(told.charsetSource, "protocol")
  equal(debugged("text/html", '<meta charset="iso-8859-1">').charsetSource, "content")
  equal(debugged("text/plain", "x").charsetSource, "implicit")
  for _, value in pairs(told) do equal(type(value), "string") end
  equal(events.came(served.whole("200 OK", "", "x"), "GET").debug, nil)
end)

check.done()
