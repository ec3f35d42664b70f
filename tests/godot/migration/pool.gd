# Several clients at once, in typed containers, with `match` on the status, which has the type of the class's enum.
extends RefCounted

class HTTPClientSlot:
	var client: HTTPClient
	var MyHTTPClient := "a name of its own"
	var received := 0
	var status: HTTPClient.Status = HTTPClient.STATUS_DISCONNECTED

var slots: Array[HTTPClientSlot] = []
var idle: Array[HTTPClient] = []


func run(port: int, say: Callable) -> void:
	for index in 4:
		var slot := HTTPClientSlot.new()
		slot.client = HTTPClient.new()
		slot.client.read_chunk_size = 4096
		slot.client.set_meta("index", index)
		slot.client.connect_to_host("localhost" if index % 2 else "127.0.0.1", port)
		slots.append(slot)
	while idle.size() < slots.size():
		for slot in slots:
			if slot.client not in idle:
				step(slot)
		OS.delay_msec(1)
	for slot in slots:
		var wanted := 10000 * (1 + int(slot.client.get_meta("index")))
		say.call("slot %d: %d bytes, %s" % [slot.client.get_meta("index"), slot.received, slot.MyHTTPClient], slot.received == wanted)


func step(slot: HTTPClientSlot) -> void:
	slot.client.poll()
	slot.status = slot.client.get_status()
	match slot.status:
		HTTPClient.STATUS_RESOLVING, HTTPClient.STATUS_CONNECTING, HTTPClient.STATUS_REQUESTING:
			pass
		HTTPClient.STATUS_CONNECTED:
			if slot.received > 0:
				idle.append(slot.client)
				return
			var path := "/bytes/%d" % (10000 * (1 + int(slot.client.get_meta("index"))))
			slot.client.request(HTTPClient.METHOD_GET, path, PackedStringArray())
		HTTPClient.STATUS_BODY:
			slot.received += slot.client.read_response_body_chunk().size()
		_:
			push_error("status %d" % slot.status)
			idle.append(slot.client)
