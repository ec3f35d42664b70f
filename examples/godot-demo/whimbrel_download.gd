## The same download by Whimbrel: one call, no node.
extends RefCounted

## It is over; empty if it went well.
signal ended(why: String)

var _call: WhimbrelHTTPCall


func start(_parent: Node, url: String, file: String) -> void:
	_call = WhimbrelHTTP.start(url, {download_file = file})
	var response: WhimbrelHTTPResponse = await _call.completed
	ended.emit(response.error_message)


func get_received() -> int:
	return _call.get_downloaded_bytes()


func get_total() -> int:
	return _call.get_body_size()


func cancel() -> void:
	_call.cancel()
