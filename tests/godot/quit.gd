# The engine quits while clients connect, shake hands, send, receive and write files, here and in threads. What shows
# that it went well is the end itself: in time, with the right code, and nothing told of leaks.
extends "res://check.gd"

const Peer := preload("res://peer.gd")

var kept := []
var threads: Array[Thread] = []
var stop := false


func run() -> void:
	var folder := OS.get_environment("WHIMBREL_FOLDER")
	var silent := WhimbrelHTTPClient.new()
	silent.connect_to_host("127.0.0.1", number("WHIMBREL_SILENT_PORT"))
	silent.poll()
	var resolving := WhimbrelHTTPClient.new()
	resolving.connect_to_host("never-asked.invalid", 80)
	resolving.poll()
	var peer_that_waits := Peer.new()
	var handshaking := WhimbrelHTTPClient.new()
	handshaking.connect_to_host("127.0.0.1", peer_that_waits.port, TLSOptions.client())
	for turn in 10:
		handshaking.poll()
	var sending := connected(argument(0))
	var bytes := PackedByteArray()
	bytes.resize(64 << 20)
	sending.request_raw(WhimbrelHTTPClient.METHOD_POST, "/anything", PackedStringArray(), bytes)
	sending.poll()
	var peer := Peer.new()
	var receiving := connected(peer.port)
	peer.accept()
	receiving.request(WhimbrelHTTPClient.METHOD_GET, "/", PackedStringArray())
	peer.request(receiving)
	peer.send("HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\nhello")
	head(receiving)
	receiving.poll()
	var downloading := connected(argument(1), TLSOptions.client_unsafe())
	downloading.download_file = folder.path_join("never.bin")
	downloading.request(WhimbrelHTTPClient.METHOD_GET, "/drip?numbytes=1000&duration=60&delay=0", PackedStringArray())
	wait_for(func() -> bool:
		downloading.poll()
		return downloading.get_response_bytes_received() > 0)
	same([sending.get_status(), receiving.get_status(), downloading.get_status()], [6, 7, 7],
			"sending, receiving, downloading at the end")
	kept = [peer_that_waits, silent, resolving, handshaking, sending, receiving, downloading, receiving.connection,
			peer]
	var busy := Semaphore.new()
	for place in 4:
		var thread := Thread.new()
		thread.start(work.bind(busy))
		threads.append(thread)
	for place in 4:
		busy.wait()
	ok(true, "four threads download at the end")
	# What holds itself is the script's own fault; this only holds on to a client to the last.
	root.set_meta("client", connected(argument(0)))


func work(busy: Semaphore) -> void:
	var client := connected(argument(0))
	var told := false
	while not stop:
		client.request(WhimbrelHTTPClient.METHOD_GET, "/bytes/1000000", PackedStringArray())
		while not stop and client.get_status() in [WhimbrelHTTPClient.STATUS_REQUESTING,
				WhimbrelHTTPClient.STATUS_BODY]:
			client.poll()
			if client.get_status() == WhimbrelHTTPClient.STATUS_BODY:
				client.read_response_body_chunk()
				if not told:
					busy.post()
				told = true


func _finalize() -> void:
	stop = true
	for thread in threads:
		thread.wait_to_finish()
