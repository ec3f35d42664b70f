extends "res://check_http.gd"
## What a server does byte for byte: charsets, trailers, bodies of every framing, and replies that break off.

var server := TCPServer.new()


func _initialize() -> void:
	server.listen(0, "127.0.0.1")
	base = "http://127.0.0.1:%d" % server.get_local_port()
	await charsets()
	await framings()
	await broken()
	await streams()
	server.stop()
	quit(failed)


## Answers the next connection with these bytes and closes it.
func answer(bytes: PackedByteArray) -> void:
	while not server.is_connection_available():
		await process_frame
	var peer := server.take_connection()
	await take_head(peer)
	peer.put_data(bytes)
	peer.disconnect_from_host()


## Reads a request, or closing would reset the connection.
func take_head(peer: StreamPeerTCP) -> void:
	var head := ""
	while not head.contains("\r\n\r\n"):
		peer.poll()
		head += peer.get_string(peer.get_available_bytes()) if peer.get_available_bytes() > 0 else ""
		await process_frame


## The response to a request that is answered like this.
func reply(head: String, body: PackedByteArray, options := {}) -> WhimbrelHTTPResponse:
	var call := WhimbrelHTTP.start(base + "/", options)
	await answer((head.replace("\n", "\r\n") + "\r\n").to_ascii_buffer() + body)
	return call.get_response() if call.is_done() else await call.completed


func charsets() -> void:
	var res := await reply("HTTP/1.1 200 OK\nContent-Type: text/plain; charset=iso-8859-1\nContent-Length: 4\n", PackedByteArray([0x67, 0x72, 0xfc, 0x6e]))
	equal("latin1 by its charset", [res.text(), res.body.size()], ["grün", 4])
	res = await reply("HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 6\n", PackedByteArray([0xff, 0xfe, 0x68, 0, 0x69, 0]))
	equal("UTF-16 by its mark", res.text(), "hi")
	res = await reply("HTTP/1.1 200 OK\nContent-Type: application/json; charset=utf-16le\nContent-Length: 6\n", PackedByteArray([0x5b, 0, 0x31, 0, 0x5d, 0]))
	equal("JSON in its charset", res.json(), [1.0])
	res = await reply("HTTP/1.1 200 OK\nContent-Length: 3\n", PackedByteArray([0x61, 0xff, 0x62]))
	equal("what is no text is shown as well as it can be", res.text(), "a\ufffdb")
	res = await reply("HTTP/1.1 200 OK\nContent-Length: 4\n", PackedByteArray([0x5b, 0x5d, 0, 0x62]))
	equal("a NUL does not end the text", res.text(), "[]\ufffdb")
	equal("nor the JSON", [res.json(), res.error], [null, ERR_PARSE_ERROR])
	res = await reply("HTTP/1.1 200 OK\nContent-Length: 0\n", PackedByteArray())
	equal("an empty body is no JSON", [res.json(), res.error, res.error_message], [null, ERR_PARSE_ERROR, "The body is no JSON: it is empty"])
	res = await reply("HTTP/1.1 500 Oh dear\nContent-Length: 3\n", "<p>".to_ascii_buffer())
	equal("an error page says its status before its JSON", [res.json(), res.error_code, res.error_message], [null, "status", "The server answered 500 Oh dear"])


func framings() -> void:
	var res := await reply("HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n", "3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nX-Sum: 7\r\nX-Sum: 8\r\n\r\n".to_ascii_buffer())
	equal("chunks and their trailers", [res.ok, res.text(), res.trailers], [true, "abcdefg", {"x-sum": "7, 8"}])
	res = await reply("HTTP/1.1 200 OK\n", "until the end".to_ascii_buffer())
	equal("a body until the end of the connection", [res.ok, res.text()], [true, "until the end"])
	res = await reply("HTTP/1.0 204 No Content\n", PackedByteArray())
	equal("no content", [res.ok, res.status, res.body.size()], [true, 204, 0])
	res = await reply("HTTP/1.1 103 Early Hints\nLink: x\n\nHTTP/1.1 200 OK\nX-Name:  spaced value \nContent-Length: 2\n", "ok".to_ascii_buffer())
	equal("interim responses are passed over", [res.status, res.text(), res.headers], [200, "ok", {"x-name": "spaced value", "content-length": "2"}])


func broken() -> void:
	var res := await reply("HTTP/1.1 200 OK\nContent-Length: 10\n", "abc".to_ascii_buffer())
	equal("a body that breaks off", [res.ok, res.status, res.error, res.error_code, res.text()], [false, 200, ERR_CONNECTION_ERROR, "truncated", "abc"])
	res = await reply("HTTP/1.1 200 OK\nContent-Length: 10\n", "abc".to_ascii_buffer(), {download_file = "user://broken.bin"})
	equal("leaves no file", [res.error, res.file, FileAccess.file_exists("user://broken.bin")], [ERR_CONNECTION_ERROR, "", false])
	res = await reply("SSH-2.0-x\n", PackedByteArray())
	equal("what is no HTTP", [res.error, res.error_code, res.status], [ERR_INVALID_DATA, "protocol", 0])
	res = await reply("HTTP/1.1 200 OK\nContent-Encoding: gzip\nContent-Length: 3\n", "abc".to_ascii_buffer())
	equal("what is no gzip", [res.error, res.error_code], [ERR_INVALID_DATA, "coding"])
	res = await reply("HTTP/1.1 302 Found\nLocation: ftp://127.0.0.1/\nContent-Length: 0\n", PackedByteArray())
	equal("a redirect to nowhere", [res.error, res.error_code], [ERR_INVALID_DATA, "scheme"])


func streams() -> void:
	var call := WhimbrelHTTP.start(base + "/", {stream = true})
	var got := []
	call.chunk_received.connect(func(bytes: PackedByteArray) -> void: got.append(bytes.get_string_from_ascii()))
	while not server.is_connection_available():
		await process_frame
	var peer := server.take_connection()
	await take_head(peer)
	peer.put_data("HTTP/1.1 200 OK\r\n\r\n".to_ascii_buffer())
	for line: String in ["one\n", "two\n"]:
		peer.put_data(line.to_ascii_buffer())
		var count := got.size()
		for i in 2000:
			if got.size() > count:
				break
			await process_frame
	equal("a stream comes as it is sent", [got, call.is_done()], [["one\n", "two\n"], false])
	peer.disconnect_from_host()
	var res: WhimbrelHTTPResponse = await call.completed
	check("and ends", res.ok, res.error_message)
