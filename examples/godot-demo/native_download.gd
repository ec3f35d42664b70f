## A download by Godot's own node.
extends RefCounted

## It is over; empty if it went well.
signal ended(why: String)

var _node := HTTPRequest.new()


func start(parent: Node, url: String, file: String) -> void:
	parent.add_child(_node)
	_node.download_file = file
	_node.request_completed.connect(func(result: int, code: int, _headers: PackedStringArray, _body: PackedByteArray) -> void:
		_node.queue_free()
		ended.emit("" if result == HTTPRequest.RESULT_SUCCESS and code == 200 else "result %d, status %d" % [result, code]))
	var error := _node.request(url)
	if error != OK:
		_node.queue_free()
		ended.emit(error_string(error))


func get_received() -> int:
	return _node.get_downloaded_bytes()


func get_total() -> int:
	return _node.get_body_size()


func cancel() -> void:
	_node.cancel_request()
	_node.queue_free()
	ended.emit("cancelled")
