extends "res://check_http.gd"
## Files and streams: downloads, what is left of those that fail, uploads, progress, chunks.


func _initialize() -> void:
	base = "http://127.0.0.1:%s" % OS.get_cmdline_user_args()[0]
	await downloads()
	await failures()
	await uploads()
	await streams()
	quit(failed)


## Every file under user:// whose name holds this, part files included.
func files(part: String, folder := "user://") -> Array:
	var found := []
	var dir := DirAccess.open(folder)
	dir.include_hidden = true
	for name in dir.get_files():
		if part == "" or name.contains(part):
			found.append(name)
	return found


func downloads() -> void:
	var path := "user://deep/er/whole.bin"
	var seen := []
	var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch(base + "/bytes/5000000?seed=3", {
		download_file = path,
		progress = func(received: int, total: int) -> void: seen.append([received, total]),
	})
	equal("a download is a file", [res.ok, res.file, res.body.size(), res.error_message], [true, path, 0, ""])
	var memory: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch(base + "/bytes/5000000?seed=3")
	check("with the same bytes", FileAccess.get_file_as_bytes(path) == memory.body and memory.body.size() == 5000000)
	equal("its folder holds nothing else", files("", "user://deep/er"), ["whole.bin"])
	equal("progress ends with all", seen[-1] if seen else null, [5000000, 5000000])
	var is_rising := true
	for i in range(1, seen.size()):
		is_rising = is_rising and seen[i][0] > seen[i - 1][0]
	check("and rises", is_rising, seen)
	res = await WhimbrelHTTP.fetch(base + "/bytes/10", {download_file = path})
	equal("a file is replaced", [res.ok, FileAccess.get_file_as_bytes(path).size()], [true, 10])
	var absolute := ProjectSettings.globalize_path("user://absolute.bin")
	res = await WhimbrelHTTP.fetch(base + "/bytes/10", {download_file = absolute})
	equal("an absolute path will do", [res.ok, res.file, FileAccess.file_exists("user://absolute.bin")], [true, absolute, true])
	res = await WhimbrelHTTP.fetch(base + "/gzip", {download_file = "user://plain.json"})
	check("an empty body makes an empty file", (await WhimbrelHTTP.fetch(base + "/bytes/0", {download_file = "user://empty"})).ok and FileAccess.file_exists("user://empty"))


func failures() -> void:
	var path := "user://kept.bin"
	await WhimbrelHTTP.fetch(base + "/bytes/7", {download_file = path})
	var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch(base + "/status/404", {download_file = path})
	equal("an error status leaves the file alone", [res.ok, res.status, res.file, FileAccess.get_file_as_bytes(path).size()], [false, 404, "", 7])
	res = await WhimbrelHTTP.fetch(base + "/status/404", {download_file = path, any_status = true})
	equal("unless any status is wanted", [res.status, res.file, FileAccess.get_file_as_bytes(path).size()], [404, path, 0])
	var call := WhimbrelHTTP.start(base + "/drip?numbytes=1000&duration=20&delay=0", {download_file = "user://cancelled.bin"})
	await call.headers_received
	call.cancel()
	res = await call.completed
	equal("a cancelled download has an end", [res.error, res.error_code, res.status, res.file, call.is_done()], [ERR_SKIP, "cancelled", 200, "", true])
	# The part file goes with the I/O thread's next turn.
	for i in 200:
		if files("cancelled.bin").is_empty():
			break
		await process_frame
	equal("and leaves nothing", files("cancelled.bin"), [])
	res = await WhimbrelHTTP.fetch(base + "/bytes/10", {download_file = "user://kept.bin/inside"})
	equal("what can't be written is told", [res.ok, res.error in [ERR_FILE_CANT_WRITE, ERR_FILE_BAD_PATH]], [false, true])


func uploads() -> void:
	var bytes := PackedByteArray()
	bytes.resize(3000000)
	bytes.fill(65)
	var file := FileAccess.open("user://upload.bin", FileAccess.WRITE)
	file.store_buffer(bytes)
	file.close()
	var call := WhimbrelHTTP.start(base + "/anything", {method = "PUT", body_file = "user://upload.bin"})
	var seen := []
	call.uploaded.connect(func(sent: int, total: int) -> void: seen.append([sent, total]))
	var res: WhimbrelHTTPResponse = await call.completed
	var json: Dictionary = res.json()
	equal("a file is uploaded", [json.method, json.headers["Content-Length"], json.headers["Content-Type"]], ["PUT", "3000000", "application/octet-stream"])
	equal("its progress ends with all", seen[-1] if seen else null, [3000000, 3000000])
	equal("and can be asked for", [call.get_uploaded_bytes(), call.get_downloaded_bytes() > 0, call.get_body_size() == call.get_downloaded_bytes()], [3000000, true, true])
	res = await WhimbrelHTTP.fetch(base + "/anything", {body_file = "res://project.godot"})
	check("a file of the project too", res.ok and res.json().data.contains("config_version"), res.error_message)


func streams() -> void:
	var call := WhimbrelHTTP.start(base + "/stream-bytes/2000000?seed=5&chunk_size=50000", {stream = true})
	var order := []
	var body := PackedByteArray()
	call.headers_received.connect(func(res: WhimbrelHTTPResponse) -> void: order.append(res.status))
	call.chunk_received.connect(func(bytes: PackedByteArray) -> void: body.append_array(bytes); order.append("chunk"))
	var res: WhimbrelHTTPResponse = await call.completed
	order.append("end")
	equal("a stream has its headers first and its end last", [order[0], order[1], order[-1], order.count(200)], [200, "chunk", "end", 1])
	var memory: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch(base + "/stream-bytes/2000000?seed=5")
	check("nothing of it is lost", body == memory.body, "%d bytes of %d" % [body.size(), memory.body.size()])
	equal("the response has no body then", [res.ok, res.body.size()], [true, 0])
	call = WhimbrelHTTP.start(base + "/stream-bytes/50000000", {stream = true})
	call.chunk_received.connect(func(_bytes: PackedByteArray) -> void: call.cancel())
	res = await call.completed
	equal("a stream can be cancelled from its chunks", res.error, ERR_SKIP)
