-- json and cjson: lua-cjson's behaviour, which scripts know.
local check = require("check")
local equal = check.equal
local cjson = check.json
local encode, decode = cjson.encode, cjson.decode

check.test("values are encoded as cjson encodes them", function()
  equal(encode({ 1, 2, 3 }), "[1,2,3]")
  equal(encode({}), "{}")
  equal(encode({ a = 1 }), '{"a":1}')
  equal(encode("text"), '"text"')
  equal(encode(true), "true")
  equal(encode(nil), "null")
  equal(encode(cjson.null), "null")
  equal(encode({ 1, nil, 3 }), "[1,null,3]")
  equal(encode({ [5] = "x" }), '[null,null,null,null,"x"]')
  equal(encode({ { {} } }), "[[{}]]")
end)

check.test("numbers have 14 digits", function()
  equal(encode(1), "1")
  equal(encode(-0.5), "-0.5")
  equal(encode(1 / 3), "0.33333333333333")
  equal(encode(1e300), "1e+300")
  equal(encode(2 ^ 53), "9.007199254741e+15")
  if math.type then equal(encode(9007199254740993), "9007199254740993") end
end)

check.test("strings keep every byte", function()
  equal(encode('"\\/\b\f\n\r\t\0\1\127'), [["\"\\\/\b\f\n\r\t\u0000\u0001\u007f"]])
  equal(encode("\255ä"), '"\255ä"')
  local bytes = check.all_bytes()
  equal(decode(encode(bytes)), bytes)
end)

check.test("keys may be strings and numbers", function()
  equal(encode({ [1.5] = 1 }), '{"1.5":1}')
  check.raises("Cannot serialise table: table key must be a number or string", encode, { [true] = 1 })
end)

check.test("what JSON has no form for is refused in cjson's words", function()
  check.raises("Cannot serialise function: type not supported", encode, print)
  check.raises("Cannot serialise function: type not supported", encode, { print })
  check.raises("Cannot serialise number: must not be NaN or Inf", encode, 0 / 0)
  check.raises("Cannot serialise number: must not be NaN or Inf", encode, 1 / 0)
  check.raises("Cannot serialise table: excessively sparse array", encode, { [1000] = 1 })
  check.raises("expected 1 argument", encode)
  check.raises("expected 1 argument", encode, 1, 2)
end)

check.test("an error tells the place in the script", function()
  local why = check.raises(nil, function()
    local text = encode(print)
    return text
  end)
  assert(why:find("json.lua:%d+: Cannot serialise"), why)
end)

check.test("too much depth is refused both ways, without harm", function()
  local deep = {}
  for _ = 1, 1100 do deep = { deep } end
  check.raises("Cannot serialise, excessive depth (1001)", encode, deep)
  check.raises("Found too many nested data structures (1001)", decode, ("["):rep(1100))
  equal(#encode(decode(("["):rep(999) .. ("]"):rep(999))), 1998)
end)

check.test("values are decoded", function()
  local value = decode(' { "a" : [ 1, 2.5, -3e2, "x", true, false, null ], "b" : { } } ')
  equal(value.a[1], 1)
  equal(value.a[2], 2.5)
  equal(value.a[3], -300)
  equal(value.a[4], "x")
  equal(value.a[5], true)
  equal(value.a[6], false)
  equal(value.a[7], cjson.null)
  equal(next(value.b), nil)
  equal(decode("5"), 5)
  equal(tostring(decode("10")), "10")
end)

check.test("escapes become UTF-8, surrogates in pairs", function()
  equal(decode([["\u0041\u00e4\u20ac\ud83d\ude00\u0000\/\b\f\n\r\t\"\\"]]),
    "A\195\164\226\130\172\240\159\152\128\0/\b\f\n\r\t\"\\")
  check.raises("invalid unicode escape code", decode, [["\ud83d"]])
  check.raises("invalid unicode escape code", decode, [["\ude00"]])
  check.raises("invalid unicode escape code", decode, [["\uzzzz"]])
end)

check.test("mistakes are told in cjson's words", function()
  for text, sentence in pairs({
    [""] = "Expected value but found T_END at character 1",
    ["{"] = "Expected object key string but found T_END at character 2",
    ['{"a"'] = "Expected colon but found T_END at character 5",
    ['{"a":1 "b"'] = "Expected comma or object end but found T_STRING at character 8",
    ["[1 2]"] = "Expected comma or array end but found T_NUMBER at character 4",
    ["[1,]"] = "Expected value but found T_ARR_END at character 4",
    ["1 2"] = "Expected the end but found T_NUMBER at character 3",
    ["nope"] = "Expected value but found invalid token at character 1",
    ['"abc'] = "Expected value but found unexpected end of string at character 5",
    ['"a\\x"'] = "Expected value but found invalid escape code at character 3",
    ["-"] = "Expected value but found invalid number at character 1",
    ["{1:2}"] = "Expected object key string but found T_NUMBER at character 2",
  }) do
    check.raises(sentence, decode, text)
  end
  check.raises("JSON parser does not support UTF-16 or UTF-32", decode, "\0[\0]")
end)

check.test("cjson.safe gives nil and the message", function()
  require("whimbrel").install({ "cjson.safe" })
  local safe = require("cjson.safe")
  local value, err = safe.decode("[")
  equal(value, nil)
  equal(err, "Expected value but found T_END at character 2")
  value, err = safe.encode(print)
  equal(value, nil)
  equal(err, "Cannot serialise function: type not supported")
  equal(safe.decode("[1]")[1], 1)
  equal(safe.encode({ 1 }), "[1]")
end)

check.test("settings are read and set as cjson's, for each instance apart", function()
  local own = cjson.new()
  equal(own.encode_max_depth(), 1000)
  equal(own.encode_max_depth(2), 2)
  check.raises("excessive depth (3)", own.encode, { { {} } })
  equal(cjson.encode({ { {} } }), "[[{}]]")
  equal(own.encode_number_precision(3), 3)
  equal(own.encode(1 / 3), "0.333")
  local convert, ratio, safe = own.encode_sparse_array(true, 2, 5)
  assert(convert == true and ratio == 2 and safe == 5)
  equal(own.encode({ [100] = 1 }), '{"100":1}')
  equal(own.encode_invalid_numbers(), false)
  equal(own.encode_invalid_numbers("null"), "null")
  equal(own.encode({ 1 / 0 }), "[null]")
  equal(own.decode_invalid_numbers(), true)
  equal(own.decode("0x10"), 16)
  equal(own.decode_invalid_numbers(false), false)
  check.raises("invalid number", own.decode, "0x10")
  equal(own.encode_keep_buffer(), true)
  equal(own.decode_max_depth(1), 1)
  check.raises("too many nested data structures (2)", own.decode, "[[1]]")
  check.raises("expected integer between 1 and", own.encode_max_depth, 0)
  check.raises("found too many arguments", own.encode_max_depth, 1, 2)
  equal(cjson._NAME, "cjson")
end)

check.test("a table may be marked as an array", function()
  equal(encode(cjson.empty_array), "[]")
  equal(encode({ a = cjson.empty_array }), '{"a":[]}')
  equal(encode(setmetatable({}, cjson.empty_array_mt)), "[]")
  equal(encode(setmetatable({}, cjson.array_mt)), "[]")
end)

check.test("a lone number is decoded as this Lua's number", function()
  if math.type then
    equal(math.type(decode("1")), "integer")
    equal(math.type(decode("1.0")), "float")
  end
  equal(decode("1e2"), 100)
end)

check.done()
