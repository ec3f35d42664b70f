# `connection`: the bytes under the client for the script, and a script's own StreamPeer under the client.
extends "res://check.gd"

const Peer := preload("res://peer.gd")


func run() -> void:
	the_stream_of_a_connection()
	an_unframed_body_through_the_stream()
	an_upgrade()
	waiting_calls()
	own_tcp()
	own_tls()
	own_buffer()
	what_is_refused()
	a_stream_that_calls_its_client()
	a_stream_that_drops_its_client()
	loops_and_lifetimes()


func raw(client: WhimbrelHTTPClient, wanted: int) -> String:
	var bytes := PackedByteArray()
	var start := Time.get_ticks_msec()
	while bytes.size() < wanted and Time.get_ticks_msec() - start < PATIENCE:
		var there := client.connection.get_available_bytes()
		if there > 0:
			bytes.append_array(client.connection.get_partial_data(there)[1])
		else:
			OS.delay_usec(100)
	return bytes.get_string_from_utf8()


func the_stream_of_a_connection() -> void:
	var peer := Peer.new()
	var client := WhimbrelHTTPClient.new()
	ok(client.connection == null, "no connection, no stream")
	connect_client(client, peer.port)
	peer.accept()
	var stream: StreamPeer = client.connection
	ok(stream is WhimbrelStreamPeer and stream is StreamPeer, "a connection has a stream")
	ok(client.connection == stream and client.get_connection() == stream, "the same as long as it lives")
	client.connection = stream
	same([client.get_status(), client.connection == stream], [client.STATUS_CONNECTED, true], "to assign it again changes nothing")
	same(stream.get_available_bytes(), 0, "nothing is there yet")
	same(stream.get_partial_data(10), [OK, PackedByteArray()], "reading does not wait")
	client.connect_to_host("127.0.0.1", peer.port)
	leave(client, [client.STATUS_RESOLVING, client.STATUS_CONNECTING])
	peer.accept()
	ok(client.connection != stream, "a new connection has a new one")
	same([stream.get_available_bytes(), stream.get_partial_data(1)[0], stream.put_data([1])], [0, FAILED, FAILED], "the old one is over")
	var last := client.connection
	client.close()
	ok(client.connection == null, "none after close()")
	same(last.get_data(1)[0], FAILED, "and the one before does not wait for ever")


func an_unframed_body_through_the_stream() -> void:
	var peer := Peer.new()
	var client := connected(peer.port)
	peer.accept()
	client.request(client.METHOD_GET, "/", [])
	peer.request(client)
	same(client.connection.get_partial_data(1)[0], ERR_UNCONFIGURED, "the head of a response is the client's")
	peer.send("HTTP/1.0 200 OK\r\nX: y\r\n\r\nfirst ")
	head(client)
	same(client.get_status(), client.STATUS_BODY, "a body without a length")
	same(raw(client, 6), "first ", "its bytes through the stream")
	peer.send("second")
	wait_for(func() -> bool: return client.connection.get_available_bytes() == 6)
	same(text_of(client.read_response_body_chunk()), "second", "and through the client, never twice")
	same(client.connection.get_available_bytes(), 0, "none is left")
	peer.close()
	leave(client, [])
	text(client)
	same(client.get_status(), client.STATUS_DISCONNECTED, "the end is the client's")


func text_of(bytes: PackedByteArray) -> String:
	return bytes.get_string_from_utf8()


func an_upgrade() -> void:
	var peer := Peer.new()
	var client := connected(peer.port)
	peer.accept()
	client.request(client.METHOD_GET, "/chat", ["Connection: Upgrade", "Upgrade: echo"])
	peer.request(client)
	peer.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhi")
	head(client)
	same(client.get_response_code(), client.RESPONSE_SWITCHING_PROTOCOLS, "101 is the response")
	text(client)
	var stream: StreamPeer = client.connection
	same(raw(client, 2), "hi", "what came behind the head is there")
	same(stream.put_data("ping".to_utf8_buffer()), OK, "bytes can be sent")
	wait_for(func() -> bool: peer.receive(); return peer.received.size() >= 4)
	same(peer.received_text(), "ping", "they arrive as they are")
	peer.send("pong")
	same(raw(client, 4), "pong", "and what comes back, too")
	ok(client.connection == stream, "the stream is the same")
	same(client.request(client.METHOD_GET, "/", []), ERR_INVALID_PARAMETER, "no request on it any more")
	ok("upgraded" in client.error_message, "and why", client.error_message)
	peer.close()
	var last := [OK]
	wait_for(func() -> bool: last[0] = stream.get_partial_data(1)[0]; return last[0] != OK)
	same(last[0], ERR_FILE_EOF, "the end of the stream")


func waiting_calls() -> void:
	var peer := Peer.new()
	var client := connected(peer.port)
	peer.accept()
	client.request(client.METHOD_CONNECT, "host.test:443", [])
	peer.request(client)
	peer.send("HTTP/1.1 200 OK\r\n\r\n")
	head(client)
	var thread := Thread.new()
	thread.start(func() -> void:
		OS.delay_msec(30)
		peer.send("ab")
		OS.delay_msec(30)
		peer.send("cdef"))
	same(client.connection.get_data(6), [OK, "abcdef".to_utf8_buffer()], "get_data() waits for all")
	thread.wait_to_finish()
	var sink := PackedByteArray()
	sink.resize(4 << 20)
	thread.start(func() -> int:
		var total := 0
		var start := Time.get_ticks_msec()
		while total < sink.size() and Time.get_ticks_msec() - start < PATIENCE:
			peer.receive()
			total += peer.received.size()
			peer.received.clear()
		return total)
	same(client.connection.put_data(sink), OK, "put_data() sends all")
	same(thread.wait_to_finish(), sink.size(), "and all arrives")
	client.connection.put_u16(0x1234)
	wait_for(func() -> bool: peer.receive(); return peer.received.size() == 2)
	same(peer.received, PackedByteArray([0x34, 0x12]), "the typed calls of StreamPeer work")


func own_tcp() -> void:
	var peer := Peer.new()
	var tcp := StreamPeerTCP.new()
	tcp.connect_to_host("127.0.0.1", peer.port)
	var client := WhimbrelHTTPClient.new()
	client.connection = tcp
	same([client.get_status(), client.connection], [client.STATUS_CONNECTED, tcp], "a StreamPeerTCP is the connection at once")
	same(client.request(client.METHOD_POST, "/own", ["Host: own.test"], "body"), OK, "it takes a request while it connects")
	wait_for(func() -> bool: client.poll(); return peer.listener.is_connection_available())
	peer.accept()
	ok(peer.request(client, 4).ends_with("\r\n\r\nbody"), "which arrives")
	peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel")
	same(head(client), client.STATUS_BODY, "its response comes")
	peer.send("lo")
	same([text(client), client.get_status()], ["hello", client.STATUS_CONNECTED], "with its body")
	same(client.connection, tcp, "and the connection is kept")
	client.request(client.METHOD_GET, "/", ["Host: own.test"])
	peer.request(client)
	peer.send("HTTP/1.1 200 OK\r\n\r\nuntil the end")
	peer.close()
	head(client)
	same([text(client), client.get_status()], ["until the end", client.STATUS_DISCONNECTED], "the end of the stream ends a body")
	ok(client.connection == null, "and the stream is let go")

	var upload := PackedByteArray()
	upload.resize(1 << 20)
	tcp = StreamPeerTCP.new()
	tcp.connect_to_host("127.0.0.1", peer.port)
	client.connection = tcp
	client.request_raw(client.METHOD_PUT, "/big", ["Host: own.test"], upload)
	wait_for(func() -> bool: client.poll(); return peer.listener.is_connection_available())
	peer.accept()
	var total := [0]
	wait_for(func() -> bool:
		client.poll()
		peer.receive()
		total[0] += peer.received.size()
		peer.received.clear()
		return total[0] > upload.size())
	ok(total[0] > upload.size(), "a large body goes through it", total[0])
	peer.tcp.disconnect_from_host()
	same(head(client), client.STATUS_CONNECTION_ERROR, "a stream that ends before the response is an error")


func own_tls() -> void:
	var peer := Peer.new()
	var authority := certificate()
	var server := TLSOptions.server(key("WHIMBREL_SERVER_KEY"), certificate("WHIMBREL_SERVER_CERT"))
	var tcp := StreamPeerTCP.new()
	tcp.connect_to_host("127.0.0.1", peer.port)
	wait_for(func() -> bool: tcp.poll(); return tcp.get_status() == StreamPeerTCP.STATUS_CONNECTED)
	var tls := StreamPeerTLS.new()
	tls.connect_to_stream(tcp, "localhost", TLSOptions.client(authority))
	var client := WhimbrelHTTPClient.new()
	client.connection = tls
	client.request(client.METHOD_GET, "/tls", ["Host: localhost"])
	peer.accept()
	peer.tls = StreamPeerTLS.new()
	peer.tls.accept_stream(peer.tcp, server)
	ok(peer.request(client).begins_with("GET /tls HTTP/1.1\r\n"), "a StreamPeerTLS does its handshake in poll()")
	peer.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
	head(client)
	same(text(client), "ok", "and carries the response")


func own_buffer() -> void:
	var buffer := StreamPeerBuffer.new()
	var client := WhimbrelHTTPClient.new()
	client.connection = buffer
	same(client.request(client.METHOD_GET, "/x", ["Host: h"]), OK, "a StreamPeerBuffer takes a request")
	for i in 3:
		client.poll()
	var written := buffer.data_array.get_string_from_ascii()
	ok(written.begins_with("GET /x HTTP/1.1\r\nHost: h\r\n") and written.ends_with("\r\n\r\n"), "which is in its data", written)
	same(client.get_status(), client.STATUS_REQUESTING, "and waits for a response")
	buffer.data_array = buffer.data_array + "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc".to_ascii_buffer()
	buffer.seek(written.length())
	head(client)
	same(text(client), "abc", "which is read where its cursor stands")


func what_is_refused() -> void:
	var peer := Peer.new()
	var client := connected(peer.port)
	peer.accept()
	var stream: StreamPeer = client.connection
	client.connection = null
	same([client.get_status(), client.connection == stream], [client.STATUS_CONNECTED, true], "null is refused")
	ok("close()" in client.error_message, "with a sentence", client.error_message)
	client.connect_to_host("127.0.0.1", peer.port, TLSOptions.client_unsafe())
	client.connection = StreamPeerBuffer.new()
	ok(not client.connection is StreamPeerBuffer, "with TLS options only a StreamPeerTLS will do")
	ok("StreamPeerTLS" in client.error_message, "and why", client.error_message)


# A StreamPeer of a script's own can call the client in the middle of its step.
class Caller:
	extends StreamPeerExtension
	var client: WhimbrelHTTPClient
	var answers := []
	var drops := false

	func poll() -> void:
		pass

	func _get_partial_data(_buffer, _bytes, _received) -> Error:
		return step()

	func _put_partial_data(_data, _bytes, _sent) -> Error:
		return step()

	func _get_available_bytes() -> int:
		return 0

	func step() -> Error:
		if drops:
			client = null
			return ERR_BUSY
		if client and answers.is_empty():
			answers = [client.poll(), client.request(0, "/", []), client.connect_to_host("127.0.0.1", 1), client.get_status(),
					client.read_response_body_chunk(), client.connection, client.get_response_headers(), client.error_message]
			client.close()
			client.read_chunk_size = 4096
			client.connection = StreamPeerBuffer.new()
		# A script can't write a count through the engine's pointers.
		return ERR_BUSY


func a_stream_that_calls_its_client() -> void:
	var caller := Caller.new()
	var client := WhimbrelHTTPClient.new()
	caller.client = client
	client.connection = caller
	client.request(client.METHOD_GET, "/", ["Host: h"])
	for i in 3:
		client.poll()
	same(caller.answers.slice(0, 3), [ERR_BUSY, ERR_BUSY, ERR_BUSY], "a call from inside its own stream is busy")
	same(caller.answers.slice(3), [client.STATUS_REQUESTING, PackedByteArray(), null, PackedStringArray(), ""], "and gives nothing")
	same([client.connection, client.read_chunk_size], [caller, 65536], "and does nothing")
	same(client.get_status(), client.STATUS_REQUESTING, "the client goes on")
	caller.client = null


func a_stream_that_drops_its_client() -> void:
	var caller := Caller.new()
	caller.client = WhimbrelHTTPClient.new()
	caller.client.connection = caller
	caller.client.request(0, "/", ["Host: h"])
	caller.drops = true
	var ghost: WeakRef = weakref(caller.client)
	caller.client.poll()
	ok(ghost.get_ref() == null, "the last reference may go in the middle of a step")


func loops_and_lifetimes() -> void:
	var peer := Peer.new()
	var one := connected(peer.port)
	peer.accept()
	var stream: StreamPeer = one.connection
	var two := WhimbrelHTTPClient.new()
	two.connection = stream
	two.request(two.METHOD_GET, "/through", ["Host: h"])
	ok(peer.request(two).begins_with("GET /through "), "one client's stream can carry another client")
	one.close()
	peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
	same(head(two), two.STATUS_CONNECTION_ERROR, "until the first one closes")
	one = connected(peer.port)
	peer.accept()
	stream = one.connection
	var far: StreamPeerTCP = peer.tcp
	one = null
	same([stream.get_available_bytes(), stream.get_partial_data(4)[0], stream.put_data([1])], [0, FAILED, FAILED],
			"a stream that outlives its client answers FAILED")
	var gone := func() -> bool: far.poll(); return far.get_status() != StreamPeerTCP.STATUS_CONNECTED
	ok(wait_for(gone), "and keeps no socket open")

	var weak: WeakRef
	var holder := WhimbrelHTTPClient.new()
	var buffer := StreamPeerBuffer.new()
	weak = weakref(buffer)
	holder.connection = buffer
	buffer = null
	ok(weak.get_ref() != null, "the client holds a stream that was given to it")
	holder.connection = StreamPeerBuffer.new()
	holder.poll()
	ok(weak.get_ref() == null, "and lets it go when another one comes")
	weak = weakref(holder.connection)
	holder = null
	ok(weak.get_ref() == null, "or when it is freed")
