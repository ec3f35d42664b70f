extends "res://check_http.gd"
## The engine quits while everything is under way: nothing may crash, leak or hang, and WHIMBREL_FOLDER stays empty.


class Awaiting extends Node:
	var response: WhimbrelHTTPResponse

	func ask(url: String) -> void:
		var held := self
		response = await WhimbrelHTTP.fetch(url)
		print("not ok a request that was under way at the end has ended: ", held)


var kept := []
var thread := Thread.new()
var is_over := false


func _initialize() -> void:
	base = "http://127.0.0.1:%s" % OS.get_cmdline_user_args()[0]
	var folder := OS.get_environment("WHIMBREL_FOLDER")
	if folder.is_empty():
		folder = OS.get_user_data_dir().path_join("quit")
	var node := Awaiting.new()
	root.add_child(node)
	node.ask(base + "/delay/30")
	never(WhimbrelHTTP.fetch(base + "/delay/30"))
	never(WhimbrelHTTP.fetch_all([base + "/delay/30", base + "/get"]))
	var session := WhimbrelHTTP.new()
	kept.append(session)
	var own := session.request(base + "/delay/30")
	own.completed.connect(func(_res: WhimbrelHTTPResponse) -> void: print("not ok never: ", own, session))
	kept.append(own)
	var stream := WhimbrelHTTP.start(base + "/drip?numbytes=1000&duration=30&delay=0", {stream = true})
	stream.chunk_received.connect(func(_bytes: PackedByteArray) -> void: kept.append(stream))
	var cancelled := WhimbrelHTTP.start(base + "/delay/30")
	var download := WhimbrelHTTP.start(base + "/drip?numbytes=1000&duration=30&delay=0", {download_file = folder.path_join("under/way.bin")})
	download.progressed.connect(func(received: int, total: int) -> void: check("a download is under way", received < total, total))
	await download.headers_received
	await WhimbrelHTTP.fetch(base + "/get")
	await download.progressed
	cancelled.cancel()
	WhimbrelHTTP.start("")
	var last := WhimbrelHTTP.start(base + "/get")
	await last.completed
	# A thread that does not notice: the handlers of what it starts must not be freed after their language.
	# In a session of its own, whose connections it uses up.
	thread.start(func() -> void:
		while not is_over:
			var late := session.request(base + "/delay/30")
			late.completed.connect(func(_res: WhimbrelHTTPResponse) -> void: print("not ok started while quitting: ", late))
			OS.delay_msec(1))
	for i in 20:
		await process_frame
	last = WhimbrelHTTP.start(base + "/get")
	await last.completed
	# Out of a handler, with its own request still being told.
	quit(failed)


func _finalize() -> void:
	WhimbrelHTTP.start(base + "/get").completed.connect(func(_res: WhimbrelHTTPResponse) -> void: print("not ok: ", base))
	is_over = true
	thread.wait_to_finish()


func never(signal_: Signal) -> void:
	var res: Variant = await signal_
	print("not ok a request that was under way at the end has ended: ", res)
