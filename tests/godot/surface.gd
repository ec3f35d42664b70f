# Every name of the native class is ours too, with the same arguments, defaults, results and values: by the table
# surface.txt and by what this engine says of its own class.
extends "res://check.gd"

const OURS := &"WhimbrelHTTPClient"
const NATIVE := &"HTTPClient"
const NEW_PROPERTIES := {
	"pinned_keys": TYPE_PACKED_STRING_ARRAY, "min_tls_version": TYPE_INT, "revocation_list": TYPE_STRING,
	"accept_encoding": TYPE_BOOL,
	"preserve_chunks": TYPE_BOOL, "download_file": TYPE_STRING, "error_message": TYPE_STRING,
}
const NEW_METHODS := {
	"set_client_certificate": [TYPE_OBJECT, TYPE_OBJECT], "request_file": [TYPE_INT, TYPE_STRING,
	TYPE_PACKED_STRING_ARRAY, TYPE_STRING],
	"get_request_bytes_sent": [], "get_request_body_length": [], "get_response_bytes_received": [], "get_timings": [],
	"get_response_trailers": [],
}
const TYPES := {
	"void": TYPE_NIL, "bool": TYPE_BOOL, "int": TYPE_INT, "String": TYPE_STRING,
	"PackedStringArray": TYPE_PACKED_STRING_ARRAY,
	"PackedByteArray": TYPE_PACKED_BYTE_ARRAY, "Dictionary": TYPE_DICTIONARY, "StreamPeer": TYPE_OBJECT,
	"TLSOptions": TYPE_OBJECT,
}


func run() -> void:
	var methods := by_name(ClassDB.class_get_method_list(OURS, true))
	var properties := by_name(ClassDB.class_get_property_list(OURS, true))
	same(ClassDB.get_parent_class(OURS), &"RefCounted", "a RefCounted, as the native class is")
	ok(ClassDB.can_instantiate(OURS), "can be made with new()")
	table(methods, properties)
	this_engine(methods, properties)
	beyond(methods, properties)
	defaults()
	calls()


func by_name(list: Array) -> Dictionary:
	var named := {}
	for entry in list:
		named[entry.name] = entry
	return named


func table(methods: Dictionary, properties: Dictionary) -> void:
	var constants := 0
	for line in FileAccess.get_file_as_string("res://surface.txt").split("\n", false):
		var words := line.split(" ")
		match words[0]:
			"property":
				var property: Dictionary = properties.get(words[1], {})
				same(property.get("type"), TYPES[words[2]], "property %s: %s" % [words[1], words[2]])
				ok(methods.has(words[3]) and methods.has(words[4]), "its setter and getter %s, %s" % [words[3],
						words[4]])
			"method":
				table_method(methods.get(words[1], {}), line)
			"constant":
				constants += 1
				var is_there := words[2] in ClassDB.class_get_enum_constants(OURS, words[1], true)
				var value := ClassDB.class_get_integer_constant(OURS, words[2])
				if not is_there or value != int(words[3]) or ClassDB.class_get_integer_constant_enum(OURS,
						words[2]) != words[1]:
					ok(false, line, "in the enum: %s, value %d" % [is_there, value])
	same(constants, 81, "every constant has its enum and value")


# `method NAME -> RESULT | name: type = default, ...`
func table_method(method: Dictionary, line: String) -> void:
	if method.is_empty():
		ok(false, line, "there is no such method")
		return
	var result := line.get_slice(" -> ", 1).get_slice(" | ", 0)
	var texts := line.get_slice(" | ", 1).split(", ", false)
	var wanted := []
	var defaults := []
	for described in texts:
		var type := described.get_slice(": ", 1).get_slice(" = ", 0)
		wanted.append([described.get_slice(": ", 0), TYPES[type]])
		if " = " in described:
			defaults.append(str_to_var(described.get_slice(" = ", 1)))
	var got := []
	for given in method.args:
		got.append([given.name, given.type])
	# No object is null in the table and a null object here; the engine's own class decides below.
	var plain := func(value: Variant) -> Variant: return null if value == null else value
	var given_defaults: Array = method.default_args.map(plain)
	same([method["return"].type, got, given_defaults], [TYPES[result], wanted, defaults], line)


func this_engine(methods: Dictionary, properties: Dictionary) -> void:
	for native in ClassDB.class_get_method_list(NATIVE, true):
		var ours: Dictionary = methods.get(native.name, {})
		if not ok(not ours.is_empty(), "has %s, as this engine's class" % native.name):
			continue
		same(shape(ours), shape(native), "%s has this engine's shape" % native.name)
	for native in ClassDB.class_get_property_list(NATIVE, true):
		if native.usage & PROPERTY_USAGE_GROUP or native.name not in properties:
			ok(native.name in properties, "has the property %s" % native.name)
			continue
		same(properties[native.name].type, native.type, "%s has this engine's type" % native.name)
	for name in ClassDB.class_get_integer_constant_list(NATIVE, true):
		same([ClassDB.class_get_integer_constant(OURS, name), ClassDB.class_get_integer_constant_enum(OURS, name)],
				[ClassDB.class_get_integer_constant(NATIVE, name), ClassDB.class_get_integer_constant_enum(NATIVE,
				name)], name)


func shape(method: Dictionary) -> Array:
	var arguments := []
	for given in method.args:
		arguments.append([given.name, given.type, given.class_name if given.type == TYPE_OBJECT else &""])
	var result: Dictionary = method["return"]
	return [arguments, method.default_args, result.type, result.class_name if result.type == TYPE_OBJECT else &"",
			bool(method.flags & METHOD_FLAG_STATIC), bool(method.flags & METHOD_FLAG_VARARG)]


func beyond(methods: Dictionary, properties: Dictionary) -> void:
	for name in NEW_PROPERTIES:
		var property: Dictionary = properties.get(name, {})
		same(property.get("type"), NEW_PROPERTIES[name], "new property %s" % name)
	for name in NEW_METHODS:
		var types := []
		for given in methods.get(name, {}).get("args", []):
			types.append(given.type)
		ok(methods.has(name) and types == NEW_METHODS[name], "new method %s" % name, types)
	same(Array(ClassDB.class_get_enum_constants(OURS, "TLSVersion", true)), ["TLS_1_2", "TLS_1_3"],
			"the enum TLSVersion")
	ok(properties.get("error_message", {}).get("usage",
			0) & PROPERTY_USAGE_READ_ONLY != 0 or not methods.has("set_error_message"),
			"error_message can't be set")


func defaults() -> void:
	var client := WhimbrelHTTPClient.new()
	var native := HTTPClient.new()
	for name in ["blocking_mode_enabled", "read_chunk_size", "connection"]:
		same(client.get(name), native.get(name), "default of %s" % name)
	same([client.accept_encoding, client.preserve_chunks, client.download_file, client.revocation_list,
			client.error_message],
			[false, false, "", "", ""], "what is new is off")
	same(client.pinned_keys, PackedStringArray(), "no keys are pinned")
	same([client.get_request_bytes_sent(), client.get_response_bytes_received()], [0, 0],
			"nothing has been sent or received")
	ok(client.get_timings() is Dictionary, "timings are a dictionary")
	same(client.get_response_trailers(), PackedStringArray(), "no trailers")


# Each method through the engine's own dispatch, with every number of arguments that it takes.
func calls() -> void:
	var client := WhimbrelHTTPClient.new()
	same(client.callv("connect_to_host", [""]), ERR_INVALID_PARAMETER, "connect_to_host with one argument")
	same(client.callv("connect_to_host", ["", 80]), ERR_INVALID_PARAMETER, "with two")
	same(client.callv("connect_to_host", ["", 80, null]), ERR_INVALID_PARAMETER, "with null for TLSOptions")
	same(client.callv("request", [0, "/", PackedStringArray()]), ERR_INVALID_PARAMETER, "request without a body")
	same(client.callv("request", [0, "/", PackedStringArray(), "body"]), ERR_INVALID_PARAMETER, "request with a body")
	same(client.callv("request_raw", [0, "/", PackedStringArray(), PackedByteArray()]), ERR_INVALID_PARAMETER,
			"request_raw")
	same(client.callv("get_status", []), 0, "get_status")
