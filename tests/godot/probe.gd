# What a polled HTTPClient answers to a scripted server (crates/whimbrel/tests/godot/cases.rs), one line a case. The
# native class's answers are golden.txt. The test replaces the word HTTPClient, as the migration does, and then
# golden.txt with mends.txt holds. Everything is paced by the server's control port, so that no answer depends on time.
extends SceneTree

const STATES: Array[String] = ["DISCONNECTED", "RESOLVING", "CANT_RESOLVE", "CONNECTING", "CANT_CONNECT", "CONNECTED",
		"REQUESTING",
	"BODY", "CONNECTION_ERROR", "TLS_HANDSHAKE_ERROR"]
# Answers that go on when a read has found nothing.
const STEPPED: Array[String] = ["eof", "eof_upper", "short", "chunk_slow", "chunk_cut", "biglen", "slowbody"]
# Answers behind which the server ends the connection: the end is there before the client looks for it.
const ENDED: Array[String] = ["304cl", "close_len", "chunk_upper", "chunk_ext"]
const PATIENCE := 30000

var port := 0
var tls_port := 0
var control := StreamPeerTCP.new()


func st(c) -> String:
	return STATES[c.get_status()]


func es(e) -> String:
	return "%d(%s)" % [e, error_string(e)]


func ask(line: String) -> void:
	control.put_data((line + "\n").to_utf8_buffer())
	var answer := ""
	while not answer.ends_with("\n"):
		answer += control.get_utf8_string(1)
	if answer != "ok\n":
		print("the server did not ", line, ": ", answer)


func until(c, states, ms := PATIENCE) -> Array:
	var seen := []
	var t := Time.get_ticks_msec()
	var e := 0
	while c.get_status() in states and Time.get_ticks_msec() - t < ms:
		e = c.poll()
		OS.delay_usec(200)
		if seen.is_empty() or seen[-1] != st(c):
			seen.append(st(c))
	return [seen, es(e)]


func conn(c, h := "127.0.0.1", p := -2, o = null, ms := PATIENCE):
	var e = c.connect_to_host(h, port if p == -2 else p, o)
	until(c, [1, 3], ms)
	return e


func body(c, name := "", poll_first := true, ms := PATIENCE) -> Array:
	var b := PackedByteArray()
	var sizes := []
	var t := Time.get_ticks_msec()
	while c.get_status() == HTTPClient.STATUS_BODY and Time.get_ticks_msec() - t < ms:
		if poll_first:
			c.poll()
			if c.get_status() != HTTPClient.STATUS_BODY:
				break
		var d = c.read_response_body_chunk()
		if d.size():
			sizes.append(d.size())
		b.append_array(d)
		if d.is_empty() and c.get_status() == HTTPClient.STATUS_BODY:
			if name in STEPPED:
				ask("step")
			else:
				OS.delay_usec(500)
	return [b, sizes]


func case_(name: String, method := 0, poll_first := true) -> void:
	var c := HTTPClient.new()
	conn(c)
	var e = c.request(method, "/case/" + name, [])
	var u = until(c, [6], 800 if name == "hang" else PATIENCE)
	var line := "%s m=%d pf=%s req=%s after=%s poll=%s code=%d len=%d chunked=%s has=%s" % [name, method, poll_first,
			es(e),
			u[0].slice(-1), u[1], c.get_response_code(), c.get_response_body_length(), c.is_response_chunked(),
			c.has_response()]
	var hs = c.get_response_headers()
	line += " hdr=%s has2=%s" % [hs, c.has_response()]
	var b = body(c, name, poll_first, 500 if name == "neglen" else PATIENCE)
	var txt = b[0].get_string_from_utf8() if b[0].size() < 60 else "<%d>" % b[0].size()
	# Of a large body, how many pieces it came in is the system's doing.
	var sizes = b[1] if b[1].size() < 8 else "many"
	line += " body=%s sizes=%s end=%s" % [JSON.stringify(txt), sizes, st(c)]
	if name in ENDED:
		ask("closed " + name)
	line += " poll=%s st=%s code2=%d len2=%d" % [es(c.poll()), st(c), c.get_response_code(),
			c.get_response_body_length()]
	if c.get_status() == HTTPClient.STATUS_CONNECTED:
		var e2 = c.request(0, "/case/zero", [])
		var u2 = until(c, [6])
		line += " again=%s %s" % [es(e2), u2[0].slice(-1)]
	print(line)


func echo(c, method, path, headers, b = "") -> String:
	var e = c.request_raw(method, path, headers, b) if b is PackedByteArray else c.request(method, path, headers, b)
	if e != OK:
		return "ERR " + es(e)
	until(c, [6])
	return body(c)[0].get_string_from_utf8().replace("\r\n", "|")


func fresh() -> void:
	var c := HTTPClient.new()
	print("== fresh: ", st(c), " poll=", es(c.poll()), " code=", c.get_response_code(), " len=",
			c.get_response_body_length(),
			" has=", c.has_response(), " hdrs=", c.get_response_headers(), " dict=",
			c.get_response_headers_as_dictionary(),
			" chunk=", c.read_response_body_chunk(), " conn=", c.connection, " rcs=", c.read_chunk_size,
			" blk=", c.blocking_mode_enabled, " chunked=", c.is_response_chunked())
	print("request while disconnected ", es(c.request(0, "/", [])), " raw ", es(c.request_raw(0, "/", [],
			PackedByteArray())),
			" st ", st(c))
	for v in [0, 255, 256, 1 << 24, (1 << 24) + 1, -1]:
		c.read_chunk_size = v
		print("read_chunk_size=", v, " -> ", c.read_chunk_size)


func connecting() -> void:
	print("== connect_to_host")
	for h in ["", " ", "http://", "https://", "a", "127.0.0.1", "[::1]", "::1", "http://127.0.0.1", "HTTP://127.0.0.1",
			"https://127.0.0.1", "127.0.0.1/path", "127.0.0.1:80", "user@127.0.0.1", "ftp://127.0.0.1",
			"no-such-host.invalid"]:
		var d := HTTPClient.new()
		var e = d.connect_to_host(h, port)
		var s0 = st(d)
		# TLS to the plain port: nobody will ever answer.
		var u = until(d, [1, 3], 500 if h.begins_with("https") else PATIENCE)
		print("host ", JSON.stringify(h), " -> ", es(e), " ", s0, " ", [u[0].slice(-1), u[1]], " conn=",
				d.connection != null)
	for p in [0, 65536, 1, -5]:
		var d := HTTPClient.new()
		var e = d.connect_to_host("127.0.0.1", p)
		var s0 = st(d)
		var u = until(d, [1, 3])
		print("port ", p, " -> ", es(e), " ", s0, " ", [u[0].slice(-1), u[1]], " poll again ", es(d.poll()), " ", st(d))
	var d0 := HTTPClient.new()
	print("server opts -> ", es(d0.connect_to_host("127.0.0.1", port, TLSOptions.server(CryptoKey.new(),
			X509Certificate.new()))),
			" ", st(d0))
	d0 = HTTPClient.new()
	print("tls opts + http:// -> ", es(conn(d0, "http://127.0.0.1", port, TLSOptions.client())), " ", st(d0))
	d0 = HTTPClient.new()
	conn(d0, "localhost")
	print("localhost -> ", st(d0))
	d0 = HTTPClient.new()
	conn(d0)
	var e1 = d0.connect_to_host("127.0.0.1", port)
	print("reconnect while connected -> ", es(e1), " ", st(d0), " ", until(d0, [1, 3])[0].slice(-1))
	d0.close()
	print("close -> ", st(d0), " poll ", es(d0.poll()), " conn ", d0.connection)
	d0.close()


func arguments() -> void:
	print("== request args")
	var c := HTTPClient.new()
	conn(c)
	for t in [[0, ""], [0, "x"], [0, "*"], [5, "*"], [5, ""], [7, "x"], [7, ":1"], [7, "h:"], [9, "/"], [-1, "/"], [0,
			"ftp://x/"],
			[0, "HTTP://x/"], [0, "?a=b"], [0, "//x"]]:
		print("request ", t, " -> ", es(c.request(t[0], t[1], [])), " ", st(c))
		if st(c) != "CONNECTED":
			c.close()
			conn(c)
	for h in [[""], ["  "], ["NoColon"], [":x"], [" :x"], ["A:"], ["A :b"], ["A: b\r\nC: d"], ["A: b\n"], ["A:b", ""]]:
		print("headers ", JSON.stringify(h), " -> ", JSON.stringify(echo(c, 0, "/case/echo", h)))
		if st(c) != "CONNECTED":
			c.close()
			conn(c)


func wire() -> void:
	print("== wire format")
	var c := HTTPClient.new()
	conn(c)
	for t in [[0, [], ""], [2, [], ""], [2, [], "grüß"], [0, [], "body"], [1, [], ""], [3, [], ""], [4, [], ""], [5, [],
			""],
			[6, [], ""], [8, [], "p"], [2, ["content-length: 2"], "abcd"], [0, ["host: example.org"], ""],
			[0, ["USER-AGENT: x", "accept: y"], ""], [0, [" Host: lead"], ""], [0, ["Host : sp"], ""],
			[0, ["X-Host: a", "Connection: close"], ""], [0, ["X-U: grüß"], ""], [0, ["Accept-Encoding: gzip"], ""]]:
		print("wire ", JSON.stringify(t), " -> ", echo(c, t[0], "/case/echo", t[1], t[2]))
		# What was left over of one must not be part of the next.
		c.close()
		conn(c)
	print("wire path -> ", echo(c, 0, "/case/echo?a=b c&ü=1#frag", []))
	c.close()
	conn(c)
	print("wire abs url -> ", echo(c, 0, "http://other.example/case/echo", []))
	c.close()
	conn(c)
	print("raw -> ", echo(c, 2, "/case/echo", [], PackedByteArray([0, 1, 255, 65])))
	c = HTTPClient.new()
	conn(c, "localhost")
	print("host header localhost -> ", echo(c, 0, "/case/echo", []))
	c = HTTPClient.new()
	conn(c, "http://127.0.0.1")
	print("host header with scheme -> ", echo(c, 0, "/case/echo", []))


func responses() -> void:
	print("== responses")
	for n in ["len", "zero", "204", "204cl", "304", "304cl", "nolen_keep", "eof", "eof_upper", "eof_tab", "http10",
			"close_len", "short",
			"chunk", "chunk_slow", "chunk_upper", "chunk_gz_list", "chunk_ext", "chunk_trailer", "chunk_bad",
			"chunk_nocrlf", "chunk_cut",
			"chunk_and_len", "chunk_16m", "chunk_huge", "lf_only", "noversion", "status_long", "noreason", "continue",
			"103", "redirect",
			"gzip", "utf8", "fold", "twolen", "badlen", "neglen", "biglen", "hang", "closenow", "partialhead",
			"slowbody"]:
		case_(n)
	for n in ["eof", "close_len", "short", "chunk_cut", "nolen_keep"]:
		case_(n, 0, false)
	for n in ["len", "chunk", "zero", "eof", "204"]:
		case_(n, 1)


func states() -> void:
	print("== misc state")
	var c := HTTPClient.new()
	conn(c)
	c.request(0, "/case/len", [])
	print("second request while requesting -> ", es(c.request(0, "/case/len", [])), " ", st(c),
			" read while requesting ",
			c.read_response_body_chunk().size())
	until(c, [6])
	print("request while body -> ", es(c.request(0, "/case/len", [])), " ", st(c))
	print("dict ", c.get_response_headers_as_dictionary(), " then headers ", c.get_response_headers(), " dict2 ",
			c.get_response_headers_as_dictionary(), " has ", c.has_response(), " code ", c.get_response_code())
	c.close()
	print("close in body -> ", st(c), " code ", c.get_response_code(), " len ", c.get_response_body_length(),
			" chunked ",
			c.is_response_chunked())
	c = HTTPClient.new()
	conn(c)
	c.request(0, "/case/idleclose", [])
	until(c, [6])
	body(c)
	print("idle: ", st(c))
	ask("step")
	print("request before poll on dead conn -> ", es(c.request(0, "/case/len", [])), st(c), until(c, [6]))
	c = HTTPClient.new()
	conn(c)
	c.request(0, "/case/idleclose", [])
	until(c, [6])
	body(c)
	ask("step")
	print("poll on dead idle conn -> ", es(c.poll()), " ", st(c), " request -> ", es(c.request(0, "/", [])), " conn ",
			c.connection != null, " again ", es(c.poll()))
	c = HTTPClient.new()
	conn(c)
	c.read_chunk_size = 256
	c.request(0, "/case/bytes?n=1000", [])
	until(c, [6])
	# One segment behind the head; a moment for a system that makes more of it.
	OS.delay_msec(50)
	print("chunk 256 of 1000: ", body(c)[1], " ", st(c))
	c = HTTPClient.new()
	c.blocking_mode_enabled = true
	conn(c)
	var e = c.request(0, "/case/slowbody?timed", [])
	print("blocking: req ", es(e), " ", st(c), " poll ", es(c.poll()), " ", st(c), " body ",
			c.read_response_body_chunk().size(), " ",
			st(c))
	c = HTTPClient.new()
	conn(c)
	print("connection class ", c.connection.get_class() if c.connection else "null")
	c.connection = null
	print("set_connection null -> ", st(c), c.connection != null)
	c = HTTPClient.new()
	var sp := StreamPeerTCP.new()
	sp.connect_to_host("127.0.0.1", port)
	while sp.get_status() == StreamPeerTCP.STATUS_CONNECTING:
		sp.poll()
	c.connection = sp
	print("set own TCP -> ", st(c), " poll ", es(c.poll()), " ", st(c))
	c = HTTPClient.new()
	c.connection = sp
	print("request without poll -> ", es(c.request(0, "/case/len", [])), until(c, [6])[1], st(c),
			c.read_response_body_chunk().size(),
			st(c))
	c = HTTPClient.new()
	var spb := StreamPeerBuffer.new()
	c.connection = spb
	print("StreamPeerBuffer -> ", st(c), es(c.request(0, "/x", [])), until(c, [6], 100), " wrote ",
			JSON.stringify(spb.data_array.get_string_from_utf8()))


func queries() -> void:
	print("== query")
	var c := HTTPClient.new()
	for q in [{}, {"a": 1}, {"a": null}, {"a": [1, null, "x y"]}, {"a b": "c&d=e", "ü": "ß/?:@-._~!*'()+"}, {1: 2.5,
			&"sn": true},
			{"d": {"x": 1}}, {"arr": []}, {"p": PackedStringArray(["x", "y"])}, {"v": Vector2(1, 2)}, {"s": "%20+"},
			{"e": ""},
			{"f": 1.0, "n": -3, "big": 1e20}, {"c": Color(1, 0, 0)}]:
		print("q ", q, " -> ", c.query_string_from_dict(q))


func tls_connect(what: String, host: String, to: int, options: TLSOptions = null, ms := PATIENCE) -> HTTPClient:
	var c := HTTPClient.new()
	print(what, " -> ", es(conn(c, host, to, options, ms)), " ", st(c))
	return c


func tls() -> void:
	print("== tls")
	var c := tls_connect("tls default verify, unknown authority", "127.0.0.1", tls_port, TLSOptions.client())
	print("and poll ", es(c.poll()))
	c = tls_connect("unsafe", "127.0.0.1", tls_port, TLSOptions.client_unsafe())
	print("class ", c.connection.get_class() if c.connection else "null", " ", echo(c, 0, "/case/echo", []))
	tls_connect("https:// scheme default", "https://127.0.0.1", tls_port)
	c = tls_connect("plain to tls port", "127.0.0.1", tls_port)
	print("and ", es(c.request(0, "/", [])), until(c, [6])[0].slice(-1))
	# Nobody will ever answer.
	tls_connect("tls to plain port", "127.0.0.1", port, TLSOptions.client_unsafe(), 500)
	var cert := X509Certificate.new()
	if cert.load(OS.get_environment("WHIMBREL_CERT")) != OK:
		print("no certificate")
	tls_connect("trusted chain + ip", "127.0.0.1", tls_port, TLSOptions.client(cert))
	tls_connect("trusted chain + localhost", "localhost", tls_port, TLSOptions.client(cert))
	tls_connect("trusted chain + cn override", "127.0.0.1", tls_port, TLSOptions.client(cert, "localhost"))
	tls_connect("trusted chain + wrong cn", "127.0.0.1", tls_port, TLSOptions.client(cert, "other"))
	tls_connect("unsafe + chain, wrong name", "127.0.0.1", tls_port, TLSOptions.client_unsafe(cert))
	for n in ["eof", "short", "chunk"]:
		c = HTTPClient.new()
		conn(c, "127.0.0.1", tls_port, TLSOptions.client_unsafe())
		c.request(0, "/case/" + n, [])
		until(c, [6])
		var bb = body(c, n)
		print("tls ", n, " ", bb[0].get_string_from_utf8(), " ", st(c), " ", es(c.poll()))


func proxies() -> void:
	print("== proxy")
	var c := HTTPClient.new()
	c.set_http_proxy("127.0.0.1", port)
	print("http proxy -> ", es(conn(c, "example.test", 81)), st(c), " ", echo(c, 0, "/case/echo", []))
	c.close()
	conn(c, "example.test", 80)
	print("http proxy abs url -> ", echo(c, 0, "http://example.test/case/echo", []))
	c.set_http_proxy("", -1)
	c.close()
	print("unset -> ", es(conn(c)), st(c))
	c = HTTPClient.new()
	c.set_https_proxy("127.0.0.1", port)
	print("https proxy -> ", es(conn(c, "localhost", tls_port, TLSOptions.client_unsafe())), " ", st(c), " ",
			echo(c, 0, "/case/echo", []))
	c = HTTPClient.new()
	c.set_https_proxy("127.0.0.1", port)
	print("https proxy deny -> ", es(conn(c, "deny.test", tls_port, TLSOptions.client_unsafe())), " ", st(c), " ",
			es(c.poll()))


func _initialize() -> void:
	var ports := OS.get_environment("WHIMBREL_CASES").split(" ")
	port = int(ports[0])
	tls_port = int(ports[1])
	control.connect_to_host("127.0.0.1", int(ports[2]))
	while control.get_status() == StreamPeerTCP.STATUS_CONNECTING:
		control.poll()
	fresh()
	connecting()
	arguments()
	wire()
	responses()
	states()
	queries()
	tls()
	proxies()
	print("== done")
	quit(0)
