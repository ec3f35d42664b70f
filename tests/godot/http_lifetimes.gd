extends "res://check_http.gd"
## Lifetimes: whatever is freed, cancelled or started at any moment, each request ends once and nothing is left.


var early: WhimbrelHTTPCall


## There is no tree to listen to yet.
func _init() -> void:
	early = WhimbrelHTTP.start("http://127.0.0.1:%s/get" % OS.get_cmdline_user_args()[0])


func _initialize() -> void:
	check("a request that is made before the tree is there is answered", (await early.completed).ok)
	early = null
	await process_frame
	base = "http://127.0.0.1:%s" % OS.get_cmdline_user_args()[0]
	await idle()
	await dropped()
	await cancelled()
	await reentrant()
	await nodes()
	await standing()
	await threads()
	await polled()
	await sessions()
	quit(failed)


func connections() -> int:
	return process_frame.get_connections().filter(func(c: Dictionary) -> bool: return str(c.callable).contains("WhimbrelHTTP")).size()


## Until this holds, or too long.
func until(condition: Callable, frames := 2000) -> bool:
	for i in frames:
		if condition.call():
			return true
		await process_frame
	return condition.call()


func idle() -> void:
	equal("nobody listens to frames at first", connections(), 0)
	var call := WhimbrelHTTP.start(base + "/get")
	equal("while there is a request somebody does", connections(), 1)
	WhimbrelHTTP.start(base + "/get")
	equal("one for all", connections(), 1)
	await call.completed
	check("and nobody afterwards", await until(func() -> bool: return connections() == 0), connections())


func dropped() -> void:
	var ends := [0]
	var call := WhimbrelHTTP.start(base + "/get")
	call.completed.connect(func(_res: WhimbrelHTTPResponse) -> void: ends[0] += 1)
	var weak: WeakRef = weakref(call)
	call = null
	check("a call that nobody holds ends all the same", await until(func() -> bool: return ends[0] == 1), ends)
	check("and is freed then", await until(func() -> bool: return weak.get_ref() == null))
	var session := WhimbrelHTTP.new()
	call = session.request(base + "/delay/0.05")
	var weak_session: WeakRef = weakref(session)
	session = null
	equal("a session is freed with its last holder", weak_session.get_ref() == null, true)
	var res: WhimbrelHTTPResponse = await call.completed
	check("its requests go on", res.ok, res.error_message)
	var weak_response: WeakRef = weakref(res)
	res = null
	call = null
	check("a response is freed with its holders", await until(func() -> bool: return weak_response.get_ref() == null))


func cancelled() -> void:
	var call := WhimbrelHTTP.start(base + "/delay/30")
	var ends := [0]
	call.completed.connect(func(_res: WhimbrelHTTPResponse) -> void: ends[0] += 1)
	call.cancel()
	call.cancel()
	equal("cancelling tells nothing yet", [ends[0], call.is_done()], [0, false])
	var res: WhimbrelHTTPResponse = await call.completed
	equal("and the end once", [ends[0], res.error, res.error_code, res.ok, call.get_response()], [1, ERR_SKIP, "cancelled", false, res])
	var session := WhimbrelHTTP.new()
	var calls: Array = range(20).map(func(_i: int) -> WhimbrelHTTPCall: return session.request(base + "/delay/30"))
	equal("a session knows how many it has", session.get_request_count(), 20)
	var other := WhimbrelHTTP.start(base + "/delay/0.1")
	session.cancel_all()
	equal("and none after it cancelled all", session.get_request_count(), 0)
	await until(func() -> bool: return calls.all(func(c: WhimbrelHTTPCall) -> bool: return c.is_done()))
	equal("each of which ends", calls.filter(func(c: WhimbrelHTTPCall) -> bool: return c.is_done() and c.get_response().error == ERR_SKIP).size(), 20)
	check("those of others go on", (await other.completed).ok)
	call = WhimbrelHTTP.start(base + "/drip?numbytes=5&duration=0.1&delay=0")
	call.pause()
	for i in 30:
		await process_frame
	equal("a paused request stands still", call.is_done(), false)
	call.resume()
	check("and goes on", (await call.completed).ok)


func reentrant() -> void:
	var done := [0]
	var again := func(self_: Callable, left: int) -> void:
		var call := WhimbrelHTTP.start(base + "/get")
		call.completed.connect(func(_res: WhimbrelHTTPResponse) -> void:
			done[0] += 1
			call.cancel()
			if left > 0:
				self_.call(self_, left - 1))
	again.call(again, 20)
	check("a handler may start and cancel", await until(func() -> bool: return done[0] == 21), done)
	again = Callable()
	var mistakes := [0]
	var wrong := func(self_: Callable) -> void:
		WhimbrelHTTP.start("", {}).completed.connect(func(_res: WhimbrelHTTPResponse) -> void:
			mistakes[0] += 1
			if mistakes[0] < 50:
				self_.call(self_))
	wrong.call(wrong)
	check("also after mistakes, which never stop a frame", await until(func() -> bool: return mistakes[0] == 50), mistakes)
	wrong = Callable()
	var calls: Array[WhimbrelHTTPCall] = []
	for i in 10:
		calls.append(WhimbrelHTTP.start(base + "/get"))
	for call in calls:
		call.completed.connect(func(_res: WhimbrelHTTPResponse) -> void:
			for each in calls:
				each.cancel())
	check("a handler may cancel all others", await until(func() -> bool: return calls.all(func(c: WhimbrelHTTPCall) -> bool: return c.is_done())))
	var inner := WhimbrelHTTP.start(base + "/get")
	var outer := WhimbrelHTTP.start(base + "/get")
	var nested := [false]
	outer.completed.connect(func(_res: WhimbrelHTTPResponse) -> void:
		var until_then := Time.get_ticks_msec() + 5000
		while not inner.is_done() and Time.get_ticks_msec() < until_then:
			WhimbrelHTTP.poll()
		nested[0] = inner.is_done())
	await outer.completed
	check("a handler may poll", nested[0])
	var polling := [0]
	for i in 3000:
		WhimbrelHTTP.start("").completed.connect(func(_res: WhimbrelHTTPResponse) -> void:
			polling[0] += 1
			WhimbrelHTTP.poll())
	check("and each of many, without end of the stack", await until(func() -> bool: return polling[0] == 3000, 20000), polling)


class Awaiting extends Node:
	var got := []
	func ask(url: String) -> void:
		var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch(url)
		got.append(res.status)


func nodes() -> void:
	var node := Awaiting.new()
	root.add_child(node)
	var got := node.got
	node.ask(base + "/get")
	check("a node may wait", await until(func() -> bool: return got == [200]), got)
	node.ask(base + "/delay/0.05")
	node.free()
	await WhimbrelHTTP.fetch(base + "/delay/0.2")
	equal("a freed one gets nothing", got, [200])


func standing() -> void:
	paused = true
	var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch(base + "/get")
	check("a paused tree does not stop requests", res.ok, res.error_message)
	paused = false
	Engine.time_scale = 0.0
	res = await WhimbrelHTTP.fetch(base + "/get", {timeout = 5})
	Engine.time_scale = 1.0
	check("nor does a time scale of 0", res.ok, res.error_message)


func threads() -> void:
	var results := []
	var all: Array[Thread] = []
	for i in 4:
		var thread := Thread.new()
		thread.start(func() -> int:
			var sum := 0
			for n in 5:
				var call := WhimbrelHTTP.start(base + "/bytes/%d" % (1000 + n), {download_file = "user://t%d_%d" % [i, n]} if n == 0 else {})
				var last := Time.get_ticks_msec() + 20000
				while not call.is_done() and Time.get_ticks_msec() < last:
					OS.delay_msec(1)
				if call.is_done() and call.get_response().ok:
					sum += 1 if n == 0 else call.get_response().body.size() - 999 - n
			var cancelled := WhimbrelHTTP.start(base + "/delay/30")
			cancelled.cancel()
			var slow := WhimbrelHTTP.start(base + "/delay/30")
			OS.delay_msec(30)
			slow.cancel()
			while not (cancelled.is_done() and slow.is_done()):
				OS.delay_msec(1)
			return sum + int(cancelled.get_response().error == ERR_SKIP) + int(slow.get_response().error == ERR_SKIP))
		all.append(thread)
	check("threads end", await until(func() -> bool: return all.all(func(t: Thread) -> bool: return not t.is_alive()), 20000))
	for thread in all:
		results.append(thread.wait_to_finish())
	equal("each with all that it asked for", results, [7, 7, 7, 7])
	var call: WhimbrelHTTPCall = null
	var on := [0]
	var thread := Thread.new()
	thread.start(func() -> WhimbrelHTTPCall:
		var made := WhimbrelHTTP.start(base + "/get")
		made.completed.connect(func(_res: WhimbrelHTTPResponse) -> void: on[0] = OS.get_thread_caller_id())
		return made)
	call = thread.wait_to_finish()
	await call.completed
	equal("signals are emitted on the main thread", on[0], OS.get_main_thread_id())


func polled() -> void:
	var call := WhimbrelHTTP.start(base + "/get")
	var last := Time.get_ticks_msec() + 10000
	while not call.is_done() and Time.get_ticks_msec() < last:
		WhimbrelHTTP.poll()
		OS.delay_msec(1)
	check("a loop without frames polls by itself", call.is_done() and call.get_response().ok)


func sessions() -> void:
	var session := WhimbrelHTTP.new()
	session.pause_all()
	var call := session.request(base + "/get", {timeout = 5})
	for i in 30:
		await process_frame
	equal("a session that stands still answers nothing", call.is_done(), false)
	session.resume_all()
	check("and goes on", (await call.completed).ok)
	session.limit_connections(1, 1)
	var order := []
	var calls: Array[WhimbrelHTTPCall] = []
	for n: int in [0, 1, 2, 3]:
		call = session.request(base + "/delay/0.05", {priority = n})
		call.completed.connect(func(res: WhimbrelHTTPResponse) -> void: order.append(n if res.ok else -1))
		calls.append(call)
	check("all get their turn", await until(func() -> bool: return order.size() == 4), order)
	equal("the highest priority first", order, [0, 3, 2, 1] if order[0] == 0 else [3, 2, 1, 0])
	var res: WhimbrelHTTPResponse = await session.request(base + "/get").completed
	check("connections are kept", res.reused)
	session.close_idle()
	res = await session.request(base + "/get").completed
	check("until they are closed", not res.reused)
	var begun := Time.get_ticks_msec()
	res = await session.request(base + "/bytes/60000", {max_rate = 200000}).completed
	check("a rate is kept", res.ok and Time.get_ticks_msec() - begun > 50, Time.get_ticks_msec() - begun)
	res = await session.request(base + "/drip?numbytes=2&duration=20&delay=0", {idle_timeout = 0.2}).completed
	equal("a body that stands still is over time", [res.error, res.error_code, res.status], [ERR_TIMEOUT, "body-timeout", 200])
	var all := WhimbrelHTTP.fetch_all([base + "/delay/30", base + "/delay/30"])
	WhimbrelHTTP.get_shared().cancel_all()
	var responses: Array = await all
	equal("a group ends when its requests are cancelled", responses.map(func(each: WhimbrelHTTPResponse) -> int: return each.error), [ERR_SKIP, ERR_SKIP])
