# What ours has besides: pins, versions, client certificates, revocation, decoding, counts, times, files.
extends "res://check.gd"

const Peer := preload("res://peer.gd")
const GET := WhimbrelHTTPClient.METHOD_GET
const CONNECTED := WhimbrelHTTPClient.STATUS_CONNECTED
const REFUSED := WhimbrelHTTPClient.STATUS_TLS_HANDSHAKE_ERROR

var folder := OS.get_environment("WHIMBREL_FOLDER")


func run() -> void:
	pins()
	versions()
	client_certificates()
	revocation()
	decoding()
	counts()
	times()
	uploads()
	downloads()


func trusting() -> TLSOptions:
	return TLSOptions.client(certificate())


func status_of(client: WhimbrelHTTPClient, port := argument(1), options: TLSOptions = trusting()) -> int:
	return connect_client(client, port, options)


func pins() -> void:
	var pin := OS.get_environment("WHIMBREL_PIN")
	var wrong := "sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
	for case in [[[pin], CONNECTED], [[pin.trim_prefix("sha256/")], CONNECTED], [[wrong, pin], CONNECTED], [[wrong],
			REFUSED], [[], CONNECTED]]:
		var client := WhimbrelHTTPClient.new()
		client.pinned_keys = PackedStringArray(case[0])
		same(status_of(client), case[1], "pinned keys: %s" % [case[0]])
		if case[1] == REFUSED:
			ok("pin" in client.error_message.to_lower(), "  and it says why", client.error_message)
	var untrusting := WhimbrelHTTPClient.new()
	untrusting.pinned_keys = PackedStringArray([pin])
	same(status_of(untrusting, argument(1), TLSOptions.client(certificate("WHIMBREL_OTHER_CERT"))), REFUSED,
			"a pin is no substitute for a chain that verifies")
	var same_client := WhimbrelHTTPClient.new()
	same(status_of(same_client), CONNECTED, "connected without a pin")
	same_client.pinned_keys = PackedStringArray([wrong])
	same(status_of(same_client), REFUSED, "  a pin that is set later counts for the next connection")


func versions() -> void:
	var old := number("WHIMBREL_TLS12_PORT")
	for case in [[WhimbrelHTTPClient.TLS_1_2, old, CONNECTED], [WhimbrelHTTPClient.TLS_1_3, old, REFUSED],
			[WhimbrelHTTPClient.TLS_1_3, argument(1), CONNECTED]]:
		var client := WhimbrelHTTPClient.new()
		client.min_tls_version = case[0]
		same(status_of(client, case[1]), case[2], "at least TLS 1.%d, to a server of %s" % [2 + case[0],
				"1.2" if case[1] == old else "both"])


func client_certificates() -> void:
	var port := number("WHIMBREL_CLIENT_PORT")
	var with := WhimbrelHTTPClient.new()
	with.set_client_certificate(certificate("WHIMBREL_CLIENT_CERT"), key("WHIMBREL_CLIENT_KEY"))
	same(status_of(with, port), CONNECTED, "a server that wants a certificate gets it")
	fetch(with, "/get")
	same(with.get_response_code(), 200, "  and answers")
	with.set_client_certificate(null, null)
	status_of(with, port)
	fetch(with, "/get")
	ok(with.get_response_code() != 200 and with.get_status() in [REFUSED, WhimbrelHTTPClient.STATUS_CONNECTION_ERROR],
			"without one it refuses", [with.get_status(), with.error_message])


func revocation() -> void:
	for case in [["WHIMBREL_REVOKED", REFUSED], ["WHIMBREL_NOT_REVOKED", CONNECTED]]:
		var client := WhimbrelHTTPClient.new()
		client.revocation_list = FileAccess.get_file_as_string(OS.get_environment(case[0]))
		same(status_of(client), case[1], "a revocation list: %s" % case[0])
		if case[1] == REFUSED:
			ok("revoked" in client.error_message.to_lower(), "  and it says why", client.error_message)


func decoding() -> void:
	for coding in ["gzip", "deflate", "brotli", "zstd"]:
		var client := connected(argument(0))
		client.accept_encoding = true
		var told: Variant = JSON.parse_string(fetch(client, "/" + coding))
		ok(told is Dictionary and coding in ",".join((told as Dictionary).keys()), "%s is decoded" % coding, told)
		same(client.get_response_body_length(), -1, "  its length is not known")
		same(client.get_status(), CONNECTED, "  and the connection serves on")
	var asked := connected(argument(0))
	asked.accept_encoding = true
	var headers: Dictionary = JSON.parse_string(fetch(asked, "/headers")).headers
	ok("gzip" in str(headers.get("Accept-Encoding")), "it asks for what it decodes", headers)
	asked.accept_encoding = false
	headers = JSON.parse_string(fetch(asked, "/headers")).headers
	ok(not headers.has("Accept-Encoding"), "and asks for nothing when it is off", headers)
	asked.request(GET, "/gzip", PackedStringArray(["Accept-Encoding: gzip"]))
	head(asked)
	var raw := body(asked)
	ok(raw.slice(0, 2) == PackedByteArray([0x1f, 0x8b]), "then a body stays as it came", raw.slice(0, 2))
	var peer := Peer.new()
	var cut := connected(peer.port)
	peer.accept()
	cut.accept_encoding = true
	cut.request(GET, "/", PackedStringArray())
	peer.request(cut)
	peer.send("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\nhello")
	head(cut)
	body(cut)
	same(cut.get_status(), WhimbrelHTTPClient.STATUS_CONNECTION_ERROR, "what can't be decoded is an error")


func counts() -> void:
	var peer := Peer.new()
	var client := connected(peer.port)
	peer.accept()
	var bytes := PackedByteArray()
	bytes.resize(3 << 20)
	client.request_raw(WhimbrelHTTPClient.METHOD_POST, "/", PackedStringArray(), bytes)
	same([client.get_request_bytes_sent(), client.get_request_body_length()], [0, 3 << 20],
			"nothing is sent before poll()")
	var steps := [0]
	var grows := [true]
	var start := Time.get_ticks_msec()
	while peer.received.size() < bytes.size() and Time.get_ticks_msec() - start < PATIENCE:
		client.poll()
		var now := client.get_request_bytes_sent()
		grows[0] = grows[0] and now >= steps[-1]
		if now != steps[-1]:
			steps.append(now)
		peer.receive()
	ok(grows[0] and steps.size() > 3, "what is sent grows with poll()", steps.size())
	wait_for(func() -> bool:
		client.poll()
		peer.receive()
		return client.get_request_bytes_sent() == bytes.size())
	same(client.get_request_bytes_sent(), 3 << 20, "  to the whole body")
	peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf.")
	head(client)
	wait_for(func() -> bool:
		client.poll()
		client.read_response_body_chunk()
		return client.get_response_bytes_received() == 5)
	same([client.get_response_bytes_received(), client.get_response_body_length()], [5, 10],
			"what has come of how much")
	peer.send("whole")
	body(client)
	same(client.get_response_bytes_received(), 10, "  and all of it")


func times() -> void:
	var client := connected(argument(1), trusting(), "localhost")
	client.request(GET, "/bytes/1000", PackedStringArray())
	head(client)
	body(client)
	var first := client.get_timings()
	var order := ["resolved", "connected", "secured", "sent", "head", "finished"]
	ok(order.all(func(name: String) -> bool: return first.get(name) is int and first[name] >= 0),
			"timings of each phase", first)
	ok(first.get("resolved", 0) <= first.get("connected", 0) and first.get("connected", 0) <= first.get("secured", 0)
			and first.get("sent", 0) <= first.get("head", 0) and first.get("head", 0) <= first.get("finished",
					0), "  in their order", first)
	fetch(client, "/bytes/10")
	ok(client.get_timings().has("finished"), "and of the next request", client.get_timings())


func uploads() -> void:
	var path := folder.path_join("upload.bin")
	var bytes := PackedByteArray()
	for number in 40000:
		bytes.append_array(("%d," % number).to_utf8_buffer())
	var file := FileAccess.open(path, FileAccess.WRITE)
	file.store_buffer(bytes)
	file.close()
	var client := connected(argument(0))
	same(client.request_file(WhimbrelHTTPClient.METHOD_PUT, "/put", PackedStringArray(["Content-Type: text/plain"]),
			path), OK, "a file as a body")
	head(client)
	var told: Dictionary = JSON.parse_string(text(client))
	ok(told.data == bytes.get_string_from_utf8(), "  arrives whole")
	same([client.get_request_bytes_sent(), client.get_request_body_length()], [bytes.size(), bytes.size()],
			"  and is counted")
	same([client.request_file(WhimbrelHTTPClient.METHOD_PUT, "/put", PackedStringArray(), folder.path_join("none")),
			client.get_status()],
			[ERR_FILE_CANT_OPEN, CONNECTED], "a file that is not there")
	ok("none" in client.error_message or client.error_message.length() > 10, "  with a sentence", client.error_message)
	var user := FileAccess.open("user://small.txt", FileAccess.WRITE)
	user.store_string("from user://")
	user.close()
	for from in ["user://small.txt", "res://project.godot"]:
		client.request_file(WhimbrelHTTPClient.METHOD_POST, "/post", PackedStringArray(["Content-Type: text/plain"]),
				from)
		head(client)
		same(JSON.parse_string(text(client)).data, FileAccess.get_file_as_string(from), "  from %s" % from)


# The status when a download is over. A `poll()` a turn is all that it takes.
func downloaded(client: WhimbrelHTTPClient) -> int:
	return leave(client, [WhimbrelHTTPClient.STATUS_REQUESTING, WhimbrelHTTPClient.STATUS_BODY])


func downloads() -> void:
	var path := folder.path_join("download.bin")
	var client := connected(argument(0))
	client.download_file = path
	client.request(GET, "/bytes/300000?seed=5", PackedStringArray())
	same(downloaded(client), CONNECTED, "a download")
	var got := FileAccess.get_file_as_bytes(path)
	client.download_file = ""
	client.request(GET, "/bytes/300000?seed=5", PackedStringArray())
	head(client)
	ok(body(client) == got and got.size() == 300000, "  is the body, in its file", got.size())
	same(client.get_response_bytes_received(), 300000, "  and is counted")
	client.download_file = folder.path_join("missing.bin")
	fetch(client, "/status/404")
	same([client.get_response_code(), FileAccess.file_exists(client.download_file)], [404, false],
			"an error's body is no download")
	for end in ["HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf",
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nwo"]:
		for there in [false, true]:
			var peer := Peer.new()
			var target := folder.path_join("cut-%s.bin" % there)
			if there:
				var before := FileAccess.open(target, FileAccess.WRITE)
				before.store_string("before")
				before.close()
			connect_client(client, peer.port)
			peer.accept()
			client.download_file = target
			client.request(GET, "/", PackedStringArray())
			peer.request(client)
			peer.send(end)
			peer.close()
			same(downloaded(client), WhimbrelHTTPClient.STATUS_CONNECTION_ERROR, "a truncated download is an error")
			if there:
				same(FileAccess.get_file_as_string(target), "before", "  and what was there before stays")
			else:
				ok(not FileAccess.file_exists(target), "  and leaves no file")
			client.close()
	var half := Peer.new()
	connect_client(client, half.port)
	half.accept()
	client.download_file = folder.path_join("given-up.bin")
	client.request(GET, "/", PackedStringArray())
	half.request(client)
	half.send("HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf")
	wait_for(func() -> bool:
		client.poll()
		return client.get_response_bytes_received() == 4)
	client.close()
	client = null
	var files := Array(DirAccess.get_files_at(folder))
	files.sort()
	same(files, ["cut-true.bin", "download.bin", "upload.bin"], "nothing else is left in the folder")
	var user := connected(argument(0))
	user.download_file = "user://saved.json"
	user.request(GET, "/json", PackedStringArray())
	downloaded(user)
	ok(JSON.parse_string(FileAccess.get_file_as_string("user://saved.json")) is Dictionary, "a download to user://")
	DirAccess.remove_absolute("user://saved.json")
