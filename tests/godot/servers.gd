# Servers that others wrote: nginx, plain and over TLS, and squid in front of it.
extends "res://check.gd"

const CONNECTED := WhimbrelHTTPClient.STATUS_CONNECTED
const SIZE := 20000000


func run() -> void:
	var nginx := OS.get_environment("WHIMBREL_NGINX").split(" ")
	var squid := number("WHIMBREL_SQUID")
	for tls in [false, true]:
		for proxied in [false, true]:
			var client := WhimbrelHTTPClient.new()
			if proxied:
				client.set_http_proxy("127.0.0.1", squid)
				client.set_https_proxy("127.0.0.1", squid)
			var what := "nginx%s%s" % [" over TLS" if tls else "", " through squid" if proxied else ""]
			everything(client, int(nginx[1 if tls else 0]), TLSOptions.client(certificate()) if tls else null, what)


func everything(client: WhimbrelHTTPClient, port: int, options: TLSOptions, what: String) -> void:
	if not same(connect_client(client, port, options), CONNECTED, what):
		print(client.error_message)
		return
	for turn in 20:
		if fetch(client, "/hello") != "Hello, world!":
			ok(false, "%s: request %d" % [what, turn], client.error_message)
			return
	ok(true, "%s: 20 requests on a connection" % what)
	client.request(WhimbrelHTTPClient.METHOD_GET, "/large", PackedStringArray())
	head(client)
	same([client.get_response_code(), client.get_response_body_length()], [200, SIZE], "%s: a large file" % what)
	var sum := HashingContext.new()
	sum.start(HashingContext.HASH_MD5)
	var got := 0
	while client.get_status() == WhimbrelHTTPClient.STATUS_BODY:
		client.poll()
		var chunk := client.read_response_body_chunk()
		if not chunk.is_empty():
			got += chunk.size()
			sum.update(chunk)
	same([got, sum.finish().hex_encode()], [SIZE, OS.get_environment("WHIMBREL_LARGE_MD5")], "%s: it is whole" % what)
	fetch(client, "/hello", WhimbrelHTTPClient.METHOD_HEAD)
	same([client.get_response_code(), client.get_status()], [200, CONNECTED], "%s: HEAD" % what)
	client.accept_encoding = true
	client.request(WhimbrelHTTPClient.METHOD_GET, "/page.txt", PackedStringArray())
	head(client)
	ok("Content-Encoding: gzip" in client.get_response_headers(), "%s: nginx compresses" % what)
	same(text(client), "line\n".repeat(1000), "%s: decoded on the fly" % what)
	client.accept_encoding = false
	fetch(client, "/none")
	same([client.get_response_code(), client.get_status()], [404, CONNECTED], "%s: 404" % what)
	fetch(client, "/hello", WhimbrelHTTPClient.METHOD_GET, ["Range: bytes=7-11"])
	same(client.get_response_code(), 206, "%s: a range" % what)
