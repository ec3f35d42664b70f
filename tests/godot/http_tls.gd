extends "res://check_http.gd"
## TLS, proxies and address overrides, against the origins that the test's driver starts.


func _initialize() -> void:
	var arguments := OS.get_cmdline_user_args()
	base = "https://localhost:%s" % arguments[1]
	await trust()
	await keys()
	await clients()
	await versions()
	await limits()
	await proxies(arguments[0])
	quit(failed)


func certificate(variable: String) -> X509Certificate:
	var loaded := X509Certificate.new()
	loaded.load(OS.get_environment(variable))
	return loaded


func trusted() -> TLSOptions:
	return TLSOptions.client(certificate("WHIMBREL_CERT"))


func trust() -> void:
	var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch(base + "/get")
	equal("an unknown authority is refused", [res.ok, res.error, res.error_code], [false, ERR_CANT_CONNECT, "tls-certificate"])
	res = await WhimbrelHTTP.fetch(base + "/get", {tls = trusted()})
	equal("a trusted one is not", [res.ok, res.error_message, res.timings.has("secured")], [true, "", true])
	res = await WhimbrelHTTP.fetch(base + "/get", {tls = TLSOptions.client(certificate("WHIMBREL_OTHER_CERT"))})
	equal("another one is no help", res.error_code, "tls-certificate")
	res = await WhimbrelHTTP.fetch(base + "/get", {tls = TLSOptions.client(certificate("WHIMBREL_CERT"), "elsewhere.test")})
	equal("nor is another name", res.error_code, "tls-certificate")
	res = await WhimbrelHTTP.fetch(base + "/get", {tls = TLSOptions.client_unsafe()})
	check("unsafe options take anything", res.ok, res.error_message)
	var plain := "http://127.0.0.1:%s/get" % OS.get_cmdline_user_args()[0]
	res = await WhimbrelHTTP.fetch(base + "/redirect-to", {tls = trusted(), query = {url = plain}})
	equal("a redirect to http is not followed", [res.error, res.error_code], [FAILED, "redirect-refused"])
	res = await WhimbrelHTTP.fetch(base + "/redirect-to", {tls = trusted(), query = {url = plain}, allow_downgrade = true})
	equal("unless it may", [res.ok, res.url], [true, plain])
	var session := WhimbrelHTTP.new()
	session.options = {tls = trusted()}
	check("a session may have its own", (await session.request(base + "/get").completed).ok)


func keys() -> void:
	var pin := OS.get_environment("WHIMBREL_PIN")
	var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch(base + "/get", {tls = trusted(), pinned_keys = [pin]})
	check("the right key is taken", res.ok, res.error_message)
	res = await WhimbrelHTTP.fetch(base + "/get", {tls = trusted(), pinned_keys = PackedStringArray(["sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="])})
	equal("another key is not", [res.error, res.error_code], [ERR_CANT_CONNECT, "tls-certificate"])


func clients() -> void:
	var url := "https://localhost:%s/get" % OS.get_environment("WHIMBREL_CLIENT_PORT")
	var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch(url, {tls = trusted()})
	check("a server that wants a certificate refuses who has none", not res.ok and res.error != OK, res)
	var key := CryptoKey.new()
	key.load(OS.get_environment("WHIMBREL_CLIENT_KEY"))
	res = await WhimbrelHTTP.fetch(url, {tls = trusted(), client_certificate = certificate("WHIMBREL_CLIENT_CERT"), client_key = key})
	check("and takes who has one", res.ok, res.error_message)


func versions() -> void:
	var url := "https://localhost:%s/get" % OS.get_environment("WHIMBREL_TLS12_PORT")
	var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch(url, {tls = trusted()})
	check("TLS 1.2 will do", res.ok, res.error_message)
	res = await WhimbrelHTTP.fetch(url, {tls = trusted(), min_tls_version = 1})
	equal("unless 1.3 is wanted", [res.ok, res.error], [false, ERR_CANT_CONNECT])


func limits() -> void:
	var silent := "https://127.0.0.1:%s/" % OS.get_environment("WHIMBREL_MUTE_PORT")
	var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch(silent, {connect_timeout = 0.3, tls = trusted()})
	equal("a handshake that does not come is over time", [res.error, res.error_code], [ERR_TIMEOUT, "tls-timeout"])


func proxies(port: String) -> void:
	var proxy := "http://127.0.0.1:%s" % OS.get_environment("WHIMBREL_PROXY_PORT")
	var res: WhimbrelHTTPResponse = await WhimbrelHTTP.fetch("http://a.test:%s/get" % port, {proxy = proxy})
	check("through a proxy", res.ok, res.error_message)
	res = await WhimbrelHTTP.fetch("http://a.test:%s/get" % port, {proxy = "", timeout = 20})
	check("or through none", not res.ok, res)
	res = await WhimbrelHTTP.fetch("http://a.test:81/get", {resolve = {"a.test:81": "127.0.0.1:%s" % port}})
	equal("an address of one's own", [res.ok, res.url], [true, "http://a.test:81/get"])
