## Reads a stream of server-sent events, in any polled client: Godot's or Whimbrel's. Call `step()` in every frame.
##
## When the stream ends or breaks it waits, connects again and asks for what it has missed (`Last-Event-ID`).
class_name EventReader
extends RefCounted

## An event, as its server sent it.
signal received(type: String, data: String, id: String)
## The stream is there, for the first time or again.
signal opened
## It isn't any more, and why; another attempt follows.
signal lost(why: String)

const LF := 10
const CR := 13

var client: RefCounted
var host := ""
var port := -1
var path := "/"
## Milliseconds between two attempts. A server may set it.
var retry := 1000

var _last_id := ""
var _wait_until := 0
var _is_open := false
var _is_asked := false
var _is_over := false

var _bytes := PackedByteArray()
var _is_after_cr := false
var _type := ""
var _data := PackedStringArray()


func _init(polled: RefCounted, at_host: String, at_port: int, at_path: String) -> void:
	client = polled
	host = at_host
	port = at_port
	path = at_path


## Breaks the connection, as a network does. The next attempt follows at once.
func cut() -> void:
	_end("cut", 0)


func step() -> void:
	if _is_over:
		return
	client.poll()
	match client.get_status():
		HTTPClient.STATUS_DISCONNECTED:
			if _is_asked:
				_end("the stream has ended", retry)
			elif Time.get_ticks_msec() >= _wait_until and client.connect_to_host(host, port) != OK:
				_end("there is no such host", retry)
		HTTPClient.STATUS_CONNECTED:
			if _is_asked:
				_end("the stream has ended", retry)
			else:
				_ask()
		HTTPClient.STATUS_BODY:
			if _is_open or _accept():
				_read()
		HTTPClient.STATUS_CANT_RESOLVE, HTTPClient.STATUS_CANT_CONNECT, HTTPClient.STATUS_TLS_HANDSHAKE_ERROR:
			_end("no connection", retry)
		HTTPClient.STATUS_CONNECTION_ERROR:
			_end("the connection broke", retry)


func _ask() -> void:
	var headers := PackedStringArray(["Accept: text/event-stream", "Cache-Control: no-store"])
	if _last_id != "":
		headers.append("Last-Event-ID: " + _last_id)
	client.request(HTTPClient.METHOD_GET, path, headers)
	_is_asked = true


## The head is there: is it a stream?
func _accept() -> bool:
	var code: int = client.get_response_code()
	if code == HTTPClient.RESPONSE_NO_CONTENT:
		# The server's way to say that nobody should come again.
		_is_over = true
		_end("the server has no more events", 0)
		return false
	if code != HTTPClient.RESPONSE_OK:
		_end("the server answered %d" % code, retry)
		return false
	_is_open = true
	opened.emit()
	return true


func _read() -> void:
	# As long as there is something: a frame should leave nothing behind.
	while client.get_status() == HTTPClient.STATUS_BODY:
		var piece: PackedByteArray = client.read_response_body_chunk()
		if piece.is_empty():
			return
		_take(piece)


func _take(piece: PackedByteArray) -> void:
	if _is_after_cr and piece[0] == LF:
		piece = piece.slice(1)
	_is_after_cr = false
	_bytes.append_array(piece)
	# Only whole lines are decoded, so that no character is cut in two.
	var end := maxi(_bytes.rfind(LF), _bytes.rfind(CR)) + 1
	if end == 0:
		return
	_is_after_cr = end == _bytes.size() and _bytes[end - 1] == CR
	var text := _bytes.slice(0, end).get_string_from_utf8().replace("\r\n", "\n").replace("\r", "\n")
	_bytes = _bytes.slice(end)
	for line in text.trim_suffix("\n").split("\n"):
		_take_line(line)
		if not _is_open:
			return # A listener has cut it.


func _take_line(line: String) -> void:
	if line == "":
		if not _data.is_empty():
			received.emit(_type if _type != "" else "message", "\n".join(_data), _last_id)
		_type = ""
		_data.clear()
		return
	var field := line.get_slice(":", 0)
	var value := line.substr(field.length() + 1).trim_prefix(" ")
	match field:
		"event":
			_type = value
		"data":
			_data.append(value)
		"id":
			_last_id = value
		"retry":
			if value.is_valid_int():
				retry = value.to_int()


func _end(why: String, wait: int) -> void:
	client.close()
	_wait_until = Time.get_ticks_msec() + wait
	_is_asked = false
	_is_open = false
	# What is not whole is not told (HTML standard, 9.2.6).
	_bytes.clear()
	_is_after_cr = false
	_type = ""
	_data.clear()
	lost.emit(why)
