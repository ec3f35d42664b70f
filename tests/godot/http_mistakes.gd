extends "res://check_http.gd"
## Mistakes: each is a response with one sentence, in a later frame, once.


func _initialize() -> void:
	base = "http://127.0.0.1:%s" % OS.get_cmdline_user_args()[0]
	await options()
	await urls()
	await failures()
	await times()
	quit(failed)


## One mistake in the options, and what its sentence must hold.
func mistake(options: Dictionary, words: Array, code := "input", error := ERR_INVALID_PARAMETER) -> void:
	var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch(base + "/get", options)
	var missing := words.filter(func(word: String) -> bool: return not res.error_message.contains(word))
	var is_right := missing.is_empty() and res.error == error and res.error_code == code and res.status == 0 and not res.ok
	check("a mistake is told: %s" % [options], is_right, "%s %s %s" % [res.error, res.error_code, res.error_message])


func options() -> void:
	await mistake({timout = 1}, ["'timout'", "'timeout'"])
	await mistake({"max-redirects": 1}, ["'max_redirects'"])
	await mistake({follow_redirects = true}, ["'max_redirects'"])
	await mistake({data = "x"}, ["'body'"])
	await mistake({xyzzy = 1}, ["'xyzzy'", "documentation"])
	await mistake({7: 1}, ["must be a String", "int"])
	await mistake({timeout = "soon"}, ["'timeout'", "number of seconds", "String"])
	await mistake({timeout = -1.0}, ["'timeout'", "-1"])
	await mistake({timeout = NAN}, ["'timeout'"])
	await mistake({max_body = -1}, ["'max_body'"])
	await mistake({max_redirects = "3"}, ["'max_redirects'", "String"])
	await mistake({headers = 3}, ["'headers'", "int"])
	await mistake({headers = ["no colon"]}, ["colon"])
	await mistake({headers = {"X": Vector2.ZERO}}, ["'X'", "Vector2"])
	await mistake({headers = {"X": RefCounted.new()}}, ["'X'", "Object"])
	await mistake({headers = {"X\r\nY": "1"}}, ["X"])
	await mistake({headers = {"X": "1\r\nEvil: 1"}}, ["X"])
	await mistake({query = "a=1"}, ["'query'", "Dictionary"])
	await mistake({form = {a = {}}}, ["'a'", "'form'", "Dictionary"])
	await mistake({body = 3}, ["'body'", "PackedByteArray", "int"])
	await mistake({body = "a", json = {}}, ["'body'", "'json'", "exclude"])
	await mistake({method = 99}, ["'method'"])
	await mistake({method = "GE T"}, ["method"])
	await mistake({priority = 1000}, ["'priority'", "1000"])
	await mistake({retry = {max = 1, often = 2}}, ["'often'", "max_wait"])
	await mistake({retry = "often"}, ["'retry'", "String"])
	await mistake({basic_auth = "me:secret"}, ["'basic_auth'", "Array"])
	await mistake({basic_auth = ["me"]}, ["'basic_auth'"])
	await mistake({bearer_token = "a b"}, ["token"])
	await mistake({progress = "print"}, ["'progress'", "Callable"])
	await mistake({cookies = "yes"}, ["'cookies'", "bool"])
	await mistake({tls = 3}, ["'tls'", "TLSOptions"])
	await mistake({tls = RefCounted.new()}, ["'tls'", "TLSOptions"])
	await mistake({tls = TLSOptions.server(CryptoKey.new(), X509Certificate.new())}, ["TLSOptions.client()"])
	await mistake({pinned_keys = ["abc"]}, ["pin"])
	await mistake({min_tls_version = 7}, ["'min_tls_version'"])
	await mistake({client_key = CryptoKey.new()}, ["'client_certificate'"])
	await mistake({stream = true, download_file = "user://x"}, ["'stream'", "'download_file'"])
	await mistake({proxy = "nonsense://x"}, [], "scheme")
	await mistake({download_file = "x.bin"}, ["user://"], "file-read", ERR_FILE_BAD_PATH)
	await mistake({download_file = "user://../x.bin"}, ["leads out"], "file-read", ERR_FILE_BAD_PATH)
	await mistake({download_file = "user:///etc/x.bin"}, ["absolute"], "file-read", ERR_FILE_BAD_PATH)
	await mistake({download_file = "user://a\\b"}, ["backslash"], "file-read", ERR_FILE_BAD_PATH)
	await mistake({download_file = "res://../x.bin"}, ["leads out"], "file-read", ERR_FILE_BAD_PATH)
	await mistake({download_file = "uid://x"}, ["user://"], "file-read", ERR_FILE_BAD_PATH)
	await mistake({body_file = "user://none.bin"}, ["none.bin"], "file-read", ERR_FILE_BAD_PATH)
	await mistake({body_file = "res://none.bin"}, ["none.bin"], "file-read", ERR_FILE_BAD_PATH)
	var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch(base + "/get", {timeout = null, headers = null, body = null, tls = null})
	check("null is as good as nothing", res.ok, res.error_message)
	res = await WhimbrelHTTP.fetch(base + "/get", {bearer_token = "se cret"})
	check("no secret is told", not res.error_message.contains("cret"), res.error_message)


func urls() -> void:
	for pair: Array in [["", "url"], ["ftp://127.0.0.1/", "scheme"], ["http://", "url"], ["http://a b/", "url"], ["http://127.0.0.1:99999/", "url"]]:
		var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch(pair[0])
		check("the URL %s is refused" % [pair[0]], res.error == ERR_INVALID_PARAMETER and res.error_code == pair[1] and res.error_message != "", "%s %s" % [res.error_code, res.error_message])


func failures() -> void:
	var server := TCPServer.new()
	server.listen(0, "127.0.0.1")
	var port := server.get_local_port()
	var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch("http://127.0.0.1:%d/" % port, {timeout = 0.2})
	equal("a silent server is a timeout", [res.error, res.error_code, res.status], [ERR_TIMEOUT, "wait-timeout", 0])
	server.stop()
	res = await WhimbrelHTTP.fetch("http://127.0.0.1:%d/" % port)
	equal("nobody listening is a failure to connect", [res.error, res.error_code], [ERR_CANT_CONNECT, "connect"])
	res = await WhimbrelHTTP.fetch("http://no-such-name.invalid/")
	equal("no such name", [res.error, res.error_code], [ERR_CANT_RESOLVE, "resolve"])
	res = await WhimbrelHTTP.fetch(base + "/bytes/1000", {max_body = 100})
	equal("a body over its limit", [res.error, res.error_code], [ERR_OUT_OF_MEMORY, "body-limit"])
	res = await WhimbrelHTTP.fetch(base + "/bytes/1000", {max_body = 1000})
	equal("and one at it", [res.ok, res.body.size()], [true, 1000])
	res = await WhimbrelHTTP.fetch(base + "/status/503", {retry = {max = 2, wait = 0.01}})
	equal("a busy server is tried again", [res.status, res.retries], [503, 2])
	res = await WhimbrelHTTP.fetch(base + "/status/503", {retry = {max = 2, wait = 0.01, statuses = false}})
	equal("or not", [res.status, res.retries], [503, 0])


var count := 0


## Neither a mistake nor a success is told before its caller can wait for it, and both are told once.
func times() -> void:
	for options: Dictionary in [{}, {timout = 1}, {download_file = "user://.."}]:
		count = 0
		var call := WhimbrelHTTP.start(base + "/get", options)
		call.completed.connect(func(_res: WhimbrelHTTPResponse) -> void: count += 1)
		equal("nothing is over at once: %s" % [options], [call.is_done(), call.get_response() == null, count], [false, true, 0])
		var frame := Engine.get_process_frames()
		var res: WhimbrelHTTPResponse = await call.completed
		check("it takes a frame", Engine.get_process_frames() > frame or frame == 0, frame)
		equal("it is over then", [call.is_done(), call.get_response(), count], [true, res, 1])
		call.cancel()
		for i in 5:
			await process_frame
		equal("and never again", count, 1)
