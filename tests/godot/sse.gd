# Event streams: each event is there in the frame after the server sent it, in every framing, and a lost stream goes on
# where it was. The server sends an event only when the one before it has been seen, so frames are counted and no clock
# is asked.
extends "res://check.gd"

const Peer := preload("res://peer.gd")
const Reader := preload("res://sse_reader.gd")

var peer: Peer
var reader: Reader


func run() -> void:
	await every_event_in_its_frame("unframed", "", func(event: String) -> String: return event)
	await every_event_in_its_frame("chunked", "Transfer-Encoding: chunked\r\n", func(event: String) -> String:
		return "%x\r\n%s\r\n" % [event.to_utf8_buffer().size(), event])
	await pieces()
	await reconnects()


# Steps the reader once a frame until `condition`; gives the number of frames, or -1.
func frames_until(condition: Callable) -> int:
	for frame in 2000:
		await process_frame
		reader.step()
		if condition.call():
			return frame + 1
		peer.receive()
	return -1


# Lets the reader connect; gives the request's head.
func accept() -> String:
	await frames_until(func() -> bool: return peer.listener.is_connection_available())
	peer.accept()
	await frames_until(func() -> bool:
		peer.receive()
		return peer.received_text().ends_with("\r\n\r\n"))
	return peer.received_text()


func begin(fields := "") -> String:
	var request := await accept()
	peer.send("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n" + fields + "\r\n")
	await frames_until(func() -> bool: return reader.client.get_status() == WhimbrelHTTPClient.STATUS_BODY)
	return request


func every_event_in_its_frame(name: String, fields: String, framed: Callable) -> void:
	peer = Peer.new()
	reader = Reader.new("127.0.0.1", peer.port, "/events")
	await begin(fields)
	var worst := 0
	for number in 50:
		var seen := []
		peer.send(framed.call("id: %d\nevent: tick\ndata: number %d\ndata: é\n\n" % [number, number]))
		var frames := await frames_until(func() -> bool:
			seen.assign(reader.events)
			return not seen.is_empty())
		worst = maxi(worst, frames if frames > 0 else 1000)
		if seen != [{"event": "tick", "data": "number %d\né" % number, "id": str(number)}]:
			ok(false, "%s: event %d" % [name, number], seen)
			return
	same(worst, 1, "%s: each of 50 events is there in the next frame" % name)
	peer.send(framed.call("data: a\n\ndata: b\n\ndata: c\n\n"))
	var all := []
	await frames_until(func() -> bool:
		for event in reader.events:
			all.append(event.data)
		return all.size() >= 3)
	same(all, ["a", "b", "c"], "%s: three at once" % name)


func pieces() -> void:
	peer = Peer.new()
	reader = Reader.new("127.0.0.1", peer.port, "/events")
	await begin("Transfer-Encoding: chunked\r\n")
	# A chunk that is never ended until its event is through: the native class would give nothing of it.
	peer.send("ff\r\ndata: early\n\n")
	var seen := []
	var frames := await frames_until(func() -> bool:
		seen.assign(reader.events)
		return not seen.is_empty())
	same([seen.size(), frames], [1, 1], "an event in the middle of a chunk does not wait for the chunk's end")


func reconnects() -> void:
	peer = Peer.new()
	reader = Reader.new("127.0.0.1", peer.port, "/events")
	var request := await begin()
	ok("Last-Event-ID" not in request, "the first request names no event")
	for end in ["an end", "another end", "an end in an event"]:
		var id: String = "id-of " + end
		peer.send("retry: 1\nid: %s\ndata: last\n\n" % id)
		await frames_until(func() -> bool: return not reader.events.is_empty())
		if end.ends_with("in an event"):
			peer.send("id: never\ndata: half")
		peer.close()
		request = await begin()
		ok(("\r\nLast-Event-ID: %s\r\n" % ("never" if end.ends_with("in an event") else id)) in request,
				"after %s it asks for what follows" % end, request)
	peer.send("data: again\n\n")
	await frames_until(func() -> bool: return not reader.events.is_empty())
	same([reader.events.size(), reader.events[0].data if reader.events else "", reader.connections], [1, "again", 4],
			"and goes on")
