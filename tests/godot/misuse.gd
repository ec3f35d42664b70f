# Every method in every state with every odd argument, thousands of calls: each returns, floods nobody with errors, and
# leaves a client that still does what close() and a new connection ask of it.
extends "res://check.gd"

const Peer := preload("res://peer.gd")
const OK_HEAD := "HTTP/1.1 200 OK\r\n"
const LEAST := -9223372036854775808
const MOST := 9223372036854775807

var peer: Peer
# What states hold on to until the next.
var kept: Array = []
var calls := 0
var failed := ""


func run() -> void:
	var long := "x".repeat(100000)
	var many := PackedStringArray()
	many.resize(2000)
	many.fill("X-Many: y")
	var bytes := PackedByteArray()
	bytes.resize(1 << 20)
	var cycle := {"a": [1, {"b": null}]}
	cycle["self"] = cycle
	var none := PackedStringArray()
	var methods := {
		"connect_to_host": [["", 0, null], ["127.0.0.1", LEAST, null], ["127.0.0.1", MOST, null], [long, 80, null],
		["::::", 1, null],
			["[::1", 1, null], ["]:80[", 1, null], ["127.0.0.1", 65536, TLSOptions.client_unsafe()],
			["\u0001\u007f\u00e9\u202e", 80, null],
			["http://https://x", 80, null], ["127.0.0.1", number("WHIMBREL_CLOSED_PORT"), null],
			["127.0.0.1", argument(0), TLSOptions.server(CryptoKey.new(), X509Certificate.new())],
			["127.0.0.1", argument(1), TLSOptions.client(X509Certificate.new(), long)], ["127.0.0.1", argument(1),
			TLSOptions.client(null, "..")]],
		"request": [[-1, "/", none, ""], [9, "/", none, ""], [LEAST, "/", none, ""], [MOST, "/", none, ""], [0, "",
		none, ""],
			[0, long, none, ""], [0, "/" + long, none, long], [0, "/", many, ""], [0, "/",
			PackedStringArray([long + ": " + long]), ""],
			[7, "::", none, ""], [5, "*", none, "x"], [1, "/", PackedStringArray(["Host:", "Content-Length: -1"]), "x"],
			[2, "/", PackedStringArray(["Transfer-Encoding: chunked"]), "not chunks"],
			[2, "/", PackedStringArray(["Content-Length: 99999999999999999999"]), "x"], [0, "http://", none, ""], [0,
			"https://[", none, ""],
			[0, "/%zz%", PackedStringArray([":", "\u00e9: \u00e9", "A: \u0001"]), ""]],
		"request_raw": [[2, "/", none, bytes], [0, "/", none, PackedByteArray()], [-5, "", many, bytes], [3, "/",
		PackedStringArray([""]), bytes]],
		"request_file": [[2, "/", none, ""], [2, "/", none, "/"], [2, "/", none, "user://no/such/file"], [2, "/", none,
		long],
			[99, "", many, "res://misuse.gd"], [3, "/", none, "res://misuse.gd"]],
		"query_string_from_dict": [[{}], [cycle], [{null: null, Vector2.ZERO: RID(), self: [self]}], [{long: long}],
		[{"a": [[[[]]]]}]],
		"set_http_proxy": [["", -1], [long, 1], ["x", LEAST], ["\r\n", 80], ["", MOST], ["", -1]],
		"set_https_proxy": [["", 0], [long, 1], ["x", MOST], ["\r\n", 80], ["", LEAST], ["", -1]],
		"set_read_chunk_size": [[0], [-1], [LEAST], [MOST], [1 << 24], [256]],
		"set_connection": [[null], [StreamPeerBuffer.new()], [StreamPeerTCP.new()], [StreamPeerTLS.new()],
		[StreamPeerGZIP.new()]],
		"set_client_certificate": [[null, null], [X509Certificate.new(), CryptoKey.new()], [certificate(), null],
			[certificate("WHIMBREL_CLIENT_CERT"), key("WHIMBREL_SERVER_KEY")]],
		"close": [[]], "poll": [[]], "has_response": [[]], "is_response_chunked": [[]], "get_response_code": [[]],
		"get_response_headers": [[]],
		"get_response_headers_as_dictionary": [[]], "get_response_body_length": [[]], "read_response_body_chunk": [[]],
		"get_status": [[]],
		"get_connection": [[]], "get_read_chunk_size": [[]], "is_blocking_mode_enabled": [[]],
		"is_preserving_chunks": [[]], "get_request_bytes_sent": [[]],
		"get_request_body_length": [[]], "get_response_bytes_received": [[]], "get_timings": [[]],
		"get_response_trailers": [[]],
	}
	var properties := {
		"pinned_keys": [PackedStringArray(["garbage", "", long]), many, PackedStringArray(["sha256/AAAA"]), none],
		"min_tls_version": [-1, 99, LEAST, MOST, 0, 1], "revocation_list": ["garbage", long,
		"-----BEGIN X509 CRL-----\n!!\n", ""],
		"accept_encoding": [true, false], "preserve_chunks": [true, false],
		"download_file": ["/", "user://", long, "/no/such/folder/file", "res://../../x", "\u0001", ""],
		"read_chunk_size": [0, 256], "blocking_mode_enabled": [true, false],
	}
	same(uncovered(methods), [], "every method of the class is called")
	for state in states():
		for method in methods:
			for arguments in methods[method]:
				attempt(state, method, arguments)
		for property in properties:
			for value in properties[property]:
				assign(state, property, value)
		await own_connection(state)
		await several(state, methods)
		kept.clear()
		same(failed, "", "state %s" % state)
		failed = ""
	cycle.clear()
	flood()
	# Most mistakes are told by the result and `error_message` alone.
	print("errors at most: ", calls / 20)


# What there is that the table leaves out.
func uncovered(methods: Dictionary) -> Array:
	var missing := []
	for method in ClassDB.class_get_method_list(&"WhimbrelHTTPClient", true):
		var property := false
		for listed in ClassDB.class_get_property_list(&"WhimbrelHTTPClient", true):
			property = property or method.name in ["set_" + listed.name, "get_" + listed.name, "is_" + listed.name,
					"is_%s_enabled" % listed.name]
		if method.name not in methods and not property and method.name not in ["set_blocking_mode"]:
			missing.append(method.name)
	return missing


func states() -> Array:
	return ["fresh", "closed", "resolving", "unresolved", "connecting", "refused", "connected", "begun", "requested",
			"in its body", "at the body's end",
		"in an unframed body", "in chunks", "broken", "handshaking", "handshake failed", "upgraded", "own stream",
		"own dead stream", "dead while idle"]


func make(state: String) -> WhimbrelHTTPClient:
	var client := WhimbrelHTTPClient.new()
	match state:
		"fresh":
			return client
		"closed":
			connect_client(client, argument(0))
			client.close()
		"resolving":
			client.connect_to_host("never-polled.invalid", 80)
		"unresolved":
			connect_client(client, 80, null, "no-such-host.invalid")
		"connecting":
			client.connect_to_host("127.0.0.1", number("WHIMBREL_SILENT_PORT"))
			client.poll()
		"refused":
			connect_client(client, number("WHIMBREL_CLOSED_PORT"))
		"connected":
			connect_client(client, argument(0))
		"begun":
			connect_client(client, argument(0))
			client.request(2, "/anything", PackedStringArray(), "body")
		"handshaking":
			# The system accepts, and nobody ever answers.
			peer = Peer.new()
			kept.append(peer)
			client.connect_to_host("127.0.0.1", peer.port, TLSOptions.client())
			for turn in 5:
				client.poll()
		"handshake failed":
			connect_client(client, argument(1), TLSOptions.client(certificate("WHIMBREL_OTHER_CERT")))
		"own stream":
			client.connection = StreamPeerBuffer.new()
		"own dead stream":
			client.connection = StreamPeerTCP.new()
		_:
			peer = Peer.new()
			kept.append(peer)
			connect_client(client, peer.port)
			peer.accept()
			var lines := ["Upgrade: x", "Connection: Upgrade"] if state == "upgraded" else []
			client.request(0, "/", PackedStringArray(lines))
			peer.request(client)
			answer(client, state)
	return client


func answer(client: WhimbrelHTTPClient, state: String) -> void:
	match state:
		"requested":
			return
		"in its body":
			peer.send(OK_HEAD + "Content-Length: 100\r\n\r\nhello")
		"at the body's end":
			peer.send(OK_HEAD + "Content-Length: 5\r\n\r\nhello")
		"in an unframed body":
			peer.send(OK_HEAD + "\r\nhello")
		"in chunks":
			peer.send(OK_HEAD + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n7\r\nhal")
		"broken":
			peer.cut()
		"upgraded":
			peer.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nearly")
		"dead while idle":
			peer.send(OK_HEAD + "Content-Length: 0\r\n\r\n")
	head(client)
	if state == "dead while idle":
		body(client)
		peer.cut()


func attempt(state: String, method: String, arguments: Array) -> void:
	var client := make(state)
	client.callv(method, arguments)
	calls += 1
	# Whatever it left can be looked at and polled.
	for again in 3:
		client.poll()
		client.read_response_body_chunk()
		client.get_connection()
		calls += 2
	judge(client, "%s: %s" % [state, method])


func assign(state: String, property: String, value: Variant) -> void:
	var client := make(state)
	client.set(property, value)
	calls += 1
	if property == "blocking_mode_enabled" and value:
		# Reading would wait for the peer, as it should.
		client.close()
	for again in 3:
		client.poll()
	judge(client, "%s: %s" % [state, property])


func judge(client: WhimbrelHTTPClient, what: String) -> void:
	if client.get_status() < 0 or client.get_status() > 9:
		failed += what + ": status %d; " % client.get_status()
	client.close()
	if client.get_status() != 0 or client.connection != null:
		failed += what + ": close() does not close; "


# Its own stream, that of another, and a stream that outlives its client.
func own_connection(state: String) -> void:
	var client := make(state)
	var other := make("connected")
	var stream := client.connection
	if stream:
		client.connection = stream
		other.connection = stream
		other.request(0, "/", PackedStringArray())
		other.poll()
		for again in 3:
			client.poll()
			other.poll()
			stream.get_available_bytes()
		client.close()
		use(stream)
		client = null
		other = null
		use(stream)
	calls += 20
	await process_frame


func use(stream: StreamPeer) -> void:
	stream.get_available_bytes()
	stream.get_partial_data(10)
	stream.put_partial_data(PackedByteArray([1, 2, 3]))
	if stream.has_method("poll"):
		stream.call("poll")


# Calls in a row on one client that is never put right.
func several(state: String, methods: Dictionary) -> void:
	var random := RandomNumberGenerator.new()
	random.seed = hash(state)
	var client := make(state)
	var names: Array = methods.keys()
	for turn in 300:
		var method: String = names[random.randi() % names.size()]
		var lists: Array = methods[method]
		client.callv(method, lists[random.randi() % lists.size()])
		client.poll()
		calls += 2
	client.set_http_proxy("", -1)
	client.set_https_proxy("", -1)
	client.read_chunk_size = 65536
	client.set_client_certificate(null, null)
	connect_client(client, argument(0))
	var told := fetch(client, "/bytes/3000")
	if client.get_response_code() != 200 or client.get_response_body_length() != 3000 or told.begins_with("request"):
		failed += "%s: after 300 calls a plain request fails: %d %s; " % [state, client.get_status(),
				client.error_message]
	await process_frame


# The same mistake in every frame of a game is not told in every frame.
func flood() -> void:
	for state in states():
		var client := make(state)
		client.blocking_mode_enabled = false
		for turn in 200:
			client.request(-1, "", PackedStringArray([""]))
			client.poll()
			client.read_response_body_chunk()
			client.get_response_headers()
			client.close()
			client.read_response_body_chunk()
	ok(true, "mistakes again and again")
