# What the scripts stand on: they extend this and write `run()`. It prints `ok` and `not ok`, and quits with the number
# of those that failed. Waits end when what is waited for is there, or after PATIENCE, which no test on a living machine
# takes.
extends SceneTree

const PATIENCE := 20000

var failures := 0


func _initialize() -> void:
	await run()
	quit(mini(failures, 100))


func run() -> void:
	pass


func ok(condition: bool, name: String, why: Variant = "") -> bool:
	if condition:
		print("ok ", name)
	else:
		failures += 1
		print("not ok ", name, ": ", why)
	return condition


func same(got: Variant, wanted: Variant, name: String) -> bool:
	var is_same: bool = (got == null and wanted == null) or (typeof(got) == typeof(wanted) and got == wanted)
	return ok(is_same, name, "got %s, wanted %s" % [var_to_str(got), var_to_str(wanted)])


func argument(place: int) -> int:
	return int(OS.get_cmdline_user_args()[place])


func number(variable: String) -> int:
	return int(OS.get_environment(variable))


func certificate(variable := "WHIMBREL_CERT") -> X509Certificate:
	var loaded := X509Certificate.new()
	assert(loaded.load(OS.get_environment(variable)) == OK)
	return loaded


func key(variable: String) -> CryptoKey:
	var loaded := CryptoKey.new()
	assert(loaded.load(OS.get_environment(variable)) == OK)
	return loaded


# A client that is connected, or has failed.
func connected(port: int, options: TLSOptions = null, host := "127.0.0.1") -> WhimbrelHTTPClient:
	var client := WhimbrelHTTPClient.new()
	connect_client(client, port, options, host)
	return client


func connect_client(client: WhimbrelHTTPClient, port: int, options: TLSOptions = null, host := "127.0.0.1") -> int:
	client.connect_to_host(host, port, options)
	return leave(client, [WhimbrelHTTPClient.STATUS_RESOLVING, WhimbrelHTTPClient.STATUS_CONNECTING])


# Polls until the client is in none of these states; gives the state then.
func leave(client: WhimbrelHTTPClient, states: Array) -> int:
	var start := Time.get_ticks_msec()
	while client.get_status() in states and Time.get_ticks_msec() - start < PATIENCE:
		client.poll()
		OS.delay_usec(100)
	return client.get_status()


# Polls until the reply's head is there, or the request has failed.
func head(client: WhimbrelHTTPClient) -> int:
	return leave(client, [WhimbrelHTTPClient.STATUS_REQUESTING])


# Reads the body to its end, as Godot's tutorial does.
func body(client: WhimbrelHTTPClient) -> PackedByteArray:
	var bytes := PackedByteArray()
	var start := Time.get_ticks_msec()
	while client.get_status() == WhimbrelHTTPClient.STATUS_BODY and Time.get_ticks_msec() - start < PATIENCE:
		client.poll()
		var chunk := client.read_response_body_chunk()
		if chunk.is_empty():
			OS.delay_usec(100)
		bytes.append_array(chunk)
	return bytes


func text(client: WhimbrelHTTPClient) -> String:
	return body(client).get_string_from_utf8()


# A request from its call to the end of its reply's body.
func fetch(client: WhimbrelHTTPClient, path: String, method := WhimbrelHTTPClient.METHOD_GET, lines: Array = [],
		sent := "") -> String:
	var error := client.request(method, path, PackedStringArray(lines), sent)
	if error != OK:
		return "request: " + error_string(error)
	head(client)
	return text(client)


func wait_for(condition: Callable) -> bool:
	var start := Time.get_ticks_msec()
	while not condition.call():
		if Time.get_ticks_msec() - start > PATIENCE:
			return false
		OS.delay_usec(100)
	return true
