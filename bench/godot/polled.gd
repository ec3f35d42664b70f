# The polled classes, driven by the same code: Godot's HTTPClient and ours.
extends RefCounted

const CLASSES: Array[String] = ["HTTPClient", "WhimbrelHTTPClient"]
const MIB := 1 << 20

var tree: SceneTree
var divisor := 1
# Those that stay connected from round to round.
var clients := {}


# Each row is "WHAT TRANSPORT", with the size of a chunk in KiB where it matters.
func subjects(row: String) -> Dictionary:
	var words := row.split("-")
	var secure := words[1] == "tls"
	var found := {}
	for class_title in CLASSES:
		match words[0]:
			"tight":
				found[class_title] = gets.bind(class_title, secure, false, 4000 if not secure else 8000)
			"framed":
				found[class_title] = gets.bind(class_title, secure, true, 40)
			"download":
				found[class_title] = download.bind(class_title, secure)
			"piecemeal":
				found[class_title] = piecemeal.bind(class_title, secure, int(words[2]))
			"fresh":
				# Twenty a second is what the native class does.
				found[class_title] = fresh.bind(class_title, words[1], 20 if class_title == "HTTPClient" else 400)
			"idle":
				found[class_title] = idle.bind(class_title, secure)
	return found


func last() -> Dictionary:
	return {}


# Sequential GETs over one connection.
func gets(class_title: String, secure: bool, paced: bool, count: int) -> Dictionary:
	count = maxi(count / divisor, 10)
	var client: Object = kept(class_title, secure)
	if client == null:
		return {failed = "it does not connect"}
	if paced:
		await tree.process_frame
	var frames := Engine.get_process_frames()
	var began := Time.get_ticks_usec()
	for n in count:
		var error: int = client.request(HTTPClient.METHOD_GET, "/hundred", PackedStringArray())
		if error != OK:
			return {failed = "request: " + error_string(error)}
		while client.get_status() == HTTPClient.STATUS_REQUESTING:
			client.poll()
			if paced:
				await tree.process_frame
		var body := PackedByteArray()
		while client.get_status() == HTTPClient.STATUS_BODY:
			client.poll()
			var chunk: PackedByteArray = client.read_response_body_chunk()
			if chunk.size() > 0:
				body.append_array(chunk)
			elif paced:
				await tree.process_frame
		if client.get_response_code() != 200 or body.size() != 100:
			return {failed = "status %s and %s bytes" % [client.get_response_code(), body.size()]}
	var seconds := (Time.get_ticks_usec() - began) / 1e6
	var figures := {"req/s": count / seconds}
	if paced:
		frames = Engine.get_process_frames() - frames
		figures["frames/GET"] = float(frames) / count
		figures["frame ms"] = seconds * 1000 / frames
	return figures


# A large body by the loop of Godot's tutorial, without a frame between its turns.
func download(class_title: String, secure: bool) -> Dictionary:
	var client: Object = kept(class_title, secure)
	if client == null:
		return {failed = "it does not connect"}
	var began := Time.get_ticks_usec()
	var failed := begin(client, "/bulk")
	if failed:
		return {failed = failed}
	var length: int = client.get_response_body_length()
	var body := PackedByteArray()
	while client.get_status() == HTTPClient.STATUS_BODY:
		client.poll()
		var chunk: PackedByteArray = client.read_response_body_chunk()
		if chunk.size() > 0:
			body.append_array(chunk)
	var seconds := (Time.get_ticks_usec() - began) / 1e6
	if body.size() != length or length < MIB or not has_pattern(body, 0) or not has_pattern(body, length - MIB):
		return {failed = "%s of %s bytes" % [body.size(), length]}
	return {"MB/s": length / seconds / 1e6}


# As a game does it that gives the download one turn a frame.
func piecemeal(class_title: String, secure: bool, kib: int) -> Dictionary:
	var client: Object = kept(class_title, secure)
	if client == null:
		return {failed = "it does not connect"}
	client.read_chunk_size = kib << 10
	await tree.process_frame
	var frames := Engine.get_process_frames()
	var began := Time.get_ticks_usec()
	var failed := begin(client, "/part%d" % kib)
	if failed:
		return {failed = failed}
	var length: int = client.get_response_body_length()
	var body := PackedByteArray()
	while client.get_status() == HTTPClient.STATUS_BODY:
		client.poll()
		if client.get_status() == HTTPClient.STATUS_BODY:
			body.append_array(client.read_response_body_chunk())
		await tree.process_frame
	var seconds := (Time.get_ticks_usec() - began) / 1e6
	frames = Engine.get_process_frames() - frames
	if body.size() != length:
		return {failed = "%s of %s bytes" % [body.size(), length]}
	return {"MB/s": length / seconds / 1e6, "KiB/frame": length / 1024.0 / frames, "frame ms": seconds * 1000 / frames}


# A TLS connection for each GET. The server resumes sessions or not.
func fresh(class_title: String, handshakes: String, count: int) -> Dictionary:
	count = maxi(count / divisor, 5)
	var port := number("BENCH_TLS_FULL" if handshakes == "full" else "BENCH_TLS")
	var trust := options()
	var began := Time.get_ticks_usec()
	for n in count:
		var client := connected(class_title, port, trust)
		if client == null:
			return {failed = "it does not connect"}
		var failed := begin(client, "/13")
		if failed:
			return {failed = failed}
		var body := PackedByteArray()
		while client.get_status() == HTTPClient.STATUS_BODY:
			body.append_array(client.read_response_body_chunk())
		client.close()
		if body.size() != 13:
			return {failed = "%s bytes" % body.size()}
	return {"req/s": count / ((Time.get_ticks_usec() - began) / 1e6)}


# What a frame pays for a connection on which nothing happens.
func idle(class_title: String, secure: bool) -> Dictionary:
	var client: Object = kept(class_title, secure)
	if client == null:
		return {failed = "it does not connect"}
	var count := 200000 / divisor
	var began := Time.get_ticks_usec()
	for n in count:
		client.poll()
	var taken := Time.get_ticks_usec() - began
	if client.get_status() != HTTPClient.STATUS_CONNECTED:
		return {failed = "status %s" % client.get_status()}
	return {"polls/s": count / (taken / 1e6), "us/poll": float(taken) / count}


# Sends a GET and waits for the head. Gives what went wrong.
func begin(client: Object, path: String) -> String:
	var error: int = client.request(HTTPClient.METHOD_GET, path, PackedStringArray())
	if error != OK:
		return "request: " + error_string(error)
	while client.get_status() == HTTPClient.STATUS_REQUESTING:
		client.poll()
	return "" if client.get_response_code() == 200 else "status %s" % client.get_response_code()


func kept(class_title: String, secure: bool) -> Object:
	if not clients.has(class_title):
		var port := number("BENCH_TLS" if secure else "BENCH_PLAIN")
		clients[class_title] = connected(class_title, port, options() if secure else null)
	return clients[class_title]


func connected(class_title: String, port: int, trust: TLSOptions) -> Object:
	var client: Object = ClassDB.instantiate(class_title)
	client.connect_to_host("127.0.0.1", port, trust)
	while client.get_status() in [HTTPClient.STATUS_RESOLVING, HTTPClient.STATUS_CONNECTING]:
		client.poll()
	return client if client.get_status() == HTTPClient.STATUS_CONNECTED else null


func options() -> TLSOptions:
	var authority := X509Certificate.new()
	authority.load(OS.get_environment("BENCH_CA"))
	return TLSOptions.client(authority)


# The large body is blocks of a MiB, whose bytes are their place in it modulo 251.
func has_pattern(body: PackedByteArray, at: int) -> bool:
	for place: int in [0, 1, 65535, 65536, MIB - 1]:
		if body[at + place] != place % 251:
			return false
	return true


func number(variable: String) -> int:
	return int(OS.get_environment(variable))
