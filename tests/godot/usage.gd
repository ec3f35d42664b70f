# What public Godot projects do with the polled client, found by running them: in threads, by constants, by its
# connection.
extends "res://check.gd"

const Peer := preload("res://peer.gd")
const FINAL := [WhimbrelHTTPClient.STATUS_DISCONNECTED, WhimbrelHTTPClient.STATUS_CANT_RESOLVE,
		WhimbrelHTTPClient.STATUS_CANT_CONNECT]

enum Mine { READING = WhimbrelHTTPClient.STATUS_BODY, IDLE = WhimbrelHTTPClient.STATUS_CONNECTED }

class Pool:
	var clients: Array[WhimbrelHTTPClient] = []
	var by_host: Dictionary[String, WhimbrelHTTPClient] = {}
	@warning_ignore("unused_private_class_variable")
	var _typed: WhimbrelHTTPClient = null

	func take(host: String) -> WhimbrelHTTPClient:
		var client := WhimbrelHTTPClient.new()
		clients.append(client)
		by_host[host] = client
		return client


func run() -> void:
	tutorial()
	constants()
	containers()
	in_threads()
	requesting_is_seen()
	no_content()
	headers_in_body()
	bytes_of_the_connection()
	self_signed_authority()
	await in_frames()
	helpers()


# The loop of Godot's own tutorial, but for the print.
func tutorial() -> void:
	var http := WhimbrelHTTPClient.new()
	var err := http.connect_to_host("127.0.0.1", argument(0))
	assert(err == OK)
	while (http.get_status() == WhimbrelHTTPClient.STATUS_CONNECTING
			or http.get_status() == WhimbrelHTTPClient.STATUS_RESOLVING):
		http.poll()
		OS.delay_msec(1)
	assert(http.get_status() == WhimbrelHTTPClient.STATUS_CONNECTED)
	var headers := ["User-Agent: Pirulo/1.0 (Godot)", "Accept: */*"]
	err = http.request(WhimbrelHTTPClient.METHOD_GET, "/bytes/100000?seed=3", headers)
	assert(err == OK)
	while http.get_status() == WhimbrelHTTPClient.STATUS_REQUESTING:
		http.poll()
		OS.delay_msec(1)
	assert(http.get_status() == WhimbrelHTTPClient.STATUS_BODY
			or http.get_status() == WhimbrelHTTPClient.STATUS_CONNECTED)
	var rb := PackedByteArray()
	if http.has_response():
		var told := http.get_response_headers_as_dictionary()
		same(told.get("Content-Length"), "100000", "its headers as a dictionary")
		while http.get_status() == WhimbrelHTTPClient.STATUS_BODY:
			http.poll()
			var chunk := http.read_response_body_chunk()
			if chunk.size() == 0:
				OS.delay_usec(100)
			else:
				rb = rb + chunk
	same([http.get_response_code(), rb.size(), http.get_response_body_length()], [200, 100000, 100000],
			"the tutorial's program")


func constants() -> void:
	var client := WhimbrelHTTPClient.new()
	var said := ""
	match client.get_status():
		WhimbrelHTTPClient.STATUS_DISCONNECTED, WhimbrelHTTPClient.STATUS_CONNECTION_ERROR:
			said = "nowhere"
		WhimbrelHTTPClient.STATUS_BODY:
			said = "reading"
	same(said, "nowhere", "match on status constants")
	ok(client.get_status() in FINAL, "a const array of them")
	same([Mine.READING, Mine.IDLE], [7, 5], "an enum of one's own made of them")
	var method: WhimbrelHTTPClient.Method = 2 as WhimbrelHTTPClient.Method
	var status: WhimbrelHTTPClient.Status = client.get_status() as WhimbrelHTTPClient.Status
	var code: WhimbrelHTTPClient.ResponseCode = WhimbrelHTTPClient.RESPONSE_NOT_FOUND
	same([method, status, code], [WhimbrelHTTPClient.METHOD_POST, WhimbrelHTTPClient.STATUS_DISCONNECTED, 404],
			"`as` and typed variables")
	same(takes(method, code), 406, "typed parameters")
	same(ClassDB.class_get_enum_constants("WhimbrelHTTPClient", "Method")[3], "METHOD_PUT", "names of an enum")
	same(client.request(HTTPClient.METHOD_GET, "/", []), ERR_INVALID_PARAMETER,
			"the native class's constants may be passed")
	same(client.STATUS_BODY, 7, "constants by the object")


func takes(method: WhimbrelHTTPClient.Method, code: WhimbrelHTTPClient.ResponseCode) -> int:
	return method + code


func containers() -> void:
	var pool := Pool.new()
	var first := pool.take("a")
	var clients: Array[WhimbrelHTTPClient] = [first, pool.take("b")]
	same([clients.size(), pool.by_host["a"] == first, clients.find(first)], [2, true, 0],
			"typed arrays and dictionaries")
	first.set_meta("request", {"id": 7})
	same(first.get_meta("request").id, 7, "set_meta")
	var weak: WeakRef = weakref(first)
	ok(weak.get_ref() == first, "weakref")
	var any: RefCounted = first
	ok(any is WhimbrelHTTPClient and (any as WhimbrelHTTPClient) == first, "is and as")
	pool.clients.clear()
	pool.by_host.clear()
	clients.clear()
	any = null
	first = null
	ok(weak.get_ref() == null, "and it goes with its last reference")


func in_threads() -> void:
	var threads: Array[Thread] = []
	for place in 8:
		var thread := Thread.new()
		thread.start(download.bind(10000 + place, place % 2 == 1))
		threads.append(thread)
	for place in threads.size():
		same(threads[place].wait_to_finish(), 10000 + place, "a client made and used in thread %d" % place)
	var made_here := WhimbrelHTTPClient.new()
	var other := Thread.new()
	other.start(func() -> int:
		connect_client(made_here, argument(0))
		return fetch(made_here, "/html").length())
	other.wait_to_finish()
	same(made_here.get_response_code(), 200, "made in one thread, used in another, looked at in the first")


func download(count: int, blocking: bool) -> int:
	var client := WhimbrelHTTPClient.new()
	client.blocking_mode_enabled = blocking
	connect_client(client, argument(1) if count % 4 > 1 else argument(0),
			TLSOptions.client_unsafe() if count % 4 > 1 else null)
	client.request(WhimbrelHTTPClient.METHOD_GET, "/bytes/%d" % count, PackedStringArray())
	head(client)
	return body(client).size()


func requesting_is_seen() -> void:
	var client := connected(argument(0))
	for turn in 20:
		client.request(WhimbrelHTTPClient.METHOD_GET, "/bytes/10", PackedStringArray())
		client.poll()
		if client.get_status() != WhimbrelHTTPClient.STATUS_REQUESTING:
			ok(false, "REQUESTING is seen after one poll()", client.get_status())
			return
		head(client)
		body(client)
	ok(true, "REQUESTING is seen after one poll()")


func no_content() -> void:
	var peer := Peer.new()
	var client := connected(peer.port)
	peer.accept()
	client.request(WhimbrelHTTPClient.METHOD_DELETE, "/", PackedStringArray())
	peer.request(client)
	peer.send("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n")
	same(head(client), WhimbrelHTTPClient.STATUS_BODY, "204 with Content-Length: 0 goes through BODY")
	same([client.read_response_body_chunk().size(), client.get_status()], [0, WhimbrelHTTPClient.STATUS_CONNECTED],
			"  and one read ends it")


func headers_in_body() -> void:
	var client := connected(argument(0))
	client.request(WhimbrelHTTPClient.METHOD_GET, "/response-headers?X-One=1&X-Two=2", PackedStringArray())
	same(head(client), WhimbrelHTTPClient.STATUS_BODY, "a body")
	var first := client.read_response_body_chunk()
	ok(client.has_response(), "has_response() while the body is read")
	var headers := client.get_response_headers_as_dictionary()
	same([headers.get("X-One"), headers.get("X-Two")], ["1", "2"], "headers as a dictionary after STATUS_BODY")
	same([client.has_response(), client.get_response_headers_as_dictionary()], [false, {}], "and they are told once")
	first.append_array(body(client))
	same(JSON.parse_string(first.get_string_from_utf8())["X-One"], "1", "the body is whole all the same")


# How event streams are read in several projects: by the stream below, without read_response_body_chunk().
func bytes_of_the_connection() -> void:
	var peer := Peer.new()
	var client := connected(peer.port)
	peer.accept()
	client.request(WhimbrelHTTPClient.METHOD_GET, "/events", PackedStringArray(["Accept: text/event-stream"]))
	peer.request(client)
	peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n")
	same(head(client), WhimbrelHTTPClient.STATUS_BODY, "an unframed body is a body")
	var stream: StreamPeer = client.connection
	same([client.poll(), stream.get_available_bytes()], [OK, 0], "nothing is there yet")
	for event in ["data: one\n\n", "data: two\n\ndata: three\n\n", "x".repeat(70000)]:
		peer.send(event)
		var read := PackedByteArray()
		wait_for(func() -> bool:
			client.poll()
			var there := client.connection.get_available_bytes()
			if there > 0:
				var got: Array = client.connection.get_partial_data(there)
				if got[0] == OK:
					read.append_array(got[1])
			return read.size() >= event.length())
		ok(read.get_string_from_utf8() == event, "the connection's bytes are the body's", read.size())
	same(client.get_status(), WhimbrelHTTPClient.STATUS_BODY, "the body goes on")
	peer.send("rest")
	wait_for(func() -> bool:
		client.poll()
		return client.connection.get_available_bytes() > 0)
	same(client.read_response_body_chunk().get_string_from_utf8(), "rest", "bytes go to the one that asks")


# A certificate that may sign and that the server shows itself, as the users' own scripts make it.
func self_signed_authority() -> void:
	var crypto := Crypto.new()
	var own_key := crypto.generate_rsa(2048)
	var own := crypto.generate_self_signed_certificate(own_key, "CN=localhost,O=Tests,C=XX")
	for case in [["localhost", "", true], ["127.0.0.1", "localhost", true], ["127.0.0.1", "other.test", false]]:
		var peer := Peer.new()
		var client := WhimbrelHTTPClient.new()
		client.connect_to_host(case[0], peer.port, TLSOptions.client(own, case[1]))
		peer.accept_tls(client, TLSOptions.server(own_key, own))
		var wanted := WhimbrelHTTPClient.STATUS_CONNECTED if case[2] else WhimbrelHTTPClient.STATUS_TLS_HANDSHAKE_ERROR
		same(client.get_status(), wanted, "the engine's own self-signed certificate, asked for %s as %s" % [case[0],
				case[1]])
	var peer := Peer.new()
	var stranger := WhimbrelHTTPClient.new()
	stranger.connect_to_host("localhost", peer.port, TLSOptions.client(certificate("WHIMBREL_OTHER_CERT")))
	peer.accept_tls(stranger, TLSOptions.server(own_key, own))
	same(stranger.get_status(), WhimbrelHTTPClient.STATUS_TLS_HANDSHAKE_ERROR, "and not for one who trusts another")


func in_frames() -> void:
	var client := connected(argument(0))
	client.request(WhimbrelHTTPClient.METHOD_GET, "/bytes/1000000", PackedStringArray())
	var got := 0
	for frame in 10000:
		client.poll()
		if client.get_status() == WhimbrelHTTPClient.STATUS_BODY:
			got += client.read_response_body_chunk().size()
		elif client.get_status() != WhimbrelHTTPClient.STATUS_REQUESTING:
			break
		await process_frame
	same([got, client.get_status()], [1000000, WhimbrelHTTPClient.STATUS_CONNECTED], "one read a frame gets there")


func helpers() -> void:
	var client := WhimbrelHTTPClient.new()
	same(client.query_string_from_dict({"username": "user", "password": "pass"}), "username=user&password=pass",
			"the manual's query string")
	same(client.query_string_from_dict({"single": 123, "not_valued": null, "multiple": [22, 33, 44]}),
			"single=123&not_valued&multiple=22&multiple=33&multiple=44", "the manual's other one")
	var body_text := "name=" + "ü".uri_encode()
	connect_client(client, argument(0))
	var told: Dictionary = JSON.parse_string(fetch(client, "/anything", WhimbrelHTTPClient.METHOD_POST,
			["Content-Type: application/x-www-form-urlencoded", "Content-Length: " + str(body_text.length())],
			body_text))
	same(told.get("form", {}).get("name"), "ü", "a form with its length given by the caller")
