# A program as Godot's tutorial of HTTPClient teaches it, and as projects use the class: with its types, enums and constants. It is
# written for the native class, and docs/godot-migration.md's command makes it one for ours. Both print the same.
extends SceneTree

const Settings := preload("res://migration/HTTPClient.gd")
const Pool := preload("res://migration/pool.gd")
const WAITING: Array[int] = [HTTPClient.STATUS_RESOLVING, HTTPClient.STATUS_CONNECTING]

enum Step { LOOKUP = HTTPClient.STATUS_RESOLVING, CONNECT = HTTPClient.STATUS_CONNECTING }


func _initialize() -> void:
	var port := int(OS.get_cmdline_user_args()[0])
	var http := HTTPClient.new() # An HTTPClient, and not a WhimbrelHTTPClient yet.
	assert(http.connect_to_host(Settings.HOST, port) == OK)
	while http.get_status() in WAITING:
		http.poll()
		OS.delay_msec(1)
	say("connected", http.get_status() == HTTPClient.STATUS_CONNECTED)

	var headers := ["User-Agent: Pirulo/1.0 (Godot)", "Accept: */*"]
	say("requested", http.request(HTTPClient.METHOD_GET, "/encoding/utf8", headers) == OK)
	while http.get_status() == HTTPClient.STATUS_REQUESTING:
		http.poll()
		OS.delay_msec(1)
	say("answered", http.get_status() == HTTPClient.STATUS_BODY or http.get_status() == HTTPClient.STATUS_CONNECTED)
	if http.has_response():
		var fields := http.get_response_headers_as_dictionary()
		say("%d, %s" % [http.get_response_code(), fields["Content-Type"]], true)
		say("is not chunked: %d bytes" % http.get_response_body_length(), not http.is_response_chunked())
		say("read %d bytes" % read(http).size(), true)

	var form := http.query_string_from_dict({"username": "user", "password": "pass word", "ids": [1, 2], "bare": null})
	say(form, true)
	for method: HTTPClient.Method in [HTTPClient.METHOD_POST, HTTPClient.METHOD_PUT, HTTPClient.METHOD_PATCH]:
		post(http, method, form)
	var pool := Pool.new()
	pool.run(port, say)
	threaded(port)
	say("is what its name says", http is HTTPClient and http.get_class() == "HTTPClient" and http is RefCounted)
	await by_node(port, HTTPClient.METHOD_PUT)
	quit()


func post(http: HTTPClient, method: HTTPClient.Method, body: String) -> void:
	var path := "/%s" % {HTTPClient.METHOD_POST: "post", HTTPClient.METHOD_PUT: "put", HTTPClient.METHOD_PATCH: "patch"}[method]
	http.request(method, path, ["Content-Type: application/x-www-form-urlencoded"], body)
	while http.get_status() == HTTPClient.STATUS_REQUESTING:
		http.poll()
		OS.delay_msec(1)
	var answer: Dictionary = JSON.parse_string(read(http).get_string_from_utf8())
	say("%s: %s" % [path, answer.form], http.get_response_code() == HTTPClient.RESPONSE_OK)


func read(http: HTTPClient) -> PackedByteArray:
	var bytes := PackedByteArray()
	while http.get_status() == HTTPClient.STATUS_BODY:
		http.poll()
		var chunk := http.read_response_body_chunk()
		if chunk.size() == 0:
			OS.delay_msec(1)
		else:
			bytes.append_array(chunk)
	return bytes


func threaded(port: int) -> void:
	var thread := Thread.new()
	thread.start(func() -> int:
		var client: HTTPClient = HTTPClient.new()
		client.blocking_mode_enabled = true
		client.connect_to_host(Settings.HOST, port)
		while client.get_status() in WAITING:
			client.poll()
		client.request(HTTPClient.METHOD_GET, "/bytes/100000", [])
		while client.get_status() == HTTPClient.STATUS_REQUESTING:
			client.poll()
		return read(client).size())
	say("in a thread: %d bytes" % thread.wait_to_finish(), true)


# The node HTTPRequest wants methods of its own class's enum, typed as that.
func by_node(port: int, method: HTTPClient.Method) -> void:
	var node := HTTPRequest.new()
	root.add_child(node)
	await process_frame
	node.request("http://%s:%d/put" % [Settings.HOST, port], [], method, "by a node")
	var status: HTTPClient.Status = node.get_http_client_status()
	say("the node has begun", status != HTTPClient.STATUS_DISCONNECTED)
	var answer: Array = await node.request_completed
	say("the node's answer: %d" % answer[1], answer[1] == HTTPClient.RESPONSE_OK)
	node.queue_free()


func say(what: String, holds: bool) -> void:
	print("ok " if holds else "not ok ", what)
