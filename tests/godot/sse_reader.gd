# An event stream (text/event-stream of the HTML standard) over a polled client, one `step()` a frame. It connects by
# itself, gives each event as it comes, and after an end or error asks again with the last event's id.
extends RefCounted

# Whole events since the last step: { "event": String, "data": String, "id": String }.
var events: Array[Dictionary] = []
var last_id := ""
# What the server wants waited before the next try, in milliseconds.
var retry := 0
var connections := 0

var client := WhimbrelHTTPClient.new()
var host: String
var port: int
var path: String
var _pending := PackedByteArray()
var _event := ""
var _data := PackedStringArray()
var _not_before := 0


func _init(to_host: String, to_port: int, to_path: String) -> void:
	host = to_host
	port = to_port
	path = to_path


# Never waits.
func step() -> void:
	events.clear()
	client.poll()
	match client.get_status():
		WhimbrelHTTPClient.STATUS_RESOLVING, WhimbrelHTTPClient.STATUS_CONNECTING, WhimbrelHTTPClient.STATUS_REQUESTING:
			pass
		WhimbrelHTTPClient.STATUS_CONNECTED:
			if client.has_response():
				# The reply is over, whatever it was.
				_again()
			else:
				var headers := PackedStringArray(["Accept: text/event-stream", "Cache-Control: no-cache"])
				if last_id != "":
					headers.append("Last-Event-ID: " + last_id)
				client.request(WhimbrelHTTPClient.METHOD_GET, path, headers)
		WhimbrelHTTPClient.STATUS_BODY:
			while true:
				var chunk := client.read_response_body_chunk()
				if chunk.is_empty():
					break
				_feed(chunk)
			if client.get_status() != WhimbrelHTTPClient.STATUS_BODY:
				_again()
		WhimbrelHTTPClient.STATUS_DISCONNECTED:
			if Time.get_ticks_msec() >= _not_before:
				connections += 1
				client.connect_to_host(host, port)
		_:
			_again()


func _again() -> void:
	client.close()
	# What was not ended by an empty line is no event.
	_pending.clear()
	_data.clear()
	_event = ""
	_not_before = Time.get_ticks_msec() + retry


func _feed(chunk: PackedByteArray) -> void:
	_pending.append_array(chunk)
	var start := 0
	var end := _pending.find(10)
	while end >= 0:
		_line(_pending.slice(start, end).get_string_from_utf8().trim_suffix("\r"))
		start = end + 1
		end = _pending.find(10, start)
	_pending = _pending.slice(start)


func _line(line: String) -> void:
	if line == "":
		if not _data.is_empty():
			events.append({"event": _event if _event != "" else "message", "data": "\n".join(_data), "id": last_id})
		_data.clear()
		_event = ""
		return
	var name := line.get_slice(":", 0)
	var value := line.substr(name.length() + 1).trim_prefix(" ")
	match name:
		"data":
			_data.append(value)
		"event":
			_event = value
		"id":
			last_id = value
		"retry":
			if value.is_valid_int():
				retry = int(value)
