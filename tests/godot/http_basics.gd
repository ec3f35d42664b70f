extends "res://check_http.gd"
## Whole requests: what is sent, what comes back, redirects, cookies, codings, sessions.


func _initialize() -> void:
	base = "http://127.0.0.1:%s" % OS.get_cmdline_user_args()[0]
	await responses()
	await bodies()
	await redirects()
	await cookies()
	await codings()
	await sessions()
	await groups()
	quit(failed)


func responses() -> void:
	var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch(base + "/get", {query = {a = "1 2", b = [1, true], c = null}})
	equal("a response is ok", [res.ok, res.status, res.reason, res.error, res.error_code, res.error_message], [true, 200, "OK", OK, "", ""])
	equal("the query is encoded and repeats the names of arrays", res.json().args, {"a": "1 2", "b": ["1", "true"]})
	equal("the URL is the one that was asked", res.url, base + "/get?a=1+2&b=1&b=true")
	equal("header names are in lower case", res.headers["content-type"], "application/json")
	equal("a header is found in any case", [res.get_header("CONTENT-type"), res.has_header("Content-Length"), res.get_header("X-None"), res.has_header("X-None")], ["application/json", true, "", false])
	check("the body is there as bytes and as text", res.body.size() > 10 and res.body.get_string_from_utf8() == res.text(), res.body.size())
	check("timings are in order", res.timings.head > 0 and res.timings.finished >= res.timings.head and res.timings.sent <= res.timings.head, res.timings)
	check("the second request uses the first's connection", (await WhimbrelHTTP.fetch(base + "/get")).reused)
	res = await WhimbrelHTTP.fetch(base + "/response-headers?X-Two=1&X-Two=2&Set-Cookie=a%3D1&Set-Cookie=b%3D2", {cookies = false})
	equal("repeated fields are joined", [res.headers["x-two"], res.get_header("x-two")], ["1, 2", "1, 2"])
	equal("and can be had one by one", Array(res.get_header_list("set-cookie")), ["a=1", "b=2"])
	equal("cookies are joined by line breaks", res.headers["set-cookie"], "a=1\nb=2")
	res = await WhimbrelHTTP.fetch(base + "/status/404")
	equal("a status is no error, but has its sentence", [res.ok, res.status, res.error, res.error_code, res.error_message], [false, 404, OK, "status", "The server answered 404 Not Found"])
	res = await WhimbrelHTTP.fetch(base + "/html")
	equal("what is no JSON is null, and says so", [res.ok, res.json(), res.ok, res.error, res.error_code], [true, null, false, ERR_PARSE_ERROR, "json"])
	check("with a sentence", res.error_message.begins_with("The body is no JSON: "), res.error_message)
	res = await WhimbrelHTTP.fetch(base + "/encoding/utf8")
	check("text is decoded", res.text().contains("ö"), res.text().left(80))
	res = await WhimbrelHTTP.fetch(base + "/get", {method = "HEAD"})
	equal("HEAD has headers and no body", [res.ok, res.body.size(), res.headers.has("content-length")], [true, 0, true])
	res = await WhimbrelHTTP.fetch(base + "/bytes/3000000", {method = HTTPClient.METHOD_GET})
	equal("a large body is whole", [res.body.size(), res.error_message], [3000000, ""])
	check("asked for again it is the same", res.body == res.body)
	check("a response shows what it is", str(res).contains("200") and str(res).contains("3000000"), str(res))


func bodies() -> void:
	var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch(base + "/anything", {body = "grüße"})
	equal("a body makes it a POST", [res.json().method, res.json().data], ["POST", "grüße"])
	res = await WhimbrelHTTP.fetch(base + "/anything", {method = "PUT", body = PackedByteArray([104, 105])})
	equal("bytes are sent as they are", [res.json().method, res.json().data], ["PUT", "hi"])
	res = await WhimbrelHTTP.fetch(base + "/post", {json = {name = "bob", list = [1, 2.5, null], on = true}})
	equal("JSON has its type", res.json().headers["Content-Type"], "application/json")
	equal("JSON arrives", res.json().json, {"name": "bob", "list": [1.0, 2.5, null], "on": true})
	res = await WhimbrelHTTP.fetch(base + "/post", {json = null})
	equal("null is JSON", res.json().data, "null")
	res = await WhimbrelHTTP.fetch(base + "/post", {form = {"a b": "c&d", "n": 3}})
	equal("a form is encoded", [res.json().form, res.json().headers["Content-Type"]], [{"a b": "c&d", "n": "3"}, "application/x-www-form-urlencoded"])
	res = await WhimbrelHTTP.fetch(base + "/patch", {method = "PATCH", json = [], headers = {"Content-Type": "application/merge-patch+json", "X-N": 3, "Accept": null}})
	var sent: Dictionary = res.json().headers
	equal("headers are sent, replaced and left out", [sent["Content-Type"], sent["X-N"], sent.has("Accept")], ["application/merge-patch+json", "3", false])
	res = await WhimbrelHTTP.fetch(base + "/get", {headers = ["X-A: 1", "X-B:2"], user_agent = "game/1"})
	sent = res.json().headers
	equal("headers may be lines", [sent["X-A"], sent["X-B"], sent["User-Agent"]], ["1", "2", "game/1"])
	res = await WhimbrelHTTP.fetch(base + "/get", {headers = PackedStringArray(["X-A: 1"])})
	equal("packed ones too", res.json().headers["X-A"], "1")
	equal("a user and a password", (await WhimbrelHTTP.fetch(base + "/basic-auth/me/secret", {basic_auth = ["me", "secret"]})).status, 200)
	equal("a token", (await WhimbrelHTTP.fetch(base + "/bearer", {bearer_token = "abc"})).json().token, "abc")


func redirects() -> void:
	var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch(base + "/redirect/3")
	equal("redirects are followed", [res.status, res.redirects, res.url], [200, 3, base + "/get"])
	res = await WhimbrelHTTP.fetch(base + "/redirect/3", {max_redirects = 0})
	equal("or not", [res.status, res.redirects, res.ok, res.error], [302, 0, false, OK])
	res = await WhimbrelHTTP.fetch(base + "/redirect/3", {max_redirects = 2})
	equal("and not for ever", [res.error, res.error_code], [ERR_CYCLIC_LINK, "redirects"])


func cookies() -> void:
	var session := WhimbrelHTTP.new()
	var res: WhimbrelHTTPResponse = await session.request(base + "/cookies/set/token/abc").completed
	equal("cookies are kept across a redirect", res.json().cookies, {"token": "abc"})
	res = await session.request(base + "/cookies", {cookies = false}).completed
	equal("unless they are not wanted", res.json().cookies, {})
	equal("they are listed", [session.get_cookies().size(), session.get_cookies()[0].name, session.get_cookies()[0].value], [1, "token", "abc"])
	equal("they can be set", session.set_cookie(base + "/", "theme=dark; Max-Age=60"), OK)
	equal("and saved", session.save_cookies("user://cookies.txt"), OK)
	var other := WhimbrelHTTP.new()
	res = await other.request(base + "/cookies").completed
	equal("another session has none of them", res.json().cookies, {})
	equal("they can be loaded", other.load_cookies("user://cookies.txt"), OK)
	res = await other.request(base + "/cookies").completed
	equal("and are sent", res.json().cookies, {"token": "abc", "theme": "dark"})
	other.clear_cookies()
	equal("and forgotten", other.get_cookies(), [] as Array[Dictionary])


func codings() -> void:
	for coding: String in ["gzip", "brotli", "zstd"]:
		var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch(base + "/" + coding)
		check(coding + " is decoded", res.ok and res.json() is Dictionary and res.json().method == "GET", res.text().left(60))
	var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch(base + "/gzip", {decompress = false, headers = {"Accept-Encoding": "gzip"}})
	equal("or not", [res.body.decode_u8(0), res.body.decode_u8(1)], [0x1f, 0x8b])


func sessions() -> void:
	var api := WhimbrelHTTP.new()
	api.base_url = base + "/anything/"
	api.headers = {"X-Key": "k", "X-Other": "session"}
	api.options = {query = {v = "2"}, user_agent = "session/1"}
	var res: WhimbrelHTTPResponse = await api.request("/users", {headers = {"x-other": "request"}, query = {q = "x"}}).completed
	var json: Dictionary = res.json()
	equal("the base URL stands before", json.url, base + "/anything/users?v=2&q=x")
	equal("headers of a session are those of its requests", [json.headers["X-Key"], json.headers["X-Other"], json.headers["User-Agent"]], ["k", "request", "session/1"])
	res = await api.request(base + "/get").completed
	equal("a whole URL stays", res.url.split("?")[0], base + "/get")
	equal("properties can be read", [api.base_url, api.headers["X-Key"], api.options.user_agent], [base + "/anything/", "k", "session/1"])
	res = await api.request("/get", {timout = 1}).completed
	equal("its mistakes are told as all others", res.error, ERR_INVALID_PARAMETER)
	api.options = {nothing = 1}
	res = await api.request("/get").completed
	check("those of the session too", res.error_message.contains("'nothing'"), res.error_message)
	check("the shared session is one", WhimbrelHTTP.get_shared().set_cookie(base + "/", "shared=1") == OK)
	equal("its cookies are those of fetch", (await WhimbrelHTTP.fetch(base + "/cookies")).json().cookies, {"shared": "1"})
	WhimbrelHTTP.get_shared().clear_cookies()
	var typed: Dictionary[String, Variant] = {"method": "DELETE"}
	equal("a typed dictionary will do", (await WhimbrelHTTP.fetch(base + "/anything", typed)).json().method, "DELETE")


func groups() -> void:
	var all: Array = await WhimbrelHTTP.fetch_all([base + "/get?n=0", {url = base + "/anything", json = 1}, "nonsense", base + "/status/404"], {headers = {"X-All": "1"}})
	equal("a group is answered in its order", all.map(func(res: WhimbrelHTTPResponse) -> int: return res.status), [200, 200, 0, 404])
	equal("with options for all", [all[0].json().headers["X-All"], all[1].json().headers["X-All"], all[1].json().method], ["1", "1", "POST"])
	equal("a group of none is over too", await WhimbrelHTTP.fetch_all([]), [])
	var urls := range(64).map(func(n: int) -> String: return base + "/anything?n=%d" % n)
	all = await WhimbrelHTTP.fetch_all(urls)
	var wrong := range(64).filter(func(n: int) -> bool: return all[n].json().args != {"n": str(n)})
	equal("sixty-four at once", wrong, [])
	var typed: Array[String] = [base + "/get", base + "/status/204"]
	all = await WhimbrelHTTP.fetch_all(typed)
	equal("a typed array will do", all.map(func(res: WhimbrelHTTPResponse) -> int: return res.status), [200, 204])
	all = await WhimbrelHTTP.fetch_all(PackedStringArray(typed))
	equal("and a packed one", all.map(func(res: WhimbrelHTTPResponse) -> int: return res.status), [200, 204])
	all = await WhimbrelHTTP.fetch_all([{method = "PUT"}, 3])
	equal("a request without a URL is a mistake", all.map(func(res: WhimbrelHTTPResponse) -> int: return res.error), [ERR_INVALID_PARAMETER, ERR_INVALID_PARAMETER])
