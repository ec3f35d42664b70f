# Both kinds of proxy, by names that only the proxy knows.
extends "res://check.gd"

const CONNECTED := WhimbrelHTTPClient.STATUS_CONNECTED


func run() -> void:
	var proxy := number("WHIMBREL_PROXY_PORT")
	var client := WhimbrelHTTPClient.new()
	client.set_http_proxy("127.0.0.1", proxy)
	same(connect_client(client, argument(0), null, "a.test"), CONNECTED, "a plain connection is the proxy's")
	for turn in 3:
		var told: Dictionary = JSON.parse_string(fetch(client, "/headers"))
		same(told.headers.get("Host"), "a.test:%d" % argument(0), "request %d is forwarded" % turn)
	client.set_http_proxy("", -1)
	same(connect_client(client, argument(0), null, "a.test"), WhimbrelHTTPClient.STATUS_CANT_RESOLVE,
			"without it the name is unknown")
	var secure := WhimbrelHTTPClient.new()
	secure.set_https_proxy("127.0.0.1", proxy)
	same(connect_client(secure, argument(1), TLSOptions.client(certificate()), "tls.test"), CONNECTED,
			"a TLS connection goes through a tunnel")
	fetch(secure, "/get")
	same(secure.get_response_code(), 200, "  to its origin")
	same(connect_client(secure, argument(1), TLSOptions.client(certificate("WHIMBREL_OTHER_CERT")), "tls.test"),
			WhimbrelHTTPClient.STATUS_TLS_HANDSHAKE_ERROR, "  which is verified all the same")
	same(connect_client(secure, argument(0), null, "127.0.0.1"), CONNECTED,
			"the HTTPS proxy is not asked for plain connections")
	var other := WhimbrelHTTPClient.new()
	other.set_http_proxy("127.0.0.1", proxy)
	same(connect_client(other, argument(1), TLSOptions.client(certificate()), "localhost"), CONNECTED,
			"nor the HTTP proxy for TLS")
	var nobody := WhimbrelHTTPClient.new()
	nobody.set_http_proxy("127.0.0.1", number("WHIMBREL_CLOSED_PORT"))
	same(connect_client(nobody, argument(0)), WhimbrelHTTPClient.STATUS_CANT_CONNECT, "a proxy that refuses")
	nobody.set_https_proxy("127.0.0.1", number("WHIMBREL_CLOSED_PORT"))
	same(connect_client(nobody, argument(1), TLSOptions.client_unsafe()), WhimbrelHTTPClient.STATUS_CANT_CONNECT,
			"and for TLS")
	ok(nobody.error_message.length() > 10, "  with a sentence", nobody.error_message)
	OS.set_environment("http_proxy", "http://127.0.0.1:%d" % number("WHIMBREL_CLOSED_PORT"))
	same(connect_client(WhimbrelHTTPClient.new(), argument(0)), CONNECTED, "the environment's proxies are not asked")
