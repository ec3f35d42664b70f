# Clients that go at bad moments: in each state, in callbacks, in threads, by the thousand. The engine counts what is
# left.
extends "res://check.gd"

const Peer := preload("res://peer.gd")


class Holder:
	signal finished(code: int)
	var client: WhimbrelHTTPClient


func run() -> void:
	# What the engine and the scripts keep for good is there after the first time.
	await everything()
	# A coroutine's own object goes when the frame that resumed its caller is over.
	await process_frame
	var before := Performance.get_monitor(Performance.OBJECT_COUNT)
	await everything()
	await process_frame
	var left := Performance.get_monitor(Performance.OBJECT_COUNT) - before
	same(left, 0.0, "no object is left")


func everything() -> void:
	await in_each_state()
	await in_signals()
	nested_streams()
	freed_streams()
	in_threads()
	await many_open()
	many_one_after_another()


func in_each_state() -> void:
	for turns in 12:
		var client := WhimbrelHTTPClient.new()
		var weak: WeakRef = weakref(client)
		client.connect_to_host("127.0.0.1" if turns % 2 else "localhost", argument(turns / 2 % 2),
				TLSOptions.client_unsafe() if turns / 2 % 2 else null)
		for turn in turns:
			client.poll()
			OS.delay_usec(300)
		client = null
		if weak.get_ref() != null:
			ok(false, "freed after %d polls while connecting" % turns)
	for size in [0, 100, 10000000]:
		for turns in 10:
			var client := connected(argument(turns % 2), TLSOptions.client_unsafe() if turns % 2 else null)
			var bytes := PackedByteArray()
			bytes.resize(size)
			client.request_raw(WhimbrelHTTPClient.METHOD_POST, "/anything", PackedStringArray(), bytes)
			for turn in turns:
				client.poll()
				if client.get_status() == WhimbrelHTTPClient.STATUS_BODY:
					client.read_response_body_chunk()
			client = null
	await process_frame
	ok(true, "freed after any number of polls, connecting, sending, receiving")


func in_signals() -> void:
	var holder := Holder.new()
	holder.client = connected(argument(0))
	# The last reference goes in the callback that the client's own loop runs.
	holder.finished.connect(func(_code: int) -> void: holder.client = null)
	holder.client.request(WhimbrelHTTPClient.METHOD_GET, "/bytes/10", PackedStringArray())
	while holder.client:
		holder.client.poll()
		if holder.client.get_status() == WhimbrelHTTPClient.STATUS_BODY:
			holder.finished.emit(holder.client.get_response_code())
		await process_frame
	ok(true, "freed in a signal")
	for connection in holder.finished.get_connections():
		holder.finished.disconnect(connection.callable)
	var deferred := connected(argument(0))
	deferred.request.call_deferred(WhimbrelHTTPClient.METHOD_GET, "/bytes/10", PackedStringArray())
	var weak: WeakRef = weakref(deferred)
	deferred = null
	await process_frame
	await process_frame
	ok(weak.get_ref() == null, "freed with a deferred call under way")


# A client's stream may be another client: what one does then happens in the other's poll().
func nested_streams() -> void:
	var below := connected(argument(0))
	var above := WhimbrelHTTPClient.new()
	above.connection = below.connection
	above.request(0, "/bytes/5", PackedStringArray())
	for turn in 100:
		above.poll()
		above.read_response_body_chunk()
		if turn == 50:
			below.close()
	ok(true, "a client on top of another one that is closed")
	above.close()
	below = connected(argument(0))
	above.connection = below.connection
	below = null
	above.request(0, "/bytes/5", PackedStringArray())
	for turn in 10:
		above.poll()
	ok(true, "a client on top of another one that is freed")
	for turns in 3:
		var one := connected(argument(0))
		var other := connected(argument(0))
		var of_one := one.connection
		var of_other := other.connection
		one.connection = of_other
		other.connection = of_one
		one.request(0, "/", PackedStringArray())
		other.request(0, "/", PackedStringArray())
		for turn in turns * 5:
			one.poll()
			other.poll()
			of_one.get_available_bytes()
			of_other.put_partial_data(PackedByteArray([1]))
		# Each holds the other.
		one.close()
		other.close()
	ok(true, "two clients on top of each other")
	var itself := connected(argument(0))
	var stream := itself.connection
	itself.close()
	itself.connection = stream
	itself.request(0, "/", PackedStringArray())
	for turn in 10:
		itself.poll()
		stream.get_partial_data(10)
	itself.close()
	ok(true, "a client on top of its own old stream")


func freed_streams() -> void:
	var client := connected(argument(0))
	var stream := client.connection
	client = null
	ok(stream.get_available_bytes() <= 0 and stream.get_partial_data(1)[1].is_empty(),
			"a connection that outlives its client gives nothing")
	stream = null
	client = connected(argument(0))
	var ids := {}
	for turn in 5:
		ids[client.connection.get_instance_id()] = true
	client.request(0, "/bytes/5", PackedStringArray())
	head(client)
	same(body(client).size(), 5, "a connection that is dropped again and again harms nothing")


func in_threads() -> void:
	var threads: Array[Thread] = []
	for place in 16:
		var thread := Thread.new()
		thread.start(func() -> int:
			var good := 0
			for turn in 20:
				var client := connected(argument(0))
				client.request(0, "/bytes/%d" % (turn * 1000), PackedStringArray())
				# Every second one goes before its reply.
				if turn % 2:
					good += 1
					continue
				head(client)
				good += 1 if body(client).size() == turn * 1000 else 0
			return good)
		threads.append(thread)
	var good := 0
	for thread in threads:
		good += thread.wait_to_finish()
	same(good, 320, "16 threads make, use and free 20 clients each")
	var made := connected(argument(0))
	var slot := [made]
	made = null
	var freeing := Thread.new()
	freeing.start(func() -> void: slot.clear())
	freeing.wait_to_finish()
	ok(true, "freed in another thread than its own")
	# One client and two threads is a mistake, and no crash.
	var shared := connected(argument(0))
	var stop := [false]
	var disturbing := Thread.new()
	disturbing.start(func() -> void:
		while not stop[0]:
			shared.get_status()
			shared.get_response_headers())
	for turn in 50:
		shared.request(0, "/bytes/100", PackedStringArray())
		shared.poll()
		shared.read_response_body_chunk()
	stop[0] = true
	disturbing.wait_to_finish()
	shared.close()
	same(shared.get_status(), 0, "two threads at one client crash nothing")


func many_open() -> void:
	var clients: Array[WhimbrelHTTPClient] = []
	for place in 2000:
		var client := WhimbrelHTTPClient.new()
		client.connect_to_host("127.0.0.1", argument(0))
		clients.append(client)
		if place % 50 == 49:
			# The listener's queue is short.
			for one in clients.slice(place - 49):
				leave(one, [WhimbrelHTTPClient.STATUS_CONNECTING])
	var open := clients.filter(func(client: WhimbrelHTTPClient) -> bool:
		return client.get_status() == WhimbrelHTTPClient.STATUS_CONNECTED)
	same(open.size(), 2000, "2000 connections are open at once")
	for client in open:
		client.request(0, "/bytes/16", PackedStringArray())
	var answered := 0
	var deadline := Time.get_ticks_msec() + 3 * PATIENCE
	while answered < open.size() and Time.get_ticks_msec() < deadline:
		answered = 0
		for client in open:
			client.poll()
			if client.get_status() == WhimbrelHTTPClient.STATUS_BODY:
				client.read_response_body_chunk()
			answered += 1 if client.get_status() == WhimbrelHTTPClient.STATUS_CONNECTED else 0
		await process_frame
	same(answered, open.size(), "and each has its answer")


func many_one_after_another() -> void:
	var good := 0
	for turn in 3000:
		var client := WhimbrelHTTPClient.new()
		client.connect_to_host("127.0.0.1", argument(0))
		client.poll()
		good += 1
	same(good, 3000, "3000 clients, one after another")
