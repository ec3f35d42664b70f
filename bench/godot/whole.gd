# Whole requests at 60 frames a second: WhimbrelHTTP beside HTTPRequest, with and without its thread.
#
# What a frame pays is measured from outside. Ours works in the signal `process_frame`, so there it is the time between two
# listeners, of which one was connected before ours and one after it. A node works in its `_process`, so there it is the time
# between a node before it and one behind it. Both include going on with the script and its next request, but not what it
# checks. What HTTPRequest's thread hands over goes by deferred calls, which neither sees: it has no figure. `nothing` is the
# time between two listeners with none between them, in the same frames as ours: what the measuring itself costs, and the
# machine's own breaks.
extends RefCounted

const AT_ONCE := 100

var tree: SceneTree
var divisor := 1
var root := "http://127.0.0.1:" + OS.get_environment("BENCH_PLAIN")
# A server that never answers, and a call that waits for it: as long as there is one, ours stays connected.
var silent := TCPServer.new()
var waiting: WhimbrelHTTPCall
var early := Stamp.new()
var late := Stamp.new()
var signal_began := 0
var signal_ended := 0
var nothing: Array[int] = []
# How long the row itself looked at results meanwhile.
var checking := 0
# Whose frames are recorded now, by subject: microseconds each.
var recorded := ""
var frame_times := {}
var shown := 0


# A node that keeps the time of its turn.
class Stamp extends Node:
	var at := 0
	var told := func() -> void: pass

	func _process(_delta: float) -> void:
		at = Time.get_ticks_usec()
		told.call()


func subjects(row: String) -> Dictionary:
	stand_around()
	match row:
		"gets":
			return {
				"HTTPRequest": node_gets.bind("HTTPRequest", false, 30),
				"HTTPRequest, thread": node_gets.bind("HTTPRequest, thread", true, 120),
				"WhimbrelHTTP": own_gets.bind("WhimbrelHTTP", 120),
			}
		"at-once":
			return {
				"HTTPRequest": node_at_once.bind("HTTPRequest", false),
				"HTTPRequest, thread": node_at_once.bind("HTTPRequest, thread", true),
				"WhimbrelHTTP": own_at_once.bind("WhimbrelHTTP"),
			}
	return {
		# Without its thread it takes one piece a frame, so a small body must do.
		"HTTPRequest": node_file.bind("HTTPRequest", false, "/part64", 1),
		"HTTPRequest, thread": node_file.bind("HTTPRequest, thread", true, "/bulk", 4),
		"WhimbrelHTTP": own_file.bind("WhimbrelHTTP", "/bulk", 4),
	}


func last() -> Dictionary:
	waiting.cancel()
	frame_times["nothing"] = nothing
	var figures := {}
	for subject: String in frame_times:
		var times: Array = frame_times[subject]
		times.sort()
		if times.size() > 0:
			figures[subject] = {
				"us p50": times[times.size() / 2],
				"us p99": times[times.size() * 99 / 100],
				"us max": times[-1],
				"frames": times.size(),
			}
	return figures


# Puts the clocks around both.
func stand_around() -> void:
	tree.process_frame.connect(func() -> void: signal_began = Time.get_ticks_usec())
	silent.listen(0, "127.0.0.1")
	waiting = WhimbrelHTTP.start("http://127.0.0.1:%d/" % silent.get_local_port(), {idle_timeout = 0.0})
	tree.process_frame.connect(func() -> void:
		signal_ended = Time.get_ticks_usec()
		record("WhimbrelHTTP", signal_ended - signal_began - checking)
		checking = 0)
	tree.process_frame.connect(func() -> void:
		if recorded == "WhimbrelHTTP":
			nothing.append(Time.get_ticks_usec() - signal_ended))
	early.process_priority = -100
	late.process_priority = 100
	late.told = func() -> void:
		record("HTTPRequest", late.at - early.at - checking)
		checking = 0
	tree.root.add_child(early)
	tree.root.add_child(late)


func record(subject: String, microseconds: int) -> void:
	if recorded == subject:
		frame_times.get_or_add(subject, []).append(microseconds)


func node_gets(subject: String, threaded: bool, count: int) -> Dictionary:
	count = maxi(count / divisor, 10)
	var node := node_of(threaded)
	await settle(subject)
	var clock := Clock.new()
	for n in count:
		var failed := begin(node, "/hundred")
		if failed:
			return {failed = failed}
		var result: Array = await node.request_completed
		var resumed := Time.get_ticks_usec()
		if result[0] != HTTPRequest.RESULT_SUCCESS or result[1] != 200 or result[3].size() != 100:
			return {failed = "result %s, status %s" % [result[0], result[1]]}
		checking += Time.get_ticks_usec() - resumed
	var figures := clock.figures("req/s", count)
	recorded = ""
	node.queue_free()
	return figures


func own_gets(subject: String, count: int) -> Dictionary:
	count = maxi(count / divisor, 10)
	await settle(subject)
	var clock := Clock.new()
	for n in count:
		var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch(root + "/hundred")
		var resumed := Time.get_ticks_usec()
		if res.status != 200 or res.body.size() != 100:
			return {failed = "status %s: %s" % [res.status, res.error_message]}
		checking += Time.get_ticks_usec() - resumed
	var figures := clock.figures("req/s", count)
	recorded = ""
	return figures


# A node can do one request at a time, so there are a hundred.
func node_at_once(subject: String, threaded: bool) -> Dictionary:
	await settle(subject)
	var clock := Clock.new()
	var nodes: Array[HTTPRequest] = []
	var state := {left = AT_ONCE, wrong = 0}
	for n in AT_ONCE:
		var node := node_of(threaded)
		nodes.append(node)
		node.request_completed.connect(func(result: int, status: int, _lines: PackedStringArray, body: PackedByteArray) -> void:
			state.left -= 1
			state.wrong += int(result != HTTPRequest.RESULT_SUCCESS or status != 200 or body.size() != 100))
		var failed := begin(node, "/hundred")
		if failed:
			return {failed = failed}
	while state.left > 0:
		await tree.process_frame
	var figures := clock.figures("req/s", AT_ONCE)
	recorded = ""
	for node in nodes:
		node.queue_free()
	return figures if state.wrong == 0 else {failed = "%d requests failed" % state.wrong}


func own_at_once(subject: String) -> Dictionary:
	await settle(subject)
	var clock := Clock.new()
	var urls: Array[String] = []
	urls.resize(AT_ONCE)
	urls.fill(root + "/hundred")
	var all: Array = await WhimbrelHTTP.fetch_all(urls)
	var figures := clock.figures("req/s", AT_ONCE)
	recorded = ""
	for res: WhimbrelHTTPResponse in all:
		if res.status != 200 or res.body.size() != 100:
			return {failed = "status %s: %s" % [res.status, res.error_message]}
	return figures


# To a file, with the progress shown in each frame, so many times one after the other.
func node_file(subject: String, threaded: bool, path: String, times: int) -> Dictionary:
	times = maxi(times / divisor, 1)
	var node := node_of(threaded)
	var file := "user://native.bin"
	node.download_file = file
	var show := func() -> void: shown = node.get_downloaded_bytes() * 100 / maxi(node.get_body_size(), 1)
	tree.process_frame.connect(show)
	await settle(subject)
	var clock := Clock.new()
	var size := 0
	for n in times:
		var failed := begin(node, path)
		if failed:
			return {failed = failed}
		var result: Array = await node.request_completed
		if result[0] != HTTPRequest.RESULT_SUCCESS or size_of(file) < 1 << 20:
			return {failed = "result %s" % result[0]}
		size += size_of(file)
	var figures := clock.figures("MB/s", size / 1e6)
	recorded = ""
	tree.process_frame.disconnect(show)
	node.queue_free()
	DirAccess.remove_absolute(file)
	return figures


func own_file(subject: String, path: String, times: int) -> Dictionary:
	times = maxi(times / divisor, 1)
	var file := "user://own.bin"
	await settle(subject)
	var clock := Clock.new()
	var size := 0
	for n in times:
		var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch(root + path, {
			download_file = file,
			progress = func(received: int, total: int) -> void: shown = received * 100 / maxi(total, 1),
		})
		var resumed := Time.get_ticks_usec()
		var written := size_of(file)
		checking += Time.get_ticks_usec() - resumed
		if not res.ok or shown != 100 or written < 1 << 20:
			return {failed = res.error_message}
		size += written
	var figures := clock.figures("MB/s", size / 1e6)
	recorded = ""
	DirAccess.remove_absolute(file)
	return figures


func node_of(threaded: bool) -> HTTPRequest:
	var node := HTTPRequest.new()
	node.use_threads = threaded
	tree.root.add_child(node)
	return node


func begin(node: HTTPRequest, path: String) -> String:
	var error := node.request(root + path)
	return "" if error == OK else "request: " + error_string(error)


# Lets what went before come to rest, and begins with a frame.
func settle(subject: String) -> void:
	for n in 5:
		await tree.process_frame
	recorded = subject


func size_of(path: String) -> int:
	var file := FileAccess.open(path, FileAccess.READ)
	return file.get_length() if file else 0


class Clock:
	var began := Time.get_ticks_usec()
	var first_frame := Engine.get_process_frames()

	func figures(title: String, amount: float) -> Dictionary:
		var seconds := (Time.get_ticks_usec() - began) / 1e6
		var frames := Engine.get_process_frames() - first_frame
		return {title: amount / seconds, "ms": seconds * 1000, "frame ms": seconds * 1000 / maxi(frames, 1)}
