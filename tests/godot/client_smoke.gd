# The polled client at a glance: how scripts write about it, what each member does once, threads, freeing at any moment.
extends "res://check.gd"

const Peer := preload("res://peer.gd")

enum Kind { BODY = WhimbrelHTTPClient.STATUS_BODY, GET = WhimbrelHTTPClient.METHOD_GET }

const WAITING := [WhimbrelHTTPClient.STATUS_RESOLVING, WhimbrelHTTPClient.STATUS_CONNECTING]


func run() -> void:
	types()
	one_request()
	many_headers()
	properties()
	misuse()
	files()
	counts_and_trailers()
	whole_chunks()
	large_bodies()
	tls_members()
	query_strings()
	threads()
	freeing()


func method_of(method: WhimbrelHTTPClient.Method) -> WhimbrelHTTPClient.Method:
	return method


func types() -> void:
	var client := WhimbrelHTTPClient.new()
	var status: WhimbrelHTTPClient.Status = client.get_status()
	var native: HTTPClient.Status = client.get_status()
	same([status, native], [0, 0], "a status may be declared as either class's")
	var method := 2 as WhimbrelHTTPClient.Method
	same(method_of(method), WhimbrelHTTPClient.METHOD_POST, "and a method")
	same(client.request(HTTPClient.METHOD_GET, "/", []), ERR_INVALID_PARAMETER, "the native class's constants can be passed")
	same(client.request(WhimbrelHTTPClient.METHOD_GET, "/", PackedStringArray()), ERR_INVALID_PARAMETER, "ours, too")
	var error: Error = client.poll()
	same(error, ERR_UNCONFIGURED, "errors are of type Error")
	var list: Array[WhimbrelHTTPClient] = [client]
	ok(list[0] == client and client is RefCounted, "clients go into typed arrays")
	var carrier := RefCounted.new()
	carrier.set_meta("client", client)
	ok(carrier.get_meta("client") == client, "and into metadata")
	match client.get_status():
		WhimbrelHTTPClient.STATUS_DISCONNECTED:
			ok(true, "match works on constants")
		_:
			ok(false, "match works on constants")
	same([Kind.BODY, Kind.GET, client.STATUS_BODY, WhimbrelHTTPClient.ResponseCode.RESPONSE_IM_A_TEAPOT], [7, 0, 7, 418],
			"constants in constants, by instance, by enum")
	same(error_string(client.connect_to_host("a")), "Invalid parameter", "arguments may be left out")


func one_request() -> void:
	var peer := Peer.new()
	var client := WhimbrelHTTPClient.new()
	same(client.connect_to_host("127.0.0.1", peer.port), OK, "connecting begins")
	leave(client, WAITING)
	peer.accept()
	same(client.get_status(), client.STATUS_CONNECTED, "and is done")
	same(client.request(client.METHOD_POST, "/a b?c=ü#d", ["X-A: 1"], "grüß"), OK, "a request is taken")
	same(client.get_status(), client.STATUS_REQUESTING, "and under way")
	var sent := peer.request(client, 6)
	var start := "POST /a%20b?c=%C3%BC HTTP/1.1\r\nX-A: 1\r\nHost: 127.0.0.1:" + str(peer.port) + "\r\nContent-Length: 6\r\n"
	ok(sent.begins_with(start), "its head", sent)
	ok("\r\nUser-Agent: GodotEngine/4." in sent and "(%s)" % OS.get_name() in sent and sent.ends_with("\r\n\r\ngrüß"), "and body", sent)
	peer.send("HTTP/1.1 201 Created\r\nContent-Length: 5\r\n\r\nhello")
	same(head(client), client.STATUS_BODY, "the head of the response has come")
	same([client.get_response_code(), client.get_response_body_length(), client.is_response_chunked(), client.has_response()],
			[client.RESPONSE_CREATED, 5, false, true], "and says so")
	same(text(client), "hello", "the body")
	same([client.get_status(), client.error_message], [client.STATUS_CONNECTED, ""], "ready for another")
	client.close()
	same([client.get_status(), client.get_response_code(), client.get_response_body_length()], [client.STATUS_DISCONNECTED, 0, -1], "closed")


func many_headers() -> void:
	var peer := Peer.new()
	var client := connected(peer.port)
	peer.accept()
	for way in 2:
		client.request(client.METHOD_GET, "/", [])
		peer.request(client)
		peer.send("HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nX-U: grüß\r\nset-cookie: b=2\r\nSet-Cookie: c=3\r\nContent-Length: 0\r\n\r\n")
		head(client)
		if way == 0:
			same(client.get_response_headers(), PackedStringArray(["Set-Cookie: a=1", "X-U: grüß", "set-cookie: b=2", "Set-Cookie: c=3",
					"Content-Length: 0"]), "headers as they came")
		else:
			same(client.get_response_headers_as_dictionary(), {"Set-Cookie": "c=3", "X-U": "grüß", "set-cookie": "b=2", "Content-Length": "0"},
					"in a dictionary the last wins")
		same([client.has_response(), client.get_response_headers(), client.get_response_headers_as_dictionary()],
				[false, PackedStringArray(), {}], "and are taken once")
		text(client)


func properties() -> void:
	print("lines on stderr at most: 100")
	var client := WhimbrelHTTPClient.new()
	client.blocking_mode_enabled = true
	client.read_chunk_size = 4096
	client.accept_encoding = true
	client.preserve_chunks = true
	client.min_tls_version = client.TLS_1_3
	client.revocation_list = "pem"
	client.pinned_keys = ["sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]
	client.download_file = "user://a.bin"
	client.close()
	same([client.blocking_mode_enabled, client.read_chunk_size, client.accept_encoding, client.preserve_chunks, client.min_tls_version,
			client.revocation_list, client.pinned_keys, client.download_file], [true, 4096, true, true, client.TLS_1_3, "pem",
			PackedStringArray(["sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]), "user://a.bin"], "properties keep what they are given")
	client.read_chunk_size = 255
	same(client.read_chunk_size, 4096, "a size out of range is refused")
	ok("16777216" in client.error_message, "with a sentence", client.error_message)
	client.min_tls_version = 7
	client.download_file = "res://x"
	ok("user://" in client.error_message, "res:// is refused for a download", client.error_message)
	client.download_file = "user://../x"
	client.download_file = "x.bin"
	same([client.min_tls_version, client.pinned_keys.size(), client.download_file], [client.TLS_1_3, 1, "user://a.bin"],
			"and so is other nonsense")
	for keys in [["nonsense"], [""], ["sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "x"]]:
		client.pinned_keys = keys
		same(client.connect_to_host("https://127.0.0.1"), ERR_INVALID_PARAMETER, "no connection without the pins that were meant")
		same(client.get_status(), client.STATUS_DISCONNECTED, "nor a socket")
	client.download_file = ""
	client.pinned_keys = []
	same([client.download_file, client.pinned_keys.size()], ["", 0], "empty is none")


func misuse() -> void:
	var peer := Peer.new()
	var client := connected(peer.port)
	peer.accept()
	for i in 1000:
		client.read_response_body_chunk()
	ok("STATUS_BODY" in client.error_message, "reading where there is no body says why, and prints nothing", client.error_message)
	for wrong in [[9, "/", []], [-1, "/", []], [0, "", []], [0, "x", []], [0, "/", ["bad"]], [0, "/\r\nX: y", []], [0, "/", ["A: b\r\nC: d"]]]:
		var error := client.request(wrong[0], wrong[1], wrong[2])
		same([error, client.get_status(), client.error_message.is_empty()], [ERR_INVALID_PARAMETER, client.STATUS_CONNECTED, false],
				"refused: " + var_to_str(wrong))
	same(client.request(client.METHOD_GET, "/", []), OK, "and nothing has changed")
	same(client.error_message, "", "a call that succeeds clears the sentence")
	var server := TLSOptions.server(CryptoKey.new(), X509Certificate.new())
	same([client.connect_to_host("127.0.0.1", peer.port, server), client.get_status()], [ERR_INVALID_PARAMETER, client.STATUS_DISCONNECTED],
			"a server's TLS options are refused")
	ok("TLSOptions.client()" in client.error_message, "with what to use instead", client.error_message)


func files() -> void:
	var folder := OS.get_user_data_dir()
	var source := folder.path_join("smoke_source.bin")
	var content := PackedByteArray()
	content.resize(300000)
	content.fill(65)
	var file := FileAccess.open(source, FileAccess.WRITE)
	file.store_buffer(content)
	file.close()
	var peer := Peer.new()
	var client := connected(peer.port)
	peer.accept()
	for path in [source, "user://smoke_source.bin", "res://smoke_source.txt"]:
		var size := content.size()
		if path.begins_with("res://"):
			file = FileAccess.open(path, FileAccess.WRITE)
			file.store_string("from the project")
			file.close()
			size = 16
		same(client.request_file(client.METHOD_PUT, "/up", ["Content-Type: x/y"], path), OK, "a file is a body: " + path.get_slice("//", 0))
		var sent := peer.request(client, size)
		ok("\r\nContent-Length: %d\r\n" % size in sent and sent.length() > size, "and arrives whole", sent.length())
		same([client.get_request_bytes_sent(), client.get_request_body_length()], [size, size], "counted")
		peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
		head(client)
		text(client)
	DirAccess.remove_absolute("res://smoke_source.txt")
	for path in ["user://none", "res://none", "none", "user://../x", ""]:
		same([client.request_file(client.METHOD_PUT, "/up", [], path), client.get_status()], [ERR_FILE_CANT_OPEN, client.STATUS_CONNECTED],
				"no such file: " + path)
		ok(client.error_message.begins_with("request_file: "), "and why", client.error_message)

	DirAccess.remove_absolute("user://smoke_target.bin")
	client.download_file = "user://smoke_target.bin"
	client.request(client.METHOD_GET, "/down", [])
	peer.request(client)
	peer.send("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf")
	head(client)
	for i in 5:
		client.poll()
	ok(not FileAccess.file_exists("user://smoke_target.bin"), "a half file is not there")
	peer.send("half")
	same(text(client), "", "its bytes do not come to the script")
	same([client.get_status(), FileAccess.get_file_as_string("user://smoke_target.bin")], [client.STATUS_CONNECTED, "halfhalf"], "a whole one is")
	client.request(client.METHOD_GET, "/down", [])
	peer.request(client)
	peer.send("HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone")
	head(client)
	same([text(client), FileAccess.get_file_as_string("user://smoke_target.bin")], ["none", "halfhalf"], "an error's body comes to the script")
	client.download_file = folder.path_join("no/such/folder/x")
	same(client.request(client.METHOD_GET, "/", []), ERR_FILE_CANT_OPEN, "a file that can't be written is told at once")
	ok(client.error_message.length() > 0, "and why", client.error_message)


func counts_and_trailers() -> void:
	var peer := Peer.new()
	var client := connected(peer.port)
	peer.accept()
	client.request(client.METHOD_GET, "/", [])
	peer.request(client)
	peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\n")
	head(client)
	same([text(client), client.get_response_trailers()], ["hello", PackedStringArray(["X-T: 1", "X-U: 2"])], "trailers")
	same(client.get_response_bytes_received(), 5, "bytes received")
	var times := client.get_timings()
	same(times.keys(), ["resolved", "connected", "sent", "head", "finished"], "phases of a first request")
	ok(times.values().all(func(time: Variant) -> bool: return time is int and time >= 0 and time < PATIENCE * 1000), "in microseconds", times)
	ok(times.connected <= times.sent and times.sent <= times.head and times.head <= times.finished, "in their order", times)


func whole_chunks() -> void:
	var peer := Peer.new()
	var client := connected(peer.port)
	peer.accept()
	client.preserve_chunks = true
	client.request(client.METHOD_GET, "/", [])
	peer.request(client)
	peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n")
	head(client)
	var sizes := []
	while client.get_status() == client.STATUS_BODY:
		client.poll()
		sizes.append(client.read_response_body_chunk().size())
	same(sizes.filter(func(size: int) -> bool: return size > 0), [5, 6], "whole chunks where they are wanted")


func large_bodies() -> void:
	var peer := Peer.new()
	var client := connected(peer.port)
	peer.accept()
	var content := PackedByteArray()
	content.resize(3 << 20)
	for i in range(0, content.size(), 4096):
		content[i] = i / 4096 % 251
	var before := content.duplicate()
	client.request_raw(client.METHOD_PUT, "/", [], content)
	content.fill(7)
	var sent := PackedByteArray()
	var start := Time.get_ticks_msec()
	while sent.size() < before.size() + 50 or not sent.slice(-before.size()) == before:
		client.poll()
		peer.receive()
		sent.append_array(peer.received)
		peer.received.clear()
		if Time.get_ticks_msec() - start > PATIENCE:
			break
	ok(sent.slice(-before.size()) == before, "what a body was when it was given is sent", sent.size())
	for size in [65536, 256, 1 << 24]:
		client.read_chunk_size = size
		peer.send("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % before.size())
		head(client)
		var thread := Thread.new()
		thread.start(func() -> void: peer.send(before))
		var got := PackedByteArray()
		var largest := 0
		while client.get_status() == client.STATUS_BODY and Time.get_ticks_msec() - start < 2 * PATIENCE:
			client.poll()
			var chunk := client.read_response_body_chunk()
			largest = maxi(largest, chunk.size())
			got.append_array(chunk)
		thread.wait_to_finish()
		ok(got == before and largest <= size, "a body in pieces of up to %d" % size, [got.size(), largest])
		client.request(client.METHOD_GET, "/", [])
		peer.request(client)


func tls_members() -> void:
	var peer := Peer.new()
	var server := TLSOptions.server(key("WHIMBREL_SERVER_KEY"), certificate("WHIMBREL_SERVER_CERT"))
	var trusted := TLSOptions.client(certificate())
	for way in ["trusted", "name", "wrong name", "unsafe", "unsafe with a chain", "untrusted", "pinned otherwise", "1.3"]:
		var client := WhimbrelHTTPClient.new()
		var options := trusted
		match way:
			"name": options = TLSOptions.client(certificate(), "localhost")
			"wrong name": options = TLSOptions.client(certificate(), "other.test")
			"unsafe": options = TLSOptions.client_unsafe()
			"unsafe with a chain": options = TLSOptions.client_unsafe(certificate())
			"untrusted": options = TLSOptions.client()
			"pinned otherwise": client.pinned_keys = ["sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]
			"1.3": client.min_tls_version = client.TLS_1_3
		client.connect_to_host("127.0.0.1", peer.port, options)
		peer.accept_tls(client, server)
		var fails: bool = way in ["wrong name", "untrusted", "pinned otherwise"]
		same(client.get_status(), client.STATUS_TLS_HANDSHAKE_ERROR if fails else client.STATUS_CONNECTED, "TLS: " + way)
		same(client.error_message.is_empty(), not fails, "TLS: %s: a sentence where it fails" % way)
	var client := WhimbrelHTTPClient.new()
	same(client.set_client_certificate(certificate("WHIMBREL_SERVER_CERT"), key("WHIMBREL_SERVER_KEY")), OK, "a client certificate")
	same(client.set_client_certificate(null, null), OK, "none")
	same(client.set_client_certificate(certificate(), null), ERR_INVALID_PARAMETER, "one without its key")


func query_strings() -> void:
	var client := WhimbrelHTTPClient.new()
	same(client.query_string_from_dict({"single": 123, "not_valued": null, "multiple": [22, 33, 44]}),
			"single=123&not_valued&multiple=22&multiple=33&multiple=44", "query strings")
	var typed: Array[String] = ["x y", "ü"]
	same(client.query_string_from_dict({"t": typed, "p": PackedStringArray(["x"]), "f": 1.0, &"n": true}),
			"t=x%20y&t=%C3%BC&p=%5B%22x%22%5D&f=1.0&n=true", "of any values")


func threads() -> void:
	var answers := {}
	var list := []
	for number in 4:
		var peer := Peer.new()
		var thread := Thread.new()
		list.append([thread, peer])
		thread.start(func() -> String:
			var client := connected(peer.port)
			peer.accept()
			client.request(client.METHOD_GET, "/%d" % number, [])
			var asked := peer.request(client)
			peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			head(client)
			return asked.get_slice(" ", 1) + text(client))
	for number in 4:
		answers[number] = list[number][0].wait_to_finish()
	same(answers, {0: "/0ok", 1: "/1ok", 2: "/2ok", 3: "/3ok"}, "clients made and used in threads")
	var peer := Peer.new()
	var client := connected(peer.port)
	peer.accept()
	var seen := {}
	var thread := Thread.new()
	thread.start(func() -> void:
		for i in 2000:
			seen[client.poll()] = true)
	for i in 2000:
		seen[client.poll()] = true
	thread.wait_to_finish()
	ok(seen.keys().all(func(error: int) -> bool: return error in [OK, ERR_BUSY]), "two threads on one client: one at a time", seen)


func freeing() -> void:
	var peer := Peer.new()
	for state in ["new", "resolving", "connecting", "connected", "requesting", "sending", "body", "upgraded", "failed", "tls"]:
		var client := WhimbrelHTTPClient.new()
		match state:
			"new":
				pass
			"resolving":
				client.connect_to_host("no-such-host.invalid", 80)
			"connecting":
				client.connect_to_host("127.0.0.1", peer.port)
			"failed":
				client.connect_to_host("127.0.0.1", number("WHIMBREL_CLOSED_PORT") if OS.has_environment("WHIMBREL_CLOSED_PORT") else 1)
				leave(client, WAITING)
			"tls":
				client.connect_to_host("127.0.0.1", peer.port, TLSOptions.client_unsafe())
				for i in 5:
					client.poll()
			_:
				connect_client(client, peer.port)
				peer.accept()
				var body_to_send := PackedByteArray()
				body_to_send.resize(8 << 20 if state == "sending" else 0)
				if state != "connected":
					client.request_raw(client.METHOD_GET, "/", [], body_to_send)
					client.poll()
				if state == "body" or state == "upgraded":
					peer.request(client)
					peer.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf" if state == "body" else "HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n")
					head(client)
		client = null
		while peer.listener.is_connection_available():
			peer.listener.take_connection()
	ok(true, "a client can be freed at any moment")
