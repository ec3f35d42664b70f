# What the native class gets wrong and ours doesn't, each by literal bytes. The server is in the script, so nothing is
# left to time.
extends "res://check.gd"

const Peer := preload("res://peer.gd")
const GET := WhimbrelHTTPClient.METHOD_GET
const POST := WhimbrelHTTPClient.METHOD_POST
const BODY := WhimbrelHTTPClient.STATUS_BODY
const CONNECTED := WhimbrelHTTPClient.STATUS_CONNECTED
const DISCONNECTED := WhimbrelHTTPClient.STATUS_DISCONNECTED
const FAILED := WhimbrelHTTPClient.STATUS_CONNECTION_ERROR
const OK_HEAD := "HTTP/1.1 200 OK\r\n"

var peer: Peer


func run() -> void:
	bodies_to_the_end()
	interim_replies()
	transfer_codings()
	chunks()
	lengths()
	without_body()
	heads()
	injections()
	targets()
	proxies()
	ipv6()
	bodiless_uploads()
	stale_connections()
	tls_endings()
	own_stream()


# A client that has asked the peer, which has answered with these bytes and, where `ends`, closed.
func answered(bytes: Variant, ends := false, method := GET, lines: Array = []) -> WhimbrelHTTPClient:
	peer = Peer.new()
	var client := connected(peer.port)
	peer.accept()
	if not same(client.request(method, "/", PackedStringArray(lines)), OK, "  (request)"):
		return client
	peer.request(client)
	peer.send(bytes)
	if ends:
		peer.close()
	head(client)
	return client


# What came of it: status after the head, code, body, status after the body.
func outcome(client: WhimbrelHTTPClient) -> Array:
	var found := [client.get_status(), client.get_response_code()]
	return found + [text(client), client.get_status()]


func bodies_to_the_end() -> void:
	same(outcome(answered("HTTP/1.0 200 OK\r\nX: y\r\n\r\nold style", true)), [BODY, 200, "old style", DISCONNECTED],
			"an HTTP/1.0 body goes to the end of the connection")
	same(outcome(answered(OK_HEAD + "X: y\r\n\r\nunframed", true)), [BODY, 200, "unframed", DISCONNECTED],
			"a body without a length goes to the end of the connection")
	for spelling in ["Connection:close", "connection:  close", "CONNECTION: Close", "Connection: foo, close"]:
		same(outcome(answered(OK_HEAD + spelling + "\r\n\r\nuntil eof", true)), [BODY, 200, "until eof", DISCONNECTED],
				"`%s` ends a body with the connection" % spelling)
	same(outcome(answered("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold", true)).slice(0, 3), [BODY, 200, "old"],
			"an HTTP/1.0 body with a length has that length")
	var slow := answered(OK_HEAD + "\r\n")
	slow.poll()
	same([slow.get_status(), slow.read_response_body_chunk().size()], [BODY, 0],
			"an unframed body that has not begun waits")
	peer.send("late")
	var read := ""
	wait_for(func() -> bool:
		slow.poll()
		return slow.connection.get_available_bytes() > 0)
	read = slow.read_response_body_chunk().get_string_from_utf8()
	peer.close()
	same([read, text(slow), slow.get_status()], ["late", "", DISCONNECTED],
			"and ends well when poll() sees the end first")


func interim_replies() -> void:
	var final := OK_HEAD + "Content-Length: 5\r\n\r\nhello"
	for interim in ["HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n",
			"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n"]:
		var client := answered(interim + final)
		same([client.get_response_headers(), outcome(client)], [PackedStringArray(["Content-Length: 5"]), [BODY, 200,
				"hello", CONNECTED]],
				"%s is not the reply" % interim.get_slice("\r\n", 0))
		client.request(GET, "/", PackedStringArray())
		peer.request(client)
		peer.send(OK_HEAD + "Content-Length: 2\r\n\r\nok")
		head(client)
		same(outcome(client), [BODY, 200, "ok", CONNECTED], "  and the connection serves on")
	var upgraded := answered("HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nearly",
			false, GET,
			["Upgrade: echo", "Connection: Upgrade"])
	same(upgraded.get_response_code(), 101, "101 is the reply")
	var early := ""
	var there := upgraded.connection.get_available_bytes()
	early = upgraded.connection.get_utf8_string(there)
	same(early, "early", "  and what comes behind it is the connection's")


func transfer_codings() -> void:
	for coding in ["Chunked", "CHUNKED", " chunked ", "identity, chunked"]:
		var client := answered(OK_HEAD + "Transfer-Encoding:" + coding + "\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
		same([client.is_response_chunked(), outcome(client)], [true, [BODY, 200, "hello", CONNECTED]],
				"`Transfer-Encoding:%s` is chunked" % coding)
	var coded := PackedByteArray("hello".to_utf8_buffer()).compress(FileAccess.COMPRESSION_GZIP)
	var bytes := (OK_HEAD + "Transfer-Encoding: gzip, chunked\r\n\r\n%x\r\n" % coded.size()).to_utf8_buffer()
	bytes.append_array(coded)
	bytes.append_array("\r\n0\r\n\r\n".to_utf8_buffer())
	var listed := answered(bytes)
	var received := body(listed)
	same([listed.is_response_chunked(), received, listed.get_status()], [true, "hello".to_utf8_buffer(), CONNECTED],
			"`gzip, chunked` is both")
	var both := answered(OK_HEAD + "Content-Length: 99\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
	same([both.get_response_body_length(), text(both), both.get_status()], [-1, "hello", CONNECTED],
			"chunked and a length: the length counts for nothing")


func chunks() -> void:
	same(outcome(answered(OK_HEAD + "Transfer-Encoding: chunked\r\n\r\n" +
			"5;a=b\r\nhello\r\n6 ; c=\"d\"\r\n world\r\n0;e\r\n\r\n")),
			[BODY, 200, "hello world", CONNECTED], "chunk extensions are skipped")
	same(outcome(answered(OK_HEAD + "Transfer-Encoding: chunked\r\n\r\n0005\r\nhello\r\n000\r\n\r\n")), [BODY, 200,
			"hello", CONNECTED],
			"chunk sizes may begin with zeros")
	# Larger than the socket's buffers: it is sent while the client reads.
	var large := PackedByteArray()
	large.resize(0x1000001)
	large.fill(120)
	var client := answered(OK_HEAD + "Transfer-Encoding: chunked\r\n\r\n1000001\r\n")
	var thread := Thread.new()
	var sent_by := peer
	thread.start(func() -> void:
		sent_by.send(large)
		sent_by.send("\r\n0\r\n\r\n"))
	var got := body(client)
	thread.wait_to_finish()
	ok(got == large and client.get_status() == CONNECTED, "a chunk of more than 16 MiB", [got.size(),
			client.get_status()])
	var part := answered(OK_HEAD + "Transfer-Encoding: chunked\r\n\r\n5\r\nhe")
	var first := PackedByteArray()
	wait_for(func() -> bool:
		part.poll()
		first.append_array(part.read_response_body_chunk())
		return first.size() == 2)
	same(first.get_string_from_utf8(), "he", "a part of a chunk is given as soon as it is there")
	peer.send("llo\r\n0\r\n\r\n")
	same([text(part), part.get_status()], ["llo", CONNECTED], "  and then the rest")
	var two := OK_HEAD + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nX-T: 1\r\n\r\n"
	var preserving := WhimbrelHTTPClient.new()
	preserving.preserve_chunks = true
	peer = Peer.new()
	connect_client(preserving, peer.port)
	peer.accept()
	preserving.request(GET, "/", PackedStringArray())
	peer.request(preserving)
	peer.send(two)
	head(preserving)
	var pieces := []
	while preserving.get_status() == BODY:
		preserving.poll()
		var piece := preserving.read_response_body_chunk()
		if not piece.is_empty():
			pieces.append(piece.get_string_from_utf8())
	same(pieces, ["hello", " world"], "preserve_chunks gives one chunk each time, as the native class does")
	same(preserving.get_response_trailers(), PackedStringArray(["X-T: 1"]), "  and the trailers are kept")
	for bad in ["zz\r\nhello\r\n0\r\n\r\n", "5\r\nhelloXX0\r\n\r\n", "-5\r\nhello\r\n0\r\n\r\n",
			"ffffffffffffffffff\r\nhello"]:
		same(outcome(answered(OK_HEAD + "Transfer-Encoding: chunked\r\n\r\n" + bad))[3], FAILED,
				"bad chunks are an error: " + bad.c_escape())


func lengths() -> void:
	for field in ["Content-Length: -5", "Content-Length: abc", "Content-Length: 5\r\nContent-Length: 3",
			"Content-Length: 5, 3", "Content-Length: +5",
			"Content-Length: 99999999999999999999"]:
		var client := answered(OK_HEAD + field + "\r\n\r\nhello")
		same(client.get_status(), FAILED, "refused: " + field.replace("\r\n", " | "))
		ok(client.error_message.length() > 10, "  with a sentence", client.error_message)
	same(outcome(answered(OK_HEAD + "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello")), [BODY, 200, "hello",
			CONNECTED],
			"the same length twice is that length")
	var large := answered(OK_HEAD + "Content-Length: 5000000000\r\n\r\n")
	same(large.get_response_body_length(), 5000000000, "a length above 4 GiB")
	for end in [[OK_HEAD + "Content-Length: 50\r\n\r\nhello", "a body shorter than its length"],
			[OK_HEAD + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nwo", "chunks that stop"]]:
		same(outcome(answered(end[0], true))[3], FAILED, end[1] + " is an error when poll() sees the end")
		var client := answered(end[0], true)
		wait_for(func() -> bool:
			client.read_response_body_chunk()
			return client.get_status() != BODY)
		same(client.get_status(), FAILED, end[1] + " is an error when reading finds the end")


func without_body() -> void:
	var head_only := answered(OK_HEAD + "Transfer-Encoding: chunked\r\n\r\n", false, WhimbrelHTTPClient.METHOD_HEAD)
	same([head_only.get_status(), text(head_only), head_only.get_status()], [BODY, "", CONNECTED],
			"HEAD waits for no chunks")
	for code in [204, 304]:
		var client := answered("HTTP/1.1 %d X\r\nTransfer-Encoding: chunked\r\n\r\n" % code)
		text(client)
		same([client.get_response_code(), client.get_status()], [code, CONNECTED], "%d waits for no chunks" % code)
	var unmodified := answered("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n")
	text(unmodified)
	same([unmodified.get_response_code(), unmodified.get_status()], [304, CONNECTED],
			"304 with a length waits for no body")


func heads() -> void:
	for bad in ["Weird 299 Hmm\r\nContent-Length: 2\r\n\r\nok",
			OK_HEAD + "X-F: one\r\n two\r\nContent-Length: 2\r\n\r\nok",
			"HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok"]:
		same(answered(bad).get_status(), FAILED, "refused: " + bad.get_slice("\r\n\r\n", 0).c_escape())
	var bare := answered("HTTP/1.1 200 OK\nContent-Length: 5\n\nhello")
	same(text(bare), "hello", "line ends without CR are read")
	same(answered("HTTP/1.1 200 OK\r\nCont", true).get_status(), FAILED, "a head that stops is an error")


func injections() -> void:
	peer = Peer.new()
	var client := connected(peer.port)
	peer.accept()
	for url in ["/a\r\nX: y", "/a\nb", "/a\rb", "/\r\n\r\nGET /b HTTP/1.1", "http://a.test/\r\nX: y"]:
		same([client.request(GET, url, PackedStringArray()), client.get_status()], [ERR_INVALID_PARAMETER, CONNECTED],
				"no line end in a url: " + url.c_escape())
	for line in ["A: b\r\nC: d", "A: b\n", "A: b\r", "A\r\n: b", "A: \r\n\r\nGET / HTTP/1.1"]:
		for raw in [false, true]:
			var lines := PackedStringArray(["Ok: 1", line])
			var error: int = client.request_raw(POST, "/", lines, PackedByteArray([1])) if raw else client.request(POST,
					"/", lines, "x")
			same([error, client.get_status()], [ERR_INVALID_PARAMETER, CONNECTED],
					"no line end in a header: " + line.c_escape())
	ok(client.error_message.length() > 10, "each with a sentence", client.error_message)
	for host in ["127.0.0.1\r\nX: y", "a b.test", "evil.test\nHost: x"]:
		var injected := WhimbrelHTTPClient.new()
		var error := injected.connect_to_host(host, peer.port)
		if error == OK:
			leave(injected, [WhimbrelHTTPClient.STATUS_RESOLVING, WhimbrelHTTPClient.STATUS_CONNECTING])
		ok(injected.get_status() in [DISCONNECTED, WhimbrelHTTPClient.STATUS_CANT_RESOLVE],
				"no connection to " + host.c_escape(),
				[error, injected.get_status()])
	client.request(GET, "/", PackedStringArray(["A: b"]))
	ok(peer.request(client).begins_with("GET / HTTP/1.1\r\nA: b\r\n"), "nothing of them was sent")


func targets() -> void:
	peer = Peer.new()
	var client := connected(peer.port)
	peer.accept()
	for pair in [["/a b", "/a%20b"], ["/ü?q=ß", "/%C3%BC?q=%C3%9F"], ["/a#frag", "/a"], ["/%20", "/%20"],
			["/a?b=c&d=[e]", "/a?b=c&d=[e]"]]:
		client.request(GET, pair[0], PackedStringArray())
		same(peer.request(client).get_slice(" ", 1), pair[1], "target of %s" % pair[0])
		peer.send(OK_HEAD + "Content-Length: 0\r\n\r\n")
		head(client)
		body(client)


func proxies() -> void:
	peer = Peer.new()
	var client := WhimbrelHTTPClient.new()
	client.set_http_proxy("127.0.0.1", peer.port)
	connect_client(client, 80, null, "example.test")
	peer.accept()
	for pair in [["http://example.test/a", "http://example.test/a"], ["/a", "http://example.test:80/a"],
			["http://other.test:81/b", "http://other.test:81/b"]]:
		client.request(GET, pair[0], PackedStringArray())
		var sent := peer.request(client)
		same(sent.get_slice(" ", 1), pair[1], "through a proxy: %s" % pair[0])
		var authority: String = pair[1].trim_prefix("http://").get_slice("/", 0).trim_suffix(":80")
		ok(("\r\nHost: %s\r\n" % authority) in sent, "  with its host", sent)
		peer.send(OK_HEAD + "Content-Length: 0\r\n\r\n")
		head(client)
		body(client)


func ipv6() -> void:
	var probe := TCPServer.new()
	if probe.listen(0, "::1") != OK:
		ok(true, "IPv6 literals (this machine has no ::1)")
		return
	for host in ["[::1]", "::1", "http://[::1]"]:
		peer = Peer.new("::1")
		var client := connected(peer.port, null, host)
		if not same(client.get_status(), CONNECTED, "connects to %s" % host):
			continue
		peer.accept()
		client.request(GET, "/", PackedStringArray())
		var sent := peer.request(client)
		ok(("\r\nHost: [::1]:%d\r\n" % peer.port) in sent, "  with brackets in Host", sent)


func bodiless_uploads() -> void:
	peer = Peer.new()
	var client := connected(peer.port)
	peer.accept()
	for pair in [[POST, true], [WhimbrelHTTPClient.METHOD_PUT, true], [GET, false], [WhimbrelHTTPClient.METHOD_DELETE,
			false]]:
		client.request(pair[0], "/", PackedStringArray())
		same("\r\nContent-Length: 0\r\n" in peer.request(client), pair[1],
				"method %d without a body says Content-Length: 0" % pair[0])
		peer.send(OK_HEAD + "Content-Length: 0\r\n\r\n")
		head(client)
		body(client)


func stale_connections() -> void:
	for method in [GET, POST]:
		var client := answered(OK_HEAD + "Content-Length: 2\r\n\r\nok")
		text(client)
		peer.close()
		same([client.request(method, "/again", PackedStringArray()), client.get_status()], [OK,
				WhimbrelHTTPClient.STATUS_REQUESTING],
				"method %d on a connection that the server has closed" % method)
		wait_for(func() -> bool:
			client.poll()
			return peer.listener.is_connection_available() or client.get_status() == FAILED)
		if not ok(peer.listener.is_connection_available(), "  goes out on a new one: nothing of it was sent",
				client.error_message):
			continue
		peer.accept()
		ok(" /again " in peer.request(client), "  the same request")
		peer.send(OK_HEAD + "Content-Length: 5\r\n\r\nagain")
		head(client)
		same(outcome(client), [BODY, 200, "again", CONNECTED], "  and its reply is the reply")
	for method in [GET, POST]:
		var client := answered(OK_HEAD + "Content-Length: 2\r\n\r\nok")
		text(client)
		client.request(method, "/again", PackedStringArray())
		peer.request(client)
		peer.close()
		wait_for(func() -> bool:
			client.poll()
			return peer.listener.is_connection_available() or client.get_status() == FAILED)
		same([peer.listener.is_connection_available(), client.get_status() == FAILED], [method == GET, method == POST],
				"method %d that a kept connection took and did not answer is sent again only if it may be" % method)
	var once := answered(OK_HEAD + "Content-Length: 2\r\n\r\nok")
	text(once)
	peer.close()
	once.request(GET, "/", PackedStringArray())
	wait_for(func() -> bool:
		once.poll()
		return peer.listener.is_connection_available())
	peer.accept()
	peer.request(once)
	peer.close()
	same(head(once), FAILED, "a GET is sent again once, not for ever")
	var fresh := connected(peer.port)
	peer.accept()
	fresh.request(GET, "/", PackedStringArray())
	peer.request(fresh)
	peer.close()
	same(head(fresh), FAILED, "a fresh connection that ends without a reply is an error")
	var idle := answered(OK_HEAD + "Content-Length: 2\r\n\r\nok")
	text(idle)
	peer.close()
	wait_for(func() -> bool: return idle.poll() != OK)
	same([idle.get_status(), idle.request(GET, "/", PackedStringArray())], [FAILED, ERR_INVALID_PARAMETER],
			"an end that poll() has seen is an error, as in the native class")


func tls_endings() -> void:
	var options := TLSOptions.server(key("WHIMBREL_SERVER_KEY"), certificate("WHIMBREL_SERVER_CERT"))
	for case in [
		["unframed, with close_notify", OK_HEAD + "\r\nuntil eof", true, "until eof", DISCONNECTED],
		["unframed, cut", OK_HEAD + "\r\nuntil eof", false, "until eof", FAILED],
		["with a length, with close_notify", OK_HEAD + "Content-Length: 5\r\n\r\nhello", true, "hello", CONNECTED],
		["with a length, cut", OK_HEAD + "Content-Length: 5\r\n\r\nhello", false, "hello", CONNECTED],
		["shorter than its length, with close_notify", OK_HEAD + "Content-Length: 50\r\n\r\nhello", true, "hello",
		FAILED],
		["chunked, cut in the middle", OK_HEAD + "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nwo", false,
		"hellowo", FAILED],
	]:
		peer = Peer.new()
		var client := WhimbrelHTTPClient.new()
		client.connect_to_host("127.0.0.1", peer.port, TLSOptions.client(certificate()))
		if not ok(peer.accept_tls(client, options) and client.get_status() == CONNECTED, "a TLS connection",
				client.error_message):
			continue
		client.request(GET, "/", PackedStringArray())
		peer.request(client)
		peer.send(case[1])
		if case[2]:
			peer.close()
		else:
			peer.cut()
		head(client)
		same([text(client), client.get_status()], [case[3], case[4]], "over TLS: a body " + case[0])


# The native class looks at its own socket in poll(), whatever its `connection` is.
func own_stream() -> void:
	peer = Peer.new()
	var own := StreamPeerTCP.new()
	own.connect_to_host("127.0.0.1", peer.port)
	wait_for(func() -> bool:
		own.poll()
		return own.get_status() != StreamPeerTCP.STATUS_CONNECTING)
	peer.accept()
	var client := WhimbrelHTTPClient.new()
	client.connection = own
	same([client.get_status(), client.poll(), client.get_status()], [CONNECTED, OK, CONNECTED],
			"poll() looks at the caller's own stream")
	client.request(GET, "/own", PackedStringArray())
	ok(peer.request(client).begins_with("GET /own HTTP/1.1\r\n"), "  a request goes out by it")
	peer.send(OK_HEAD + "Content-Length: 5\r\n\r\nhello")
	head(client)
	same(outcome(client), [BODY, 200, "hello", CONNECTED], "  and its reply comes by it")
